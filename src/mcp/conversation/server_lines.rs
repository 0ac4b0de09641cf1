//! What becomes of a line of the server in use.

use super::Conversation;
use super::message_parts::is_failure;
use super::pending_call::PendingCall;
use super::pending_requests::{Notification, ResponseTo};
use super::server_switch::{AfterDrain, Flow};
use crate::formats::json_rpc::{self, Id, Kind, Message};
use crate::mcp::messages;

/// What a call's response says when the token is invalid: the words of github-mcp-server and of
/// server-github.
const REJECTED: [&[u8]; 3] = [
    b"Bad credentials",
    b"Authentication Failed",
    b"Requires authentication",
];

/// A longer response is no error.
const LONGEST_ERROR: usize = 16 * 1024;

/// What becomes of a line of the server in use.
#[derive(Debug)]
pub(super) enum Delivery {
    /// The client gets it.
    Pass,
    /// The client gets it in other words.
    PassAs(Vec<u8>),
    Drop,
    /// It says that the token is invalid: held until that is known.
    Reject(Id, PendingCall),
    /// It is no message.
    Unparsed,
}

impl Conversation {
    pub(super) fn delivery(&mut self, server: u32, line: &[u8]) -> Delivery {
        match json_rpc::read(line) {
            json_rpc::Line::One(message) => match message.kind() {
                Some(Kind::Request) => {
                    let id = self.pending.asked(server, &message, line, self.now.mono);
                    Delivery::PassAs(message.with_id(line, &id))
                }
                Some(Kind::Response) => self.deliver_response(&message, line),
                Some(Kind::Notification) => self.deliver_notification(server, &message, line),
                None => Delivery::Pass,
            },
            json_rpc::Line::Batch(messages) => self.deliver_batch(server, &messages, line),
            json_rpc::Line::Noise => Delivery::Unparsed,
        }
    }

    /// However long a response is, it is read once.
    fn deliver_response(&mut self, message: &Message<'_>, line: &[u8]) -> Delivery {
        self.servers.responded(self.now);
        match self.pending.answered(message, self.now.mono) {
            ResponseTo::Ours => Delivery::Drop,
            ResponseTo::Unknown => Delivery::Pass,
            ResponseTo::Call(id, call) => {
                self.step(|this| {
                    let took = this.took(call.since);
                    format!("{} {}{took}", call.method, call.raw_id)
                });
                if call.method == "initialize" {
                    self.handshake.answered(message);
                }
                self.remote
                    .answered(&id, &call.method, self.servers.is_session());
                if self.is_rejection(&call, message, line) {
                    Delivery::Reject(id, call)
                } else if call.has_foreign_state && is_failure(message) {
                    Delivery::PassAs(self.advised(&call, line))
                } else {
                    Delivery::Pass
                }
            }
        }
    }

    /// The server cannot continue what another one has begun.
    fn advised(&self, call: &PendingCall, line: &[u8]) -> Vec<u8> {
        let text = "ghtok: the server was replaced after it had asked for this, and the new one cannot continue. Call the tool again.";
        let revision = self.handshake.revision();
        let own = || messages::failure(&call.method, &call.raw_id, text, revision);
        messages::with_text(line, text).unwrap_or_else(own)
    }

    /// A hint only: it is checked once with the API.
    fn is_rejection(&self, call: &PendingCall, message: &Message<'_>, line: &[u8]) -> bool {
        let may_check = match self.servers.flow() {
            Flow::Open => {
                let interval = self.settings.timing.checks;
                self.tokens.may_check(interval, self.now)
            }
            // It shares the outcome of the others.
            Flow::HeldForCheck => true,
            Flow::Draining(AfterDrain::Start) => self.pending.has_rejected(),
            Flow::Draining(AfterDrain::FetchToken) | Flow::Held | Flow::Ended => false,
        };
        call.method == "tools/call"
            && may_check
            && self.servers.token().is_some()
            && line.len() <= LONGEST_ERROR
            && REJECTED.iter().any(|words| contains(line, words))
            && (message.error.is_some()
                || contains(line, b"\"isError\":true")
                || contains(line, b"\"isError\": true"))
    }

    fn deliver_notification(
        &mut self,
        server: u32,
        message: &Message<'_>,
        line: &[u8],
    ) -> Delivery {
        let method = message.method.as_deref().unwrap_or_default();
        if self.servers.is_repeated_list_change(method, self.now) {
            return Delivery::Drop;
        }
        let is_modern = self.handshake.is_modern();
        match self
            .pending
            .notified(server, message, line, is_modern, self.now.mono)
        {
            Notification::Pass => Delivery::Pass,
            Notification::PassAs(bytes) => Delivery::PassAs(bytes),
            Notification::Drop => Delivery::Drop,
        }
    }

    fn deliver_batch(&mut self, server: u32, messages: &[Message<'_>], line: &[u8]) -> Delivery {
        let mut ids = Vec::new();
        for message in messages {
            match message.kind() {
                Some(Kind::Request) => {
                    let id = self.pending.asked(server, message, line, self.now.mono);
                    ids.push((message, id));
                }
                Some(Kind::Response) => {
                    self.pending.answered(message, self.now.mono);
                }
                Some(Kind::Notification) | None => {}
            }
        }
        if ids.is_empty() {
            Delivery::Pass
        } else {
            Delivery::PassAs(json_rpc::with_ids(line, &ids))
        }
    }
}

fn contains(text: &[u8], words: &[u8]) -> bool {
    text.windows(words.len()).any(|part| part == words)
}
