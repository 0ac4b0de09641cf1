//! `ghtok schedule remove`: takes the timer away and leaves nothing.

use std::fs;

use super::Desk;
use crate::error::Result;

/// Takes it away, from every scheduler that may have it.
///
/// # Errors
/// If the scheduler that has it does not let go of it, or a note of it stays.
pub fn run(desk: &Desk<'_>) -> Result<()> {
    let known = desk.notes.installed()?;
    let found = desk.clear(known.as_ref().map(|known| known.scheduler), None)?;
    desk.notes.forget()?;
    if let Some(known) = &known {
        tidy(&known.made);
    }
    desk.terminal.note(if found || known.is_some() {
        "the timer is gone"
    } else {
        "there is no timer of ghtok's"
    });
    Ok(())
}

/// Removes the folders that were made for the timer, where nothing else came into them since.
pub(super) fn tidy(made: &[String]) {
    for folder in made {
        let _ = fs::remove_dir(folder);
    }
}
