//! A call whose token is due: it waits for whoever refreshes, takes the lock and starts a refresher where
//! nobody does, and goes by what the outcome says.

use std::time::Duration;

use crate::auth::outcome::{Caller, Happened, Outcome, SharedFailure};
use crate::auth::ports::{Event, LockedStore, OutcomeVersion};
use crate::auth::record::{Record, Want};
use crate::error::{Error, Result};

use super::errors::Whose;
use super::pacing::Pacing;
use super::{Broker, Served};

/// After so many refreshers that ended without a word, a caller stops starting more.
const REFRESHERS_PER_CALL: u32 = 2;

/// What a waiting caller knows.
struct Wait {
    record: Record,
    /// The outcome when the call began.
    before: Option<Outcome>,
    /// The outcome that the record was read after.
    seen: Option<Outcome>,
    /// What the outcome's file looked like when it was read last.
    version: OutcomeVersion,
    began: Duration,
    /// When the lock is tried next.
    lock_at: Duration,
    pacing: Pacing,
    said_so: bool,
    /// Whether it was told that another process has the lock: once, however often it is tried.
    told_of_lock: bool,
    refreshers: u32,
    /// When the last one was started.
    started: Duration,
    own: OwnAttempt,
    other_failures: OtherFailures,
}

/// Whether the failures of other attempts answer for a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OtherFailures {
    /// As the scope of each says.
    Shared,
    /// A person wants to know for themselves.
    Ignored,
}

/// What is known of the refresher that a caller started itself.
#[derive(Clone, Copy, PartialEq, Eq)]
enum OwnAttempt {
    None,
    /// It has the lock, and reported nothing yet.
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
            pacing: Pacing::new(now.saturating_sub(began)),
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

    /// Another attempt's failure answers for this caller too. The record is read again: the one at
    /// hand may be older than the failure, and tell of a token that was spent since.
    fn share(&self, failure: &SharedFailure, whose: Whose, want: Want) -> Result<Served> {
        let mut record = self.load()?;
        if let Some(served) = self.serve_as_stored(&record, want)? {
            return Ok(served);
        }
        // Looked at after the record: another attempt that was sent meanwhile shows in it.
        let told = self.store.outcome();
        if told.is_some_and(|outcome| outcome.voids(record.intent.as_ref())) {
            record.intent = None;
        }
        self.without_refresh(&record, want, self.failed(failure, whose))
    }

    /// Takes the lock if nobody has it, reads again, and hands a token that is still due to a
    /// refresher together with the lock.
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
        // Such a lock is free while the refresher works.
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

    /// Lets a moment pass, and reads the record again once the outcome tells of a change.
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
            // It is being written: the next look finds it whole.
            return Ok(None);
        };
        waiting.version = version;
        let what = outcome.what.clone();
        waiting.seen = Some(outcome);
        log::info!("outcome: changed; waited {} ms", waited.as_millis());
        match what {
            // The refresher has the store and the lock; nothing new can be read yet.
            Happened::Sent => return Ok(None),
            // The record is read again where the failure answers, or under the lock.
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

    /// The lock is free, and this caller may try itself. After a failure to connect from where it is
    /// itself, those who connect from elsewhere go first.
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

    /// True if the last attempt was made from here a moment ago and brought no connection: somebody may
    /// wait to try from elsewhere, and a process that fails again and again must not stand in the way.
    fn is_last_unconnected(&self, before: Option<&Outcome>, generation: u64) -> bool {
        let Some(before) = before else {
            return false;
        };
        let failed = before.failed_connections(generation);
        let age = before.at.until(self.clock.now());
        failed.is_some_and(|failed| failed.last == (self.network)()) && age <= Pacing::A_MOMENT
    }

    /// The failure that answers for this caller: that of its own refresher, or of another attempt.
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
