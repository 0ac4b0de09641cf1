//! Gets a token: from the store, or from a refresh, or returns an error. The broker has no `Prompt`, so
//! it cannot start a device flow (P5).

mod errors;
mod pacing;
mod waiting;

use std::time::Duration;

use crate::app::App;
use crate::auth::account::{AccountCheck, check_account};
use crate::auth::outcome::{Happened, NetworkId};
use crate::auth::ports::{Clock, Event, LockedStore, Observer, Refresher, StoreError, TokenStore};
use crate::auth::record::{Account, DeadEnd, Decision, Record, Want};
use crate::error::{Error, Result, SignInReason};
use crate::formats::durations::{flag_duration, human_duration};
use crate::limits::Limits;
use crate::token::{AccessToken, MinTtl, Timestamp, TokenSet};

pub(crate) use errors::exposed;
pub use errors::{github_error, store_error};
use waiting::OtherFailures;

/// The pause between two attempts to take the lock.
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// Serves the tokens of one App.
#[derive(Clone, Copy)]
pub struct Broker<'a> {
    /// The App.
    pub app: &'a App,
    /// The command that signs in, for messages.
    pub login_command: &'a dyn Fn() -> String,
    /// The store of the App's record.
    pub store: &'a dyn TokenStore,
    /// Starts a refresh.
    pub refresher: &'a dyn Refresher,
    /// The wall clock and the monotonic clock.
    pub clock: &'a dyn Clock,
    /// Receives the events that a person may want to see.
    pub observer: &'a dyn Observer,
    /// The network environment of this process.
    pub network: &'a dyn Fn() -> NetworkId,
    /// The time limits.
    pub limits: Limits,
}

/// A token for a caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    /// The access token.
    pub token: AccessToken,
    /// When it expires; `None` if it never expires.
    pub expires_at: Option<Timestamp>,
    /// When it is due with the default min TTL; `None` if never.
    pub due_at: Option<Timestamp>,
    /// Its account, if known.
    pub account: Option<Account>,
    /// The generation of its token set.
    pub generation: u64,
    /// Set if GitHub rejected the refresh token: the sign-in ends when this token expires.
    pub sign_in_before: Option<Timestamp>,
}

impl Broker<'_> {
    /// A token with at least `min_ttl` left. A token that is not due costs one read of the store, without
    /// lock or network. If a refresh fails, a token that is still valid is served.
    ///
    /// # Errors
    /// `SignInNeeded`, `Temporary`, `GaveUpWaiting`, or the store's error.
    pub fn access_token(&self, min_ttl: MinTtl) -> Result<Served> {
        self.serve(min_ttl, OtherFailures::Shared)
    }

    /// As [`Self::access_token`], for `login`: a failure of another process is ignored, and this process
    /// tries itself.
    ///
    /// # Errors
    /// As [`Self::access_token`].
    pub fn access_token_for_login(&self, min_ttl: MinTtl) -> Result<Served> {
        self.serve(min_ttl, OtherFailures::Ignored)
    }

    fn serve(&self, min_ttl: MinTtl, other_failures: OtherFailures) -> Result<Served> {
        let began = self.clock.monotonic();
        let record = self.load()?;
        check_min_ttl(&record.tokens, min_ttl)?;
        let served = self.obtain(record, Want::Valid(min_ttl), began, other_failures)?;
        if let Some(until) = served.sign_in_before {
            self.observer.observe(&Event::SignInBefore {
                app: self.app.label().to_owned(),
                end: self.clock.local_time(until),
                login: (self.login_command)(),
            });
        }
        Ok(served)
    }

    /// A token set newer than `generation`, even if the current one is still valid.
    ///
    /// # Errors
    /// As [`Self::access_token`]; a failed refresh is always an error here.
    pub fn newer_than(&self, generation: u64) -> Result<Served> {
        let began = self.clock.monotonic();
        self.obtain(
            self.load()?,
            Want::NewerThan(generation),
            began,
            OtherFailures::Shared,
        )
    }

    /// Reads the stored record.
    ///
    /// # Errors
    /// `SignInNeeded` if there is none, or the store's error.
    pub fn load(&self) -> Result<Record> {
        let record = match self.store.load() {
            // The last outcome is a sign-out, possibly from another store.
            Err(StoreError::Absent(_)) if self.is_signed_out() => None,
            loaded => loaded.map_err(|error| self.store_error(error))?,
        };
        record.ok_or_else(|| self.no_record())
    }

    /// Takes the record's lock; waits while another ghtok holds it.
    ///
    /// # Errors
    /// `GaveUpWaiting`, or the store's error.
    pub fn lock(&self) -> Result<Box<dyn LockedStore + '_>> {
        let deadline = self.clock.monotonic() + self.limits.caller;
        loop {
            let tried = self.store.try_lock();
            if let Some(locked) = tried.map_err(|error| self.store_error(error))? {
                return Ok(locked);
            }
            if self.clock.monotonic() >= deadline {
                return Err(self.gave_up());
            }
            self.clock.sleep(LOCK_PAUSE);
        }
    }

    fn is_signed_out(&self) -> bool {
        let last = self.store.outcome();
        last.is_some_and(|outcome| outcome.what == Happened::Deleted)
    }

    /// The error of a record that only a sign-in can replace; `None` if it can be served or refreshed.
    pub fn dead_end(&self, record: &Record) -> Option<Error> {
        self.serve_as_stored(record, Want::Valid(MinTtl::DEFAULT))
            .err()
    }

    /// Why this record needs a sign-in, now or when its access token expires; `None` if it does not.
    pub fn sign_in_reason(&self, record: &Record) -> Option<Error> {
        self.dead_end(record).or_else(|| {
            let refused = record.refresh_rejected?;
            Some(self.sign_in_needed(self.reason(DeadEnd::RefreshRejected(refused.at))))
        })
    }

    /// The token, if the record can be served as it is. If an account is configured and the token's
    /// account is unknown, `None`: the refresher then asks GitHub.
    fn serve_as_stored(&self, record: &Record, want: Want) -> Result<Option<Served>> {
        let account = self.check_account(record)?;
        let decision = match record.decide(self.clock.now(), want) {
            Decision::Serve(_) if account == AccountCheck::Unknown => Decision::Refresh,
            decision => decision,
        };
        log::info!("{}", self.reasons(record, want, &decision));
        match decision {
            Decision::Serve(token) => Ok(Some(served(record, token))),
            Decision::Refresh => Ok(None),
            Decision::SignIn(dead_end) => Err(self.sign_in_needed(self.reason(dead_end))),
        }
    }

    /// The decision and its reasons, for the log.
    fn reasons(&self, record: &Record, want: Want, decision: &Decision<'_>) -> String {
        let verdict = match decision {
            Decision::Serve(_) => "use the stored token",
            Decision::Refresh => "refresh",
            Decision::SignIn(_) => "a sign-in is needed",
        };
        let left = match record.tokens.expires_at() {
            Some(end) => format!("{} left", human_duration(self.clock.now().until(end))),
            None => "no expiry".into(),
        };
        let intent = if record.intent.is_some() {
            ", a refresh has begun"
        } else {
            ""
        };
        let refused = if record.rejected.is_some() {
            ", reported as rejected"
        } else {
            ""
        };
        format!(
            "decision: {verdict} (generation {}, {left}{intent}{refused}; wanted: {want})",
            record.generation
        )
    }

    /// The result if no refresh is possible: the current token if it is still valid and acceptable,
    /// otherwise the error.
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
            // The response was lost, or the new tokens could not be stored.
            (Want::Valid(_) | Want::NewerThan(_), _) if record.intent.is_some() => {
                Err(error.with_an_open_refresh())
            }
            (Want::Valid(_) | Want::NewerThan(_), _) => Err(error),
        }
    }

    /// Tells a sign-out from a record that vanished: a kernel keyring after a reboot, or a keychain that
    /// was created again.
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
            DeadEnd::AccessRejected => SignInReason::AccessRejected,
            DeadEnd::RefreshRejected(at) => SignInReason::RefreshRejected {
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
            login: (self.login_command)(),
        }
    }
}

fn served(record: &Record, token: &AccessToken) -> Served {
    let sign_in_before = record
        .refresh_rejected
        .and_then(|_| record.tokens.expires_at());
    Served {
        token: token.clone(),
        expires_at: record.tokens.expires_at(),
        // It cannot be refreshed, so it is due only when it expires.
        due_at: match sign_in_before {
            Some(end) => Some(end),
            None => record.tokens.due_at(MinTtl::DEFAULT),
        },
        account: record.account.clone(),
        generation: record.generation,
        sign_in_before,
    }
}

/// Rejects a min TTL that even a new token does not have: every call would refresh, and each refresh
/// invalidates the token that other processes use.
fn check_min_ttl(tokens: &TokenSet, min_ttl: MinTtl) -> Result<()> {
    match (tokens, min_ttl) {
        (TokenSet::Expiring { access, .. }, MinTtl::Explicit(asked))
            if asked >= access.lifetime =>
        {
            Err(Error::Usage {
                message: format!(
                    "--min-ttl {} is not less than the lifetime of a new token, {}",
                    flag_duration(asked),
                    flag_duration(access.lifetime)
                ),
                hint: format!(
                    "ask for less, for example: --min-ttl {}",
                    flag_duration(access.lifetime / 2)
                ),
            })
        }
        (TokenSet::Permanent(_) | TokenSet::Expiring { .. }, _) => Ok(()),
    }
}
