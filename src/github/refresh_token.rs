//! Exchanging a refresh token for the next pair (RFC 6749 section 6), in two steps: connect first,
//! so that nothing is spent while offline, then send once. No client secret: GitHub asks none for
//! tokens of the device flow (docs.github.com, "Refreshing user access tokens").

use std::fmt;

use crate::app::ClientId;
use crate::limits::Limits;
use crate::permits::RefreshPermit;
use crate::token::RefreshToken;

use super::connection::Link;
use super::request::HttpRequest;
use super::response::HttpResponse;
use super::token_response::TokenResponse;
use super::{GitHub, GrantedTokens, RequestFailure};

/// A connection to the token endpoint on which nothing was written yet. It waits as long as the
/// server lets it.
pub struct RefreshConnection {
    link: Link,
    url: String,
    client_id: ClientId,
    limits: Limits,
}

/// What the server says about a refresh token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refreshed {
    /// The next pair. The one before it is dead, access token and all.
    Granted(GrantedTokens),
    /// The refresh token was used, revoked, or has expired.
    BadRefreshToken,
}

impl GitHub {
    /// Looks up the host, connects and finishes the TLS handshake; writes nothing of a request.
    ///
    /// # Errors
    /// Always `NotSent`.
    pub fn connect(&self) -> Result<RefreshConnection, RequestFailure> {
        let url = self.web("/login/oauth/access_token");
        let link = self.link(&url, self.limits.connect)?;
        Ok(RefreshConnection {
            link,
            url,
            client_id: self.client_id.clone(),
            limits: self.limits,
        })
    }
}

impl RefreshConnection {
    /// Sends the refresh token once, under the record's lock.
    ///
    /// # Errors
    /// `Unknown` if GitHub may have replaced the pair and its answer was lost; after any other
    /// failure the refresh token is as good as before.
    pub fn refresh(
        self,
        token: &RefreshToken,
        _: RefreshPermit<'_>,
    ) -> Result<Refreshed, RequestFailure> {
        let fields = [
            ("client_id", self.client_id.as_str()),
            ("grant_type", "refresh_token"),
            ("refresh_token", token.expose()),
        ];
        let answer = self
            .link
            .send(HttpRequest::form(self.url, &fields), self.limits.answer)?;
        judge(answer, &self.limits)
    }
}

impl fmt::Debug for RefreshConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefreshConnection")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

fn judge(answer: HttpResponse, limits: &Limits) -> Result<Refreshed, RequestFailure> {
    match TokenResponse::of(&answer) {
        TokenResponse::Granted(grant) => Ok(Refreshed::Granted(grant)),
        TokenResponse::Error(error) if error == "bad_refresh_token" => {
            Ok(Refreshed::BadRefreshToken)
        }
        TokenResponse::Error(_) | TokenResponse::Neither => Err(answer.oauth_failure(limits)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::github::HttpError;

    const JSON: &str = "application/json; charset=utf-8";
    const PAIR: &str = r#"{"access_token":"ghu_new","expires_in":28800,"refresh_token":"ghr_new",
        "refresh_token_expires_in":15897600,"token_type":"bearer","scope":""}"#;

    fn refreshed(status: u16, kind: &'static str, body: &str) -> Result<Refreshed, RequestFailure> {
        judge(HttpResponse::whole(status, kind, body), &Limits::STANDARD)
    }

    fn pair(
        result: Result<Refreshed, RequestFailure>,
    ) -> Option<(String, Option<u64>, Option<u64>)> {
        let Ok(Refreshed::Granted(grant)) = result else {
            return None;
        };
        assert_eq!(grant.access_token.expose(), "ghu_new");
        let refresh = grant.refresh_token?.expose().to_owned();
        let lifetimes = [grant.expires_in, grant.refresh_token_expires_in];
        let [access, next] = lifetimes.map(|lifetime| lifetime.map(|it| it.as_secs()));
        Some((refresh, access, next))
    }

    #[test]
    fn a_good_pair_is_read_in_whatever_form_it_comes() {
        let good = Some(("ghr_new".to_owned(), Some(28_800), Some(15_897_600)));
        let form = "access_token=ghu_new&expires_in=28800&refresh_token=ghr%5Fnew\
            &refresh_token_expires_in=15897600&scope=&token_type=bearer";
        let deep = format!(
            r#"{{"x":{}1{},{}"#,
            "[".repeat(9999),
            "]".repeat(9999),
            &PAIR[1..]
        );
        for (kind, body) in [
            (JSON, PAIR.to_owned()),
            ("text/html", PAIR.to_owned()),
            ("", format!("\u{feff} \r\n{PAIR}\n")),
            (
                JSON,
                PAIR.replace("28800", "\"28800\"")
                    .replace("15897600", "15897600.0"),
            ),
            (JSON, PAIR.replace("\"scope\"", "\"access_token\"")),
            (
                JSON,
                PAIR.replace("\"scope\":\"\"", "\"refresh_token\":null,\"error\":null"),
            ),
            (
                JSON,
                PAIR.replace("\"scope\":\"\"", "\"scope\":{\"a\":[{}],\"b\":true}"),
            ),
            (JSON, PAIR.replace("\"scope\":\"\"", "\"scope\":NaN")),
            (JSON, PAIR.replace("\"scope\":\"\"", "\"scope\":\"\",")),
            (JSON, format!("{PAIR}<!-- proxy -->")),
            (JSON, deep),
            ("application/x-www-form-urlencoded", form.to_owned()),
            (JSON, form.to_owned()),
            ("", form.to_owned()),
        ] {
            for status in [200, 400, 503] {
                assert_eq!(
                    pair(refreshed(status, kind, &body)),
                    good,
                    "{kind}: {body:.300}"
                );
            }
        }
    }

    #[test]
    fn odd_lifetimes_count_as_missing_and_never_cost_a_pair() {
        for odd in [
            "0",
            "-1",
            "null",
            "\"\"",
            "\"x\"",
            "true",
            "[]",
            "{}",
            "NaN",
            "1e400",
            "-Infinity",
            "0.2",
        ] {
            let body = PAIR.replace("28800", odd);
            let read = pair(refreshed(200, JSON, &body)).expect(odd);
            assert_eq!(read.1.filter(|it| *it != 0), None, "{odd}");
        }
        for absurd in [
            "1e300",
            "99999999999999999999999999",
            "\"inf\"",
            "18446744073709551615",
        ] {
            let read = pair(refreshed(200, JSON, &PAIR.replace("28800", absurd))).expect(absurd);
            assert_eq!(read.1, Some(100 * 365 * 24 * 3600), "{absurd}");
        }
    }

    #[test]
    fn only_githubs_own_word_speaks_against_a_refresh_token() {
        let bad = r#"{"error":"bad_refresh_token","error_description":"The refresh token passed"}"#;
        for status in [200, 400, 404] {
            assert_eq!(refreshed(status, JSON, bad), Ok(Refreshed::BadRefreshToken));
        }
        assert!(judge(HttpResponse::cut(bad), &Limits::STANDARD).is_err());
        for (status, body) in [
            (200, "<html>bad_refresh_token</html>"),
            (200, r#"["bad_refresh_token"]"#),
            (200, r#"{"error":"bad_refresh_token""#),
            (400, "bad_refresh_token"),
            (401, ""),
        ] {
            assert!(refreshed(status, JSON, body).is_err(), "{body}");
        }
    }

    #[test]
    fn a_token_with_a_line_break_is_no_token() {
        for broken in [
            "ghu_new\\nmachine evil",
            "ghr_new\\u001b[2J",
            "ghr_new\u{e9}",
        ] {
            let (old, _) = broken.split_at(7);
            let failure = refreshed(200, JSON, &PAIR.replace(old, broken)).expect_err(broken);
            assert!(matches!(failure, RequestFailure::Unknown(_)), "{broken}");
        }
    }

    #[test]
    fn a_whole_good_status_without_sense_leaves_it_open() {
        for body in [
            "",
            "[]",
            "{}",
            "null",
            "1",
            "\"\"",
            r#"{"access_token":""}"#,
            "{\"access_token\":1}",
            "{",
        ] {
            let failure = refreshed(200, JSON, body).expect_err(body);
            assert!(
                matches!(
                    failure,
                    RequestFailure::Unknown(HttpError::Malformed { .. })
                ),
                "{body}"
            );
        }
    }

    #[test]
    fn what_others_answer_in_githubs_place_changed_nothing() {
        for (status, kind, body, code) in [
            (200, "text/html", "<!DOCTYPE html><title>Sign in", "html"),
            (200, JSON, "\u{feff}\n <html>", "html"),
            (200, "text/html; charset=utf-8", "", "html"),
            (502, "text/html", "<html>Unicorn", "html"),
            (404, "text/html", "<html>Not found", "html"),
            (500, JSON, "", "http_status"),
            (403, JSON, r#"{"message":"no"}"#, "http_status"),
            (401, "text/plain", "who are you?", "http_status"),
            (429, JSON, r#"{"message":"slow"}"#, "rate_limited"),
            (503, JSON, r#"{"error":"oops"}"#, "http_status"),
            (429, JSON, r#"{"error":"oops"}"#, "rate_limited"),
            (200, JSON, r#"{"error":"slow_down"}"#, "http_status"),
            (
                400,
                JSON,
                r#"{"error":"temporarily_unavailable"}"#,
                "http_status",
            ),
        ] {
            let failure = refreshed(status, kind, body).expect_err(body);
            assert!(
                matches!(failure, RequestFailure::Answered { .. }),
                "{status} {body}: {failure:?}"
            );
            assert_eq!(failure.code(), code, "{status} {body}");
        }
    }

    #[test]
    fn final_errors_are_refused_and_a_404_names_the_client_id() {
        for (status, error) in [
            (200, "incorrect_client_credentials"),
            (400, "unsupported_grant_type"),
            (400, "unauthorized_client"),
            (200, "device_flow_disabled"),
            (200, "access_denied"),
            (200, "something_new"),
        ] {
            let body = format!(r#"{{"error":"{error}"}}"#);
            let failure = refreshed(status, JSON, &body).expect_err(error);
            assert!(
                matches!(failure, RequestFailure::Refused { .. }),
                "{failure:?}"
            );
            assert_eq!(failure.code(), error);
        }
        for body in [
            r#"{"error":"Not Found"}"#,
            r#"{"message":"Not Found"}"#,
            "",
            "Not Found",
        ] {
            let failure = refreshed(404, JSON, body).expect_err(body);
            assert_eq!(failure.code(), "not_found", "{body}");
        }
    }

    #[test]
    fn half_an_answer_is_none_but_a_whole_object_is_whole() {
        let limits = &Limits::STANDARD;
        for end in 0..PAIR.len() {
            let failure = judge(HttpResponse::cut(&PAIR[..end]), limits).expect_err("a cut answer");
            assert!(
                matches!(failure, RequestFailure::Unknown(HttpError::CutOff { .. })),
                "{end}"
            );
            let closed =
                judge(HttpResponse::closed(&PAIR[..end]), limits).expect_err("a cut answer");
            assert!(matches!(closed, RequestFailure::Unknown(_)), "{end}");
        }
        assert!(pair(judge(HttpResponse::cut(PAIR), limits)).is_some());
        assert!(pair(judge(HttpResponse::closed(PAIR), limits)).is_some());
        let form = "access_token=ghu_new&expires_in=28800&refresh_token=ghr_ne";
        assert!(judge(HttpResponse::closed(form), limits).is_err());
    }

    #[test]
    fn no_failure_shows_what_the_server_wrote_of_a_token() {
        for body in [
            r#"{"error":"ghr_secret0123456789"}"#,
            r#"{"message":"bad token ghu_secret0123456789"}"#,
            r#"{"error":"x","error_description":"ghr_secret0123456789"}"#,
            r#"{"error":"0123456789secret0123456789abcdef"}"#,
        ] {
            for status in [200, 400, 401, 403, 404, 429, 500] {
                let failure = refreshed(status, JSON, body).expect_err(body);
                let shown = format!("{failure:?} {failure} {}", failure.code());
                assert!(!shown.contains("secret"), "{shown}");
            }
        }
    }
}
