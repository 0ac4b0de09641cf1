//! What follows when a token was fetched or checked, or somebody has signed in.

use super::server_switch::{AfterDrain, Flow};
use super::{Conversation, Remedy, TokenError, TokenInfo};

impl Conversation {
    pub(super) fn token(&mut self, result: Result<TokenInfo, TokenError>) {
        self.step(|_| match &result {
            Ok(token) => format!("token of generation {}", token.generation),
            Err(error) => format!("no token: {}", error.text),
        });
        let is_invalid = self.servers.flow() == Flow::HeldForCheck
            && matches!(&result, Err(error) if error.remedy == Remedy::SignIn);
        let is_valid = result.is_ok();
        self.tokens.received(result, self.now);
        if is_invalid {
            self.tokens.forget();
            self.servers.set_token(None);
        } else if is_valid && self.servers.is_session() {
            self.servers.adopt(self.tokens.newest());
        } else if is_valid && !self.tokens.has_other_than(self.servers.token()) {
            self.servers.set_token(self.tokens.newest());
        }
        self.go_on_after_token(is_invalid);
        if self.tokens.needs_sign_in() && self.servers.lacks_token(self.now) {
            let actions = self.sign_in.ask_without_call(self.now);
            self.actions.extend(actions);
        }
    }

    fn go_on_after_token(&mut self, is_invalid: bool) {
        if !self.servers.is_awaiting_token() {
            // It came late: what goes on now ends first.
        } else if self.servers.in_use().is_none() {
            self.start();
        } else if self.servers.may_replace() && self.tokens.has_other_than(self.servers.token()) {
            self.servers.drain(AfterDrain::Start, self.now);
        } else {
            self.servers.resume();
            self.go_on_with_refused(is_invalid);
            if is_invalid {
                self.ask_for_rejected();
            } else {
                self.pass_or_repeat_rejected();
            }
        }
    }

    pub(super) fn signed_in(&mut self, flow: u32, result: Result<TokenInfo, TokenError>) {
        let actions = match result {
            Ok(token) => {
                self.tokens.found(token);
                self.sign_in.succeeded()
            }
            Err(error) => self.sign_in.failed(flow, &error, &self.handshake),
        };
        self.actions.extend(actions);
    }
}
