//! One refresh, from the lock to the stored pair, so that no kill and no fault loses a sign-in but
//! in the one window that no client can close. It runs in a process of its own (`Refresher`).
//!
//! Order: connect, then `intent` (proves that the store can be written before anything is spent),
//! then room for the rescue, then `sent`, then the request; then seal, save, report, wipe.

use std::time::Duration;

use crate::app::AccountName;
use crate::auth::account::{AccountCheck, check_account};
use crate::auth::failures::{after, not_stored, store_failure};
use crate::auth::held::{Held, NotSaved};
use crate::auth::outcome::{
    Attempt, FailureCause, Happened, NetworkId, Outcome, Scope, SharedFailure,
};
use crate::auth::ports::{Clock, Event, LockedStore, Observer, Refresher, Step, StoreError};
use crate::auth::record::{Decision, Intent, Record, RefreshRefused, Refused, RescueKey, Want};
use crate::auth::token_check::{AccessState, ask_about, ask_account};
use crate::github::{GitHub, GrantedTokens, Refreshed, RequestFailure};
use crate::limits::Limits;
use crate::token::RefreshToken;

/// How long to pause between two tries to store a new pair.
const SAVE_PAUSE: Duration = Duration::from_millis(200);

/// How long to pause between two looks for another process's newer pair.
const NEWER_PAUSE: Duration = Duration::from_millis(250);

/// How often a refresh begins again with a record that another process changed under its lock.
const OVERTAKEN_TRIES: u32 = 3;

/// What a refresh works with.
pub struct Refresh<'a> {
    /// Where the App is registered.
    pub github: &'a GitHub,
    /// The account that it must be signed in as, if the configuration says one.
    pub account: Option<&'a AccountName>,
    /// Time.
    pub clock: &'a dyn Clock,
    /// Is told each step.
    pub observer: &'a dyn Observer,
    /// Where this process connects from.
    pub network: &'a dyn Fn() -> NetworkId,
    /// Every wait's limit.
    pub limits: Limits,
}

/// Why a refresh brought nothing.
pub(super) enum Stop {
    /// It failed and GitHub did not replace the tokens.
    Failed(Box<SharedFailure>),
    /// It failed and GitHub may have replaced the tokens.
    Unknown(Box<SharedFailure>),
    /// Another process stored this in the meantime, although this one has the lock.
    Overtaken(Box<Record>),
    /// Nothing is left to do: somebody signed out, or another process has done it.
    Settled,
}

impl Stop {
    pub(super) fn failed(failure: SharedFailure) -> Self {
        Self::Failed(Box::new(failure))
    }

    fn unknown(failure: SharedFailure) -> Self {
        Self::Unknown(Box::new(failure))
    }
}

impl From<NotSaved> for Stop {
    /// Nothing was spent yet, or nothing that the store should know.
    fn from(not_saved: NotSaved) -> Self {
        match not_saved {
            NotSaved::Store(error) => not_stored(error),
            NotSaved::Overtaken(record) => Self::Overtaken(record),
            NotSaved::SignedOut => Self::Settled,
        }
    }
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
        let Ok(Some(mut held)) = Held::read(locked) else {
            return;
        };
        self.reached(Step::Begun);
        for _ in 0..OVERTAKEN_TRIES {
            let what = match self.attempt(&mut held, want) {
                Ok(()) | Err(Stop::Settled) => return,
                Err(Stop::Overtaken(present)) => match self.adopt(&mut held, *present) {
                    Ok(()) => continue,
                    Err(stop) => stop,
                },
                Err(stop) => stop,
            };
            let what = match what {
                Stop::Failed(failure) => Happened::Failed(after(*failure, &mut held)),
                Stop::Unknown(failure) => Happened::Unknown(after(*failure, &mut held)),
                Stop::Overtaken(_) | Stop::Settled => return,
            };
            let aim = held.record().generation + 1;
            // If even this cannot be written, the callers find the lock free and look for themselves.
            let _ = held.locked().report(&self.outcome(aim, what));
            return;
        }
    }

    /// Another process changed the record although this one has the lock, which keeps nobody out then.
    /// Its newer pair is adopted, and a refresh of its that goes on is waited for, not repeated.
    fn adopt(&self, held: &mut Held<'_>, present: Record) -> Result<(), Stop> {
        let is_refreshing = present.intent.is_some();
        let before = held.record().generation;
        held.adopt(present);
        if held.record().generation > before {
            self.report_saved(held);
            return Err(Stop::Settled);
        }
        if !is_refreshing {
            return Ok(());
        }
        match self.wait_for_newer(held) {
            Some(newer) => {
                held.adopt(newer);
                self.report_saved(held);
                Err(Stop::Settled)
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

    fn attempt(&self, held: &mut Held<'_>, want: Want) -> Result<(), Stop> {
        self.adopt_rescue(held)?;
        // Whoever wrote it has died, unless the lock keeps nobody out.
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
                // Waiting callers go by the outcome, also where there was nothing to refresh.
                self.report_saved(held);
                Ok(())
            }
        }
    }

    /// Takes over a pair that an earlier refresh could seal but not store.
    fn adopt_rescue(&self, held: &mut Held<'_>) -> Result<(), Stop> {
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

    /// Asks GitHub what must be known before the access token is served: whether it lives, where there
    /// is a doubt, and whose it is, where an account is configured.
    fn check(&self, held: &mut Held<'_>, want: Want) -> Result<(), Stop> {
        let (record, now) = (held.record(), self.clock.now());
        if record.must_be_checked(now) {
            let state = ask_about(record, self.github, self.clock);
            return self.keep_answer(held, state, Attempt::Check);
        }
        let is_served = matches!(record.decide(now, want), Decision::Serve(_));
        if is_served && self.check_account(record) == AccountCheck::Unknown {
            return self.learn_account(held);
        }
        Ok(())
    }

    fn learn_account(&self, held: &mut Held<'_>) -> Result<(), Stop> {
        let state = ask_account(held.record(), self.github, self.clock);
        self.keep_answer(held, state, Attempt::Account)
    }

    fn keep_answer(
        &self,
        held: &mut Held<'_>,
        state: AccessState,
        attempt: Attempt,
    ) -> Result<(), Stop> {
        let now = self.clock.now();
        match state {
            AccessState::Alive(account) => held.change(|record| {
                record.refused = None;
                record.account = Some(account);
                if let Some(refused) = &mut record.refresh_refused {
                    refused.access_checked_at = Some(now);
                }
            })?,
            AccessState::Dead => {
                held.change(|record| record.refused = Some(Refused::Confirmed(now)))?;
            }
            // What is refreshed or signed in to again needs no answer.
            AccessState::Expired => {}
            AccessState::Unknown(failure) => {
                return Err(Stop::failed(self.shared(attempt, &failure)));
            }
        }
        Ok(())
    }

    fn check_account<'r>(&'r self, record: &'r Record) -> AccountCheck<'r> {
        check_account(self.account, record.account.as_ref())
    }

    fn rotate(&self, held: &mut Held<'_>, refresh_token: &RefreshToken) -> Result<(), Stop> {
        let connection = match self.github.connect() {
            Ok(connection) => connection,
            Err(failure) => return Err(self.not_rotated(held, &failure)),
        };
        self.reached(Step::Connected);

        let key = self.prepare(held)?;
        let answer = connection.refresh(refresh_token);
        self.reached(Step::Answered);

        match answer {
            Ok(Refreshed::Granted(grant)) => self.keep(held, grant, &key),
            Ok(Refreshed::BadRefreshToken) => self.refused(held),
            Err(failure @ RequestFailure::Unknown(_)) => Err(self.unknown(held, &failure)),
            Err(failure) => Err(self.not_rotated(held, &failure)),
        }
    }

    /// Everything that must stand before the refresh token is spent.
    fn prepare(&self, held: &mut Held<'_>) -> Result<RescueKey, Stop> {
        let aim = held.record().generation + 1;
        let key = RescueKey::random().ok_or_else(|| {
            not_stored(StoreError::Unreachable(
                "the system gives no random numbers".into(),
            ))
        })?;
        let intent = Intent {
            generation: aim,
            key: key.clone(),
            started_at: self.clock.now(),
            interrupted_at: held.record().interrupted_at(),
        };
        held.change(|record| record.intent = Some(intent))?;
        self.reached(Step::IntentWritten);

        let ready = held
            .locked()
            .prepare_rescue()
            .inspect(|()| self.reached(Step::RescuePrepared))
            .and_then(|()| held.locked().report(&self.outcome(aim, Happened::Sent)));
        if let Err(error) = ready {
            if held.record().interrupted_at().is_none() {
                clear_intent(held);
            }
            return Err(not_stored(error));
        }
        self.reached(Step::SentReported);
        Ok(key)
    }

    /// The new pair: sealed, then saved before anything else, then told.
    fn keep(&self, held: &mut Held<'_>, grant: GrantedTokens, key: &RescueKey) -> Result<(), Stop> {
        let now = self.clock.now();
        let new = Record {
            generation: held.record().generation + 1,
            tokens: grant.into_token_set(now),
            obtained_at: now,
            account: held.record().account.clone(),
            intent: None,
            refused: None,
            refresh_refused: None,
        };
        // A rescue that cannot be sealed costs its protection only; the save below still counts.
        if held.locked().seal_rescue(&new, key).is_ok() {
            self.reached(Step::Sealed);
        }
        self.save_new(held, &new)?;
        match (self.check_account(held.record()), &new.account) {
            (AccountCheck::Unknown, _) => self.learn_account(held),
            // Nobody waits for it.
            (_, None) => {
                self.fill_account(held);
                Ok(())
            }
            (_, Some(_)) => Ok(()),
        }
    }

    /// Stores a pair that exists nowhere else, again and again within the limit.
    fn save_new(&self, held: &mut Held<'_>, new: &Record) -> Result<(), Stop> {
        let deadline = self.clock.monotonic() + self.limits.save;
        loop {
            match held.replace(new) {
                Ok(()) => break,
                Err(NotSaved::Overtaken(present)) => return Err(Stop::Overtaken(present)),
                Err(NotSaved::SignedOut) => {
                    // Who signed out wants no tokens; these would live on with nobody.
                    let tokens = &new.tokens;
                    let _ = self
                        .github
                        .revoke(tokens.access_token(), tokens.refresh_token());
                    held.locked().wipe_rescue();
                    return Err(Stop::Settled);
                }
                Err(NotSaved::Store(error)) if self.clock.monotonic() >= deadline => {
                    // The rescue file keeps the pair; the next run adopts it.
                    return Err(Stop::unknown(store_failure(error)));
                }
                Err(NotSaved::Store(_)) => self.clock.sleep(SAVE_PAUSE),
            }
        }
        self.reached(Step::Saved);
        self.report_saved(held);
        self.reached(Step::Reported);
        held.locked().wipe_rescue();
        self.reached(Step::RescueWiped);
        Ok(())
    }

    /// The record tells the same; waiting callers find it once the lock is free.
    fn report_saved(&self, held: &mut Held<'_>) {
        let saved = self.outcome(held.record().generation, Happened::Saved);
        let _ = held.locked().report(&saved);
    }

    /// Learns whose tokens these are, where the sign-in could not.
    fn fill_account(&self, held: &mut Held<'_>) {
        if let AccessState::Alive(account) = ask_about(held.record(), self.github, self.clock) {
            let _ = held.change(|record| record.account = Some(account));
        }
    }

    /// `bad_refresh_token`: unless another process brought a newer pair (a lock that keeps nobody out),
    /// this refresh token is never sent again. The access token may live on, and is asked about.
    fn refused(&self, held: &mut Held<'_>) -> Result<(), Stop> {
        let state = ask_about(held.record(), self.github, self.clock);
        // A refresh replaces both tokens: while the old access token lives, nobody has newer ones.
        let alive = matches!(state, AccessState::Alive(_));
        if !alive && let Some(newer) = self.wait_for_newer(held) {
            return Err(Stop::Overtaken(Box::new(newer)));
        }
        let now = self.clock.now();
        held.change(|record| {
            record.refresh_refused = Some(RefreshRefused {
                at: now,
                interrupted_at: record.interrupted_at().filter(|_| !alive),
                access_checked_at: alive.then_some(now),
            });
            record.intent = None;
            match &state {
                AccessState::Alive(account) => {
                    record.refused = None;
                    record.account = Some(account.clone());
                }
                AccessState::Dead if record.refused.is_none() => {
                    record.refused = Some(Refused::Confirmed(now));
                }
                AccessState::Dead | AccessState::Expired | AccessState::Unknown(_) => {}
            }
        })?;
        held.locked().wipe_rescue();
        match state {
            AccessState::Unknown(failure) => {
                Err(Stop::failed(self.shared(Attempt::Check, &failure)))
            }
            AccessState::Alive(_) | AccessState::Dead | AccessState::Expired => {
                let saved = self.outcome(held.record().generation, Happened::Saved);
                held.locked().report(&saved).map_err(not_stored)
            }
        }
    }

    /// The pair that another process has stored, or stores within the limit where the lock may keep
    /// nobody out.
    fn wait_for_newer(&self, held: &Held<'_>) -> Option<Record> {
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

    /// No complete answer came. One question about the old access token may still show that the
    /// tokens were not replaced.
    fn unknown(&self, held: &mut Held<'_>, failure: &RequestFailure) -> Stop {
        let shared = self.shared(Attempt::Refresh, failure);
        let state = ask_about(held.record(), self.github, self.clock);
        if !matches!(state, AccessState::Alive(_)) {
            return Stop::unknown(shared);
        }
        clear_intent(held);
        Stop::failed(shared)
    }

    /// This attempt did not spend the refresh token; where an earlier one is still open, that is
    /// no more known than before.
    fn not_rotated(&self, held: &mut Held<'_>, failure: &RequestFailure) -> Stop {
        if held.record().interrupted_at().is_some() {
            return self.unknown(held, failure);
        }
        clear_intent(held);
        Stop::failed(self.shared(Attempt::Refresh, failure))
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

/// Removes an intent whose refresh was never sent. In one that may have been sent it notes
/// when: from then on only GitHub's answer tells whether the tokens live.
fn settle_intent(held: &mut Held<'_>) -> Result<(), NotSaved> {
    let Some(intent) = held.record().intent.clone() else {
        return Ok(());
    };
    let sent_at = match held.locked().outcome() {
        Some(outcome) if outcome.leaves_open(intent.generation) => Some(outcome.at),
        Some(_) => None,
        // Nothing is known of it: the worst is assumed.
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

/// Takes back an intent whose refresh did not replace the tokens.
fn clear_intent(held: &mut Held<'_>) {
    if held.record().intent.is_some() {
        // First, so that on a full disk its room serves for the record.
        held.locked().wipe_rescue();
        // If the intent stays, the outcome still says that nothing was replaced.
        let _ = held.change(|record| record.intent = None);
    }
}
