//! Asking for an App's name and owner, and for a person's organizations (docs.github.com, "REST API endpoints
//! for GitHub Apps": `GET /apps/{app_slug}`; "for organizations": `GET /user/orgs`).

use serde::Deserialize;

use crate::token::AccessToken;

use super::request::HttpRequest;
use super::user::is_login;
use super::{GitHub, RequestFailure, is_slug, server_text};

/// A page of a hundred organizations has some 100 KiB.
const LARGEST: usize = 1024 * 1024;

/// An App, as GitHub describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AppInfo {
    /// Its name, fit to be shown.
    pub(crate) name: String,
    /// Its name in the addresses of its pages.
    pub(crate) slug: String,
    /// The login of its owner; `None` for an enterprise.
    pub(crate) owner: Option<String>,
}

#[derive(Deserialize)]
struct AppAnswer {
    slug: String,
    name: String,
    client_id: String,
    owner: Option<AppOwner>,
}

#[derive(Deserialize)]
struct AppOwner {
    login: Option<String>,
}

#[derive(Deserialize)]
struct OrganizationJson {
    login: String,
}

impl GitHub {
    /// The App of this slug, if it is the one with our client ID. GitHub does not describe every private
    /// App to a user's token.
    ///
    /// # Errors
    /// If GitHub gives no description.
    pub(crate) fn app_info(
        &self,
        token: &AccessToken,
        slug: &str,
    ) -> Result<Option<AppInfo>, RequestFailure> {
        if !is_slug(slug) {
            return Ok(None);
        }
        let request = HttpRequest::rest_get(self.api(&format!("/apps/{slug}")), token);
        let answer = self.ask_within(request, self.limits.check)?;
        let app: AppAnswer = self.read(answer)?;
        let is_ours = app.client_id == self.client_id.as_str() && is_slug(&app.slug);
        Ok(is_ours.then(|| AppInfo {
            name: server_text::shown(&app.name),
            slug: app.slug,
            owner: app
                .owner
                .and_then(|owner| owner.login)
                .filter(|login| is_login(login)),
        }))
    }

    /// The organizations of the person, as far as GitHub lists them to this token.
    ///
    /// # Errors
    /// If GitHub gives no list.
    pub(crate) fn organizations(&self, token: &AccessToken) -> Result<Vec<String>, RequestFailure> {
        let url = self.api("/user/orgs?per_page=100");
        let request = HttpRequest::rest_get(url, token).answered_by(LARGEST);
        let answer = self.ask_within(request, self.limits.check)?;
        let listed: Vec<OrganizationJson> = self.read(answer)?;
        Ok(listed.into_iter().map(|listed| listed.login).collect())
    }
}
