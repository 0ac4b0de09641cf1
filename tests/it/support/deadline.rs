//! The end of a process, within a limit: a test that waits for a hanging program must fail, not hang.

use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Output};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::sandbox::{Program, Run, Sandbox};

/// More than any command takes on a busy machine.
pub const LIMIT: Duration = Duration::from_secs(30);

/// Runs the product to its end.
#[track_caller]
pub fn run(sandbox: &Sandbox, arguments: &[&str]) -> Run {
    ends(sandbox.spawn(Program::Real, arguments), LIMIT)
}

/// Runs a command as a test has made it to its end.
#[track_caller]
pub fn run_command(command: &mut Command) -> Run {
    ends(command.spawn().expect("ghtok starts"), LIMIT)
}

/// Waits for the end, and kills what does not end in time.
#[track_caller]
pub fn ends(child: Child, limit: Duration) -> Run {
    Run::from(output(child, limit))
}

/// The signal by which a process ended, and what it had said.
#[track_caller]
pub fn ends_by_signal(child: Child, limit: Duration) -> (Option<i32>, Run) {
    let output = output(child, limit);
    (ExitStatus::signal(&output.status), Run::from(output))
}

#[track_caller]
fn output(child: Child, limit: Duration) -> Output {
    let pid = Pid::from_child(&child);
    let (ended, end) = mpsc::channel::<()>();
    // The process is not reaped before `ended`, so its number is still its own.
    let watchdog = thread::spawn(move || {
        let in_time = end.recv_timeout(limit) != Err(mpsc::RecvTimeoutError::Timeout);
        if !in_time {
            let _ = kill_process(pid, Signal::KILL);
        }
        in_time
    });
    let output = child.wait_with_output().expect("an end");
    drop(ended);
    let in_time = watchdog.join().expect("no panic");
    assert!(in_time, "no end within {limit:?}: {output:?}");
    output
}
