//! A client's own command, run for the person who is here.

use std::path::PathBuf;

use crate::error::system_reason;
use crate::system::process;

/// Runs it; `None` if its program is in none of these folders.
///
/// # Errors
/// What came of it, in words that follow the program's name.
pub(super) fn run(command: &[String], path: &[PathBuf]) -> Option<Result<(), String>> {
    let (program, arguments) = command.split_first()?;
    let found = process::find_program(program, path)?;
    Some(match process::run_interactively(&found, arguments) {
        Ok(true) => Ok(()),
        Ok(false) => Err("see its message above".into()),
        Err(error) => Err(system_reason(&error)),
    })
}
