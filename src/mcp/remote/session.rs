//! A session with a remote server: what was agreed, what is under way, and what waits for its turn.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::order::{SendOrder, SendTurn};
use super::request_headers::{self, ParameterHeaders, SessionFacts};
use super::{NumberedToken, Remote};
use crate::formats::json_rpc::{self, Id, Message};
use crate::github::{Interrupt, StreamRequest};
use crate::mcp::conversation::cancelled_id;
use crate::mcp::line::Line;
use crate::mcp::messages::ProtocolRevision;

/// How long the end of a session may take.
const END_LIMIT: Duration = Duration::from_secs(2);

/// A session. Of revision 2026-07-28 there is none, and nothing to agree on.
pub(crate) struct RemoteSession {
    pub(super) remote: Arc<Remote>,
    state: Mutex<SessionState>,
}

#[derive(Default)]
struct SessionState {
    facts: SessionFacts,
    parameters: ParameterHeaders,
    order: SendOrder<Arc<Line>>,
    /// What ends the wait for the answer to a request.
    in_flight: HashMap<Id, Interrupt>,
    /// Ends the stream of notifications.
    notifications: Option<Interrupt>,
    is_over: bool,
}

/// What follows when a message was sent.
pub(crate) struct Next {
    /// These are sent now.
    pub(crate) lines: Vec<Arc<Line>>,
    /// The stream of notifications is opened now.
    pub(crate) opens_notifications: bool,
}

impl RemoteSession {
    pub(crate) fn new(remote: &Arc<Remote>) -> Self {
        Self {
            remote: Arc::clone(remote),
            state: Mutex::default(),
        }
    }

    /// A line of the client. Returns what is to be sent now, in a thread for each.
    pub(crate) fn push(&self, line: Line) -> Vec<Arc<Line>> {
        if self.is_cancelled(&line) {
            return Vec::new();
        }
        let turn = SendTurn::of(&line);
        self.state().order.push(turn, Arc::new(line))
    }

    /// A line was sent by [`Self::exchange`], or could not be.
    pub(crate) fn finished(&self, line: &Line) -> Next {
        let mut state = self.state();
        let lines = state.order.finished(SendTurn::of(line));
        let is_initialized = match json_rpc::read(line) {
            json_rpc::Line::One(message) => {
                message.method.as_deref() == Some("notifications/initialized")
            }
            _ => false,
        };
        Next {
            lines,
            opens_notifications: is_initialized && !state.is_over,
        }
    }

    /// In revision 2026-07-28 a client cancels a request by closing its stream.
    fn is_cancelled(&self, line: &Line) -> bool {
        let json_rpc::Line::One(message) = json_rpc::read(line) else {
            return false;
        };
        if message.method.as_deref() != Some("notifications/cancelled") {
            return false;
        }
        let state = self.state();
        if state.facts.version.is_some() {
            return false;
        }
        let stop = cancelled_id(&message).and_then(|id| state.in_flight.get(&id).cloned());
        drop(state);
        if let Some(stop) = &stop {
            stop.now();
        }
        stop.is_some() || request_headers::revision(&message) == ProtocolRevision::Modern
    }

    /// Ends the session: nothing more is sent in it, and the server may forget it.
    pub(crate) fn end(&self, token: Option<NumberedToken>) {
        let facts = {
            let mut state = self.state();
            state.is_over = true;
            if let Some(stop) = state.notifications.take() {
                stop.now();
            }
            state.facts.clone()
        };
        let (Some(_), Some((_, token))) = (&facts.id, token) else {
            return;
        };
        let request = StreamRequest {
            method: "DELETE",
            url: self.remote.address.url(),
            headers: &request_headers::common(&token, &self.remote.headers, &facts),
            body: &[],
        };
        let ended = self.remote.connection().send(&request, Some(END_LIMIT));
        match ended {
            Ok(answer) => log::info!("mcp: session ended (HTTP {})", answer.status()),
            Err(failure) => log::info!("mcp: session not ended: {failure}"),
        }
    }

    pub(super) fn facts(&self) -> SessionFacts {
        self.state().facts.clone()
    }

    pub(super) fn is_over(&self) -> bool {
        self.state().is_over
    }

    /// The headers that describe a line.
    pub(super) fn headers_of(&self, line: &[u8]) -> Vec<super::Header> {
        request_headers::of_line(line, &self.state().parameters)
    }

    /// The server has answered `initialize`.
    pub(super) fn agreed(&self, id: Option<String>, response: &Message<'_>) {
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct AgreedVersion {
            protocol_version: String,
        }
        let Some(agreed) = response.result_as::<AgreedVersion>() else {
            return;
        };
        self.state().facts = SessionFacts {
            id,
            version: Some(agreed.protocol_version),
        };
    }

    /// The server has answered `tools/list`.
    pub(super) fn listed(&self, response: &Message<'_>) {
        self.state().parameters.learn(response);
    }

    pub(super) fn begins(&self, id: Option<&Id>, stop: Interrupt) {
        if let Some(id) = id {
            self.state().in_flight.insert(id.clone(), stop);
        }
    }

    pub(super) fn ends(&self, id: Option<&Id>) {
        if let Some(id) = id {
            self.state().in_flight.remove(id);
        }
    }

    /// Keeps what ends the stream of notifications; false if the session is over.
    pub(super) fn listens(&self, stop: Interrupt) -> bool {
        let mut state = self.state();
        state.notifications = Some(stop);
        !state.is_over
    }

    fn state(&self) -> MutexGuard<'_, SessionState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
