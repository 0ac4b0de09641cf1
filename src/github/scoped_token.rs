//! Scoped tokens: creating and revoking them as the App itself, with its client secret (docs.github.com,
//! "Create a scoped access token" and "Delete an app token").

use std::time::Duration;

use serde::Serialize;
use serde_json::Map;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::token::{AccessToken, ClientSecret, SecretBuffer};

use super::request::HttpRequest;
use super::response::{Fields, HttpResponse};
use super::{GitHub, RequestFailure, server_text};

/// A description of the App and of its installation comes with the token.
const LARGEST: usize = 256 * 1024;

/// What a scoped token is asked for.
#[derive(Clone, Copy, Debug)]
pub struct ScopedTokenRequest<'a> {
    /// The user access token that it is created with.
    pub access_token: &'a AccessToken,
    /// The owner of its repositories.
    pub owner: &'a str,
    /// Names without the owner; empty for all that the App's installation covers.
    pub repositories: &'a [String],
    /// GitHub's names and levels; empty for all of the App's.
    pub permissions: &'a [(String, String)],
}

/// A new scoped token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopedGrant {
    /// The token.
    pub token: AccessToken,
    /// `None` if it never expires.
    pub lifetime: Option<Duration>,
}

/// What GitHub says to a request for a scoped token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScopedTokenAnswer {
    /// It was created.
    Created(ScopedGrant),
    /// 401 or 403: the client secret is not the App's.
    WrongSecret,
    /// 404: the user access token is not valid, or not of this App.
    TokenRejected,
    /// 422, and GitHub's reason: an owner, a repository or a permission.
    Invalid(String),
}

/// What GitHub says to the deletion of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenDeletion {
    /// It is not valid any more, or was not before.
    Ended,
    /// The client secret is not the App's.
    WrongSecret,
}

#[derive(Serialize)]
struct TokenBody<'a> {
    access_token: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    repositories: &'a [String],
    #[serde(skip_serializing_if = "Map::is_empty")]
    permissions: Map<String, serde_json::Value>,
}

impl GitHub {
    /// Asks once for a scoped token. After an unknown outcome there may be one that nobody knows.
    ///
    /// # Errors
    /// Anything that says nothing about the request.
    pub fn create_scoped_token(
        &self,
        secret: &ClientSecret,
        wanted: &ScopedTokenRequest<'_>,
    ) -> Result<ScopedTokenAnswer, RequestFailure> {
        let permissions = wanted.permissions.iter();
        let body = TokenBody {
            access_token: wanted.access_token.expose(),
            target: Some(wanted.owner),
            repositories: wanted.repositories,
            permissions: permissions
                .map(|(name, level)| (name.clone(), level.clone().into()))
                .collect(),
        };
        let request = self.request(secret, "/token/scoped", &body);
        let answer = self.ask(request.answered_by(LARGEST))?;
        judge(&answer).ok_or_else(|| answer.failure(&self.limits))
    }

    /// Revokes one token of this App and no other.
    ///
    /// # Errors
    /// Anything that says nothing about the token.
    pub fn delete_token(
        &self,
        secret: &ClientSecret,
        token: &AccessToken,
    ) -> Result<TokenDeletion, RequestFailure> {
        let body = TokenBody {
            access_token: token.expose(),
            target: None,
            repositories: &[],
            permissions: Map::new(),
        };
        let request = self.request(secret, "/token", &body).deleting();
        let answer = self.ask(request)?;
        match answer.status() {
            204 => Ok(TokenDeletion::Ended),
            // A token that is not valid is not found, or not valid as a body.
            404 | 422 if says_why(&answer) => Ok(TokenDeletion::Ended),
            401 | 403 if is_about_the_caller(&answer) => Ok(TokenDeletion::WrongSecret),
            _ => Err(answer.failure(&self.limits)),
        }
    }

    fn request(&self, secret: &ClientSecret, path: &str, body: &TokenBody<'_>) -> HttpRequest {
        let url = self.api(&format!("/applications/{}{path}", self.client_id));
        let mut json = SecretBuffer::with_capacity(1024);
        serde_json::to_writer(&mut json, body).expect("texts become JSON");
        HttpRequest::rest_post(url, json).signed_by_app(&self.client_id, secret)
    }
}

fn judge(answer: &HttpResponse) -> Option<ScopedTokenAnswer> {
    match answer.status() {
        200 | 201 => {
            let fields = answer.fields()?;
            let token = AccessToken::new(fields.text("token")?);
            let lifetime = lifetime(&fields);
            Some(ScopedTokenAnswer::Created(ScopedGrant { token, lifetime }))
        }
        401 | 403 if is_about_the_caller(answer) => Some(ScopedTokenAnswer::WrongSecret),
        404 if says_why(answer) => Some(ScopedTokenAnswer::TokenRejected),
        422 => {
            let fields = answer.fields()?;
            let message = fields.text("message").map(server_text::shown)?;
            Some(ScopedTokenAnswer::Invalid(message))
        }
        _ => None,
    }
}

/// The difference of two of the server's own times, for our clock may be wrong.
fn lifetime(fields: &Fields) -> Option<Duration> {
    let time = |name| OffsetDateTime::parse(fields.text(name)?, &Rfc3339).ok();
    let expires_at = time("expires_at")?;
    let created_at = time("updated_at").or_else(|| time("created_at"));
    let left = expires_at - created_at.unwrap_or_else(|| expires_at - UNKNOWN);
    // It is revoked when it ends here, so less than it has is safe.
    let seconds = u64::try_from(left.whole_seconds()).unwrap_or(0);
    Some(Duration::from_secs(seconds).min(LONGEST))
}

/// The lifetime of a token whose creation time GitHub does not say.
const UNKNOWN: Duration = Duration::from_secs(3600);

/// The longest lifetime that is believed.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

/// A proxy's page says nothing about the caller or the token.
fn says_why(answer: &HttpResponse) -> bool {
    answer
        .fields()
        .is_some_and(|fields| fields.text("message").is_some())
}

/// A rate limit is a 403 as well.
fn is_about_the_caller(answer: &HttpResponse) -> bool {
    says_why(answer) && !answer.is_rate_limited()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(status: u16, body: &str) -> Option<ScopedTokenAnswer> {
        judge(&HttpResponse::whole(
            status,
            "application/json; charset=utf-8",
            body,
        ))
    }

    #[test]
    fn a_lifetime_is_the_difference_of_the_servers_times() {
        let body =
            |times: &str| format!(r#"{{"id":1,"token":"ghu_s","app":{{"token":"x"}}{times}}}"#);
        for (times, seconds) in [
            (
                r#","created_at":"2020-01-01T00:00:00Z","expires_at":"2020-01-01T08:00:00Z""#,
                Some(28_800),
            ),
            (
                r#","updated_at":"2020-01-01T04:00:00Z","created_at":"2020-01-01T00:00:00Z","expires_at":"2020-01-01T08:00:00Z""#,
                Some(14_400),
            ),
            (r#","expires_at":"2020-01-01T08:00:00Z""#, Some(3600)),
            (
                r#","created_at":"2020-01-02T00:00:00Z","expires_at":"2020-01-01T08:00:00Z""#,
                Some(0),
            ),
            (r#","expires_at":null"#, None),
            ("", None),
        ] {
            let Some(ScopedTokenAnswer::Created(grant)) = judged(200, &body(times)) else {
                panic!("{times}");
            };
            assert_eq!(grant.token.expose(), "ghu_s");
            assert_eq!(grant.lifetime, seconds.map(Duration::from_secs), "{times}");
        }
    }

    #[test]
    fn only_githubs_own_words_are_an_answer() {
        let message = r#"{"message":"Bad credentials"}"#;
        assert_eq!(judged(401, message), Some(ScopedTokenAnswer::WrongSecret));
        assert_eq!(judged(403, message), Some(ScopedTokenAnswer::WrongSecret));
        assert_eq!(judged(404, message), Some(ScopedTokenAnswer::TokenRejected));
        assert_eq!(
            judged(422, r#"{"message":"no \u001b[2J repository"}"#),
            Some(ScopedTokenAnswer::Invalid("no [2J repository".into()))
        );
        for status in [401, 403, 404, 422, 200, 500] {
            for page in ["<html>Sign in</html>", "", "{}"] {
                assert_eq!(judged(status, page), None, "{status} {page}");
            }
        }
    }
}
