//! Starting other processes, and cutting this one loose. The only place that does either.

#[cfg(unix)]
#[path = "process/unix.rs"]
mod platform;
#[cfg(windows)]
#[path = "process/windows.rs"]
mod platform;

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use crate::error::{Error, system_reason};
use crate::formats::plain_text::one_line;

/// Starts a program that outlives this process: it gets `stdin`, and neither our output nor our
/// terminal.
///
/// # Errors
/// If it cannot be started.
pub fn start_detached(
    program: &Path,
    arguments: &[OsString],
    stdin: Option<File>,
) -> io::Result<Detached> {
    platform::detach(&mut silent(program, arguments, stdin)).map(Detached)
}

/// A process that outlives this one.
#[derive(Debug)]
pub struct Detached(Child);

impl Detached {
    /// The system's number of it.
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// Waits for its end; false if that has not come within the limit.
    pub fn ends_within(&self, limit: Duration) -> bool {
        platform::ends_within(&self.0, limit)
    }
}

/// Starts a program of ours that watches this process, by the end of what it is given to read.
///
/// # Errors
/// If it cannot be started.
pub fn start_watching(program: &Path, argument: &str, stdin: File) -> io::Result<Child> {
    silent(program, &[argument.into()], Some(stdin)).spawn()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that starts a process"
)]
fn silent(program: &Path, arguments: &[OsString], stdin: Option<File>) -> Command {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(stdin.map_or_else(Stdio::null, Stdio::from))
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// A change to the environment of a command.
#[derive(Clone, Copy)]
pub enum Change<'a> {
    /// This variable gets this value, which may be secret.
    Set(&'a str, &'a str),
    /// This variable goes.
    Remove(&'a str),
}

/// What to say of a command that could not be started.
pub(crate) fn not_started(program: &OsStr, error: &io::Error) -> Error {
    let command = one_line(&program.to_string_lossy(), 200);
    match error.kind() {
        io::ErrorKind::NotFound => Error::CommandNotFound { command },
        _ => Error::CommandNotRun {
            command,
            cause: system_reason(error),
        },
    }
}

/// Whether this process has children left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Children {
    /// At least one runs.
    Running,
    /// None.
    None,
}

/// Runs a command in this process's place: the same terminal, signals and end. On Unix it becomes
/// this process, and this returns only if it cannot.
///
/// # Errors
/// If it cannot be run.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that starts a process"
)]
pub fn run_in_place(
    program: &OsStr,
    arguments: &[OsString],
    changes: &[Change<'_>],
) -> io::Result<u8> {
    let mut command = Command::new(program);
    command.args(arguments);
    for change in changes {
        match *change {
            Change::Set(name, value) => command.env(name, value),
            Change::Remove(name) => command.env_remove(name),
        };
    }
    platform::run_in_place(&mut command)
}

/// Starts a server that this process talks to through pipes, and what it starts with it. On Linux it is
/// killed with this process.
///
/// # Errors
/// If it cannot be started.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that starts a process"
)]
pub fn start_server(
    program: &OsStr,
    arguments: &[OsString],
    changes: &[Change<'_>],
) -> io::Result<(Child, Family)> {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    for change in changes {
        match *change {
            Change::Set(name, value) => command.env(name, value),
            Change::Remove(name) => command.env_remove(name),
        };
    }
    platform::start_family(command)
}

/// How a family of processes is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// They may put their things in order. Windows has no word for that to a program without a window.
    Asked,
    /// They may not.
    Forced,
}

/// What a process's end says: its code, 128 + n for a signal.
pub fn code_of(status: ExitStatus) -> u8 {
    platform::code_of(status)
}

/// Ends this process at once, though threads of it wait for something.
#[expect(
    clippy::disallowed_methods,
    clippy::exit,
    reason = "an MCP client gives two seconds; a thread may wait for GitHub for longer"
)]
pub fn end(code: u8) -> ! {
    std::process::exit(i32::from(code))
}

/// What a program prints; `None` if it cannot be started or fails. It is asked nothing and asks nobody.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that starts a process"
)]
pub fn output_of(program: &Path, arguments: &[&str]) -> Option<Vec<u8>> {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    output.status.success().then_some(output.stdout)
}

/// Runs a command line as git runs a helper's: by the shell, with the standard output, the standard
/// error and the terminal of this process. It may ask a person, so its end is waited for without limit.
///
/// # Errors
/// If no shell can be started.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that starts a process"
)]
pub fn run_in_shell(line: &OsStr, input: &[u8]) -> io::Result<u8> {
    let shell = if cfg!(unix) { "/bin/sh" } else { "sh" };
    let mut child = Command::new(shell)
        .arg("-c")
        .args([line, line])
        .stdin(Stdio::piped())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // One that does not read has no need to.
        let _ = stdin.write_all(input);
    }
    child.wait().map(code_of)
}

/// Runs a program for the person who is here: it has our terminal, and says what it says on standard
/// error. True if it did its work.
///
/// # Errors
/// If it cannot be started.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that starts a process"
)]
pub fn run_for_a_person(program: &Path, arguments: &[String]) -> io::Result<bool> {
    let status = Command::new(program)
        .args(arguments)
        .stdout(io::stderr())
        .status()?;
    Ok(status.success())
}

/// Where a program that can be run is, of these folders: on Unix with the executable bit, on Windows by
/// the extensions of `PATHEXT` (`.cmd` too). Relative folders are left out: what is found there would
/// depend on the current folder.
pub fn find_program(name: &str, folders: &[PathBuf]) -> Option<PathBuf> {
    if Path::new(name).file_name() != Some(name.as_ref()) {
        return None;
    }
    let absolute = folders.iter().filter(|folder| folder.is_absolute());
    let mut places = absolute.map(|folder| folder.join(name));
    // An absolute name is looked up where it is, and nowhere else.
    places.find_map(|place| which::which_in_global(place, None::<&str>).ok()?.next())
}

/// The path of this program that outlives an upgrade: by its name in these folders, where package
/// managers keep a link, and not where that link leads.
pub fn lasting_path(program: PathBuf, folders: &[PathBuf]) -> PathBuf {
    let itself = std::fs::canonicalize(&program).ok();
    let name = format!("ghtok{}", std::env::consts::EXE_SUFFIX);
    let mut places = folders.iter().map(|folder| folder.join(&name));
    places
        .find(|place| itself.is_some() && std::fs::canonicalize(place).ok() == itself)
        .unwrap_or(program)
}

/// Keeps this process's memory from core files, debuggers and other processes of the same user
/// (prctl(2), `PR_SET_DUMPABLE`). A program that replaces this one is not covered.
pub fn hide_memory() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        // It can fail only for an unknown value.
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}

pub use platform::{
    Family, file_of_reader, handed_over, leave_session, reap, takes_at_once, widen,
};

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn file(folder: &Path, name: &str, mode: u32) {
        fs::write(folder.join(name), "#!/bin/sh\n").expect("a file");
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(mode)).expect("a mode");
    }

    #[test]
    fn what_cannot_be_run_is_passed_over() {
        let root = tempfile::tempdir().expect("a folder");
        let folders: Vec<PathBuf> = ["a", "b", "c", "d"]
            .map(|name| root.path().join(name))
            .into();
        for folder in &folders {
            fs::create_dir(folder).expect("a folder");
        }
        fs::create_dir(folders[0].join("tool")).expect("a folder of that name");
        file(&folders[1], "tool", 0o644);
        symlink("nowhere", folders[2].join("tool")).expect("a dangling link");
        assert_eq!(find_program("tool", &folders), None);
        file(&folders[3], "tool", 0o755);
        let found = folders[3].join("tool");
        assert_eq!(find_program("tool", &folders), Some(found.clone()));
        fs::remove_file(folders[2].join("tool")).expect("gone");
        symlink("../d/tool", folders[2].join("tool")).expect("a link");
        let by_link = folders[2].join("tool");
        assert_eq!(find_program("tool", &folders), Some(by_link));
    }

    #[test]
    fn neither_relative_folders_nor_names_with_a_folder_are_looked_up() {
        let root = tempfile::tempdir().expect("a folder");
        file(root.path(), "tool", 0o755);
        let absolute = vec![root.path().to_owned()];
        assert!(find_program("tool", &absolute).is_some());
        let up = "../".repeat(root.path().components().count() + 20);
        let below = root.path().strip_prefix("/").expect("a path");
        let relative = vec![Path::new(&up).join(below), PathBuf::new(), ".".into()];
        assert_eq!(find_program("tool", &relative), None);
        let by_path = root.path().join("tool");
        for name in [
            by_path.to_str().expect("text"),
            "./tool",
            "x/../tool",
            "..",
            "",
        ] {
            assert_eq!(find_program(name, &absolute), None, "{name}");
        }
    }
}
