//! Where subcommands get tokens from.

use std::borrow::Cow;
use std::time::Duration;

use super::{Call, Holder};
use crate::auth::broker::Served;
use crate::auth::record::Record;
use crate::auth::rejection::mark_rejected;
use crate::auth::scope::TokenScope;
use crate::error::Result;
use crate::formats::token_json::TokenJson;
use crate::host::Host;
use crate::token::{AccessToken, MinTtl, SecretBuffer, Timestamp};

/// The tokens of one App and one scope: from a sign-in on this machine, or through the socket of a sandbox.
pub trait TokenSource {
    /// A valid token. With `min_ttl` it has at least that much left, where this source can renew it.
    ///
    /// # Errors
    /// Whatever keeps a token from being had.
    fn access_token(&self, min_ttl: Option<Duration>) -> Result<IssuedToken<'_>>;

    /// Takes note of a token that was answered 401: the next use checks it once, and replaces it if it is
    /// invalid. A token that is not from here, or is younger than `min_age`, is ignored.
    ///
    /// # Errors
    /// If no note can be taken.
    fn reject(&self, token: &AccessToken, min_age: Duration) -> Result<()>;
}

/// A token, and what its user needs to know.
pub struct IssuedToken<'a> {
    /// The App's name, or its client ID if it has none.
    pub app: Cow<'a, str>,
    /// The only host that may be sent the token.
    pub host: Cow<'a, Host>,
    /// The account, if it is known.
    pub login: Option<String>,
    /// The token.
    pub token: AccessToken,
    /// When it expires; `None` if it never does.
    pub expires_at: Option<Timestamp>,
    /// When the next one should be asked for; `None` if never.
    pub due_at: Option<Timestamp>,
    /// A number that changes with each new token, and never decreases.
    pub generation: u64,
}

impl IssuedToken<'_> {
    /// The line of `get --format json`.
    pub(crate) fn to_json(&self) -> SecretBuffer {
        TokenJson {
            app: &self.app,
            host: &self.host,
            login: self.login.as_deref(),
            token: &self.token,
            expires_at: self.expires_at,
        }
        .to_line()
    }

    /// The same, for longer than its source.
    #[cfg(unix)]
    pub(crate) fn into_owned(self) -> IssuedToken<'static> {
        IssuedToken {
            app: Cow::Owned(self.app.into_owned()),
            host: Cow::Owned(self.host.into_owned()),
            login: self.login,
            token: self.token,
            expires_at: self.expires_at,
            due_at: self.due_at,
            generation: self.generation,
        }
    }
}

/// The tokens of a sign-in: its own, or those of a scope.
#[derive(Clone, Copy)]
pub struct SignInTokens<'a> {
    call: &'a Call<'a>,
    scope: Option<&'a TokenScope>,
    holder: Option<&'a Holder>,
}

impl<'a> Call<'a> {
    /// The tokens of the sign-in, or with a scope those of this scope. `holder` is set for a process that
    /// revokes its token at its end.
    pub fn tokens(
        &'a self,
        scope: Option<&'a TokenScope>,
        holder: Option<&'a Holder>,
    ) -> SignInTokens<'a> {
        SignInTokens {
            call: self,
            scope,
            holder,
        }
    }
}

impl TokenSource for SignInTokens<'_> {
    fn access_token(&self, min_ttl: Option<Duration>) -> Result<IssuedToken<'_>> {
        let call = self.call;
        let min_ttl = min_ttl.map_or(call.min_ttl, MinTtl::Explicit);
        let served = match self.scope {
            None => call.broker.access_token(min_ttl)?,
            Some(scope) => {
                let holder = self.holder.map(Holder::name);
                call.with_scoped(|tokens| tokens.access_token(scope, holder, min_ttl))?
            }
        };
        let Served {
            token,
            expires_at,
            due_at,
            account,
            generation,
            sign_in_before: _,
        } = served;
        Ok(IssuedToken {
            app: Cow::Borrowed(call.app.label()),
            host: Cow::Borrowed(&call.app.host),
            login: account.map(|account| account.login),
            token,
            expires_at,
            due_at,
            generation,
        })
    }

    fn reject(&self, token: &AccessToken, min_age: Duration) -> Result<()> {
        let call = self.call;
        let is_old_enough = |since: Timestamp| since.until(call.clock.now()) >= min_age;
        let is_it = |record: &Record| {
            record.tokens.access_token() == token && is_old_enough(record.obtained_at)
        };
        mark_rejected(call.store, call.clock, is_it).map_err(|error| call.store_error(error))?;
        call.with_scoped(|tokens| {
            tokens.reject(&|entry| entry.token() == Some(token) && is_old_enough(entry.created_at))
        })
        .map(drop)
    }
}
