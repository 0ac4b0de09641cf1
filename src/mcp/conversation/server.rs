//! What a server says, and what becomes of its calls when it is gone.

use std::time::Duration;

use serde_json::Value;

use super::{Action, Call, Conversation, Ended, Hold, LISTEN, Life, text_of};
use crate::formats::json_rpc::{self, Id, Kind, Message};
use crate::mcp::dialog::{self, Era};
use crate::mcp::line::Line;

/// What a call's text says when its token is dead: github-mcp-server's words, and server-github's.
const REFUSED: [&[u8]; 3] = [
    b"Bad credentials",
    b"Authentication Failed",
    b"Requires authentication",
];

/// An answer that is longer is no error's.
const LONGEST_ERROR: usize = 16 * 1024;

/// How long a server's own dialog counts as under way: its state may be sealed with the server's key.
const LONGEST_ROUND: Duration = Duration::from_secs(300);

impl Conversation {
    pub(super) fn server_said(&mut self, server: u32, line: Line) {
        if let Some(Hold::Replay(new, _)) = self.hold
            && server == new
        {
            return self.new_server_said(server, &line);
        }
        if Some(server) != self.active {
            return;
        }
        match json_rpc::read(&line) {
            json_rpc::Line::One(message) => match message.kind() {
                Some(Kind::Request) => {
                    let (id, bytes) = self.renamed(server, &message, &line);
                    self.asked
                        .insert(id, (server, message.raw_id(&line).to_owned()));
                    self.out.push_back(Action::ToClient(line.with(bytes)));
                }
                Some(Kind::Response) => {
                    let fate = self.fate(&message, &line);
                    self.answered(fate, line);
                }
                Some(Kind::Notification) => self.news(line),
                None => self.out.push_back(Action::ToClient(line)),
            },
            json_rpc::Line::Batch(all) => {
                for id in all.iter().filter_map(|one| one.id.clone()) {
                    self.calls.remove(&id);
                }
                self.out.push_back(Action::ToClient(line));
                self.drained();
            }
            json_rpc::Line::Noise => self.out.push_back(Action::Stray(server, line)),
        }
    }

    fn renamed(&mut self, server: u32, message: &Message<'_>, line: &[u8]) -> (Id, Vec<u8>) {
        self.dialogs += 1;
        let id = format!("ghtok:{server}:{}", self.dialogs);
        (Id::text(&id), message.with_id(line, &format!("\"{id}\"")))
    }

    /// What becomes of an answer; it is read once, however long it is.
    fn fate(&mut self, message: &Message<'_>, line: &[u8]) -> Fate {
        let Some(id) = message.id.clone() else {
            return Fate::Drop;
        };
        if self.swallowed.remove(&id) {
            return Fate::Drop;
        }
        // A late answer to a call that was cancelled: the client knows what to make of it.
        let Some(call) = self.calls.remove(&id) else {
            return Fate::Pass;
        };
        self.learn(&call, message);
        if self.may_be_refused(&call, message, line) {
            return Fate::Suspect(id, call);
        }
        Fate::Pass
    }

    fn answered(&mut self, fate: Fate, line: Line) {
        match fate {
            Fate::Drop => {}
            Fate::Pass => {
                self.out.push_back(Action::ToClient(line));
                self.drained();
            }
            Fate::Suspect(id, call) => {
                self.suspects.push((id, call, line));
                self.last_check = Some(self.now.mono);
                if self.hold.is_none() {
                    self.hold = Some(Hold::Check);
                    let generation = self.has.map_or(0, |has| has.generation);
                    self.out.push_back(Action::Check(generation));
                }
            }
        }
    }

    fn learn(&mut self, call: &Call, message: &Message<'_>) {
        match call.method.as_str() {
            "initialize" => {
                let result: Option<Value> = message.result_as();
                self.handshake.version =
                    result.and_then(|result| text_of(&result, "protocolVersion"));
            }
            "tools/list" => {
                let result: Value = message.result_as().unwrap_or_default();
                for tool in result
                    .get("tools")
                    .and_then(Value::as_array)
                    .into_iter()
                    .flatten()
                {
                    let hint =
                        tool.pointer("/annotations/readOnlyHint") == Some(&Value::Bool(true));
                    if let Some(name) = text_of(tool, "name").filter(|_| hint) {
                        self.read_only.insert(name);
                    }
                }
            }
            "tools/call" | "prompts/get" | "resources/read" if self.era == Some(Era::Modern) => {
                let asks = message.result.is_some_and(|result| {
                    let head = result.get().as_bytes();
                    find(head, b"\"input_required\"")
                });
                self.input_until = if asks {
                    self.now.mono + LONGEST_ROUND
                } else {
                    Duration::ZERO
                };
            }
            _ => {}
        }
    }

    /// A hint, no more: it is checked once against the API.
    fn may_be_refused(&self, call: &Call, message: &Message<'_>, line: &[u8]) -> bool {
        let rested = self
            .last_check
            .is_none_or(|last| self.now.mono >= last + self.settings.pace.checks);
        call.method == "tools/call"
            && self.has.is_some()
            && self.hold.is_none_or(|hold| matches!(hold, Hold::Check))
            && (rested || self.hold == Some(Hold::Check))
            && line.len() <= LONGEST_ERROR
            && REFUSED.iter().any(|words| find(line, words))
            && (message.error.is_some()
                || find(line, b"\"isError\":true")
                || find(line, b"\"isError\": true"))
    }

    fn news(&mut self, line: Line) {
        let json_rpc::Line::One(message) = json_rpc::read(&line) else {
            return;
        };
        let method = message.method.as_deref().unwrap_or_default();
        if method.ends_with("/list_changed")
            && let Some((until, seen)) = &mut self.settling
            && self.now.mono < *until
            && !seen.insert(method.to_owned())
        {
            return;
        }
        if method == "notifications/subscriptions/acknowledged" {
            let params: Value = message.params_as().unwrap_or_default();
            let id = params
                .pointer("/_meta/io.modelcontextprotocol~1subscriptionId")
                .map(Value::to_string);
            let id = id
                .and_then(|raw| serde_json::value::RawValue::from_string(raw).ok())
                .and_then(|raw| Id::of(&raw));
            if id.is_some_and(|id| self.swallowed.remove(&id)) {
                return;
            }
        }
        self.out.push_back(Action::ToClient(line));
    }

    pub(super) fn ended(&mut self, server: u32, ended: Ended) {
        if let Life::Closing(signal) = self.life {
            if Some(server) == self.active {
                let code = signal.map_or(ended.code, |n| 128 + n);
                self.out.push_back(Action::End(code));
            }
            return;
        }
        if let Some(Hold::Replay(new, _)) = self.hold
            && new == server
        {
            return self.replay_failed("ended");
        }
        if Some(server) == self.active {
            self.crashed(ended);
        }
    }

    fn crashed(&mut self, ended: Ended) {
        let (window, most) = self.settings.pace.crashes;
        let since = self.now.mono.saturating_sub(window);
        self.crashes.retain(|at| *at >= since);
        self.crashes.push_back(self.now.mono);
        self.active = None;
        let opening = self.calls.values().any(|call| call.method == "initialize");
        let hopeless = opening && self.has.is_none();
        if self.crashes.len() > most || hopeless || !self.used {
            return self.give_up(ended);
        }
        self.note(format!(
            "the server ended by itself (exit code {}); starting it again",
            ended.code
        ));
        self.hold = Some(Hold::Fetch(None));
        self.out.push_back(Action::Fetch);
    }

    /// No server is left, and none will be.
    pub(super) fn give_up(&mut self, ended: Ended) {
        self.life = Life::Over;
        let mut text = format!("the server ended by itself (exit code {})", ended.code);
        if let Some(trouble) = self.trouble.as_ref().filter(|_| self.has.is_none()) {
            text = format!("{text}, perhaps for want of a token: {}", trouble.text);
        }
        self.note(text.clone());
        for (_, call) in std::mem::take(&mut self.calls) {
            self.answer_failed(&call.method, &call.raw_id, &text);
        }
        self.release();
        self.end_waiting(&text);
        self.out.push_back(Action::End(ended.code.max(1)));
    }

    /// What was under way at a server that is no more in use.
    pub(super) fn resolve_lost(&mut self, old: u32) {
        let Some(new) = self.active else {
            return;
        };
        let lost: Vec<Id> = self
            .calls
            .iter()
            .filter(|(_, call)| call.server == old)
            .map(|(id, _)| id.clone())
            .collect();
        for id in lost {
            let call = self.calls.get_mut(&id).expect("just listed");
            if call.line.is_empty() {
                let call = self.calls.remove(&id).expect("just listed");
                let text = "ghtok: the server was exchanged while this call was under way; whether it was done is unknown. Look before you call it again.";
                self.answer_failed(&call.method, &call.raw_id, text);
                continue;
            }
            call.server = new;
            if call.method == LISTEN {
                self.swallowed.insert(id.clone());
            }
            let line = Line::from(call.line.clone());
            self.out.push_back(Action::ToServer(new, line));
        }
        let gone: Vec<Id> = self
            .asked
            .iter()
            .filter(|(_, (server, _))| *server == old)
            .map(|(id, _)| id.clone())
            .collect();
        for id in gone {
            self.asked.remove(&id);
            self.cancel(&id);
        }
    }

    /// Closes a dialog that nobody needs any more.
    pub(super) fn cancel(&mut self, id: &Id) {
        let params = serde_json::json!({"requestId": id.as_text(), "reason": "no longer needed"});
        self.tell_client(dialog::notification("notifications/cancelled", &params));
    }
}

/// What becomes of a server's answer.
enum Fate {
    /// The client gets it.
    Pass,
    /// It was ours.
    Drop,
    /// It says that the token is dead: held until that is known.
    Suspect(Id, Call),
}

pub(super) fn find(text: &[u8], words: &[u8]) -> bool {
    text.windows(words.len()).any(|part| part == words)
}
