//! Starting other processes, and cutting this one loose. The only place that does either.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

/// Starts a program that outlives this process: it gets `stdin`, and neither our output nor our
/// terminal.
///
/// # Errors
/// If it cannot be started.
pub fn start_detached(
    program: &Path,
    arguments: &[String],
    stdin: Option<File>,
) -> io::Result<Child> {
    platform::detach(&mut silent(program, arguments, stdin))
}

/// Starts a program of ours that watches this process, by the end of what it is given to read.
///
/// # Errors
/// If it cannot be started.
pub fn start_watching(program: &Path, argument: &str, stdin: File) -> io::Result<Child> {
    silent(program, &[argument.to_owned()], Some(stdin)).spawn()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that starts a process"
)]
fn silent(program: &Path, arguments: &[String], stdin: Option<File>) -> Command {
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

/// Starts a server that this process talks to through pipes. It leads a process group, which ends with
/// [`end_group`]; on Linux it is killed with the thread that started it.
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
) -> io::Result<Child> {
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
    platform::lead_a_group(&mut command);
    command.spawn()
}

/// How a process group is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It may put its things in order.
    Asked,
    /// It may not.
    Forced,
}

/// Ends every process of a group; false if there is none left.
pub fn end_group(leader: u32, ending: Ending) -> bool {
    platform::end_group(leader, ending)
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

/// Where a program is, of these folders.
pub fn find_program(name: &str, folders: &[PathBuf]) -> Option<PathBuf> {
    let name = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    let mut places = folders.iter().map(|folder| folder.join(&name));
    places.find(|place| place.is_file())
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

#[cfg(unix)]
mod platform {
    use std::fs::File;
    use std::io;
    use std::os::fd::AsFd;
    use std::os::unix::process::{CommandExt, ExitStatusExt};
    use std::process::{Child, Command, ExitStatus};

    use std::sync::atomic::{AtomicI32, Ordering};

    use rustix::process::{Pid, WaitOptions, waitpid};

    use super::{Children, Ending};

    /// The refresher that this process started last. Other children may be somebody else's: a
    /// program that became this one can have had some.
    static REFRESHER: AtomicI32 = AtomicI32::new(0);

    /// The program leaves our session itself, first thing (`leave_session`).
    pub(super) fn detach(command: &mut Command) -> io::Result<Child> {
        let child = command.spawn()?;
        REFRESHER.store(i32::try_from(child.id()).unwrap_or(0), Ordering::Relaxed);
        Ok(child)
    }

    pub(super) fn run_in_place(command: &mut Command) -> io::Result<u8> {
        Err(command.exec())
    }

    #[cfg_attr(
        target_os = "linux",
        expect(unsafe_code, reason = "a death signal is set between fork and exec")
    )]
    pub(super) fn lead_a_group(command: &mut Command) {
        command.process_group(0);
        #[cfg(target_os = "linux")]
        // SAFETY: the closure makes one system call, which is safe after fork, and allocates nothing.
        unsafe {
            command.pre_exec(|| {
                use rustix::process::{Signal, set_parent_process_death_signal};
                Ok(set_parent_process_death_signal(Some(Signal::KILL))?)
            });
        }
    }

    pub(super) fn end_group(leader: u32, ending: Ending) -> bool {
        let signal = match ending {
            Ending::Asked => rustix::process::Signal::TERM,
            Ending::Forced => rustix::process::Signal::KILL,
        };
        let group = i32::try_from(leader).ok().and_then(Pid::from_raw);
        group.is_some_and(|group| rustix::process::kill_process_group(group, signal).is_ok())
    }

    pub(super) fn code_of(status: ExitStatus) -> u8 {
        let code = status
            .code()
            .or_else(|| status.signal().map(|signal| 128 + signal));
        code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
    }

    /// Takes note of the refresher's end.
    pub fn reap() -> Children {
        let refresher = Pid::from_raw(REFRESHER.load(Ordering::Relaxed));
        match refresher.map(|pid| waitpid(Some(pid), WaitOptions::NOHANG)) {
            Some(Ok(None)) => Children::Running,
            Some(Ok(Some(_)) | Err(_)) | None => Children::None,
        }
    }

    /// Leaves the caller's session and process group, so that neither Ctrl-C, nor a closed
    /// terminal, nor a killed group reaches this process; and closes every descriptor that was
    /// inherited beside the standard ones, so that nobody waits for their end.
    pub fn leave_session() {
        // It fails only for a group leader, which nobody started as a refresher.
        let _ = rustix::process::setsid();
        // Nobody's unmount waits for it either; every path it uses is absolute.
        let _ = std::env::set_current_dir("/");
        close_inherited();
    }

    #[cfg(target_os = "linux")]
    #[expect(
        unsafe_code,
        reason = "no safe call closes descriptors that nobody owns"
    )]
    fn close_inherited() {
        // SAFETY: called first thing in a process that has opened nothing itself; no value in this
        // program owns a descriptor from 3 up.
        unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, 0) };
    }

    #[cfg(not(target_os = "linux"))]
    #[expect(
        unsafe_code,
        reason = "no safe call closes descriptors that nobody owns"
    )]
    fn close_inherited() {
        // SAFETY: `getdtablesize` has no preconditions. The descriptors from 3 up are closed first
        // thing in a process that has opened nothing itself, so no value in it owns one.
        unsafe {
            for descriptor in 3..libc::getdtablesize() {
                libc::close(descriptor);
            }
        }
    }

    /// Gives a pipe more room, where the system allows it: a long line then passes in one piece.
    pub fn widen(pipe: &impl AsFd) {
        #[cfg(target_os = "linux")]
        {
            const ROOM: usize = 512 * 1024;
            let _ = rustix::pipe::fcntl_setpipe_size(pipe, ROOM);
        }
        #[cfg(not(target_os = "linux"))]
        let _ = pipe;
    }

    /// A pipe's end, to be handed on.
    pub fn file_of_reader(reader: io::PipeReader) -> File {
        File::from(std::os::fd::OwnedFd::from(reader))
    }

    /// What was handed to us as standard input.
    pub fn handed_over() -> Option<File> {
        let stdin = std::io::stdin().as_fd().try_clone_to_owned().ok()?;
        Some(File::from(stdin))
    }
}

#[cfg(windows)]
mod platform {
    use std::fs::File;
    use std::io;
    use std::os::windows::io::AsHandle;
    use std::os::windows::process::CommandExt;
    use std::process::{Child, Command, ExitStatus, Stdio};
    use std::sync::Arc;

    use super::{Children, Ending};

    const DETACHED_PROCESS: u32 = 0x0000_0008;
    const CREATE_NEW_PROCESS_GROUP: u32 = 0x0000_0200;
    const CREATE_BREAKAWAY_FROM_JOB: u32 = 0x0100_0000;

    /// In a group of its own, without our console, out of our job where that is allowed.
    pub(super) fn detach(command: &mut Command) -> io::Result<Child> {
        let detached = DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP;
        command
            .creation_flags(detached | CREATE_BREAKAWAY_FROM_JOB)
            .spawn()
            .or_else(|_| command.creation_flags(detached).spawn())
    }

    /// Ctrl-C reaches every process of the console: the command decides, and this process waits.
    pub(super) fn run_in_place(command: &mut Command) -> io::Result<u8> {
        let _held = signal_hook::flag::register(signal_hook::consts::SIGINT, Arc::default());
        let status = command.status()?;
        Ok(status
            .code()
            .and_then(|code| u8::try_from(code).ok())
            .unwrap_or(1))
    }

    /// A tree of processes is found by its root.
    pub(super) fn lead_a_group(command: &mut Command) {
        command.creation_flags(CREATE_NEW_PROCESS_GROUP);
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that starts a process"
    )]
    pub(super) fn end_group(leader: u32, ending: Ending) -> bool {
        let mut command = Command::new("taskkill");
        command.args(["/T", "/PID", &leader.to_string()]);
        if ending == Ending::Forced {
            command.arg("/F");
        }
        let silent = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        silent.status().is_ok_and(|status| status.success())
    }

    pub(super) fn code_of(status: ExitStatus) -> u8 {
        let code = status.code();
        code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
    }

    /// Nobody waits for children here.
    pub fn reap() -> Children {
        Children::None
    }

    /// It was started outside the caller's console and group already.
    pub fn leave_session() {}

    /// A pipe keeps its room here.
    pub fn widen<P>(_: &P) {}

    /// A pipe's end, to be handed on.
    pub fn file_of_reader(reader: io::PipeReader) -> File {
        File::from(std::os::windows::io::OwnedHandle::from(reader))
    }

    /// What was handed to us as standard input.
    pub fn handed_over() -> Option<File> {
        let stdin = std::io::stdin().as_handle().try_clone_to_owned().ok()?;
        Some(File::from(stdin))
    }
}

pub use platform::{file_of_reader, handed_over, leave_session, reap, widen};
