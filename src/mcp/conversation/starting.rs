//! Starting a server in the place of another. Usually both run for a moment; of some servers only one may,
//! and the old one is stopped first.

use std::time::Duration;

use super::{Action, Conversation, Ended, Exchange, Handshake, Hold, Instances};
use serde_json::json;

use crate::mcp::line::Line;
use crate::mcp::messages::ProtocolRevision;

/// A new server may take so many times as long as the slowest one before it.
const TIMES_SLOWER: u32 = 3;

/// Why a new server is of no use.
#[derive(Clone, Copy, Debug)]
pub(super) enum StartFailure {
    /// It ended before its handshake was done.
    Ended(Ended),
    /// It did not answer within this time.
    Timeout(Duration),
    /// It does not speak the protocol revision of this conversation.
    OtherRevision,
}

impl Conversation {
    /// Has a new server started with the newest token; where only one may run, once no other is left.
    pub(super) fn start(&mut self) {
        if self.instances == Instances::One {
            if let Some(old) = self.active {
                self.stop(old);
            }
            if !self.ending.is_empty() {
                self.hold = Some(Hold::Stop);
                return;
            }
        }
        self.start_now();
    }

    /// The new server is told first what the old one knew.
    fn start_now(&mut self) {
        self.next_server += 1;
        let server = self.next_server;
        self.started = self.now.mono;
        self.starting = self.latest;
        let generation = self.starting.map(|news| news.generation);
        self.step(|_| format!("starting server {server}"));
        self.out.push_back(Action::Start(server, generation));
        let Some((method, params)) = self.opening() else {
            return self.switch_to(server);
        };
        let line = format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":\"{}\",\"method\":\"{method}\",\"params\":{params}}}",
            initialize_id(server)
        );
        self.hold = Some(Hold::Replay(server, self.now.mono + self.start_limit()));
        self.out
            .push_back(Action::ToServer(server, Line::own(line.into_bytes())));
    }

    /// The first request to a new server. Without a handshake (revision 2026-07-28) any answer shows that
    /// it runs.
    fn opening(&self) -> Option<(&'static str, String)> {
        let Handshake {
            params,
            version,
            meta,
            ..
        } = &self.handshake;
        match (self.era?, params, version, meta) {
            (ProtocolRevision::Legacy, Some(params), Some(_), _) => {
                Some(("initialize", params.clone()))
            }
            (ProtocolRevision::Modern, _, _, Some(meta)) if self.started_before() => {
                Some(("server/discover", json!({"_meta": meta}).to_string()))
            }
            _ => None,
        }
    }

    fn started_before(&self) -> bool {
        self.next_server > 1
    }

    /// A server that was slow the first time is so the next time.
    fn start_limit(&self) -> Duration {
        let times_slower = self.slowest_start.saturating_mul(TIMES_SLOWER);
        times_slower.max(self.settings.start_timeout)
    }

    /// A server has answered for the first time.
    pub(super) fn measure_start(&mut self) {
        let took = self.now.mono.saturating_sub(self.started);
        self.slowest_start = self.slowest_start.max(took);
    }

    pub(super) fn stop(&mut self, server: u32) {
        self.ending.insert(server);
        self.out.push_back(Action::Stop(server));
    }

    /// Nothing is left of a server.
    pub(super) fn gone(&mut self, server: u32) {
        self.ending.remove(&server);
        if self.hold == Some(Hold::Stop) && self.ending.is_empty() {
            self.start_now();
        }
    }

    /// A new server did not answer in time.
    pub(super) fn start_timed_out(&mut self, server: u32) {
        if self.era == Some(ProtocolRevision::Modern) {
            // It may wait for the end of the old one; or it does not know the request.
            return self.switch_to(server);
        }
        self.stop(server);
        self.start_failed(StartFailure::Timeout(self.start_limit()));
    }

    /// It is tried once more, alone. The old one is not used again: its token was replaced.
    pub(super) fn start_failed(&mut self, failure: StartFailure) {
        self.hold = None;
        self.starting = None;
        let (why, ended) = match failure {
            StartFailure::Ended(ended) => {
                (format!("ended at once (exit code {})", ended.code), ended)
            }
            StartFailure::Timeout(limit) => (
                format!("did not answer within {} s", limit.as_secs()),
                Ended { code: 1 },
            ),
            StartFailure::OtherRevision => return self.keep_the_old_one(),
        };
        if self.instances == Instances::Several && self.active.is_some() {
            self.note(format!(
                "the new server {why}; stopping the old one first, in case that only one can run"
            ));
            self.instances = Instances::One;
            return self.start();
        }
        self.note(format!("the new server {why}"));
        self.crashed(ended);
    }

    /// Its lists go on; calls that need a token are told why there is none.
    fn keep_the_old_one(&mut self) {
        self.note("the new server does not speak the protocol revision of this conversation");
        self.exchange = Exchange::Stuck(self.now.mono + self.settings.pace.backoff);
        self.clear_suspects();
        self.end_waiting(OTHER_REVISION);
        self.release();
    }
}

/// What a call is told that a server with another revision cannot serve.
pub(super) const OTHER_REVISION: &str = "ghtok: the server's token is no longer valid, and the new server does not speak the protocol revision of this conversation. Restart the server in your MCP client.";

pub(super) fn initialize_id(server: u32) -> String {
    format!("ghtok:initialize:{server}")
}
