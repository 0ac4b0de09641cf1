//! Revoking a pair (docs.github.com, "REST API endpoints for revocation":
//! `POST /credentials/revoke`, open to anybody who holds the tokens; GitHub mails the owner).

use serde_json::json;
use zeroize::Zeroizing;

use crate::token::{AccessToken, RefreshToken};

use super::request::Request;
use super::{Failure, GitHub};

impl GitHub {
    /// Revokes both tokens. GitHub does not say whether there was anything to revoke.
    ///
    /// # Errors
    /// Anything but a 2xx answer; GitHub Enterprise Server may not have this address.
    pub fn revoke(
        &self,
        access: &AccessToken,
        refresh: Option<&RefreshToken>,
    ) -> Result<(), Failure> {
        let mut credentials = vec![access.expose()];
        credentials.extend(refresh.map(RefreshToken::expose));
        let json = json!({ "credentials": credentials }).to_string();
        // Without `Authorization`: github.com answers 403 to whoever signs this request.
        let request = Request::rest_post(self.api("/credentials/revoke"), Zeroizing::new(json));
        let answer = self.ask(request)?;
        if answer.is_success() && !answer.is_html() {
            return Ok(());
        }
        Err(answer.failure(&self.limits))
    }
}
