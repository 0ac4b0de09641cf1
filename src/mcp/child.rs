//! One server: its process, the threads at its pipes, and its end.

use std::ffi::OsString;
use std::io::{self, BufReader, Read, Write};
use std::process::{ChildStderr, ChildStdin, ChildStdout};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::mcp::conversation::Ended;
use crate::mcp::environment::Variable;
use crate::mcp::line::{Line, Road};
use crate::mcp::mask::Mask;
use crate::mcp::wrapper::{Word, lines};
use crate::system::clock::pause;
use crate::system::process::{Change, Ending, code_of, end_group, start_server, widen};
use crate::system::terminal::Terminal;
use crate::token::AccessToken;

/// What a server gets that has no token yet: of the right form, so that it starts and lists its tools.
const VOID: &str = "ghu_000000000000000000000000000000000000";

/// How long a server has for its end after its input has ended, and again after it was asked to.
const GRACE: Duration = Duration::from_secs(1);

/// What a server's last words may take after its end.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// How often an end is looked for.
const LOOK: Duration = Duration::from_millis(10);

/// A server that runs.
pub struct Server {
    number: u32,
    group: u32,
    input: Option<Sender<Line>>,
    gone: Arc<AtomicBool>,
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
        let mut child = start_server(program, arguments, &changes)?;
        let (input, lines_in) = mpsc::channel();
        let mask = Arc::new(Mutex::new(Mask::new(secret)));
        let gone = Arc::new(AtomicBool::new(false));
        let server = Self {
            number,
            group: child.id(),
            input: Some(input),
            gone: Arc::clone(&gone),
            mask: Arc::clone(&mask),
        };
        child.stdin.as_ref().inspect(|pipe| widen(*pipe));
        child.stdout.as_ref().inspect(|pipe| widen(*pipe));
        let stdin = child.stdin.take();
        thread::spawn(move || stdin.map(|stdin| write(stdin, &lines_in)));
        let stderr = child.stderr.take();
        thread::spawn(move || stderr.map(|stderr| show(stderr, &mask)));
        let (stdout, out) = (child.stdout.take(), words.clone());
        let reader = thread::spawn(move || stdout.map(|stdout| read(stdout, number, &out)));
        let words = words.clone();
        thread::spawn(move || {
            let code = child.wait().map_or(1, code_of);
            gone.store(true, Ordering::SeqCst);
            let mut left = LAST_WORDS;
            while !reader.is_finished() && !left.is_zero() {
                pause(LOOK);
                left = left.saturating_sub(LOOK);
            }
            let _ = words.send(Word::Ended(number, Ended { code }));
        });
        Ok(server)
    }

    /// Its process group.
    pub fn group(&self) -> u32 {
        self.group
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

    /// Ends it in good order: no more input, then a request, then force; its whole group.
    pub fn stop(&mut self, words: &Sender<Word>) {
        if self.input.take().is_none() {
            return;
        }
        let (group, gone, words, number) =
            (self.group, Arc::clone(&self.gone), words.clone(), self.number);
        thread::spawn(move || {
            wait_for(&gone);
            if end_group(group, Ending::Asked) {
                wait_for(&gone);
                end_group(group, Ending::Forced);
            }
            let _ = words.send(Word::Stopped(number, group));
        });
    }
}

fn wait_for(gone: &AtomicBool) {
    let mut left = GRACE;
    while !gone.load(Ordering::SeqCst) && !left.is_zero() {
        pause(LOOK);
        left = left.saturating_sub(LOOK);
    }
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
}

fn show(mut stderr: ChildStderr, mask: &Mutex<Mask>) {
    let mut some = [0; 8192];
    while let Ok(count @ 1..) = stderr.read(&mut some) {
        let shown = {
            let mut mask = mask.lock().unwrap_or_else(PoisonError::into_inner);
            mask.pass(&some[..count])
        };
        Terminal.pass(&shown);
    }
}
