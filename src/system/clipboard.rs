//! Putting a short text into the person's clipboard: by a program of this machine, and by the terminal,
//! which may be on another one.

use std::path::PathBuf;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::clock::pause;
use super::process::CommandLine;

/// How long the program may take before it is taken to do its work in the background.
const PATIENCE: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_millis(10);

/// What the program made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Copied {
    /// It took the text.
    Taken,
    /// None is there.
    NoProgram,
    /// It failed.
    Failed {
        /// Its name.
        program: String,
        /// Why.
        cause: String,
    },
}

/// Has the first of these commands that is there read the text.
pub(crate) fn copy(text: &str, commands: &[String], folders: &[PathBuf]) -> Copied {
    let Some(line) = CommandLine::first_available(commands, folders) else {
        return Copied::NoProgram;
    };
    let failed = |cause: String| Copied::Failed {
        program: line.name(),
        cause,
    };
    let mut process = match line.spawn_with_input(text) {
        Ok(process) => process,
        Err(error) => return failed(error.to_string()),
    };
    let mut waited = Duration::ZERO;
    while waited < PATIENCE {
        match process.try_wait() {
            Some(status) if status.success() => return Copied::Taken,
            Some(status) => return failed(status.to_string()),
            None => pause(LOOK),
        }
        waited += LOOK;
    }
    Copied::Taken
}

/// Asks the terminal to do it (xterm's control sequences, "OSC 52"). It does not say whether it did.
pub(crate) fn by_terminal(text: &str) -> String {
    format!("\u{1b}]52;c;{}\u{7}", BASE64_STANDARD.encode(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_terminal_gets_the_text_in_base64() {
        assert_eq!(by_terminal("AB-12"), "\u{1b}]52;c;QUItMTI=\u{7}");
    }

    #[test]
    fn without_a_program_nothing_is_copied() {
        assert_eq!(copy("x", &[], &[]), Copied::NoProgram);
    }
}
