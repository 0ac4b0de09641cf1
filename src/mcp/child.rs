//! One server: its process, the threads at its pipes, and its end.

use std::ffi::OsString;
use std::io::{self, BufReader, Read, Write};
use std::process::{ChildStderr, ChildStdin, ChildStdout};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::mcp::conversation::Ended;
use crate::mcp::environment::Variable;
use crate::mcp::line::{Line, Road};
use crate::mcp::mask::Mask;
use crate::mcp::wire::lines;
use crate::mcp::wrapper::Word;
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

/// A server that runs.
pub struct Server {
    number: u32,
    family: Arc<Family>,
    input: Option<Sender<Line>>,
    mask: Arc<Mutex<Mask>>,
}

impl Server {
    /// Starts a server; what it says and its end are sent as words.
    ///
    /// # Errors
    /// What the system says.
    pub fn start(
        number: u32,
        command: &[OsString],
        variables: &[Variable],
        token: Option<&AccessToken>,
        words: &Sender<Word>,
    ) -> io::Result<Self> {
        let (program, arguments) = command
            .split_first()
            .ok_or_else(|| io::Error::other("no command"))?;
        let secret = token.map_or(VOID, AccessToken::expose);
        let changes: Vec<Change<'_>> = variables
            .iter()
            .map(|variable| match variable {
                Variable::Token(name) => Change::Set(name, secret),
                Variable::Text(name, text) => Change::Set(name, text),
                Variable::Gone(name) => Change::Remove(name),
            })
            .collect();
        let (mut child, family) = start_server(program, arguments, &changes)?;
        let mask = Arc::new(Mutex::new(Mask::new(secret)));
        let (input, lines_in) = mpsc::channel();
        child.stdin.as_ref().inspect(|pipe| widen(*pipe));
        child.stdout.as_ref().inspect(|pipe| widen(*pipe));
        let stdin = child.stdin.take();
        thread::spawn(move || stdin.map(|stdin| write(stdin, &lines_in)));
        let (stderr, masked) = (child.stderr.take(), Arc::clone(&mask));
        thread::spawn(move || stderr.map(|stderr| show(stderr, &masked)));
        let (stdout, out) = (child.stdout.take(), words.clone());
        let reader = thread::spawn(move || stdout.map(|stdout| read(stdout, number, &out)));
        let words = words.clone();
        thread::spawn(move || {
            let code = child.wait().map_or(1, code_of);
            wait(LAST_WORDS, || reader.is_finished());
            let _ = words.send(Word::Ended(number, Ended { code }));
        });
        Ok(Self {
            number,
            family: Arc::new(family),
            input: Some(input),
            mask,
        })
    }

    /// The number by which another process can end it and all that it has started.
    pub fn family(&self) -> Option<u32> {
        self.family.number()
    }

    /// Sends it a line.
    pub fn send(&self, line: Line) {
        if let Some(input) = &self.input {
            // One that is gone says so itself.
            let _ = input.send(line);
        }
    }

    /// Shows what it said that is no message.
    pub fn show(&self, bytes: &[u8]) {
        let shown = {
            let mut mask = self.mask.lock().unwrap_or_else(PoisonError::into_inner);
            mask.pass(bytes)
        };
        Terminal.pass(&shown);
    }

    /// Ends it in good order, and all that it has started: no more input, then a request, then force.
    pub fn stop(&mut self, words: &Sender<Word>) {
        if self.input.take().is_none() {
            return;
        }
        let (family, words, number) = (Arc::clone(&self.family), words.clone(), self.number);
        thread::spawn(move || {
            end(&family);
            let _ = words.send(Word::Stopped(number));
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

fn write(mut stdin: ChildStdin, lines: &mpsc::Receiver<Line>) {
    for line in lines {
        if stdin.write_all(&line).and_then(|()| stdin.flush()).is_err() {
            break;
        }
    }
}

fn read(stdout: ChildStdout, number: u32, words: &Sender<Word>) {
    let road = Road::default();
    lines(BufReader::with_capacity(64 * 1024, stdout), |line| {
        words.send(Word::Server(number, road.admit(line))).is_ok()
    });
    let _ = words.send(Word::Silent(number));
}

fn show(mut stderr: ChildStderr, mask: &Mutex<Mask>) {
    let masked = || mask.lock().unwrap_or_else(PoisonError::into_inner);
    let mut some = [0; 8192];
    while let Ok(count @ 1..) = stderr.read(&mut some) {
        let shown = masked().pass(&some[..count]);
        Terminal.pass(&shown);
    }
    let rest = masked().rest();
    Terminal.pass(&rest);
}
