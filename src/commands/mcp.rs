//! `ghtok mcp`: runs an MCP server with a token that stays valid, and the hidden process that ends the
//! servers of a killed `mcp`.

use std::ffi::{OsStr, OsString};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use crate::app::App;
use crate::auth::ports::Clock;
use crate::auth::scope::TokenScope;
use crate::commands::{ScopeFlags, Subcommand, Target, Unseparated};
use crate::config::{Browsers, Desktop, Environment, Flags};
use crate::error::{Error, Result};
use crate::formats::durations::parse_duration;
use crate::host::Host;
use crate::host::token_env::{
    self, EnvChange, MCP_TOKEN, OtherTokens, Reason, Recipient, TokenVariable,
};
use crate::mcp::conversation::{Asking, Restarts, Settings, Timing};
use crate::mcp::remote::Remote;
use crate::mcp::remote::address::RemoteAddress;
use crate::mcp::remote::extra_header::parse_header;
use crate::mcp::runtime::{CommandServer, Servers, Wrapper};
use crate::mcp::tokens::{HostTokens, OwnTokens, Tokens};
use crate::mcp::watchdog::{self, Watchdog};
use crate::sandbox::client::SandboxClient;
use crate::session::{Holder, Machine, Session, login_command, report, this_program};
use crate::system::browser::Browser;
use crate::system::process;
use crate::system::terminal::Terminal;

/// Run an MCP server, or reach a remote one, with a token that stays valid
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[command(after_help = "Examples:
  ghtok mcp -- github-mcp-server stdio
  ghtok mcp work -- docker run -i --rm -e GITHUB_PERSONAL_ACCESS_TOKEN IMAGE
  ghtok mcp --repo octocat/hello --read-only -- github-mcp-server stdio
  ghtok mcp --env GH_TOKEN -- npx -y some-server
  ghtok mcp --url https://api.githubcopilot.com/mcp/")]
pub(crate) struct Mcp {
    #[command(flatten)]
    target: Target,
    /// Reach the remote server at this URL (Streamable HTTP) instead of running one
    #[arg(long, value_name = "URL", conflicts_with_all = ["command", "variables", "no_restart", "start_timeout"])]
    url: Option<String>,
    /// Send this header to the remote server; ${VARIABLE} stands for a variable's value; repeatable
    #[arg(long = "header", value_name = "NAME: VALUE", requires = "url")]
    headers: Vec<String>,
    /// Send the token to this host, which is not GitHub's own
    #[arg(long, value_name = "HOST", requires = "url")]
    allow_host: Option<String>,
    /// Put the token into this variable; repeatable [default: GITHUB_PERSONAL_ACCESS_TOKEN]
    #[arg(long = "env", value_name = "NAME")]
    variables: Vec<String>,
    /// How long a tool call waits for a sign-in
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "15m")]
    wait: Duration,
    /// Never ask for a sign-in
    #[arg(long)]
    no_prompt: bool,
    /// Ask for a sign-in at the start, not at the first tool call
    #[arg(long, conflicts_with = "no_prompt")]
    eager: bool,
    /// Also open the sign-in page in the browser
    #[arg(long, conflicts_with = "no_prompt")]
    open: bool,
    /// Never replace a server that has a token, not even when the token is renewed
    #[arg(long)]
    no_restart: bool,
    /// How long running calls may delay replacing the server
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "30s")]
    max_drain: Duration,
    /// Minimum time a new server gets to start; three times the first start if that is longer
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "60s")]
    start_timeout: Duration,
    #[command(flatten)]
    scope: ScopeFlags,
    /// The server and its arguments
    #[arg(last = true, required_unless_present = "url", value_name = "CMD")]
    command: Vec<OsString>,
    /// Set if no `--` stood before the command.
    #[arg(skip)]
    unseparated: Option<Unseparated>,
}

/// End the servers that a killed `mcp` left behind
#[derive(Debug, Args)]
#[command(hide = true)]
pub(crate) struct McpGuard {}

impl Subcommand for Mcp {
    fn flags(&self) -> Flags {
        self.target.flags()
    }

    fn run(&self, session: &Session<'_>) -> Result<u8> {
        session.config.check_store()?;
        if let Some(unseparated) = &self.unseparated {
            let apps: Vec<&str> = session.config.all_apps().map(App::label).collect();
            return Err(unseparated.error(&apps));
        }
        let app = session.config.app(None)?;
        // The time zone can be read only while there is one thread.
        let clock = session.machine.clock;
        let _ = clock.local_time(clock.now());
        let servers = match self.remote(app, session)? {
            Some(remote) => Servers::Remote(Arc::new(remote)),
            None => self.command_server(&app.host)?,
        };
        let store = session.store_of(app)?;
        let settings = Settings {
            login_command: login_command(app, session.store_to_name(app, store)),
            ..self.settings(app.label().to_owned())
        };
        let tokens = Tokens::SignIn(OwnTokens {
            session,
            app,
            browser: if self.open { browser() } else { None },
            scope: self.scoped(app, session)?,
        });
        Ok(self.converse(settings, servers, &tokens, clock))
    }

    fn run_in_sandbox(&self, sandbox: &SandboxClient<'_>) -> Result<u8> {
        if let Some(unseparated) = &self.unseparated {
            return Err(unseparated.error(&[]));
        }
        self.scope.check_in_sandbox()?;
        if self.url.is_some() {
            return Err(Error::Config {
                origin: "--url".into(),
                problem: "a sandbox has no tokens for remote servers".into(),
            });
        }
        let source = sandbox.tokens(&self.flags())?;
        let (app, host) = sandbox.app_and_host()?;
        let servers = self.command_server(&host)?;
        let settings = Settings {
            login_command: format!("on the host: ghtok login {app}"),
            // A sign-in belongs to the host.
            asking: Asking::Never,
            ..self.settings(app)
        };
        let tokens = Tokens::Sandbox(HostTokens::new(&source));
        Ok(self.converse(settings, servers, &tokens, sandbox.clock()))
    }

    fn exit_code(&self, error: &Error) -> u8 {
        error.wrapper_exit_code()
    }
}

impl Mcp {
    pub(crate) fn mark_unseparated(&mut self, unseparated: Unseparated) {
        self.unseparated = Some(unseparated);
    }

    /// The settings of a conversation that does not know how to sign in.
    fn settings(&self, app: String) -> Settings {
        Settings {
            app,
            login_command: String::new(),
            asking: self.asking(),
            restarts: match (&self.url, self.no_restart) {
                (Some(_), _) => Restarts::ForSessions,
                (None, true) => Restarts::Never,
                (None, false) => Restarts::Allowed,
            },
            wait: self.wait,
            max_drain: self.max_drain,
            start_timeout: self.start_timeout,
            timing: Timing::STANDARD,
        }
    }

    /// Runs the conversation to its end; returns the exit code.
    fn converse(
        &self,
        settings: Settings,
        servers: Servers<'_>,
        tokens: &Tokens<'_>,
        clock: &(dyn Clock + Sync),
    ) -> u8 {
        let wrapper = Wrapper {
            servers,
            tokens,
            clock,
            end: &|ended| {
                tokens.end();
                process::end(ended.unwrap_or_else(|why| self.not_started(&why)))
            },
        };
        process::notice_exits();
        let ended = wrapper.run(settings);
        tokens.end();
        match ended {
            Ok(()) => 0,
            Err(error) => self.not_started(&error),
        }
    }

    /// Servers that this command starts.
    fn command_server(&self, host: &Host) -> Result<Servers<'_>> {
        Ok(Servers::Command(CommandServer {
            command: &self.command,
            variables: self.plan(host)?,
            watchdog: Watchdog::new(this_program),
        }))
    }

    /// The remote server, if there is one.
    fn remote(&self, app: &App, session: &Session<'_>) -> Result<Option<Remote>> {
        let Some(url) = &self.url else {
            return Ok(None);
        };
        let invalid = |origin: &str, problem: String| Error::Config {
            origin: origin.to_owned(),
            problem,
        };
        let allowed = self.allow_host.as_deref().map(Host::parse).transpose();
        let allowed = allowed.map_err(|problem| invalid("--allow-host", problem.to_owned()))?;
        let address = RemoteAddress::parse(url, &app.host, allowed.as_ref())
            .map_err(|problem| invalid("--url", problem))?;
        let environment = Environment::from_process();
        let variable = |name: &str| environment.for_header(name);
        let headers = self
            .headers
            .iter()
            .map(|text| parse_header(text, &variable));
        let headers: Vec<_> = headers
            .collect::<std::result::Result<_, _>>()
            .map_err(|problem| invalid("--header", problem))?;
        let network = session.config.network.clone();
        Ok(Some(Remote::new(address, headers, network, app.label())))
    }

    /// The changes to the environment of the servers.
    fn plan(&self, host: &Host) -> Result<Vec<EnvChange>> {
        let variables = match self.variables.as_slice() {
            [] => vec![MCP_TOKEN],
            named => named.iter().map(String::as_str).collect(),
        };
        let grants: Vec<TokenVariable<'_>> = variables
            .into_iter()
            .map(|variable| TokenVariable { variable, host })
            .collect();
        let inherited = Environment::inherited_by_tools();
        let plan = token_env::plan(
            Recipient::McpServer,
            &grants,
            OtherTokens::Remove,
            &inherited,
        )?;
        if let Some(note) = plan.note(Recipient::McpServer, &[Reason::OtherHost]) {
            Terminal.note(&note);
        }
        Ok(plan.changes)
    }

    /// The scope of the tokens, and the name under which this process has one.
    fn scoped(&self, app: &App, session: &Session<'_>) -> Result<Option<(TokenScope, Holder)>> {
        let Some(scope) = self.scope.scope(&app.host)? else {
            return Ok(None);
        };
        let name = format!("mcp-{}", std::process::id());
        let holder = session.with_call(app, |call| call.hold(name))?;
        Ok(Some((scope, holder)))
    }

    fn asking(&self) -> Asking {
        match (self.no_prompt, self.eager) {
            (true, _) => Asking::Never,
            (false, true) => Asking::AtOnce,
            (false, false) => Asking::WhileHolding,
        }
    }

    /// Reports that the first server could not be started; returns the exit code.
    fn not_started(&self, why: &io::Error) -> u8 {
        let program = self.command.first().map_or(OsStr::new(""), |word| word);
        let error = process::not_started(program, why);
        report(&error, false);
        self.exit_code(&error)
    }
}

impl McpGuard {
    pub(crate) fn run(machine: &Machine<'_>) -> u8 {
        process::leave_session();
        if let Some(input) = process::handed_over() {
            watchdog::run(input, machine.clock);
        }
        0
    }
}

/// The browser of this desktop, if there is one.
fn browser() -> Option<Browser> {
    let desktop = Desktop::of(&Environment::from_process());
    let found = match &desktop.browsers {
        Browsers::Named(_, commands) | Browsers::Usual(commands) => {
            Browser::find(commands, &desktop.folders)
        }
        Browsers::OutOfSight(_) => None,
    };
    if found.is_none() {
        Terminal.note("mcp: --open: no browser was found");
    }
    found
}
