//! The one way to a token: what is stored, else what a refresh brings, else a clear error. It holds
//! no `Prompt`, so nothing here can start a device flow (P5).

mod errors;

use std::time::Duration;

use crate::app::App;
use crate::auth::account::{AccountCheck, check_account};
use crate::auth::outcome::{Attempt, FailureCause, Happened, Outcome, SharedFailure};
use crate::auth::pacing::Pacing;
use crate::auth::ports::{
    Clock, Event, LockedStore, Observer, OutcomeVersion, Refresher, StoreError, TokenStore,
};
use crate::auth::record::{Account, DeadEnd, Decision, Record, Want};
use crate::error::{Error, Result, SignInReason};
use crate::formats::moments::flag;
use crate::github::ErrorCode;
use crate::limits::Limits;
use crate::steps::Steps;
use crate::token::{AccessToken, MinTtl, Timestamp, TokenSet};

pub use errors::{exposed, refused, store_error};

/// After so many refreshers that ended without a word, a caller stops starting more.
const REFRESHERS_PER_CALL: u32 = 2;

/// What the broker works with.
#[derive(Clone, Copy)]
pub struct Broker<'a> {
    /// Whose token.
    pub app: &'a App,
    /// The command that signs in, for messages.
    pub login_command: &'a str,
    /// Where the record is.
    pub store: &'a dyn TokenStore,
    /// Runs a refresh.
    pub refresher: &'a dyn Refresher,
    /// Time.
    pub clock: &'a dyn Clock,
    /// Is told what a person may want to know.
    pub observer: &'a dyn Observer,
    /// Where steps are told.
    pub steps: Steps,
    /// Every wait's limit.
    pub limits: Limits,
}

/// A token for a caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    /// The access token.
    pub token: AccessToken,
    /// When it ends; `None` if it never does by the clock.
    pub expires_at: Option<Timestamp>,
    /// When it comes due by the usual rule; `None` likewise.
    pub due_at: Option<Timestamp>,
    /// Whose it is, if GitHub could be asked.
    pub account: Option<Account>,
    /// The generation of its token set.
    pub generation: u64,
    /// Set if the refresh token was refused: the sign-in ends with this token.
    pub sign_in_before: Option<Timestamp>,
}

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
    refreshers: u32,
    /// When the last one was started.
    started: Duration,
}

impl Broker<'_> {
    /// A token with at least `min_ttl` left. One that is not due costs one read of the store: no
    /// lock, no network. If a refresh fails, a still-valid token is served all the same.
    ///
    /// # Errors
    /// `SignInNeeded`, `Temporary`, `GaveUpWaiting`, or what the store says.
    pub fn access_token(&self, min_ttl: MinTtl) -> Result<Served> {
        let began = self.clock.monotonic();
        let record = self.load()?;
        check_min_ttl(&record.tokens, min_ttl)?;
        let served = self.obtain(record, Want::Valid(min_ttl), began)?;
        if let Some(until) = served.sign_in_before {
            self.observer.observe(&Event::SignInBefore {
                app: self.app.label().to_owned(),
                end: self.clock.local_time(until),
                login: self.login_command.to_owned(),
            });
        }
        Ok(served)
    }

    /// A token set newer than `generation`, whatever the life of the present one.
    ///
    /// # Errors
    /// As [`Self::access_token`]; a failed refresh is always an error here.
    pub fn newer_than(&self, generation: u64) -> Result<Served> {
        let began = self.clock.monotonic();
        self.obtain(self.load()?, Want::NewerThan(generation), began)
    }

    /// The stored record, as it is.
    ///
    /// # Errors
    /// `SignInNeeded` if there is none, or what the store says.
    pub fn load(&self) -> Result<Record> {
        let record = match self.store.load() {
            // The last thing that is known is a sign-out, of whichever store.
            Err(StoreError::Absent(_)) if self.is_signed_out() => None,
            loaded => loaded.map_err(|error| self.store_error(error))?,
        };
        record.ok_or_else(|| self.no_record())
    }

    fn is_signed_out(&self) -> bool {
        let last = self.store.outcome();
        last.is_some_and(|outcome| outcome.what == Happened::Deleted)
    }

    /// Why nothing but a sign-in helps this record; `None` while something does.
    pub fn dead_end(&self, record: &Record) -> Option<Error> {
        self.settled(record, Want::Valid(MinTtl::DEFAULT)).err()
    }

    /// Why this record needs a sign-in, now or when its access token ends; `None` if it does not.
    pub fn sign_in_reason(&self, record: &Record) -> Option<Error> {
        self.dead_end(record).or_else(|| {
            let refused = record.refresh_refused?;
            Some(self.sign_in_needed(self.reason(DeadEnd::RefreshRefused(refused.at))))
        })
    }

    fn obtain(&self, record: Record, want: Want, began: Duration) -> Result<Served> {
        if let Some(served) = self.settled(&record, want)? {
            return Ok(served);
        }
        let now = self.clock.monotonic();
        let version = self.store.outcome_version();
        let before = self.store.outcome();
        let mut waiting = Wait {
            record,
            seen: before.clone(),
            before,
            version,
            began,
            lock_at: now,
            pacing: Pacing::new(now.saturating_sub(began)),
            said_so: false,
            refreshers: 0,
            started: Duration::ZERO,
        };
        loop {
            if let Some(failure) = self.shared_failure(&waiting) {
                return self.share(&failure, want);
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
    fn share(&self, failure: &SharedFailure, want: Want) -> Result<Served> {
        let mut record = self.load()?;
        if let Some(served) = self.settled(&record, want)? {
            return Ok(served);
        }
        // Looked at after the record: another attempt that was sent meanwhile shows in it.
        let told = self.store.outcome();
        if told.is_some_and(|outcome| outcome.voids(record.intent.as_ref())) {
            record.intent = None;
        }
        self.without_refresh(&record, want, self.failed(failure))
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
                self.steps.debug(|| "lock: another ghtok has it".into());
                return Ok(None);
            }
            Err(error) => {
                let error = self.store_error(error);
                return self.without_refresh(&waiting.record, want, error).map(Some);
            }
        };
        self.steps.info(|| "lock: taken; reading again".into());
        waiting.record = self.load_locked(locked.as_ref())?;
        if let Some(served) = self.settled(&waiting.record, want)? {
            return Ok(Some(served));
        }
        waiting.version = self.store.outcome_version();
        waiting.seen = locked.outcome();
        if self.shared_failure(waiting).is_some() {
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
        self.refresher.start(locked, want);
        Ok(None)
    }

    /// Lets a moment pass, and reads the record again once the outcome tells of a change.
    fn look_again(&self, waiting: &mut Wait, want: Want) -> Result<Option<Served>> {
        let waited = self.clock.monotonic().saturating_sub(waiting.began);
        if waited >= self.limits.caller {
            waiting.record = self.load()?;
            return match self.settled(&waiting.record, want)? {
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
        self.clock.sleep(waiting.pacing.pause(waited));
        let version = self.store.outcome_version();
        if version == waiting.version {
            return Ok(None);
        }
        let Some(outcome) = self.store.outcome() else {
            // It is being written: the next look finds it whole.
            return Ok(None);
        };
        waiting.version = version;
        let is_saved = matches!(outcome.what, Happened::Saved);
        let is_sent = matches!(outcome.what, Happened::Sent);
        waiting.seen = Some(outcome);
        if is_sent {
            // The refresher has the store and the lock; nothing new can be read yet.
            return Ok(None);
        }
        self.steps
            .info(|| format!("outcome: changed; waited {} ms", waited.as_millis()));
        waiting.lock_at = self.clock.monotonic();
        if is_saved {
            self.clock.sleep(waiting.pacing.spread());
        }
        waiting.record = self.load()?;
        self.settled(&waiting.record, want)
    }

    /// The token, if the record can be served as it is. One whose account must be right and is not
    /// known is due: the refresh asks GitHub.
    fn settled(&self, record: &Record, want: Want) -> Result<Option<Served>> {
        let account = self.check_account(record)?;
        let decision = match record.decide(self.clock.now(), want) {
            Decision::Serve(_) if account == AccountCheck::Unknown => Decision::Refresh,
            decision => decision,
        };
        self.steps.info(|| self.reasons(record, want, &decision));
        match decision {
            Decision::Serve(token) => Ok(Some(served(record, token))),
            Decision::Refresh => Ok(None),
            Decision::SignIn(dead_end) => Err(self.sign_in_needed(self.reason(dead_end))),
        }
    }

    /// Why a record is served, refreshed or given up.
    fn reasons(&self, record: &Record, want: Want, decision: &Decision<'_>) -> String {
        let verdict = match decision {
            Decision::Serve(_) => "serve it",
            Decision::Refresh => "refresh",
            Decision::SignIn(_) => "a sign-in is needed",
        };
        let left = match record.tokens.expires_at() {
            Some(end) => format!("{} s left", self.clock.now().until(end).as_secs()),
            None => "no expiry".into(),
        };
        let intent = if record.intent.is_some() {
            ", refresh begun"
        } else {
            ""
        };
        let refused = if record.refused.is_some() {
            ", seen refused"
        } else {
            ""
        };
        format!(
            "decision: {verdict} (generation {}, {left}{intent}{refused}; wanted: {want:?})",
            record.generation
        )
    }

    /// No refresh is to be had: the present token if it still lives and will do, else the error.
    fn without_refresh(&self, record: &Record, want: Want, error: Error) -> Result<Served> {
        let now = self.clock.now();
        let known = self.check_account(record)? != AccountCheck::Unknown;
        match (want, record.still_valid(now).filter(|_| known)) {
            (Want::Valid(_), Some(token)) => {
                let served = served(record, token);
                let left = served.expires_at.map(|end| now.until(end));
                self.observer.observe(&Event::ServedAnyway {
                    cause: error.to_string(),
                    left,
                });
                Ok(served)
            }
            (Want::Valid(_) | Want::NewerThan(_), _) => Err(error),
        }
    }

    /// The failure of another attempt that answers for this caller too. What a store refused
    /// before this call is none: it may be mended since.
    fn shared_failure(&self, waiting: &Wait) -> Option<SharedFailure> {
        let outcome = waiting.seen.as_ref()?;
        let generation = waiting.record.generation;
        let failure = outcome.adoptable(generation, self.clock.now(), &self.limits)?;
        let over = failure.was_of_the_store() && waiting.seen == waiting.before;
        (!over).then(|| failure.clone())
    }

    fn load_locked(&self, locked: &dyn LockedStore) -> Result<Record> {
        let record = locked.load().map_err(|error| self.store_error(error))?;
        record.ok_or_else(|| self.no_record())
    }

    /// A sign-in that is gone although nobody signed out: a kernel keyring after a reboot, a
    /// keychain that was made anew.
    fn no_record(&self) -> Error {
        self.sign_in_needed(if self.store.has_sign_in() {
            SignInReason::Vanished {
                place: self.store.place(),
            }
        } else {
            SignInReason::SignedOut
        })
    }

    fn check_account<'r>(&'r self, record: &'r Record) -> Result<AccountCheck<'r>> {
        match check_account(self.app.account.as_ref(), record.account.as_ref()) {
            AccountCheck::Other { expected, actual } => {
                Err(self.sign_in_needed(SignInReason::OtherAccount {
                    expected: expected.to_string(),
                    actual: actual.login.clone(),
                }))
            }
            known => Ok(known),
        }
    }

    fn reason(&self, dead_end: DeadEnd) -> SignInReason {
        match dead_end {
            DeadEnd::Expired => SignInReason::Expired,
            DeadEnd::AccessRefused => SignInReason::AccessRefused,
            DeadEnd::RefreshRefused(at) => SignInReason::RefreshRefused {
                when: self.clock.local_time(at),
            },
            DeadEnd::Lost(at) => SignInReason::Lost {
                when: self.clock.local_time(at),
            },
        }
    }

    fn sign_in_needed(&self, why: SignInReason) -> Error {
        Error::SignInNeeded {
            app: self.app.label().to_owned(),
            why,
            login: self.login_command.to_owned(),
        }
    }

    fn gave_up(&self) -> Error {
        Error::GaveUpWaiting {
            app: self.app.label().to_owned(),
            waited: self.limits.caller,
        }
    }

    fn failed(&self, failure: &SharedFailure) -> Error {
        match &failure.cause {
            FailureCause::Store(error) => self.store_error(error.clone()),
            FailureCause::Refused(code) => {
                refused(self.app, &ErrorCode::parse(code), self.login_command)
            }
            FailureCause::Temporary(cause) => Error::Temporary {
                app: self.app.label().to_owned(),
                what: match failure.attempt {
                    Attempt::Refresh => "could not refresh the token",
                    Attempt::Check => "could not check whether GitHub still accepts the token",
                    Attempt::Account => "could not ask GitHub whose token this is",
                },
                cause: cause.clone(),
                retry_after: failure.retry_at.map(|at| self.clock.now().until(at)),
            },
        }
    }

    fn store_error(&self, error: StoreError) -> Error {
        store_error(error, self.app, self.login_command, self.store)
    }
}

fn served(record: &Record, token: &AccessToken) -> Served {
    let sign_in_before = record
        .refresh_refused
        .and_then(|_| record.tokens.expires_at());
    Served {
        token: token.clone(),
        expires_at: record.tokens.expires_at(),
        // What no refresh can replace is good to its end.
        due_at: match sign_in_before {
            Some(end) => Some(end),
            None => record.tokens.due_at(MinTtl::DEFAULT),
        },
        account: record.account.clone(),
        generation: record.generation,
        sign_in_before,
    }
}

/// A life that no new token has would rotate at every call, and each rotation kills the token that
/// others hold.
fn check_min_ttl(tokens: &TokenSet, min_ttl: MinTtl) -> Result<()> {
    match (tokens, min_ttl) {
        (TokenSet::Expiring { access, .. }, MinTtl::Explicit(asked))
            if asked >= access.lifetime =>
        {
            Err(Error::Usage {
                message: format!(
                    "--min-ttl {} is not less than the {} that a new token lives",
                    flag(asked),
                    flag(access.lifetime)
                ),
                hint: format!(
                    "ask for less, as in: --min-ttl {}",
                    flag(access.lifetime / 2)
                ),
            })
        }
        (TokenSet::Permanent(_) | TokenSet::Expiring { .. }, _) => Ok(()),
    }
}
