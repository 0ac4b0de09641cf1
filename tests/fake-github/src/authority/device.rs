//! The device flow (RFC 8628): codes, the person's decision, polls.

use std::time::Duration;

use serde_json::json;

use super::{Authority, Refusal};
use crate::app::DeviceFlow;
use crate::chance;
use crate::http::Params;
use crate::violation::ViolationKind;

/// What a person did with a code.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Decision {
    Pending,
    Approved {
        login: String,
    },
    Denied,
    /// The token was handed out; a code is good for one.
    Redeemed,
}

#[derive(Debug)]
pub(super) struct DeviceAuthorization {
    client_id: String,
    device_code: String,
    user_code: String,
    decision: Decision,
    expires_at: Duration,
    interval: u64,
    polled_at: Option<Duration>,
    /// An answer after which RFC 8628 section 3.5 has the client stop.
    ended: bool,
}

impl Authority {
    /// RFC 8628 section 3.2; there is no `verification_uri_complete` at GitHub.
    pub(crate) fn issue_device_code(
        &mut self,
        client_id: &str,
        base_url: &str,
    ) -> Result<Params, Refusal> {
        let app = self.app(client_id).ok_or(Refusal::new("Not Found"))?;
        if app.device_flow == DeviceFlow::Disabled {
            return Err(Refusal::new("device_flow_disabled"));
        }
        let half = || chance::text(chance::CONSONANTS, 4);
        let code = DeviceAuthorization {
            client_id: client_id.to_owned(),
            device_code: chance::text(chance::HEX, 40),
            user_code: format!("{}-{}", half(), half()),
            decision: Decision::Pending,
            expires_at: self.hurried_now() + self.rules.code_lifetime,
            interval: self.rules.interval,
            polled_at: None,
            ended: false,
        };
        let params = vec![
            ("device_code", json!(code.device_code)),
            ("user_code", json!(code.user_code)),
            (
                "verification_uri",
                json!(format!("{base_url}/login/device")),
            ),
            (
                "expires_in",
                self.number(self.rules.code_lifetime.as_secs()),
            ),
            ("interval", self.number(code.interval)),
        ];
        self.codes.push(code);
        Ok(params)
    }

    /// One poll. The rate is judged before the state, as GitHub does, so that a
    /// client which is slightly too fast never learns that it was approved.
    pub(crate) fn poll(
        &mut self,
        client_id: &str,
        device_code: &str,
        violations: &mut Vec<(ViolationKind, String)>,
    ) -> Result<Params, Refusal> {
        let now = self.hurried_now();
        let app = self
            .app(client_id)
            .ok_or(Refusal::new("incorrect_client_credentials"))?;
        if app.device_flow == DeviceFlow::Disabled {
            return Err(Refusal::new("device_flow_disabled"));
        }
        let known = |code: &&mut DeviceAuthorization| {
            code.device_code == device_code && code.client_id == client_id
        };
        let Some(code) = self.codes.iter_mut().find(known) else {
            return Err(Refusal::new("incorrect_device_code"));
        };
        if code.ended {
            violations.push((ViolationKind::PollAfterTheEnd, code.user_code.clone()));
        }
        let waited = code.polled_at.map(|last| now.saturating_sub(last));
        code.polled_at = Some(now);
        if let Some(waited) = waited.filter(|waited| *waited < Duration::from_secs(code.interval)) {
            let early = format!("after {waited:?} of {} s", code.interval);
            violations.push((ViolationKind::EarlyPoll, early));
            code.interval += 5;
            return Err(Refusal {
                code: "slow_down",
                interval: Some(code.interval),
            });
        }
        if code.decision == Decision::Pending && now < code.expires_at {
            return Err(Refusal::new("authorization_pending"));
        }
        if matches!(code.decision, Decision::Approved { .. }) && self.transient_errors > 0 {
            self.transient_errors -= 1;
            return Err(Refusal::new("incorrect_device_code"));
        }
        code.ended = true;
        match std::mem::replace(&mut code.decision, Decision::Redeemed) {
            Decision::Redeemed => Err(Refusal::new("incorrect_device_code")),
            decision if now >= code.expires_at => {
                code.decision = decision;
                Err(Refusal::new("expired_token"))
            }
            Decision::Approved { login } => Ok(self.sign_in(client_id, &login)),
            decision => {
                code.decision = decision;
                Err(Refusal::new("access_denied"))
            }
        }
    }

    /// Records what a person decided; false when no such code waits for anyone.
    #[must_use]
    pub(crate) fn decide(&mut self, user_code: &str, decision: Decision) -> bool {
        let now = self.hurried_now();
        let typed = user_code.trim().to_ascii_uppercase();
        let waiting = |code: &&mut DeviceAuthorization| {
            code.user_code == typed && code.decision == Decision::Pending && now < code.expires_at
        };
        let Some(code) = self.codes.iter_mut().find(waiting) else {
            return false;
        };
        code.decision = decision;
        true
    }

    /// Lets the code's time run out, whatever was decided; false when there is no such code.
    #[must_use]
    pub(crate) fn expire_code(&mut self, user_code: &str) -> bool {
        let now = self.hurried_now();
        let Some(code) = self
            .codes
            .iter_mut()
            .find(|code| code.user_code == user_code)
        else {
            return false;
        };
        code.expires_at = now;
        true
    }

    pub(crate) fn pending_codes(&self) -> Vec<String> {
        let now = self.hurried_now();
        let waiting = |code: &&DeviceAuthorization| {
            code.decision == Decision::Pending && now < code.expires_at
        };
        self.codes
            .iter()
            .filter(waiting)
            .map(|code| code.user_code.clone())
            .collect()
    }

    pub(crate) fn answer_incorrect_device_code(&mut self, times: u32) {
        self.transient_errors = times;
    }
}
