//! `ghtok setup mcp`: prints what has a client run GitHub's MCP server under ghtok. It changes nothing
//! itself: with `--write` the client's own command does, and a token found in a file is only named.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};

use crate::commands::Described;
use crate::config::{Environment, Flags};
use crate::error::{Error, Result, system_reason};
use crate::formats::mcp_client::{self, Client, ClientFolders, McpServer};
use crate::formats::plain_text::one_line;
use crate::formats::shell;
use crate::host::{Host, HostKind};
use crate::plain_file;
use crate::session::{Session, stable_program};
use crate::system::process;
use crate::system::terminal::Terminal;

/// Print the configuration that makes an MCP client run GitHub's server with ghtok
#[derive(Debug, Args)]
#[command(before_help = "Examples:
  ghtok setup mcp claude-code                    GitHub's server in a container
  ghtok setup mcp vscode --server binary         github-mcp-server from the PATH
  ghtok setup mcp claude-code --server remote    GitHub's remote server, with current headers
  ghtok setup mcp codex --write                  with the client's own command")]
pub(super) struct SetupMcp {
    /// The MCP client
    #[arg(value_name = "CLIENT", value_parser = clients())]
    client: Client,
    /// Name of the App in the configuration
    #[arg(long, value_name = "APP")]
    app: Option<String>,
    #[command(flatten)]
    described: Described,
    /// Which GitHub MCP server to use
    #[arg(long, value_enum, default_value_t = ServerKind::Docker)]
    server: ServerKind,
    /// Add the server with the client's own command
    #[arg(long)]
    write: bool,
}

/// How GitHub's MCP server runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ServerKind {
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

/// One client, and the server that it is to start.
pub struct McpSetup<'a> {
    /// The client.
    pub client: Client,
    /// This program, by a path that stays the same.
    pub program: String,
    /// The flags by which ghtok finds the App.
    pub flags: Vec<String>,
    /// The App's host.
    pub host: &'a Host,
    /// Where clients keep their files.
    pub folders: ClientFolders,
    /// Variables that ghtok was told its own folders by.
    pub folder_variables: Vec<&'static str>,
    /// Where the client's own command is looked for.
    pub path: Vec<PathBuf>,
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
        let app = session.config.app(None)?;
        let setup = McpSetup {
            client: self.client,
            program: stable_program(&environment).to_string_lossy().into_owned(),
            flags: match &app.name {
                Some(name) if session.config.apps.len() > 1 => vec![format!("--app={name}")],
                _ => session.flags_of(app),
            },
            host: &app.host,
            folders: environment.client_folders(std::env::current_dir().unwrap_or_default())?,
            folder_variables: environment.folder_variables(),
            path: environment.path(),
        };
        setup.run(self.server, self.write)
    }
}

impl McpSetup<'_> {
    /// Prints the entry, or has the client's own command write it.
    ///
    /// # Errors
    /// If the client cannot do it that way, or its own command fails.
    pub fn run(&self, server: ServerKind, write: bool) -> Result<()> {
        let server = self.server(server)?;
        let Some(entry) = mcp_client::entry(self.client, &server) else {
            return Err(only_static_headers(self.client));
        };
        let command = mcp_client::own_command(self.client, &server);
        if write {
            self.have_written(command)?;
        } else {
            self.show(&entry, command.as_deref())?;
        }
        self.name_old_tokens();
        Ok(())
    }

    fn server(&self, kind: ServerKind) -> Result<McpServer> {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let command: Vec<String> = match kind {
            ServerKind::Binary => words(&["github-mcp-server", "stdio"]),
            ServerKind::Docker => {
                let mut command: Vec<String> = words(&["docker", "run", "-i", "--rm"]);
                for name in self.variables() {
                    command.extend(words(&["-e", name]));
                }
                command.push("ghcr.io/github/github-mcp-server".into());
                command
            }
            ServerKind::Remote => return self.remote(),
        };
        let mut arguments = vec!["mcp".to_owned()];
        arguments.extend(self.flags.iter().cloned());
        arguments.push("--".into());
        arguments.extend(command);
        Ok(McpServer::Command {
            program: self.program.clone(),
            arguments,
        })
    }

    /// What the container is given, by name: the values are in ghtok's child only.
    fn variables(&self) -> &'static [&'static str] {
        match self.host.kind() {
            HostKind::GitHubCom => &["GITHUB_PERSONAL_ACCESS_TOKEN"],
            HostKind::GheCom | HostKind::Server => &["GITHUB_PERSONAL_ACCESS_TOKEN", "GITHUB_HOST"],
        }
    }

    /// GitHub's own server (github-mcp-server, docs/remote-server.md). P6: it is the App's host's own.
    fn remote(&self) -> Result<McpServer> {
        let url = match self.host.kind() {
            HostKind::GitHubCom => "https://api.githubcopilot.com/mcp/".to_owned(),
            HostKind::GheCom => format!("https://copilot-api.{}/mcp", self.host),
            HostKind::Server => {
                return Err(Error::Usage {
                    message: format!(
                        "setup mcp: GitHub has no remote MCP server for {}",
                        self.host
                    ),
                    hint: "run the server on this machine: --server docker or --server binary"
                        .into(),
                });
            }
        };
        let mut words = vec![shell::word(&self.program), "headers".into()];
        words.extend(self.flags.iter().map(|flag| shell::word(flag)));
        Ok(McpServer::Remote {
            url,
            headers: words.join(" "),
        })
    }

    fn show(&self, entry: &str, command: Option<&[String]>) -> Result<()> {
        let place = self.client.place(&self.folders);
        Terminal.say(&format!("For {place}:\n"));
        Terminal.data(entry.as_bytes())?;
        Terminal.say("");
        if let Some(command) = command {
            let words: Vec<String> = command.iter().map(|word| shell::word(word)).collect();
            Terminal.note(&format!(
                "or use the client's own command, which --write runs:\n  {}",
                words.join(" ")
            ));
        }
        self.warn();
        Ok(())
    }

    fn warn(&self) {
        if let Some(advice) = self.client.advice() {
            Terminal.note(advice);
        }
        for name in &self.folder_variables {
            Terminal.note(&format!(
                "{name} is set here: the client must pass it to ghtok too"
            ));
        }
    }

    fn have_written(&self, command: Option<Vec<String>>) -> Result<()> {
        let by_hand = format!(
            "print the lines with:\n  ghtok setup mcp {}",
            self.client.name()
        );
        let Some(command) = command else {
            return Err(Error::Usage {
                message: format!(
                    "setup mcp: {} has no command that adds a server",
                    self.client.name()
                ),
                hint: by_hand,
            });
        };
        let (program, arguments) = command.split_first().expect("a command has a program");
        let Some(found) = process::find_program(program, &self.path) else {
            return Err(Error::Usage {
                message: format!("setup mcp: cannot find \"{program}\" in the PATH"),
                hint: by_hand,
            });
        };
        let cause = match process::run_interactively(&found, arguments) {
            Ok(true) => {
                self.warn();
                return Ok(());
            }
            Ok(false) => "see its message above".to_owned(),
            Err(error) => system_reason(&error),
        };
        Err(Error::ClientFailed {
            command: program.clone(),
            cause,
            client: self.client.name(),
        })
    }

    fn name_old_tokens(&self) {
        for file in self.client.files(&self.folders) {
            let Some(bytes) = plain_file::read_small(&file) else {
                continue;
            };
            for found in mcp_client::old_tokens(&String::from_utf8_lossy(&bytes)) {
                let place = one_line(&file.to_string_lossy(), 300);
                Terminal.note(&format!(
                    "{place}:{} has {} in plain text: replace that entry with the lines above, then delete the token at {}/settings/tokens",
                    found.line,
                    found.kind,
                    self.host.web_url()
                ));
            }
        }
    }
}

fn only_static_headers(client: Client) -> Error {
    Error::Usage {
        message: format!(
            "setup mcp: {} cannot run a command for headers; a remote server would keep the first token until it expires",
            client.name()
        ),
        hint: "run the server on this machine (--server docker or --server binary), or use the client's own sign-in"
            .into(),
    }
}
