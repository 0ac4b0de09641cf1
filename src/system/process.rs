//! Starting other processes, and cutting this one loose. The only place that does either.

mod background;
mod find;
mod run;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

#[cfg(unix)]
use self::unix as platform;
#[cfg(windows)]
use self::windows as platform;
use crate::error::{Error, system_reason};
use crate::formats::plain_text::one_line;

pub(crate) use self::background::{BackgroundProcess, CommandLine};
pub(crate) use self::find::{find_program, stable_path};
pub(crate) use self::run::{ProgramOutput, run_with_timeout};
#[cfg(unix)]
pub(crate) use self::unix::RunningCommand;
pub(crate) use platform::{
    ProcessGroup, file_of_reader, handed_over, leave_session, notice_exits, reap, takes_at_once,
    widen,
};

/// Starts a program that outlives this process: it gets `stdin`, and neither our output nor our
/// terminal.
///
/// # Errors
/// If it cannot be started.
pub(crate) fn spawn_detached(
    program: &Path,
    arguments: &[OsString],
    stdin: Option<File>,
) -> io::Result<Detached> {
    platform::detach(&mut silent(program, arguments, stdin)).map(Detached)
}

/// A process that outlives this one.
#[derive(Debug)]
pub(crate) struct Detached(Child);

impl Detached {
    /// The system's number of it.
    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// Waits for its end; false if that has not come within the limit.
    pub(crate) fn ends_within(&self, limit: Duration) -> bool {
        platform::ends_within(&self.0, limit)
    }
}

/// Starts a program of ours that watches this process, by the end of what it is given to read.
///
/// # Errors
/// If it cannot be started.
pub(crate) fn spawn_guard(program: &Path, argument: &str, stdin: File) -> io::Result<Child> {
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
pub(crate) enum Change<'a> {
    /// This variable gets this value, which may be secret.
    Set(&'a str, &'a OsStr),
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
pub(crate) enum Children {
    /// At least one runs.
    Running,
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
pub(crate) fn exec(
    program: &OsStr,
    arguments: &[OsString],
    changes: &[Change<'_>],
) -> io::Result<u8> {
    let mut command = Command::new(program);
    command.args(arguments);
    change_environment(&mut command, changes);
    platform::exec_in_place(&mut command)
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
pub(crate) fn spawn_server(
    program: &OsStr,
    arguments: &[OsString],
    changes: &[Change<'_>],
) -> io::Result<(Child, ProcessGroup)> {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    change_environment(&mut command, changes);
    platform::spawn_group(command)
}

fn change_environment(command: &mut Command, changes: &[Change<'_>]) {
    for change in changes {
        match *change {
            Change::Set(name, value) => command.env(name, value),
            Change::Remove(name) => command.env_remove(name),
        };
    }
}

/// Starts a command that has this process's terminal and its process group, and whose end this process waits for.
///
/// # Errors
/// If it cannot be started.
#[cfg(unix)]
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that starts a process"
)]
pub(crate) fn run_beside(
    program: &OsStr,
    arguments: &[OsString],
    changes: &[Change<'_>],
) -> io::Result<RunningCommand> {
    let mut command = Command::new(program);
    command.args(arguments);
    change_environment(&mut command, changes);
    RunningCommand::start(command)
}

/// How a group of processes is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Termination {
    /// They may clean up. Windows has no such request for a program without a window.
    Graceful,
    /// They are killed.
    Forced,
}

/// What a process's end says: its code, 128 + n for a signal.
pub(crate) fn exit_code(status: ExitStatus) -> u8 {
    platform::exit_code(status)
}

/// Ends this process at once, though threads of it wait for something.
#[expect(
    clippy::disallowed_methods,
    clippy::exit,
    reason = "an MCP client gives two seconds; a thread may wait for GitHub for longer"
)]
pub(crate) fn end(code: u8) -> ! {
    std::process::exit(i32::from(code))
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
pub(crate) fn run_in_shell(line: &OsStr, input: &[u8]) -> io::Result<u8> {
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
    child.wait().map(exit_code)
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
pub(crate) fn run_interactively(program: &Path, arguments: &[String]) -> io::Result<bool> {
    let status = Command::new(program)
        .args(arguments)
        .stdout(io::stderr())
        .status()?;
    Ok(status.success())
}

/// Keeps this process's memory from core files, debuggers and other processes of the same user
/// (prctl(2), `PR_SET_DUMPABLE`). A program that replaces this one is not covered.
pub(crate) fn hide_memory() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        // It can fail only for an unknown value.
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}
