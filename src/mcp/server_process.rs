//! One MCP server: its process, its pipes, and how it is stopped.

use std::ffi::OsString;
use std::io::{self, Read};
use std::process::{Child, ChildStderr, ChildStdout};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::host::token_env;
use crate::mcp::conversation::Ended;
use crate::mcp::line::{ByteBudget, Line};
use crate::mcp::redact::Redactor;
use crate::mcp::streams::{LineWriter, read_lines};
use crate::system::clock::pause;
use crate::system::process::{Change, ProcessGroup, Termination, exit_code, spawn_server, widen};
use crate::system::terminal::Terminal;
use crate::token::AccessToken;

/// What a server gets while there is no token: it has the right form, so that the server starts and can
/// list its tools.
const PLACEHOLDER_TOKEN: &str = "ghu_000000000000000000000000000000000000";

/// How long a server may take to exit after its input was closed. No client gives more (MCP Go SDK).
pub(super) const EXIT_LIMIT: Duration = Duration::from_secs(5);

/// How long it may take after a signal (MCP TypeScript SDK).
pub(super) const EXIT_LIMIT_AFTER_SIGNAL: Duration = Duration::from_secs(2);

/// How long it takes at most after it was killed.
const KILL_LIMIT: Duration = Duration::from_secs(1);

/// How long its last output is waited for after it has exited.
const LAST_OUTPUT_LIMIT: Duration = Duration::from_millis(200);

/// How often it is checked whether its processes are gone.
pub(super) const CHECK_INTERVAL: Duration = Duration::from_millis(10);

/// A server that was just started.
pub(crate) struct Started {
    /// What it is controlled by.
    pub process: ServerProcess,
    /// What it writes, for a thread that reads it.
    pub output: ServerOutput,
    /// Its exit, for a thread that waits for it.
    pub exit: ServerExit,
}

/// A running server.
pub(crate) struct ServerProcess {
    group: Arc<ProcessGroup>,
    input: Option<Arc<LineWriter>>,
    /// Dropped when all its processes are gone.
    running: Option<Sender<()>>,
    stderr: RedactedStderr,
}

/// A server's standard output.
pub(crate) struct ServerOutput {
    stdout: Option<ChildStdout>,
    /// Dropped when all has been read.
    _unread: Sender<()>,
}

/// The exit of a server's first process.
pub(crate) struct ServerExit {
    child: Child,
    all_read: Receiver<()>,
    all_gone: Receiver<()>,
}

/// Shows what a server writes without its token. Both of its output streams share it.
#[derive(Clone)]
pub(crate) struct RedactedStderr(Arc<Mutex<Redactor>>);

/// Starts a server with this token, or with a placeholder.
///
/// # Errors
/// If it cannot be started, or there are no threads for it.
pub(crate) fn start(
    command: &[OsString],
    variables: &[token_env::EnvChange],
    token: Option<&AccessToken>,
) -> io::Result<Started> {
    let (program, arguments) = command
        .split_first()
        .ok_or_else(|| io::Error::other("no command"))?;
    let secret = token.map_or(PLACEHOLDER_TOKEN, AccessToken::expose);
    let changes: Vec<Change<'_>> = variables
        .iter()
        .map(|variable| match variable {
            token_env::EnvChange::Token { variable, .. } => Change::Set(variable, secret.as_ref()),
            token_env::EnvChange::Text(name, text) => Change::Set(name, text.as_ref()),
            token_env::EnvChange::Remove(name) => Change::Remove(name),
        })
        .collect();
    let (mut child, group) = spawn_server(program, arguments, &changes)?;
    let stderr = RedactedStderr(Arc::new(Mutex::new(Redactor::new(secret))));
    let input = match connect(&mut child, &stderr) {
        Ok(input) => input,
        Err(error) => {
            group.end(Termination::Forced);
            let _ = child.wait();
            return Err(error);
        }
    };
    let (unread, all_read) = mpsc::channel();
    let (running, all_gone) = mpsc::channel();
    Ok(Started {
        process: ServerProcess {
            group: Arc::new(group),
            input,
            running: Some(running),
            stderr,
        },
        output: ServerOutput {
            stdout: child.stdout.take(),
            _unread: unread,
        },
        exit: ServerExit {
            child,
            all_read,
            all_gone,
        },
    })
}

/// Begins to copy its standard error, and to write to its standard input.
fn connect(child: &mut Child, stderr: &RedactedStderr) -> io::Result<Option<Arc<LineWriter>>> {
    if let Some(pipe) = child.stderr.take() {
        let stderr = stderr.clone();
        thread::Builder::new().spawn(move || stderr.copy(pipe))?;
    }
    child.stdin.take().map(LineWriter::to_server).transpose()
}

impl ServerProcess {
    /// The number by which another process can end it and all that it has started.
    pub(crate) fn group(&self) -> Option<u32> {
        self.group.number()
    }

    /// Sends it a line, without waiting until it reads.
    pub(crate) fn send(&self, line: Line) {
        if let Some(input) = &self.input {
            input.push(line);
            input.wake();
        }
    }

    /// Passes on a signal that this process got.
    pub(crate) fn signal(&self, signal: i32) {
        self.group.signal(signal);
    }

    /// Ends it at once.
    pub(crate) fn kill(&self) {
        self.group.end(Termination::Forced);
    }

    /// Takes the token out of its stderr, and out of stdout lines that are no JSON.
    pub(crate) fn stderr(&self) -> RedactedStderr {
        self.stderr.clone()
    }

    /// Closes its input. The function that is returned, the first time, blocks until it and all that it
    /// has started are gone: it waits, then signals, then kills.
    pub(crate) fn stop(&mut self) -> Option<impl FnOnce() + Send + use<>> {
        self.input.take()?.close();
        let group = Arc::clone(&self.group);
        let running = self.running.take();
        Some(move || {
            end(&group);
            drop(running);
        })
    }
}

impl ServerOutput {
    /// Reads lines to the end; `take` may block to slow the server down.
    pub(crate) fn for_each_line(self, note: impl Fn(&str), mut take: impl FnMut(Line)) {
        if let Some(stdout) = self.stdout {
            widen(&stdout);
            let budget = ByteBudget::default();
            read_lines(stdout, "server", note, |line| take(budget.acquire(line)));
        }
    }
}

impl ServerExit {
    /// Waits for it, and shortly for the rest of the output.
    pub(crate) fn wait(&mut self) -> Ended {
        let code = self.child.wait().map_or(1, exit_code);
        let _ = self.all_read.recv_timeout(LAST_OUTPUT_LIMIT);
        Ended { code }
    }

    /// Waits until [`ServerProcess::stop`] has ended all its processes.
    pub(crate) fn wait_for_all(self) {
        let _ = self.all_gone.recv();
    }
}

impl RedactedStderr {
    /// What can be shown of these bytes now.
    pub(crate) fn redact(&self, bytes: &[u8]) -> Vec<u8> {
        self.redactor().redact(bytes)
    }

    fn copy(&self, mut pipe: ChildStderr) {
        let mut buffer = [0; 8192];
        while let Ok(count @ 1..) = pipe.read(&mut buffer) {
            let shown = self.redact(&buffer[..count]);
            Terminal.pass(&shown);
        }
        let rest = self.redactor().finish();
        Terminal.pass(&rest);
    }

    fn redactor(&self) -> MutexGuard<'_, Redactor> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn end(group: &ProcessGroup) {
    let gone = || !group.is_there();
    if !wait_until(EXIT_LIMIT, gone)
        && group.end(Termination::Graceful)
        && !wait_until(EXIT_LIMIT_AFTER_SIGNAL, gone)
    {
        group.end(Termination::Forced);
        wait_until(KILL_LIMIT, gone);
    }
}

/// False after `limit`.
fn wait_until(limit: Duration, is_so: impl Fn() -> bool) -> bool {
    let mut left = limit;
    while !is_so() {
        if left.is_zero() {
            return false;
        }
        pause(CHECK_INTERVAL);
        left = left.saturating_sub(CHECK_INTERVAL);
    }
    true
}
