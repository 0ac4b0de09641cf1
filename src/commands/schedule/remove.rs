//! `ghtok schedule remove`: removes the timer and all its files.

use clap::Args;

use crate::config::Environment;
use crate::error::Result;
use crate::session::Session;
use crate::system::terminal::Terminal;

/// Remove the timer and its files
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ghtok schedule remove")]
pub(super) struct Remove {}

/// # Errors
/// As [`Session::remove_timer`].
pub(super) fn run(session: &Session<'_>) -> Result<()> {
    let paths = session.scheduler_paths(&Environment::from_process())?;
    let was_there = session.remove_timer(&paths)?;
    Terminal.note(if was_there {
        "the timer was removed"
    } else {
        "no timer is installed"
    });
    Ok(())
}
