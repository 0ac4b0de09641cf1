//! Renewal without a seam: hold, drain, fetch, start, tell the new server what the old one knew, switch,
//! release.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::{Value, json};

use super::calls::Suspect;
use super::server::Agreed;
use super::starting::{StartFailure, initialize_id};
use super::{Action, Conversation, Exchange, Hold, Remedy, Restarts, Then, TokenError, TokenInfo};
use crate::formats::json_rpc::{self, Id, Kind};
use crate::mcp::line::Line;
use crate::mcp::messages::{self, ProtocolRevision};

/// The longest pause between two fetches after failures.
const LONGEST_BACKOFF: Duration = Duration::from_secs(60);

impl Conversation {
    /// True if the server's token is due, or somebody has another one.
    pub(super) fn needs_renewal(&self) -> bool {
        let has = self.has.map_or(0, |news| news.generation);
        if !self.may_exchange() {
            return false;
        }
        let others = self.told.is_some_and(|told| told.generation > has);
        if others && self.told != self.looked_at {
            return true;
        }
        let due = self.has.and_then(|news| news.due_at);
        due.is_some_and(|due| self.now.wall >= due) && self.now.mono >= self.retry_at
    }

    /// True if there is a token that the server in use does not have.
    pub(super) fn has_another(&self) -> bool {
        let generation = |news: Option<TokenInfo>| news.map(|news| news.generation);
        self.latest.is_some() && generation(self.latest) != generation(self.has)
    }

    pub(super) fn may_exchange(&self) -> bool {
        let kept = self.settings.restarts == Restarts::Never && self.has.is_some();
        self.active.is_some()
            && !kept
            && match self.exchange {
                Exchange::Free => true,
                Exchange::Stuck(_) => false,
            }
    }

    /// Lets what is under way end, then goes on. An exchange drains once, however many steps it has.
    pub(super) fn begin_drain(&mut self, then: Then) {
        let margin = self.settings.pace.margin;
        let life = self.has.and_then(|news| news.expires_at);
        let safe = life.map_or(self.settings.max_drain, |end| {
            let left = self.now.wall.until(end);
            // A short life has a short margin.
            left.saturating_sub(margin.min(left / 2))
        });
        let until = self.now.mono + self.settings.max_drain.min(safe);
        self.drain_until.get_or_insert(until);
        self.hold = Some(Hold::Drain(then));
        self.drained();
    }

    /// Goes on if nothing is under way any more.
    pub(super) fn drained(&mut self) {
        let Some(Hold::Drain(then)) = self.hold else {
            return;
        };
        let over = self.drain_until.is_none_or(|until| self.now.mono >= until);
        if self.is_busy() && !over {
            return;
        }
        match then {
            Then::Fetch => self.fetch(None),
            Then::Start => self.start(),
        }
    }

    /// Has a token fetched, unless one is awaited already.
    pub(super) fn fetch(&mut self, until: Option<Duration>) {
        self.hold = Some(Hold::Fetch(until));
        if !self.token_awaited {
            self.token_awaited = true;
            self.out.push_back(Action::Fetch);
        }
    }

    pub(super) fn token(&mut self, result: Result<TokenInfo, TokenError>) {
        self.token_awaited = false;
        self.looked_at = self.told;
        let checked = self.hold == Some(Hold::Check);
        let waited = matches!(self.hold, Some(Hold::Fetch(_) | Hold::Check));
        match result {
            Ok(news) => {
                self.step(|_| format!("token of generation {}", news.generation));
                self.trouble = None;
                self.backoff = self.settings.pace.backoff;
                self.retry_at = self.now.mono + self.backoff;
                self.latest = Some(news);
                if !self.has_another() {
                    self.has = Some(news);
                }
            }
            Err(trouble) => {
                self.step(|_| format!("no token: {}", trouble.text));
                self.retry_at = self.now.mono + self.backoff;
                self.backoff = (self.backoff * 2).min(LONGEST_BACKOFF);
                if checked && trouble.remedy == Remedy::SignIn {
                    self.has = None;
                    self.latest = None;
                }
                self.trouble = Some(trouble);
            }
        }
        if !waited {
            // It came late; whatever goes on now ends first.
        } else if self.active.is_none() {
            self.start();
        } else if self.has_another() && self.may_exchange() {
            self.begin_drain(Then::Start);
        } else {
            self.clear_suspects();
            self.release();
        }
        self.ask_at_once();
    }

    pub(super) fn new_server_said(&mut self, server: u32, line: &Line) {
        let json_rpc::Line::One(message) = json_rpc::read(line) else {
            return;
        };
        if message.kind() == Some(Kind::Request) {
            // It may ping before the handshake is done.
            if message.method.as_deref() == Some("ping") {
                let pong = Line::own(messages::response(message.raw_id(line), &json!({})));
                self.out.push_back(Action::ToServer(server, pong));
            }
            return;
        }
        if message.id != Some(Id::text(&initialize_id(server))) {
            return;
        }
        let agreed = message
            .result_as()
            .map(|agreed: Agreed| agreed.protocol_version);
        let has_agreed = agreed.is_some() && agreed == self.handshake.version;
        if self.era == Some(ProtocolRevision::Legacy) && !has_agreed {
            self.stop(server);
            return self.start_failed(StartFailure::OtherRevision);
        }
        self.measure_start();
        self.tell_again(server);
        self.switch_to(server);
    }

    /// What the old server knew.
    fn tell_again(&mut self, server: u32) {
        let mut lines = Vec::new();
        if self.handshake.initialized {
            lines.push(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#.to_owned());
        }
        let level = self
            .handshake
            .log_level
            .iter()
            .map(|params| ("logging/setLevel", params));
        let subscribed = self.handshake.subscriptions.values();
        let subscribed = subscribed.map(|params| ("resources/subscribe", params));
        for (at, (method, params)) in level.chain(subscribed).enumerate() {
            let id = format!("ghtok:again:{server}:{at}");
            lines.push(format!(
                "{{\"jsonrpc\":\"2.0\",\"id\":\"{id}\",\"method\":\"{method}\",\"params\":{params}}}"
            ));
            self.swallowed.insert(Id::text(&id));
        }
        for line in lines {
            self.out
                .push_back(Action::ToServer(server, Line::own(line.into_bytes())));
        }
    }

    pub(super) fn switch_to(&mut self, server: u32) {
        let old = self.active.replace(server);
        self.has = self.starting.take();
        self.hold = None;
        self.used = old.is_none() && self.used;
        self.exchange = Exchange::Free;
        self.begun.forget();
        if server > 1 {
            let until = self.now.mono + self.settings.pace.settling;
            self.settling = Some((until, HashSet::new()));
            self.step(|_| format!("server {server} is in use"));
        }
        self.resolve_lost();
        self.resolve_suspects();
        let waiting = std::mem::take(&mut self.waiting);
        for one in waiting.into_iter().rev() {
            self.held.push_front(one.line);
        }
        if self.has.is_some() {
            self.end_sign_in();
        }
        if let Some(old) = old {
            self.stop(old);
        }
        self.release();
    }

    /// A 401 whose token turned out to be good was the server's own affair.
    pub(super) fn clear_suspects(&mut self) {
        for suspect in std::mem::take(&mut self.suspects) {
            self.out.push_back(Action::ToClient(suspect.answer));
        }
    }

    /// A 401 whose token was dead: the call is made again where that does no harm.
    fn resolve_suspects(&mut self) {
        let Some(new) = self.active else {
            return;
        };
        for Suspect {
            id,
            mut call,
            answer,
        } in std::mem::take(&mut self.suspects)
        {
            if call.line.is_empty() {
                let advice = "ghtok: the token had been refused; there is a fresh one now. Call the tool again.";
                let told = with_advice(&answer, advice).map_or(answer, Line::own);
                self.out.push_back(Action::ToClient(told));
                continue;
            }
            let again = Line::from(call.line.clone());
            call.server = new;
            self.calls.insert(id, call);
            self.out.push_back(Action::ToServer(new, again));
        }
    }
}

/// The result with one more text.
fn with_advice(line: &[u8], advice: &str) -> Option<Vec<u8>> {
    let mut message: Value = serde_json::from_slice(line).ok()?;
    let content = message.pointer_mut("/result/content")?.as_array_mut()?;
    content.push(json!({"type": "text", "text": advice}));
    serde_json::to_vec(&message).ok()
}
