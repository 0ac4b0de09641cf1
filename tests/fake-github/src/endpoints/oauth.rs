//! The two OAuth endpoints: `POST /login/device/code` (RFC 8628 section 3.1) and
//! `POST /login/oauth/access_token` (RFC 8628 section 3.4, RFC 6749 section 6).

use serde_json::json;

use super::Findings;
use crate::authority::{Authority, Refusal};
use crate::http::{Answer, Format, Incoming};
use crate::violation::ViolationKind;

const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

pub(super) fn device_code(
    request: &Incoming,
    authority: &mut Authority,
    base_url: &str,
    findings: &mut Findings,
) -> Answer {
    let params = match OAuthParams::of(request, findings) {
        Ok(params) => params,
        Err(answer) => return answer,
    };
    let client_id = params.get("client_id").unwrap_or("");
    match authority.issue_device_code(client_id, base_url) {
        Ok(issued) => Answer::oauth(200, &issued, params.format),
        Err(refusal) if refusal.code == "device_flow_disabled" => {
            // Unlike every error at the token endpoint, this one comes as a 400.
            Answer::oauth(400, &authority.refusal_params(&refusal), params.format)
        }
        Err(_) => {
            findings.push((ViolationKind::UnknownClient, client_id.to_owned()));
            let mut answer = Answer::json(404, &json!({"error": "Not Found"}));
            answer.oauth_error = Some("Not Found".to_owned());
            answer
        }
    }
}

/// Errors come as 200 with an `error` member, which is GitHub's departure from
/// RFC 6749 section 5.2.
pub(super) fn access_token(
    request: &Incoming,
    authority: &mut Authority,
    findings: &mut Findings,
) -> Answer {
    let params = match OAuthParams::of(request, findings) {
        Ok(params) => params,
        Err(answer) => return answer,
    };
    match grant(&params, authority, findings) {
        Ok(answer) => answer,
        Err(refusal) => Answer::oauth(200, &authority.refusal_params(&refusal), params.format),
    }
}

fn grant(
    params: &OAuthParams,
    authority: &mut Authority,
    findings: &mut Findings,
) -> Result<Answer, Refusal> {
    let client_id = params.get("client_id").unwrap_or("");
    if authority.app(client_id).is_none() {
        findings.push((ViolationKind::UnknownClient, client_id.to_owned()));
        return Err(Refusal::new("incorrect_client_credentials"));
    }
    if params.get("client_secret").is_some() {
        // The Apps of this server have no secret, so any secret is a wrong one.
        findings.push((ViolationKind::ClientSecretSent, client_id.to_owned()));
        return Err(Refusal::new("incorrect_client_credentials"));
    }
    match params.get("grant_type").unwrap_or("") {
        DEVICE_GRANT => {
            let device_code = params.get("device_code").unwrap_or("");
            let issued = authority.poll(client_id, device_code, findings)?;
            Ok(Answer::oauth(200, &issued, params.format))
        }
        "refresh_token" => {
            let refresh_token = params.get("refresh_token").unwrap_or("");
            let (issued, rotation) = authority.refresh(client_id, refresh_token, findings)?;
            let mut answer = Answer::oauth(200, &issued, params.format);
            answer.rotated = Some(rotation);
            Ok(answer)
        }
        other => {
            findings.push((ViolationKind::UnsupportedGrantType, other.to_owned()));
            Err(Refusal::new("unsupported_grant_type"))
        }
    }
}

struct OAuthParams {
    params: Vec<(String, String)>,
    format: Format,
}

impl OAuthParams {
    /// The parameters, once method, media type and headers are as they must be.
    fn of(request: &Incoming, findings: &mut Findings) -> Result<Self, Answer> {
        if request.method != "POST" {
            findings.push((ViolationKind::WrongMethod, request.method.clone()));
            return Err(
                Answer::json(405, &json!({"error": "Method Not Allowed"})).with("Allow", "POST")
            );
        }
        let media_type = request.media_type();
        let readable = ["application/x-www-form-urlencoded", "application/json"];
        if !request.body.is_empty() && !readable.contains(&media_type.as_str()) {
            findings.push((ViolationKind::WrongContentType, media_type));
            return Err(Answer::json(
                415,
                &json!({"error": "Unsupported Media Type"}),
            ));
        }
        if request.header("authorization").is_some() {
            findings.push((ViolationKind::AuthorizationHeader, request.path.clone()));
        }
        if request.header("user-agent").is_none() {
            findings.push((ViolationKind::MissingUserAgent, request.path.clone()));
        }
        let params = request.params();
        for (at, (name, _)) in params.iter().enumerate() {
            if params[..at].iter().any(|(earlier, _)| earlier == name) {
                findings.push((ViolationKind::DuplicateParameter, name.clone()));
            }
        }
        Ok(Self {
            params,
            format: Format::asked_by(request.header("accept")),
        })
    }

    fn get(&self, name: &str) -> Option<&str> {
        let param = self.params.iter().find(|(have, _)| have == name);
        param.map(|(_, value)| value.as_str())
    }
}
