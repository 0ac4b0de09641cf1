//! The tokens of an MCP conversation. Each request to a sign-in opens the App's store again: a conversation
//! outlives buses and keychains, and its threads share nothing but the configuration.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::app::App;
use crate::auth::outcome::Happened;
use crate::auth::scope::TokenScope;
use crate::error::{Error, Result};
use crate::mcp::conversation::{Remedy, SavedGeneration, TokenError, TokenInfo};
use crate::session::{Call, Holder, IssuedToken, Session, TokenSource};
use crate::system::browser::Browser;
use crate::token::AccessToken;

/// A token, and what the conversation knows of it.
pub(super) type Fetched = std::result::Result<(TokenInfo, AccessToken), TokenError>;

/// The tokens of one App.
pub(crate) enum Tokens<'a> {
    /// Of a sign-in of this machine.
    SignIn(OwnTokens<'a>),
    /// Of a sandbox.
    Sandbox(HostTokens<'a>),
}

/// The tokens of a sign-in.
pub(crate) struct OwnTokens<'a> {
    pub(crate) session: &'a Session<'a>,
    pub(crate) app: &'a App,
    /// Opens the page of each sign-in (`--open`).
    pub(crate) browser: Option<Browser>,
    /// What the tokens may do, if they are scoped, and the name under which this process has one.
    pub(crate) scope: Option<(TokenScope, Holder)>,
}

/// The tokens that the host gives to a sandbox.
pub(crate) struct HostTokens<'a> {
    source: &'a (dyn TokenSource + Sync),
    /// The latest, and how many there were.
    latest: Mutex<(u64, Option<AccessToken>)>,
}

impl Tokens<'_> {
    /// A valid token; refreshed if it is due. May take as long as any caller waits.
    pub(super) fn fetch(&self) -> Fetched {
        self.check(None)
    }

    /// The same, once this token has been checked: a server's answer says that it is rejected.
    pub(super) fn check(&self, rejected: Option<&AccessToken>) -> Fetched {
        let fetched = match self {
            Self::SignIn(own) => own.check(rejected),
            Self::Sandbox(host) => host.checked_token(rejected),
        };
        fetched.map_err(|error| token_error(&error))
    }

    /// What the outcome file says now, if it is about these tokens: a refresh replaces no scoped token.
    pub(super) fn last_outcome(&self) -> Option<SavedGeneration> {
        match self {
            Self::SignIn(own) => own.sign_in_outcome().filter(|_| own.scope.is_none()),
            Self::Sandbox(_) => None,
        }
    }

    /// Revokes the scoped token of this process. What cannot be revoked now is revoked by a later ghtok.
    pub(crate) fn end(&self) {
        match self {
            Self::SignIn(own) => own.end(),
            Self::Sandbox(_) => {}
        }
    }
}

impl OwnTokens<'_> {
    /// What the outcome file says now about the sign-in.
    pub(super) fn sign_in_outcome(&self) -> Option<SavedGeneration> {
        let outcome = self.session.last_outcome(self.app)?;
        let is_stored = match outcome.what {
            Happened::Saved | Happened::Deleted => true,
            Happened::Sent => false,
            Happened::Failed(_) | Happened::Unknown(_) => return None,
        };
        Some(SavedGeneration {
            generation: outcome.generation,
            is_stored,
        })
    }

    /// As [`Tokens::fetch`].
    pub(super) fn fetch(&self) -> Fetched {
        self.check(None).map_err(|error| token_error(&error))
    }

    fn check(&self, rejected: Option<&AccessToken>) -> Result<(TokenInfo, AccessToken)> {
        let session = self.session.reopened();
        session.with_call(self.app, |call| self.checked_token(call, rejected))
    }

    pub(super) fn valid_token(&self, call: &Call<'_>) -> Result<(TokenInfo, AccessToken)> {
        self.checked_token(call, None)
    }

    fn checked_token(
        &self,
        call: &Call<'_>,
        rejected: Option<&AccessToken>,
    ) -> Result<(TokenInfo, AccessToken)> {
        let scoped = self.scope.as_ref();
        let source = call.tokens(
            scoped.map(|(scope, _)| scope),
            scoped.map(|(_, holder)| holder),
        );
        let issued = checked_token(&source, rejected)?;
        call.reap_refresher();
        Ok((info(&issued, issued.generation), issued.token))
    }

    fn end(&self) {
        let Some((_, holder)) = &self.scope else {
            return;
        };
        let revoked = self.session.reopened().with_call(self.app, |call| {
            let revoked = call.revoke_scoped_of(holder.name());
            call.release(holder);
            revoked
        });
        if let Err(error) = revoked {
            log::info!("the scoped token is not revoked yet: {error}");
        }
    }
}

impl<'a> HostTokens<'a> {
    pub(crate) fn new(source: &'a (dyn TokenSource + Sync)) -> Self {
        Self {
            source,
            latest: Mutex::default(),
        }
    }

    fn checked_token(&self, rejected: Option<&AccessToken>) -> Result<(TokenInfo, AccessToken)> {
        let issued = checked_token(self.source, rejected)?;
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        if latest.1.as_ref() != Some(&issued.token) {
            *latest = (latest.0 + 1, Some(issued.token.clone()));
        }
        Ok((info(&issued, latest.0), issued.token))
    }
}

/// A valid token, once the rejected one is reported. A report that is lost is made again at the next such
/// answer.
fn checked_token<'s>(
    source: &'s dyn TokenSource,
    rejected: Option<&AccessToken>,
) -> Result<IssuedToken<'s>> {
    if let Some(token) = rejected {
        let _ = source.reject(token, Duration::ZERO);
    }
    source.access_token(None)
}

fn info(issued: &IssuedToken<'_>, generation: u64) -> TokenInfo {
    TokenInfo {
        generation,
        due_at: issued.due_at,
        expires_at: issued.expires_at,
    }
}

pub(super) fn token_error(error: &Error) -> TokenError {
    let hint = error
        .one_line_hint()
        .map(|hint| format!("; {hint}"))
        .unwrap_or_default();
    let remedy = match error {
        Error::SignInNeeded { .. } => Remedy::SignIn,
        _ => Remedy::Other,
    };
    TokenError {
        text: format!("{error}{hint}"),
        remedy,
    }
}
