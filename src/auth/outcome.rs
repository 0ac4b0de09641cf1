//! What came of the last change to a record, told to every process that waits for it. Holds no
//! secret. Pure; how it is stored is the store's affair.

use std::time::Duration;

use crate::auth::ports::StoreError;
use crate::auth::record::Intent;
use crate::limits::Limits;
use crate::token::Timestamp;

/// The last thing that happened to a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The generation that is stored, or that a refresh aims at.
    pub generation: u64,
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: Happened,
}

/// Kinds of outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happened {
    /// The generation is in the store.
    Saved,
    /// The record was deleted.
    Deleted,
    /// A refresh to the generation goes over the wire now, or did when its process died.
    Sent,
    /// It failed, and GitHub did not replace the tokens.
    Failed(SharedFailure),
    /// It failed, and GitHub may have replaced the tokens.
    Unknown(SharedFailure),
}

/// A failure that answers for everybody who would try the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedFailure {
    /// What was tried.
    pub attempt: Attempt,
    /// Why it failed.
    pub cause: FailureCause,
    /// Before this moment nobody tries again (the server's Retry-After).
    pub retry_at: Option<Timestamp>,
}

impl SharedFailure {
    /// True if the store could not be reached or written: a state that a person ends, or that was
    /// one process's own (its limits).
    pub fn was_of_the_store(&self) -> bool {
        matches!(self.cause, FailureCause::Store(_))
    }
}

/// What was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// Refreshing the token.
    Refresh,
    /// Asking GitHub whether it still accepts the access token.
    Check,
    /// Asking GitHub whose the access token is.
    Account,
}

/// Why it failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FailureCause {
    /// The network or the server, in plain words.
    Temporary(String),
    /// GitHub's own error code; trying again does not change it.
    Refused(String),
    /// The store could not be written, so nothing was sent.
    Store(StoreError),
}

impl Outcome {
    /// The failure that a caller at `generation` adopts instead of trying again; `None` if it is
    /// another's, too old, or none.
    pub fn adoptable(
        &self,
        generation: u64,
        now: Timestamp,
        limits: &Limits,
    ) -> Option<&SharedFailure> {
        let (Happened::Failed(failure) | Happened::Unknown(failure)) = &self.what else {
            return None;
        };
        // A failure "of the future" was noted before the clock was set back: no ground to wait.
        if self.generation != generation + 1 || now < self.at {
            return None;
        }
        let young = self.at.until(now) < limits.failure_shared;
        (young || self.retry_in(now, limits).is_some()).then_some(failure)
    }

    /// How long the server still asks to be left alone.
    pub fn retry_in(&self, now: Timestamp, limits: &Limits) -> Option<Duration> {
        let (Happened::Failed(failure) | Happened::Unknown(failure)) = &self.what else {
            return None;
        };
        let until = failure.retry_at?.min(self.at.after(limits.retry_after));
        Some(now.until(until)).filter(|left| !left.is_zero())
    }

    /// True if this failure shows that the intent's refresh did not replace the tokens. Such an
    /// intent stands only where it could not be taken back, on a full disk for instance.
    pub fn voids(&self, intent: Option<&Intent>) -> bool {
        intent.is_some_and(|intent| {
            intent.interrupted_at.is_none()
                && self.generation == intent.generation
                && matches!(self.what, Happened::Failed(_))
        })
    }

    /// True if the refresh to `generation` may have reached GitHub without an answer.
    pub fn leaves_open(&self, generation: u64) -> bool {
        self.generation == generation && matches!(self.what, Happened::Sent | Happened::Unknown(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::record::RescueKey;

    const AT: Timestamp = Timestamp(5_000);

    fn failed(retry_at: Option<Timestamp>) -> Outcome {
        let failure = SharedFailure {
            attempt: Attempt::Refresh,
            cause: FailureCause::Temporary("HTTP 502".into()),
            retry_at,
        };
        Outcome {
            generation: 4,
            at: AT,
            what: Happened::Failed(failure),
        }
    }

    fn adopted(outcome: &Outcome, generation: u64, seconds: i64) -> bool {
        outcome
            .adoptable(generation, Timestamp(AT.0 + seconds), &Limits::STANDARD)
            .is_some()
    }

    #[test]
    fn p4_a_failure_answers_for_everybody_for_ten_seconds() {
        assert!(adopted(&failed(None), 3, 9));
        assert!(!adopted(&failed(None), 3, 10));
    }

    #[test]
    fn p4_a_retry_after_is_honoured_but_never_longer_than_five_minutes() {
        let an_hour = failed(Some(Timestamp(AT.0 + 3_600)));
        assert!(adopted(&an_hour, 3, 299));
        assert!(!adopted(&an_hour, 3, 300));
        let a_minute = failed(Some(Timestamp(AT.0 + 60)));
        assert!(adopted(&a_minute, 3, 59));
        assert!(!adopted(&a_minute, 3, 60));
    }

    fn intent(interrupted_at: Option<Timestamp>) -> Intent {
        Intent {
            generation: 4,
            key: RescueKey::from_bytes([7; 32]),
            started_at: AT,
            interrupted_at,
        }
    }

    #[test]
    fn p3_only_a_failure_of_its_own_generation_clears_an_intent() {
        assert!(failed(None).voids(Some(&intent(None))));
        assert!(!failed(None).voids(Some(&intent(Some(AT)))), "still open");
        assert!(!failed(None).voids(None));
        for generation in [3, 5] {
            let other = Outcome {
                generation,
                ..failed(None)
            };
            assert!(!other.voids(Some(&intent(None))), "{generation}");
        }
        for what in [Happened::Saved, Happened::Deleted, Happened::Sent] {
            let other = Outcome {
                what,
                ..failed(None)
            };
            assert!(!other.voids(Some(&intent(None))), "{other:?}");
        }
    }

    #[test]
    fn p3_a_sent_refresh_is_open_for_its_own_generation_only() {
        let sent = Outcome {
            what: Happened::Sent,
            ..failed(None)
        };
        assert!(sent.leaves_open(4));
        assert!(!sent.leaves_open(3) && !sent.leaves_open(5));
        assert!(!failed(None).leaves_open(4));
    }

    #[test]
    fn another_generations_failure_and_one_of_the_future_are_ignored() {
        assert!(!adopted(&failed(None), 4, 1));
        assert!(!adopted(&failed(None), 3, -1));
    }
}
