//! Processes as Windows has them.

mod job;

use std::fs::File;
use std::io;
use std::os::windows::io::{AsHandle, AsRawHandle};
use std::os::windows::process::CommandExt;
use std::process::{Child, Command, ExitStatus};
use std::sync::Arc;
use std::time::Duration;

use windows_sys::Win32::Foundation::WAIT_OBJECT_0;
use windows_sys::Win32::System::Threading::WaitForSingleObject;

use self::job::{CREATE_SUSPENDED, Job, resume};
use super::{Children, Termination};

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

#[expect(unsafe_code, reason = "no safe call waits for a process's end in time")]
pub(super) fn ends_within(child: &Child, limit: Duration) -> bool {
    let milliseconds = u32::try_from(limit.as_millis()).unwrap_or(u32::MAX - 1);
    // SAFETY: the handle is the child's, and open as long as that is.
    unsafe { WaitForSingleObject(child.as_raw_handle(), milliseconds) == WAIT_OBJECT_0 }
}

/// Ctrl-C reaches every process of the console: the command decides, and this process waits.
pub(super) fn exec_in_place(command: &mut Command) -> io::Result<u8> {
    let _held = signal_hook::flag::register(signal_hook::consts::SIGINT, Arc::default());
    let status = command.status()?;
    Ok(status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .unwrap_or(1))
}

/// Not a moment of it runs outside its group.
pub(super) fn spawn_group(mut command: Command) -> io::Result<(Child, ProcessGroup)> {
    let job = Job::new()?;
    command.creation_flags(CREATE_NEW_PROCESS_GROUP | CREATE_SUSPENDED);
    let mut child = command.spawn()?;
    let begun = job.take(&child).and_then(|()| resume(child.id()));
    if let Err(error) = begun {
        let _ = child.kill();
        return Err(error);
    }
    Ok((child, ProcessGroup(job)))
}

/// A server and all that it starts. It ends with this process, whatever ends that.
#[derive(Debug)]
pub(crate) struct ProcessGroup(Job);

impl ProcessGroup {
    /// No other process need end it.
    #[expect(clippy::unused_self, reason = "on Unix it has one")]
    pub(crate) fn number(&self) -> Option<u32> {
        None
    }

    /// No number names one.
    pub(crate) fn of_number(_: u32) -> Option<Self> {
        None
    }

    /// True while any process of it is left.
    pub(crate) fn is_there(&self) -> bool {
        self.0.members() > 0
    }

    /// There are no signals here.
    #[expect(clippy::unused_self, reason = "on Unix it has them")]
    pub(crate) fn signal(&self, _: i32) {}

    /// Ends every process of it; false if there is none left.
    pub(crate) fn end(&self, ending: Termination) -> bool {
        if ending == Termination::Forced {
            self.0.end();
        }
        self.is_there()
    }
}

pub(super) fn exit_code(status: ExitStatus) -> u8 {
    let code = status.code();
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

/// Nobody waits for children here.
pub(crate) fn reap() -> Children {
    Children::None
}

/// It was started outside the caller's console and group already.
pub(crate) fn leave_session() {}

/// Nobody can have this process ignore them.
pub(crate) fn notice_exits() {}

/// A pipe keeps its room here.
pub(crate) fn widen<P>(_: &P) {}

/// Nobody can know it here.
pub(crate) fn takes_at_once<P>(_: &P, _: usize) -> bool {
    false
}

/// A pipe's end, to be handed on.
pub(crate) fn file_of_reader(reader: io::PipeReader) -> File {
    File::from(std::os::windows::io::OwnedHandle::from(reader))
}

/// What was handed to us as standard input.
pub(crate) fn handed_over() -> Option<File> {
    let stdin = std::io::stdin().as_handle().try_clone_to_owned().ok()?;
    Some(File::from(stdin))
}
