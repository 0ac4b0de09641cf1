//! What a subcommand works with: the configuration, the machine, and for each App its store and its
//! broker.

mod background;
mod issued;
mod login_command;
mod mcp_servers;
mod orphans;
mod reach;
mod report;
#[cfg(unix)]
mod sandboxes;
mod schedule;
mod scoped;
pub(crate) mod sign_in;
mod sign_ins;
pub(crate) mod sign_out;
mod stores;
mod timers;
mod token_source;
mod write_test;

use std::cell::RefCell;
use std::mem::ManuallyDrop;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use log::LevelFilter;

pub(crate) use self::background::RefreshOrder;
pub use self::login_command::login_command;
pub(crate) use self::mcp_servers::{FoundServer, ghtok_servers, written_in};
pub(crate) use self::reach::{OnlineCheck, ask_github};
pub(crate) use self::report::report;
#[cfg(unix)]
pub(crate) use self::sandboxes::{HeldSandbox, LogEntry, LogPeer, SandboxNote};
pub(crate) use self::schedule::clear_timer;
pub use self::scoped::Holder;
pub(crate) use self::sign_ins::{OtherSignIns, Reading};
pub(crate) use self::stores::store_of;
pub(crate) use self::timers::{InstalledTimer, Timers};
pub use self::token_source::{IssuedToken, SignInTokens, TokenSource};
use crate::app::App;
use crate::auth::broker::{Broker, store_error};
use crate::auth::outcome::NetworkId;
use crate::auth::ports::{Clock, LockedStore, Observer, Refresher, StoreError, TokenStore};
use crate::auth::refresh::Refresh;
use crate::config::{Config, Environment, FileState, Flags, network_variables};
use crate::error::{Error, Result, most_serious};
use crate::github::GitHub;
use crate::limits::Limits;
use crate::store::state_file;
use crate::store::state_folder::StateFolder;
use crate::store::{ScopedItems, Stores};
use crate::store_choice::StoreChoice;
use crate::system::logger;
use crate::system::network::network_id;
use crate::system::process::{self, Children};
use crate::system::refresher::DetachedRefresher;
use crate::system::terminal::Terminal;
use crate::token::MinTtl;

/// The parts of the machine that tests replace for a whole run.
pub struct Machine<'a> {
    /// The wall clock and the monotonic clock.
    pub clock: &'a (dyn Clock + Sync),
    /// Receives the events of this run.
    pub observer: &'a (dyn Observer + Sync),
    /// The time limits.
    pub limits: Limits,
}

/// One run of ghtok: its configuration and the machine it runs on.
pub(crate) struct Session<'a> {
    pub(crate) machine: &'a Machine<'a>,
    pub(crate) config: Config,
    /// The store for a new sign-in, once chosen.
    store_for_login: OnceLock<StoreChoice>,
    stores: Stores,
}

/// What a subcommand needs for one App.
pub struct Call<'a> {
    /// The App.
    pub app: &'a App,
    /// The command that signs in to it, for messages.
    pub login_command: &'a dyn Fn() -> String,
    /// The store of its record.
    pub store: &'a dyn TokenStore,
    /// Gets its token.
    pub broker: Broker<'a>,
    /// The server where it is registered.
    pub github: &'a dyn Fn() -> GitHub,
    /// Opens the store of its scoped tokens.
    pub scoped: &'a dyn Fn() -> Result<ScopedItems>,
    /// The configured min TTL; `--min-ttl` overrides it.
    pub min_ttl: MinTtl,
    /// The wall clock and the monotonic clock.
    pub clock: &'a dyn Clock,
    /// The standard streams.
    pub terminal: Terminal,
    /// The time limits.
    pub limits: Limits,
}

impl<'a> Session<'a> {
    /// Reads the configuration. The session is never dropped: the process ends right after the command,
    /// and dropping the keychain connection would make a cached `get` 2 % slower.
    ///
    /// # Errors
    /// If the configuration is invalid.
    pub(crate) fn load(
        machine: &'a Machine<'a>,
        flags: &Flags,
        environment: &Environment,
    ) -> Result<ManuallyDrop<Self>> {
        let config = Config::load(flags, environment)?;
        log_configuration(&config);
        Ok(ManuallyDrop::new(Self::new(machine, config)))
    }

    /// As [`Self::load`], for the refresher, which has no stderr: it logs to a file of the record, and
    /// each refresh overwrites the previous log.
    pub(crate) fn load_with_log_file(
        machine: &'a Machine<'a>,
        flags: &Flags,
        environment: &Environment,
        level: LevelFilter,
    ) -> Result<ManuallyDrop<Self>> {
        let config = Config::load(flags, environment)?;
        if level != LevelFilter::Off {
            let path = StateFolder::at(config.state_dir.clone()).log(&config.app(None)?.key());
            if let Ok(file) = state_file::create(&path) {
                logger::to_file(level, file);
                log::info!("refresher {}", std::process::id());
            }
        }
        log_configuration(&config);
        Ok(ManuallyDrop::new(Self::new(machine, config)))
    }

    fn new(machine: &'a Machine<'a>, config: Config) -> Self {
        Self {
            machine,
            stores: stores::stores(&config, machine.limits),
            config,
            store_for_login: OnceLock::new(),
        }
    }

    /// The same configuration without open stores: an MCP conversation may outlive a connection to the
    /// keychain.
    pub(crate) fn reopened(&self) -> Self {
        Self::new(self.machine, self.config.clone())
    }
}

impl Session<'_> {
    /// Runs `work` for the App that the command line selects.
    pub(crate) fn for_app<T>(&self, work: impl FnOnce(&Call<'_>) -> Result<T>) -> Result<T> {
        self.config.check_store()?;
        self.with_call(self.config.app(None)?, work)
    }

    /// Runs `work` for each App and prints errors as they occur. Returns the most serious exit code.
    pub(crate) fn for_all_apps(
        &self,
        as_json: bool,
        work: impl Fn(&Call<'_>) -> Result<()>,
    ) -> Result<u8> {
        self.config.check_store()?;
        let codes = self.config.all_apps().map(|app| {
            let done = self.with_call(app, &work);
            done.map_or_else(|error| report(&error, as_json), |()| 0)
        });
        Ok(most_serious(codes))
    }

    /// Opens the App's store, builds its broker and runs `work`. What a token that is not due does not need
    /// is a function here.
    pub(crate) fn with_call<T>(
        &self,
        app: &App,
        work: impl FnOnce(&Call<'_>) -> Result<T>,
    ) -> Result<T> {
        self.with_call_in(app, self.store_of(app)?, work)
    }

    /// As [`Self::with_call`], for the record in this store.
    pub(crate) fn with_call_in<T>(
        &self,
        app: &App,
        choice: StoreChoice,
        work: impl FnOnce(&Call<'_>) -> Result<T>,
    ) -> Result<T> {
        let (mut work, mut done) = (Some(work), None);
        self.open_call(app, choice, &mut |call| {
            done = work.take().map(|work| work(call));
        })?;
        done.expect("an open call runs its work")
    }

    /// Not generic: a copy for each subcommand would make every start of the program slower.
    fn open_call(
        &self,
        app: &App,
        choice: StoreChoice,
        work: &mut dyn FnMut(&Call<'_>),
    ) -> Result<()> {
        let Machine {
            clock,
            observer,
            limits,
        } = *self.machine;
        let store = self.open_store(app, choice)?;
        let login_command = || login_command(app, self.store_to_name(app, choice));
        let github = || self.github(app);
        let scoped = || self.stores.scoped(app, choice);
        let network = || self.network_id();
        let detached = DetachedRefresher {
            program: this_program,
            arguments: &|want| self.refresher_arguments(app, choice, want),
            github: &github,
            otherwise: &|locked, want| self.refresh(app, &github(), &network).start(locked, want),
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
            scoped: &scoped,
            min_ttl: self.config.min_ttl,
            clock,
            terminal: Terminal,
            limits,
        });
        Ok(())
    }

    pub(crate) fn github(&self, app: &App) -> GitHub {
        let network = self.config.network.clone();
        GitHub::new(&app.host, &app.client_id, network, self.machine.limits)
    }

    /// Identifies the network environment of this process.
    pub(crate) fn network_id(&self) -> NetworkId {
        let settings = format!("{:?}", self.config.network);
        network_id((settings, network_variables()))
    }

    /// The flags with which another process finds an App that is not in the configuration file.
    pub(crate) fn flags_of(&self, app: &App) -> Vec<String> {
        if app.name.is_some() {
            return Vec::new();
        }
        let mut flags = vec![
            format!("--client-id={}", app.client_id),
            format!("--host={}", app.host.web_url()),
        ];
        if self.config.store != StoreChoice::Auto {
            flags.push(format!("--store={}", self.config.store));
        }
        flags
    }

    /// A refresh in this process.
    pub(crate) fn refresh<'a>(
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

impl Call<'_> {
    pub(crate) fn login_command(&self) -> String {
        (self.login_command)()
    }

    pub(crate) fn github(&self) -> GitHub {
        (self.github)()
    }

    /// As [`Broker::lock`].
    pub(crate) fn lock(&self) -> Result<Box<dyn LockedStore + '_>> {
        self.broker.lock()
    }

    /// Waits for the end of a refresher that this process started, so that it leaves no zombie. One
    /// that has reported its outcome exits within this time.
    pub(crate) fn reap_refresher(&self) {
        const EXITS_WITHIN: Duration = Duration::from_millis(100);
        let deadline = self.clock.monotonic() + EXITS_WITHIN;
        while process::reap() == Children::Running && self.clock.monotonic() < deadline {
            self.clock.sleep(Duration::from_millis(1));
        }
    }

    pub(crate) fn store_error(&self, error: StoreError) -> Error {
        store_error(error, self.app, &self.login_command(), self.store)
    }
}

fn log_configuration(config: &Config) {
    log::info!(
        "configuration: {} {}",
        config.file.display(),
        match config.file_state {
            FileState::Missing => "does not exist",
            FileState::Read => "read",
        }
    );
}

/// The path of this program that stays valid after an upgrade.
pub(crate) fn stable_program(environment: &Environment) -> PathBuf {
    let program = this_program().unwrap_or_else(|| PathBuf::from("ghtok"));
    process::stable_path(program, &environment.path())
}

/// Every ghtok that the PATH has, in its order.
pub(crate) fn programs_in_path(environment: &Environment) -> Vec<PathBuf> {
    let name = format!("ghtok{}", std::env::consts::EXE_SUFFIX);
    let folders = environment.path();
    let found = folders
        .iter()
        .filter_map(|folder| process::find_program(&name, std::slice::from_ref(folder)));
    found.collect()
}

/// The current path of this program; `None` if the system does not report it.
pub(crate) fn this_program() -> Option<PathBuf> {
    std::env::current_exe().ok()
}
