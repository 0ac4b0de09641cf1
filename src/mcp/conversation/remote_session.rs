//! The session with a remote server: opened again where the server has lost it, and first opened when
//! somebody has signed in.

use std::time::Duration;

use serde_json::json;
use serde_json::value::RawValue;

use super::server_switch::{Flow, StartFailure};
use super::{Conversation, Unanswered};
use crate::formats::json_rpc::{self, Kind};
use crate::mcp::messages;

/// How long no session is opened after that has failed.
const PAUSE: Duration = Duration::from_secs(2);

/// Whether there is a session.
#[derive(Debug, Default)]
pub(super) enum SessionPhase {
    #[default]
    Open,
    /// The server has forgotten it.
    Lost,
    /// It cannot be opened again, for this reason; not before this time.
    Closed(Duration, String),
}

impl Conversation {
    /// A session takes a newer token as it comes, and is opened again if it was lost.
    pub(super) fn advance_session(&mut self) {
        if !self.servers.is_session() || self.servers.flow() != Flow::Open {
            return;
        }
        if self.tokens.has_other_than(self.servers.token()) {
            self.servers.adopt(self.tokens.newest());
            self.release_calls();
        }
        if matches!(self.remote.session, SessionPhase::Lost) && self.servers.token().is_some() {
            if !self.handshake.has_agreed() {
                // There is nothing to open again.
                self.remote.session = SessionPhase::Open;
                return;
            }
            self.start();
        }
    }

    /// The server no longer knows the session of this number.
    pub(super) fn session_lost(&mut self, server: u32) {
        if self.servers.is_session() && Some(server) == self.servers.number() {
            self.remote.session = SessionPhase::Lost;
        }
    }

    /// Another session takes the place of a lost one; running requests end in theirs.
    pub(super) fn session_replaced(&mut self, server: u32) {
        if !matches!(self.remote.session, SessionPhase::Open) {
            self.note(
                "the server had lost its session: what it remembered of this conversation is gone",
            );
        }
        self.remote.session = SessionPhase::Open;
        for id in self.pending.session_replaced(server) {
            self.send_to_client(messages::cancellation(&id));
        }
    }

    pub(super) fn session_refused(&mut self, failure: &Unanswered) {
        let Unanswered::Unauthorized { generation, .. } = failure else {
            return self.session_not_opened(&failure.text());
        };
        let interval = self.settings.timing.checks;
        if !self.tokens.may_check(interval, self.now) {
            return self.session_not_opened(&failure.text());
        }
        self.servers.start_failed(StartFailure::NoSession, self.now);
        let check = self.tokens.check(*generation, self.now);
        self.servers.await_token(true);
        self.actions.push_back(check);
    }

    /// No session was opened: what waited for one fails.
    pub(super) fn session_not_opened(&mut self, text: &str) {
        self.servers.start_failed(StartFailure::NoSession, self.now);
        self.note(format!("no session: {text}"));
        self.remote.session = SessionPhase::Closed(self.now.mono + PAUSE, text.to_owned());
        self.pass_rejected();
        let text = format!("ghtok: {text}");
        let revision = self.handshake.revision();
        let actions = self.sign_in.fail_held(&text, revision);
        self.actions.extend(actions);
        for line in std::mem::take(&mut self.held) {
            if let json_rpc::Line::One(message) = json_rpc::read(&line)
                && message.kind() == Some(Kind::Request)
            {
                let method = message.method.as_deref().unwrap_or_default();
                let raw_id = message.raw_id(&line);
                self.send_to_client(messages::failure(method, raw_id, &text, revision));
            }
        }
    }

    /// The client has seen the tool that signs in; now there are others.
    pub(super) fn tell_of_tools(&mut self) {
        const METHOD: &str = "notifications/tools/list_changed";
        self.remote.knows_sign_in = true;
        self.remote.session = SessionPhase::Open;
        if self.handshake.is_initialized() {
            self.send_to_client(messages::notification(METHOD, &json!({})));
        }
        let ids: Vec<String> = self
            .pending
            .listens()
            .map(|call| call.raw_id.clone())
            .collect();
        for raw_id in ids {
            let id = RawValue::from_string(raw_id).ok();
            let params = json!({"_meta": {"io.modelcontextprotocol/subscriptionId": id}});
            self.send_to_client(messages::notification(METHOD, &params));
        }
    }
}
