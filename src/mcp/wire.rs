//! Lines from a stream, and the client's two streams.

use std::io::{BufRead, BufReader, Read};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;
use std::time::Duration;

use crate::mcp::line::{LONGEST, Line, Road};
use crate::mcp::wrapper::Word;
use crate::system::process::widen;
use crate::system::terminal::Terminal;

/// What is read at once.
const AT_ONCE: usize = 64 * 1024;

/// The room that a line may get before it is read.
const MOST_ROOM: usize = 128 * 1024;

/// How long the last lines may take to leave.
const LAST_LINES: Duration = Duration::from_secs(1);

/// Reads lines to the end; a last one without its end counts too. Ends early if `take` says so, or
/// at a line that is too long.
pub fn lines(input: impl Read, mut take: impl FnMut(Vec<u8>) -> bool) {
    let mut input = BufReader::with_capacity(AT_ONCE, input);
    let most = u64::try_from(LONGEST + b"\r\n".len()).unwrap_or(u64::MAX);
    let mut usual = 0;
    loop {
        let mut line = Vec::with_capacity(usual);
        let read = input.by_ref().take(most).read_until(b'\n', &mut line);
        if !matches!(read, Ok(1..)) {
            return;
        }
        if line.trim_ascii_end().len() > LONGEST {
            Terminal.note("mcp: a line of more than 64 MiB ends the conversation");
            return;
        }
        if !line.ends_with(b"\n") {
            line.push(b'\n');
        }
        // Lines of one kind follow each other; a rare long one is not remembered.
        usual = line.len().min(MOST_ROOM);
        if !take(line) {
            return;
        }
    }
}

/// Tells what the client says.
pub fn listen(words: Sender<Word>) {
    thread::spawn(move || {
        let road = Road::default();
        lines(Terminal.input(), |line| {
            words.send(Word::Client(road.admit(line))).is_ok()
        });
        let _ = words.send(Word::ClientClosed);
    });
}

/// What the client reads: a thread of its own writes it, so that nobody else waits for a slow client.
pub struct Outbox(Sender<Out>);

enum Out {
    Line(Line),
    Flush(SyncSender<()>),
}

impl Outbox {
    /// Opens it.
    pub fn open() -> Self {
        widen(&std::io::stdout());
        let (out, lines) = channel();
        thread::spawn(move || write(&lines));
        Self(out)
    }

    /// Sends a line.
    pub fn send(&self, line: Line) {
        // The writer ends with this process.
        let _ = self.0.send(Out::Line(line));
    }

    /// Waits until all has left, for a second at most.
    pub fn flush(&self) {
        let (done, written) = sync_channel(1);
        if self.0.send(Out::Flush(done)).is_ok() {
            let _ = written.recv_timeout(LAST_LINES);
        }
    }
}

fn write(lines: &Receiver<Out>) {
    for out in lines {
        match out {
            // A client that is gone closes its other end too.
            Out::Line(line) => drop(Terminal.data(&line)),
            Out::Flush(done) => drop(done.send(())),
        }
    }
}
