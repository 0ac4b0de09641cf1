//! What each path answers: a request goes in, an answer and findings come out.

mod applications;
pub(crate) mod git;
mod lfs;
mod oauth;
mod page;
mod registration;
mod repositories;
mod rest;

use crate::authority::Authority;
use crate::http::{Answer, Incoming, form};
use crate::ledger::Endpoint;
use crate::violation::ViolationKind;

/// What a request shows that a strict server minds.
pub(crate) type Findings = Vec<(ViolationKind, String)>;

/// Answers everything but git, which needs a child process.
pub(crate) fn answer(
    endpoint: Endpoint,
    request: &Incoming,
    authority: &mut Authority,
    base_url: &str,
    findings: &mut Findings,
) -> Answer {
    if let Some(name) = secret_in_url(request) {
        findings.push((ViolationKind::SecretInUrl, name));
        return Answer::json(400, &serde_json::json!({"error": "invalid_request"}));
    }
    match endpoint {
        Endpoint::DeviceCode => oauth::device_code(request, authority, base_url, findings),
        Endpoint::Poll | Endpoint::Refresh => oauth::access_token(request, authority, findings),
        Endpoint::Page => page::answer(request, authority, findings),
        Endpoint::AppForm => registration::answer(request, authority, findings),
        Endpoint::User
        | Endpoint::Revoke
        | Endpoint::Installations
        | Endpoint::CreateScoped
        | Endpoint::DeleteToken
        | Endpoint::Api => rest::answer(endpoint, request, authority, base_url, findings),
        Endpoint::Git | Endpoint::Other => {
            findings.push((ViolationKind::UnknownPath, request.path.clone()));
            Answer::html(
                404,
                "<html><body><h1>404</h1>This is not the page.</body></html>",
            )
        }
    }
}

/// The first part of the request line that no proxy or log must ever see.
fn secret_in_url(request: &Incoming) -> Option<String> {
    const SECRETS: [&str; 6] = [
        "access_token",
        "client_secret",
        "code",
        "device_code",
        "refresh_token",
        "token",
    ];
    let looks_secret = |text: &str| ["ghu_", "ghr_"].iter().any(|start| text.contains(start));
    let params = form::decode(&request.query);
    let named = params
        .into_iter()
        .find(|(name, value)| SECRETS.contains(&name.as_str()) || looks_secret(value));
    match named {
        Some((name, _)) => Some(name),
        None => looks_secret(&request.path).then(|| "path".to_owned()),
    }
}

/// The token of `Authorization: Bearer …` (RFC 6750 section 2.1). GitHub takes `token …` as well
/// ("Authenticating to the REST API"), and its own `gh` sends that.
fn bearer_token(request: &Incoming) -> Option<&str> {
    let (scheme, token) = request.header("authorization")?.split_once(' ')?;
    ["bearer", "token"]
        .iter()
        .any(|known| scheme.eq_ignore_ascii_case(known))
        .then_some(token.trim())
}

/// User name and password of RFC 7617.
fn basic_credentials(request: &Incoming) -> Option<(String, String)> {
    let (scheme, encoded) = request.header("authorization")?.split_once(' ')?;
    let decoded = form::decode_base64(encoded.trim())?;
    let text = String::from_utf8(decoded).ok()?;
    let (user, password) = text.split_once(':')?;
    scheme
        .eq_ignore_ascii_case("basic")
        .then(|| (user.to_owned(), password.to_owned()))
}
