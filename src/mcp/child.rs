//! One server: its process, the threads at its pipes, and its end.

use std::ffi::OsString;
use std::io::{self, Read};
use std::process::{ChildStderr, ChildStdout};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::host::token_env;
use crate::mcp::conversation::Ended;
use crate::mcp::line::{ByteBudget, Line};
use crate::mcp::redact::Redactor;
use crate::mcp::stage::{Stage, Word};
use crate::mcp::streams::{LineWriter, read_lines};
use crate::system::clock::pause;
use crate::system::process::{Change, Ending, Family, code_of, start_server, widen};
use crate::system::terminal::Terminal;
use crate::token::AccessToken;

/// What a server gets that has no token yet: of the right form, so that it starts and lists its tools.
const VOID: &str = "ghu_000000000000000000000000000000000000";

/// How long a server has for its end after its input has ended.
const GRACE: Duration = Duration::from_secs(1);

/// How long it has after it was asked to. Clients give two seconds in all (MCP TypeScript SDK).
const GRACE_AFTER_ASKING: Duration = Duration::from_millis(500);

/// What a server's last words may take after its end.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// How often an end is looked for.
const LOOK: Duration = Duration::from_millis(10);

/// What one server says goes through one mask, on both of its streams.
pub type SharedRedactor = Arc<Mutex<Redactor>>;

/// A server that runs.
pub struct Server {
    number: u32,
    family: Arc<Family>,
    input: Option<Arc<LineWriter>>,
    mask: SharedRedactor,
}

/// Starts a server; what it says and its end are told on the stage.
///
/// # Errors
/// What the system says.
pub fn start(
    number: u32,
    command: &[OsString],
    variables: &[token_env::Change],
    token: Option<&AccessToken>,
    stage: Stage<'_, '_>,
) -> io::Result<Server> {
    let (program, arguments) = command
        .split_first()
        .ok_or_else(|| io::Error::other("no command"))?;
    let secret = token.map_or(VOID, AccessToken::expose);
    let changes: Vec<Change<'_>> = variables
        .iter()
        .map(|variable| match variable {
            token_env::Change::Token { variable, .. } => Change::Set(variable, secret),
            token_env::Change::Text(name, text) => Change::Set(name, text),
            token_env::Change::Remove(name) => Change::Remove(name),
        })
        .collect();
    let (mut child, family) = start_server(program, arguments, &changes)?;
    let mask = Arc::new(Mutex::new(Redactor::new(secret)));
    let (stderr, masked) = (child.stderr.take(), Arc::clone(&mask));
    thread::spawn(move || stderr.map(|stderr| pass(stderr, &masked)));
    let input = child.stdin.take().map(LineWriter::to_server);
    let stdout = child.stdout.take();
    // Dropped when all has been read.
    let (reading, has_read) = mpsc::channel::<()>();
    stage.spawn(move || {
        if let Some(stdout) = stdout {
            read(stdout, number, stage);
        }
        drop(reading);
        stage.tell(Word::Silent(number));
    });
    stage.spawn(move || {
        let code = child.wait().map_or(1, code_of);
        let _ = has_read.recv_timeout(LAST_WORDS);
        stage.tell(Word::Ended(number, Ended { code }));
    });
    Ok(Server {
        number,
        family: Arc::new(family),
        input,
        mask,
    })
}

impl Server {
    /// The number by which another process can end it and all that it has started.
    pub fn family(&self) -> Option<u32> {
        self.family.number()
    }

    /// Sends it a line, without waiting until it reads.
    pub fn send(&self, line: Line) {
        if let Some(input) = &self.input {
            input.push(line);
            input.wake();
        }
    }

    /// What takes its token out of what it says.
    pub fn mask(&self) -> SharedRedactor {
        Arc::clone(&self.mask)
    }

    /// Ends it in good order, and all that it has started: no more input, then a request, then force.
    pub fn stop(&mut self, stage: Stage<'_, '_>) {
        let Some(input) = self.input.take() else {
            return;
        };
        input.close();
        let (family, number) = (Arc::clone(&self.family), self.number);
        stage.spawn(move || {
            end(&family);
            stage.tell(Word::Stopped(number));
        });
    }
}

fn end(family: &Family) {
    let gone = || !family.is_there();
    if !wait(GRACE, gone) && family.end(Ending::Asked) && !wait(GRACE_AFTER_ASKING, gone) {
        family.end(Ending::Forced);
    }
}

/// True once it is so, false after too long a wait.
fn wait(limit: Duration, is_so: impl Fn() -> bool) -> bool {
    let mut left = limit;
    while !is_so() {
        if left.is_zero() {
            return false;
        }
        pause(LOOK);
        left = left.saturating_sub(LOOK);
    }
    true
}

fn read(stdout: ChildStdout, number: u32, stage: Stage<'_, '_>) {
    widen(&stdout);
    let budget = ByteBudget::default();
    read_lines(stdout, |line| {
        stage.tell_and_write(Word::Server(number, budget.acquire(line)));
    });
}

fn pass(mut stderr: ChildStderr, mask: &SharedRedactor) {
    let mut some = [0; 8192];
    while let Ok(count @ 1..) = stderr.read(&mut some) {
        show(mask, &some[..count]);
    }
    let rest = masked(mask).finish();
    Terminal.pass(&rest);
}

/// Shows what a server said that is no message.
pub fn show(mask: &SharedRedactor, bytes: &[u8]) {
    let shown = masked(mask).redact(bytes);
    Terminal.pass(&shown);
}

fn masked(mask: &SharedRedactor) -> MutexGuard<'_, Mask> {
    mask.lock().unwrap_or_else(PoisonError::into_inner)
}
