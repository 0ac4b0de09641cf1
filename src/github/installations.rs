//! Asking where an App is installed, and so what its token reaches (docs.github.com, "REST API endpoints
//! for GitHub App installations": `GET /user/installations`, `GET /user/installations/{id}/repositories`).

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::token::AccessToken;

use super::device_code::is_page_of;
use super::request::HttpRequest;
use super::response::HttpResponse;
use super::user::is_login;
use super::{GitHub, RequestFailure, is_slug};

/// Entries of one page, the most that GitHub gives.
const PAGE: usize = 100;
/// More installations than these are not asked for, nor more repositories of one installation.
const MOST_INSTALLATIONS: usize = 500;
const MOST_REPOSITORIES: usize = 500;
/// A page of a hundred repositories has some 600 KiB.
const LARGEST_PAGE: usize = 4 * 1024 * 1024;

/// Where an App is installed, for one person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Installations {
    /// One for each account.
    pub installed: Vec<Installation>,
    /// Accounts whose owner suspended the installation: it reaches nothing there. Not stored.
    pub suspended: Vec<String>,
    /// The App's name in the addresses of its pages, where GitHub says it. Not stored.
    pub app_slug: Option<String>,
    /// Whether these are all.
    pub is_whole: bool,
}

/// One account on which an App is installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    /// Its login.
    pub owner: String,
    /// Which of its repositories.
    pub selection: Selection,
    /// What tokens may do there, in GitHub's words: `contents` is `write`. Not stored.
    pub permissions: BTreeMap<String, String>,
    /// The page where its repositories are selected, where GitHub says it. Not stored.
    pub page: Option<String>,
}

impl Installation {
    /// An installation of which no more is known.
    pub fn new(owner: impl Into<String>, selection: Selection) -> Self {
        Self {
            owner: owner.into(),
            selection,
            permissions: BTreeMap::new(),
            page: None,
        }
    }

    /// What tokens may do there, as `contents: write, metadata: read`.
    pub fn permissions_text(&self) -> String {
        let permissions = self.permissions.iter();
        let words: Vec<String> = permissions
            .map(|(name, level)| format!("{name}: {level}"))
            .collect();
        words.join(", ")
    }
}

/// Which repositories of an account an installation covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// All of them.
    All,
    /// Those of these names.
    These(Vec<String>),
    /// Some, and nobody knows which.
    Unknown,
}

#[derive(Deserialize)]
struct InstallationsPage {
    total_count: usize,
    installations: Vec<InstallationJson>,
}

#[derive(Deserialize)]
struct InstallationJson {
    id: u64,
    account: Option<OwnerJson>,
    repository_selection: Option<String>,
    suspended_at: Option<String>,
    #[serde(default)]
    permissions: BTreeMap<String, String>,
    html_url: Option<String>,
    app_slug: Option<String>,
}

/// An enterprise has no login, and no repositories.
#[derive(Deserialize)]
struct OwnerJson {
    login: Option<String>,
}

#[derive(Deserialize)]
struct RepositoriesPage {
    total_count: usize,
    repositories: Vec<RepositoryJson>,
}

#[derive(Deserialize)]
struct RepositoryJson {
    name: String,
}

impl GitHub {
    /// Asks where the App is installed, all requests together within `whole`. Names of selected
    /// repositories that cannot be had in this time are unknown.
    ///
    /// # Errors
    /// If the list of installations cannot be had.
    pub fn installations(
        &self,
        token: &AccessToken,
        whole: Duration,
        elapsed: &dyn Fn() -> Duration,
    ) -> Result<Installations, RequestFailure> {
        let ask = |path: String| {
            let left = whole.saturating_sub(elapsed());
            let request = HttpRequest::rest_get(self.api(&path), token).answered_by(LARGEST_PAGE);
            self.ask_within(request, left)
        };
        let mut listed: Vec<InstallationJson> = Vec::new();
        let mut page = 0;
        let is_whole = loop {
            page += 1;
            let answer = ask(format!("/user/installations?per_page={PAGE}&page={page}"))?;
            let InstallationsPage {
                total_count,
                installations,
            } = self.read(answer)?;
            let is_last = installations.is_empty();
            listed.extend(installations);
            if listed.len() >= total_count {
                break true;
            }
            if is_last || listed.len() >= MOST_INSTALLATIONS {
                break false;
            }
        };
        Ok(self.installations_of(listed, is_whole, &ask))
    }

    fn installations_of(
        &self,
        listed: Vec<InstallationJson>,
        is_whole: bool,
        ask: &dyn Fn(String) -> Result<HttpResponse, RequestFailure>,
    ) -> Installations {
        let mut installations = Installations {
            is_whole,
            ..Installations::default()
        };
        for listed in listed {
            let slug = listed.app_slug.filter(|slug| is_slug(slug));
            installations.app_slug = installations.app_slug.or(slug);
            let login = listed.account.and_then(|account| account.login);
            let Some(owner) = login.filter(|login| is_login(login)) else {
                continue;
            };
            if listed.suspended_at.is_some() {
                installations.suspended.push(owner);
                continue;
            }
            let selection = match listed.repository_selection.as_deref() {
                Some("all") => Selection::All,
                Some("selected") => self.selected(listed.id, ask),
                Some(_) | None => Selection::Unknown,
            };
            let is_plain = |(name, level): &(String, String)| is_word(name) && is_word(level);
            installations.installed.push(Installation {
                owner,
                selection,
                permissions: listed.permissions.into_iter().filter(is_plain).collect(),
                page: listed
                    .html_url
                    .filter(|page| page.len() <= 200 && is_page_of(&self.host, page)),
            });
        }
        installations
    }

    fn selected(
        &self,
        id: u64,
        ask: &dyn Fn(String) -> Result<HttpResponse, RequestFailure>,
    ) -> Selection {
        let mut names: Vec<String> = Vec::new();
        let mut page = 0;
        loop {
            page += 1;
            let path = format!("/user/installations/{id}/repositories?per_page={PAGE}&page={page}");
            let answered = ask(path).and_then(|answer| self.read(answer));
            let Ok(RepositoriesPage {
                total_count,
                repositories,
            }) = answered
            else {
                return Selection::Unknown;
            };
            let is_last = repositories.is_empty();
            names.extend(repositories.into_iter().map(|repository| repository.name));
            if total_count.max(names.len()) > MOST_REPOSITORIES {
                return Selection::Unknown;
            }
            if names.len() >= total_count {
                return Selection::These(names);
            }
            if is_last {
                return Selection::Unknown;
            }
        }
    }

    pub(super) fn read<T: DeserializeOwned>(
        &self,
        answer: HttpResponse,
    ) -> Result<T, RequestFailure> {
        let page = match answer.status() {
            200 => answer.json(),
            _ => None,
        };
        page.ok_or_else(|| answer.failure(&self.limits))
    }
}

/// The name or the level of a permission.
fn is_word(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
}
