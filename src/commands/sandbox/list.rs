//! `ghtok sandbox list`: the sandboxes that run, and those of killed processes.

use clap::Args;
use serde::Serialize;

use crate::auth::ports::Clock;
use crate::error::Result;
use crate::formats::sandbox_protocol::SandboxStatus;
use crate::formats::timestamps::rfc3339;
use crate::session::{SandboxNote, Session};
use crate::system::terminal::Terminal;
use crate::token::Timestamp;

/// List the sandboxes
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ghtok sandbox list
  ghtok sandbox list --json")]
pub(super) struct List {
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Serialize)]
struct SandboxesJson<'a> {
    schema_version: u32,
    sandboxes: Vec<SandboxJson<'a>>,
}

#[derive(Serialize)]
struct SandboxJson<'a> {
    name: &'a str,
    running: bool,
    app: &'a str,
    host: &'a str,
    repositories: &'a [String],
    permissions: &'a [String],
    full_token: bool,
    started_at: String,
    started_at_unix: i64,
    ends_at: Option<&'a str>,
    socket: &'a str,
    process: u32,
}

impl List {
    pub(super) fn run(&self, session: &Session<'_>) -> Result<()> {
        let mut found = Vec::new();
        for note in session.sandboxes()? {
            let is_running = session.sandbox_is_running(&note.status.name);
            if is_running || session.has_tokens_of(&note) {
                found.push((note, is_running));
            } else {
                // Nothing is left of it.
                session.forget_sandbox(&note.status.name)?;
            }
        }
        if self.json {
            let list = SandboxesJson {
                schema_version: 1,
                sandboxes: found.iter().map(json).collect(),
            };
            let text = serde_json::to_string(&list).expect("plain structs become JSON");
            return Terminal.line(&text);
        }
        if found.is_empty() {
            Terminal.note("no sandbox is running");
            return Ok(());
        }
        let clock = session.machine.clock;
        let texts: Vec<String> = found.iter().map(|found| text(found, clock)).collect();
        Terminal.line(&texts.join("\n\n"))
    }
}

fn json((note, running): &(SandboxNote, bool)) -> SandboxJson<'_> {
    let status = &note.status;
    SandboxJson {
        name: &status.name,
        running: *running,
        app: &status.app,
        host: &status.host,
        repositories: &status.repositories,
        permissions: &status.permissions,
        full_token: status.full_token,
        started_at: rfc3339(Timestamp(note.started_at)),
        started_at_unix: note.started_at,
        ends_at: status.ends_at.as_deref(),
        socket: &note.socket,
        process: note.process,
    }
}

fn text((note, running): &(SandboxNote, bool), clock: &dyn Clock) -> String {
    let status = &note.status;
    let state = if *running {
        "running"
    } else {
        "killed; the next ghtok that is online revokes its token"
    };
    let mut lines = vec![
        format!("{}: {state}", status.name),
        format!("  app      {} ({})", status.app, status.host),
        format!("  token    {}", may_do(status)),
        format!(
            "  started  {}",
            clock.local_time(Timestamp(note.started_at))
        ),
    ];
    lines.extend(
        status
            .ends_at
            .as_ref()
            .map(|end| format!("  ends     {end}")),
    );
    lines.push(format!("  socket   {}", note.socket));
    lines.join("\n")
}

/// What its token may do.
fn may_do(status: &SandboxStatus) -> String {
    if status.full_token {
        return "the user access token".into();
    }
    let words = status.repositories.iter().chain(&status.permissions);
    words.cloned().collect::<Vec<_>>().join(" ")
}
