//! Starting other processes, and cutting this one loose. The only place that does either.

use std::fs::File;
use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Starts a program that outlives this process: it gets `stdin`, and neither our output nor our
/// terminal.
///
/// # Errors
/// If it cannot be started.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that starts a process"
)]
pub fn start_detached(
    program: &Path,
    arguments: &[String],
    stdin: Option<File>,
) -> io::Result<Child> {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(stdin.map_or_else(Stdio::null, Stdio::from))
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    platform::detach(&mut command)
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
    use std::process::{Child, Command};

    /// The program leaves our session itself, first thing (`leave_session`).
    pub(super) fn detach(command: &mut Command) -> io::Result<Child> {
        command.spawn()
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
    use std::os::windows::process::CommandExt;
    use std::process::{Child, Command};

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

    /// It was started outside the caller's console and group already.
    pub fn leave_session() {}

    /// A Windows lock cannot be handed on.
    pub fn handed_over() -> Option<File> {
        None
    }
}

pub use platform::{handed_over, leave_session};
