//! The tokens of an MCP conversation. Each request opens the App's store again: a conversation outlives
//! buses and keychains, and its threads share nothing but the configuration.

use std::time::Duration;

use crate::app::App;
use crate::auth::outcome::Happened;
use crate::auth::scope::TokenScope;
use crate::error::{Error, Result};
use crate::mcp::conversation::{Remedy, SavedGeneration, TokenError, TokenInfo};
use crate::session::{Call, Holder, Session, TokenSource};
use crate::system::browser::Browser;
use crate::token::AccessToken;

/// A token, and what the conversation knows of it.
pub(super) type Fetched = std::result::Result<(TokenInfo, AccessToken), TokenError>;

/// The tokens of one App.
pub(crate) struct Tokens<'a> {
    pub(crate) session: &'a Session<'a>,
    pub(crate) app: &'a App,
    /// Opens the page of each sign-in (`--open`).
    pub(crate) browser: Option<Browser>,
    /// What the tokens may do, if they are scoped, and the name under which this process has one.
    pub(crate) scope: Option<(TokenScope, Holder)>,
}

impl Tokens<'_> {
    /// A valid token; refreshed if it is due. May take as long as any caller waits.
    pub(super) fn fetch(&self) -> Fetched {
        self.with_call(|call| self.valid_token(call))
    }

    /// The same, once this token has been checked: a server's answer says that it is rejected.
    pub(super) fn check(&self, rejected: Option<&AccessToken>) -> Fetched {
        self.with_call(|call| {
            if let Some(token) = rejected {
                // What cannot be noted now is noted at the next such answer.
                let _ = call.tokens(None, None).reject(token, Duration::ZERO);
            }
            self.valid_token(call)
        })
    }

    /// What the outcome file says now, if it is about these tokens: a refresh replaces no scoped token.
    pub(super) fn last_outcome(&self) -> Option<SavedGeneration> {
        self.sign_in_outcome().filter(|_| self.scope.is_none())
    }

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

    pub(super) fn valid_token(&self, call: &Call<'_>) -> Result<(TokenInfo, AccessToken)> {
        let scoped = self.scope.as_ref();
        let source = call.tokens(
            scoped.map(|(scope, _)| scope),
            scoped.map(|(_, holder)| holder),
        );
        let issued = source.access_token(None)?;
        call.reap_refresher();
        let news = TokenInfo {
            generation: issued.generation,
            due_at: issued.due_at,
            expires_at: issued.expires_at,
        };
        Ok((news, issued.token))
    }

    /// Revokes the scoped token of this process. What cannot be revoked now is revoked by a later ghtok.
    pub(crate) fn end(&self) {
        let Some((_, holder)) = &self.scope else {
            return;
        };
        let revoked = self
            .session
            .reopened()
            .with_call(self.app, |call| call.revoke_scoped(Some(holder)));
        if let Err(error) = revoked {
            log::info!("the scoped token is not revoked yet: {error}");
        }
    }

    fn with_call(
        &self,
        work: impl FnOnce(&Call<'_>) -> Result<(TokenInfo, AccessToken)>,
    ) -> Fetched {
        let session = self.session.reopened();
        session
            .with_call(self.app, work)
            .map_err(|error| token_error(&error))
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
