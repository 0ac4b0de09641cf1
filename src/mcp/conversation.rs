//! What the wrapper does about everything that happens. Pure: events in, actions out.
//!
//! Each part decides about one thing and returns what follows: the [`Handshake`], the server in use and
//! its replacement ([`ServerSwitch`]), the token ([`TokenWatch`]), the sign-in ([`SignIn`]), and the
//! [`PendingRequests`]. Only [`Conversation`] knows all of them.

mod client_lines;
mod dialog_result;
mod events;
mod handshake;
mod held_call;
mod list_changes;
mod message_parts;
mod pending_call;
mod pending_requests;
mod remote_calls;
mod remote_session;
mod replacement;
mod request_states;
mod returned_call;
mod server_lines;
mod server_switch;
mod settings;
mod sign_in;
mod token_results;
mod token_watch;
mod unfinished_work;

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::json;

use self::client_lines::Route;
pub use self::events::{
    Action, Ended, Event, Now, Remedy, SavedGeneration, TokenError, TokenInfo, Unanswered,
};
use self::handshake::{Handshake, ReplayReply};
pub(crate) use self::message_parts::cancelled_id;
pub(crate) use self::pending_call::is_repeatable;
use self::pending_requests::PendingRequests;
use self::remote_calls::RemoteCalls;
use self::server_lines::Delivery;
use self::server_switch::{AfterDrain, Exited, Flow, NextStep, ServerSwitch, StartFailure};
pub use self::settings::{Asking, Restarts, Settings, Timing};
use self::sign_in::SignIn;
use self::token_watch::TokenWatch;
use crate::formats::json_rpc;
use crate::mcp::line::Line;
use crate::mcp::messages;

/// A conversation between the client and its servers, of which one at a time is in use.
pub struct Conversation {
    settings: Settings,
    now: Now,
    actions: VecDeque<Action>,
    handshake: Handshake,
    servers: ServerSwitch,
    tokens: TokenWatch,
    sign_in: SignIn,
    pending: PendingRequests,
    remote: RemoteCalls,
    /// The client's lines that wait for a server.
    held: VecDeque<Line>,
    life: Life,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Running,
    /// The client has closed its end. What it sent before is served until then.
    LastRequests(Duration),
    /// The client, or a signal of this number, ends the conversation.
    Closing(Option<u8>),
    /// No server is left: the conversation ends with this exit code.
    Ending(u8),
    Over,
}

impl Conversation {
    /// A token is fetched first, then the server starts.
    pub fn begin(settings: Settings, now: Now) -> Self {
        let mut tokens = TokenWatch::new(&settings.timing);
        Self {
            actions: tokens.fetch().into_iter().collect(),
            handshake: Handshake::default(),
            servers: ServerSwitch::new(&settings, now),
            tokens,
            sign_in: SignIn::new(&settings),
            pending: PendingRequests::default(),
            remote: RemoteCalls::default(),
            held: VecDeque::new(),
            life: Life::Running,
            settings,
            now,
        }
    }

    /// Handles an event.
    pub fn on(&mut self, event: Event, now: Now) {
        self.now = now;
        match event {
            Event::Client(line, saved) => {
                self.tokens.saved(saved);
                self.client_line(line);
            }
            Event::Close(signal) => self.close(signal),
            Event::Server(server, line) => self.server_line(server, line),
            Event::Failed(server, line, failure) => self.request_failed(server, line, failure),
            Event::SessionLost(server) => self.session_lost(server),
            Event::NotStarted(server, reason) => self.not_started(server, reason),
            Event::Ended(server, ended) => self.exited(server, ended.code),
            Event::Gone(server) => self.servers.gone(server),
            Event::Token(result) => self.token(result),
            Event::UserCode(flow, code) => {
                let actions = self.sign_in.code(flow, code, &self.handshake, now);
                self.actions.extend(actions);
            }
            Event::SignedIn(flow, result) => self.signed_in(flow, result),
            Event::Tick => {}
        }
        self.advance();
    }

    /// The next action to perform.
    pub fn next_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When [`Event::Tick`] is wanted, if nothing else happens before; as a monotonic time.
    pub fn next_tick(&self) -> Option<Duration> {
        let close_at = match self.life {
            Life::Running => None,
            Life::LastRequests(until) => Some(until),
            Life::Closing(_) | Life::Ending(_) | Life::Over => return None,
        };
        let times = [
            self.servers.next_timer(self.now),
            self.sign_in.next_timer(),
            close_at,
        ];
        times.into_iter().flatten().min()
    }

    /// Does what has become possible or due.
    fn advance(&mut self) {
        self.advance_session();
        self.release();
        while matches!(self.life, Life::Running | Life::LastRequests(_)) {
            let is_busy = self.pending.is_busy(self.servers.number(), self.now.mono);
            self.plan_replacement(is_busy);
            match self.servers.next_step(is_busy, self.now) {
                Some(NextStep::FetchToken) => {
                    self.servers.await_token(false);
                    self.actions.extend(self.tokens.fetch());
                }
                Some(NextStep::Start) => self.start(),
                Some(NextStep::StartTimedOut(limit)) => self.start_timed_out(limit),
                None => break,
            }
            self.release();
        }
        match self.life {
            Life::LastRequests(until)
                if self.now.mono >= until
                    || self.servers.has_started() && !self.owes_responses() =>
            {
                self.end(None);
            }
            Life::Running | Life::LastRequests(_) => {
                let actions = self.sign_in.pass_time(&self.handshake, self.now);
                self.actions.extend(actions);
            }
            Life::Ending(code) => {
                self.life = Life::Over;
                self.actions.push_back(Action::Exit(code));
            }
            Life::Closing(_) | Life::Over => {}
        }
    }

    /// Replaces the server for a newer token; in a pause, so that the next request need not wait.
    fn plan_replacement(&mut self, is_busy: bool) {
        if self.servers.flow() != Flow::Open {
            return;
        }
        if self.servers.may_replace() && self.tokens.has_other_than(self.servers.token()) {
            self.servers.drain(AfterDrain::Start, self.now);
        } else if self.servers.is_used()
            && !is_busy
            && (!self.sign_in.holds_calls() || self.tokens.is_replaced(self.servers.token()))
            && self.needs_renewal()
        {
            self.servers.drain(AfterDrain::FetchToken, self.now);
        }
    }

    fn client_line(&mut self, line: Line) {
        match self.route(&line) {
            Route::Send => self.send_to_server(line),
            Route::SendAs(bytes) => self.send_to_server(line.with(bytes)),
            Route::Hold => self.held.push_back(line),
            Route::HoldAndRenew => {
                self.held.push_back(line);
                self.renew();
            }
            Route::NeedsToken => self.get_token_for(line),
            Route::Returned(call, bytes) => self.returned(&call, line.with(bytes)),
            Route::Respond(bytes) => self.send_to_client(bytes),
            Route::Done => {}
        }
    }

    /// Routes the held lines again, in order, until one of them begins a replacement.
    fn release(&mut self) {
        let mut held = std::mem::take(&mut self.held);
        while matches!(self.servers.flow(), Flow::Open | Flow::Ended)
            && !self.is_full()
            && let Some(line) = held.pop_front()
        {
            self.client_line(line);
        }
        self.held.append(&mut held);
    }

    fn server_line(&mut self, server: u32, line: Line) {
        if self.servers.starting() == Some(server) {
            return self.new_server_line(server, line);
        }
        if Some(server) != self.servers.number() && !self.is_late_response(&line) {
            return;
        }
        match self.delivery(server, &line) {
            Delivery::Pass => self.actions.push_back(Action::ToClient(line)),
            Delivery::PassAs(bytes) => {
                self.actions.push_back(Action::ToClient(line.with(bytes)));
            }
            Delivery::Drop => {}
            Delivery::Unparsed => self.actions.push_back(Action::Unparsed(server, line)),
            Delivery::Reject(id, call) => {
                self.pending.reject(id, call, line);
                if self.servers.flow() == Flow::Open {
                    let token = self.servers.token();
                    let generation = token.map_or(0, |token| token.generation);
                    let check = self.tokens.check(generation, self.now);
                    self.servers.await_token(true);
                    self.actions.push_back(check);
                }
            }
        }
    }

    fn new_server_line(&mut self, server: u32, line: Line) {
        let json_rpc::Line::One(message) = json_rpc::read(&line) else {
            return self.actions.push_back(Action::Unparsed(server, line));
        };
        // It may ping before the handshake is done.
        if message.id.is_some() && message.method.as_deref() == Some("ping") {
            let pong = messages::response(message.raw_id(&line), &json!({}));
            self.actions
                .push_back(Action::ToServer(server, Line::own(pong)));
        }
        match self.handshake.replay_reply(server, &message) {
            ReplayReply::Other => {}
            ReplayReply::Agreed => {
                self.servers.responded(self.now);
                for (id, line) in self.handshake.catch_up(server) {
                    self.pending.suppress(id);
                    self.actions.push_back(Action::ToServer(server, line));
                }
                self.take_over(server);
            }
            ReplayReply::Disagreed => {
                self.actions.push_back(Action::Stop(server));
                self.start_failed(&StartFailure::OtherRevision);
            }
        }
    }

    fn exited(&mut self, server: u32, code: u8) {
        if matches!(self.life, Life::Closing(_)) {
            if Some(server) == self.servers.number() {
                self.actions.push_back(Action::Exit(code));
            }
            return;
        }
        match self.servers.exited(server) {
            Exited::New => self.start_failed(&StartFailure::Exited(code)),
            Exited::InUse(server) => {
                let unknown = self.pending.server_ended(server.number);
                self.fail_unknown(&unknown, &format!("ended by itself (exit code {code})"));
                self.crashed(code, server.token.is_some());
            }
            Exited::Other => {}
        }
    }

    fn close(&mut self, signal: Option<u8>) {
        match (self.life, signal) {
            // It may have sent all that it wants answered, or nothing, and closed its end at once.
            (Life::Running, None) if self.owes_responses() || !self.servers.has_started() => {
                let until = self.now.mono + self.settings.timing.last_requests;
                self.life = Life::LastRequests(until);
            }
            (Life::Running, _) | (Life::LastRequests(_), Some(_)) => self.end(signal),
            _ => {}
        }
    }

    fn end(&mut self, signal: Option<u8>) {
        self.life = Life::Closing(signal);
        self.actions.push_back(Action::CancelSignIn);
        self.actions.push_back(match self.servers.number() {
            Some(server) => Action::Stop(server),
            None => Action::Exit(signal.map_or(0, |number| 128 + number)),
        });
        self.actions
            .extend(self.servers.starting().map(Action::Stop));
    }

    /// True if the client has asked for something that it has not got.
    fn owes_responses(&self) -> bool {
        !self.held.is_empty() || self.pending.owes_responses()
    }

    fn send_to_server(&mut self, line: Line) {
        if let Some(server) = self.servers.number() {
            self.actions.push_back(Action::ToServer(server, line));
        }
    }

    fn send_to_client(&mut self, bytes: Vec<u8>) {
        self.actions.push_back(Action::ToClient(Line::own(bytes)));
    }

    fn note(&mut self, text: impl Into<String>) {
        self.actions.push_back(Action::Note(text.into()));
    }

    /// Logs a step; its text is put together only where somebody reads it.
    fn step(&mut self, text: impl FnOnce(&Self) -> String) {
        if log::log_enabled!(log::Level::Info) {
            let text = text(self);
            self.actions.push_back(Action::Step(text));
        }
    }

    fn took(&self, since: Duration) -> String {
        let took = self.now.mono.saturating_sub(since);
        format!(" in {:.1} ms", took.as_secs_f64() * 1000.0)
    }
}
