//! Asking who a token belongs to, and so whether it lives (docs.github.com, "REST API endpoints
//! for users": `GET /user`).

use crate::limits::Limits;
use crate::token::AccessToken;

use super::request::HttpRequest;
use super::response::HttpResponse;
use super::{GitHub, RequestFailure};

/// What the REST API says about an access token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserAnswer {
    /// It lives, and this is whose it is.
    Account {
        /// The GitHub login.
        login: String,
        /// The account's number, which stays when the login changes.
        id: u64,
    },
    /// GitHub does not accept it (401). A token of less than some three seconds may be told so too.
    Unauthorized,
}

impl GitHub {
    /// Asks once, within `Limits::check` from the name look-up to the last byte.
    ///
    /// # Errors
    /// Anything that says nothing about the token, 403 and pages of a proxy among it.
    pub fn user(&self, token: &AccessToken) -> Result<UserAnswer, RequestFailure> {
        let request = HttpRequest::rest_get(self.api("/user"), token);
        judge(self.ask_within(request, self.limits.check)?, &self.limits)
    }
}

fn judge(answer: HttpResponse, limits: &Limits) -> Result<UserAnswer, RequestFailure> {
    let fields = answer.fields();
    // GitHub's 401 is JSON with a message; a proxy's page says nothing about the token.
    if answer.status() == 401 && fields.as_ref().is_some_and(|f| f.text("message").is_some()) {
        return Ok(UserAnswer::Unauthorized);
    }
    let account = fields
        .filter(|_| answer.status() == 200)
        .and_then(|fields| {
            let login = fields
                .text("login")
                .filter(|login| is_login(login))?
                .to_owned();
            Some(UserAnswer::Account {
                login,
                id: fields.whole_number("id")?,
            })
        });
    account.ok_or_else(|| answer.failure(limits))
}

/// Letters, digits, hyphens, the underscore of managed users and the brackets of bots.
pub(super) fn is_login(login: &str) -> bool {
    login.len() <= 100
        && login
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_[]".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(status: u16, body: &str) -> Result<UserAnswer, RequestFailure> {
        judge(
            HttpResponse::whole(status, "application/json; charset=utf-8", body),
            &Limits::STANDARD,
        )
    }

    #[test]
    fn an_account_is_read() {
        let body = r#"{"login":"octo-cat_corp","id":583231,"type":"User","plan":{"name":"x"}}"#;
        let account = UserAnswer::Account {
            login: "octo-cat_corp".into(),
            id: 583_231,
        };
        assert_eq!(user(200, body), Ok(account));
    }

    #[test]
    fn only_githubs_own_401_speaks_against_a_token() {
        let bad = r#"{"message":"Bad credentials","documentation_url":"https://docs.github.com/rest","status":"401"}"#;
        assert_eq!(user(401, bad), Ok(UserAnswer::Unauthorized));
        for body in [
            "<html>Sign in to the proxy</html>",
            "",
            "{}",
            "[]",
            "Unauthorized",
        ] {
            assert!(user(401, body).is_err(), "{body}");
        }
        let forbidden = user(403, r#"{"message":"Resource not accessible"}"#).expect_err("403");
        assert_eq!(
            forbidden.to_string(),
            "ghes.example answered HTTP 403: Resource not accessible"
        );
    }

    #[test]
    fn an_account_that_could_not_be_one_is_no_account() {
        for body in [
            "{}",
            r#"{"login":"octo"}"#,
            r#"{"login":"\u001b[2J","id":1}"#,
            r#"{"login":"a/b","id":1}"#,
            r#"{"login":"octo","id":-1}"#,
            r#"{"login":"octo","id":1.5}"#,
        ] {
            assert!(user(200, body).is_err(), "{body}");
        }
    }
}
