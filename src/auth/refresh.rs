//! One refresh, from the lock to the stored pair. It runs in a separate process (`Refresher`). A kill or a
//! failure can lose a sign-in only between GitHub's response and the first write.
//!
//! Order: connect, write `intent` (proves that the store can be written), reserve space for the rescue
//! file, write `sent`, send the request, seal the pair, save it, report, wipe the rescue file.

mod access_check;
mod compared_record;
mod failures;
mod rotation;

use std::time::Duration;

use crate::app::AccountName;
use crate::auth::account::{AccountCheck, check_account};
use crate::auth::outcome::{
    Attempt, FailureCause, Happened, NetworkId, Outcome, Scope, SharedFailure,
};
use crate::auth::ports::{
    AuthorizationServer, Clock, Event, LockedStore, Observer, Refresher, Step,
};
use crate::auth::record::{Decision, Intent, Record, Want};
use crate::limits::Limits;

use compared_record::{ComparedRecord, NotSaved};
use failures::{counted, not_stored, store_failure};

/// The pause between two reads while waiting for a newer pair of another process.
const NEWER_PAUSE: Duration = Duration::from_millis(250);

/// How often a refresh starts over with a record that another process changed despite the lock.
const OVERTAKEN_TRIES: u32 = 3;

/// Refreshes the record of one App.
pub struct Refresh<'a> {
    /// The server where the App is registered.
    pub github: &'a dyn AuthorizationServer,
    /// The configured account, if any.
    pub account: Option<&'a AccountName>,
    /// The wall clock and the monotonic clock.
    pub clock: &'a dyn Clock,
    /// Receives each step.
    pub observer: &'a dyn Observer,
    /// The network environment of this process.
    pub network: &'a dyn Fn() -> NetworkId,
    /// The time limits.
    pub limits: Limits,
}

/// Why a refresh stops without new tokens of its own.
enum Stop {
    /// It failed and GitHub did not replace the tokens.
    Failed(Box<SharedFailure>),
    /// It failed and GitHub may have replaced the tokens.
    Unknown(Box<SharedFailure>),
    /// Another process stored this record in the meantime, despite the lock.
    Overtaken(Box<Record>),
    /// Nothing is left to do: a sign-out, or another process has refreshed.
    Done,
}

impl Stop {
    fn failed(failure: SharedFailure) -> Self {
        Self::Failed(Box::new(failure))
    }

    fn unknown(failure: SharedFailure) -> Self {
        Self::Unknown(Box::new(failure))
    }
}

impl From<NotSaved> for Stop {
    /// The refresh token was not used, or the store need not know.
    fn from(not_saved: NotSaved) -> Self {
        match not_saved {
            NotSaved::Store(error) => not_stored(error),
            NotSaved::Overtaken(record) => Self::Overtaken(record),
            NotSaved::SignedOut => Self::Done,
        }
    }
}

impl Refresher for Refresh<'_> {
    fn start(&self, mut locked: Box<dyn LockedStore + '_>, want: Want) {
        self.run(locked.as_mut(), want);
    }
}

impl Refresh<'_> {
    /// Checks or refreshes the record as `want` requires. The result is in the outcome.
    pub fn run(&self, locked: &mut dyn LockedStore, want: Want) {
        // Read again under the lock: another process may have refreshed the record.
        let Ok(Some(mut held)) = ComparedRecord::read(locked) else {
            return;
        };
        self.reached(Step::Begun);
        for _ in 0..OVERTAKEN_TRIES {
            let what = match self.attempt(&mut held, want) {
                Ok(()) | Err(Stop::Done) => return,
                Err(Stop::Overtaken(present)) => match self.adopt(&mut held, *present) {
                    Ok(()) => continue,
                    Err(stop) => stop,
                },
                Err(stop) => stop,
            };
            let what = match what {
                Stop::Failed(failure) => Happened::Failed(counted(*failure, &mut held)),
                Stop::Unknown(failure) => Happened::Unknown(counted(*failure, &mut held)),
                Stop::Overtaken(_) | Stop::Done => return,
            };
            let aim = held.record().generation + 1;
            // If this cannot be written either, the callers notice that the lock is free.
            let _ = held.locked().report(&self.outcome(aim, what));
            return;
        }
    }

    /// Another process changed the record despite the lock (see `compared_record.rs`). Adopts its newer
    /// pair, or waits for the refresh that it has begun.
    fn adopt(&self, held: &mut ComparedRecord<'_>, present: Record) -> Result<(), Stop> {
        let is_refreshing = present.intent.is_some();
        let before = held.record().generation;
        held.adopt(present);
        if held.record().generation > before {
            self.report_saved(held);
            return Err(Stop::Done);
        }
        if !is_refreshing {
            return Ok(());
        }
        match self.wait_for_newer(held) {
            Some(newer) => {
                held.adopt(newer);
                self.report_saved(held);
                Err(Stop::Done)
            }
            None => Err(Stop::unknown(SharedFailure {
                attempt: Attempt::Refresh,
                cause: FailureCause::Temporary(
                    "another ghtok refreshes it at the same time, although this one has the lock (is the state folder on a network file system?)"
                        .into(),
                ),
                retry_at: None,
                scope: Scope::Waiting,
            })),
        }
    }

    fn attempt(&self, held: &mut ComparedRecord<'_>, want: Want) -> Result<(), Stop> {
        self.adopt_rescue(held)?;
        // The process that wrote it has ended, unless the lock does not exclude others.
        if held.record().intent.is_some()
            && let Some(newer) = self.wait_for_newer(held)
        {
            return Err(Stop::Overtaken(Box::new(newer)));
        }
        settle_intent(held)?;
        if held.record().intent.is_none() {
            self.check(held, want)?;
        }
        let record = held.record();
        let due = matches!(record.decide(self.clock.now(), want), Decision::Refresh)
            && !matches!(self.check_account(record), AccountCheck::Other { .. });
        match record.tokens.refresh_token().cloned() {
            Some(refresh_token) if due => self.rotate(held, &refresh_token),
            Some(_) | None => {
                // Waiting callers need an outcome even if there was nothing to refresh.
                self.report_saved(held);
                Ok(())
            }
        }
    }

    /// Saves a pair that an earlier refresh sealed but could not store.
    fn adopt_rescue(&self, held: &mut ComparedRecord<'_>) -> Result<(), Stop> {
        let Some(Intent {
            generation, key, ..
        }) = held.record().intent.clone()
        else {
            return Ok(());
        };
        let rescued = held
            .locked()
            .rescued(generation, &key)
            .map_err(|error| Stop::unknown(store_failure(error)))?;
        match rescued {
            Some(rescued) => self.save_new(held, &rescued),
            None => Ok(()),
        }
    }

    fn check_account<'r>(&'r self, record: &'r Record) -> AccountCheck<'r> {
        check_account(self.account, record.account.as_ref())
    }

    /// An error is ignored: waiting callers read the record once the lock is free.
    fn report_saved(&self, held: &mut ComparedRecord<'_>) {
        let saved = self.outcome(held.record().generation, Happened::Saved);
        let _ = held.locked().report(&saved);
    }

    /// The newer pair of another process. Waits for it within the limit if the lock may not exclude
    /// others.
    fn wait_for_newer(&self, held: &ComparedRecord<'_>) -> Option<Record> {
        let deadline = self.clock.monotonic() + self.limits.overtaken;
        loop {
            if let Some(newer) = held.newer() {
                return Some(newer);
            }
            if self.clock.monotonic() >= deadline || !held.may_be_shared() {
                return None;
            }
            self.clock.sleep(NEWER_PAUSE);
        }
    }

    fn outcome(&self, generation: u64, what: Happened) -> Outcome {
        Outcome {
            generation,
            at: self.clock.now(),
            what,
        }
    }

    fn reached(&self, step: Step) {
        log::info!("refresh: {}", step.words());
        self.observer.observe(&Event::Refresh(step));
    }
}

/// Removes an intent whose refresh was never sent. If it may have been sent, notes when: only GitHub can
/// then say whether the tokens are valid.
fn settle_intent(held: &mut ComparedRecord<'_>) -> Result<(), NotSaved> {
    let Some(intent) = held.record().intent.clone() else {
        return Ok(());
    };
    let sent_at = match held.locked().outcome() {
        Some(outcome) if outcome.leaves_open(intent.generation) => Some(outcome.at),
        Some(_) => None,
        // Nothing is known: assume that it was sent.
        None => Some(intent.started_at),
    };
    let interrupted_at = intent.interrupted_at.or(sent_at);
    held.change(|record| {
        record.intent = interrupted_at.map(|_| Intent {
            interrupted_at,
            ..intent
        });
    })
}
