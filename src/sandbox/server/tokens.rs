//! The tokens of a sandbox. Requests share the reads of the store: there is one at a time, however many ask.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{EndReason, SandboxServer};
use crate::error::Result;
use crate::session::{Holder, IssuedToken, TokenSource};
use crate::token::{AccessToken, fingerprint};

/// The time between two reports of a rejected token that count.
const BETWEEN_REJECTIONS: Duration = Duration::from_secs(60);

/// How many reports count within an hour. Each can lead to a new token, and GitHub allows about ten within an hour.
const MOST_REJECTIONS: usize = 3;

const HOUR: Duration = Duration::from_secs(3600);

/// A renewed token may be reported for a while after its successor was handed out.
const REMEMBERED: usize = 8;

/// What the threads share.
pub(super) struct SandboxTokens {
    /// The name under which the scoped tokens are noted.
    holder: Option<Holder>,
    state: Mutex<TokenState>,
    read_ended: Condvar,
}

#[derive(Default)]
struct TokenState {
    reads: Reads,
    /// The tokens that were handed out, the newest last.
    handed_out: Vec<AccessToken>,
    /// When reports of rejected tokens counted within the last hour.
    rejections: Vec<Duration>,
    /// There are no more reads.
    is_closed: bool,
}

/// Reads of the store, counted.
#[derive(Default)]
struct Reads {
    begun: u64,
    ended: u64,
    latest: Option<Arc<Result<IssuedToken<'static>>>>,
}

impl SandboxTokens {
    pub(super) fn new(holder: Option<Holder>) -> Self {
        Self {
            holder,
            state: Mutex::default(),
            read_ended: Condvar::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, TokenState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'s>(&self, state: MutexGuard<'s, TokenState>) -> MutexGuard<'s, TokenState> {
        let waited = self.read_ended.wait(state);
        waited.unwrap_or_else(PoisonError::into_inner)
    }
}

impl SandboxServer<'_> {
    /// A valid token, from a read of the store that began after this call. May take as long as any caller waits.
    pub(crate) fn token(&self) -> Arc<Result<IssuedToken<'static>>> {
        let mut state = self.tokens.state();
        let wanted = state.reads.begun + 1;
        loop {
            if state.reads.ended >= wanted
                && let Some(latest) = &state.reads.latest
            {
                return Arc::clone(latest);
            }
            if state.is_closed {
                drop(state);
                let why = self.has_ended().unwrap_or(EndReason::Revoked);
                return Arc::new(Err(self.ended(why)));
            }
            if state.reads.begun == state.reads.ended {
                break;
            }
            state = self.tokens.wait(state);
        }
        state.reads.begun += 1;
        drop(state);
        let read = Arc::new(self.read_token());
        let mut state = self.tokens.state();
        state.reads.ended += 1;
        state.reads.latest = Some(Arc::clone(&read));
        self.tokens.read_ended.notify_all();
        read
    }

    /// Finds out whether there is a token, before anybody asks for it.
    ///
    /// # Errors
    /// Whatever keeps it from being had.
    pub(crate) fn check_token(&self) -> Result<()> {
        self.read_token().map(drop)
    }

    /// A token for the environment of a command; it is in the log.
    ///
    /// # Errors
    /// Whatever keeps it from being had, or entered into the log.
    pub(crate) fn first_token(&self) -> Result<IssuedToken<'static>> {
        let issued = self.read_token()?;
        self.log_first_token(&issued.token)?;
        Ok(issued)
    }

    fn read_token(&self) -> Result<IssuedToken<'static>> {
        if let Some(why) = self.has_ended() {
            return Err(self.ended(why));
        }
        let issued = self.session.reopened().with_call(self.app, |call| {
            let tokens = call.tokens(self.policy.scope.as_ref(), self.tokens.holder.as_ref());
            let issued = tokens.access_token(None)?.into_owned();
            call.reap_refresher();
            Ok(issued)
        })?;
        if let Some(why) = self.has_ended() {
            // It may have been created after the others were revoked.
            self.revoke()?;
            return Err(self.ended(why));
        }
        Ok(issued)
    }

    /// Whether a token was handed out before.
    pub(super) fn is_handed_out(&self, token: &AccessToken) -> bool {
        self.tokens.state().handed_out.contains(token)
    }

    /// Enters a token into the list of those that were handed out.
    pub(super) fn remember(&self, token: &AccessToken) {
        let known = &mut self.tokens.state().handed_out;
        if known.len() == REMEMBERED {
            known.remove(0);
        }
        known.push(token.clone());
    }

    /// Takes note of a scoped token that was answered 401: the next use checks it, and replaces it if it is
    /// invalid. False if the report does not count. The user access token is the host's affair.
    pub(super) fn reject(&self, rejected: &str) -> bool {
        let Some(token) = self.may_reject(rejected) else {
            return false;
        };
        let noted = self.session.reopened().with_call(self.app, |call| {
            let tokens = call.tokens(self.policy.scope.as_ref(), self.tokens.holder.as_ref());
            tokens.reject(&token, Duration::ZERO)
        });
        noted
            .inspect_err(|error| log::info!("sandbox: the rejected token is not noted: {error}"))
            .is_ok()
    }

    /// The token of this fingerprint, if a report of it counts now.
    fn may_reject(&self, rejected: &str) -> Option<AccessToken> {
        self.tokens.holder.as_ref()?;
        let now = self.clock().monotonic();
        let mut state = self.tokens.state();
        let mut known = state.handed_out.iter();
        let token = known.find(|token| fingerprint(token.expose()) == rejected)?;
        let token = token.clone();
        let rejections = &mut state.rejections;
        rejections.retain(|at| now.saturating_sub(*at) < HOUR);
        let last = rejections.last();
        let is_soon = last.is_some_and(|last| now.saturating_sub(*last) < BETWEEN_REJECTIONS);
        if is_soon || rejections.len() >= MOST_REJECTIONS {
            return None;
        }
        rejections.push(now);
        Some(token)
    }

    /// Ends the sandbox: waits for a token that is being created, revokes all that were handed out, and hands out
    /// no more.
    ///
    /// # Errors
    /// If they could not be revoked; a later ghtok then does it.
    pub(crate) fn close(&self) -> Result<()> {
        let mut state = self.tokens.state();
        state.is_closed = true;
        while state.reads.begun != state.reads.ended {
            state = self.tokens.wait(state);
        }
        drop(state);
        self.revoke()
    }

    fn revoke(&self) -> Result<()> {
        let Some(holder) = &self.tokens.holder else {
            return Ok(());
        };
        self.session
            .reopened()
            .with_call(self.app, |call| call.revoke_scoped_of(holder.name()))
            .map(drop)
    }
}
