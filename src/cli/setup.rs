//! The arguments of `setup`.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};

use crate::commands::Described;
use crate::commands::Subcommand;
use crate::commands::{setup_git, setup_mcp};
use crate::config::Flags;
use crate::formats::mcp_client::Client;
use crate::session::Session;

/// Arguments of `setup`.
#[derive(Debug, Args)]
pub struct Setup {
    /// Which program.
    #[command(subcommand)]
    pub program: Program,
}

/// The programs that can be set up.
#[derive(Debug, clap::Subcommand)]
pub enum Program {
    /// Configure git to use ghtok for the hosts of your Apps
    #[command(before_help = "Examples:
  ghtok setup git           show the lines, ask, and write them
  ghtok setup git --print   print the lines, if you edit the file yourself
  ghtok setup git --undo    remove what setup git wrote")]
    Git(SetupGit),
    /// Print the configuration that makes an MCP client run GitHub's server with ghtok
    #[command(before_help = "Examples:
  ghtok setup mcp claude-code                    GitHub's server in a container
  ghtok setup mcp vscode --server binary         github-mcp-server from the PATH
  ghtok setup mcp claude-code --server remote    GitHub's remote server, with current headers
  ghtok setup mcp codex --write                  with the client's own command")]
    Mcp(SetupMcp),
}

/// Arguments of `setup mcp`.
#[derive(Debug, Args)]
pub struct SetupMcp {
    /// The MCP client
    #[arg(value_name = "CLIENT", value_parser = clients())]
    client: Client,
    /// Name of the App in the configuration
    #[arg(long, value_name = "APP")]
    app: Option<String>,
    #[command(flatten)]
    described: Described,
    /// Which GitHub MCP server to use
    #[arg(long, value_enum, default_value_t = Server::Docker)]
    server: Server,
    /// Add the server with the client's own command
    #[arg(long)]
    write: bool,
}

/// The names of the ways to run GitHub's MCP server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Server {
    /// GitHub's container image
    Docker,
    /// github-mcp-server from the PATH
    Binary,
    /// GitHub's remote server, for clients that run a command for headers
    Remote,
}

fn clients() -> impl TypedValueParser<Value = Client> {
    PossibleValuesParser::new(Client::ALL.map(Client::name)).map(|name| {
        let mut all = Client::ALL.into_iter();
        all.find(|client| client.name() == name)
            .expect("the parser knows no other names")
    })
}

impl SetupMcp {
    /// The command's input.
    pub fn input(&self) -> setup_mcp::Input {
        setup_mcp::Input {
            client: self.client,
            run: match self.server {
                Server::Docker => setup_mcp::Run::Docker,
                Server::Binary => setup_mcp::Run::Binary,
                Server::Remote => setup_mcp::Run::Remote,
            },
            by: if self.write {
                setup_mcp::By::OwnCommand
            } else {
                setup_mcp::By::Hand
            },
        }
    }
}

/// Arguments of `setup git`.
#[derive(Debug, Args)]
pub struct SetupGit {
    #[command(flatten)]
    described: Described,
    /// Remove the lines again
    #[arg(long)]
    undo: bool,
    /// Print the lines without writing them
    #[arg(long, conflicts_with = "undo")]
    print: bool,
    /// Write the lines without asking
    #[arg(long, conflicts_with_all = ["undo", "print"])]
    yes: bool,
}

impl SetupGit {
    /// The command's input.
    pub fn input(&self) -> setup_git::Input {
        match (self.undo, self.print, self.yes) {
            (true, _, _) => setup_git::Input::Undo,
            (_, true, _) => setup_git::Input::Print,
            (_, _, true) => setup_git::Input::Agreed,
            (false, false, false) => setup_git::Input::Ask,
        }
    }
}

impl Setup {
    pub(super) fn flags(&self) -> Flags {
        match &self.program {
            Program::Git(git) => git.described.flags(),
            Program::Mcp(mcp) => Flags {
                app: mcp.app.clone(),
                ..mcp.described.flags()
            },
        }
    }
}

impl Subcommand for Setup {
    fn flags(&self) -> Flags {
        Self::flags(self)
    }

    fn run(&self, session: &Session<'_>) -> crate::error::Result<u8> {
        session.set_up(self)
    }
}
