//! What the client says.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::calls::may_ask;
use super::retry::Retry;
use super::{Conversation, Hold, Life, Then};
use crate::formats::json_rpc::{self, Id, Kind, Message};
use crate::mcp::line::Line;
use crate::mcp::messages::{self, Modes, ProtocolRevision};

/// How our own ids begin, where the client has to answer them.
const OURS: &str = "ghtok:";

/// The members of `_meta` that each request has in revision 2026-07-28.
const VERSION: &str = "io.modelcontextprotocol/protocolVersion";
const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";

/// Where a line of the client goes.
pub(super) enum Way {
    /// To the server, as it is.
    On,
    /// Behind the others that are held.
    Hold,
    /// The same, and an exchange begins.
    Renew,
    /// To a person: it needs a token, and there is none.
    Ask,
    /// It comes back from our dialog, and this is what the server may see of it.
    Back(Retry, Vec<u8>),
    /// To a server, in other words.
    To(u32, Vec<u8>),
    /// It is our dialog's answer: what the person did.
    Dialog(Option<String>),
    /// Nowhere.
    Done,
}

/// What a request of the modern era says of its client.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Opening {
    #[serde(rename = "_meta")]
    meta: Option<Meta>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Meta {
    #[serde(rename = "io.modelcontextprotocol/protocolVersion")]
    version: Option<Value>,
    #[serde(rename = "io.modelcontextprotocol/clientCapabilities")]
    capabilities: Option<Value>,
}

/// What an `initialize` says of its client.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Initialize {
    capabilities: Value,
}

/// What a resource's subscription is of.
#[derive(Deserialize)]
struct Subscription {
    uri: String,
}

/// Which request is cancelled.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Cancelled<'a> {
    #[serde(borrow)]
    request_id: &'a RawValue,
}

/// What a dialog was answered with.
#[derive(Deserialize)]
struct Answered {
    action: Option<String>,
}

impl Conversation {
    pub(super) fn client_said(&mut self, line: Line) {
        let way = match json_rpc::read(&line) {
            json_rpc::Line::One(message) => match message.kind() {
                Some(Kind::Request) => self.way_of_request(&message, &line),
                Some(Kind::Notification) => self.way_of_notification(&message),
                Some(Kind::Response) => self.way_of_answer(&message, &line),
                None => self.in_order(),
            },
            json_rpc::Line::Batch(all) => self.way_of_batch(&all, &line),
            json_rpc::Line::Noise => self.in_order(),
        };
        match way {
            Way::On => self.tell_server(line),
            Way::Hold => self.held.push_back(line),
            Way::Renew => {
                self.held.push_back(line);
                self.begin_drain(Then::Fetch);
            }
            Way::Ask => self.without_token(line),
            Way::Back(retry, bytes) => self.retried(&retry, line.with(bytes)),
            Way::To(server, bytes) => {
                if Some(server) == self.active {
                    self.tell_server(line.with(bytes));
                }
            }
            Way::Dialog(action) => self.dialog_answered(action.as_deref()),
            Way::Done => {}
        }
    }

    fn way_of_request(&mut self, message: &Message<'_>, line: &[u8]) -> Way {
        let method = message.method.as_deref().unwrap_or_default();
        self.used = true;
        self.notice_era(method, message);
        if self.life == Life::Over {
            self.answer_failed(method, message.raw_id(line), "the server has ended");
            return Way::Done;
        }
        if let Some(hold) = self.hold {
            return self.way_through(hold, message, line);
        }
        if self.needs_renewal() {
            return Way::Renew;
        }
        self.way_to_server(message, line)
    }

    /// While others are held.
    fn way_through(&mut self, hold: Hold, message: &Message<'_>, line: &[u8]) -> Way {
        let method = message.method.as_deref().unwrap_or_default();
        if method == "ping" {
            let pong = messages::response(message.raw_id(line), &serde_json::json!({}));
            self.tell_client(pong);
            return Way::Done;
        }
        // The end of what is waited for comes by such a request.
        let ends_it = method.starts_with("tasks/") || Retry::of_server(message);
        if ends_it && matches!(hold, Hold::Drain(_)) && self.begun.is_there(self.now.mono) {
            return self.way_to_server(message, line);
        }
        Way::Hold
    }

    /// A request on its way to the server, or, if it needs a token that is not there, to a person.
    fn way_to_server(&mut self, message: &Message<'_>, line: &[u8]) -> Way {
        let method = message.method.as_deref().unwrap_or_default();
        let asks = may_ask(method, self.era);
        if asks && let Some(retry) = Retry::of(message) {
            let bytes = retry.without_ours(message, line);
            return Way::Back(retry, bytes);
        }
        if asks && self.lacks_token() {
            return Way::Ask;
        }
        if asks && Retry::of_server(message) {
            self.begun.continued();
        }
        self.remember(method, message);
        if let Some((id, call)) = self.tracked(message, line) {
            self.calls.insert(id, call);
        }
        Way::On
    }

    fn way_of_notification(&mut self, message: &Message<'_>) -> Way {
        match message.method.as_deref() {
            Some("notifications/cancelled") => {
                let cancelled: Option<Cancelled<'_>> = message.params_as();
                match cancelled.and_then(|cancelled| cancelled.id()) {
                    Some(id) if self.forget_call(&id) => Way::Done,
                    _ => Way::On,
                }
            }
            Some("notifications/initialized") => {
                let way = self.in_order();
                if matches!(way, Way::On) {
                    self.handshake.initialized = true;
                    self.initialized();
                }
                way
            }
            _ => self.in_order(),
        }
    }

    /// An answer to a server's request, or to ours.
    fn way_of_answer(&mut self, message: &Message<'_>, line: &[u8]) -> Way {
        let Some(id) = &message.id else {
            return Way::Done;
        };
        if self.dialog.as_ref().is_some_and(|dialog| dialog.id == *id) {
            let answered: Option<Answered> = message.result_as();
            return Way::Dialog(answered.and_then(|answered| answered.action));
        }
        match self.asked.remove(id) {
            Some(asked) => {
                self.step(|this| {
                    let took = this.took(asked.since);
                    format!(
                        "server asked {} {}, answered{took}",
                        asked.method, asked.raw_id
                    )
                });
                Way::To(asked.server, message.with_id(line, &asked.raw_id))
            }
            // The server that had asked is no more.
            None if id.as_text().starts_with(OURS) => Way::Done,
            None => self.in_order(),
        }
    }

    /// Notifications keep their place among requests.
    pub(super) fn in_order(&self) -> Way {
        let waits = self
            .hold
            .is_some_and(|hold| !matches!(hold, Hold::Drain(_)));
        if waits || !self.held.is_empty() {
            Way::Hold
        } else {
            Way::On
        }
    }

    /// How the client opens tells which protocol it speaks, and what it can show.
    pub(super) fn notice_era(&mut self, method: &str, message: &Message<'_>) {
        if method == "initialize" {
            self.era = Some(ProtocolRevision::Legacy);
            self.handshake.params = message.params.map(|params| params.get().to_owned());
            let said: Initialize = message.params_as().unwrap_or_default();
            self.modes = Modes::of(&said.capabilities);
            return;
        }
        if self.era == Some(ProtocolRevision::Legacy) {
            return;
        }
        let opening: Opening = message.params_as().unwrap_or_default();
        let meta = opening.meta.unwrap_or_default();
        if method == "server/discover" || meta.version.is_some() {
            self.era = Some(ProtocolRevision::Modern);
        }
        if let (Some(version), Some(capabilities)) = (&meta.version, &meta.capabilities) {
            self.handshake.meta = Some(json!({VERSION: version, CAPABILITIES: capabilities}));
        }
        if let Some(capabilities) = meta.capabilities {
            self.modes = Modes::of(&capabilities);
        }
    }

    /// What the next server must be told too.
    pub(super) fn remember(&mut self, method: &str, message: &Message<'_>) {
        let raw = || message.params.map(|params| params.get().to_owned());
        match method {
            "logging/setLevel" => self.handshake.log_level = raw(),
            "resources/subscribe" | "resources/unsubscribe" => {
                let (Some(Subscription { uri }), Some(raw)) = (message.params_as(), raw()) else {
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
        self.drain_until = None;
        let mut held = std::mem::take(&mut self.held);
        while let Some(line) = held.pop_front() {
            self.client_said(line);
            if self.hold.is_some() {
                // It began something new: the rest waits behind it.
                self.held.append(&mut held);
            }
        }
    }

    /// A cancelled request gets no answer.
    pub(super) fn is_held_and_dropped(&mut self, id: &Id) -> bool {
        let before = self.held.len();
        self.held.retain(|line| match json_rpc::read(line) {
            json_rpc::Line::One(message) => {
                message.kind() != Some(Kind::Request) || message.id.as_ref() != Some(id)
            }
            _ => true,
        });
        before != self.held.len()
    }
}

impl Cancelled<'_> {
    pub(super) fn id(&self) -> Option<Id> {
        Id::of(self.request_id)
    }
}
