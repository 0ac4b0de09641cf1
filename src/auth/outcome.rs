//! The result of the last change to a record, for all processes that wait for it. Contains no secret.
//! Pure; `store/outcome.rs` has the stored format.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::auth::record::Intent;
use crate::auth::store_error::StoreError;
use crate::limits::Limits;
use crate::token::Timestamp;

/// The last thing that happened to a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The generation that is stored, or that the refresh would have stored.
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
    /// The request of a refresh is being sent, or was when its process ended.
    Sent,
    /// It failed, and GitHub did not replace the tokens.
    Failed(SharedFailure),
    /// It failed, and GitHub may have replaced the tokens.
    Unknown(SharedFailure),
}

/// A failure that other callers adopt instead of trying the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedFailure {
    /// What was tried.
    pub attempt: Attempt,
    /// Why it failed.
    pub cause: FailureCause,
    /// Nobody tries again before this time (the server's `Retry-After`).
    pub retry_at: Option<Timestamp>,
    /// Which callers adopt it.
    pub scope: Scope,
}

impl SharedFailure {
    /// False if the attempt was certainly made in another network environment.
    pub fn is_from(&self, network: NetworkId) -> bool {
        match &self.scope {
            Scope::Network(made_in) => *made_in == network,
            Scope::Connection(failed) => failed.last == network,
            Scope::Everyone | Scope::Waiting | Scope::Process => true,
        }
    }
}

/// Which callers adopt a failure, besides the process that tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All: the server answered, and would give the same answer again.
    Everyone,
    /// Callers in this network environment: the request was sent, and GitHub did not answer.
    Network(NetworkId),
    /// No connection. One such failure counts for nobody else, because the cause may be in that process;
    /// after two in the same environment, those who waited for both adopt it.
    Connection(FailedConnections),
    /// Those who waited for it: a store could not be used, and a person may have corrected that since.
    Waiting,
    /// None: a limit of the process that tried.
    Process,
}

/// A hash of the namespaces and network settings of a process. Two processes with the same one reach
/// the same hosts in the same way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetworkId(pub u64);

/// Consecutive failed connections, counted by network environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedConnections {
    /// Where the last attempt was made.
    pub last: NetworkId,
    /// How many there were in each environment, at most [`Self::MOST`] of them.
    pub counts: Vec<(NetworkId, u32)>,
}

impl FailedConnections {
    /// How many environments are remembered.
    pub const MOST: usize = 8;
    /// After this many failures in one environment, those who waited for them adopt the failure.
    const ENOUGH: u32 = 2;

    /// The first one.
    pub fn first(network: NetworkId) -> Self {
        Self {
            last: network,
            counts: vec![(network, 1)],
        }
    }

    /// Counts one more failure.
    #[must_use]
    pub fn after(self, before: &Self) -> Self {
        let count = before.count(self.last).saturating_add(1);
        let others = before.counts.iter().copied();
        let mut counts = vec![(self.last, count)];
        counts.extend(others.filter(|(network, _)| *network != self.last));
        counts.truncate(Self::MOST);
        Self { counts, ..self }
    }

    /// How many there were in this environment.
    pub fn count(&self, network: NetworkId) -> u32 {
        let found = self.counts.iter().find(|(known, _)| *known == network);
        found.map_or(0, |(_, count)| *count)
    }
}

/// The caller that may adopt a failure.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'a> {
    /// The generation of the record that it has read.
    pub generation: u64,
    /// Its network environment.
    pub network: NetworkId,
    /// The outcome when it began.
    pub before: Option<&'a Outcome>,
}

/// What was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Attempt {
    /// Refreshing the token.
    Refresh,
    /// Asking GitHub whether it still accepts the access token.
    Check,
    /// Asking GitHub for the account of the access token.
    Account,
}

/// Why it failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FailureCause {
    /// The network or the server, in plain words.
    Temporary(String),
    /// A limit of the process that tried, in plain words.
    Limit(String),
    /// A name that must be this machine's leads elsewhere, in plain words.
    NotLoopback(String),
    /// The machine of the process that tried has no CA certificates.
    NoCaCertificates,
    /// GitHub's error code; a retry does not change it.
    Refused(String),
    /// The store could not be written, so nothing was sent.
    Store(StoreError),
}

impl Outcome {
    /// The failure of a refresh of the record's `generation`.
    pub fn failure(&self, generation: u64) -> Option<&SharedFailure> {
        match &self.what {
            Happened::Failed(failure) | Happened::Unknown(failure) => {
                (self.generation == generation + 1).then_some(failure)
            }
            Happened::Saved | Happened::Deleted | Happened::Sent => None,
        }
    }

    /// Attempts to connect that failed, if the last one did.
    pub fn failed_connections(&self, generation: u64) -> Option<&FailedConnections> {
        match &self.failure(generation)?.scope {
            Scope::Connection(failed) => Some(failed),
            _ => None,
        }
    }

    /// The failure that this caller adopts instead of trying itself, if any.
    pub fn adoptable(
        &self,
        caller: Caller<'_>,
        now: Timestamp,
        limits: &Limits,
    ) -> Option<&SharedFailure> {
        let failure = self.failure(caller.generation)?;
        let answers = match &failure.scope {
            Scope::Everyone => self.is_recent(now, limits),
            Scope::Network(network) => *network == caller.network && self.is_recent(now, limits),
            Scope::Connection(failed) => {
                let before = caller
                    .before
                    .and_then(|before| before.failed_connections(caller.generation))
                    .map_or(0, |before| before.count(caller.network));
                failed.count(caller.network) >= before + FailedConnections::ENOUGH
            }
            Scope::Waiting => caller.before != Some(self),
            Scope::Process => false,
        };
        answers.then_some(failure)
    }

    fn is_recent(&self, now: Timestamp, limits: &Limits) -> bool {
        // A failure in the future was written before the clock was set back: ignore it.
        let young = now >= self.at && self.at.until(now) < limits.failure_shared;
        young || (now >= self.at && self.retry_in(now, limits).is_some())
    }

    /// The rest of the server's `Retry-After`.
    pub fn retry_in(&self, now: Timestamp, limits: &Limits) -> Option<Duration> {
        let (Happened::Failed(failure) | Happened::Unknown(failure)) = &self.what else {
            return None;
        };
        let until = failure.retry_at?.min(self.at.after(limits.retry_after));
        Some(now.until(until)).filter(|left| !left.is_zero())
    }

    /// True if this failure shows that the intent's refresh did not replace the tokens. Such an intent
    /// remains only if it could not be removed, for instance on a full disk.
    pub fn cancels(&self, intent: Option<&Intent>) -> bool {
        intent.is_some_and(|intent| {
            intent.interrupted_at.is_none()
                && self.generation == intent.generation
                && matches!(self.what, Happened::Failed(_))
        })
    }

    /// True if the refresh to `generation` may have reached GitHub and got no response.
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
            scope: Scope::Everyone,
        };
        Outcome {
            generation: 4,
            at: AT,
            what: Happened::Failed(failure),
        }
    }

    const HERE: NetworkId = NetworkId(1);
    const ELSEWHERE: NetworkId = NetworkId(2);

    fn adopted(outcome: &Outcome, generation: u64, seconds: i64) -> bool {
        let caller = Caller {
            generation,
            network: HERE,
            before: None,
        };
        outcome
            .adoptable(caller, Timestamp(AT.0 + seconds), &Limits::STANDARD)
            .is_some()
    }

    fn with(scope: Scope) -> Outcome {
        let failure = SharedFailure {
            attempt: Attempt::Refresh,
            cause: FailureCause::Temporary("no".into()),
            retry_at: None,
            scope,
        };
        Outcome {
            what: Happened::Failed(failure),
            ..failed(None)
        }
    }

    fn answers(outcome: &Outcome, network: NetworkId, before: Option<&Outcome>) -> bool {
        let caller = Caller {
            generation: 3,
            network,
            before,
        };
        outcome.adoptable(caller, AT, &Limits::STANDARD).is_some()
    }

    #[test]
    fn p4_one_failed_connection_answers_for_nobody_and_two_for_those_who_waited() {
        let once = FailedConnections::first(HERE);
        let twice = FailedConnections::first(HERE).after(&once);
        let thrice = FailedConnections::first(HERE).after(&twice);
        let [once, twice, thrice] =
            [once, twice, thrice].map(|failed| with(Scope::Connection(failed)));
        assert!(!answers(&once, HERE, None));
        assert!(answers(&twice, HERE, None), "waited through both");
        assert!(!answers(&twice, HERE, Some(&once)), "came after the first");
        assert!(!answers(&twice, HERE, Some(&twice)), "came after both");
        assert!(answers(&thrice, HERE, Some(&once)));
    }

    #[test]
    fn p4_failed_connections_answer_for_no_other_network() {
        let here = FailedConnections::first(HERE);
        let here = FailedConnections::first(HERE).after(&here);
        assert!(!answers(
            &with(Scope::Connection(here.clone())),
            ELSEWHERE,
            None
        ));
        // Two broken environments in turn: each is counted by itself.
        let both = FailedConnections::first(ELSEWHERE).after(&here);
        assert_eq!((both.count(HERE), both.count(ELSEWHERE)), (2, 1));
        let both = with(Scope::Connection(both));
        assert!(answers(&both, HERE, None) && !answers(&both, ELSEWHERE, None));
        let many = (0..100).fold(FailedConnections::first(HERE), |before, number| {
            FailedConnections::first(NetworkId(number)).after(&before)
        });
        assert_eq!(many.counts.len(), FailedConnections::MOST);
    }

    #[test]
    fn p4_a_limit_of_one_process_and_an_old_failure_of_a_store_are_nobodys() {
        assert!(!answers(&with(Scope::Process), HERE, None));
        let store = with(Scope::Waiting);
        assert!(answers(&store, HERE, None));
        assert!(!answers(&store, HERE, Some(&store)));
        assert!(answers(&with(Scope::Network(HERE)), HERE, None));
        assert!(!answers(&with(Scope::Network(ELSEWHERE)), HERE, None));
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
        assert!(failed(None).cancels(Some(&intent(None))));
        assert!(!failed(None).cancels(Some(&intent(Some(AT)))), "still open");
        assert!(!failed(None).cancels(None));
        for generation in [3, 5] {
            let other = Outcome {
                generation,
                ..failed(None)
            };
            assert!(!other.cancels(Some(&intent(None))), "{generation}");
        }
        for what in [Happened::Saved, Happened::Deleted, Happened::Sent] {
            let other = Outcome {
                what,
                ..failed(None)
            };
            assert!(!other.cancels(Some(&intent(None))), "{other:?}");
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
