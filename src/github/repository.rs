//! Asking for one repository (docs.github.com, "REST API endpoints for repositories":
//! `GET /repos/{owner}/{repo}`).

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

use crate::token::AccessToken;

use super::request::HttpRequest;
use super::response::HttpResponse;
use super::user::is_login;
use super::{GitHub, RequestFailure};

/// A description of a repository with its templates has some 20 KiB; forks have two more.
const LARGEST: usize = 512 * 1024;

/// `OWNER/NAME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepositoryName {
    /// The account.
    pub owner: String,
    /// The repository's own name.
    pub name: String,
}

impl FromStr for RepositoryName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "is not a repository (expected OWNER/NAME)";
        let (owner, name) = text.split_once('/').ok_or(WRONG)?;
        let fits = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
        let name_fits = (1..=100).contains(&name.len())
            && name.bytes().all(fits)
            && !matches!(name, "." | "..");
        if owner.is_empty() || !is_login(owner) || !name_fits {
            return Err(WRONG);
        }
        Ok(Self {
            owner: owner.to_owned(),
            name: name.to_owned(),
        })
    }
}

impl fmt::Display for RepositoryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)
    }
}

/// What the REST API says of a repository to a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RepositoryAnswer {
    /// It can be read.
    Readable {
        /// Whether the person may push to it; the App's permissions are another matter.
        may_push: bool,
        /// Whether only some may read it.
        is_private: bool,
    },
    /// 404: it does not exist, or the token does not reach it.
    NotFound,
    /// 403, and GitHub's reason.
    Forbidden(String),
    /// 401: GitHub does not accept the token.
    Unauthorized,
}

#[derive(Deserialize)]
struct RepositoryBody {
    private: bool,
    permissions: Option<RepositoryRights>,
}

#[derive(Deserialize)]
struct RepositoryRights {
    push: bool,
}

impl GitHub {
    /// Asks once, within `Limits::check` from the name look-up to the last byte.
    ///
    /// # Errors
    /// Anything that says nothing about the repository.
    pub(crate) fn repository(
        &self,
        token: &AccessToken,
        repository: &RepositoryName,
    ) -> Result<RepositoryAnswer, RequestFailure> {
        let path = format!("/repos/{repository}");
        let request = HttpRequest::rest_get(self.api(&path), token).answered_by(LARGEST);
        let answer = self.ask_within(request, self.limits.check)?;
        judge(&answer).ok_or_else(|| answer.failure(&self.limits))
    }
}

fn judge(answer: &HttpResponse) -> Option<RepositoryAnswer> {
    // A proxy's page says nothing about the repository.
    let message = || {
        answer
            .fields()?
            .text("message")
            .map(super::server_text::shown)
    };
    match answer.status() {
        200 => {
            let RepositoryBody {
                private,
                permissions,
            } = answer.json()?;
            Some(RepositoryAnswer::Readable {
                may_push: permissions.is_some_and(|permissions| permissions.push),
                is_private: private,
            })
        }
        401 => message().map(|_| RepositoryAnswer::Unauthorized),
        403 => message().map(RepositoryAnswer::Forbidden),
        404 => message().map(|_| RepositoryAnswer::NotFound),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_an_owner_and_a_name_and_nothing_else() {
        for good in ["octo/cat", "octo-corp_x/.github", "o/a.b_c-d"] {
            assert_eq!(
                good.parse::<RepositoryName>().expect(good).to_string(),
                good
            );
        }
        for bad in [
            "", "octo", "/x", "o/", "o/..", "o/x/y", "o/x?y", "o x/y", "o/é",
        ] {
            assert!(bad.parse::<RepositoryName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn only_githubs_own_answers_say_something() {
        let judged = |status, body| judge(&HttpResponse::whole(status, "application/json", body));
        let message = r#"{"message":"Not Found"}"#;
        assert_eq!(
            judged(
                200,
                r#"{"name":"x","private":true,"permissions":{"push":true,"pull":true}}"#
            ),
            Some(RepositoryAnswer::Readable {
                may_push: true,
                is_private: true
            })
        );
        assert_eq!(judged(404, message), Some(RepositoryAnswer::NotFound));
        assert_eq!(judged(401, message), Some(RepositoryAnswer::Unauthorized));
        for status in [401, 403, 404] {
            assert_eq!(judged(status, "<html>proxy</html>"), None);
        }
        assert_eq!(judged(200, "{}"), None);
    }
}
