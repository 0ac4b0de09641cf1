//! `ghtok setup mcp`: has MCP clients run GitHub's server under ghtok. With `--write` the client's own
//! command changes the client's file.

mod add;
mod list;
mod own_command;
mod undo;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use clap_complete::ArgValueCandidates;

pub use self::add::McpSetup;
pub(super) use self::undo::undo_all;
use crate::commands::Described;
use crate::config::{Environment, Flags};
use crate::error::Result;
use crate::formats::mcp_client::{Client, ClientFolders};
use crate::session::{Session, stable_program};

/// Print the configuration that makes an MCP client run GitHub's server with ghtok
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ghtok setup mcp                               list the clients
  ghtok setup mcp claude-code                   the server in a container
  ghtok setup mcp vscode --server binary        a program from the PATH
  ghtok setup mcp cursor --server remote        GitHub's remote server
  ghtok setup mcp codex --write                 by the client's own command
  ghtok setup mcp codex --undo                  remove it again")]
pub(super) struct SetupMcp {
    /// The MCP client [default: list the clients]
    #[arg(value_name = "CLIENT", value_parser = clients())]
    client: Option<Client>,
    /// Name of the App in the configuration
    #[arg(long, value_name = "APP", add = ArgValueCandidates::new(Described::app_names))]
    app: Option<String>,
    #[command(flatten)]
    described: Described,
    /// Which GitHub MCP server to use
    #[arg(long, value_enum, default_value_t = ServerKind::Docker)]
    server: ServerKind,
    /// Add the server by the client's own command
    #[arg(long, requires = "client")]
    write: bool,
    /// Remove every server that ghtok runs from the client
    #[arg(long, requires = "client", conflicts_with_all = ["write", "server"])]
    undo: bool,
}

/// How GitHub's MCP server runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ServerKind {
    /// GitHub's container image
    Docker,
    /// github-mcp-server from the PATH
    Binary,
    /// GitHub's remote server, through `ghtok mcp --url`
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
    pub(super) fn flags(&self) -> Flags {
        Flags {
            app: self.app.clone(),
            ..self.described.flags()
        }
    }

    pub(super) fn run(&self, session: &Session<'_>) -> Result<()> {
        let environment = Environment::from_process();
        let folders = client_folders(&environment)?;
        let Some(client) = self.client else {
            return list::print(&folders);
        };
        if self.undo {
            return undo::undo(client, &folders, &environment.path());
        }
        let app = session.config.app(None)?;
        let setup = McpSetup {
            client,
            program: stable_program(&environment).to_string_lossy().into_owned(),
            flags: match &app.name {
                Some(name) if session.config.apps.len() > 1 => vec![format!("--app={name}")],
                _ => session.flags_of(app),
            },
            host: &app.host,
            folders,
            folder_variables: environment.folder_variables(),
            path: environment.path(),
        };
        setup.run(self.server, self.write)
    }
}

pub(super) fn client_folders(environment: &Environment) -> Result<ClientFolders> {
    environment.client_folders(std::env::current_dir().unwrap_or_default())
}
