//! A call whose token is due: it takes the lock and starts a refresher, or waits for the process that
//! holds the lock, and then acts on the outcome.

use std::time::Duration;

use crate::auth::outcome::{Caller, Happened, Outcome, SharedFailure};
use crate::auth::ports::{Event, LockedStore, OutcomeVersion};
use crate::auth::record::{Record, Want};
use crate::error::{Error, Result};

use super::errors::Whose;
use super::pacing::Pacing;
use super::{Broker, Served};

/// A caller starts at most this many refreshers that end without an outcome.
const REFRESHERS_PER_CALL: u32 = 2;

/// The state of a waiting caller.
struct Wait {
    record: Record,
    /// The outcome when the call began.
    before: Option<Outcome>,
    /// The outcome read before the record.
    seen: Option<Outcome>,
    /// The version of the outcome file when it was last read.
    version: OutcomeVersion,
    began: Duration,
    /// When to try the lock next.
    lock_at: Duration,
    pacing: Pacing,
    said_so: bool,
    /// Whether the log already says that another process has the lock.
    told_of_lock: bool,
    refreshers: u32,
    /// When the last refresher was started.
    started: Duration,
    own: OwnAttempt,
    other_failures: OtherFailures,
}

/// Whether the failures of other processes count for a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OtherFailures {
    /// As their scope says.
    Shared,
    /// Never: a person asked, so this process tries itself.
    Ignored,
}

/// The state of the refresher that this caller started.
#[derive(Clone, Copy, PartialEq, Eq)]
enum OwnAttempt {
    None,
    /// It has the lock and has reported nothing yet.
    Runs,
    /// The last outcome is its own.
    Reported,
}

impl Broker<'_> {
    pub(super) fn obtain(
        &self,
        record: Record,
        want: Want,
        began: Duration,
        other_failures: OtherFailures,
    ) -> Result<Served> {
        if let Some(served) = self.serve_as_stored(&record, want)? {
            return Ok(served);
        }
        let now = self.clock.monotonic();
        let version = self.store.outcome_version();
        let before = self.store.outcome();
        let first = self.is_last_unconnected(before.as_ref(), record.generation);
        let mut waiting = Wait {
            record,
            seen: before.clone(),
            before,
            version,
            began,
            lock_at: if first {
                now + Pacing::AFTER_OTHERS
            } else {
                now
            },
            pacing: Pacing::new(now.saturating_sub(began), self.clock.chance()),
            said_so: false,
            told_of_lock: false,
            refreshers: 0,
            started: Duration::ZERO,
            own: OwnAttempt::None,
            other_failures,
        };
        loop {
            if let Some((failure, whose)) = self.failure_for(&waiting) {
                return self.share(&failure, whose, want);
            }
            if self.clock.monotonic() >= waiting.lock_at
                && let Some(served) = self.refresh_if_free(&mut waiting, want)?
            {
                return Ok(served);
            }
            if let Some(served) = self.look_again(&mut waiting, want)? {
                return Ok(served);
            }
        }
    }

    /// Another attempt's failure counts for this caller too. Reads the record again, because the one in
    /// memory may be older than the failure.
    fn share(&self, failure: &SharedFailure, whose: Whose, want: Want) -> Result<Served> {
        let mut record = self.load()?;
        if let Some(served) = self.serve_as_stored(&record, want)? {
            return Ok(served);
        }
        // Read after the record, so that it shows an attempt that was sent in between.
        let last = self.store.outcome();
        if last.is_some_and(|outcome| outcome.cancels(record.intent.as_ref())) {
            record.intent = None;
        }
        self.without_refresh(&record, want, self.failed(failure, whose))
    }

    /// Takes the lock if it is free and reads the record again. If the token is still due, starts a
    /// refresher, which takes over the lock.
    fn refresh_if_free(&self, waiting: &mut Wait, want: Want) -> Result<Option<Served>> {
        let now = self.clock.monotonic();
        let waited = now.saturating_sub(waiting.began);
        waiting.lock_at = now + waiting.pacing.until_next_lock(waited);
        let locked = match self.store.try_lock() {
            Ok(Some(locked)) => locked,
            Ok(None) => {
                if !waiting.told_of_lock {
                    log::debug!("lock: another ghtok has it");
                    waiting.told_of_lock = true;
                }
                return Ok(None);
            }
            Err(error) => {
                let error = self.cannot_refresh(error);
                return self.without_refresh(&waiting.record, want, error).map(Some);
            }
        };
        log::info!("lock: taken; reading again");
        waiting.record = self.load_locked(locked.as_ref())?;
        if let Some(served) = self.serve_as_stored(&waiting.record, want)? {
            return Ok(Some(served));
        }
        waiting.version = self.store.outcome_version();
        waiting.seen = locked.outcome();
        if self.failure_for(waiting).is_some() {
            return Ok(None);
        }
        // This lock is free while the refresher works.
        let since = self.clock.monotonic().saturating_sub(waiting.started);
        if waiting.refreshers > 0 && since < self.limits.overtaken && locked.may_be_shared() {
            return Ok(None);
        }
        if waiting.refreshers == REFRESHERS_PER_CALL {
            let died = Error::RefresherDied {
                app: self.app.label().to_owned(),
            };
            return self.without_refresh(&waiting.record, want, died).map(Some);
        }
        if let Err(error) = self.refresher.check_settings() {
            return self.without_refresh(&waiting.record, want, error).map(Some);
        }
        waiting.refreshers += 1;
        waiting.started = self.clock.monotonic();
        waiting.own = OwnAttempt::Runs;
        self.refresher.start(locked, want);
        Ok(None)
    }

    /// Pauses, and reads the record again if the outcome has changed.
    fn look_again(&self, waiting: &mut Wait, want: Want) -> Result<Option<Served>> {
        let waited = self.clock.monotonic().saturating_sub(waiting.began);
        if waited >= self.limits.caller {
            waiting.record = self.load()?;
            return match self.serve_as_stored(&waiting.record, want)? {
                Some(served) => Ok(Some(served)),
                None => self
                    .without_refresh(&waiting.record, want, self.gave_up())
                    .map(Some),
            };
        }
        if waited >= self.limits.note_after && !waiting.said_so {
            self.observer.observe(&Event::Waiting);
            waiting.said_so = true;
        }
        self.refresher
            .pause(waiting.pacing.pause(waited), self.clock);
        let version = self.store.outcome_version();
        if version == waiting.version {
            return Ok(None);
        }
        let Some(outcome) = self.store.outcome() else {
            // It is being written; the next read finds it complete.
            return Ok(None);
        };
        waiting.version = version;
        let what = outcome.what.clone();
        waiting.seen = Some(outcome);
        log::info!("outcome: changed; waited {} ms", waited.as_millis());
        match what {
            // The refresher is still working; there is nothing new to read.
            Happened::Sent => return Ok(None),
            // The record is read again by the code that adopts the failure or takes the lock.
            Happened::Failed(_) | Happened::Unknown(_) => {
                self.heard_of_a_failure(waiting);
                return Ok(None);
            }
            Happened::Saved if waiting.own == OwnAttempt::None => {
                self.clock.sleep(waiting.pacing.spread());
            }
            Happened::Saved | Happened::Deleted => {}
        }
        waiting.own = OwnAttempt::None;
        waiting.lock_at = self.clock.monotonic();
        waiting.record = self.load()?;
        self.serve_as_stored(&waiting.record, want)
    }

    /// Schedules this caller's own attempt: the lock is free. If the failed connection was made from its own
    /// network environment, callers in other environments go first.
    fn heard_of_a_failure(&self, waiting: &mut Wait) {
        if waiting.own == OwnAttempt::Runs {
            waiting.own = OwnAttempt::Reported;
        }
        let generation = waiting.record.generation;
        let failed = waiting
            .seen
            .as_ref()
            .and_then(|seen| seen.failed_connections(generation));
        let from_here = failed.is_some_and(|failed| failed.last == (self.network)());
        let pause = if from_here {
            waiting.pacing.after_a_failure()
        } else {
            Duration::ZERO
        };
        waiting.lock_at = self.clock.monotonic() + pause;
    }

    /// True if the last attempt failed to connect from this network environment a moment ago. Callers in
    /// other environments then get the lock first.
    fn is_last_unconnected(&self, before: Option<&Outcome>, generation: u64) -> bool {
        let Some(before) = before else {
            return false;
        };
        let failed = before.failed_connections(generation);
        let age = before.at.until(self.clock.now());
        failed.is_some_and(|failed| failed.last == (self.network)()) && age <= Pacing::A_MOMENT
    }

    /// The failure that counts for this caller: that of its own refresher, or of another attempt.
    fn failure_for(&self, waiting: &Wait) -> Option<(SharedFailure, Whose)> {
        let outcome = waiting.seen.as_ref()?;
        let generation = waiting.record.generation;
        let failure = outcome.failure(generation)?;
        let network = (self.network)();
        if waiting.own == OwnAttempt::Reported && failure.is_from(network) {
            return Some((failure.clone(), Whose::Own));
        }
        if waiting.other_failures == OtherFailures::Ignored {
            return None;
        }
        let caller = Caller {
            generation,
            network,
            before: waiting.before.as_ref(),
        };
        let failure = outcome.adoptable(caller, self.clock.now(), &self.limits)?;
        Some((failure.clone(), Whose::Another))
    }

    fn load_locked(&self, locked: &dyn LockedStore) -> Result<Record> {
        let record = locked.load().map_err(|error| self.store_error(error))?;
        record.ok_or_else(|| self.no_record())
    }
}
