//! How long servers take to start. A new one may take much longer than those before it, and is never
//! asked for more than the first one, which has no limit.

use std::time::Duration;

/// A new server may take this many times as long as the slowest one before it.
const FACTOR: u32 = 3;

#[derive(Debug)]
pub(super) struct StartTimes {
    /// When the last server was started, until it responds.
    started_at: Option<Duration>,
    slowest: Duration,
    /// The least that a server may take.
    timeout: Duration,
}

impl StartTimes {
    pub(super) fn new(timeout: Duration) -> Self {
        Self {
            started_at: None,
            slowest: Duration::ZERO,
            timeout,
        }
    }

    pub(super) fn started(&mut self, now: Duration) {
        self.started_at = Some(now);
    }

    /// A server has responded. If an old one does so while a new one starts, the time counts as less.
    pub(super) fn responded(&mut self, now: Duration) {
        if let Some(started_at) = self.started_at.take() {
            self.slowest = self.slowest.max(now.saturating_sub(started_at));
        }
    }

    /// How long the next server may take.
    pub(super) fn limit(&self) -> Duration {
        self.slowest.saturating_mul(FACTOR).max(self.timeout)
    }
}
