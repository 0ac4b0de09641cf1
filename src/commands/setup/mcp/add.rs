//! What a client is told to have GitHub's MCP server under ghtok: printed, or added by the client's own
//! command. A token that is found in a file is only named.

use std::path::PathBuf;

use super::{ServerKind, own_command};
use crate::error::{Error, Result};
use crate::formats::mcp_client::{self, Client, ClientFolders, McpServer, NAME};
use crate::formats::plain_text::one_line;
use crate::formats::shell;
use crate::host::{Host, HostKind};
use crate::plain_file;
use crate::session::written_in;
use crate::system::terminal::Terminal;

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

impl McpSetup<'_> {
    /// Prints the entry, or has the client's own command write it, unless it is there already.
    ///
    /// # Errors
    /// If the client cannot do it that way, or its own command fails.
    pub fn run(&self, server: ServerKind, write: bool) -> Result<()> {
        let arguments = self.arguments(server)?;
        let entry = mcp_client::entry(self.client, &self.program, &arguments);
        let command = mcp_client::own_command(self.client, &self.program, &arguments);
        if write {
            let server = McpServer::Command {
                program: self.program.clone(),
                arguments,
            };
            self.add(&server, command)?;
        } else {
            self.show(&entry, command.as_deref())?;
        }
        self.name_old_tokens();
        Ok(())
    }

    /// What ghtok is started with.
    fn arguments(&self, kind: ServerKind) -> Result<Vec<String>> {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let command: Vec<String> = match kind {
            ServerKind::Binary => words(&["--", "github-mcp-server", "stdio"]),
            ServerKind::Docker => {
                let mut command: Vec<String> = words(&["--", "docker", "run", "-i", "--rm"]);
                for name in self.variables() {
                    command.extend(words(&["-e", name]));
                }
                command.push("ghcr.io/github/github-mcp-server".into());
                command
            }
            ServerKind::Remote => vec!["--url".into(), self.url()?],
        };
        let mut arguments = vec!["mcp".to_owned()];
        arguments.extend(self.flags.iter().cloned());
        arguments.extend(command);
        Ok(arguments)
    }

    /// What the container is given, by name: the values are in ghtok's child only.
    fn variables(&self) -> &'static [&'static str] {
        match self.host.kind() {
            HostKind::GitHubCom => &["GITHUB_PERSONAL_ACCESS_TOKEN"],
            HostKind::GheCom | HostKind::Server => &["GITHUB_PERSONAL_ACCESS_TOKEN", "GITHUB_HOST"],
        }
    }

    /// GitHub's own server (github-mcp-server, docs/remote-server.md). P6: it is the App's host's own.
    fn url(&self) -> Result<String> {
        match self.host.kind() {
            HostKind::GitHubCom => Ok("https://api.githubcopilot.com/mcp/".to_owned()),
            HostKind::GheCom => Ok(format!("https://copilot-api.{}/mcp", self.host)),
            HostKind::Server => Err(Error::Usage {
                message: format!(
                    "setup mcp: GitHub has no remote MCP server for {}",
                    self.host
                ),
                hint: "run the server on this machine: --server docker or --server binary".into(),
            }),
        }
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

    /// Twice is once; an older entry of ghtok's gives way, and one of somebody else's does not.
    fn add(&self, server: &McpServer, command: Option<Vec<String>>) -> Result<()> {
        let own = self.client.own_files(&self.folders);
        for file in own {
            let Some(present) = written_in(self.client, &file)
                .into_iter()
                .find(|present| present.name == NAME)
            else {
                continue;
            };
            let place = one_line(&file.to_string_lossy(), 300);
            if present.server.as_ref() == Some(server) {
                Terminal.note(&format!("{place} has this server already"));
                return Ok(());
            }
            if !present.is_ghtok() {
                return Err(Error::Usage {
                    message: format!(
                        "setup mcp: {place} has another server with the name \"{NAME}\""
                    ),
                    hint: format!(
                        "rename or remove that one in {}, then run this again",
                        self.client.name()
                    ),
                });
            }
            if command.is_some() {
                super::undo::remove(self.client, &file, &present, &self.path)?;
            }
        }
        self.have_written(command)
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
        let program = &command[0];
        let cause = match own_command::run(&command, &self.path) {
            None => {
                return Err(Error::Usage {
                    message: format!("setup mcp: cannot find \"{program}\" in the PATH"),
                    hint: by_hand,
                });
            }
            Some(Ok(())) => {
                self.warn();
                return Ok(());
            }
            Some(Err(cause)) => cause,
        };
        Err(Error::ClientFailed {
            failed: format!("\"{program}\" failed to add the server"),
            cause,
            fix: format!(
                "add it yourself with the lines from:\n  ghtok setup mcp {}",
                self.client.name()
            ),
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
