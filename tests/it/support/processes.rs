//! Processes of one test: started with their output in files, waited for with a deadline, and ended
//! by their number whatever becomes of the test.

use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::sandbox::{Program, Run, Sandbox};

/// What must happen, happens within this, on a busy machine too.
pub const IN_TIME: Duration = Duration::from_secs(30);

/// True if the long counts were asked for.
pub fn in_full() -> bool {
    std::env::var_os("GHTOK_TEST_FULL").is_some()
}

/// Waits until `look` finds something.
#[track_caller]
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + IN_TIME;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A process that the test started.
#[derive(Debug)]
pub struct Caller {
    child: Child,
    output: PathBuf,
    ended: Option<ExitStatus>,
}

impl Caller {
    /// Starts ghtok in the sandbox.
    pub fn ghtok(sandbox: &Sandbox, program: Program, arguments: &[&str]) -> Self {
        Self::start(sandbox, &mut sandbox.command(program, arguments))
    }

    /// Starts the hurried ghtok, whose refresher does `deed` at a step, as in `begun:stop`.
    pub fn stopping_at(sandbox: &Sandbox, deed: &str, arguments: &[&str]) -> Self {
        let mut command = sandbox.command(Program::Hurried, arguments);
        Self::start(sandbox, command.env("GHTOK_TEST_AT", deed))
    }

    /// Starts any command, its output in files of the sandbox.
    pub fn start(sandbox: &Sandbox, command: &mut Command) -> Self {
        let output = new_output(sandbox);
        let out = File::create(output.with_extension("out")).expect("a file");
        let err = File::create(output.with_extension("err")).expect("a file");
        let child = command.stdout(out).stderr(err).spawn();
        Self::of(child.expect("a process"), output)
    }

    pub(super) fn of(child: Child, output: PathBuf) -> Self {
        Self {
            child,
            output,
            ended: None,
        }
    }

    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// True while it runs; afterwards its number is free again and is not used any more.
    pub fn is_running(&mut self) -> bool {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().expect("our child");
        }
        self.ended.is_none()
    }

    /// Sends a signal, and says whether there was anybody left to get it.
    pub fn signal(&mut self, signal: Signal) -> bool {
        let running = self.is_running();
        if running {
            kill_process(self.pid(), signal).expect("our child");
        }
        running
    }

    /// How it ended.
    #[track_caller]
    pub fn end(&mut self) -> ExitStatus {
        eventually("the end of a process", || {
            (!self.is_running()).then_some(())
        });
        self.ended.expect("ended")
    }

    /// The signal that ended it.
    #[track_caller]
    pub fn ended_by(&mut self) -> Option<i32> {
        self.end().signal()
    }

    /// True if its end left a core file.
    pub fn dumped_core(&mut self) -> bool {
        self.end().core_dumped()
    }

    /// Waits until it has said this to people.
    #[track_caller]
    pub fn wait_to_say(&self, words: &str) {
        eventually(words, || {
            let said = fs::read_to_string(self.output.with_extension("err")).expect("UTF-8");
            said.contains(words).then_some(())
        });
    }

    /// What it left.
    #[track_caller]
    pub fn finish(mut self) -> Run {
        let code = self.end().code();
        let read = |end| fs::read_to_string(self.output.with_extension(end)).expect("UTF-8");
        Run {
            code,
            stdout: read("out"),
            stderr: read("err"),
        }
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        if self.ended.is_none() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

pub(super) fn new_output(sandbox: &Sandbox) -> PathBuf {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let folder = sandbox.home().join("output");
    fs::create_dir_all(&folder).expect("a folder");
    folder.join(NUMBER.fetch_add(1, Ordering::Relaxed).to_string())
}

/// Every process that names a sandbox's host in its arguments, as refreshers do; also those that
/// left their caller's session. Refreshers that still live at the end of the test are killed.
#[derive(Debug)]
pub struct Watch {
    host: String,
}

impl Watch {
    pub fn over(sandbox: &Sandbox) -> Self {
        let host = sandbox.app().host.to_string();
        Self { host }
    }

    /// The processes whose first argument is this word.
    pub fn running(&self, word: &str) -> Vec<Pid> {
        let ours = |pid: &Pid| {
            let arguments = arguments(*pid);
            let is_ours = arguments
                .iter()
                .any(|argument| argument.ends_with(&self.host));
            is_ours && arguments.get(1).is_some_and(|first| first == word)
        };
        all_processes().into_iter().filter(ours).collect()
    }

    /// The one refresher, as soon as there is one.
    #[track_caller]
    pub fn refresher(&self) -> Pid {
        eventually("a refresher", || {
            match self.running("refresher").as_slice() {
                [] => None,
                [one] => Some(*one),
                more => panic!("{} refreshers", more.len()),
            }
        })
    }

    /// The one refresher, once it has stopped.
    #[track_caller]
    pub fn stopped_refresher(&self) -> Pid {
        eventually("a stopped refresher", || {
            self.running("refresher")
                .into_iter()
                .find(|pid| is_stopped(*pid))
        })
    }

    /// Waits until no refresher is left.
    #[track_caller]
    pub fn no_refresher(&self) {
        eventually("the end of the refresher", || {
            self.running("refresher").is_empty().then_some(())
        });
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        for pid in self.running("refresher") {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

/// Kills a process that is no child of ours, and waits until it is gone.
#[track_caller]
pub fn kill_for_good(pid: Pid) {
    kill_process(pid, Signal::KILL).expect("it lives");
    eventually("the end of a killed process", || is_gone(pid).then_some(()));
}

/// True if it has ended, reaped or not.
pub fn is_gone(pid: Pid) -> bool {
    state_of(pid).is_none_or(|state| state == b'Z' || state == b'X')
}

pub fn is_stopped(pid: Pid) -> bool {
    state_of(pid) == Some(b'T')
}

/// The state letter of proc(5), after the name in parentheses, which may contain anything.
fn state_of(pid: Pid) -> Option<u8> {
    let stat = fs::read(proc_of(pid).join("stat")).ok()?;
    let name_end = stat.iter().rposition(|byte| *byte == b')')?;
    stat.get(name_end + 2).copied()
}

fn all_processes() -> Vec<Pid> {
    let entries = fs::read_dir("/proc").expect("a /proc");
    let number =
        |entry: std::io::Result<fs::DirEntry>| entry.ok()?.file_name().to_str()?.parse().ok();
    entries
        .filter_map(number)
        .filter_map(Pid::from_raw)
        .collect()
}

fn arguments(pid: Pid) -> Vec<String> {
    let text = fs::read(proc_of(pid).join("cmdline")).unwrap_or_default();
    let words = text.split(|byte| *byte == 0);
    words
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect()
}

pub fn proc_of(pid: Pid) -> PathBuf {
    Path::new("/proc").join(pid.as_raw_nonzero().to_string())
}

/// `sh -c SCRIPT` in the sandbox's environment; its arguments start at `$1`.
pub fn shell(sandbox: &Sandbox, script: &str) -> Command {
    let ghtok = sandbox.command::<&str>(Program::Real, []);
    let mut shell = Command::new("/bin/sh");
    shell
        .args(["-c", script, "sh"])
        .env_clear()
        .stdin(Stdio::null());
    shell.envs(
        ghtok
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    shell
}
