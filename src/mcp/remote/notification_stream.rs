//! The stream on which a server of a legacy revision sends what belongs to no request.

use std::time::Duration;

use super::answer::{self, AnswerKind};
use super::event_stream::{Position, USUAL_RETRY, read_events, wait_unless};
use super::exchange::Peers;
use super::session::RemoteSession;
use crate::github::StreamRequest;

/// The longest pause before the stream is opened again.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Why the stream is not opened again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StreamEnd {
    /// The server has none, or another one is open.
    NotOffered,
    /// The server no longer knows the session, which it did before.
    SessionLost,
    /// The session is over.
    Over,
}

/// What an answer to the request for the stream means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reply {
    Open,
    /// The server will say the same each time.
    Final,
    SessionLost,
    Later,
}

fn reply(status: u16, content_type: Option<&str>, was_open: bool) -> Reply {
    match (status, answer::head(status, content_type)) {
        (_, AnswerKind::Events) => Reply::Open,
        (404 | 410, _) if was_open => Reply::SessionLost,
        (401 | 408 | 429 | 500 | 502..=599, _) => Reply::Later,
        _ => Reply::Final,
    }
}

impl RemoteSession {
    /// Hands on what comes on the stream, and opens it again while the session lasts.
    pub(crate) fn read_notifications(&self, peers: &Peers<'_>) -> StreamEnd {
        let connection = self.remote.connection();
        if !self.listens(connection.stop()) {
            return StreamEnd::Over;
        }
        let mut position = Position::default();
        let mut pause = USUAL_RETRY;
        let mut was_open = false;
        while !self.is_over() {
            let last_id = position.last_id.clone().unwrap_or_default();
            if let Some(headers) = self.get(&last_id, peers) {
                let request = StreamRequest {
                    headers: &headers,
                    ..self.get_request()
                };
                if let Ok(mut response) = connection.send(&request, None) {
                    match reply(response.status(), response.header("content-type"), was_open) {
                        Reply::Open => {
                            was_open = true;
                            pause = USUAL_RETRY;
                            let _ = read_events(&mut response, &mut position, |data| {
                                if let Some(line) = answer::line_of(&data, None) {
                                    (peers.deliver)(self.remote.budget.acquire(line));
                                }
                            });
                        }
                        Reply::Final => return StreamEnd::NotOffered,
                        Reply::SessionLost => return StreamEnd::SessionLost,
                        Reply::Later => {}
                    }
                }
            }
            wait_unless(|| self.is_over(), pause.max(position.wait()));
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        StreamEnd::Over
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_stream_is_not_asked_for_again() {
        let events = Some("text/event-stream");
        for (status, kind, was_open, expected) in [
            (200, events, false, Reply::Open),
            (200, Some("text/html"), false, Reply::Final),
            (405, None, false, Reply::Final),
            (400, None, true, Reply::Final),
            (404, None, false, Reply::Final),
            (404, None, true, Reply::SessionLost),
            (406, None, false, Reply::Final),
            (409, None, true, Reply::Final),
            (403, None, false, Reply::Final),
            (501, None, false, Reply::Final),
            (307, None, false, Reply::Final),
            (401, None, true, Reply::Later),
            (429, None, false, Reply::Later),
            (502, Some("text/html"), true, Reply::Later),
        ] {
            assert_eq!(
                reply(status, kind, was_open),
                expected,
                "{status} {kind:?} {was_open}"
            );
        }
    }
}
