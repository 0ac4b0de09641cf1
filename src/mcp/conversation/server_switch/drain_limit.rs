//! How long running requests may delay a renewal.

use std::time::Duration;

use super::{Server, ServerSwitch};
use crate::mcp::conversation::Now;

impl ServerSwitch {
    pub(super) fn drain_limit(&self, server: Server, now: Now) -> Duration {
        let Some(end) = server.token.and_then(|token| token.expires_at) else {
            return self.max_drain;
        };
        let left = now.wall.until(end);
        // A short life has a short margin.
        let safe = left.saturating_sub(self.timing.margin.min(left / 2));
        let is_due = server.token.and_then(|token| token.due_at);
        if is_due.is_some_and(|due| now.wall >= due) {
            // Running calls have had the token's life.
            return self.max_drain.min(safe).min(self.timing.last_drain);
        }
        self.max_drain.min(safe)
    }

    /// True if a token that is due can serve running calls for longer: the last ones are cut off shortly
    /// before it expires, and until then no request waits for them.
    pub(in super::super) fn can_wait(&self, now: Now) -> bool {
        let end = self.token().and_then(|token| token.expires_at);
        let reserve = self.timing.margin + self.timing.last_drain;
        end.is_some_and(|end| now.wall.until(end) > reserve)
    }
}
