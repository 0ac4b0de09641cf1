//! What the wrapper says on standard error beside what its servers do: if nobody reads that, nobody waits for
//! it, and what is too much is dropped.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::system::terminal::Terminal;

/// The most bytes that wait to be written, beside a single line that is longer.
const MAX_BYTES: usize = 256 * 1024;

/// How long [`StderrQueue::finish`] waits.
const FINISH_LIMIT: Duration = Duration::from_millis(200);

/// Texts in order. The thread that writes them begins with the first.
#[derive(Default)]
pub(crate) struct StderrQueue {
    waiting: Mutex<Unwritten>,
    changed: Condvar,
}

#[derive(Default)]
struct Unwritten {
    texts: VecDeque<Vec<u8>>,
    bytes: usize,
    /// How many lines of servers were dropped, and not yet told of.
    dropped: u64,
    has_thread: bool,
    is_writing: bool,
}

impl StderrQueue {
    /// Adds a line of a server's standard output that is no message, unless too much waits.
    pub(crate) fn push_line(self: &Arc<Self>, line: Vec<u8>) {
        let mut waiting = self.waiting();
        if waiting.bytes > 0 && waiting.bytes + line.len() > MAX_BYTES {
            waiting.dropped += 1;
        } else {
            self.push(waiting, line);
        }
    }

    /// Adds a note. They are few and short.
    pub(crate) fn push_note(self: &Arc<Self>, text: &str) {
        self.push(self.waiting(), format!("ghtok: {text}\n").into_bytes());
    }

    fn push(self: &Arc<Self>, mut waiting: MutexGuard<'_, Unwritten>, text: Vec<u8>) {
        if !waiting.has_thread {
            let own = Arc::clone(self);
            let thread = thread::Builder::new().spawn(move || own.run());
            waiting.has_thread = thread.is_ok();
        }
        if waiting.has_thread {
            waiting.bytes += text.len();
            waiting.texts.push_back(text);
            self.changed.notify_all();
        }
    }

    /// Waits shortly until all is written.
    pub(crate) fn finish(&self) {
        let unwritten = |waiting: &mut Unwritten| waiting.is_writing || !waiting.texts.is_empty();
        let _ = self
            .changed
            .wait_timeout_while(self.waiting(), FINISH_LIMIT, unwritten);
    }

    fn run(&self) {
        let mut waiting = self.waiting();
        loop {
            waiting = self
                .changed
                .wait_while(waiting, |waiting| waiting.texts.is_empty())
                .unwrap_or_else(PoisonError::into_inner);
            let Some(mut text) = waiting.texts.pop_front() else {
                continue;
            };
            let size = text.len();
            waiting.is_writing = true;
            let dropped = std::mem::take(&mut waiting.dropped);
            if dropped > 0 && waiting.texts.is_empty() {
                text.extend(told(dropped).into_bytes());
            } else {
                waiting.dropped = dropped;
            }
            drop(waiting);
            Terminal.pass(&text);
            waiting = self.waiting();
            waiting.bytes -= size;
            waiting.is_writing = false;
            self.changed.notify_all();
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Unwritten> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn told(dropped: u64) -> String {
    let lines = if dropped == 1 { "line" } else { "lines" };
    format!(
        "ghtok: mcp: {dropped} {lines} of the server's standard output that were no JSON are not shown: nobody read standard error\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is queued and what was dropped, where nobody reads these lines.
    fn unread(lines: usize, size: usize) -> (usize, u64) {
        let queue = Arc::new(StderrQueue::default());
        // As if its thread waited for the reader.
        queue.waiting().has_thread = true;
        for _ in 0..lines {
            queue.push_line(vec![b'x'; size]);
        }
        let waiting = queue.waiting();
        (waiting.texts.len(), waiting.dropped)
    }

    #[test]
    fn what_nobody_reads_is_bounded_and_counted() {
        assert_eq!(unread(1000, 1024), (256, 744));
        assert_eq!(unread(2, MAX_BYTES + 1), (1, 1));
        assert_eq!(unread(10, 10), (10, 0));
        assert!(told(744).contains(" 744 lines"));
    }
}
