//! Every flag and its help. No logic: it only turns arguments into the commands' inputs.

#![expect(
    clippy::doc_markdown,
    reason = "these texts are shown as they stand, by --help"
)]

mod exec;
mod git_credential;
mod headers;
mod setup;

use std::ffi::OsString;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use self::exec::Exec;
pub use self::git_credential::GitCredential;
pub use self::headers::Headers;
pub use self::setup::{Program, Setup};
use crate::commands::refresher::Order;
use crate::commands::{get, login, logout, refresh};
use crate::config::{Flags, StoreChoice, parse_duration};
use crate::formats::shell::Shell;

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
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Sign in through a GitHub App and OAuth's device flow
    #[command(before_help = "Examples:
  ghtok login                            the default App
  ghtok login work                       the App \"work\" of the configuration
  ghtok login --client-id Iv23liAbCdEf   an App that is not configured
  ghtok login --json                     events for a program, one a line")]
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
}

/// Which App, and where its tokens are kept.
#[derive(Debug, Args)]
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
#[derive(Debug, Args)]
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

/// Arguments of `login`.
#[derive(Debug, Args)]
pub struct Login {
    #[command(flatten)]
    target: Target,
    /// Sign in anew even if a good sign-in is there
    #[arg(long)]
    force: bool,
    /// Never offer to open a browser
    #[arg(long)]
    no_browser: bool,
    /// Print events as JSON, one a line, on standard output; errors as JSON on standard error
    #[arg(long)]
    json: bool,
}

/// Arguments of `get`.
#[derive(Debug, Args)]
pub struct Get {
    #[command(flatten)]
    target: Target,
    /// How long the token must be good for, as in 90s, 30m, 1h30m
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    min_ttl: Option<Duration>,
    /// How to print it
    #[arg(long, value_enum, default_value_t = GetFormat::Token)]
    format: GetFormat,
}

/// The names of the formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum GetFormat {
    /// The token and a newline
    Token,
    /// An object; errors are JSON too
    Json,
    /// Authorization: Bearer …
    Header,
    /// For eval in sh, bash and zsh
    Env,
    /// For source in fish
    Fish,
    /// For Invoke-Expression in PowerShell
    Powershell,
    /// For a netrc file; the token in it is dead in 8 hours
    Netrc,
}

/// Arguments of `refresh`.
#[derive(Debug, Args)]
pub struct Refresh {
    #[command(flatten)]
    target: Target,
    /// Every configured App
    #[arg(long, conflicts_with_all = ["named", "app", "client_id"])]
    all: bool,
    /// Refresh now: this kills the present token for everybody who holds it
    #[arg(long)]
    force: bool,
    /// Print JSON, an object for each App
    #[arg(long)]
    json: bool,
}

/// Arguments of `status`.
#[derive(Debug, Args)]
pub struct Status {
    #[command(flatten)]
    target: Target,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Exit with the code that using the token would have
    #[arg(long)]
    check: bool,
}

/// Arguments of `logout`.
#[derive(Debug, Args)]
pub struct Logout {
    #[command(flatten)]
    target: Target,
    /// Every configured App
    #[arg(long, conflicts_with_all = ["named", "app", "client_id"])]
    all: bool,
    /// Have GitHub revoke both tokens first; it mails their owner
    #[arg(long)]
    revoke: bool,
    /// Print errors as JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of the hidden refresh process: the record's key, and what is wanted.
#[derive(Debug, Args)]
pub struct Refresher {
    #[arg(long)]
    app: Option<String>,
    #[command(flatten)]
    described: Described,
    #[arg(long)]
    account: Option<String>,
    /// What is wanted of the record.
    #[arg(long)]
    pub order: Order,
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
    /// Reads the arguments, the program's name first. Plain `get` and `get APP` are what scripts and
    /// helpers ask all day; they are read without building the parser.
    ///
    /// # Errors
    /// What clap has to say, help and version included.
    pub fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let arguments = git_credential::by_own_name(arguments);
        let plain = plain_get(&arguments)
            .map(Command::Get)
            .or_else(|| git_credential::plain(&arguments).map(Command::GitCredential));
        match plain {
            Some(command) => Ok(Self { command }),
            None => exec::read(arguments),
        }
    }

    /// How the caller wants errors.
    pub fn error_output(&self) -> ErrorOutput {
        let json = match &self.command {
            Command::Login(login) => login.json,
            Command::Get(get) => get.format == GetFormat::Json,
            Command::Refresh(refresh) => refresh.json,
            Command::Status(status) => status.json,
            Command::Logout(logout) => logout.json,
            Command::Exec(_)
            | Command::Headers(_)
            | Command::Setup(_)
            | Command::GitCredential(_)
            | Command::Refresher(_) => false,
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
            Command::Login(login) => login.target.flags(),
            Command::Get(get) => get.target.flags(),
            Command::Refresh(refresh) => refresh.target.flags(),
            Command::Status(status) => status.target.flags(),
            Command::Logout(logout) => logout.target.flags(),
            Command::Exec(exec) => exec.flags(),
            Command::Headers(headers) => headers.flags(),
            Command::Setup(setup) => setup.flags(),
            Command::GitCredential(git) => git.flags(),
            Command::Refresher(refresher) => Flags {
                app: refresher.app.clone(),
                account: refresher.account.clone(),
                ..refresher.described.flags()
            },
        }
    }
}

/// `get` or `get APP`, and nothing else.
fn plain_get(arguments: &[OsString]) -> Option<Get> {
    let (verb, rest) = arguments.get(1..)?.split_first()?;
    let named = match rest {
        [] => None,
        [app] => Some(app.to_str().filter(|app| !app.starts_with('-'))?.to_owned()),
        [_, _, ..] => return None,
    };
    let described = Described {
        client_id: None,
        host: None,
        store: None,
    };
    let target = Target {
        named,
        app: None,
        described,
    };
    (verb == "get").then_some(Get {
        target,
        min_ttl: None,
        format: GetFormat::Token,
    })
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
        }
    }
}

impl Login {
    /// The command's input, but for what the configuration adds.
    pub fn input(&self) -> login::Input {
        login::Input {
            present: if self.force {
                login::Present::Replace
            } else {
                login::Present::Keep
            },
            output: if self.json {
                login::Output::Events
            } else {
                login::Output::Person
            },
            unwritten: None,
        }
    }
}

impl Get {
    /// The command's input.
    pub fn input(&self) -> get::Input {
        let format = match self.format {
            GetFormat::Token => get::Format::Token,
            GetFormat::Json => get::Format::Json,
            GetFormat::Header => get::Format::Header,
            GetFormat::Env => get::Format::Variables(Shell::Posix),
            GetFormat::Fish => get::Format::Variables(Shell::Fish),
            GetFormat::Powershell => get::Format::Variables(Shell::PowerShell),
            GetFormat::Netrc => get::Format::Netrc,
        };
        get::Input {
            min_ttl: self.min_ttl,
            format,
        }
    }
}

impl Refresh {
    /// The command's input.
    pub fn input(&self) -> refresh::Input {
        refresh::Input {
            when: if self.force {
                refresh::When::Now
            } else {
                refresh::When::Due
            },
            output: if self.json {
                refresh::Output::Json
            } else {
                refresh::Output::Text
            },
        }
    }

    /// Which Apps.
    pub fn scope(&self) -> Scope {
        if self.all { Scope::All } else { Scope::One }
    }
}

impl Status {
    /// True if the flags name or describe one App.
    pub fn names_an_app(&self) -> bool {
        let Flags {
            app,
            client_id,
            host,
            store: _,
            account: _,
        } = self.target.flags();
        app.is_some() || client_id.is_some() || host.is_some()
    }

    /// How to print.
    pub fn wants_json(&self) -> bool {
        self.json
    }

    /// Whether the exit code tells.
    pub fn checks(&self) -> bool {
        self.check
    }
}

impl Logout {
    /// The command's input.
    pub fn input(&self) -> logout::Input {
        let scope = if self.revoke {
            logout::Scope::AlsoAtGitHub
        } else {
            logout::Scope::Here
        };
        logout::Input { scope }
    }

    /// Which Apps.
    pub fn scope(&self) -> Scope {
        if self.all { Scope::All } else { Scope::One }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_get_is_read_as_clap_reads_it() {
        for line in ["ghtok get", "ghtok get work", "ghtok get a.b"] {
            let arguments: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            let plain = plain_get(&arguments).map(|get| Cli {
                command: Command::Get(get),
            });
            let parsed = Cli::try_parse_from(&arguments).expect(line);
            assert_eq!(format!("{:?}", plain.expect(line)), format!("{parsed:?}"));
        }
    }

    #[test]
    fn everything_else_is_left_to_clap() {
        for line in [
            "ghtok",
            "ghtok get -h",
            "ghtok get --format json",
            "ghtok get a b",
            "ghtok status",
        ] {
            let arguments: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            assert!(plain_get(&arguments).is_none(), "{line}");
        }
    }
}
