//! What the client says.

use serde_json::Value;

use super::sign_in::Retry;
use super::{Call, Conversation, Hold, LISTEN, Life, may_ask, may_repeat, text_of};
use crate::formats::json_rpc::{self, Id, Kind, Message};
use crate::mcp::dialog::{self, Era, Modes};
use crate::mcp::line::Line;

/// Where a request of the modern era says what its client can do.
const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
const VERSION: &str = "io.modelcontextprotocol/protocolVersion";

impl Conversation {
    pub(super) fn client_said(&mut self, line: Line) {
        let message = match json_rpc::read(&line) {
            json_rpc::Line::One(message) => message,
            json_rpc::Line::Batch(all) => {
                let calls: Vec<_> = all
                    .iter()
                    .filter_map(|one| self.tracked(one, &line))
                    .collect();
                return self.batch(calls, line);
            }
            json_rpc::Line::Noise => return self.hold_or_send(line),
        };
        match message.kind() {
            Some(Kind::Request) => self.request(line),
            Some(Kind::Notification) => self.notification(line),
            Some(Kind::Response) => {
                let restored = self.restored(&message, &line);
                self.answer(restored, line);
            }
            None => self.hold_or_send(line),
        }
    }

    fn request(&mut self, line: Line) {
        let json_rpc::Line::One(message) = json_rpc::read(&line) else {
            return;
        };
        let method = message.method.as_deref().unwrap_or_default();
        self.used = true;
        self.notice_era(method, &message);
        if self.life == Life::Over {
            let raw_id = message.raw_id(&line).to_owned();
            return self.answer_failed(method, &raw_id, "the server has ended");
        }
        if self.hold.is_some() {
            if method == "ping" {
                let pong = dialog::response(message.raw_id(&line), &serde_json::json!({}));
                return self.tell_client(pong);
            }
            return self.held.push_back(line);
        }
        if self.needs_renewal() {
            self.held.push_back(line);
            return self.begin_renewal();
        }
        self.pass_on(line);
    }

    /// A request on its way to the server, or, if it needs a token that is not there, to a person.
    pub(super) fn pass_on(&mut self, line: Line) {
        let json_rpc::Line::One(message) = json_rpc::read(&line) else {
            return self.tell_server(line);
        };
        let method = message.method.as_deref().unwrap_or_default();
        if let Some(retry) = Retry::of(&message) {
            let line = retry.without_ours(&message, &line);
            return self.retried(&retry, Line::from(line));
        }
        if may_ask(method, self.era) && self.lacks_token() {
            return self.without_token(line);
        }
        self.remember(method, &message);
        if let Some((id, call)) = self.tracked(&message, &line) {
            self.calls.insert(id, call);
        }
        self.tell_server(line);
    }

    fn tracked(&self, message: &Message<'_>, line: &[u8]) -> Option<(Id, Call)> {
        if message.kind() != Some(Kind::Request) {
            return None;
        }
        let method = message.method.as_deref()?.to_owned();
        let tool = (method == "tools/call").then(|| {
            let params: Option<Value> = message.params_as();
            params.and_then(|params| text_of(&params, "name"))
        });
        let tool = tool.flatten();
        let again = may_repeat(&method)
            || tool
                .as_ref()
                .is_some_and(|tool| self.read_only.contains(tool));
        let call = Call {
            server: self.active.unwrap_or_default(),
            line: if again { line.to_vec() } else { Vec::new() },
            raw_id: message.raw_id(line).to_owned(),
            method,
        };
        Some((message.id.clone()?, call))
    }

    fn batch(&mut self, calls: Vec<(Id, Call)>, line: Line) {
        if self.hold.is_some() {
            return self.held.push_back(line);
        }
        for (id, mut call) in calls {
            // The line is more than the one call.
            call.line.clear();
            self.calls.insert(id, call);
        }
        self.tell_server(line);
    }

    fn notification(&mut self, line: Line) {
        let json_rpc::Line::One(message) = json_rpc::read(&line) else {
            return;
        };
        match message.method.as_deref() {
            Some("notifications/initialized") => self.handshake.initialized = true,
            Some("notifications/cancelled") => {
                let params: Value = message.params_as().unwrap_or_default();
                let id = params.get("requestId").map(Value::to_string);
                let id = id
                    .and_then(|raw| serde_json::value::RawValue::from_string(raw).ok())
                    .and_then(|raw| Id::of(&raw));
                if id.is_some_and(|id| self.is_held_and_dropped(&id)) {
                    return;
                }
                return self.tell_server(line);
            }
            _ => {}
        }
        self.hold_or_send(line);
    }

    /// A cancelled request gets no answer.
    fn is_held_and_dropped(&mut self, id: &Id) -> bool {
        let before = self.held.len();
        self.held.retain(|line| match json_rpc::read(line) {
            json_rpc::Line::One(message) => message.id.as_ref() != Some(id),
            _ => true,
        });
        before != self.held.len() || self.stop_waiting_for(id)
    }

    /// The server and its own id, for an answer to a server's request.
    fn restored(&mut self, message: &Message<'_>, line: &[u8]) -> Answer {
        let Some(id) = &message.id else {
            return Answer::Unknown;
        };
        if self.dialog.as_ref().is_some_and(|dialog| dialog.id == *id) {
            let result: Option<Value> = message.result_as();
            let action = result.and_then(|result| text_of(&result, "action"));
            return Answer::ToUs(action);
        }
        match self.asked.remove(id) {
            Some((server, raw_id)) => Answer::ToServer(server, message.with_id(line, &raw_id)),
            None => Answer::Unknown,
        }
    }

    fn answer(&mut self, answer: Answer, line: Line) {
        match answer {
            Answer::ToUs(action) => self.dialog_answered(action.as_deref()),
            Answer::ToServer(server, bytes) => {
                if Some(server) == self.active {
                    self.tell_server(line.with(bytes));
                }
                self.drained();
            }
            Answer::Unknown => self.hold_or_send(line),
        }
    }

    fn hold_or_send(&mut self, line: Line) {
        if self.hold.is_some() && !matches!(self.hold, Some(Hold::Drain(..)))
            || !self.held.is_empty()
        {
            self.held.push_back(line);
        } else {
            self.tell_server(line);
        }
    }

    /// How the client opens tells which protocol it speaks, and what it can show.
    fn notice_era(&mut self, method: &str, message: &Message<'_>) {
        if method == "initialize" {
            self.era = Some(Era::Legacy);
            self.handshake.params = message.params.map(|params| params.get().to_owned());
            let params: Value = message.params_as().unwrap_or_default();
            self.modes = params
                .get("capabilities")
                .map(Modes::of)
                .unwrap_or_default();
            return;
        }
        if self.era == Some(Era::Legacy) {
            return;
        }
        let params: Option<Value> = message.params_as();
        let meta = params.as_ref().and_then(|params| params.get("_meta"));
        if method == "server/discover" || meta.is_some_and(|meta| meta.get(VERSION).is_some()) {
            self.era = Some(Era::Modern);
        }
        if let Some(capabilities) = meta.and_then(|meta| meta.get(CAPABILITIES)) {
            self.modes = Modes::of(capabilities);
        }
    }

    /// What the next server must be told too.
    fn remember(&mut self, method: &str, message: &Message<'_>) {
        let raw = || message.params.map(|params| params.get().to_owned());
        match method {
            "logging/setLevel" => self.handshake.log_level = raw(),
            "resources/subscribe" | "resources/unsubscribe" => {
                let params: Value = message.params_as().unwrap_or_default();
                let (Some(uri), Some(raw)) = (text_of(&params, "uri"), raw()) else {
                    return;
                };
                if method == "resources/subscribe" {
                    self.handshake.subscriptions.insert(uri, raw);
                } else {
                    self.handshake.subscriptions.remove(&uri);
                }
            }
            _ => {}
        }
    }

    /// Everything that was held goes its way, in order.
    pub(super) fn release(&mut self) {
        self.hold = None;
        let mut held = std::mem::take(&mut self.held);
        while let Some(line) = held.pop_front() {
            self.client_said(line);
            if self.hold.is_some() {
                // It began something new: the rest waits behind it.
                self.held.append(&mut held);
            }
        }
    }

    pub(super) fn is_busy(&self) -> bool {
        let calls = self.calls.values();
        calls
            .filter(|call| Some(call.server) == self.active)
            .any(|call| call.method != LISTEN)
            || self
                .asked
                .values()
                .any(|(server, _)| Some(*server) == self.active)
            || self.now.mono < self.input_until
    }
}

/// What an answer of the client answers.
enum Answer {
    /// Our dialog, with the person's action.
    ToUs(Option<String>),
    /// A request of this server, in its own words.
    ToServer(u32, Vec<u8>),
    /// Nothing that we know.
    Unknown,
}
