//! Revoking a pair (docs.github.com, "REST API endpoints for revocation":
//! `POST /credentials/revoke`, open to anybody who holds the tokens; GitHub mails the owner).

use serde::Serialize;

use crate::token::{AccessToken, RefreshToken, SecretBuffer};

use super::request::HttpRequest;
use super::{GitHub, RequestFailure};

#[derive(Serialize)]
struct Body<'a> {
    credentials: Vec<&'a str>,
}

impl GitHub {
    /// Revokes both tokens. GitHub does not say whether there was anything to revoke.
    ///
    /// # Errors
    /// Anything but a 2xx answer; GitHub Enterprise Server may not have this address.
    pub fn revoke(
        &self,
        access: &AccessToken,
        refresh: Option<&RefreshToken>,
    ) -> Result<(), RequestFailure> {
        let mut credentials = vec![access.expose()];
        credentials.extend(refresh.map(RefreshToken::expose));
        let mut body = SecretBuffer::with_capacity(512);
        serde_json::to_writer(&mut body, &Body { credentials }).expect("texts become JSON");
        // Without `Authorization`: github.com answers 403 to whoever signs this request.
        let request = HttpRequest::rest_post(self.api("/credentials/revoke"), body);
        let answer = self.ask(request)?;
        if answer.is_success() && !answer.is_html() {
            return Ok(());
        }
        Err(answer.failure(&self.limits))
    }
}
