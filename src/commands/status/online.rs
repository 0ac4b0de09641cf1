//! What GitHub says about one App's sign-in, for `status --online`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::auth::reach::{Installation, Reach, Selection};
use crate::auth::repository_access::{Access, Explanation, Fix};
use crate::auth::token_check::AccessState;
use crate::github::{RepositoryName, RequestFailure};
use crate::session::{Call, OnlineCheck, Session, ask_github};

/// How many names of selected repositories a person is shown.
const NAMES_SHOWN: usize = 10;

/// What GitHub says about one sign-in.
#[derive(Debug, Serialize)]
pub(super) struct Online {
    token: TokenVerdict,
    login: Option<String>,
    /// Why GitHub could not be asked, or not for everything.
    problem: Option<String>,
    /// Where the App is installed; `None` if GitHub did not say.
    installations: Option<Vec<ListedInstallation>>,
    repository: Option<CheckedRepository>,
    /// The same for people.
    #[serde(skip)]
    pub(super) lines: Vec<(&'static str, String)>,
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum TokenVerdict {
    Valid,
    Rejected,
    /// It has expired; the next use gets a new one.
    Expired,
    /// GitHub could not be asked.
    Unknown,
}

#[derive(Debug, Serialize)]
struct ListedInstallation {
    owner: String,
    /// `all`, `selected`, or `unknown`.
    selection: &'static str,
    /// The selected ones.
    repositories: Vec<String>,
    permissions: BTreeMap<String, String>,
    page: Option<String>,
}

#[derive(Debug, Serialize)]
struct CheckedRepository {
    name: String,
    access: &'static str,
    why: String,
    fix: Option<String>,
    command: Option<String>,
}

/// Asks GitHub; `None` if nothing is stored.
pub(super) fn ask(
    session: &Session<'_>,
    repository: Option<&RepositoryName>,
    call: &Call<'_>,
) -> Option<Online> {
    let record = call.store.load().ok()??;
    let check = ask_github(&record, repository, call);
    if let Some(Ok(reach)) = &check.reach {
        session.keep_reach(reach, call.app);
    }
    Some(Online::of(check, repository, call))
}

impl Online {
    fn of(check: OnlineCheck, repository: Option<&RepositoryName>, call: &Call<'_>) -> Self {
        let mut online = Self::of_token(&check.token, call);
        match check.reach {
            Some(Ok(reach)) => online.tell_reach(&reach, call),
            Some(Err(failure)) => online.tell_problem("installed on", &failure),
            None => {}
        }
        match (check.repository, repository) {
            (Some(Ok(explanation)), Some(name)) => online.tell_repository(explanation, name),
            (Some(Err(failure)), Some(_)) => online.tell_problem("repository", &failure),
            _ => {}
        }
        online
    }

    fn of_token(token: &AccessState, call: &Call<'_>) -> Self {
        let refresh = call.login_command().replacen("login", "refresh", 1);
        let (token, login, problem, line) = match token {
            AccessState::Alive(account) => {
                let line = format!("accepts the token of {}", account.login);
                (TokenVerdict::Valid, Some(account.login.clone()), None, line)
            }
            AccessState::Dead => {
                let line =
                    format!("does not accept the token; get a new one:\n  {refresh} --force");
                (TokenVerdict::Rejected, None, None, line)
            }
            AccessState::Expired => {
                let line =
                    format!("was not asked: the token has expired; get a new one:\n  {refresh}");
                (TokenVerdict::Expired, None, None, line)
            }
            AccessState::Unknown(failure) => {
                let line = format!("could not be asked: {failure}");
                (TokenVerdict::Unknown, None, Some(failure.to_string()), line)
            }
        };
        Self {
            token,
            login,
            problem,
            installations: None,
            repository: None,
            lines: vec![("GitHub", line)],
        }
    }

    fn tell_reach(&mut self, reach: &Reach, call: &Call<'_>) {
        let installations = &reach.installations;
        let installed = &installations.installed;
        self.installations = Some(installed.iter().map(ListedInstallation::of).collect());
        let mut lines: Vec<String> = installed.iter().map(line).collect();
        let suspended = installations.suspended.iter();
        lines.extend(suspended.map(|owner| format!("{owner}: suspended, no access")));
        if !installations.is_whole {
            lines.push("more accounts, which GitHub did not list".into());
        }
        if lines.is_empty() {
            let page = match &installations.app_slug {
                Some(slug) => call.app.host.install_page(slug),
                None => call.app.host.apps_page(None),
            };
            lines.push(format!(
                "no account: tokens can only read public repositories; install it: {page}"
            ));
        }
        self.lines
            .extend(lines.into_iter().map(|line| ("installed on", line)));
    }

    fn tell_repository(&mut self, explanation: Explanation, name: &RepositoryName) {
        let Explanation { access, why, fix } = explanation;
        self.lines.push(("repository", format!("{name}: {why}")));
        let (act, command) = match fix {
            None => (None, None),
            Some(Fix { act, command }) => (Some(act).filter(|act| !act.is_empty()), command),
        };
        let then = command.as_ref().map(|command| match act {
            Some(_) => format!("then get a new token:\n  {command}"),
            None => format!("get a new token:\n  {command}"),
        });
        let next = act.clone().into_iter().chain(then);
        self.lines.extend(next.map(|line| ("next", line)));
        self.repository = Some(CheckedRepository {
            name: name.to_string(),
            access: word(access),
            why,
            fix: act,
            command,
        });
    }

    fn tell_problem(&mut self, name: &'static str, failure: &RequestFailure) {
        self.lines.push((name, format!("unknown: {failure}")));
        self.problem = Some(failure.to_string());
    }
}

impl ListedInstallation {
    fn of(installation: &Installation) -> Self {
        let (selection, repositories) = match &installation.selection {
            Selection::All => ("all", Vec::new()),
            Selection::These(names) => ("selected", names.clone()),
            Selection::Unknown => ("unknown", Vec::new()),
        };
        Self {
            owner: installation.owner.clone(),
            selection,
            repositories,
            permissions: installation.permissions.clone(),
            page: installation.page.clone(),
        }
    }
}

/// One installation for people.
fn line(installation: &Installation) -> String {
    let repositories = match &installation.selection {
        Selection::All => "all repositories".into(),
        Selection::Unknown => "some repositories".into(),
        Selection::These(names) => {
            let shown = names.iter().take(NAMES_SHOWN).map(String::as_str);
            let mut text = shown.collect::<Vec<_>>().join(", ");
            if names.len() > NAMES_SHOWN {
                text.push_str(&format!(" and {} more", names.len() - NAMES_SHOWN));
            }
            match names.len() {
                0 => "no repository".into(),
                _ => format!("only {text} (others answer 404)"),
            }
        }
    };
    let permissions = match installation.permissions_text() {
        text if text.is_empty() => text,
        text => format!("; {text}"),
    };
    format!("{}: {repositories}{permissions}", installation.owner)
}

fn word(access: Access) -> &'static str {
    match access {
        Access::Installed => "installed",
        Access::PublicOnly => "public_only",
        Access::NotInstalled => "not_installed",
        Access::NotSelected => "not_selected",
        Access::Suspended => "suspended",
        Access::NotFound => "not_found",
        Access::Unknown => "unknown",
        Access::Forbidden => "forbidden",
        Access::TokenRejected => "token_rejected",
    }
}
