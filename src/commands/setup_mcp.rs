//! `ghtok setup mcp`: prints what has a client run GitHub's MCP server under ghtok. It changes nothing
//! itself: with `--write` the client's own command does, and a token found in a file is only named.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result, system_reason};
use crate::formats::mcp_client::{self, Client, ClientFolders, McpServer};
use crate::formats::plain_text::one_line;
use crate::formats::shell;
use crate::host::{Host, HostKind};
use crate::plain_file;
use crate::system::terminal::Terminal;

/// What `setup mcp` is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Input {
    /// For which client.
    pub client: Client,
    /// How GitHub's server runs.
    pub run: Run,
    /// Who adds the entry.
    pub by: By,
}

/// How GitHub's MCP server runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Run {
    /// As GitHub's container image.
    Docker,
    /// As a program in the PATH.
    Binary,
    /// At GitHub.
    Remote,
}

/// Who adds the entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The person, with what is printed.
    Hand,
    /// The client, with a command of its own.
    OwnCommand,
}

/// What it works with.
pub struct Desk<'a> {
    /// This program, by a path that stays the same.
    pub program: String,
    /// The flags by which ghtok finds the App.
    pub flags: Vec<String>,
    /// The App's host.
    pub host: &'a Host,
    /// Where clients keep their files.
    pub folders: ClientFolders,
    /// Variables that ghtok was told its own folders by.
    pub moved_by: Vec<&'static str>,
    /// Where a program is.
    pub find: &'a dyn Fn(&str) -> Option<PathBuf>,
    /// Runs a program and says whether it did its work.
    pub run: &'a dyn Fn(&Path, &[String]) -> std::io::Result<bool>,
    /// The standard streams.
    pub terminal: Terminal,
}

/// Does what is asked.
///
/// # Errors
/// If the client cannot do it that way, or its own command fails.
pub fn run(input: Input, desk: &Desk<'_>) -> Result<()> {
    let server = desk.server(input.run)?;
    let Some(entry) = mcp_client::entry(input.client, &server) else {
        return Err(only_static_headers(input.client));
    };
    let command = mcp_client::own_command(input.client, &server);
    match input.by {
        By::Hand => desk.show(input.client, &entry, command.as_deref())?,
        By::OwnCommand => desk.have_written(input.client, command)?,
    }
    desk.name_old_tokens(input.client);
    Ok(())
}

impl Desk<'_> {
    fn server(&self, run: Run) -> Result<McpServer> {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let command: Vec<String> = match run {
            Run::Binary => words(&["github-mcp-server", "stdio"]),
            Run::Docker => {
                let mut command: Vec<String> = words(&["docker", "run", "-i", "--rm"]);
                for name in self.variables() {
                    command.extend(words(&["-e", name]));
                }
                command.push("ghcr.io/github/github-mcp-server".into());
                command
            }
            Run::Remote => return self.remote(),
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
                    message: format!("setup mcp: GitHub runs no MCP server for {}", self.host),
                    hint: "run it here: --server docker, or --server binary".into(),
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

    fn show(&self, client: Client, entry: &str, command: Option<&[String]>) -> Result<()> {
        let place = client.place(&self.folders);
        self.terminal.say(&format!("For {place}:\n"));
        self.terminal.data(entry.as_bytes())?;
        self.terminal.say("");
        if let Some(command) = command {
            let words: Vec<String> = command.iter().map(|word| shell::word(word)).collect();
            self.terminal.note(&format!(
                "the same by its own command, which --write runs: {}",
                words.join(" ")
            ));
        }
        self.warn(client);
        Ok(())
    }

    fn warn(&self, client: Client) {
        if let Some(advice) = client.advice() {
            self.terminal.note(advice);
        }
        for name in &self.moved_by {
            self.terminal.note(&format!(
                "{name} is set here: the client must hand it to ghtok as well"
            ));
        }
    }

    fn have_written(&self, client: Client, command: Option<Vec<String>>) -> Result<()> {
        let by_hand = format!("print the lines with: ghtok setup mcp {}", client.name());
        let Some(command) = command else {
            return Err(Error::Usage {
                message: format!(
                    "setup mcp: {} has no command of its own that adds a server",
                    client.name()
                ),
                hint: by_hand,
            });
        };
        let (program, arguments) = command.split_first().expect("a command has a program");
        let Some(found) = (self.find)(program) else {
            return Err(Error::Usage {
                message: format!("setup mcp: there is no \"{program}\" in the PATH"),
                hint: by_hand,
            });
        };
        let cause = match (self.run)(&found, arguments) {
            Ok(true) => {
                self.warn(client);
                return Ok(());
            }
            Ok(false) => "it said so itself".to_owned(),
            Err(error) => system_reason(&error),
        };
        Err(Error::ClientFailed {
            command: program.clone(),
            cause,
            client: client.name(),
        })
    }

    fn name_old_tokens(&self, client: Client) {
        for file in client.files(&self.folders) {
            let Some(bytes) = plain_file::read_small(&file) else {
                continue;
            };
            for found in mcp_client::old_tokens(&String::from_utf8_lossy(&bytes)) {
                let place = one_line(&file.to_string_lossy(), 300);
                self.terminal.note(&format!(
                    "{place}:{} holds {} in plain text: put the lines above in place of that entry, then delete the token at {}/settings/tokens",
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
            "setup mcp: {} asks no command for headers, so a remote server would see one token until it dies",
            client.name()
        ),
        hint: "run the server here: --server docker, or --server binary; or use the client's own sign-in"
            .into(),
    }
}
