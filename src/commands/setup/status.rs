//! `ghtok setup status`: which programs ask ghtok now. It changes nothing and asks nobody but git.

use clap::Args;
use serde::Serialize;

use super::git::{self, GitReport, HostReport};
use super::mcp::client_folders;
use crate::commands::Described;
use crate::config::Environment;
use crate::error::Result;
use crate::formats::mcp_client::{Client, ClientFolders};
use crate::formats::plain_text::one_line;
use crate::schedule::Scheduler;
use crate::schedule::notes::Notes as _;
use crate::session::{FoundServer, Session, ghtok_servers};
use crate::system::terminal::Terminal;

/// Show which programs ask ghtok now: git, MCP clients, the timer
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ghtok setup status
  ghtok setup status --json")]
pub(super) struct SetupStatus {
    #[command(flatten)]
    pub(super) described: Described,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// What is set up on this machine.
pub(super) struct Found {
    pub(super) git: GitReport,
    pub(super) servers: Vec<FoundServer>,
    pub(super) scheduler: Option<Scheduler>,
    pub(super) folders: ClientFolders,
    /// Without an App there is nothing to set up yet.
    has_app: bool,
}

#[derive(Serialize)]
struct SetupJson<'a> {
    schema_version: u32,
    git: &'a GitReport,
    mcp: Vec<ServerJson<'a>>,
    scheduler: Option<Scheduler>,
}

#[derive(Serialize)]
struct ServerJson<'a> {
    client: &'static str,
    server: &'a str,
    file: String,
}

impl SetupStatus {
    /// # Errors
    /// What cannot be read.
    pub(super) fn run(&self, session: &Session<'_>) -> Result<()> {
        let found = Found::look(session)?;
        if self.json {
            return Terminal.line(&found.json());
        }
        Terminal.report(&found.lines().join("\n"))
    }
}

impl Found {
    pub(super) fn look(session: &Session<'_>) -> Result<Self> {
        let folders = client_folders(&Environment::from_process())?;
        let servers = Client::ALL.into_iter();
        Ok(Self {
            git: git::report(session)?,
            servers: servers
                .flat_map(|client| ghtok_servers(client, &folders))
                .collect(),
            scheduler: session
                .timer_notes()
                .installed()?
                .map(|known| known.scheduler),
            folders,
            has_app: session.config.all_apps().next().is_some(),
        })
    }

    /// A line for each program; what continues is indented.
    fn lines(&self) -> Vec<String> {
        let mut lines = self.git_lines();
        lines.extend(self.server_lines());
        lines.push(match self.scheduler {
            Some(scheduler) => format!("timer  {scheduler}"),
            None if self.has_app => "timer  none; install it with: ghtok schedule install".into(),
            None => "timer  none".into(),
        });
        lines
    }

    pub(super) fn git_lines(&self) -> Vec<String> {
        let git = &self.git;
        let mut lines = vec![match (&git.included_by, &git.file) {
            (Some(global), Some(file)) => format!(
                "git    {} includes {}",
                self.folders.tilde(global),
                self.folders.tilde(file)
            ),
            _ if self.has_app => "git    not set up; set it up with: ghtok setup git".into(),
            _ => "git    not set up; first register an App with: ghtok app new".into(),
        }];
        lines.extend(git.hosts.iter().map(host_line));
        if git.ssh {
            lines.push("       SSH addresses are replaced by https".into());
        }
        lines
    }

    pub(super) fn server_lines(&self) -> Vec<String> {
        if self.servers.is_empty() {
            return vec!["mcp    no client runs ghtok; list them with: ghtok setup mcp".into()];
        }
        let line = |(at, server): (usize, &FoundServer)| {
            let whose = if server.is_own { "" } else { " (this project)" };
            format!(
                "{:<7}{}: \"{}\" in {}{whose}",
                if at == 0 { "mcp" } else { "" },
                server.client.name(),
                one_line(&server.name, 80),
                self.folders.tilde(&server.file)
            )
        };
        self.servers.iter().enumerate().map(line).collect()
    }

    fn json(&self) -> String {
        let server = |server| {
            let FoundServer {
                client, file, name, ..
            }: &FoundServer = server;
            ServerJson {
                client: client.name(),
                server: name,
                file: file.display().to_string(),
            }
        };
        let document = SetupJson {
            schema_version: 1,
            git: &self.git,
            mcp: self.servers.iter().map(server).collect(),
            scheduler: self.scheduler,
        };
        serde_json::to_string(&document).expect("plain structs become JSON")
    }
}

fn host_line(host: &HostReport) -> String {
    let helpers = match host.helpers.as_slice() {
        [] => "no helper".to_owned(),
        helpers => helpers.join(", then "),
    };
    let warning = match (
        host.ghtok_first,
        host.helpers.iter().any(|one| one == "ghtok"),
    ) {
        (true, _) | (false, false) => "",
        (false, true) => " (to ask ghtok first: ghtok setup git)",
    };
    format!("       {}: {helpers}{warning}", host.url)
}
