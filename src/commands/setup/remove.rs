//! `ghtok setup remove --all`: undoes every set-up. Sign-ins and the configuration stay.

use std::path::PathBuf;

use clap::Args;

use super::git;
use super::mcp::undo_all;
use super::status::Found;
use crate::commands::Described;
use crate::config::Environment;
use crate::error::{Error, Result, most_serious};
use crate::formats::mcp_client::Client;
use crate::session::{Session, report};
use crate::system::terminal::Terminal;

/// Undo every setup: git, MCP clients, the timer
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ghtok setup remove --all         show what goes, ask, and remove it
  ghtok setup remove --all --yes   without asking")]
pub(super) struct RemoveAll {
    #[command(flatten)]
    pub(super) described: Described,
    /// Undo all of them
    #[arg(long, required = true)]
    all: bool,
    /// Remove without asking
    #[arg(long)]
    yes: bool,
}

impl RemoveAll {
    /// Removes as much as can be; prints each error as it occurs.
    ///
    /// # Errors
    /// If nobody can be asked, or it cannot be found out what there is.
    pub(super) fn run(&self, session: &Session<'_>) -> Result<u8> {
        let found = Found::look(session)?;
        let lines = what_goes(&found);
        if lines.is_empty() {
            Terminal.note("nothing is set up");
            tell_what_stays(session);
            return Ok(0);
        }
        Terminal.say(&format!("{}\n", lines.join("\n")));
        if !self.yes && !agreed()? {
            Terminal.note("nothing was changed");
            return Ok(0);
        }
        let code = remove(&found, session)?;
        tell_what_stays(session);
        Ok(code)
    }
}

fn what_goes(found: &Found) -> Vec<String> {
    let mut lines = Vec::new();
    if found.git.file.is_some() {
        lines.extend(found.git_lines());
    }
    if found.servers.iter().any(|server| server.is_own) {
        lines.extend(found.server_lines());
    }
    let timer = found.scheduler;
    lines.extend(timer.map(|scheduler| format!("timer  {scheduler}")));
    lines
}

fn agreed() -> Result<bool> {
    if Terminal.has_person() {
        return Ok(Terminal.ask("Remove all of this?"));
    }
    Err(Error::Usage {
        message: "setup remove: cannot ask for confirmation (no terminal)".into(),
        hint: "confirm with:\n  ghtok setup remove --all --yes".into(),
    })
}

fn remove(found: &Found, session: &Session<'_>) -> Result<u8> {
    let environment = Environment::from_process();
    let path: Vec<PathBuf> = environment.path();
    let mut codes = Vec::new();
    let mut done = |done: Result<()>| {
        codes.push(done.map_or_else(|error| report(&error, false), |()| 0));
    };
    if found.git.file.is_some() {
        done(git::undo(session));
    }
    for client in Client::ALL {
        done(undo_all(client, &found.folders, &path).map(drop));
    }
    if found.scheduler.is_some() {
        let paths = session.scheduler_paths(&environment)?;
        done(
            session
                .remove_timer(&paths)
                .map(|_| Terminal.note("the timer was removed")),
        );
    }
    Ok(most_serious(codes))
}

fn tell_what_stays(session: &Session<'_>) {
    Terminal.note("stored sign-ins stay; remove them with:\n  ghtok logout --all");
    let file = &session.config.file;
    if file.exists() {
        Terminal.note(&format!("your Apps stay in {}", file.display()));
    }
}
