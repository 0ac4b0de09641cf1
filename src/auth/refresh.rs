//! One refresh, from the lock to the stored pair, so that no kill and no fault loses a sign-in but
//! in the one window that no client can close. It runs in a process of its own (`Refresher`).
//!
//! Order: connect, then `intent` (proves that the store can be written before anything is spent),
//! then room for the rescue, then `sent`, then the request; then seal, save, report, wipe.

use std::time::Duration;

use crate::auth::outcome::{Attempt, FailureCause, Happened, Outcome, SharedFailure};
use crate::auth::ports::{Clock, Event, LockedStore, Observer, Refresher, Step, StoreError};
use crate::auth::record::{
    Account, Decision, Intent, Record, RefreshRefused, Refused, RescueKey, Want,
};
use crate::github::{Failure, GitHub, Grant, Refreshed, UserAnswer};
use crate::limits::Limits;
use crate::token::RefreshToken;

/// How long to pause between two tries to store a new pair.
const SAVE_PAUSE: Duration = Duration::from_millis(200);

/// What a refresh works with.
pub struct Refresh<'a> {
    /// Where the App is registered.
    pub github: &'a GitHub,
    /// Time.
    pub clock: &'a dyn Clock,
    /// Is told each step.
    pub observer: &'a dyn Observer,
    /// Every wait's limit.
    pub limits: Limits,
}

/// Why a refresh brought nothing.
enum Stop {
    /// It failed and GitHub did not replace the tokens.
    Failed(SharedFailure),
    /// It failed and GitHub may have replaced them.
    Unknown(SharedFailure),
}

impl Refresher for Refresh<'_> {
    fn start(&self, mut locked: Box<dyn LockedStore + '_>, want: Want) {
        self.run(locked.as_mut(), want);
    }
}

impl Refresh<'_> {
    /// Does what the record needs to satisfy `want`. What came of it is in the outcome.
    pub fn run(&self, locked: &mut dyn LockedStore, want: Want) {
        // Read again under the lock: what another process did meanwhile is adopted, not repeated.
        let Ok(Some(record)) = locked.load() else {
            return;
        };
        self.reached(Step::Begun);
        let aim = record.generation + 1;
        let what = match self.attempt(locked, record, want) {
            Ok(()) => return,
            Err(Stop::Failed(failure)) => Happened::Failed(failure),
            Err(Stop::Unknown(failure)) => Happened::Unknown(failure),
        };
        // If even this cannot be written, the callers find the lock free and look for themselves.
        let _ = locked.report(&self.outcome(aim, what));
    }

    fn attempt(
        &self,
        locked: &mut dyn LockedStore,
        record: Record,
        want: Want,
    ) -> Result<(), Stop> {
        let record = self.adopt_rescue(locked, record)?;
        let mut record = settle_intent(locked, record)?;
        if record.intent.is_none() && matches!(record.refused, Some(Refused::Reported(_))) {
            self.check_refused(locked, &mut record)?;
        }
        if !matches!(record.decide(self.clock.now(), want), Decision::Refresh) {
            return Ok(());
        }
        match record.tokens.refresh_token().cloned() {
            Some(refresh_token) => self.rotate(locked, record, &refresh_token),
            None => Ok(()),
        }
    }

    /// Takes over a pair that an earlier refresh could seal but not store.
    fn adopt_rescue(&self, locked: &mut dyn LockedStore, record: Record) -> Result<Record, Stop> {
        let Some(intent) = &record.intent else {
            return Ok(record);
        };
        let rescued = locked
            .rescued(intent.generation, &intent.key)
            .map_err(|error| Stop::Unknown(store_failure(error)))?;
        let Some(rescued) = rescued else {
            return Ok(record);
        };
        self.save_new(locked, &rescued)?;
        Ok(rescued)
    }

    /// Asks GitHub once about an access token that somebody saw refused.
    fn check_refused(&self, locked: &mut dyn LockedStore, record: &mut Record) -> Result<(), Stop> {
        match self.github.user(record.tokens.access_token()) {
            Ok(UserAnswer::Account { login, id }) => {
                record.refused = None;
                record.account = Some(Account { login, id });
            }
            Ok(UserAnswer::Unauthorized) => {
                record.refused = Some(Refused::Confirmed(self.clock.now()));
            }
            Err(failure) => return Err(Stop::Failed(self.shared(Attempt::Check, &failure))),
        }
        locked.save(record).map_err(not_stored)
    }

    fn rotate(
        &self,
        locked: &mut dyn LockedStore,
        mut record: Record,
        refresh_token: &RefreshToken,
    ) -> Result<(), Stop> {
        let connection = match self.github.connect() {
            Ok(connection) => connection,
            Err(failure) => return Err(self.not_rotated(locked, record, &failure)),
        };
        self.reached(Step::Connected);

        let key = self.prepare(locked, &mut record)?;
        let answer = connection.refresh(refresh_token);
        self.reached(Step::Answered);

        match answer {
            Ok(Refreshed::Granted(grant)) => self.keep(locked, &record, grant, &key),
            Ok(Refreshed::BadRefreshToken) => self.refused(locked, record, refresh_token),
            Err(failure @ Failure::Unknown(_)) => Err(self.unknown(locked, record, &failure)),
            Err(failure) => Err(self.not_rotated(locked, record, &failure)),
        }
    }

    /// Everything that must stand before the refresh token is spent.
    fn prepare(
        &self,
        locked: &mut dyn LockedStore,
        record: &mut Record,
    ) -> Result<RescueKey, Stop> {
        let aim = record.generation + 1;
        let key = RescueKey::random().ok_or_else(|| {
            not_stored(StoreError::Unreachable(
                "the system gives no random numbers".into(),
            ))
        })?;
        record.intent = Some(Intent {
            generation: aim,
            key: key.clone(),
            started_at: self.clock.now(),
            interrupted_at: record.interrupted_at(),
        });
        locked.save(record).map_err(not_stored)?;
        self.reached(Step::IntentWritten);

        let ready = locked
            .prepare_rescue()
            .inspect(|()| self.reached(Step::RescuePrepared))
            .and_then(|()| locked.report(&self.outcome(aim, Happened::Sent)));
        if let Err(error) = ready {
            if record.interrupted_at().is_none() {
                clear_intent(locked, record.clone());
            }
            return Err(not_stored(error));
        }
        self.reached(Step::SentReported);
        Ok(key)
    }

    /// The new pair: sealed, then saved before anything else, then told.
    fn keep(
        &self,
        locked: &mut dyn LockedStore,
        old: &Record,
        grant: Grant,
        key: &RescueKey,
    ) -> Result<(), Stop> {
        let now = self.clock.now();
        let mut new = Record {
            generation: old.generation + 1,
            tokens: grant.into_token_set(now),
            obtained_at: now,
            account: old.account.clone(),
            intent: None,
            refused: None,
            refresh_refused: None,
        };
        // A rescue that cannot be sealed costs its protection only; the save below still counts.
        if locked.seal_rescue(&new, key).is_ok() {
            self.reached(Step::Sealed);
        }
        self.save_new(locked, &new)?;
        if new.account.is_none() {
            self.fill_account(locked, &mut new);
        }
        Ok(())
    }

    /// Stores a pair that exists nowhere else, again and again within the limit.
    fn save_new(&self, locked: &mut dyn LockedStore, new: &Record) -> Result<(), Stop> {
        let deadline = self.clock.monotonic() + self.limits.save;
        while let Err(error) = locked.save(new) {
            if self.clock.monotonic() >= deadline {
                // The rescue file keeps the pair; the next run adopts it.
                return Err(Stop::Unknown(store_failure(error)));
            }
            self.clock.sleep(SAVE_PAUSE);
        }
        self.reached(Step::Saved);
        // The record tells the same; waiting callers find it once the lock is free.
        let _ = locked.report(&self.outcome(new.generation, Happened::Saved));
        self.reached(Step::Reported);
        locked.wipe_rescue();
        self.reached(Step::RescueWiped);
        Ok(())
    }

    /// Learns whose tokens these are, where the sign-in could not. Nobody waits for it.
    fn fill_account(&self, locked: &mut dyn LockedStore, record: &mut Record) {
        if let Ok(UserAnswer::Account { login, id }) =
            self.github.user(record.tokens.access_token())
        {
            record.account = Some(Account { login, id });
            let _ = locked.save(record);
        }
    }

    /// `bad_refresh_token`: unless somebody else brought a newer pair meanwhile (a store shared
    /// without its lock), this refresh token is never sent again.
    fn refused(
        &self,
        locked: &mut dyn LockedStore,
        mut record: Record,
        sent: &RefreshToken,
    ) -> Result<(), Stop> {
        let others = match locked.load() {
            Ok(Some(present)) if present.tokens.refresh_token() != Some(sent) => Some(present),
            Ok(_) | Err(_) => None,
        };
        let generation = match others {
            Some(present) => present.generation,
            None => {
                record.refresh_refused = Some(RefreshRefused {
                    at: self.clock.now(),
                    interrupted_at: record.interrupted_at(),
                });
                record.intent = None;
                locked.save(&record).map_err(not_stored)?;
                record.generation
            }
        };
        locked.wipe_rescue();
        locked
            .report(&self.outcome(generation, Happened::Saved))
            .map_err(not_stored)
    }

    /// No complete answer came. One question about the old access token may still show that the
    /// tokens were not replaced.
    fn unknown(&self, locked: &mut dyn LockedStore, record: Record, failure: &Failure) -> Stop {
        let shared = self.shared(Attempt::Refresh, failure);
        if !self.is_alive(&record) {
            return Stop::Unknown(shared);
        }
        clear_intent(locked, record);
        Stop::Failed(shared)
    }

    /// This attempt did not spend the refresh token; where an earlier one is still open, that is
    /// no more known than before.
    fn not_rotated(&self, locked: &mut dyn LockedStore, record: Record, failure: &Failure) -> Stop {
        if record.interrupted_at().is_some() {
            return self.unknown(locked, record, failure);
        }
        clear_intent(locked, record);
        Stop::Failed(self.shared(Attempt::Refresh, failure))
    }

    fn is_alive(&self, record: &Record) -> bool {
        if matches!(record.refused, Some(Refused::Confirmed(_))) {
            return false;
        }
        record
            .tokens
            .unexpired(self.clock.now())
            .is_some_and(|token| matches!(self.github.user(token), Ok(UserAnswer::Account { .. })))
    }

    fn shared(&self, attempt: Attempt, failure: &Failure) -> SharedFailure {
        let (cause, retry_after) = match failure {
            Failure::NotSent(cause) | Failure::Unknown(cause) => {
                (FailureCause::Temporary(cause.to_string()), None)
            }
            Failure::Answered {
                cause, retry_after, ..
            } => (FailureCause::Temporary(cause.to_string()), *retry_after),
            Failure::Refused { code } => (FailureCause::Refused(code.as_str().to_owned()), None),
        };
        let retry_at = retry_after.map(|wait| self.clock.now().after(wait));
        SharedFailure {
            attempt,
            cause,
            retry_at,
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
        self.observer.observe(&Event::Refresh(step));
    }
}

/// Removes an intent whose refresh was never sent. In one that may have been sent it notes
/// when: from then on only GitHub's answer tells whether the tokens live.
fn settle_intent(locked: &mut dyn LockedStore, mut record: Record) -> Result<Record, Stop> {
    let Some(intent) = record.intent.take() else {
        return Ok(record);
    };
    let sent_at = match locked.outcome() {
        Some(outcome) if outcome.leaves_open(intent.generation) => Some(outcome.at),
        Some(_) => None,
        // Nothing is known of it: the worst is assumed.
        None => Some(intent.started_at),
    };
    if let Some(interrupted_at) = intent.interrupted_at.or(sent_at) {
        record.intent = Some(Intent {
            interrupted_at: Some(interrupted_at),
            ..intent
        });
    }
    locked.save(&record).map_err(not_stored)?;
    Ok(record)
}

/// Takes back an intent whose refresh did not replace the tokens.
fn clear_intent(locked: &mut dyn LockedStore, mut record: Record) {
    if record.intent.take().is_some() {
        // First, so that on a full disk its room serves for the record.
        locked.wipe_rescue();
        // If the intent stays, the outcome still says that nothing was replaced.
        let _ = locked.save(&record);
    }
}

fn not_stored(error: StoreError) -> Stop {
    Stop::Failed(store_failure(error))
}

fn store_failure(error: StoreError) -> SharedFailure {
    SharedFailure {
        attempt: Attempt::Refresh,
        cause: FailureCause::Store(error),
        retry_at: None,
    }
}
