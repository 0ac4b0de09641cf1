//! Scoped tokens of one App and account: served from the stored list, created with the App's client secret,
//! and revoked at their end. The list is stored before a token is used, so that a killed process leaves none
//! that is unknown; [`list`] has the rules about their number.

mod creation;
pub(crate) mod list;

use std::time::Duration;

use crate::app::App;
use crate::auth::broker::{Broker, Served};
use crate::auth::ports::{AuthorizationServer, Clock, Event, StoreError};
use crate::auth::scope::TokenScope;
use crate::error::{Error, NoScopedToken, Result, ScopedTokenProblem, StoredTokens};
use crate::formats::durations::flag_duration;
use crate::github::{RequestFailure, TokenDeletion};
use crate::token::{ClientSecret, MinTtl, TokenSet};

use self::creation::Creation;
use self::list::{HandedOut, ScopedList, Use};

/// The pause between two attempts to take the lock.
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// Where the scoped tokens of one App and account are stored, and its client secret.
pub trait ScopedStore {
    /// The list, empty if there is none.
    fn load(&self) -> Result<ScopedList, StoreError>;
    /// Takes the list's lock; `None` if another process holds it.
    fn try_lock(&self) -> Result<Option<Box<dyn LockedScopedStore + '_>>, StoreError>;
    /// Whether a process with this name holds a token.
    fn is_running(&self, holder: &str) -> bool;
    /// The App's client secret.
    fn secret(&self) -> Result<Option<ClientSecret>, StoreError>;
    /// Whether there ever was a list: costs one `stat`.
    fn was_used(&self) -> bool;
}

/// A list whose lock is held.
pub trait LockedScopedStore {
    /// The list, empty if there is none.
    fn load(&self) -> Result<ScopedList, StoreError>;
    /// Forgets the names of processes that have ended.
    fn forget_ended_holders(&mut self);
    /// Stores the list; removes an empty one.
    fn save(&mut self, list: &ScopedList) -> Result<(), StoreError>;
}

/// The scoped tokens of one App and account.
#[derive(Clone, Copy)]
pub struct ScopedTokens<'a> {
    /// Gets the token that they are created with.
    pub broker: Broker<'a>,
    /// Where they are stored.
    pub store: &'a dyn ScopedStore,
    /// The server where the App is registered.
    pub github: &'a dyn AuthorizationServer,
}

impl ScopedTokens<'_> {
    /// A token of this scope with at least `min_ttl` left. One that is not due costs one read of the store,
    /// without lock or network. If none can be created, one that is still valid is served.
    ///
    /// # Errors
    /// `ScopedToken`, what [`Broker::access_token`] returns, or the store's error.
    pub fn access_token(
        &self,
        scope: &TokenScope,
        holder: Option<&str>,
        min_ttl: MinTtl,
    ) -> Result<Served> {
        let used = Use {
            scope: scope.text(),
            holder: holder.map(str::to_owned),
        };
        let list = self.read(self.store.load())?;
        if let Some(served) = self.serve(&list, &used, min_ttl)? {
            return Ok(served);
        }
        let secret = self.read(self.store.secret())?;
        let secret = secret.ok_or_else(|| self.problem(ScopedTokenProblem::NoSecret))?;
        let request = Creation {
            scope,
            used,
            secret,
        };
        match self.obtain(&request, min_ttl) {
            Ok(served) => Ok(served),
            Err(error) => self.serve_anyway(&request.used, error),
        }
    }

    /// Marks the tokens that were rejected; false if there are none. The next use asks GitHub about them and
    /// replaces those that are invalid.
    ///
    /// # Errors
    /// The store's error.
    pub fn reject(&self, was_rejected: &dyn Fn(&HandedOut) -> bool) -> Result<bool> {
        if !self.store.was_used() {
            return Ok(false);
        }
        let list = self.read(self.store.load())?;
        if !list.entries.iter().any(was_rejected) {
            return Ok(false);
        }
        let mut locked = self.lock()?;
        let mut list = self.read(locked.load())?;
        for entry in list.entries.iter_mut().filter(|entry| was_rejected(entry)) {
            entry.rejected = true;
        }
        self.read(locked.save(&list))?;
        Ok(true)
    }

    /// Revokes the tokens of processes that ended without doing it. Does nothing if another process has the
    /// lock: that one does it.
    ///
    /// # Errors
    /// What kept a token from being revoked; it stays in the list.
    pub fn revoke_abandoned(&self) -> Result<()> {
        if !self.store.was_used() {
            return Ok(());
        }
        let Some(mut locked) = self.read(self.store.try_lock())? else {
            return Ok(());
        };
        let mut list = self.read(locked.load())?;
        let before = list.clone();
        list.forget_ended(self.clock().now());
        list.end_abandoned(&|holder| self.store.is_running(holder));
        locked.forget_ended_holders();
        if list == before && list.ending().is_empty() {
            return Ok(());
        }
        self.read(locked.save(&list))?;
        self.revoke_ending(locked.as_mut(), &mut list)
    }

    /// Revokes these tokens, and those that are to be revoked anyway; returns their number.
    ///
    /// # Errors
    /// As [`Self::revoke_abandoned`].
    pub fn revoke(&self, is_to_end: &dyn Fn(&HandedOut) -> bool) -> Result<usize> {
        self.end(&|list| {
            for entry in &mut list.entries {
                entry.ending |= is_to_end(entry);
            }
        })
    }

    /// Revokes all tokens and forgets those that never came, for a sign-in that ends.
    ///
    /// # Errors
    /// As [`Self::revoke_abandoned`].
    pub fn revoke_all(&self) -> Result<usize> {
        self.end(&|list| {
            // Nothing but time can end a token that never came.
            list.entries.retain(|entry| entry.tokens.is_some());
            list.created.clear();
            for entry in &mut list.entries {
                entry.ending = true;
            }
        })
    }

    /// Revokes what `mark` marks in the list.
    fn end(&self, mark: &dyn Fn(&mut ScopedList)) -> Result<usize> {
        if !self.store.was_used() {
            return Ok(0);
        }
        let mut locked = self.lock()?;
        let mut list = self.read(locked.load())?;
        list.forget_ended(self.clock().now());
        mark(&mut list);
        let count = list.ending().len();
        self.read(locked.save(&list))?;
        self.revoke_ending(locked.as_mut(), &mut list)?;
        Ok(count)
    }

    /// The token of this use, if it is not due. The store is not read for it.
    fn serve(&self, list: &ScopedList, used: &Use, min_ttl: MinTtl) -> Result<Option<Served>> {
        if let Some(entry) = list.entry(used) {
            check_min_ttl(entry, min_ttl)?;
        }
        let now = self.clock().now();
        Ok(list.serve(used, now, min_ttl).and_then(served))
    }

    fn serve_anyway(&self, used: &Use, error: Error) -> Result<Served> {
        let now = self.clock().now();
        let list = self.store.load().unwrap_or_default();
        let valid = list.entry(used).filter(|entry| !entry.rejected);
        let valid = valid.filter(|entry| entry.expires_at().is_none_or(|end| now < end));
        match valid.and_then(served) {
            Some(served) if !matches!(error, Error::Usage { .. }) => {
                self.broker.observer.observe(&Event::ServedAnyway {
                    cause: error.to_string(),
                    left: served.expires_at.map(|end| now.until(end)),
                });
                Ok(served)
            }
            Some(_) | None => Err(error),
        }
    }

    /// Revokes what is marked so, and forgets it.
    fn revoke_ending(
        &self,
        locked: &mut dyn LockedScopedStore,
        list: &mut ScopedList,
    ) -> Result<()> {
        let ending = list.ending();
        if ending.is_empty() {
            return Ok(());
        }
        let secret = self.read(self.store.secret())?;
        for token in ending {
            let revoked = match &secret {
                Some(secret) => self.github.delete_token(secret, &token),
                // Whoever holds a token may revoke it; GitHub tells its owner.
                None => self
                    .github
                    .revoke(&token, None)
                    .map(|()| TokenDeletion::Ended),
            };
            match revoked.map_err(|failure| self.failed(failure))? {
                TokenDeletion::Ended => list.forget(&token),
                TokenDeletion::WrongSecret => {
                    return Err(self.problem(ScopedTokenProblem::WrongSecret));
                }
            }
            self.read(locked.save(list))?;
        }
        Ok(())
    }

    fn lock(&self) -> Result<Box<dyn LockedScopedStore + '_>> {
        let limit = self.broker.limits.caller;
        let deadline = self.clock().monotonic() + limit;
        loop {
            if let Some(locked) = self.read(self.store.try_lock())? {
                return Ok(locked);
            }
            if self.clock().monotonic() >= deadline {
                return Err(Error::GaveUpWaiting {
                    app: self.app().label().to_owned(),
                    waited: limit,
                });
            }
            self.clock().sleep(LOCK_PAUSE);
        }
    }

    fn clock(&self) -> &dyn Clock {
        self.broker.clock
    }

    fn app(&self) -> &App {
        self.broker.app
    }

    fn read<T>(&self, result: Result<T, StoreError>) -> Result<T> {
        result.map_err(|error| self.store_error(error))
    }

    fn store_error(&self, error: StoreError) -> Error {
        self.broker.store_error(error)
    }

    fn problem(&self, why: ScopedTokenProblem) -> Error {
        Error::ScopedToken(NoScopedToken {
            app: self.app().label().to_owned(),
            why,
            login: (self.broker.login_command)(),
        })
    }

    fn failed(&self, failure: RequestFailure) -> Error {
        let retry_after = failure.retry_after();
        let cause = match failure {
            RequestFailure::NotSent(cause)
            | RequestFailure::Unknown(cause)
            | RequestFailure::Answered { cause, .. } => match cause.setting_error() {
                Some(error) => return error,
                None => cause.to_string(),
            },
            refused @ RequestFailure::Refused { .. } => refused.to_string(),
        };
        Error::Temporary {
            app: self.app().label().to_owned(),
            what: "could not create or revoke a scoped token",
            cause,
            retry_after,
            tokens: StoredTokens::Kept,
        }
    }
}

fn served(entry: &HandedOut) -> Option<Served> {
    let tokens = entry.tokens.as_ref()?;
    Some(Served {
        token: tokens.access_token().clone(),
        expires_at: tokens.expires_at(),
        due_at: tokens.due_at(MinTtl::DEFAULT),
        account: entry.account.clone(),
        generation: entry.generation(),
        sign_in_before: None,
    })
}

/// Refuses a min TTL that even a new token does not have: each call would create one.
fn check_min_ttl(entry: &HandedOut, min_ttl: MinTtl) -> Result<()> {
    match (&entry.tokens, min_ttl) {
        (Some(TokenSet::Expiring { access, .. }), MinTtl::Explicit(asked))
            if asked >= access.lifetime =>
        {
            Err(Error::Usage {
                message: format!(
                    "--min-ttl {} is not less than the lifetime of a new scoped token, {}",
                    flag_duration(asked),
                    flag_duration(access.lifetime)
                ),
                hint: format!(
                    "ask for less, for example: --min-ttl {}",
                    flag_duration(access.lifetime / 2)
                ),
            })
        }
        (Some(_) | None, _) => Ok(()),
    }
}
