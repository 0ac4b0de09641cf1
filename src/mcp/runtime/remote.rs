//! A remote server: each message is sent by a thread of its own.

use std::sync::Arc;

use super::{RunningServer, Runtime, RuntimeState};
use crate::error::system_reason;
use crate::mcp::conversation::{Ended, Event, Unanswered};
use crate::mcp::line::Line;
use crate::mcp::remote::exchange::Peers;
use crate::mcp::remote::notification_stream::StreamEnd;
use crate::mcp::remote::session::RemoteSession;
use crate::mcp::remote::{NumberedToken, Remote, stand_in};

impl Runtime<'_, '_> {
    pub(super) fn open_session(
        state: &mut RuntimeState,
        number: u32,
        remote: &Arc<Remote>,
        generation: Option<u64>,
    ) {
        let server = match generation {
            Some(_) => RunningServer::Session(Arc::new(RemoteSession::new(remote))),
            None => RunningServer::StandIn,
        };
        state.servers.insert(number, server);
    }

    pub(super) fn send_remote(self, state: &mut RuntimeState, number: u32, line: Line) {
        match state.servers.get(&number) {
            Some(RunningServer::Session(session)) => {
                let session = Arc::clone(session);
                for line in session.push(line) {
                    self.send_line(state, number, &session, &line);
                }
            }
            Some(RunningServer::StandIn) => {
                if let Some(answer) = stand_in::answer(&line) {
                    let answer = Line::own(answer);
                    state.follow_ups.push_back(Event::Server(number, answer));
                }
            }
            Some(RunningServer::Process(_)) | None => {}
        }
    }

    fn send_line(
        self,
        state: &mut RuntimeState,
        number: u32,
        session: &Arc<RemoteSession>,
        line: &Arc<Line>,
    ) {
        let (own, own_session) = (Arc::clone(line), Arc::clone(session));
        let sent = self.spawn(move || self.exchange(number, &own_session, &own));
        if let Err(error) = sent {
            let reason = format!("cannot start a thread: {}", system_reason(&error));
            let failed = Event::Failed(number, copy_of(line), Unanswered::NotDone(reason));
            state.follow_ups.push_back(failed);
            for line in session.finished(line).lines {
                self.send_line(state, number, session, &line);
            }
        }
    }

    /// Sends a line, and then those that have waited for it.
    fn exchange(self, number: u32, session: &Arc<RemoteSession>, line: &Line) {
        let peers = Peers {
            token: &|| self.newest_token(),
            deliver: &|line| self.post_and_write(Event::Server(number, line)),
        };
        let result = session.exchange(line, &peers);
        let next = session.finished(line);
        {
            let mut state = self.state();
            for line in next.lines {
                self.send_line(&mut state, number, session, &line);
            }
        }
        if let Err(failure) = result {
            self.post(Event::Failed(number, copy_of(line), failure));
        } else if next.opens_notifications {
            self.read_notifications(number, Arc::clone(session));
        }
    }

    fn read_notifications(self, number: u32, session: Arc<RemoteSession>) {
        let read = self.spawn(move || {
            let peers = Peers {
                token: &|| self.newest_token(),
                deliver: &|line| self.post_and_write(Event::Server(number, line)),
            };
            let end = session.read_notifications(&peers);
            log::info!("mcp: stream of notifications: {end:?}");
            if end == StreamEnd::SessionLost {
                self.post(Event::SessionLost(number));
            }
        });
        if let Err(error) = read {
            log::info!("mcp: no stream of notifications: {}", system_reason(&error));
        }
    }

    fn newest_token(self) -> Option<NumberedToken> {
        let state = self.state();
        let (news, token) = state.latest.as_ref()?;
        Some((news.generation, token.clone()))
    }

    /// Ends a session in good order; at once if a signal ends the conversation.
    pub(super) fn close_session(self, state: &mut RuntimeState, number: u32) {
        let code = state.signal.map_or(0, |signal| 128 + signal);
        let closed = state.servers.remove(&number);
        let token = state.latest.clone();
        let ending = move || {
            if let Some(RunningServer::Session(session)) = closed {
                session.end(token.map(|(news, token)| (news.generation, token)));
            }
            self.post(Event::Ended(number, Ended { code }));
            self.post(Event::Gone(number));
        };
        if state.signal.is_some() || self.spawn(ending).is_err() {
            state
                .follow_ups
                .push_back(Event::Ended(number, Ended { code }));
            state.follow_ups.push_back(Event::Gone(number));
        }
    }
}

fn copy_of(line: &Line) -> Line {
    Line::from(line.as_written().to_vec())
}
