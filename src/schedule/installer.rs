//! What each scheduler of the machine can do with the timer, and the helpers for it. `commands/schedule`
//! chooses one.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::system_reason;
use crate::plain_file;
use crate::private_file::{self, Mode};
use crate::schedule::Timer;
use crate::system::process::{self, ProgramOutput, run_with_timeout};
use crate::token::Timestamp;

/// What a scheduler's own program may take for one thing.
const LIMIT: Duration = Duration::from_secs(20);

/// Where things are on this machine.
#[derive(Clone, Debug)]
pub(crate) struct SchedulerPaths {
    /// The folders in which programs are looked for.
    pub programs: Vec<PathBuf>,
    /// Units of systemd's user manager.
    pub units: PathBuf,
    /// What that manager notes about timers that make up for missed runs.
    pub stamps: PathBuf,
    /// launchd's agents of this user.
    pub agents: PathBuf,
    /// A private folder for what a scheduler reads once.
    pub scratch: PathBuf,
}

/// A file of a timer, and where it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TimerFile {
    /// Where; a crontab has no path of its own.
    pub place: String,
    pub text: String,
}

/// What a scheduler has of a timer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Inspection {
    /// What differs from the timer, in words for people; empty if nothing does.
    pub drift: Vec<String>,
    /// When it runs next, where the scheduler tells.
    pub next: Option<Timestamp>,
}

/// Why a timer that is installed does not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stopped {
    /// What is missing.
    pub cause: String,
    /// The command to run.
    pub fix: String,
}

/// One scheduler. Failures are words for people.
pub(crate) trait Installer {
    /// Why it cannot be used here, if it cannot.
    fn probe(&self) -> Result<(), String>;
    /// Why it runs no timers now, though they can be installed.
    fn stopped(&self) -> Option<Stopped> {
        None
    }
    /// A condition on its runs that the user may want to change, in words for people.
    fn condition(&self) -> Option<String> {
        None
    }
    /// What would be written.
    fn files(&self, timer: &Timer) -> Vec<TimerFile>;
    /// The folders that this may make, each after those below it.
    fn folders(&self) -> Vec<PathBuf>;
    /// A file in the place of one of these that somebody else wrote.
    fn foreign(&self) -> Option<PathBuf> {
        None
    }
    /// Puts the timer there, in place of one that is there.
    fn install(&self, timer: &Timer) -> Result<(), String>;
    /// Takes the timer away, if it is there; true if it was.
    fn remove(&self) -> Result<bool, String>;
    /// Compares what is there with what should be.
    fn inspect(&self, timer: &Timer) -> Inspection;
}

/// Removes the folders that were made for a timer, where nothing else came into them since.
pub(crate) fn remove_empty_folders(made: &[String]) {
    for folder in made {
        let _ = std::fs::remove_dir(folder);
    }
}

/// Runs a scheduler's own program.
pub(super) fn run(
    paths: &SchedulerPaths,
    program: &str,
    arguments: &[&str],
    input: &[u8],
) -> Result<ProgramOutput, String> {
    let path = process::find_program(program, &paths.programs)
        .ok_or_else(|| format!("cannot find {program}"))?;
    run_with_timeout(&path, arguments, &[], input, LIMIT)
}

/// As [`run`], for a program that must do its work.
pub(super) fn run_checked(
    paths: &SchedulerPaths,
    program: &str,
    arguments: &[&str],
    input: &[u8],
) -> Result<ProgramOutput, String> {
    let output = run(paths, program, arguments, input)?;
    if output.succeeded() {
        return Ok(output);
    }
    Err(format!(
        "{program} {}: {}",
        arguments.join(" "),
        output.failure()
    ))
}

/// Writes a file and the folders above it, unless it says so already.
pub(super) fn write(path: &Path, text: &str) -> Result<(), String> {
    let write = || -> io::Result<()> {
        if plain_file::read(path)?.as_deref() == Some(text.as_bytes()) {
            return Ok(());
        }
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        private_file::replace(path, text.as_bytes(), Mode::keep_or_usual())
    };
    write().map_err(|error| format!("{}: {}", path.display(), system_reason(&error)))
}

/// Whether something has this name, if only a link that leads nowhere.
pub(super) fn is_there(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok()
}

/// Whether something has this name that does not say that ghtok wrote it.
pub(super) fn is_foreign(path: &Path) -> bool {
    const MARK: &[u8] = b"ghtok schedule install";
    let bytes = plain_file::read_small(path).unwrap_or_default();
    is_there(path) && !bytes.windows(MARK.len()).any(|part| part == MARK)
}

/// Removes a file; true if there was one.
pub(super) fn erase(path: &Path) -> Result<bool, String> {
    match std::fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(format!("{}: {}", path.display(), system_reason(&error))),
    }
}

/// How a file differs from what it should be, if it does.
pub(super) fn drift(path: &Path, text: &str) -> Option<String> {
    let problem = match plain_file::read(path) {
        Ok(Some(bytes)) if bytes == text.as_bytes() => return None,
        Ok(Some(_)) => "was changed".to_owned(),
        Ok(None) => "is missing".to_owned(),
        Err(error) => format!("cannot be read: {}", system_reason(&error)),
    };
    Some(format!("{} {problem}", path.display()))
}
