//! Another program run to its end: what it says is bounded, and so is its time. It has no terminal and
//! asks nobody.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use crate::auth::ports::Clock;
use crate::error::system_reason;
use crate::formats::plain_text::one_line;
use crate::system::clock::{SystemClock, pause};

/// More than any of these programs has to say.
const MOST: u64 = 1024 * 1024;

/// What a program said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProgramOutput {
    /// Its exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// Its standard output.
    pub stdout: Vec<u8>,
    pub is_complete: bool,
    /// Its standard error.
    pub stderr: String,
}

impl ProgramOutput {
    /// True if it did its work.
    pub(crate) fn succeeded(&self) -> bool {
        self.code == Some(0)
    }

    /// Its standard output as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Why it did not, in a line.
    pub(crate) fn failure(&self) -> String {
        let end = match self.code {
            Some(code) => format!("exit code {code}"),
            None => "ended by a signal".into(),
        };
        let words = one_line(self.stderr.trim(), 300);
        if words.is_empty() {
            end
        } else {
            format!("{words} ({end})")
        }
    }
}

/// Runs a program with this as its standard input. Texts are in English, so that they can be read.
///
/// # Errors
/// If it cannot be started, or does not end in time; then it is killed.
#[expect(
    clippy::disallowed_methods,
    reason = "processes are started in system/process alone"
)]
pub(crate) fn run_with_timeout(
    program: &Path,
    arguments: &[impl AsRef<OsStr>],
    environment: &[(&str, &str)],
    input: &[u8],
    limit: Duration,
) -> Result<ProgramOutput, String> {
    let mut child = Command::new(program)
        .args(arguments)
        .env("LC_ALL", "C")
        // `git config` alone reads it, and then not what git itself reads.
        .env_remove("GIT_CONFIG")
        .envs(environment.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| {
            let reason = system_reason(&error);
            format!("{} cannot be started: {reason}", program.display())
        })?;
    let stdout = child.stdout.take().map(drain);
    let stderr = child.stderr.take().map(drain);
    if let Some(mut stdin) = child.stdin.take() {
        let input = input.to_owned();
        // A program that does not read ends all the same.
        thread::spawn(move || stdin.write_all(&input));
    }
    let Some(status) = end(&mut child, limit) else {
        let seconds = limit.as_secs();
        return Err(format!(
            "{} did not end within {seconds} s",
            program.display()
        ));
    };
    let (stdout, is_complete) = drained(stdout.as_ref());
    let (stderr, _) = drained(stderr.as_ref());
    Ok(ProgramOutput {
        code: status.code(),
        stdout,
        is_complete,
        stderr: String::from_utf8_lossy(&stderr).into_owned(),
    })
}

/// Its end; `None` if it had to be killed.
fn end(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
    const SHORTEST: Duration = Duration::from_millis(1);
    const LONGEST: Duration = Duration::from_millis(20);
    let clock = SystemClock::start();
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        let waited = clock.monotonic();
        if waited >= limit {
            let _ = child.kill();
            let _ = child.wait();
            return None;
        }
        pause((waited / 4).clamp(SHORTEST, LONGEST));
    }
}

/// What was said, and whether that is all.
type Drained = (Vec<u8>, bool);

fn drain(pipe: impl Read + Send + 'static) -> Receiver<Drained> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let mut pipe = pipe.take(MOST);
        let read = pipe.read_to_end(&mut bytes);
        let rest = std::io::copy(&mut pipe.into_inner(), &mut std::io::sink());
        let is_complete = read.is_ok() && matches!(rest, Ok(0));
        let _ = sender.send((bytes, is_complete));
    });
    receiver
}

/// A child of the program that has ended may keep the pipe open; it is not waited for.
fn drained(pipe: Option<&Receiver<Drained>>) -> Drained {
    const FOR_THE_REST: Duration = Duration::from_millis(500);
    let drained = pipe.and_then(|pipe| pipe.recv_timeout(FOR_THE_REST).ok());
    drained.unwrap_or_default()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_secs(20);

    fn shell(script: &str, input: &[u8], limit: Duration) -> Result<ProgramOutput, String> {
        run_with_timeout(
            Path::new("/bin/sh"),
            &["-c", script],
            &[("NAME", "value")],
            input,
            limit,
        )
    }

    #[test]
    fn what_it_says_and_how_it_ends() {
        let said =
            shell("cat; echo $NAME $LC_ALL; echo oh >&2; exit 3", b"in", SOON).expect("an end");
        let expected = ProgramOutput {
            code: Some(3),
            stdout: b"invalue C\n".into(),
            is_complete: true,
            stderr: "oh\n".into(),
        };
        assert_eq!(said, expected);
        assert_eq!(said.failure(), "oh (exit code 3)");
        let killed = shell("kill -9 $$", b"", SOON).expect("an end");
        assert_eq!(killed.failure(), "ended by a signal");
    }

    #[test]
    fn what_hangs_is_ended_and_what_talks_without_end_is_cut() {
        let hanging = shell("exec sleep 100", b"", Duration::from_millis(50));
        assert_eq!(hanging, Err("/bin/sh did not end within 0 s".into()));
        let much = shell("head -c 3000000 /dev/zero", &vec![0; 300_000], SOON).expect("an end");
        assert_eq!((much.stdout.len(), much.is_complete), (1024 * 1024, false));
        let held = shell("echo in; sleep 2 &", b"", SOON).expect("an end");
        assert!(!held.is_complete, "{held:?}");
    }

    #[test]
    fn what_is_not_there_is_said() {
        let nothing = run_with_timeout(Path::new("/nonexistent/tool"), &["x"; 0], &[], b"", SOON);
        let error = nothing.expect_err("nothing to start");
        assert!(
            error.starts_with("/nonexistent/tool cannot be started: "),
            "{error}"
        );
    }
}
