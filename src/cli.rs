//! The list of subcommands, the global flags, and the calls that are read without the parser.

#![expect(
    clippy::doc_markdown,
    reason = "these texts are shown as they stand, by --help"
)]

use std::ffi::OsString;

use clap::{ArgAction, CommandFactory, Parser};
use log::LevelFilter;

use crate::commands::app::Apps;
use crate::commands::completions::Completions;
use crate::commands::docs::Docs;
use crate::commands::doctor::Doctor;
use crate::commands::exec::Exec;
use crate::commands::get::Get;
use crate::commands::git_credential::{self, GitCredential};
use crate::commands::headers::Headers;
use crate::commands::login::Login;
use crate::commands::logout::Logout;
use crate::commands::man::ManPages;
use crate::commands::mcp::{Mcp, McpGuard};
#[cfg(not(unix))]
use crate::commands::no_sandbox::NoSandbox as Sandbox;
use crate::commands::refresh::Refresh;
use crate::commands::refresher::{AskReach, Refresher};
use crate::commands::reject::Reject;
#[cfg(unix)]
use crate::commands::sandbox::{Sandbox, gh::SandboxGh};
use crate::commands::schedule::Schedule;
use crate::commands::setup::Setup;
use crate::commands::status::Status;
use crate::commands::{Subcommand, separated};
use crate::error;
use crate::sandbox::client::SandboxClient;

/// Sign in to GitHub once; every tool gets a short-lived token, silently refreshed.
#[derive(Debug, Parser)]
#[command(
    name = "ghtok",
    version,
    after_help = "Examples:
  ghtok app new                        register your GitHub App, and sign in
  ghtok get                            print a valid token
  GH_TOKEN=$(ghtok get) gh repo list   use it",
    arg_required_else_help = true,
    propagate_version = true
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Log steps and timings to stderr (-vv for more) [env: GHTOK_LOG]
    #[arg(short, long, action = ArgAction::Count, global = true)]
    verbose: u8,
    /// No drawing, colour or rewritten line, for screen readers [env: GHTOK_PLAIN]
    #[arg(long, global = true)]
    pub(crate) plain: bool,
}

/// The subcommands.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    Login(Login),
    #[command(name = "app")]
    Apps(Apps),
    Get(Get),
    Refresh(Refresh),
    Reject(Reject),
    Status(Status),
    Doctor(Doctor),
    Logout(Logout),
    Exec(Exec),
    Headers(Headers),
    Mcp(Mcp),
    Sandbox(Sandbox),
    Schedule(Schedule),
    Setup(Setup),
    GitCredential(GitCredential),
    Completions(Completions),
    Man(ManPages),
    Docs(Docs),
    Refresher(Refresher),
    AskReach(AskReach),
    #[cfg(unix)]
    SandboxGh(SandboxGh),
    McpGuard(McpGuard),
}

impl Cli {
    /// Reads the arguments, the program's name first. The most frequent calls skip building the parser:
    /// `get`, `get APP`, `git-credential` and `schedule run`.
    ///
    /// # Errors
    /// Clap's error; help and version pages are errors too.
    pub fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let arguments = git_credential::under_own_name(arguments);
        let plain = Get::plain(&arguments)
            .map(Command::Get)
            .or_else(|| git_credential::plain(&arguments).map(Command::GitCredential))
            .or_else(|| Schedule::plain(&arguments).map(Command::Schedule));
        if let Some(command) = plain {
            return Ok(Self {
                command,
                verbose: 0,
                plain: false,
            });
        }
        let Some((separated, unseparated)) = separated(&arguments, Self::command) else {
            return Self::try_parse_from(arguments);
        };
        let mut cli = Self::try_parse_from(separated)?;
        match &mut cli.command {
            Command::Exec(exec) => exec.mark_unseparated(unseparated),
            Command::Mcp(mcp) => mcp.mark_unseparated(unseparated),
            _ => {}
        }
        Ok(cli)
    }

    /// The commands that people use, for completions and manual pages.
    pub(crate) fn visible() -> clap::Command {
        let all = <Self as CommandFactory>::command();
        let subcommands = all
            .get_subcommands()
            .filter(|command| !command.is_hide_set());
        clap::Command::new("ghtok")
            .version(env!("CARGO_PKG_VERSION"))
            .propagate_version(true)
            .about(all.get_about().cloned().unwrap_or_default())
            .after_help(all.get_after_help().cloned().unwrap_or_default())
            .args(all.get_arguments().cloned())
            .subcommands(subcommands.cloned())
    }

    /// The log level that `-v` sets.
    pub fn log_level(&self) -> LevelFilter {
        match self.verbose {
            0 => LevelFilter::Off,
            1 => LevelFilter::Info,
            _ => LevelFilter::Debug,
        }
    }
}

impl Command {
    /// Whether the command is about this program alone, or started by it: it works in a sandbox as anywhere.
    pub(crate) fn is_anywhere(&self) -> bool {
        matches!(
            self,
            Self::Completions(_)
                | Self::Man(_)
                | Self::Docs(_)
                | Self::McpGuard(_)
                | Self::Refresher(_)
                | Self::AskReach(_)
        )
    }

    pub(crate) fn run_in_sandbox(&self, sandbox: &SandboxClient<'_>) -> error::Result<u8> {
        match (self, self.subcommand()) {
            (Self::GitCredential(git), _) => git.run_in_sandbox(sandbox),
            (_, Some(subcommand)) => subcommand.run_in_sandbox(sandbox),
            (_, None) => Err(sandbox.host_only()),
        }
    }

    pub(crate) fn subcommand(&self) -> Option<&dyn Subcommand> {
        Some(match self {
            Self::Login(login) => login,
            Self::Apps(apps) => apps,
            Self::Get(get) => get,
            Self::Refresh(refresh) => refresh,
            Self::Reject(reject) => reject,
            Self::Status(status) => status,
            Self::Logout(logout) => logout,
            Self::Exec(exec) => exec,
            Self::Headers(headers) => headers,
            Self::Mcp(mcp) => mcp,
            Self::Sandbox(sandbox) => sandbox,
            Self::Schedule(schedule) => schedule,
            Self::Setup(setup) => setup,
            Self::Refresher(refresher) => refresher,
            Self::AskReach(ask) => ask,
            #[cfg(unix)]
            Self::SandboxGh(gh) => gh,
            Self::Doctor(_)
            | Self::GitCredential(_)
            | Self::McpGuard(_)
            | Self::Completions(_)
            | Self::Man(_)
            | Self::Docs(_) => return None,
        })
    }
}
