//! Reads a stream of server-sent events: each one is a message.

use std::time::Duration;

use crate::formats::sse::SseParser;
use crate::github::{HttpError, StreamResponse};
use crate::system::clock::pause;

/// Before a stream is opened again, if the server has not said how long.
pub(super) const USUAL_RETRY: Duration = Duration::from_secs(1);

/// How often a wait looks whether it is to end.
const STEP: Duration = Duration::from_millis(100);

/// The size of a read.
const BUFFER: usize = 16 * 1024;

/// Where a stream can go on, after it has broken.
#[derive(Debug, Default)]
pub(super) struct Position {
    /// The id of the last event that had one.
    pub(super) last_id: Option<String>,
    /// What the server wants to be waited for before.
    retry: Option<Duration>,
}

impl Position {
    /// How long to wait before the stream is opened again.
    pub(super) fn wait(&self) -> Duration {
        self.retry.unwrap_or(USUAL_RETRY)
    }
}

/// Reads to the end of the stream, and hands on the data of each message. True if there was any event.
///
/// # Errors
/// Why the stream broke.
pub(super) fn read_events(
    response: &mut StreamResponse,
    position: &mut Position,
    mut take: impl FnMut(Vec<u8>),
) -> (bool, Result<(), HttpError>) {
    let mut parser = SseParser::default();
    let mut buffer = vec![0; BUFFER];
    let mut is_new = false;
    loop {
        let read = match response.read(&mut buffer) {
            Ok(0) => return (is_new, Ok(())),
            Ok(read) => read,
            Err(error) => return (is_new, Err(error)),
        };
        let parsed = parser.read(&buffer[..read], |event| {
            is_new = true;
            let is_message = event.kind.is_empty() || event.kind == b"message";
            if is_message && !event.data.trim_ascii().is_empty() {
                take(event.data);
            }
        });
        if let Some(id) = parser.last_id() {
            is_new = true;
            position.last_id = std::str::from_utf8(id).ok().map(str::to_owned);
        }
        position.retry = parser.retry().map(Duration::from_millis).or(position.retry);
        if parsed.is_err() {
            return (is_new, Err(response.too_long()));
        }
    }
}

/// Waits, unless `is_over` says so before.
pub(super) fn wait_unless(is_over: impl Fn() -> bool, wait: Duration) {
    let mut left = wait;
    while !left.is_zero() && !is_over() {
        let step = left.min(STEP);
        pause(step);
        left -= step;
    }
}
