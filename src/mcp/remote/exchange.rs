//! Sends one message, and hands on all that is answered.

use std::time::Duration;

use super::answer::{self, AnswerKind, ErrorAnswer, ErrorFacts};
use super::event_stream::{Position, USUAL_RETRY, read_events, wait_unless};
use super::http::{beginning, connect, failure_of, whole};
use super::request_headers::{self, SessionFacts};
use super::session::RemoteSession;
use super::{Header, NumberedToken};
use crate::formats::json_rpc::{self, Id, Kind};
use crate::github::{KeptConnection, StreamRequest, StreamResponse};
use crate::mcp::conversation::{Unanswered, is_repeatable};
use crate::mcp::line::Line;
use crate::mcp::messages::ProtocolRevision;

/// How often a stream is opened again that brings nothing new.
const RESUME_TRIES: u32 = 5;

/// How long the rest of a stream is waited for when its request is answered.
const REST_LIMIT: Duration = Duration::from_secs(1);

/// How long the server may take to accept a message that wants no answer.
pub(super) const ACCEPT_LIMIT: Duration = Duration::from_secs(30);

/// The longest `Retry-After` that is waited for.
const LONGEST_WAIT: u64 = 30;

/// The request that stays open for notifications (revision 2026-07-28).
const LISTEN: &str = "subscriptions/listen";

/// The server misses headers that repeat arguments (revision 2026-07-28).
const HEADER_MISMATCH: i64 = -32020;

/// What sends a message and gets its answers.
pub(crate) struct Peers<'a> {
    /// The newest token.
    pub(crate) token: &'a dyn Fn() -> Option<NumberedToken>,
    /// Hands a message on to the client.
    pub(crate) deliver: &'a dyn Fn(Line),
}

/// A message on its way.
struct Outgoing<'a> {
    line: &'a Line,
    id: Option<Id>,
    raw_id: Option<String>,
    method: String,
    kind: Option<Kind>,
    is_modern: bool,
}

impl<'a> Outgoing<'a> {
    fn of(line: &'a Line) -> Self {
        let json_rpc::Line::One(message) = json_rpc::read(line) else {
            // Several messages; there are none of revision 2026-07-28.
            return Self {
                line,
                id: None,
                raw_id: None,
                method: String::new(),
                kind: None,
                is_modern: false,
            };
        };
        Self {
            line,
            id: message.id.clone(),
            raw_id: message
                .id
                .is_some()
                .then(|| message.raw_id(line).to_owned()),
            method: message.method.as_deref().unwrap_or_default().to_owned(),
            kind: message.kind(),
            is_modern: request_headers::revision(&message) == ProtocolRevision::Modern,
        }
    }

    fn is_opening(&self) -> bool {
        matches!(&*self.method, "initialize" | "server/discover")
    }

    fn limit(&self) -> Option<Duration> {
        let wants_answer = matches!(self.kind, Some(Kind::Request) | None);
        (!wants_answer).then_some(ACCEPT_LIMIT)
    }
}

impl RemoteSession {
    /// Sends a line and hands on what is answered; returns when that is complete.
    ///
    /// # Errors
    /// Why there is no answer; nothing of one was handed on then.
    pub(crate) fn exchange(&self, line: &Line, peers: &Peers<'_>) -> Result<(), Unanswered> {
        let message = Outgoing::of(line);
        let connection = self.remote.connection();
        let is_request = message.kind == Some(Kind::Request);
        let id = message.id.as_ref().filter(|_| is_request);
        self.begins(id, connection.stop());
        let result = self.send(&message, &connection, peers);
        self.ends(id);
        if result.is_ok() {
            self.remote.keep(connection);
        } else if message.method == LISTEN {
            // It is opened again.
            let stop = connection.stop();
            wait_unless(|| stop.is_stopped(), USUAL_RETRY);
        }
        result
    }

    fn send(
        &self,
        message: &Outgoing<'_>,
        connection: &KeptConnection,
        peers: &Peers<'_>,
    ) -> Result<(), Unanswered> {
        let (mut has_waited, mut has_listed) = (false, false);
        loop {
            let Some((generation, token)) = (peers.token)() else {
                return Err(Unanswered::NotDone("there is no token".into()));
            };
            let facts = self.facts_for(message);
            let mut headers = request_headers::common(&token, &self.remote.headers, &facts);
            headers.extend(self.headers_of(message.line));
            let request = self.post(&headers, message.line.as_written());
            let mut response = connect(connection, &request, message.limit())
                .map_err(|failure| failure_of(&failure))?;
            let content_type = response.header("content-type");
            match answer::head(response.status(), content_type) {
                AnswerKind::Accepted => return self.accepted(message, &mut response),
                AnswerKind::Json => return self.read_json(message, response, peers),
                AnswerKind::Events => {
                    return self.read_stream(message, response, connection, peers);
                }
                AnswerKind::Error => {}
            }
            let body = beginning(&mut response);
            let is_mismatch = answer::error_code(&body) == Some(HEADER_MISMATCH);
            if is_mismatch && message.method == "tools/call" && !has_listed {
                has_listed = true;
                self.list_tools(message.line, &token);
                continue;
            }
            let host = self.remote.name();
            let facts = error_facts(message, &response, &body, &host, &self.remote.app, &facts);
            match answer::judge(&facts) {
                ErrorAnswer::Later(seconds, _)
                    if !has_waited && seconds <= LONGEST_WAIT && is_repeatable(&message.method) =>
                {
                    has_waited = true;
                    let stop = connection.stop();
                    wait_unless(|| stop.is_stopped(), Duration::from_secs(seconds));
                }
                ErrorAnswer::Doubtful if !self.knows_session(&token) => {
                    return Err(Unanswered::SessionLost);
                }
                ErrorAnswer::Doubtful => {
                    let other = answer::judge(&ErrorFacts {
                        has_session: false,
                        ..facts
                    });
                    return self.failed(message, other, generation, &body, peers);
                }
                other => return self.failed(message, other, generation, &body, peers),
            }
        }
    }

    /// The client's `initialize` begins a new session, and since 2026-07-28 there is none.
    fn facts_for(&self, message: &Outgoing<'_>) -> SessionFacts {
        if message.is_modern || message.method == "initialize" {
            SessionFacts::default()
        } else {
            self.facts()
        }
    }

    fn failed(
        &self,
        message: &Outgoing<'_>,
        answer: ErrorAnswer,
        generation: u64,
        body: &[u8],
        peers: &Peers<'_>,
    ) -> Result<(), Unanswered> {
        let host = self.remote.name();
        match answer {
            ErrorAnswer::Unauthorized => Err(Unanswered::Unauthorized {
                generation,
                text: format!(
                    "{host} refuses the token of the App \"{}\" (HTTP 401)",
                    self.remote.app
                ),
            }),
            ErrorAnswer::SessionLost => Err(Unanswered::SessionLost),
            ErrorAnswer::NotDone(text) | ErrorAnswer::Later(_, text) => {
                Err(Unanswered::NotDone(text))
            }
            ErrorAnswer::Unknown(text) => Err(Unanswered::Unknown(text)),
            ErrorAnswer::Message | ErrorAnswer::Doubtful => {
                let line = answer::line_of(body, message.raw_id.as_deref());
                let line =
                    line.ok_or_else(|| Unanswered::NotDone(format!("an error from {host}")))?;
                if message.raw_id.is_some() && message.kind == Some(Kind::Request) {
                    (peers.deliver)(self.remote.budget.acquire(line));
                }
                Ok(())
            }
        }
    }

    /// A request must have an answer; the others must not.
    fn accepted(
        &self,
        message: &Outgoing<'_>,
        response: &mut StreamResponse,
    ) -> Result<(), Unanswered> {
        let _ = beginning(response);
        if message.kind == Some(Kind::Request) {
            let host = self.remote.name();
            let status = response.status();
            return Err(Unanswered::Unknown(format!(
                "{host} accepted the request (HTTP {status}) and sent no response"
            )));
        }
        Ok(())
    }

    fn read_json(
        &self,
        message: &Outgoing<'_>,
        mut response: StreamResponse,
        peers: &Peers<'_>,
    ) -> Result<(), Unanswered> {
        let body = whole(&mut response).map_err(|error| Unanswered::Unknown(error.to_string()))?;
        let session = response.header("mcp-session-id").map(str::to_owned);
        match answer::line_of(&body, message.raw_id.as_deref()) {
            Some(line) => {
                let is_answer = self.take(message, line, session, peers);
                if is_answer || message.kind != Some(Kind::Request) {
                    return Ok(());
                }
            }
            None if message.kind != Some(Kind::Request) => return Ok(()),
            None => {}
        }
        let host = self.remote.name();
        Err(Unanswered::Unknown(format!(
            "{host} sent something else than the response"
        )))
    }

    /// Reads the answers to a message; where the stream breaks before the last one, it is opened again
    /// if the server can go on with it.
    fn read_stream(
        &self,
        message: &Outgoing<'_>,
        mut response: StreamResponse,
        connection: &KeptConnection,
        peers: &Peers<'_>,
    ) -> Result<(), Unanswered> {
        let session = response.header("mcp-session-id").map(str::to_owned);
        let stop = connection.stop();
        let mut position = Position::default();
        let mut tries = 0;
        let mut is_answered = message.kind == Some(Kind::Notification);
        loop {
            let (is_new, read) = read_events(&mut response, &mut position, |data| {
                let Some(line) = answer::line_of(&data, message.raw_id.as_deref()) else {
                    return log::info!("mcp: an event that is no message is dropped");
                };
                if self.take(message, line, session.clone(), peers) {
                    is_answered = true;
                    stop.wait_at_most(Some(REST_LIMIT));
                }
            });
            let is_request = message.kind == Some(Kind::Request);
            if is_answered || !is_request && read.is_ok() {
                return Ok(());
            }
            let host = self.remote.name();
            let why = match read {
                Ok(()) => format!("{host} ended the stream before the response"),
                Err(error) => error.to_string(),
            };
            tries = if is_new { 0 } else { tries + 1 };
            let id = position.last_id.as_deref();
            let can_resume = is_request && !message.is_modern && tries < RESUME_TRIES;
            let Some(id) = id.filter(|_| can_resume && !stop.is_stopped()) else {
                return Err(Unanswered::Unknown(why));
            };
            wait_unless(|| stop.is_stopped(), position.wait());
            response = self
                .resume(id, connection, peers)
                .map_err(|reason| Unanswered::Unknown(format!("{why}; {reason}")))?;
        }
    }

    /// Opens a stream again behind the event with this id.
    fn resume(
        &self,
        id: &str,
        connection: &KeptConnection,
        peers: &Peers<'_>,
    ) -> Result<StreamResponse, String> {
        let host = self.remote.name();
        let request = self.get(id, peers).ok_or("there is no token")?;
        let request = StreamRequest {
            headers: &request,
            ..self.get_request()
        };
        let response = connect(connection, &request, None).map_err(|error| error.to_string())?;
        match answer::head(response.status(), response.header("content-type")) {
            AnswerKind::Events => Ok(response),
            _ => Err(format!(
                "{host} does not go on with it (HTTP {})",
                response.status()
            )),
        }
    }

    /// The headers of a request for a stream.
    pub(super) fn get(&self, last_id: &str, peers: &Peers<'_>) -> Option<Vec<Header>> {
        let (_, token) = (peers.token)()?;
        let mut headers = request_headers::common(&token, &self.remote.headers, &self.facts());
        headers.push(("Accept".into(), "text/event-stream".to_owned().into()));
        if !last_id.is_empty() {
            headers.push(("Last-Event-ID".into(), last_id.to_owned().into()));
        }
        Some(headers)
    }

    pub(super) fn get_request(&self) -> StreamRequest<'_> {
        StreamRequest {
            method: "GET",
            url: self.remote.address.url(),
            headers: &[],
            body: &[],
        }
    }

    pub(super) fn post<'r>(&'r self, headers: &'r [Header], body: &'r [u8]) -> StreamRequest<'r> {
        StreamRequest {
            method: "POST",
            url: self.remote.address.url(),
            headers,
            body: body.trim_ascii_end(),
        }
    }

    /// Hands a line on, once its contents are known here; true if it answers the message.
    fn take(
        &self,
        message: &Outgoing<'_>,
        line: Vec<u8>,
        session: Option<String>,
        peers: &Peers<'_>,
    ) -> bool {
        let is_answer = match json_rpc::read(&line) {
            json_rpc::Line::One(answer) if answer.kind() == Some(Kind::Response) => {
                let is_answer = answer.id == message.id;
                match &*message.method {
                    "initialize" if is_answer => self.agreed(session, &answer),
                    "tools/list" if is_answer => self.listed(&answer),
                    _ => {}
                }
                is_answer
            }
            _ => false,
        };
        (peers.deliver)(self.remote.budget.acquire(line));
        is_answer
    }
}

fn error_facts<'a>(
    message: &Outgoing<'_>,
    response: &'a StreamResponse,
    body: &'a [u8],
    host: &'a str,
    app: &'a str,
    facts: &SessionFacts,
) -> ErrorFacts<'a> {
    ErrorFacts {
        host,
        app,
        status: response.status(),
        has_session: facts.id.is_some(),
        is_modern: message.is_modern,
        is_opening: message.is_opening(),
        www_authenticate: response.header("www-authenticate"),
        location: response.header("location"),
        retry_after: response.header("retry-after"),
        body,
    }
}
