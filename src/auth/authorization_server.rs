//! What a refresh and scoped tokens ask GitHub.

use std::time::Duration;

use crate::github::{
    GitHub, Installations, Refreshed, RequestFailure, ScopedTokenAnswer, ScopedTokenRequest,
    TokenDeletion, UserAnswer,
};
use crate::permits::RefreshPermit;
use crate::token::{AccessToken, ClientSecret, RefreshToken};

/// Sends the refresh token on a connection that is already made, once. Its error is `Unknown` if GitHub may
/// have replaced the pair; after any other error the refresh token is as valid as before.
pub type Exchange<'a> =
    Box<dyn FnOnce(&RefreshToken, RefreshPermit<'_>) -> Result<Refreshed, RequestFailure> + 'a>;

/// GitHub, where the App is registered. `GitHub` has the meaning and the errors of each call.
pub trait AuthorizationServer {
    /// Connects for a refresh; writes nothing.
    fn connect(&self) -> Result<Exchange<'_>, RequestFailure>;
    /// Asks whose access token this is.
    fn user(&self, token: &AccessToken) -> Result<UserAnswer, RequestFailure>;
    /// Revokes both tokens.
    fn revoke(
        &self,
        access: &AccessToken,
        refresh: Option<&RefreshToken>,
    ) -> Result<(), RequestFailure>;
    /// Creates a scoped token.
    fn create_scoped_token(
        &self,
        secret: &ClientSecret,
        wanted: &ScopedTokenRequest<'_>,
    ) -> Result<ScopedTokenAnswer, RequestFailure>;
    /// Revokes one token of the App.
    fn delete_token(
        &self,
        secret: &ClientSecret,
        token: &AccessToken,
    ) -> Result<TokenDeletion, RequestFailure>;
    /// Asks where the App is installed.
    fn installations(
        &self,
        token: &AccessToken,
        whole: Duration,
        elapsed: &dyn Fn() -> Duration,
    ) -> Result<Installations, RequestFailure>;
}

impl AuthorizationServer for GitHub {
    fn connect(&self) -> Result<Exchange<'_>, RequestFailure> {
        let connection = self.connect()?;
        Ok(Box::new(move |token, permit| {
            connection.refresh(token, permit)
        }))
    }

    fn user(&self, token: &AccessToken) -> Result<UserAnswer, RequestFailure> {
        self.user(token)
    }

    fn revoke(
        &self,
        access: &AccessToken,
        refresh: Option<&RefreshToken>,
    ) -> Result<(), RequestFailure> {
        self.revoke(access, refresh)
    }

    fn create_scoped_token(
        &self,
        secret: &ClientSecret,
        wanted: &ScopedTokenRequest<'_>,
    ) -> Result<ScopedTokenAnswer, RequestFailure> {
        self.create_scoped_token(secret, wanted)
    }

    fn delete_token(
        &self,
        secret: &ClientSecret,
        token: &AccessToken,
    ) -> Result<TokenDeletion, RequestFailure> {
        self.delete_token(secret, token)
    }

    fn installations(
        &self,
        token: &AccessToken,
        whole: Duration,
        elapsed: &dyn Fn() -> Duration,
    ) -> Result<Installations, RequestFailure> {
        self.installations(token, whole, elapsed)
    }
}
