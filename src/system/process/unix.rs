//! Processes as Unix has them.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus};
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, WaitOptions, kill_process, waitid, waitpid,
};

use super::{Children, Termination};
use crate::system::clock::pause;

/// The refresher that this process started last. Other children may be somebody else's: a
/// program that became this one can have had some.
static REFRESHER: AtomicI32 = AtomicI32::new(0);

/// The program leaves our session itself, first thing (`leave_session`).
pub(super) fn detach(command: &mut Command) -> io::Result<Child> {
    let child = command.spawn()?;
    REFRESHER.store(i32::try_from(child.id()).unwrap_or(0), Ordering::Relaxed);
    Ok(child)
}

/// Waits for a child's end, where the system can; otherwise for the whole time.
#[cfg(target_os = "linux")]
pub(super) fn ends_within(child: &Child, limit: Duration) -> bool {
    use rustix::process::{PidfdFlags, pidfd_open};
    let watched = pidfd_open(Pid::from_child(child), PidfdFlags::empty());
    let (Ok(end), Ok(limit)) = (watched, Timespec::try_from(limit)) else {
        pause(limit);
        return false;
    };
    let mut asked = [PollFd::new(&end, PollFlags::IN)];
    poll(&mut asked, Some(&limit)) == Ok(1)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn ends_within(_: &Child, limit: Duration) -> bool {
    pause(limit);
    false
}

pub(super) fn exec_in_place(command: &mut Command) -> io::Result<u8> {
    Err(command.exec())
}

/// A process group: a server and all that it starts, unless that leaves it.
#[derive(Debug)]
pub(crate) struct ProcessGroup(Pid);

#[cfg(not(target_os = "linux"))]
pub(super) fn spawn_group(mut command: Command) -> io::Result<(Child, ProcessGroup)> {
    let child = command.process_group(0).spawn()?;
    let group = ProcessGroup(Pid::from_child(&child));
    Ok((child, group))
}

/// It is killed with the thread that started it, so all are started by one that lasts.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "a death signal is set between fork and exec")]
pub(super) fn spawn_group(mut command: Command) -> io::Result<(Child, ProcessGroup)> {
    use rustix::process::{Signal, set_parent_process_death_signal};
    use std::sync::{Mutex, OnceLock, PoisonError, mpsc};

    type Wish = (Command, mpsc::Sender<io::Result<Child>>);
    static STARTER: OnceLock<Mutex<mpsc::Sender<Wish>>> = OnceLock::new();

    // SAFETY: the closure makes one system call, which is safe after fork, and allocates nothing.
    unsafe {
        command
            .process_group(0)
            .pre_exec(|| Ok(set_parent_process_death_signal(Some(Signal::KILL))?));
    }
    let thread = STARTER.get_or_init(|| {
        let (wishes, to_start) = mpsc::channel::<Wish>();
        // Without the thread every wish is refused.
        let _ = std::thread::Builder::new().spawn(move || {
            for (mut command, started) in to_start {
                let _ = started.send(command.spawn());
            }
        });
        Mutex::new(wishes)
    });
    let gone = || io::Error::other("no thread starts processes");
    let (started, answer) = mpsc::channel();
    let wishes = thread.lock().unwrap_or_else(PoisonError::into_inner);
    wishes.send((command, started)).map_err(|_| gone())?;
    let child = answer.recv().map_err(|_| gone())??;
    let group = ProcessGroup(Pid::from_child(&child));
    Ok((child, group))
}

impl ProcessGroup {
    /// The number by which another process can end it.
    pub(crate) fn number(&self) -> Option<u32> {
        u32::try_from(self.0.as_raw_nonzero().get()).ok()
    }

    /// The group of this number.
    pub(crate) fn of_number(number: u32) -> Option<Self> {
        let pid = i32::try_from(number).ok().and_then(Pid::from_raw);
        pid.map(Self)
    }

    /// True while any process of it is left.
    pub(crate) fn is_there(&self) -> bool {
        rustix::process::test_kill_process_group(self.0) != Err(rustix::io::Errno::SRCH)
    }

    /// Sends this signal to every process of it.
    pub(crate) fn signal(&self, signal: i32) {
        if let Some(signal) = rustix::process::Signal::from_named_raw(signal) {
            let _ = rustix::process::kill_process_group(self.0, signal);
        }
    }

    /// Ends every process of it; false if there is none left.
    pub(crate) fn end(&self, ending: Termination) -> bool {
        let signal = match ending {
            Termination::Graceful => rustix::process::Signal::TERM,
            Termination::Forced => rustix::process::Signal::KILL,
        };
        rustix::process::kill_process_group(self.0, signal).is_ok()
    }
}

pub(super) fn exit_code(status: ExitStatus) -> u8 {
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

/// A command in the process group of this process.
#[derive(Debug)]
pub(crate) struct RunningCommand {
    pid: Pid,
    /// Once it has ended, its number may be another process's.
    has_ended: Mutex<bool>,
}

impl RunningCommand {
    pub(super) fn start(mut command: Command) -> io::Result<Self> {
        let child = command.spawn()?;
        Ok(Self {
            pid: Pid::from_child(&child),
            has_ended: Mutex::new(false),
        })
    }

    /// Passes on a signal that was sent to this process, but for one that a terminal has sent to the whole group.
    pub(crate) fn pass_on(&self, signal: i32) {
        let has_ended = self.lock();
        let is_typed = matches!(signal, libc::SIGINT | libc::SIGQUIT) && is_in_foreground();
        let signal = Signal::from_named_raw(signal);
        if let Some(signal) = signal.filter(|_| !*has_ended && !is_typed) {
            let _ = kill_process(self.pid, signal);
        }
    }

    /// Waits for its end; returns its exit code, 128 + n for a signal.
    pub(crate) fn wait(&self) -> u8 {
        let ended = loop {
            // It keeps its number until it is waited for once more.
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            match waitid(WaitId::Pid(self.pid), options) {
                Err(Errno::INTR) => {}
                ended => break ended,
            }
        };
        *self.lock() = true;
        let _ = waitpid(Some(self.pid), WaitOptions::empty());
        let status = ended.ok().flatten();
        let code = status.as_ref().and_then(|status| {
            let code = status.exit_status();
            code.or_else(|| status.terminating_signal().map(|signal| 128 + signal))
        });
        code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.has_ended
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether what is typed at the terminal sends its signals to this process's group, in which the command is too.
fn is_in_foreground() -> bool {
    let terminal = File::open("/dev/tty").ok();
    let group = terminal.and_then(|terminal| rustix::termios::tcgetpgrp(terminal).ok());
    group == Some(rustix::process::getpgrp())
}

/// Takes note of the refresher's end.
pub(crate) fn reap() -> Children {
    let refresher = Pid::from_raw(REFRESHER.load(Ordering::Relaxed));
    match refresher.map(|pid| waitpid(Some(pid), WaitOptions::NOHANG)) {
        Some(Ok(None)) => Children::Running,
        Some(Ok(Some(_)) | Err(_)) | None => Children::None,
    }
}

/// Leaves the caller's session and process group, so that neither Ctrl-C, nor a closed
/// terminal, nor a killed group reaches this process; and closes every descriptor that was
/// inherited beside the standard ones, so that nobody waits for their end.
pub(crate) fn leave_session() {
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

/// Undoes a caller's `SIGCHLD` that is ignored: it is inherited, and no child's exit code could be read
/// (wait(2), NOTES).
#[expect(unsafe_code, reason = "no safe call sets a signal's default")]
pub(crate) fn notice_exits() {
    // SAFETY: it sets no handler, and no other thread waits for a child yet.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_DFL) };
}

/// Gives a pipe more room, where the system allows it: a long line then passes in one piece.
pub(crate) fn widen(pipe: &impl AsFd) {
    #[cfg(target_os = "linux")]
    {
        const ROOM: usize = 512 * 1024;
        let _ = rustix::pipe::fcntl_setpipe_size(pipe, ROOM);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = pipe;
}

/// True if a pipe takes so many bytes now, so that nobody waits for its reader (poll(2), pipe(7)).
pub(crate) fn takes_at_once(pipe: &impl AsFd, count: usize) -> bool {
    let mut asked = [PollFd::new(pipe, PollFlags::OUT)];
    let at_once = Timespec::default();
    count <= rustix::pipe::PIPE_BUF && poll(&mut asked, Some(&at_once)) == Ok(1)
}

/// A pipe's end, to be handed on.
pub(crate) fn file_of_reader(reader: io::PipeReader) -> File {
    File::from(std::os::fd::OwnedFd::from(reader))
}

/// What was handed to us as standard input.
pub(crate) fn handed_over() -> Option<File> {
    let stdin = std::io::stdin().as_fd().try_clone_to_owned().ok()?;
    Some(File::from(stdin))
}
