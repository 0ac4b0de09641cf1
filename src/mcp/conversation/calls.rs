//! The client's requests that are under way at a server, and what becomes of them with it.

use std::time::Duration;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{Action, Conversation, ProtocolRevision};
use crate::formats::json_rpc::{Id, Message};
use crate::mcp::line::Line;
use crate::mcp::messages;

/// The request that stays open for a server's news.
pub(super) const LISTEN: &str = "subscriptions/listen";

/// A request that is under way at a server.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) server: u32,
    pub(super) method: String,
    /// The line, where it may be sent once more.
    pub(super) line: Vec<u8>,
    pub(super) raw_id: String,
    /// The task that it asks for.
    pub(super) task: Option<String>,
    pub(super) since: Duration,
    /// Whether its result may tell of something that the server keeps.
    pub(super) may_begin: bool,
}

/// A call whose answer says that the token is dead; the answer waits until that is known.
#[derive(Debug)]
pub(super) struct Suspect {
    pub(super) id: Id,
    pub(super) call: Call,
    pub(super) answer: Line,
}

/// The parameters that tell what a call is, read from a line of any length.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Params {
    name: Option<String>,
    task: Option<IgnoredAny>,
    task_id: Option<String>,
}

impl Conversation {
    /// What is to be known of a request for as long as it is under way.
    pub(super) fn tracked(&self, message: &Message<'_>, line: &[u8]) -> Option<(Id, Call)> {
        let method = message.method.as_deref()?.to_owned();
        let asks_of_task = method.starts_with("tasks/");
        let params: Params = match method.as_str() {
            "tools/call" => message.params_as().unwrap_or_default(),
            _ if asks_of_task => message.params_as().unwrap_or_default(),
            _ => Params::default(),
        };
        let reads = params
            .name
            .is_some_and(|tool| self.read_only.contains(&tool));
        let again = may_repeat(&method) || reads;
        let call = Call {
            server: self.active.unwrap_or_default(),
            line: if again { line.to_vec() } else { Vec::new() },
            raw_id: message.raw_id(line).to_owned(),
            since: self.now.mono,
            may_begin: asks_of_task
                || params.task.is_some()
                || self.era == Some(ProtocolRevision::Modern) && may_ask(&method, self.era),
            task: params.task_id,
            method,
        };
        Some((message.id.clone()?, call))
    }

    /// True if the client has asked for something that it has not got.
    pub(super) fn owes_answers(&self) -> bool {
        !self.held.is_empty() || self.calls.values().any(|call| call.method != LISTEN)
    }

    pub(super) fn is_busy(&self) -> bool {
        let here = |server: u32| Some(server) == self.active;
        let mut calls = self.calls.values();
        calls.any(|call| here(call.server) && call.method != LISTEN)
            || self.asked.values().any(|asked| here(asked.server))
            || self.begun.is_there(self.now.mono)
    }

    /// What was under way at a server that is no more in use: done again at the new one where that does
    /// no harm, else answered.
    pub(super) fn resolve_lost(&mut self) {
        let Some(new) = self.active else {
            return;
        };
        let lost = |server: u32| server != new;
        let ids: Vec<Id> = self
            .calls
            .iter()
            .filter(|(_, call)| lost(call.server))
            .map(|(id, _)| id.clone())
            .collect();
        for id in ids {
            let Some(mut call) = self.calls.remove(&id) else {
                continue;
            };
            if call.line.is_empty() {
                let text = "ghtok: the server was exchanged while this call was under way; whether it was done is unknown. Look before you call it again.";
                self.answer_failed(&call.method, &call.raw_id, text);
                continue;
            }
            if call.method == LISTEN {
                self.acknowledged.insert(id.clone());
            }
            call.server = new;
            self.out
                .push_back(Action::ToServer(new, Line::from(call.line.clone())));
            self.calls.insert(id, call);
        }
        let ids: Vec<Id> = self
            .asked
            .iter()
            .filter(|(_, asked)| lost(asked.server))
            .map(|(id, _)| id.clone())
            .collect();
        for id in ids {
            self.asked.remove(&id);
            self.cancel(&id);
        }
    }

    /// The client wants no answer any more; true if the server never had the request.
    pub(super) fn forget_call(&mut self, id: &Id) -> bool {
        // A late answer is passed on: the client knows what to make of it.
        self.calls.remove(id);
        let before = self.suspects.len();
        self.suspects.retain(|suspect| suspect.id != *id);
        before != self.suspects.len() || self.is_held_and_dropped(id) || self.stop_waiting_for(id)
    }

    /// Closes a dialog of the client that nobody needs any more.
    pub(super) fn cancel(&mut self, id: &Id) {
        let params = serde_json::json!({"requestId": id.as_text(), "reason": "no longer needed"});
        self.tell_client(messages::notification("notifications/cancelled", &params));
    }
}

/// The calls that a dialog may answer.
pub(super) fn may_ask(method: &str, era: Option<ProtocolRevision>) -> bool {
    match method {
        "tools/call" => true,
        "prompts/get" | "resources/read" => era == Some(ProtocolRevision::Modern),
        _ => false,
    }
}

/// True for what does the same when it is done twice.
fn may_repeat(method: &str) -> bool {
    method.ends_with("/list")
        || matches!(
            method,
            "ping"
                | "initialize"
                | "resources/read"
                | "prompts/get"
                | "completion/complete"
                | "logging/setLevel"
                | "resources/subscribe"
                | "resources/unsubscribe"
                | "server/discover"
                | LISTEN
        )
}
