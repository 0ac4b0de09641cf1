//! Exchanges the refresh token for a new pair: the preparation before the request, and the handling of
//! each response.

use crate::auth::account::AccountCheck;
use crate::auth::outcome::{Attempt, Happened};
use crate::auth::ports::{Step, StoreError};
use crate::auth::record::{Intent, Record, RefreshRejected, Rejected, RescueKey};
use crate::auth::saving::{Retries, save_with_retries};
use crate::auth::token_check::{AccessState, ask_about};
use crate::github::{GrantedTokens, Refreshed, RequestFailure};
use crate::token::RefreshToken;

use super::compared_record::{ComparedRecord, NotSaved};
use super::failures::{not_stored, store_failure};
use super::{Refresh, Stop};

impl Refresh<'_> {
    pub(super) fn rotate(
        &self,
        held: &mut ComparedRecord<'_>,
        refresh_token: &RefreshToken,
    ) -> Result<(), Stop> {
        let connection = match self.github.connect() {
            Ok(connection) => connection,
            Err(failure) => return Err(self.not_rotated(held, &failure)),
        };
        self.reached(Step::Connected);

        let key = self.prepare(held)?;
        let answer = connection(refresh_token, held.locked().refresh_permit());
        self.reached(Step::Answered);

        match answer {
            Ok(Refreshed::Granted(grant)) => self.keep(held, grant, &key),
            Ok(Refreshed::BadRefreshToken) => self.refresh_rejected(held),
            Err(failure @ RequestFailure::Unknown(_)) => Err(self.unknown(held, &failure)),
            Err(failure) => Err(self.not_rotated(held, &failure)),
        }
    }

    /// Writes everything that must be on disk before the refresh token is used.
    fn prepare(&self, held: &mut ComparedRecord<'_>) -> Result<RescueKey, Stop> {
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

    /// Seals the new pair and saves it before anything else.
    fn keep(
        &self,
        held: &mut ComparedRecord<'_>,
        grant: GrantedTokens,
        key: &RescueKey,
    ) -> Result<(), Stop> {
        let now = self.clock.now();
        let new = Record::granted(
            held.record().generation + 1,
            grant.into_token_set(now),
            now,
            held.record().account.clone(),
        );
        // Without the rescue file the pair is less protected, but it must still be saved.
        if held.locked().seal_rescue(&new, key).is_ok() {
            self.reached(Step::Sealed);
        }
        self.save_new(held, &new)?;
        match (self.check_account(held.record()), &new.account) {
            (AccountCheck::Unknown, _) => self.learn_account(held),
            // The outcome is already reported, so no caller waits for this.
            (_, None) => {
                self.fill_account(held);
                Ok(())
            }
            (_, Some(_)) => Ok(()),
        }
    }

    /// Saves a pair that exists nowhere else; retries within the limit.
    pub(super) fn save_new(&self, held: &mut ComparedRecord<'_>, new: &Record) -> Result<(), Stop> {
        let is_final = |why: &NotSaved| !matches!(why, NotSaved::Store(_));
        let retries = Retries {
            at_least: 1,
            within: self.limits.save,
        };
        let saved = save_with_retries(self.clock, retries, is_final, || held.replace(new));
        match saved {
            Ok(()) => {}
            Err(NotSaved::Overtaken(present)) => return Err(Stop::Overtaken(present)),
            Err(NotSaved::SignedOut) => {
                // After a sign-out nobody would use or revoke these tokens.
                let tokens = &new.tokens;
                let _ = self
                    .github
                    .revoke(tokens.access_token(), tokens.refresh_token());
                held.locked().wipe_rescue();
                return Err(Stop::Done);
            }
            // The pair stays in the rescue file; the next refresher saves it.
            Err(NotSaved::Store(error)) => return Err(Stop::unknown(store_failure(error))),
        }
        self.reached(Step::Saved);
        self.report_saved(held);
        self.reached(Step::Reported);
        held.locked().wipe_rescue();
        self.reached(Step::RescueWiped);
        Ok(())
    }

    /// `bad_refresh_token`: this refresh token is never sent again, unless another process stored a newer
    /// pair despite the lock. The access token may still be valid, so GitHub is asked about it.
    fn refresh_rejected(&self, held: &mut ComparedRecord<'_>) -> Result<(), Stop> {
        let state = ask_about(held.record(), self.github, self.clock);
        // A refresh replaces both tokens: if the old access token is valid, there is no newer pair.
        let alive = matches!(state, AccessState::Alive(_));
        if !alive && let Some(newer) = self.wait_for_newer(held) {
            return Err(Stop::Overtaken(Box::new(newer)));
        }
        let now = self.clock.now();
        held.change(|record| {
            record.refresh_rejected = Some(RefreshRejected {
                at: now,
                interrupted_at: record.interrupted_at().filter(|_| !alive),
                access_checked_at: alive.then_some(now),
            });
            record.intent = None;
            match &state {
                AccessState::Alive(account) => {
                    record.rejected = None;
                    record.account = Some(account.clone());
                }
                AccessState::Dead if record.rejected.is_none() => {
                    record.rejected = Some(Rejected::Confirmed(now));
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

    /// No complete response. If GitHub still accepts the old access token, the tokens were not replaced.
    fn unknown(&self, held: &mut ComparedRecord<'_>, failure: &RequestFailure) -> Stop {
        let shared = self.shared(Attempt::Refresh, failure);
        let state = ask_about(held.record(), self.github, self.clock);
        if !matches!(state, AccessState::Alive(_)) {
            return Stop::unknown(shared);
        }
        clear_intent(held);
        Stop::failed(shared)
    }

    /// This attempt did not use the refresh token. If an earlier attempt got no response, its result is
    /// still unknown.
    fn not_rotated(&self, held: &mut ComparedRecord<'_>, failure: &RequestFailure) -> Stop {
        if held.record().interrupted_at().is_some() {
            return self.unknown(held, failure);
        }
        clear_intent(held);
        Stop::failed(self.shared(Attempt::Refresh, failure))
    }
}

/// Removes the intent of a refresh that did not replace the tokens.
fn clear_intent(held: &mut ComparedRecord<'_>) {
    if held.record().intent.is_some() {
        // First, so that on a full disk its space is free for the record.
        held.locked().wipe_rescue();
        // If the intent stays, the outcome still says that nothing was replaced.
        let _ = held.change(|record| record.intent = None);
    }
}
