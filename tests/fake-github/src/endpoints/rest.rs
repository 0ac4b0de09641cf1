//! The REST API as far as a sign-in needs it. The paths are those of GitHub
//! Enterprise Server, whose API lives below `/api/v3` on the same host.

use serde_json::{Value, json};

use super::{Findings, applications, bearer_token, repositories};
use crate::authority::{Authority, Bearer};
use crate::http::{Answer, Incoming};
use crate::ledger::Endpoint;
use crate::violation::ViolationKind;

const DOCUMENTATION: &str = "https://docs.github.com/rest";
/// <https://docs.github.com/en/rest/credentials/revoke>
const MOST_CREDENTIALS: usize = 1000;

pub(super) fn answer(
    endpoint: Endpoint,
    request: &Incoming,
    authority: &mut Authority,
    base_url: &str,
    findings: &mut Findings,
) -> Answer {
    if request.header("user-agent").is_none_or(str::is_empty) {
        findings.push((ViolationKind::MissingUserAgent, request.path.clone()));
        return Answer::text(
            403,
            "Request forbidden by administrative rules. Please make sure your request has a \
             User-Agent header (https://docs.github.com/en/rest/overview/resources-in-the-rest-api#user-agent-required).\n",
        );
    }
    let answered = match (endpoint, request.method.as_str()) {
        (Endpoint::Revoke, "POST") => Ok(revoke(request, authority, findings)),
        (Endpoint::CreateScoped, "POST") => {
            Ok(applications::create_scoped(request, authority, findings))
        }
        (Endpoint::DeleteToken, "DELETE") => {
            Ok(applications::delete_token(request, authority, findings))
        }
        (Endpoint::Revoke | Endpoint::CreateScoped | Endpoint::DeleteToken, _)
        | (_, "POST" | "PUT" | "PATCH" | "DELETE") => {
            findings.push((ViolationKind::WrongMethod, request.method.clone()));
            Ok(message(404, "Not Found"))
        }
        (Endpoint::User, _) => {
            require_bearer(request, authority, findings).map(|bearer| user(authority, &bearer))
        }
        _ => other(request, authority, base_url, findings),
    };
    let answer = answered.unwrap_or_else(|refusal| refusal);
    answer.with("X-GitHub-Media-Type", "github.v3; format=json")
}

fn other(
    request: &Incoming,
    authority: &mut Authority,
    base_url: &str,
    findings: &mut Findings,
) -> Result<Answer, Answer> {
    match request.path.as_str() {
        "/api/v3/rate_limit" => {
            // Works without a token, but not with a bad one.
            if request.header("authorization").is_some() {
                require_bearer(request, authority, findings)?;
            }
            let core =
                json!({"limit": 5000, "used": 1, "remaining": 4999, "reset": 4_102_444_800_u64});
            Ok(Answer::json(
                200,
                &json!({"resources": {"core": core}, "rate": core}),
            ))
        }
        path if path.starts_with("/api/v3/user/installations") => {
            let bearer = require_bearer(request, authority, findings)?;
            Ok(repositories::installations(
                request, authority, &bearer, base_url, findings,
            ))
        }
        "/api/v3/user/orgs" => {
            require_bearer(request, authority, findings)?;
            let organizations = authority.rules.organizations.iter();
            let listed: Vec<Value> = organizations.map(|login| json!({"login": login})).collect();
            Ok(Answer::json(200, &json!(listed)))
        }
        path if path.starts_with("/api/v3/apps/") => {
            require_bearer(request, authority, findings)?;
            let slug = path.strip_prefix("/api/v3/apps/").unwrap_or_default();
            Ok(app(slug, authority))
        }
        path if path.starts_with("/api/v3/repos/") => {
            // A public one can be read without a token, but not with a bad one.
            let bearer = match request.header("authorization") {
                Some(_) => Some(require_bearer(request, authority, findings)?),
                None => None,
            };
            Ok(repositories::one(path, authority, bearer.as_ref()))
        }
        path => {
            findings.push((ViolationKind::UnknownPath, path.to_owned()));
            Ok(message(404, "Not Found"))
        }
    }
}

/// The bearer of a live access token, or the answer that there is none. Expired,
/// revoked and invented tokens get the same words.
fn require_bearer(
    request: &Incoming,
    authority: &mut Authority,
    findings: &mut Findings,
) -> Result<Bearer, Answer> {
    let Some(token) = bearer_token(request) else {
        return Err(message(401, "Requires authentication"));
    };
    if token.starts_with("ghr_") {
        findings.push((ViolationKind::RefreshTokenMisdirected, request.path.clone()));
    }
    if authority.is_locked_out() {
        let text = "Maximum number of login attempts exceeded. Please try again later.";
        return Err(message(403, text));
    }
    let bearer = authority.bearer(token);
    if bearer.is_none() {
        authority.count_bad_credentials();
    }
    bearer.ok_or_else(|| message(401, "Bad credentials"))
}

fn user(authority: &Authority, bearer: &Bearer) -> Answer {
    let id = authority.user(&bearer.login).map(|user| user.id);
    Answer::json(
        200,
        &json!({"login": bearer.login, "id": id, "type": "User"}),
    )
    .with("X-RateLimit-Limit", "5000")
    .with("X-RateLimit-Remaining", "4999")
}

/// <https://docs.github.com/en/rest/apps/apps>
fn app(slug: &str, authority: &Authority) -> Answer {
    let found = authority.app_of_slug(slug);
    let Some((app, registration)) = found.and_then(|app| Some((app, app.registration.as_ref()?)))
    else {
        return message(404, "Not Found");
    };
    let body = json!({
        "slug": registration.slug,
        "name": registration.name,
        "client_id": app.client_id,
        "owner": {"login": registration.owner},
    });
    Answer::json(200, &body)
}

/// "Any authenticated requests will return a 403"; 202 says nothing about whether
/// a credential existed.
fn revoke(request: &Incoming, authority: &mut Authority, findings: &mut Findings) -> Answer {
    if request.header("authorization").is_some() {
        findings.push((ViolationKind::AuthorizationHeader, request.path.clone()));
        return message(403, "This endpoint does not accept authenticated requests.");
    }
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let credentials: Vec<&str> = body["credentials"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    if credentials.is_empty() || credentials.len() > MOST_CREDENTIALS {
        return message(422, "Validation Failed");
    }
    for credential in credentials {
        authority.revoke(credential);
    }
    Answer::json(202, &json!({}))
}

pub(super) fn message(status: u16, text: &str) -> Answer {
    Answer::json(
        status,
        &json!({
            "message": text,
            "documentation_url": DOCUMENTATION,
            "status": status.to_string(),
        }),
    )
}
