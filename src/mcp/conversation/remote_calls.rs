//! Requests to a remote server: what follows where one has failed, and how a lost session is opened again.

use std::collections::HashMap;

use serde_json::json;

use super::client_lines::Route;
use super::message_parts::CallParams;
use super::pending_call::{PendingCall, needs_token};
use super::remote_session::SessionPhase;
use super::server_switch::{AfterDrain, Flow};
use super::{Action, Asking, Conversation, Unanswered};
use crate::formats::json_rpc::{self, Id, Kind, Message};
use crate::mcp::line::Line;
use crate::mcp::messages::{self, ProtocolRevision};
use crate::mcp::remote::stand_in::SIGN_IN;

/// The most requests that are under way at the same time; the others wait.
const MOST_REQUESTS: usize = 32;

/// The most times that a request is sent again: for a newer token, in a new session, because it only reads.
const MOST_REPEATS: u8 = 3;

/// What is known of the requests to a remote server.
#[derive(Debug, Default)]
pub(super) struct RemoteCalls {
    /// Those whose token was refused, held until it is checked.
    refused: Vec<RefusedCall>,
    repeats: HashMap<Id, u8>,
    pub(super) session: SessionPhase,
    /// A session has answered a request: the server is no longer unknown to the client.
    has_answered: bool,
    /// The client knows the tool that signs in, and has not listed the server's tools since.
    pub(super) knows_sign_in: bool,
}

#[derive(Debug)]
struct RefusedCall {
    line: Line,
    generation: u64,
    text: String,
}

impl RemoteCalls {
    /// A request has its answer.
    pub(super) fn answered(&mut self, id: &Id, method: &str, is_session: bool) {
        self.repeats.remove(id);
        self.has_answered |= is_session;
        if is_session && method == "tools/list" {
            self.knows_sign_in = false;
        }
    }

    /// Why there is no session.
    pub(super) fn why_closed(&self) -> Option<&str> {
        match &self.session {
            SessionPhase::Closed(_, why) => Some(why),
            SessionPhase::Open | SessionPhase::Lost => None,
        }
    }

    /// True if the request may be sent once more.
    fn may_repeat(&mut self, id: &Id) -> bool {
        let repeats = self.repeats.entry(id.clone()).or_default();
        *repeats += 1;
        *repeats <= MOST_REPEATS
    }
}

impl Conversation {
    /// True if no more requests are sent to a remote server now.
    pub(super) fn is_full(&self) -> bool {
        self.servers.is_session() && self.pending.running() >= MOST_REQUESTS
    }

    /// A session's response may come after another session has taken its place.
    pub(super) fn is_late_response(&self, line: &[u8]) -> bool {
        self.servers.is_session()
            && matches!(json_rpc::read(line), json_rpc::Line::One(message)
                if message.kind() == Some(Kind::Response))
    }

    /// Gets a newer token; running requests end first, unless theirs has ended already.
    pub(super) fn renew(&mut self) {
        if self.servers.is_session() && self.tokens.is_replaced(self.servers.token()) {
            self.servers.await_token(false);
            self.actions.extend(self.tokens.fetch());
        } else {
            self.servers.drain(AfterDrain::FetchToken, self.now);
        }
    }

    /// What is special about a request while the server is remote.
    pub(super) fn route_remote(
        &mut self,
        method: &str,
        message: &Message<'_>,
        line: &[u8],
    ) -> Option<Route> {
        let is_open = self.servers.flow() == Flow::Open;
        if !self.servers.is_remote() || !is_open || method == "ping" && !self.servers.is_session() {
            return None;
        }
        let respond = |text: &str, revision| {
            let text = format!("ghtok: {text}");
            let raw_id = message.raw_id(line);
            Some(Route::Respond(messages::failure(
                method, raw_id, &text, revision,
            )))
        };
        let revision = self.handshake.revision();
        let is_session = self.servers.is_session();
        if is_session && self.remote.knows_sign_in && is_sign_in(method, message) {
            return Some(Route::Respond(signed_in(message.raw_id(line), revision)));
        }
        if self.servers.lacks_token(self.now) && !needs_token(method, self.handshake.is_modern()) {
            let error = self.tokens.error();
            return match error {
                // The one that stands in for the server answers it.
                Some(_)
                    if !is_session
                        && self.tokens.needs_sign_in()
                        && self.settings.asking != Asking::Never =>
                {
                    None
                }
                Some(error) if self.tokens.needs_sign_in() || self.tokens.must_wait(self.now) => {
                    respond(&error.text, revision)
                }
                _ => Some(Route::NeedsToken),
            };
        }
        match &self.remote.session {
            SessionPhase::Closed(until, why) if is_session && self.now.mono < *until => {
                return respond(why, revision);
            }
            SessionPhase::Closed(..) if is_session => {
                self.remote.session = SessionPhase::Lost;
                return Some(Route::Hold);
            }
            _ => {}
        }
        self.is_full().then_some(Route::Hold)
    }

    /// This line has no answer.
    pub(super) fn request_failed(&mut self, server: u32, line: Line, failure: Unanswered) {
        let message = match json_rpc::read(&line) {
            json_rpc::Line::One(message) => message,
            json_rpc::Line::Batch(messages) => {
                let text = failure.text();
                for id in messages.iter().filter_map(|message| message.id.clone()) {
                    self.fail(&id, &text);
                }
                return;
            }
            json_rpc::Line::Noise => return,
        };
        let Some(id) = message.id.clone() else {
            return;
        };
        if self.servers.starting() == Some(server) {
            return self.session_refused(&failure);
        }
        match failure {
            Unanswered::Unauthorized { generation, text } => {
                self.token_refused(&id, line, generation, text);
            }
            Unanswered::SessionLost => {
                self.session_lost(server);
                self.send_again(&id, line, "the server forgets its sessions");
            }
            Unanswered::NotDone(text) => match self.pending.take(&id) {
                Some(call) if call.is_listen() => self.listen_again(id, call),
                Some(call) => self.answer_failed(&call, &text),
                None => {}
            },
            Unanswered::Unknown(text) => match self.pending.take(&id) {
                Some(call) if call.is_listen() => self.listen_again(id, call),
                Some(call) if call.is_repeatable() && self.remote.may_repeat(&id) => {
                    let number = self.servers.number().unwrap_or_default();
                    let line = self.pending.repeat(id, call, number);
                    let send = |line| Action::ToServer(number, line);
                    self.actions.extend(line.map(send));
                }
                Some(call) if call.is_repeatable() => self.answer_failed(&call, &text),
                Some(call) => {
                    let text = format!(
                        "{text}; whether the call was done is unknown. Check before you call it again"
                    );
                    self.answer_failed(&call, &text);
                }
                None => {}
            },
        }
    }

    /// A stream of notifications goes on with the same request.
    fn listen_again(&mut self, id: Id, call: PendingCall) {
        let number = self.servers.number().unwrap_or_default();
        let line = self.pending.repeat(id, call, number);
        self.actions
            .extend(line.map(|line| Action::ToServer(number, line)));
    }

    /// A request that was not executed is sent again, like a new one.
    fn send_again(&mut self, id: &Id, line: Line, why: &str) {
        let Some(call) = self.pending.take(id) else {
            return;
        };
        if self.remote.may_repeat(id) {
            self.held.push_back(line);
        } else {
            self.answer_failed(&call, why);
        }
    }

    fn fail(&mut self, id: &Id, text: &str) {
        if let Some(call) = self.pending.take(id) {
            self.answer_failed(&call, text);
        }
    }

    fn answer_failed(&mut self, call: &PendingCall, text: &str) {
        let revision = self.handshake.revision();
        let text = format!("ghtok: {text}");
        self.send_to_client(messages::failure(
            &call.method,
            &call.raw_id,
            &text,
            revision,
        ));
    }

    /// The server refuses the token of this generation.
    fn token_refused(&mut self, id: &Id, line: Line, generation: u64, text: String) {
        let newest = self.servers.token().map(|token| token.generation);
        if newest.is_some_and(|newest| newest != generation) {
            return self.send_again(id, line, &text);
        }
        let interval = self.settings.timing.checks;
        match self.servers.flow() {
            Flow::HeldForCheck => {}
            Flow::Open | Flow::Draining(_) if self.tokens.may_check(interval, self.now) => {
                let check = self.tokens.check(generation, self.now);
                self.servers.await_token(true);
                self.actions.push_back(check);
            }
            Flow::Held if self.tokens.is_awaited() => {
                return self.send_again(id, line, &text);
            }
            _ => return self.fail(id, &text),
        }
        self.remote.refused.push(RefusedCall {
            line,
            generation,
            text,
        });
    }

    /// It is known now what the refused token is worth.
    pub(super) fn go_on_with_refused(&mut self, is_invalid: bool) {
        let newest = self.servers.token().map(|token| token.generation);
        for refused in std::mem::take(&mut self.remote.refused) {
            let RefusedCall {
                line,
                generation,
                text,
            } = refused;
            let (id, method) = match json_rpc::read(&line) {
                json_rpc::Line::One(message) => {
                    let method = message.method.as_deref().unwrap_or_default().to_owned();
                    (message.id.clone(), method)
                }
                _ => (None, String::new()),
            };
            let Some(id) = id else {
                continue;
            };
            if newest.is_some_and(|newest| newest != generation) {
                self.send_again(&id, line, &text);
            } else if is_invalid {
                self.ask_for(&id, line, &method);
            } else {
                let error = self.tokens.error().map(|error| error.text.clone());
                self.fail(&id, &error.unwrap_or(text));
            }
        }
    }

    /// The sign-in has ended.
    fn ask_for(&mut self, id: &Id, line: Line, method: &str) {
        let Some(call) = self.pending.take(id) else {
            return;
        };
        let Some(error) = self.tokens.error() else {
            return self.answer_failed(&call, "there is no token");
        };
        if needs_token(method, self.handshake.is_modern()) {
            let client = &self.handshake;
            let actions = self.sign_in.ask(line, None, error, client, self.now);
            self.actions.extend(actions);
        } else if self.remote.has_answered {
            let text = error.text.clone();
            self.answer_failed(&call, &text);
        } else {
            // The client does not know the server yet: another one answers in its place.
            self.held.push_back(line);
            if self.servers.flow() == Flow::Open {
                self.start();
            }
        }
    }

    /// Rejected calls are made again with a newer token, if there is one.
    pub(super) fn pass_or_repeat_rejected(&mut self) {
        match self.servers.number() {
            Some(number) if self.servers.is_session() && self.has_newer_than_rejected() => {
                self.repeat_rejected(number);
            }
            _ => self.pass_rejected(),
        }
    }

    fn has_newer_than_rejected(&self) -> bool {
        let newest = self.servers.token().map(|token| token.generation);
        newest.is_some() && newest != self.tokens.checked_generation()
    }
}

fn is_sign_in(method: &str, message: &Message<'_>) -> bool {
    let params: Option<CallParams<'_>> = message.params_as();
    let name = params.and_then(|params| params.name);
    method == "tools/call" && name.as_deref() == Some(SIGN_IN)
}

fn signed_in(raw_id: &str, revision: Option<ProtocolRevision>) -> Vec<u8> {
    let text = "You are signed in to GitHub. The server's own tools can be listed and called now.";
    let mut result = json!({"content": [{"type": "text", "text": text}]});
    if revision == Some(ProtocolRevision::Modern) {
        result["resultType"] = "complete".into();
    }
    messages::response(raw_id, &result)
}
