//! A new server in the place of another, and the end of servers.

use std::time::Duration;

use super::held_call::HeldReason;
use super::pending_call::PendingCall;
use super::server_switch::{AfterFailure, Start, StartFailure};
use super::{Action, Conversation, Life};
use crate::mcp::line::Line;
use crate::mcp::messages;

/// The exit code of a command that cannot be run, as in shells.
const CANNOT_RUN: u8 = 126;

/// What a call is told that the old server cannot serve any more, and the new one not either.
pub(super) fn unserved(why: &StartFailure) -> String {
    let (why, next) = match why {
        StartFailure::NotStarted(reason) => (
            format!("cannot be started: {reason}"),
            "Call the tool again in a few seconds",
        ),
        _ => (
            "does not speak the protocol revision of this conversation".to_owned(),
            "Restart the server in your MCP client",
        ),
    };
    format!("ghtok: the server's token is no longer valid, and the new server {why}. {next}.")
}

impl Conversation {
    /// Starts a server with the newest token. It is told first what the old one knew.
    pub(super) fn start(&mut self) {
        match self.servers.start(self.tokens.newest(), self.now) {
            Start::AfterStopping(old) => self.actions.extend(old.map(Action::Stop)),
            Start::Now(server) => {
                let number = server.number;
                let generation = server.token.map(|token| token.generation);
                self.step(|_| format!("starting server {number}"));
                self.actions.push_back(Action::Start(number, generation));
                match self.handshake.replay(number) {
                    Some(line) => self.actions.push_back(Action::ToServer(number, line)),
                    None => self.take_over(number),
                }
            }
        }
    }

    /// The new server is in use from now on.
    pub(super) fn take_over(&mut self, server: u32) {
        let was_stand_in = self.servers.is_stand_in(self.servers.number());
        let old = self.servers.take_over(self.now);
        self.step(|_| format!("server {server} is in use"));
        if self.servers.is_session() && !was_stand_in {
            self.session_replaced(server);
        } else {
            self.recover_lost(server);
        }
        self.repeat_rejected(server);
        self.release_calls();
        if was_stand_in && self.servers.is_session() {
            self.tell_of_tools();
        }
        self.actions.extend(old.map(Action::Stop));
    }

    /// The calls that waited for a token are made now, or ask for it again.
    pub(super) fn release_calls(&mut self) {
        if self.servers.token().is_none() {
            return;
        }
        let (calls, responses) = self.sign_in.take_held();
        self.actions.extend(responses);
        for call in calls.into_iter().rev() {
            if let Some((token, progress)) = call.last_progress() {
                self.pending.progress_reported(token, progress);
            }
            self.held.push_front(call.into_line());
        }
        self.actions.extend(self.sign_in.no_longer_needed());
    }

    /// What was running at another server is repeated at this one where that does no harm, and answered
    /// otherwise.
    fn recover_lost(&mut self, server: u32) {
        let lost = self.pending.server_replaced(server);
        let repeated = lost.repeated.into_iter();
        self.actions
            .extend(repeated.map(|line| Action::ToServer(server, line)));
        self.fail_unknown(&lost.unknown, "was replaced for its new token");
        for id in lost.questions {
            self.send_to_client(messages::cancellation(&id));
        }
    }

    /// Answers calls whose server has gone before it answered.
    pub(super) fn fail_unknown(&mut self, calls: &[PendingCall], what: &str) {
        let text = format!(
            "ghtok: the server {what} while this call was running; whether it was done is unknown. Check before you call it again."
        );
        for call in calls {
            let revision = self.handshake.revision();
            let (method, id) = (&call.method, &call.raw_id);
            self.send_to_client(messages::failure(method, id, &text, revision));
        }
    }

    /// Calls that the server refused for its invalid token are made again where that does no harm.
    pub(super) fn repeat_rejected(&mut self, server: u32) {
        for rejected in self.pending.take_rejected() {
            if rejected.call.is_repeatable() {
                let line = self.pending.repeat(rejected.id, rejected.call, server);
                self.actions
                    .extend(line.map(|line| Action::ToServer(server, line)));
                continue;
            }
            let advice =
                "ghtok: the token had been refused; there is a fresh one now. Call the tool again.";
            let response = rejected.response;
            let advised = messages::with_text(&response, advice).map_or(response, Line::own);
            self.actions.push_back(Action::ToClient(advised));
        }
    }

    /// The token was valid: the response was the server's own business.
    pub(super) fn pass_rejected(&mut self) {
        let rejected = self.pending.take_rejected().into_iter();
        self.actions
            .extend(rejected.map(|rejected| Action::ToClient(rejected.response)));
    }

    /// The sign-in was revoked: the calls that found it out wait for the next one.
    pub(super) fn ask_for_rejected(&mut self) {
        for rejected in self.pending.take_rejected() {
            let Some(error) = self.tokens.error() else {
                self.actions.push_back(Action::ToClient(rejected.response));
                continue;
            };
            let reason = HeldReason::Rejected {
                response: rejected.response,
                may_repeat: rejected.call.is_repeatable(),
            };
            let (line, client) = (rejected.call.line(), &self.handshake);
            let actions = self
                .sign_in
                .ask(line, Some(reason), error, client, self.now);
            self.actions.extend(actions);
        }
    }

    pub(super) fn start_timed_out(&mut self, limit: Duration) {
        let Some(server) = self.servers.starting() else {
            return;
        };
        if self.handshake.is_modern() {
            // It may wait for the end of the old one, or not know the request.
            return self.take_over(server);
        }
        self.actions.push_back(Action::Stop(server));
        self.start_failed(&StartFailure::Timeout(limit));
    }

    /// The system has no process, memory or thread for it, or the command is gone.
    pub(super) fn not_started(&mut self, server: u32, reason: String) {
        if self.servers.starting() == Some(server) {
            self.start_failed(&StartFailure::NotStarted(reason));
        } else {
            // It had nothing to be told before it was in use.
            self.note(format!("the server cannot be started: {reason}"));
            self.exited(server, CANNOT_RUN);
        }
        self.servers.gone(server);
    }

    pub(super) fn start_failed(&mut self, failure: &StartFailure) {
        if self.servers.is_remote() {
            let text = match failure {
                StartFailure::Timeout(limit) => {
                    format!("the server opened no session within {} s", limit.as_secs())
                }
                _ => unserved(failure),
            };
            return self.session_not_opened(&text);
        }
        let (why, code) = match failure {
            StartFailure::NotStarted(reason) => {
                (format!("cannot be started: {reason}"), CANNOT_RUN)
            }
            StartFailure::Exited(code) => (format!("ended at once (exit code {code})"), *code),
            StartFailure::Timeout(limit) => {
                (format!("did not answer within {} s", limit.as_secs()), 1)
            }
            StartFailure::OtherRevision => {
                let why = "does not speak the protocol revision of this conversation";
                (why.to_owned(), 1)
            }
            StartFailure::NoSession => ("opens no session".to_owned(), 1),
        };
        match self.servers.start_failed(failure.clone(), self.now) {
            Some(AfterFailure::StopOldFirst(old)) => {
                self.note(format!("the new server {why}; stopping the old one first, in case that only one can run"));
                self.actions.push_back(Action::Stop(old));
            }
            Some(AfterFailure::KeepOld) => {
                self.note(format!("the new server {why}"));
                self.pass_rejected();
                let actions = self
                    .sign_in
                    .fail_held(&unserved(failure), self.handshake.revision());
                self.actions.extend(actions);
            }
            Some(AfterFailure::Crash(server)) => {
                self.note(format!("the new server {why}"));
                if let StartFailure::NotStarted(_) = failure
                    && !self.servers.crashed_too_often(self.now)
                {
                    return self.servers.limit_wait(self.now);
                }
                self.crashed(code, server.token.is_some());
            }
            None => {}
        }
    }

    /// Starts another server, unless that is hopeless.
    pub(super) fn crashed(&mut self, code: u8, had_token: bool) {
        let is_hopeless = self.pending.is_opening() && !had_token;
        let too_often = self.servers.crashed_too_often(self.now);
        if too_often || is_hopeless || self.handshake.revision().is_none() {
            return self.give_up(code, had_token);
        }
        self.note(format!(
            "the server ended by itself (exit code {code}); starting it again"
        ));
        if self.servers.is_awaiting_token() {
            self.servers.limit_wait(self.now);
            self.actions.extend(self.tokens.fetch());
        }
    }

    /// No server is left, and none will be.
    fn give_up(&mut self, code: u8, had_token: bool) {
        // A command that ends before a conversation begins (`--help`) has its own exit code.
        let is_conversation = self.handshake.revision().is_some();
        self.life = Life::Ending(code.max(u8::from(is_conversation)));
        self.servers.end();
        let mut text = format!("the server ended by itself (exit code {code})");
        if let Some(error) = self.tokens.error().filter(|_| !had_token) {
            text = format!("{text}, perhaps for want of a token: {}", error.text);
        }
        self.note(text.clone());
        self.pass_rejected();
        let revision = self.handshake.revision();
        for call in self.pending.take_calls() {
            let (method, id) = (&call.method, &call.raw_id);
            self.send_to_client(messages::failure(method, id, &text, revision));
        }
        self.actions.extend(self.sign_in.fail_held(&text, revision));
    }
}
