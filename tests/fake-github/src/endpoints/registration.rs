//! `/settings/apps/new` and `/organizations/ORG/settings/apps/new`: the form in which a person registers an App,
//! filled in by the address's parameters, and the page that shows the new App's client ID.
//! <https://docs.github.com/en/apps/sharing-github-apps/registering-a-github-app-using-url-parameters>

use super::Findings;
use crate::app::{DeviceFlow, Level};
use crate::authority::{Authority, NewApp};
use crate::http::{Answer, Incoming, form};
use crate::violation::ViolationKind;

/// The longest name of an App.
const LONGEST_NAME: usize = 34;

/// Permissions of repositories and organizations, as parameters name them.
const PERMISSIONS: [&str; 26] = [
    "actions",
    "administration",
    "checks",
    "contents",
    "deployments",
    "discussions",
    "environments",
    "issues",
    "members",
    "metadata",
    "organization_administration",
    "organization_hooks",
    "organization_projects",
    "packages",
    "pages",
    "pull_requests",
    "repository_hooks",
    "repository_projects",
    "secret_scanning_alerts",
    "secrets",
    "security_events",
    "single_file",
    "statuses",
    "team_discussions",
    "vulnerability_alerts",
    "workflows",
];

/// What the form is about to register.
#[derive(Default)]
struct Filled {
    name: String,
    url: String,
    is_public: bool,
    device_flow: bool,
    permissions: Vec<(String, String)>,
}

pub(super) fn answer(
    request: &Incoming,
    authority: &mut Authority,
    findings: &mut Findings,
) -> Answer {
    let organization = request
        .path
        .strip_prefix("/organizations/")
        .and_then(|rest| rest.split('/').next());
    match request.method.as_str() {
        "GET" => {
            let mut filled = from_address(&request.query, findings);
            // The parameter is not documented.
            filled.device_flow &= !authority.rules.device_flow_parameter_ignored;
            Answer::html(200, &page(&request.path, &filled, ""))
        }
        "POST" => register(request, organization, authority),
        other => {
            findings.push((ViolationKind::WrongMethod, other.to_owned()));
            Answer::html(405, "Method Not Allowed").with("Allow", "GET, POST")
        }
    }
}

/// Minds what GitHub would silently ignore.
fn from_address(query: &str, findings: &mut Findings) -> Filled {
    let mut filled = Filled::default();
    let mut seen: Vec<String> = Vec::new();
    for (name, value) in form::decode(query) {
        let truth = matches!(value.as_str(), "true" | "false");
        let level = matches!(value.as_str(), "read" | "write" | "admin");
        let is_permission = PERMISSIONS.contains(&name.as_str());
        let fits = match name.as_str() {
            "name" => (1..=LONGEST_NAME).contains(&value.chars().count()),
            "url" => value.starts_with("http"),
            "public" | "webhook_active" | "device_flow_enabled" => truth,
            _ => is_permission && level,
        };
        if !fits || seen.contains(&name) {
            findings.push((ViolationKind::BadParameter, format!("{name}={value}")));
            continue;
        }
        match name.as_str() {
            "name" => filled.name.clone_from(&value),
            "url" => filled.url.clone_from(&value),
            "public" => filled.is_public = value == "true",
            "device_flow_enabled" => filled.device_flow = value == "true",
            "webhook_active" => {}
            _ => filled.permissions.push((name.clone(), value)),
        }
        seen.push(name);
    }
    for needed in ["url", "public", "webhook_active", "device_flow_enabled"] {
        if !seen.iter().any(|name| name == needed) {
            findings.push((ViolationKind::BadParameter, format!("{needed} is missing")));
        }
    }
    filled
}

fn register(request: &Incoming, organization: Option<&str>, authority: &mut Authority) -> Answer {
    let params = request.params();
    let get = |wanted: &str| {
        let mut found = params.iter().filter(|(name, _)| name == wanted);
        found.next().map_or("", |(_, value)| value.as_str())
    };
    let permissions = params
        .iter()
        .filter(|(name, _)| PERMISSIONS.contains(&name.as_str()));
    let filled = Filled {
        name: get("name").to_owned(),
        url: get("url").to_owned(),
        is_public: get("public") == "true",
        device_flow: !get("device_flow").is_empty(),
        permissions: permissions.cloned().collect(),
    };
    if filled.url.is_empty() {
        return Answer::html(
            422,
            &page(&request.path, &filled, "Homepage URL can't be blank"),
        );
    }
    let new = NewApp {
        name: filled.name.clone(),
        owner: organization.map_or_else(|| authority.default_login(), str::to_owned),
        device_flow: if filled.device_flow {
            DeviceFlow::Enabled
        } else {
            DeviceFlow::Disabled
        },
        permissions: filled
            .permissions
            .iter()
            .filter_map(|(name, level)| Some((name.clone(), Level::parse(level)?)))
            .collect(),
    };
    match authority.register(new) {
        Ok(client_id) => Answer::html(
            200,
            &format!(
                "<!DOCTYPE html>\n<html lang=\"en\"><body>\n<h1>{}</h1>\n<p>App ID: <b>1234567</b></p>\n\
                 <p>Client ID: <code>{client_id}</code></p>\n</body></html>\n",
                escaped(&filled.name)
            ),
        ),
        Err(problem) => Answer::html(422, &page(&request.path, &filled, problem)),
    }
}

fn page(path: &str, filled: &Filled, note: &str) -> String {
    let checked = |is| if is { " checked" } else { "" };
    let boxes: Vec<String> = filled
        .permissions
        .iter()
        .map(|(name, level)| {
            format!("<label>{name} <input name=\"{name}\" value=\"{level}\"></label>\n")
        })
        .collect();
    let permissions = boxes.concat();
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Register new GitHub App</title></head>\n\
         <body>\n<h1>Register new GitHub App (fake GitHub)</h1>\n<p role=\"alert\">{note}</p>\n\
         <form method=\"post\" action=\"{path}\">\n\
         <label>GitHub App name <input name=\"name\" value=\"{name}\" maxlength=\"{LONGEST_NAME}\" required></label>\n\
         <label>Homepage URL <input name=\"url\" value=\"{url}\" required></label>\n\
         <label>Expire user authorization tokens <input type=\"checkbox\" name=\"expire\" value=\"1\" checked></label>\n\
         <label>Enable Device Flow <input type=\"checkbox\" name=\"device_flow\" value=\"1\"{device_flow}></label>\n\
         {permissions}\
         <label>Only on this account <input type=\"radio\" name=\"public\" value=\"false\"{private}></label>\n\
         <label>Any account <input type=\"radio\" name=\"public\" value=\"true\"{public}></label>\n\
         <button>Create GitHub App</button>\n</form>\n</body></html>\n",
        name = escaped(&filled.name),
        url = escaped(&filled.url),
        device_flow = checked(filled.device_flow),
        private = checked(!filled.is_public),
        public = checked(filled.is_public),
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('"', "&quot;")
        .replace('<', "&lt;")
}
