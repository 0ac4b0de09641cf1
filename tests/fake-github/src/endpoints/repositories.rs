//! What a token reaches: installations, their repositories, and one repository.
//! <https://docs.github.com/en/rest/apps/installations>

use serde_json::{Value, json};

use super::rest::message;
use super::{Findings, applications};
use crate::app::Installed;
use crate::authority::{Access, Authority, Bearer, Repository};
use crate::http::{Answer, Incoming};
use crate::violation::ViolationKind;

const LARGEST_PAGE: usize = 100;

/// `/user/installations`, or what stands below it.
pub(super) fn installations(
    request: &Incoming,
    authority: &Authority,
    bearer: &Bearer,
    base_url: &str,
    findings: &mut Findings,
) -> Answer {
    let below = request.path.strip_prefix("/api/v3/user/installations");
    let below = below.unwrap_or_default();
    if below.is_empty() {
        let all = bearer.installed.iter().enumerate();
        let all =
            all.map(|(at, installed)| installation(at + 1, installed, authority, bearer, base_url));
        return page(request, "installations", &all.collect::<Vec<_>>(), findings);
    }
    let id = below
        .strip_prefix('/')
        .and_then(|rest| rest.strip_suffix("/repositories"))
        .and_then(|id| id.parse::<usize>().ok());
    let installed = id.and_then(|id| bearer.installed.get(id.checked_sub(1)?));
    let Some(installed) = installed.filter(|installed| !installed.suspended) else {
        findings.push((ViolationKind::UnknownPath, request.path.clone()));
        return message(404, "Not Found");
    };
    let names = installed.repositories.iter().flatten();
    let names = names.map(|name| {
        let owner = &installed.owner;
        let found = Repository { owner, name };
        let access = authority.access(Some(bearer), found);
        repository(owner, name, access, authority.is_public(found))
    });
    page(
        request,
        "repositories",
        &names.collect::<Vec<_>>(),
        findings,
    )
}

/// `/repos/OWNER/NAME`: 404 for what is out of reach, as for what does not exist.
pub(super) fn one(path: &str, authority: &Authority, bearer: Option<&Bearer>) -> Answer {
    let full_name = path.strip_prefix("/api/v3/repos/").unwrap_or_default();
    let Some((owner, name)) = full_name.split_once('/') else {
        return message(404, "Not Found");
    };
    match authority.access(bearer, Repository { owner, name }) {
        Access::None => message(404, "Not Found"),
        access => {
            let is_public = authority.is_public(Repository { owner, name });
            Answer::json(200, &repository(owner, name, access, is_public))
        }
    }
}

fn installation(
    id: usize,
    installed: &Installed,
    authority: &Authority,
    bearer: &Bearer,
    base_url: &str,
) -> Value {
    let Installed {
        owner,
        repositories,
        suspended,
    } = installed;
    let user = authority.user(owner);
    let selection = if repositories.is_some() {
        "selected"
    } else {
        "all"
    };
    let kind = if user.is_some() {
        "User"
    } else {
        "Organization"
    };
    let settings = match user {
        Some(_) => format!("{base_url}/settings/installations/{id}"),
        None => format!("{base_url}/organizations/{owner}/settings/installations/{id}"),
    };
    let app = authority.app(&bearer.client_id);
    let registration = app.and_then(|app| app.registration.as_ref());
    json!({
        "id": id,
        "account": {"login": owner, "id": user.map_or(id as u64, |user| user.id), "type": kind},
        "client_id": bearer.client_id,
        "app_slug": registration.map(|registration| &registration.slug),
        "target_type": kind,
        "repository_selection": selection,
        "permissions": applications::rendered(bearer.permissions.as_ref()),
        "events": [],
        "html_url": settings,
        "suspended_at": suspended.then_some("2026-01-01T00:00:00Z"),
    })
}

fn repository(owner: &str, name: &str, access: Access, is_public: bool) -> Value {
    json!({
        "name": name,
        "full_name": format!("{owner}/{name}"),
        "owner": {"login": owner},
        "private": !is_public,
        "permissions": {"pull": true, "push": access == Access::Write},
    })
}

/// A page of a list.
/// <https://docs.github.com/en/rest/using-the-rest-api/using-pagination-in-the-rest-api>
fn page(request: &Incoming, name: &str, all: &[Value], findings: &mut Findings) -> Answer {
    let (mut size, mut number) = (30, 1);
    for (key, value) in crate::http::form::decode(&request.query) {
        let parsed = value.parse::<usize>().ok().filter(|number| *number > 0);
        match (key.as_str(), parsed) {
            ("per_page", Some(wanted)) if wanted <= LARGEST_PAGE => size = wanted,
            ("page", Some(wanted)) => number = wanted,
            _ => findings.push((ViolationKind::BadParameter, format!("{key}={value}"))),
        }
    }
    let shown: Vec<&Value> = all.iter().skip((number - 1) * size).take(size).collect();
    Answer::json(200, &json!({"total_count": all.len(), name: shown}))
}
