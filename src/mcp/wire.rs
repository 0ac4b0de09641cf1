//! Lines from a stream and to one.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::ChildStdin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::mcp::line::{LONGEST, Line};
use crate::system::process::{takes_at_once, widen};
use crate::system::terminal::Terminal;

/// What is read at once: a result of the usual size, and its frame.
const AT_ONCE: usize = 128 * 1024;

/// The room that a line may get before it is read.
const MOST_ROOM: usize = 128 * 1024;

/// How long the last lines may take to leave.
const LAST_LINES: Duration = Duration::from_secs(1);

/// Reads lines to the end; a last one without its end counts too. Ends early at a line that is too long.
pub fn lines(input: impl Read, mut take: impl FnMut(Vec<u8>)) {
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
        take(line);
    }
}

/// Who reads what is written.
enum Reader {
    Client,
    Server(ChildStdin),
}

/// Lines on their way out, in order. Who must not wait leaves them to a thread of the outlet's own.
pub struct Outlet {
    reader: Reader,
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    lines: VecDeque<Line>,
    /// A thread writes, and goes on while there are lines.
    is_written: bool,
    is_closed: bool,
}

impl Outlet {
    /// To the client.
    pub fn to_client() -> Arc<Self> {
        widen(&std::io::stdout());
        Self::open(Reader::Client)
    }

    /// To a server.
    pub fn to_server(stdin: ChildStdin) -> Arc<Self> {
        widen(&stdin);
        Self::open(Reader::Server(stdin))
    }

    fn open(reader: Reader) -> Arc<Self> {
        let outlet = Arc::new(Self {
            reader,
            queue: Mutex::default(),
            changed: Condvar::new(),
        });
        let own = Arc::clone(&outlet);
        thread::spawn(move || own.stand_by());
        outlet
    }

    /// Puts a line behind the others. A short one that nobody need wait for leaves at once; for any other,
    /// [`Self::write`] or [`Self::wake`] is called next.
    pub fn put(&self, line: Line) {
        let mut queue = self.queue();
        if !queue.is_written && queue.lines.is_empty() && self.takes_at_once(&line) {
            self.write_line(&line);
        } else {
            queue.lines.push_back(line);
        }
    }

    /// Writes all that there is, unless another thread does so; waits for a slow reader.
    pub fn write(&self) {
        let mut queue = self.queue();
        if queue.is_written {
            return;
        }
        queue.is_written = true;
        while let Some(line) = queue.lines.pop_front() {
            drop(queue);
            self.write_line(&line);
            drop(line);
            queue = self.queue();
        }
        queue.is_written = false;
        if queue.is_closed {
            self.changed.notify_all();
        }
    }

    /// Has the outlet's own thread write.
    pub fn wake(&self) {
        let queue = self.queue();
        if !queue.is_written && !queue.lines.is_empty() {
            self.changed.notify_all();
        }
    }

    /// No more lines come; the stream ends once nobody has the outlet any more.
    pub fn close(&self) {
        self.queue().is_closed = true;
        self.changed.notify_all();
    }

    /// The same, and waits until all has left, for a second at most.
    pub fn flush(&self) {
        self.close();
        let queue = self.queue();
        let unwritten = |queue: &mut Queue| queue.is_written || !queue.lines.is_empty();
        let _ = self.changed.wait_timeout_while(queue, LAST_LINES, unwritten);
    }

    fn stand_by(&self) {
        loop {
            let idle = |queue: &mut Queue| {
                (queue.lines.is_empty() || queue.is_written) && !queue.is_closed
            };
            let queue = self.changed.wait_while(self.queue(), idle);
            let over = queue.is_ok_and(|queue| queue.is_closed);
            self.write();
            if over {
                return;
            }
        }
    }

    fn takes_at_once(&self, line: &[u8]) -> bool {
        match &self.reader {
            Reader::Client => takes_at_once(&std::io::stdout(), line.len()),
            Reader::Server(stdin) => takes_at_once(stdin, line.len()),
        }
    }

    /// A reader that is gone says so by the end of its own stream, or of its process.
    fn write_line(&self, line: &[u8]) {
        match &self.reader {
            Reader::Client => drop(Terminal.data(line)),
            Reader::Server(stdin) => drop((&*stdin).write_all(line)),
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
