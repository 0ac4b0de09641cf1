//! ghtok signs a person in to GitHub once and hands every tool a short-lived token.
//!
//! This file is the composition root: the only place that names concrete adapters. The library
//! serves the `ghtok` binary and the project's tests; it promises no stability.

pub mod app;
pub mod auth;
#[cfg(target_os = "linux")]
pub mod bus;
pub mod cli;
pub mod commands;
pub mod config;
pub mod error;
pub mod formats;
pub mod github;
pub mod host;
pub mod limits;
pub mod mcp;
pub mod plain_file;
pub mod private_file;
pub mod schedule;
pub mod store;
pub mod system;
pub mod token;

// What commands are put together from.
#[path = "lib/exec.rs"]
mod compose_exec;
#[path = "lib/git.rs"]
mod compose_git;
#[path = "lib/login.rs"]
mod compose_login;
#[path = "lib/mcp.rs"]
mod compose_mcp;
#[path = "lib/reach.rs"]
mod compose_reach;
#[path = "lib/report.rs"]
mod compose_report;
#[path = "lib/schedule.rs"]
mod compose_schedule;
#[path = "lib/setup.rs"]
mod compose_setup;
#[path = "lib/sign_ins.rs"]
mod compose_sign_ins;
#[path = "lib/stores.rs"]
mod compose_stores;

use std::cell::RefCell;
use std::ffi::{OsStr, OsString};
use std::mem::ManuallyDrop;
use std::path::PathBuf;
use std::process::ExitCode;
#[cfg(target_os = "linux")]
use std::sync::Arc;
use std::sync::OnceLock;

use log::LevelFilter;

use crate::app::App;
use crate::auth::broker::Broker;
use crate::auth::outcome::NetworkId;
use crate::auth::ports::{Clock, Observer, Refresher};
use crate::auth::refresh::Refresh;
use crate::cli::{Cli, Command};
use crate::commands::refresher::Order;
use crate::commands::{Call, exec, get, headers, login, refresh, refresher};
use crate::compose_report::{report, tell};
use crate::config::{Config, Environment, FileState, StoreChoice, network_variables};
use crate::error::{Result, most_serious};
use crate::github::GitHub;
use crate::limits::Limits;
#[cfg(target_os = "linux")]
use crate::store::secret_service::SecretService;
use crate::store::state_folder::StateFolder;
use crate::system::clock::SystemClock;
use crate::system::logger;
use crate::system::network::network_id;
use crate::system::notes::Notes;
use crate::system::process;
use crate::system::refresher::DetachedRefresher;
use crate::system::signals::HeldOff;
use crate::system::terminal::Terminal;

/// What a test replaces of the machine for a whole run.
pub struct Machine<'a> {
    /// Time.
    pub clock: &'a (dyn Clock + Sync),
    /// Is told what happens.
    pub observer: &'a (dyn Observer + Sync),
    /// Every wait's limit.
    pub limits: Limits,
}

/// Runs ghtok on this machine.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let machine = Machine {
        clock: &SystemClock::start(),
        observer: &Notes,
        limits: Limits::STANDARD,
    };
    run_on(&machine, arguments)
}

/// Runs ghtok on a machine that a test may have replaced in part.
pub fn run_on(machine: &Machine<'_>, arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let verb = arguments.get(1).cloned();
    let shell = cli::shell_of(&arguments);
    let code = run_to_code(machine, arguments, verb.as_deref());
    if let Some(shell) = shell.filter(|_| code != 0) {
        // If nobody reads it, no shell evaluates it.
        let _ = get::tell_shell_of_failure(shell, code, Terminal);
    }
    ExitCode::from(code)
}

fn run_to_code(machine: &Machine<'_>, arguments: Vec<OsString>, verb: Option<&OsStr>) -> u8 {
    let cli = match Cli::read(arguments) {
        Ok(cli) => cli,
        Err(told) => {
            let code = tell(&told);
            let for_exec = verb.is_some_and(|verb| verb == "exec" || verb == "mcp") && code != 0;
            return if for_exec { exec::FAILED } else { code };
        }
    };
    match dispatch(machine, &cli) {
        Ok(code) => code,
        Err(error) => {
            report(&error, cli.error_output());
            match cli.command {
                Command::Exec(_) | Command::Mcp(_) => exec::exit_code(&error),
                _ => error.exit_code(),
            }
        }
    }
}

fn dispatch(machine: &Machine<'_>, cli: &Cli) -> Result<u8> {
    if matches!(
        cli.command,
        Command::Refresher(_) | Command::AskReach(_) | Command::McpGuard(_)
    ) {
        process::leave_session();
    }
    if let Command::McpGuard(_) = cli.command {
        return Ok(compose_mcp::guard(machine));
    }
    if let Command::GitCredential(git) = &cli.command {
        return compose_git::answer(machine, cli, git);
    }
    // The process ends with its command, and the system then closes the connection to the keychain:
    // taking it apart would cost a cached get 2 % more.
    let root = ManuallyDrop::new(Root::load(machine, cli)?);
    if root.uses_store(&cli.command) {
        root.config.check_store()?;
    }
    let usual = root.config.min_ttl;
    match &cli.command {
        Command::Get(get) => {
            let inherited = Environment::inherited_by_tools;
            root.for_one(|call| get::run(get.input(), usual, inherited, call))
        }
        Command::Login(login) => root.log_in(login),
        Command::Refresh(refresh) => {
            let (began, input) = (machine.clock.now(), refresh.input());
            root.for_scope(refresh.scope(), cli, |call| {
                refresh::run(input, usual, call)
                    .inspect(|()| root.ask_reach_after(began, input, call))
            })
        }
        Command::Status(status) => root.status(status),
        Command::Logout(logout) => root.log_out(logout, cli),
        Command::Exec(exec) => root.exec(exec, cli.log_level() != LevelFilter::Off),
        Command::Mcp(mcp) => root.mcp(mcp),
        Command::Setup(setup) => root.set_up(setup),
        Command::Schedule(schedule) => root.schedule(schedule),
        Command::Headers(headers) => {
            root.for_one(|call| headers::run(headers.min_ttl(), usual, call))
        }
        // Answered above, where no configuration is read that is not needed.
        Command::GitCredential(_) | Command::McpGuard(_) => Ok(0),
        Command::Refresher(refresher) => root.refresh_here(refresher.order),
        Command::AskReach(_) => root.ask_reach_here(),
    }
}

/// The machine and the configuration, from which everything of one call is put together.
struct Root<'a> {
    machine: &'a Machine<'a>,
    config: Config,
    /// Where a new sign-in goes, once that is decided.
    store_for_login: OnceLock<StoreChoice>,
    #[cfg(target_os = "linux")]
    secret_service: OnceLock<Arc<SecretService>>,
}

impl<'a> Root<'a> {
    fn load(machine: &'a Machine<'a>, cli: &Cli) -> Result<Self> {
        let environment = Environment::from_process();
        let level = cli.log_level().max(environment.log_level()?);
        let is_refresher = matches!(cli.command, Command::Refresher(_));
        if !is_refresher {
            logger::to_standard_error(level);
        }
        let config = Config::load(&cli.flags(), &environment)?;
        if is_refresher && level != LevelFilter::Off {
            log_to_file(level, &config);
        }
        log::info!(
            "configuration: {} {}",
            config.file.display(),
            match config.file_state {
                FileState::Missing => "not there",
                FileState::Read => "read",
            }
        );
        Ok(Self::new(machine, config))
    }

    fn new(machine: &'a Machine<'a>, config: Config) -> Self {
        Self {
            machine,
            config,
            store_for_login: OnceLock::new(),
            #[cfg(target_os = "linux")]
            secret_service: OnceLock::new(),
        }
    }
}

impl Root<'_> {
    /// False for what changes or shows other programs' files alone. An App that no configuration
    /// describes is described there with its store.
    fn uses_store(&self, command: &Command) -> bool {
        match command {
            Command::Schedule(schedule) if schedule.is_for_the_timer_alone() => false,
            Command::Setup(_) => self.config.all_apps().any(|app| app.name.is_none()),
            _ => true,
        }
    }

    fn for_one(&self, work: impl FnOnce(&Call<'_>) -> Result<()>) -> Result<u8> {
        self.with_call(self.config.app(None)?, work).map(|()| 0)
    }

    fn for_scope(
        &self,
        scope: cli::Scope,
        cli: &Cli,
        work: impl Fn(&Call<'_>) -> Result<()>,
    ) -> Result<u8> {
        match scope {
            cli::Scope::One => self.for_one(work),
            cli::Scope::All => {
                let codes = self.config.all_apps().map(|app| {
                    self.with_call(app, &work).map_or_else(
                        |error| {
                            report(&error, cli.error_output());
                            error.exit_code()
                        },
                        |()| 0,
                    )
                });
                Ok(most_serious(codes))
            }
        }
    }

    /// The body of the refresh process.
    fn refresh_here(&self, order: Order) -> Result<u8> {
        let began = self.machine.clock.now();
        let app = self.config.app(None)?;
        self.refresh_whole(order, app)?;
        self.start_asking_reach(began, order, app).map(|()| 0)
    }

    /// Signals are held off until the new pair is stored.
    fn refresh_whole(&self, order: Order, app: &App) -> Result<()> {
        let _held_off = HeldOff::begin();
        let store = self.open_store(app, self.store_of(app)?)?;
        let handed_over = process::handed_over().and_then(|file| store.adopt_lock(file).ok());
        let github = self.github(app);
        let network = || self.network_id();
        let refresh = self.refresh(app, &github, &network);
        self.with_call(app, |call| {
            refresher::run(order, handed_over, &refresh, call)
        })
    }

    /// Puts together what a command needs for one App, and runs it.
    fn with_call<T>(&self, app: &App, work: impl FnOnce(&Call<'_>) -> Result<T>) -> Result<T> {
        self.with_call_in(app, self.store_of(app)?, work)
    }

    /// As [`Self::with_call`], for the record in this store.
    fn with_call_in<T>(
        &self,
        app: &App,
        choice: StoreChoice,
        work: impl FnOnce(&Call<'_>) -> Result<T>,
    ) -> Result<T> {
        let Machine {
            clock,
            observer,
            limits,
        } = *self.machine;
        let store = self.open_store(app, choice)?;
        let login_command = login::command(app, self.store_to_name(app, choice));
        let github = self.github(app);
        let network = || self.network_id();
        let here = self.refresh(app, &github, &network);
        let detached = DetachedRefresher {
            program: this_program,
            arguments: &|want| {
                let config_dir = self.config.config_dir_flag.as_deref();
                refresher::arguments(app, choice, config_dir, want)
            },
            github: &github,
            otherwise: &here as &dyn Refresher,
            running: RefCell::default(),
        };
        let broker = Broker {
            app,
            login_command: &login_command,
            store: &store,
            refresher: &detached,
            clock,
            observer,
            network: &network,
            limits,
        };
        work(&Call {
            app,
            login_command: &login_command,
            store: &store,
            broker,
            github: &github,
            clock,
            terminal: Terminal,
            limits,
        })
    }
}

impl Root<'_> {
    fn github(&self, app: &App) -> GitHub {
        let network = self.config.network.clone();
        GitHub::new(&app.host, &app.client_id, network, self.machine.limits)
    }

    /// Where this process connects from.
    fn network_id(&self) -> NetworkId {
        let settings = format!("{:?}", self.config.network);
        network_id((settings, network_variables()))
    }

    fn refresh<'a>(
        &'a self,
        app: &'a App,
        github: &'a GitHub,
        network: &'a dyn Fn() -> NetworkId,
    ) -> Refresh<'a> {
        Refresh {
            github,
            account: app.account.as_ref(),
            clock: self.machine.clock,
            observer: self.machine.observer,
            network,
            limits: self.machine.limits,
        }
    }
}

/// The refresher has no standard error: its log is a file of the record, which each refresh begins anew.
fn log_to_file(level: LevelFilter, config: &Config) {
    let Ok(app) = config.app(None) else { return };
    let path = StateFolder::at(config.state_dir.clone()).log(&app.key());
    if let Ok(file) = store::private_file::create(&path) {
        logger::to_file(level, file);
        log::info!("refresher {}", std::process::id());
    }
}

/// This program, wherever it is now; `None` if the system does not tell.
fn this_program() -> Option<PathBuf> {
    std::env::current_exe().ok()
}
