//! Scoped tokens: user access tokens with less reach, which an App creates with its secret.
//! <https://docs.github.com/en/rest/apps/apps#create-a-scoped-access-token>

use super::tokens::{Issued, Token, token_text};
use super::{Authority, Bearer, Repository};
use crate::app::{App, Installed, Permissions};

/// Whether scoped tokens take places in the pool of ten; GitHub does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScopedPool {
    Apart,
    Shared,
}

/// How long a scoped token lives; GitHub does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScopedLives {
    UntilItsExpiry,
    /// The refresh of the user access token that it was created with ends it too.
    UntilTheRefresh,
}

/// What an App asks for.
#[derive(Debug)]
pub(crate) struct ScopedRequest<'a> {
    pub(crate) access_token: &'a str,
    pub(crate) owner: &'a str,
    /// `None`: all that the App's installation covers.
    pub(crate) repositories: Option<Vec<&'a str>>,
    /// `None`: all of the App's.
    pub(crate) permissions: Option<Permissions>,
}

#[derive(Debug)]
pub(crate) struct ScopedToken {
    pub(crate) value: String,
    pub(crate) login: String,
    pub(crate) installed: Installed,
    pub(crate) permissions: Permissions,
    /// Seconds; `None` for an App whose tokens do not expire.
    pub(crate) expires_in: Option<u64>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ScopedDenial {
    /// It is dead, of another App, or itself scoped.
    Token,
    Target,
    Repository(String),
    Permission(String),
}

impl Authority {
    /// The App with this ID and this secret.
    pub(crate) fn app_with_secret(&self, client_id: &str, secret: &str) -> Option<&App> {
        self.app(client_id)
            .filter(|app| app.client_secret.as_deref() == Some(secret))
    }

    pub(crate) fn create_scoped(
        &mut self,
        client_id: &str,
        request: &ScopedRequest,
    ) -> Result<ScopedToken, ScopedDenial> {
        let parent = self
            .pairs
            .iter()
            .find(|pair| pair.access.value == request.access_token)
            .cloned();
        let bearer = self
            .bearer(request.access_token)
            .filter(|bearer| bearer.client_id == client_id && !bearer.is_scoped);
        let (Some(parent), Some(bearer)) = (parent, bearer) else {
            return Err(ScopedDenial::Token);
        };
        let installed = self.narrowed(&bearer, request)?;
        let granted = bearer.permissions.unwrap_or_default();
        let permissions = match &request.permissions {
            Some(wanted) => narrowed_permissions(&granted, wanted)?,
            None => granted,
        };
        let now = self.now();
        let lifetime = self.rules.scoped_lifetime;
        let lifetime = lifetime.unwrap_or(self.rules.access_lifetime);
        let expires = parent.refresh.is_some();
        let value = token_text("ghu_", 36, self.rules.token_form);
        self.pairs.push(Issued {
            installed: vec![installed.clone()],
            permissions: Some(permissions.clone()),
            is_scoped: true,
            access: Token {
                value: value.clone(),
                expires_at: expires.then(|| now + lifetime),
                revoked: false,
            },
            refresh: None,
            born_at: now,
            ..parent
        });
        self.evict_oldest(client_id, &bearer.login);
        self.scoped.push(value.clone());
        let live = self.scoped.iter().filter(|token| self.is_alive(token));
        self.most_live_scoped = self.most_live_scoped.max(live.count());
        Ok(ScopedToken {
            value,
            login: bearer.login,
            installed,
            permissions,
            expires_in: expires.then_some(lifetime.as_secs()),
        })
    }

    /// Revokes a live token of this App; false if there is none.
    pub(crate) fn delete_token(&mut self, client_id: &str, access_token: &str) -> bool {
        let now = self.now();
        let found = self.pairs.iter().any(|pair| {
            pair.client_id == client_id
                && pair.access.value == access_token
                && pair.access.is_alive(now)
        });
        if found {
            self.revoke(access_token);
        }
        found
    }

    /// Every scoped token that was created, in order.
    pub(crate) fn scoped_tokens(&self) -> &[String] {
        &self.scoped
    }

    pub(crate) fn most_live_scoped(&self) -> usize {
        self.most_live_scoped
    }

    /// One installation, on the repositories asked for.
    fn narrowed(
        &self,
        bearer: &Bearer,
        request: &ScopedRequest,
    ) -> Result<Installed, ScopedDenial> {
        let owner = request.owner;
        let here = bearer
            .installed
            .iter()
            .find(|installed| !installed.suspended && installed.owner.eq_ignore_ascii_case(owner));
        let here = match here {
            Some(installed) => installed.clone(),
            None if self.rules.open => Installed::on(owner),
            None => return Err(ScopedDenial::Target),
        };
        let Some(names) = &request.repositories else {
            return Ok(here);
        };
        for name in names {
            if !self.reaches(bearer, Repository { owner, name }) {
                return Err(ScopedDenial::Repository((*name).to_owned()));
            }
        }
        Ok(Installed::on(here.owner).selected(names.iter().copied()))
    }
}

/// What was asked for, with `metadata`, which every token has.
fn narrowed_permissions(
    granted: &Permissions,
    wanted: &Permissions,
) -> Result<Permissions, ScopedDenial> {
    for (name, level) in wanted {
        if granted.get(name).is_none_or(|most| level > most) {
            return Err(ScopedDenial::Permission(name.clone()));
        }
    }
    let metadata = granted.get_key_value("metadata");
    let mut narrowed = wanted.clone();
    if let Some((name, level)) = metadata {
        narrowed.entry(name.clone()).or_insert(*level);
    }
    Ok(narrowed)
}
