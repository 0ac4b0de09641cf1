//! Every flag and its help. No logic: it only turns arguments into the commands' inputs.

#![expect(
    clippy::doc_markdown,
    reason = "these texts are shown as they stand, by --help"
)]

mod exec;
mod get;
mod git_credential;
mod headers;
mod login;
mod logout;
mod mcp;
mod refresh;
mod refresher;
mod schedule;
mod setup;
mod status;

use std::ffi::OsString;

use clap::{ArgAction, Args, Parser, Subcommand};
use log::LevelFilter;

pub use self::exec::Exec;
pub use self::get::{Get, shell_of};
pub use self::git_credential::GitCredential;
pub use self::headers::Headers;
pub use self::login::Login;
pub use self::logout::Logout;
pub use self::mcp::{Mcp, McpGuard, Opening};
pub use self::refresh::Refresh;
pub use self::refresher::{AskReach, Refresher};
pub use self::schedule::{Schedule, ScheduleDeed};
pub use self::setup::{Program, Setup};
pub use self::status::Status;
use crate::config::{Flags, StoreChoice};

/// Sign in to GitHub once; every tool gets a short-lived token, silently refreshed.
#[derive(Debug, Parser)]
#[command(
    name = "ghtok",
    version,
    before_help = "Examples:
  ghtok login --client-id Iv23liAbCdEf   sign in once
  ghtok get                              print a valid token
  GH_TOKEN=$(ghtok get) gh repo list     use it",
    arg_required_else_help = true,
    disable_help_subcommand = true,
    propagate_version = true
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Say on standard error what is done and how long it takes; -vv says more [env: GHTOK_LOG]
    #[arg(short, long, action = ArgAction::Count, global = true)]
    verbose: u8,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Sign in through a GitHub App and OAuth's device flow
    #[command(
        before_help = "Examples:
  ghtok login                            the default App
  ghtok login work                       the App \"work\" of the configuration
  ghtok login --client-id Iv23liAbCdEf   a new App, which is written into config.toml
  ghtok login play --client-id Iv23liX   the same, under the name \"play\"
  ghtok login --json                     events for a program, one a line",
        after_help = "Enter opens the page in the first of these commands that is there: GHTOK_BROWSER, BROWSER (not over
SSH without a display, nor in CI), the system's own. Both variables are lists, parted by \":\" (on
Windows by \";\"). Blanks part a command's words, unless all of it is the path of a file; \"%s\" is the
page, which else comes last. No shell reads it: quotes, \"$\" and \"&\" are characters like others."
    )]
    Login(Login),
    /// Print a valid token; never prompts
    #[command(before_help = "Examples:
  ghtok get
  ghtok get --format header | curl -H @- https://api.github.com/user
  eval \"$(ghtok get --format env)\"
  ghtok get work --min-ttl 1h --format json")]
    Get(Get),
    /// Refresh what is due; with --force, now
    #[command(before_help = "Examples:
  ghtok refresh             the default App, if its token is due
  ghtok refresh --all       every configured App
  ghtok refresh --force     now, for instance after installing the App on a repository")]
    Refresh(Refresh),
    /// Show what is stored and how long it is good; no secret, no network
    #[command(before_help = "Examples:
  ghtok status
  ghtok status --json
  ghtok status work --check && echo signed in")]
    Status(Status),
    /// Forget a sign-in, a damaged one too
    #[command(before_help = "Examples:
  ghtok logout
  ghtok logout --all
  ghtok logout --revoke     GitHub forgets it too, and mails the tokens' owner")]
    Logout(Logout),
    /// Run a command with a token in its environment, and nowhere else
    #[command(before_help = "Examples:
  ghtok exec -- gh repo list
  ghtok exec work --min-ttl 1h -- ./release.sh
  ghtok exec -e HOMEBREW_GITHUB_API_TOKEN -- brew upgrade
  ghtok exec -e GH_TOKEN:main -e GH_ENTERPRISE_TOKEN:work -- ./mirror.sh")]
    Exec(Exec),
    /// Print the request headers that carry a valid token, as JSON; never prompts
    #[command(before_help = "Examples:
  ghtok headers
  ghtok headers work")]
    Headers(Headers),
    /// Run an MCP server with a token that stays valid as long as the conversation lasts
    #[command(before_help = "Examples:
  ghtok mcp -- github-mcp-server stdio
  ghtok mcp work -- docker run -i --rm -e GITHUB_PERSONAL_ACCESS_TOKEN IMAGE
  ghtok mcp --env GH_TOKEN -- npx -y some-server")]
    Mcp(Mcp),
    /// Keep sign-ins alive by a timer, and be warned before one ends
    Schedule(Schedule),
    /// Have another program ask ghtok, with consent and a real undo
    Setup(Setup),
    /// Answer git's questions for a credential; never prompts
    #[command(before_help = "Examples:
  git config --global credential.https://github.com.helper '!ghtok git-credential'
  echo url=https://github.com | ghtok git-credential get")]
    GitCredential(GitCredential),
    /// Run one refresh in a process of its own
    #[command(hide = true)]
    Refresher(Refresher),
    /// Ask GitHub where an App is installed
    #[command(hide = true)]
    AskReach(AskReach),
    /// End the servers that a killed `mcp` left behind
    #[command(hide = true)]
    McpGuard(McpGuard),
}

/// Which App, and where its tokens are kept.
#[derive(Debug, Default, Args)]
pub struct Target {
    /// The App's name in the configuration [default: GHTOK_APP, then default_app, then the only one]
    #[arg(value_name = "APP")]
    named: Option<String>,
    /// The same as APP
    #[arg(long, value_name = "APP", conflicts_with = "named")]
    app: Option<String>,
    #[command(flatten)]
    described: Described,
}

/// An App described by flags.
#[derive(Debug, Default, Args)]
pub struct Described {
    /// The GitHub App's client ID, for an App that is not configured [env: GHTOK_CLIENT_ID]
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// The host it is registered on [env: GHTOK_HOST] [default: github.com]
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    /// Where tokens are kept: auto, keychain, kernel or file [env: GHTOK_STORE] [default: auto]
    #[arg(long, value_name = "STORE")]
    store: Option<StoreChoice>,
}

/// How errors are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorOutput {
    /// Lines for people.
    Text,
    /// A JSON object.
    Json,
}

/// Which Apps a command is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The one that the flags choose.
    One,
    /// Every configured one.
    All,
}

impl Cli {
    /// Reads the arguments, the program's name first. What scripts, helpers and timers ask all day is
    /// read without building the parser: plain `get` and `get APP`, git's questions, `schedule run`.
    ///
    /// # Errors
    /// What clap has to say, help and version included.
    pub fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let arguments = git_credential::by_own_name(arguments);
        let plain = get::plain(&arguments)
            .map(Command::Get)
            .or_else(|| git_credential::plain(&arguments).map(Command::GitCredential))
            .or_else(|| schedule::plain(&arguments).map(Command::Schedule));
        match plain {
            Some(command) => Ok(Self {
                command,
                verbose: 0,
            }),
            None => exec::read(arguments),
        }
    }

    /// What `-v` asks for.
    pub fn log_level(&self) -> LevelFilter {
        match self.verbose {
            0 => LevelFilter::Off,
            1 => LevelFilter::Info,
            _ => LevelFilter::Debug,
        }
    }

    /// How the caller wants errors.
    pub fn error_output(&self) -> ErrorOutput {
        let json = match &self.command {
            Command::Login(login) => login.wants_json(),
            Command::Get(get) => get.wants_json(),
            Command::Refresh(refresh) => refresh.wants_json(),
            Command::Status(status) => status.wants_json(),
            Command::Logout(logout) => logout.wants_json(),
            Command::Schedule(schedule) => schedule.wants_json(),
            Command::Exec(_)
            | Command::Headers(_)
            | Command::Mcp(_)
            | Command::McpGuard(_)
            | Command::Setup(_)
            | Command::GitCredential(_)
            | Command::Refresher(_)
            | Command::AskReach(_) => false,
        };
        if json {
            ErrorOutput::Json
        } else {
            ErrorOutput::Text
        }
    }

    /// What the flags say about the App and its store.
    pub fn flags(&self) -> Flags {
        match &self.command {
            Command::Login(login) => login.flags(),
            Command::Get(get) => get.flags(),
            Command::Refresh(refresh) => refresh.flags(),
            Command::Status(status) => status.flags(),
            Command::Logout(logout) => logout.flags(),
            Command::Exec(exec) => exec.flags(),
            Command::Headers(headers) => headers.flags(),
            Command::Setup(setup) => setup.flags(),
            Command::Schedule(schedule) => schedule.flags(),
            Command::GitCredential(git) => git.flags(),
            Command::Mcp(mcp) => mcp.flags(),
            Command::McpGuard(_) => Flags::default(),
            Command::Refresher(refresher) => refresher.flags(),
            Command::AskReach(ask) => ask.flags(),
        }
    }
}

impl Target {
    fn flags(&self) -> Flags {
        Flags {
            app: self.named.clone().or_else(|| self.app.clone()),
            ..self.described.flags()
        }
    }
}

impl Described {
    fn flags(&self) -> Flags {
        Flags {
            app: None,
            client_id: self.client_id.clone(),
            host: self.host.clone(),
            store: self.store,
            account: None,
            config_dir: None,
        }
    }
}
