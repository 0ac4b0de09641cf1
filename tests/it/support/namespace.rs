//! A mount namespace of one test, so that services which know only the system's own folders have
//! folders of the test's.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::deadline::ends;
use super::sandbox::Run;

/// A manager of services that has just started takes its time on a busy machine.
const AT_MOST: Duration = Duration::from_secs(120);

/// The namespace, kept open by a process that waits in it.
#[derive(Debug)]
pub struct Namespace {
    keeper: Child,
}

/// A process that goes on in the namespace.
#[derive(Debug)]
pub struct Inside(Child);

/// A shell script that sees no process but its own, nor mounts of anybody else. `None`, with a line that
/// says why, where that is not allowed (it takes root).
pub fn alone(script: &str) -> Option<Command> {
    let unshare = |script: &str| {
        let mut command = Command::new("unshare");
        command
            .args(["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"])
            .args(["sh", "-c", script])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    };
    let is_allowed = unshare("exit 0")
        .status()
        .is_ok_and(|status| status.success());
    if !is_allowed {
        skip!("no namespace can be made here (it takes root)");
    }
    is_allowed.then(|| unshare(script))
}

impl Namespace {
    /// Opens one and runs a shell script in it. `None`, with a line that says why, where that is not
    /// allowed (it takes root).
    pub fn open(setup: &str) -> Option<Self> {
        use std::io::{BufRead, BufReader};
        let script = format!("set -e\n{setup}\necho ready\nexec sleep 600");
        let spawned = Command::new("unshare")
            .arg("--mount")
            .args(["sh", "-c", &script])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let Ok(mut keeper) = spawned else {
            skip!("there is no unshare");
            return None;
        };
        let mut line = String::new();
        let mut output = BufReader::new(keeper.stdout.take().expect("a pipe"));
        let _ = output.read_line(&mut line);
        let namespace = Self { keeper };
        if line.trim() == "ready" {
            return Some(namespace);
        }
        skip!("no namespace can be made here (it takes root)");
        None
    }

    /// Runs a command in it to its end.
    #[track_caller]
    pub fn run(&self, command: &Command) -> Run {
        let child = self
            .entering(command)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        ends(child.expect("nsenter"), AT_MOST)
    }

    /// Starts a command in it.
    pub fn start(&self, command: &Command) -> Inside {
        let child = self
            .entering(command)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Inside(child.expect("nsenter"))
    }

    fn entering(&self, command: &Command) -> Command {
        let mut entering = Command::new("nsenter");
        entering
            .args(["--mount", "--target", &self.keeper.id().to_string(), "--"])
            .arg(command.get_program())
            .args(command.get_args())
            .stdin(Stdio::null());
        // A command whose environment was cleared has its own only.
        if command.get_envs().next().is_some() {
            entering.env_clear();
        }
        for (name, value) in command.get_envs() {
            if let Some(value) = value {
                entering.env(name, value);
            }
        }
        entering
    }
}

impl Inside {
    /// Asks it to end, and ends it if it does not.
    pub fn end(&mut self) {
        let pid = Pid::from_child(&self.0);
        let ended = |child: &mut Child| !matches!(child.try_wait(), Ok(None));
        if !ended(&mut self.0) {
            let _ = kill_process(pid, Signal::TERM);
        }
        let began = Instant::now();
        while !ended(&mut self.0) && began.elapsed() < Duration::from_secs(10) {
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.end();
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
    }
}
