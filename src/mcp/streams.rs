//! Reads lines from the client and from servers, and writes lines to them.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::ChildStdin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::mcp::line::{Line, MAX_BYTES};
use crate::system::process::{takes_at_once, widen};
use crate::system::terminal::Terminal;

/// Enough for a result of the usual size in one read.
const READ_BUFFER: usize = 128 * 1024;

/// The most memory that a line may get before it is read.
const MAX_INITIAL_CAPACITY: usize = 128 * 1024;

/// How long [`LineWriter::finish`] waits.
const FINISH_LIMIT: Duration = Duration::from_secs(1);

/// Reads lines until the stream ends, or until a line is too long. A last line without a line feed gets
/// one. `note` must not wait for anybody.
pub(crate) fn read_lines(
    input: impl Read,
    peer: &str,
    note: impl Fn(&str),
    mut take: impl FnMut(Vec<u8>),
) {
    let mut input = BufReader::with_capacity(READ_BUFFER, input);
    let mut capacity = 0;
    let mut has_noted = false;
    loop {
        let mut line = Vec::with_capacity(capacity);
        read_line(&mut input, &mut line);
        if line.is_empty() {
            return;
        }
        if line.trim_ascii_end().len() > MAX_BYTES {
            note("mcp: a line of more than 64 MiB ends the conversation");
            return;
        }
        if !has_noted && is_header(&line) {
            has_noted = true;
            note(&format!(
                "mcp: the {peer} sends Content-Length headers, as in the Language Server Protocol; MCP has one JSON message per line"
            ));
        }
        if !line.ends_with(b"\n") {
            line.push(b'\n');
        }
        // The next line is likely to be as long; a rare long one must not cost memory each time.
        capacity = line.len().min(MAX_INITIAL_CAPACITY);
        take(line);
    }
}

/// Reads to a line feed, to the end of the stream, or until the line is too long.
fn read_line(input: &mut impl BufRead, line: &mut Vec<u8>) {
    while line.len() <= MAX_BYTES + b"\r\n".len() {
        let chunk = match input.fill_buf() {
            Ok([]) => return,
            Ok(chunk) => chunk,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => return,
        };
        let end = memchr::memchr(b'\n', chunk);
        let size = end.map_or(chunk.len(), |end| end + 1);
        line.extend_from_slice(&chunk[..size]);
        input.consume(size);
        if end.is_some() {
            return;
        }
    }
}

/// True for the header by which the Language Server Protocol frames its messages.
fn is_header(line: &[u8]) -> bool {
    const HEADER: &[u8] = b"content-length:";
    let start = line.get(..HEADER.len());
    start.is_some_and(|start| start.eq_ignore_ascii_case(HEADER))
}

enum Destination {
    Client,
    Server(ChildStdin),
}

/// Writes lines in order. A caller that must not block leaves them to the writer's own thread.
pub(crate) struct LineWriter {
    destination: Destination,
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    lines: VecDeque<Line>,
    /// A thread is writing, and goes on while there are lines.
    is_writing: bool,
    /// How many threads wait for that one.
    waiting: u32,
    is_closed: bool,
}

impl LineWriter {
    /// Writes to this process's standard output.
    ///
    /// # Errors
    /// If there is no thread for it.
    pub(crate) fn to_client() -> io::Result<Arc<Self>> {
        widen(&std::io::stdout());
        Self::start(Destination::Client)
    }

    /// Writes to a server's standard input.
    ///
    /// # Errors
    /// If there is no thread for it.
    pub(crate) fn to_server(stdin: ChildStdin) -> io::Result<Arc<Self>> {
        widen(&stdin);
        Self::start(Destination::Server(stdin))
    }

    fn start(destination: Destination) -> io::Result<Arc<Self>> {
        let writer = Arc::new(Self {
            destination,
            queue: Mutex::default(),
            changed: Condvar::new(),
        });
        let own = Arc::clone(&writer);
        thread::Builder::new().spawn(move || own.run())?;
        Ok(writer)
    }

    /// Adds a line, and writes it if that blocks nobody; otherwise the caller follows with
    /// [`Self::write_queued`] or [`Self::wake`].
    pub(crate) fn push(&self, line: Line) {
        let mut queue = self.queue();
        if !queue.is_writing && queue.lines.is_empty() && self.takes_at_once(line.as_written()) {
            self.write_line(&line);
        } else {
            queue.lines.push_back(line);
        }
    }

    /// Writes all queued lines; blocks while the reader is slow, or another thread waits for it.
    pub(crate) fn write_queued(&self) {
        let mut queue = self.queue();
        if queue.is_writing {
            queue.waiting += 1;
            queue = self
                .changed
                .wait_while(queue, |queue| queue.is_writing)
                .unwrap_or_else(PoisonError::into_inner);
            queue.waiting -= 1;
        }
        queue.is_writing = true;
        while let Some(line) = queue.lines.pop_front() {
            drop(queue);
            self.write_line(&line);
            drop(line);
            queue = self.queue();
        }
        queue.is_writing = false;
        if queue.is_closed || queue.waiting > 0 {
            self.changed.notify_all();
        }
    }

    /// Has the writer's own thread write all queued lines.
    pub(crate) fn wake(&self) {
        let queue = self.queue();
        if !queue.is_writing && !queue.lines.is_empty() {
            self.changed.notify_all();
        }
    }

    /// No more lines follow. The stream is closed when the writer has been dropped everywhere.
    pub(crate) fn close(&self) {
        self.queue().is_closed = true;
        self.changed.notify_all();
    }

    /// Closes, and waits a second at most until all lines have been written.
    pub(crate) fn finish(&self) {
        self.close();
        let queue = self.queue();
        let unwritten = |queue: &mut Queue| queue.is_writing || !queue.lines.is_empty();
        let _ = self
            .changed
            .wait_timeout_while(queue, FINISH_LIMIT, unwritten);
    }

    fn run(&self) {
        loop {
            let idle = |queue: &mut Queue| {
                (queue.lines.is_empty() || queue.is_writing) && !queue.is_closed
            };
            let queue = self.changed.wait_while(self.queue(), idle);
            let is_closed = queue.is_ok_and(|queue| queue.is_closed);
            self.write_queued();
            if is_closed {
                return;
            }
        }
    }

    fn takes_at_once(&self, line: &[u8]) -> bool {
        match &self.destination {
            Destination::Client => takes_at_once(&std::io::stdout(), line.len()),
            Destination::Server(stdin) => takes_at_once(stdin, line.len()),
        }
    }

    /// Errors are ignored: that a reader is gone shows in its own output stream, or in its exit.
    fn write_line(&self, line: &Line) {
        let line = line.as_written();
        match &self.destination {
            Destination::Client => drop(Terminal.data(line)),
            Destination::Server(stdin) => drop((&*stdin).write_all(line)),
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
