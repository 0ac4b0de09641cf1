//! Renewal without a seam: hold, drain, fetch, start, tell the new server what the old one knew, switch,
//! release.

use serde_json::{Value, json};

use super::{
    Action, Conversation, Cure, Ended, Exchange, Handshake, Hold, News, Restarts, Then, Trouble, text_of,
};
use crate::formats::json_rpc::{self, Id, Kind};
use crate::mcp::dialog::{self, Era};
use crate::mcp::line::Line;

/// The longest pause between two fetches after failures.
const LONGEST_BACKOFF: std::time::Duration = std::time::Duration::from_secs(60);

impl Conversation {
    /// True if the server's token is due, or somebody has a newer one.
    pub(super) fn needs_renewal(&self) -> bool {
        if self.active.is_none() || self.exchange == Exchange::Stuck && !self.lacks_token() {
            return false;
        }
        let has = self.has.map_or(0, |news| news.generation);
        if has > 0 && self.settings.restarts == Restarts::Never {
            return false;
        }
        let newer = self.told.is_some_and(|told| told.generation > has);
        if newer && self.told != self.looked_at {
            return true;
        }
        let due = self.has.and_then(|news| news.due_at);
        due.is_some_and(|due| self.now.wall >= due) && self.now.mono >= self.retry_at
    }

    pub(super) fn begin_renewal(&mut self) {
        self.begin_drain(Then::Fetch);
    }

    pub(super) fn begin_drain(&mut self, then: Then) {
        let margin = self.settings.pace.margin;
        let life = self.has.and_then(|news| news.expires_at);
        let safe = life.map_or(self.settings.max_drain, |end| {
            let left = self.now.wall.until(end);
            // A short life has a short margin.
            left.saturating_sub(margin.min(left / 2))
        });
        let until = self.now.mono + self.settings.max_drain.min(safe);
        self.hold = Some(Hold::Drain(until, then));
        self.drained();
    }

    /// Goes on if nothing is under way any more.
    pub(super) fn drained(&mut self) {
        let Some(Hold::Drain(until, then)) = self.hold else {
            return;
        };
        if self.is_busy() && self.now.mono < until {
            return;
        }
        match then {
            Then::Fetch => {
                self.hold = Some(Hold::Fetch(None));
                self.out.push_back(Action::Fetch);
            }
            Then::Start => self.start(),
        }
    }

    pub(super) fn token(&mut self, result: Result<News, Trouble>) {
        self.looked_at = self.told;
        let checked = self.hold == Some(Hold::Check);
        match result {
            Ok(news) => {
                self.trouble = None;
                self.backoff = self.settings.pace.backoff;
                self.retry_at = self.now.mono + self.backoff;
                let same = self
                    .has
                    .is_some_and(|has| has.generation == news.generation);
                self.latest = Some(news);
                if same && self.active.is_some() {
                    self.has = Some(news);
                    self.clear_suspects();
                    self.release();
                } else if matches!(self.hold, Some(Hold::Fetch(_) | Hold::Check)) {
                    self.start();
                } else if self.hold.is_none() {
                    // It came after a server had been started without it.
                    self.begin_drain(Then::Start);
                }
            }
            Err(trouble) => {
                self.retry_at = self.now.mono + self.backoff;
                self.backoff = (self.backoff * 2).min(LONGEST_BACKOFF);
                if checked && trouble.cure == Cure::SignIn {
                    self.has = None;
                }
                self.trouble = Some(trouble);
                self.latest = self.has;
                if self.active.is_none() && self.hold.is_some() {
                    self.start();
                } else {
                    self.clear_suspects();
                    self.release();
                }
            }
        }
    }

    /// Starts a server with the newest token; it is told first what the old one knew.
    pub(super) fn start(&mut self) {
        self.next_server += 1;
        let server = self.next_server;
        self.out.push_back(Action::Start(
            server,
            self.latest.map(|news| news.generation),
        ));
        let Handshake {
            params: Some(params),
            version: Some(_),
            ..
        } = &self.handshake
        else {
            return self.switch_to(server);
        };
        if self.era == Some(Era::Modern) {
            return self.switch_to(server);
        }
        let line = format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":\"{}\",\"method\":\"initialize\",\"params\":{params}}}",
            initialize_id(server)
        );
        self.hold = Some(Hold::Replay(
            server,
            self.now.mono + self.settings.pace.replay,
        ));
        self.out
            .push_back(Action::ToServer(server, Line::own(line.into_bytes())));
    }

    pub(super) fn new_server_said(&mut self, server: u32, line: &Line) {
        let json_rpc::Line::One(message) = json_rpc::read(line) else {
            return;
        };
        if message.kind() == Some(Kind::Request) {
            // It may ping before the handshake is done.
            if message.method.as_deref() == Some("ping") {
                let pong = Line::own(dialog::response(message.raw_id(line), &json!({})));
                self.out.push_back(Action::ToServer(server, pong));
            }
            return;
        }
        if message.id != Some(Id::text(&initialize_id(server))) {
            return;
        }
        let result: Value = message.result_as().unwrap_or_default();
        if text_of(&result, "protocolVersion") != self.handshake.version {
            self.out.push_back(Action::Stop(server));
            return self.replay_failed("speaks another version now");
        }
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

    fn switch_to(&mut self, server: u32) {
        let old = self.active.replace(server);
        self.has = self.latest;
        self.hold = None;
        self.used = old.is_none() && self.used;
        self.exchange = Exchange::Free;
        if server > 1 {
            let until = self.now.mono + self.settings.pace.settling;
            self.settling = Some((until, std::collections::HashSet::new()));
        }
        for gone in 1..server {
            self.resolve_lost(gone);
        }
        self.resolve_suspects();
        let waiting = std::mem::take(&mut self.waiting);
        for one in waiting.into_iter().rev() {
            self.held.push_front(one.line);
        }
        if let Some(old) = old {
            self.out.push_back(Action::Stop(old));
        }
        self.release();
    }

    pub(super) fn replay_failed(&mut self, why: &str) {
        self.note(format!(
            "the server with the fresh token {why}; going on with the old one while its token lives"
        ));
        self.exchange = Exchange::Stuck;
        if self.active.is_some() && !self.lacks_token() {
            self.clear_suspects();
            return self.release();
        }
        self.give_up(Ended { code: 1 });
    }

    /// A 401 whose token turned out to be good was the server's own affair.
    fn clear_suspects(&mut self) {
        for (_, _, line) in std::mem::take(&mut self.suspects) {
            self.out.push_back(Action::ToClient(line));
        }
    }

    /// A 401 whose token was dead: the call is made again where that does no harm.
    fn resolve_suspects(&mut self) {
        let Some(new) = self.active else {
            return;
        };
        for (id, mut call, line) in std::mem::take(&mut self.suspects) {
            if call.line.is_empty() {
                let advice = "ghtok: the token had been refused; there is a fresh one now. Call the tool again.";
                let told = with_advice(&line, advice).map_or(line, Line::own);
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

fn initialize_id(server: u32) -> String {
    format!("ghtok:initialize:{server}")
}

/// The result with one more text.
fn with_advice(line: &[u8], advice: &str) -> Option<Vec<u8>> {
    let mut message: Value = serde_json::from_slice(line).ok()?;
    let content = message.pointer_mut("/result/content")?.as_array_mut()?;
    content.push(json!({"type": "text", "text": advice}));
    serde_json::to_vec(&message).ok()
}
