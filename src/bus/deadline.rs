//! When one whole read or write must have ended, by the clock that a socket's waits go by.

use std::time::{Duration, Instant};

use crate::auth::ports::StoreError;

/// The end of everything that is done for one call of the store.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    started: Instant,
    limit: Duration,
}

impl Deadline {
    /// Begins to count.
    #[expect(
        clippy::disallowed_methods,
        reason = "a socket is waited for in real time, even where a test hurries the Clock port"
    )]
    pub(crate) fn after(limit: Duration) -> Self {
        Self {
            started: Instant::now(),
            limit,
        }
    }

    /// The time left, at least a millisecond (to a socket, no time at all means no limit).
    ///
    /// # Errors
    /// `TimedOut` if nothing is left.
    pub(crate) fn left(&self) -> Result<Duration, StoreError> {
        self.limit
            .checked_sub(self.started.elapsed())
            .filter(|left| !left.is_zero())
            .map(|left| left.max(Duration::from_millis(1)))
            .ok_or(StoreError::TimedOut(self.limit))
    }
}
