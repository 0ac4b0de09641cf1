//! `ghtok schedule remove`: removes the timer and all its files.

use std::fs;

use clap::Args;

use super::Timers;
use crate::error::Result;
use crate::session::Session;
use crate::system::terminal::Terminal;

/// Remove the timer and its files
#[derive(Debug, Args)]
#[command(before_help = "Examples:
  ghtok schedule remove")]
pub(super) struct Remove {}

/// Takes it away, from every scheduler that may have it.
///
/// # Errors
/// If the scheduler that has it does not let go of it, or a note of it stays.
pub(super) fn run(session: &Session<'_>) -> Result<()> {
    let timers = Timers::of(session)?;
    let known = timers.notes.installed()?;
    let found = timers.clear(known.as_ref().map(|known| known.scheduler), None)?;
    timers.notes.forget()?;
    if let Some(known) = &known {
        tidy(&known.made);
    }
    Terminal.note(if found || known.is_some() {
        "the timer was removed"
    } else {
        "no timer is installed"
    });
    Ok(())
}

/// Removes the folders that were made for the timer, where nothing else came into them since.
pub(super) fn tidy(made: &[String]) {
    for folder in made {
        let _ = fs::remove_dir(folder);
    }
}
