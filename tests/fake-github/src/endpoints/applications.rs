//! An App's calls about tokens that it was given, with its client ID and its secret as Basic
//! credentials.
//! <https://docs.github.com/en/rest/apps/oauth-applications>

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};

use super::rest::message;
use super::{Findings, basic_credentials};
use crate::app::{Level, Permissions};
use crate::authority::{Authority, ScopedDenial, ScopedRequest, ScopedToken};
use crate::http::date::rfc3339;
use crate::http::{Answer, Incoming};
use crate::ledger::APPLICATIONS;
use crate::violation::ViolationKind;

const MOST_REPOSITORIES: usize = 500;

/// `POST /applications/{client_id}/token/scoped`
pub(super) fn create_scoped(
    request: &Incoming,
    authority: &mut Authority,
    findings: &mut Findings,
) -> Answer {
    let answered =
        authenticate(request, "/token/scoped", authority, findings).and_then(|client_id| {
            const KNOWN: [&str; 6] = [
                "access_token",
                "target",
                "target_id",
                "repositories",
                "repository_ids",
                "permissions",
            ];
            let body = body(request, &KNOWN, findings)?;
            let wanted = scoped_request(&body).map_err(|why| message(422, why))?;
            authority
                .create_scoped(client_id, &wanted)
                .map_err(|denial| denied(&denial))
                .map(|token| created(client_id, &token, authority.rules.skew))
        });
    answered.unwrap_or_else(|refusal| refusal)
}

/// `DELETE /applications/{client_id}/token`
pub(super) fn delete_token(
    request: &Incoming,
    authority: &mut Authority,
    findings: &mut Findings,
) -> Answer {
    let answered = authenticate(request, "/token", authority, findings).and_then(|client_id| {
        let body = body(request, &["access_token"], findings)?;
        let token = body.get("access_token").and_then(Value::as_str);
        let token = token.ok_or_else(|| message(422, "Validation Failed"))?;
        if authority.delete_token(client_id, token) {
            Ok(Answer::new(204, "", ""))
        } else {
            Err(message(404, "Not Found"))
        }
    });
    answered.unwrap_or_else(|refusal| refusal)
}

/// The client ID of the path, if the caller is that App.
fn authenticate<'r>(
    request: &'r Incoming,
    end: &str,
    authority: &mut Authority,
    findings: &mut Findings,
) -> Result<&'r str, Answer> {
    let client_id = request.path.strip_prefix(APPLICATIONS);
    let client_id = client_id.and_then(|rest| rest.strip_suffix(end));
    let client_id = client_id.unwrap_or_default();
    let Some((user, secret)) = basic_credentials(request) else {
        if request.header("authorization").is_some() {
            findings.push((ViolationKind::AuthorizationHeader, request.path.clone()));
        }
        return Err(message(401, "Requires authentication"));
    };
    if user != client_id {
        findings.push((ViolationKind::UnknownClient, user));
        return Err(message(403, "Forbidden"));
    }
    match authority.app_with_secret(client_id, &secret) {
        Some(_) => Ok(client_id),
        None => Err(message(401, "Bad credentials")),
    }
}

fn body(
    request: &Incoming,
    known: &[&str],
    findings: &mut Findings,
) -> Result<Map<String, Value>, Answer> {
    if request.media_type() != "application/json" {
        findings.push((ViolationKind::WrongContentType, request.media_type()));
    }
    let Ok(Value::Object(members)) = serde_json::from_slice(&request.body) else {
        return Err(message(400, "Problems parsing JSON"));
    };
    for name in members
        .keys()
        .filter(|name| !known.contains(&name.as_str()))
    {
        findings.push((ViolationKind::BadParameter, name.clone()));
    }
    Ok(members)
}

/// Accounts and repositories have no numbers here, so `target_id` and `repository_ids` are refused.
fn scoped_request(body: &Map<String, Value>) -> Result<ScopedRequest<'_>, &'static str> {
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let repositories = match body.get("repositories") {
        None => None,
        Some(names) => {
            let names = names.as_array().ok_or("repositories must be an array")?;
            let names: Option<Vec<&str>> = names.iter().map(Value::as_str).collect();
            Some(names.ok_or("repositories must be names")?)
        }
    };
    if let Some(names) = &repositories
        && (names.is_empty()
            || names.len() > MOST_REPOSITORIES
            || names
                .iter()
                .any(|name| name.is_empty() || name.contains('/')))
    {
        return Err("repositories must be names without the owner");
    }
    if body.contains_key("repository_ids") {
        return Err("repository_ids names no repository");
    }
    Ok(ScopedRequest {
        access_token: text("access_token").ok_or("access_token is required")?,
        owner: text("target").ok_or("target or target_id is required")?,
        repositories,
        permissions: body.get("permissions").map(permissions).transpose()?,
    })
}

fn permissions(value: &Value) -> Result<Permissions, &'static str> {
    let members = value.as_object().filter(|members| !members.is_empty());
    let members = members.ok_or("permissions must be an object")?;
    let level = |(name, level): (&String, &Value)| {
        let level = level.as_str().and_then(Level::parse)?;
        Some((name.clone(), level))
    };
    let levels: Option<Permissions> = members.iter().map(level).collect();
    levels.ok_or("a permission must be read, write or admin")
}

fn denied(denial: &ScopedDenial) -> Answer {
    match denial {
        ScopedDenial::Token => message(404, "Not Found"),
        ScopedDenial::Target => message(422, "The target is not an account that the App reaches."),
        ScopedDenial::Repository(name) => {
            message(422, &format!("The repository {name} is not accessible."))
        }
        ScopedDenial::Permission(name) => message(
            422,
            &format!("The permission {name} was not granted to this App."),
        ),
    }
}

fn created(client_id: &str, token: &ScopedToken, skew: i64) -> Answer {
    let real = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = real
        .unwrap_or(Duration::ZERO)
        .as_secs()
        .saturating_add_signed(skew);
    let time = |seconds| rfc3339(Duration::from_secs(seconds));
    let last = token.value.len().saturating_sub(8);
    let selection = match token.installed.repositories {
        Some(_) => "selected",
        None => "all",
    };
    Answer::json(
        200,
        &json!({
            "id": 1,
            "url": "https://docs.github.com/rest",
            "app": {"client_id": client_id, "name": "fake-app", "url": "https://docs.github.com"},
            "token": token.value,
            "token_last_eight": token.value[last..],
            "hashed_token": "0".repeat(64),
            "note": null,
            "note_url": null,
            "created_at": time(now),
            "updated_at": time(now),
            "scopes": [],
            "fingerprint": null,
            "user": {"login": token.login},
            "installation": {
                "permissions": rendered(Some(&token.permissions)),
                "repository_selection": selection,
                "account": {"login": token.installed.owner},
            },
            "expires_at": token.expires_in.map(|lifetime| time(now + lifetime)),
        }),
    )
}

/// Permissions as GitHub lists them.
pub(super) fn rendered(permissions: Option<&Permissions>) -> Value {
    let all = permissions.into_iter().flatten();
    all.map(|(name, level)| (name.clone(), json!(level.as_str())))
        .collect::<Map<_, _>>()
        .into()
}
