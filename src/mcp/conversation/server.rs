//! What a server says, and its end.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::begun::Shape;
use super::calls::{Call, Suspect};
use super::client::Cancelled;
use super::starting::StartFailure;
use super::{Action, Asked, Conversation, Ended, Hold, Life, Then};
use crate::formats::json_rpc::{self, Id, Kind, Message};
use crate::mcp::line::Line;
use crate::mcp::messages::ProtocolRevision;

/// What a call's text says when its token is dead: github-mcp-server's words, and server-github's.
const REFUSED: [&[u8]; 3] = [
    b"Bad credentials",
    b"Authentication Failed",
    b"Requires authentication",
];

/// An answer that is longer is no error's.
const LONGEST_ERROR: usize = 16 * 1024;

/// What becomes of a server's line.
enum Fate {
    /// The client gets it.
    Pass,
    /// It does so in other words.
    PassAs(Vec<u8>),
    /// It was ours, or is of no use.
    Drop,
    /// It says that the token is dead: held until that is known.
    Suspect(Id, Call),
}

/// What a handshake ends with.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Agreed {
    pub(super) protocol_version: String,
}

#[derive(Deserialize)]
struct Tools {
    tools: Vec<Tool>,
}

#[derive(Deserialize)]
struct Tool {
    name: String,
    annotations: Option<Annotations>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Annotations {
    read_only_hint: Option<bool>,
}

/// Which subscription a notification is of.
#[derive(Deserialize)]
struct OfSubscription<'a> {
    #[serde(borrow, rename = "_meta")]
    meta: SubscriptionMeta<'a>,
}

#[derive(Deserialize)]
struct SubscriptionMeta<'a> {
    #[serde(borrow, rename = "io.modelcontextprotocol/subscriptionId")]
    id: &'a RawValue,
}

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
        let fate = match json_rpc::read(&line) {
            json_rpc::Line::One(message) => match message.kind() {
                Some(Kind::Request) => {
                    let id = self.renamed(server, &message, &line);
                    Fate::PassAs(message.with_id(&line, &id))
                }
                Some(Kind::Response) => self.fate_of_answer(&message, &line),
                Some(Kind::Notification) => self.fate_of_news(server, &message, &line),
                None => Fate::Pass,
            },
            json_rpc::Line::Batch(all) => {
                let bytes = self.server_said_several(server, &all, &line);
                bytes.map_or(Fate::Pass, Fate::PassAs)
            }
            json_rpc::Line::Noise => return self.out.push_back(Action::Unparsed(server, line)),
        };
        match fate {
            Fate::Drop => {}
            Fate::Pass => self.out.push_back(Action::ToClient(line)),
            Fate::PassAs(bytes) => self.out.push_back(Action::ToClient(line.with(bytes))),
            Fate::Suspect(id, call) => {
                self.suspects.push(Suspect {
                    id,
                    call,
                    answer: line,
                });
                if self.hold.is_none() {
                    self.last_check = Some(self.now.mono);
                    self.hold = Some(Hold::Check);
                    self.token_awaited = true;
                    let generation = self.has.map_or(0, |has| has.generation);
                    self.out.push_back(Action::Check(generation));
                }
            }
        }
    }

    /// An id that no other server's request has, as it is written in JSON.
    pub(super) fn renamed(&mut self, server: u32, message: &Message<'_>, line: &[u8]) -> String {
        self.next_asked += 1;
        let id = format!("ghtok:{server}:{}", self.next_asked);
        let asked = Asked {
            server,
            raw_id: message.raw_id(line).to_owned(),
            method: message.method.as_deref().unwrap_or_default().to_owned(),
            since: self.now.mono,
        };
        self.asked.insert(Id::text(&id), asked);
        format!("\"{id}\"")
    }

    /// What becomes of an answer; it is read once, however long it is.
    fn fate_of_answer(&mut self, message: &Message<'_>, line: &[u8]) -> Fate {
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
        self.acknowledged.remove(&id);
        if self.slowest_start.is_zero() {
            self.measure_start();
        }
        self.step(|this| format!("{} {}{}", call.method, call.raw_id, this.took(call.since)));
        self.learn(&call, message);
        if self.may_be_refused(&call, message, line) {
            return Fate::Suspect(id, call);
        }
        Fate::Pass
    }

    fn learn(&mut self, call: &Call, message: &Message<'_>) {
        match call.method.as_str() {
            "initialize" => {
                let agreed: Option<Agreed> = message.result_as();
                self.handshake.version = agreed.map(|agreed| agreed.protocol_version);
            }
            "tools/list" => {
                let list: Option<Tools> = message.result_as();
                let tools = list.into_iter().flat_map(|list| list.tools);
                let hinted = |tool: &Tool| {
                    let hints = tool.annotations.as_ref();
                    hints.and_then(|hints| hints.read_only_hint) == Some(true)
                };
                self.read_only
                    .extend(tools.filter(hinted).map(|tool| tool.name));
            }
            _ => {}
        }
        if !call.may_begin {
            return;
        }
        if let Some(shape) = message.result_as::<Shape>() {
            self.begun.hear(shape, self.now.mono);
        }
        let over = message.error.is_some() || call.method == "tasks/result";
        if let Some(task) = call.task.as_ref().filter(|_| over) {
            self.begun.closed(task);
        }
    }

    /// A hint, no more: it is checked once against the API.
    fn may_be_refused(&self, call: &Call, message: &Message<'_>, line: &[u8]) -> bool {
        let rested = self
            .last_check
            .is_none_or(|last| self.now.mono >= last + self.settings.pace.checks);
        let may_check = match self.hold {
            None => rested && !self.token_awaited,
            // Its fate is that of the others.
            Some(Hold::Check) => true,
            Some(Hold::Drain(Then::Start)) => !self.suspects.is_empty(),
            Some(_) => false,
        };
        call.method == "tools/call"
            && self.has.is_some()
            && may_check
            && line.len() <= LONGEST_ERROR
            && REFUSED.iter().any(|words| find(line, words))
            && (message.error.is_some()
                || find(line, b"\"isError\":true")
                || find(line, b"\"isError\": true"))
    }

    fn fate_of_news(&mut self, server: u32, message: &Message<'_>, line: &[u8]) -> Fate {
        let method = message.method.as_deref().unwrap_or_default();
        if method.ends_with("/list_changed")
            && let Some((until, seen)) = &mut self.settling
            && self.now.mono < *until
            && !seen.insert(method.to_owned())
        {
            return Fate::Drop;
        }
        match method {
            "notifications/subscriptions/acknowledged" => {
                let of: Option<OfSubscription<'_>> = message.params_as();
                let id = of.and_then(|of| Id::of(of.meta.id));
                if id.is_some_and(|id| self.acknowledged.remove(&id)) {
                    return Fate::Drop;
                }
            }
            "notifications/tasks/status" => {
                if let Some(shape) = message.params_as::<Shape>() {
                    self.begun.hear(shape, self.now.mono);
                }
            }
            "notifications/cancelled" if self.era != Some(ProtocolRevision::Modern) => {
                return self.fate_of_cancellation(server, message, line);
            }
            _ => {}
        }
        Fate::Pass
    }

    /// The client knows a server's request by our id only.
    fn fate_of_cancellation(&mut self, server: u32, message: &Message<'_>, line: &[u8]) -> Fate {
        let params = message.params.map(RawValue::get).unwrap_or_default();
        let Some(cancelled) = message
            .params_as::<Cancelled<'_>>()
            .and_then(|one| one.id())
        else {
            return Fate::Pass;
        };
        let known = self.asked.iter().find(|(_, asked)| {
            let raw = RawValue::from_string(asked.raw_id.clone()).ok();
            asked.server == server && raw.and_then(|raw| Id::of(&raw)).as_ref() == Some(&cancelled)
        });
        let Some(id) = known.map(|(id, _)| id.clone()) else {
            return Fate::Drop;
        };
        self.asked.remove(&id);
        let Ok(mut members) = serde_json::from_str::<json_rpc::Members<'_>>(params) else {
            return Fate::Drop;
        };
        let written = format!("\"{}\"", id.as_text());
        members.set("requestId", &written);
        Fate::PassAs(message.with_params(line, &members.to_string()))
    }

    pub(super) fn ended(&mut self, server: u32, ended: Ended) {
        if let Life::Closing(signal) = self.life {
            if Some(server) == self.active {
                let code = signal.map_or(ended.code, |n| 128 + n);
                self.out.push_back(Action::Exit(code));
            }
            return;
        }
        if let Some(Hold::Replay(new, _)) = self.hold
            && new == server
        {
            self.ending.insert(server);
            return self.start_failed(StartFailure::Ended(ended));
        }
        if Some(server) == self.active {
            self.ending.insert(server);
            self.active = None;
            self.begun.forget();
            if self.hold != Some(Hold::Stop) {
                self.crashed(ended);
            }
        }
    }

    /// Starts another, unless that has been done too often.
    pub(super) fn crashed(&mut self, ended: Ended) {
        let (window, most) = self.settings.pace.crashes;
        let since = self.now.mono.saturating_sub(window);
        self.crashes.retain(|at| *at >= since);
        self.crashes.push_back(self.now.mono);
        let opening = self.calls.values().any(|call| call.method == "initialize");
        let hopeless = opening && self.has.is_none();
        if self.crashes.len() > most || hopeless || self.era.is_none() {
            return self.give_up(ended);
        }
        self.note(format!(
            "the server ended by itself (exit code {}); starting it again",
            ended.code
        ));
        if !matches!(self.hold, Some(Hold::Replay(..))) {
            self.fetch(None);
        }
    }

    /// No server is left, and none will be.
    pub(super) fn give_up(&mut self, ended: Ended) {
        self.life = Life::Over;
        let mut text = format!("the server ended by itself (exit code {})", ended.code);
        if let Some(trouble) = self.trouble.as_ref().filter(|_| self.has.is_none()) {
            text = format!("{text}, perhaps for want of a token: {}", trouble.text);
        }
        self.note(text.clone());
        self.clear_suspects();
        for (_, call) in std::mem::take(&mut self.calls) {
            self.answer_failed(&call.method, &call.raw_id, &text);
        }
        self.release();
        self.end_waiting(&text);
        self.out.push_back(Action::Exit(ended.code.max(1)));
    }
}

fn find(text: &[u8], words: &[u8]) -> bool {
    text.windows(words.len()).any(|part| part == words)
}
