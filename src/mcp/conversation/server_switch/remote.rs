//! A remote server: its sessions are numbered like servers. Each request has the newest token, so that no
//! session ends for one.

use super::ServerSwitch;
use crate::mcp::conversation::{Restarts, TokenInfo};

impl ServerSwitch {
    pub(in super::super) fn is_remote(&self) -> bool {
        self.restarts == Restarts::ForSessions
    }

    /// True if a session with the remote server is in use.
    pub(in super::super) fn is_session(&self) -> bool {
        self.is_remote()
            && self
                .number()
                .is_some_and(|number| Some(number) != self.stand_in)
    }

    /// True if this server stands in for the remote one.
    pub(in super::super) fn is_stand_in(&self, number: Option<u32>) -> bool {
        number.is_some() && number == self.stand_in
    }

    /// True if a newer token is of use: for another server, or for the requests of a session.
    pub(in super::super) fn may_renew(&self) -> bool {
        self.is_session() || self.may_replace()
    }

    /// The requests of a session have this token from now on.
    pub(in super::super) fn adopt(&mut self, token: Option<TokenInfo>) {
        if self.is_session() {
            self.set_token(token);
        }
    }
}
