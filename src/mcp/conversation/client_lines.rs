//! Where a line of the client goes.

use serde_json::json;

use super::Conversation;
use super::message_parts::cancelled_id;
use super::pending_call::needs_token;
use super::replacement::unserved;
use super::returned_call::ReturnedCall;
use super::server_switch::{AfterDrain, Flow};
use super::sign_in::{self, Returned};
use crate::formats::json_rpc::{self, Id, Kind, Message};
use crate::mcp::line::Line;
use crate::mcp::messages;

/// How our own ids begin, where the client has to answer them.
const OUR_IDS: &str = "ghtok:";

/// Where a line of the client goes.
#[derive(Debug)]
pub(super) enum Route {
    /// To the server in use.
    Send,
    /// To the server in use, in other words.
    SendAs(Vec<u8>),
    /// Behind the other held lines.
    Hold,
    /// Behind the other held lines, and the server has to be replaced.
    HoldAndRenew,
    /// It needs a token, and there is none.
    NeedsToken,
    /// It comes back from our dialog, with what the server may see of it.
    Returned(ReturnedCall, Vec<u8>),
    /// Back to the client: this is the response.
    Respond(Vec<u8>),
    /// It has done all that it can do.
    Done,
}

impl Conversation {
    pub(super) fn route(&mut self, line: &[u8]) -> Route {
        match json_rpc::read(line) {
            json_rpc::Line::One(message) => match message.kind() {
                Some(Kind::Request) => self.route_request(&message, line),
                Some(Kind::Notification) => self.route_notification(&message),
                Some(Kind::Response) => self.route_response(&message, line),
                None => self.route_in_order(),
            },
            json_rpc::Line::Batch(messages) => self.route_batch(&messages, line),
            json_rpc::Line::Noise => self.route_in_order(),
        }
    }

    fn route_request(&mut self, message: &Message<'_>, line: &[u8]) -> Route {
        let method = message.method.as_deref().unwrap_or_default();
        self.handshake.received(method, message);
        self.servers.used();
        if let Some(route) = self.route_remote(method, message, line) {
            return route;
        }
        match self.servers.flow() {
            Flow::Open if self.needs_renewal() && !self.can_wait(method) => Route::HoldAndRenew,
            Flow::Open => self.route_to_server(method, message, line),
            Flow::Ended => {
                let text = "the server has ended";
                let revision = self.handshake.revision();
                let raw_id = message.raw_id(line);
                Route::Respond(messages::failure(method, raw_id, text, revision))
            }
            Flow::Draining(_) | Flow::Held | Flow::HeldForCheck if method == "ping" => {
                Route::Respond(messages::response(message.raw_id(line), &json!({})))
            }
            // The end of what is waited for comes by such a request.
            Flow::Draining(_)
                if (method.starts_with("tasks/") || ReturnedCall::is_of_server(message))
                    && self.pending.has_unfinished_work(self.now.mono) =>
            {
                self.route_to_server(method, message, line)
            }
            Flow::Held | Flow::HeldForCheck
                if never_waits(method) && self.waits_for_token_only() =>
            {
                self.route_to_server(method, message, line)
            }
            Flow::Draining(_) | Flow::Held | Flow::HeldForCheck => Route::Hold,
        }
    }

    /// True if this request can go to the server in use although that is to be replaced: it needs no token,
    /// or the server works on calls that the token serves for longer.
    fn can_wait(&self, method: &str) -> bool {
        let is_running = || self.pending.is_busy(self.servers.number(), self.now.mono);
        let token = self.servers.token();
        never_waits(method) && !self.servers.is_session()
            || self.servers.can_wait(self.now) && !self.tokens.is_replaced(token) && is_running()
    }

    /// True if requests are held for a token, and none that came before this one.
    fn waits_for_token_only(&self) -> bool {
        let has_server = self.servers.in_use().is_some() && !self.servers.is_session();
        self.held.is_empty() && self.servers.is_awaiting_token() && has_server
    }

    fn route_to_server(&mut self, method: &str, message: &Message<'_>, line: &[u8]) -> Route {
        let is_modern = self.handshake.is_modern();
        if needs_token(method, is_modern) {
            if let Some(call) = ReturnedCall::of(message) {
                let bytes = call.without_ours(message, line);
                if self.servers.lacks_token(self.now) {
                    return Route::Returned(call, bytes);
                }
                return match self.route(&bytes) {
                    Route::Send => Route::SendAs(bytes),
                    other => other,
                };
            }
            if self.servers.lacks_token(self.now) {
                return Route::NeedsToken;
            }
            if ReturnedCall::is_of_server(message) {
                self.pending.round_continued();
            }
        }
        self.note_sent(method, message, line, false);
        Route::Send
    }

    /// A request goes to the server in use.
    fn note_sent(&mut self, method: &str, message: &Message<'_>, line: &[u8], is_batch: bool) {
        self.handshake.sent(method, message);
        let server = self.servers.number().unwrap_or_default();
        let is_modern = self.handshake.is_modern();
        self.pending
            .sent(server, message, line, is_modern, is_batch, self.now.mono);
    }

    fn route_notification(&mut self, message: &Message<'_>) -> Route {
        match message.method.as_deref() {
            Some("notifications/cancelled") => match cancelled_id(message) {
                Some(id) if self.is_cancelled_here(&id) => Route::Done,
                _ => Route::Send,
            },
            Some("notifications/initialized") => {
                let route = if self.waits_for_token_only() {
                    Route::Send
                } else {
                    self.route_in_order()
                };
                if matches!(route, Route::Send) {
                    self.handshake.client_is_ready();
                    let actions = self.sign_in.client_is_ready(&self.handshake, self.now);
                    self.actions.extend(actions);
                }
                route
            }
            _ => self.route_in_order(),
        }
    }

    /// The client no longer wants a response; true if the server does not have the request.
    fn is_cancelled_here(&mut self, id: &Id) -> bool {
        if self.pending.cancelled(id) {
            return true;
        }
        let before = self.held.len();
        self.held.retain(|line| match json_rpc::read(line) {
            json_rpc::Line::One(message) => {
                message.kind() != Some(Kind::Request) || message.id.as_ref() != Some(id)
            }
            _ => true,
        });
        if before != self.held.len() {
            return true;
        }
        let actions = self.sign_in.cancelled(id, &self.handshake, self.now);
        let is_held = actions.is_some();
        self.actions.extend(actions.into_iter().flatten());
        is_held
    }

    /// A response to a server's request, or to ours.
    fn route_response(&mut self, message: &Message<'_>, line: &[u8]) -> Route {
        let Some(id) = &message.id else {
            return Route::Done;
        };
        if self.sign_in.is_dialog(id) {
            let client = &self.handshake;
            let actions = self.sign_in.dialog_answered(message, client, self.now);
            self.actions.extend(actions);
            return Route::Done;
        }
        match self.pending.take_question(id) {
            Some(question) => {
                self.step(|this| {
                    let took = this.took(question.since);
                    let (method, id) = (&question.method, &question.raw_id);
                    format!("server asked {method} {id}, answered{took}")
                });
                if Some(question.server) == self.servers.number() {
                    Route::SendAs(message.with_id(line, &question.raw_id))
                } else {
                    Route::Done
                }
            }
            // The server that asked has ended.
            None if id.as_text().starts_with(OUR_IDS) => Route::Done,
            None => self.route_in_order(),
        }
    }

    /// Notifications keep their place among requests.
    fn route_in_order(&self) -> Route {
        let is_held = matches!(self.servers.flow(), Flow::Held | Flow::HeldForCheck);
        if is_held || !self.held.is_empty() {
            Route::Hold
        } else {
            Route::Send
        }
    }

    /// Several messages in one line, which only revision 2025-03-26 allows, are passed on as one line. A
    /// call in it is never held for a sign-in.
    fn route_batch(&mut self, messages: &[Message<'_>], line: &[u8]) -> Route {
        let has_requests = messages.iter().any(|one| one.kind() == Some(Kind::Request));
        let is_open = matches!(self.servers.flow(), Flow::Open | Flow::Ended);
        if !is_open || !self.held.is_empty() {
            return Route::Hold;
        }
        if has_requests && self.needs_renewal() {
            return Route::HoldAndRenew;
        }
        let mut ids = Vec::new();
        for message in messages {
            match message.kind() {
                Some(Kind::Request) => {
                    self.servers.used();
                    let method = message.method.as_deref().unwrap_or_default();
                    self.note_sent(method, message, line, true);
                }
                Some(Kind::Notification) => {
                    if message.method.as_deref() == Some("notifications/cancelled")
                        && let Some(id) = cancelled_id(message)
                    {
                        self.is_cancelled_here(&id);
                    }
                }
                Some(Kind::Response) => {
                    let id = message.id.as_ref();
                    let question = id.and_then(|id| self.pending.take_question(id));
                    ids.extend(question.map(|question| (message, question.raw_id)));
                }
                None => {}
            }
        }
        if ids.is_empty() {
            Route::Send
        } else {
            Route::SendAs(json_rpc::with_ids(line, &ids))
        }
    }

    /// True if the server's token is due, or another process has a newer one.
    pub(super) fn needs_renewal(&self) -> bool {
        let token = self.servers.token();
        self.servers.may_renew() && self.tokens.is_due(token, self.now)
    }

    /// For a call that would fail without a token.
    pub(super) fn get_token_for(&mut self, line: Line) {
        let revision = self.handshake.revision();
        if self.tokens.has_other_than(self.servers.token()) {
            if let Some(why) = self.servers.blocked(self.now) {
                let of_server = unserved(why);
                let text = self.remote.why_closed().unwrap_or(&of_server);
                let answer = sign_in::failure(&line, text, revision);
                self.actions.push_back(answer);
            } else {
                self.held.push_back(line);
                self.servers.drain(AfterDrain::Start, self.now);
            }
            return;
        }
        match self.tokens.error() {
            Some(error) if self.tokens.needs_sign_in() => {
                let actions = self
                    .sign_in
                    .ask(line, None, error, &self.handshake, self.now);
                self.actions.extend(actions);
            }
            Some(error) if self.tokens.must_wait(self.now) => {
                let text = format!("ghtok: {}", error.text);
                self.actions
                    .push_back(sign_in::failure(&line, &text, revision));
            }
            _ => {
                self.held.push_back(line);
                self.servers.await_token(false);
                self.actions.extend(self.tokens.fetch());
            }
        }
    }

    /// A call came back from our dialog.
    pub(super) fn returned(&mut self, call: &ReturnedCall, line: Line) {
        match self.sign_in.returned(call, line, &self.handshake, self.now) {
            Returned::Handled(actions) => self.actions.extend(actions),
            Returned::New(line) => self.get_token_for(line),
        }
    }
}

/// The requests that open a conversation, and lists: they need no token.
fn never_waits(method: &str) -> bool {
    matches!(method, "initialize" | "server/discover") || method.ends_with("/list")
}
