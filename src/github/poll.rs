//! Asking whether the person has approved (RFC 8628 sections 3.4 and 3.5). One question, one
//! answer: when to ask again is the device flow's affair.

use std::time::Duration;

use crate::limits::Limits;
use crate::token::DeviceCode;

use super::request::HttpRequest;
use super::response::HttpResponse;
use super::token_response::TokenResponse;
use super::{GitHub, GrantedTokens, RequestFailure};

/// The grant type of RFC 8628 section 3.4.
const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// What the server says about a device code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Poll {
    /// Nobody has decided yet.
    Pending,
    /// Asked too early; the interval to keep from now on, if the server names it.
    SlowDown(Option<Duration>),
    /// GitHub does not know the code. Right after an approval this passes (cli/cli#9302).
    IncorrectDeviceCode,
    /// The person said no.
    Denied,
    /// Nobody decided in time.
    Expired,
    /// The person said yes.
    Granted(GrantedTokens),
}

impl GitHub {
    /// Asks once.
    ///
    /// # Errors
    /// `Refused` ends the polling (RFC 8628 section 3.5: any error that is not known); after the
    /// others it may go on, more slowly.
    pub fn poll(&self, code: &DeviceCode) -> Result<Poll, RequestFailure> {
        let fields = [
            ("client_id", self.client_id.as_str()),
            ("device_code", code.expose()),
            ("grant_type", DEVICE_GRANT),
        ];
        let answer = self.ask(HttpRequest::form(
            self.web("/login/oauth/access_token"),
            &fields,
        ))?;
        judge(answer, &self.limits)
    }
}

fn judge(answer: HttpResponse, limits: &Limits) -> Result<Poll, RequestFailure> {
    let error = match TokenResponse::of(&answer) {
        TokenResponse::Granted(grant) => return Ok(Poll::Granted(grant)),
        TokenResponse::Error(error) => error,
        TokenResponse::Neither => return Err(answer.oauth_failure(limits)),
    };
    match error.as_str() {
        "authorization_pending" => Ok(Poll::Pending),
        "slow_down" => Ok(Poll::SlowDown(
            answer
                .fields()
                .and_then(|fields| fields.lifetime("interval")),
        )),
        "incorrect_device_code" => Ok(Poll::IncorrectDeviceCode),
        "access_denied" => Ok(Poll::Denied),
        // GitHub's pages have had both spellings.
        "expired_token" | "token_expired" => Ok(Poll::Expired),
        _ => Err(answer.oauth_failure(limits)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn poll(status: u16, body: &str) -> Result<Poll, RequestFailure> {
        judge(
            HttpResponse::whole(status, "application/json; charset=utf-8", body),
            &Limits::STANDARD,
        )
    }

    fn error(code: &str) -> String {
        format!(r#"{{"error":"{code}","error_description":"Words.","error_uri":"https://x"}}"#)
    }

    #[test]
    fn every_state_is_known_whatever_the_status() {
        for (code, state) in [
            ("authorization_pending", Poll::Pending),
            ("slow_down", Poll::SlowDown(None)),
            ("incorrect_device_code", Poll::IncorrectDeviceCode),
            ("access_denied", Poll::Denied),
            ("expired_token", Poll::Expired),
            ("token_expired", Poll::Expired),
        ] {
            for status in [200, 400, 404, 428] {
                assert_eq!(
                    poll(status, &error(code)).as_ref(),
                    Ok(&state),
                    "{code} {status}"
                );
            }
            let form = format!("error={code}&error_description=More+words");
            let form = HttpResponse::whole(200, "application/x-www-form-urlencoded", &form);
            assert_eq!(judge(form, &Limits::STANDARD), Ok(state), "{code}");
        }
    }

    #[test]
    fn the_new_interval_is_read() {
        for body in [
            r#"{"error":"slow_down","interval":25}"#,
            r#"{"interval":"25","error":"slow_down"}"#,
        ] {
            assert_eq!(
                poll(200, body),
                Ok(Poll::SlowDown(Some(Duration::from_secs(25))))
            );
        }
    }

    #[test]
    fn final_and_unknown_errors_end_the_polling() {
        for code in [
            "incorrect_client_credentials",
            "bad_verification_code",
            "unsupported_grant_type",
            "unauthorized_client",
            "unverified_user_email",
            "device_flow_disabled",
            "something_new",
        ] {
            for status in [200, 400] {
                let Err(RequestFailure::Refused { code: refused }) = poll(status, &error(code))
                else {
                    panic!("{code} with {status} is final");
                };
                assert_eq!(refused.as_str(), code);
            }
        }
    }

    #[test]
    fn a_busy_server_does_not_end_the_polling() {
        for (status, body) in [
            (503, error("something_new")),
            (429, error("something_new")),
            (500, String::new()),
            (502, "<html>".into()),
            (200, error("temporarily_unavailable")),
        ] {
            assert!(
                !matches!(
                    poll(status, &body),
                    Ok(_) | Err(RequestFailure::Refused { .. })
                ),
                "{status}"
            );
        }
    }
}
