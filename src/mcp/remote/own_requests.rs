//! What ghtok itself asks a remote server; the client sees none of it.

use super::answer::{self, AnswerKind};
use super::event_stream::{Position, read_events};
use super::exchange::ACCEPT_LIMIT;
use super::http::whole;
use super::request_headers::{self, SessionFacts};
use super::session::RemoteSession;
use crate::formats::json_rpc;
use crate::token::AccessToken;

/// Asks whether a session is there; no answer to it reaches the client.
const PING: &[u8] = br#"{"jsonrpc":"2.0","id":"ghtok:ping","method":"ping"}"#;

impl RemoteSession {
    /// Learns which arguments the server wants in headers.
    pub(super) fn list_tools(&self, call: &[u8], token: &AccessToken) {
        let Some(request) = request_headers::tools_list(call) else {
            return;
        };
        let mut headers =
            request_headers::common(token, &self.remote.headers, &SessionFacts::default());
        headers.extend(self.headers_of(&request));
        let request = self.post(&headers, &request);
        let connection = self.remote.connection();
        let Ok(mut response) = connection.send(&request, Some(ACCEPT_LIMIT)) else {
            return;
        };
        let learn = |data: &[u8]| {
            if let json_rpc::Line::One(answer) = json_rpc::read(data) {
                self.listed(&answer);
            }
        };
        match answer::head(response.status(), response.header("content-type")) {
            AnswerKind::Json => learn(&whole(&mut response).unwrap_or_default()),
            AnswerKind::Events => {
                let _ = read_events(&mut response, &mut Position::default(), |data| learn(&data));
            }
            AnswerKind::Accepted | AnswerKind::Error => {}
        }
    }

    /// Asks the server for the session: some answer a lost one with the status of a bad request.
    pub(super) fn knows_session(&self, token: &AccessToken) -> bool {
        let facts = self.facts();
        let mut headers = request_headers::common(token, &self.remote.headers, &facts);
        headers.extend(self.headers_of(PING));
        let request = self.post(&headers, PING);
        match self.remote.connection().send(&request, Some(ACCEPT_LIMIT)) {
            Ok(answer) => !matches!(answer.status(), 400 | 404 | 410),
            Err(_) => true,
        }
    }
}
