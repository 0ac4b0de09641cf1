//! Which App a call means. Flags before variables, a name before a description, the description before
//! the default; two that contradict each other on one level are refused.

use std::fmt::Display;

use super::quote::{quoted, shown};
use super::{Config, Environment, Flags, check_app_name};
use crate::app::{AccountName, App, ClientId};
use crate::error::{Error, Result};
use crate::host::Host;

/// What flags and variables say about the App.
#[derive(Clone, Debug, Default)]
pub(super) struct AppChoice {
    by_flags: AppQuery,
    by_variables: AppQuery,
    /// Client ID, host and account, each from its flag, otherwise from its variable.
    description: AppQuery,
    /// The App that they describe, if no configured one fits.
    ad_hoc: Option<App>,
}

/// What one level says.
#[derive(Clone, Debug, Default)]
struct AppQuery {
    name: Option<String>,
    client_id: Option<Given<ClientId>>,
    host: Option<Given<Host>>,
    account: Option<Given<AccountName>>,
}

/// A value, and the flag or variable that holds it.
#[derive(Clone, Debug)]
struct Given<T> {
    origin: &'static str,
    value: T,
}

impl AppChoice {
    /// Reads flags and variables against the configured Apps.
    pub(super) fn new(flags: &Flags, environment: &Environment, apps: &[App]) -> Result<Self> {
        let by_flags = AppQuery {
            name: flags.app.clone(),
            client_id: given("--client-id", flags.client_id.as_deref(), ClientId::parse)?,
            host: given("--host", flags.host.as_deref(), Host::parse)?,
            account: given("--account", flags.account.as_deref(), AccountName::parse)?,
        };
        // A variable that a flag overrules is not judged.
        let variable = |name, overruled: bool| {
            if overruled {
                Ok(None)
            } else {
                environment.text(name)
            }
        };
        // Nor are these where a configured App is named: they describe another.
        let is_named = by_flags.name.is_some() && by_flags.client_id.is_none();
        let client_id = variable("GHTOK_CLIENT_ID", is_named || by_flags.client_id.is_some())?;
        let host = variable("GHTOK_HOST", is_named || by_flags.host.is_some())?;
        let by_variables = AppQuery {
            name: variable("GHTOK_APP", by_flags.name.is_some())?,
            client_id: given("GHTOK_CLIENT_ID", client_id.as_deref(), ClientId::parse)?,
            host: given("GHTOK_HOST", host.as_deref(), Host::parse)?,
            account: None,
        };
        let description = by_flags.or(&by_variables);
        let is_configured = apps.iter().any(|app| description.fits(app));
        Ok(Self {
            ad_hoc: (!is_configured).then(|| description.to_app()).flatten(),
            by_flags,
            by_variables,
            description,
        })
    }
}

impl Config {
    /// The App of this call: `named` (an APP argument), otherwise what flags, variables and the
    /// default say.
    pub fn app(&self, named: Option<&str>) -> Result<&App> {
        let AppChoice {
            by_flags,
            by_variables,
            ..
        } = &self.choice;
        if let Some(name) = named.or(by_flags.name.as_deref()) {
            return by_flags.agreeing(self.app_named(name)?);
        }
        if let (true, Some(name)) = (by_flags.describes_nothing(), &by_variables.name) {
            return by_variables.agreeing(self.app_named(name)?);
        }
        if !self.choice.description.describes_nothing() {
            return self.described();
        }
        match (&self.default_app, self.apps.as_slice()) {
            (Some(name), _) => self.app_named(name),
            (None, []) => Err(Error::NoApp {
                config_file: self.file.clone(),
            }),
            (None, [only]) => Ok(only),
            (None, _) => Err(Error::WhichApp {
                known: self.names(),
            }),
        }
    }

    /// The App that `login` is for: a configured one, or the new one that `--client-id` describes, with
    /// the name that it is to get.
    pub fn app_to_sign_in(&self) -> Result<(&App, Option<&str>)> {
        let AppChoice {
            by_flags, ad_hoc, ..
        } = &self.choice;
        let new_name = by_flags
            .name
            .as_deref()
            .filter(|name| by_flags.client_id.is_some() && self.app_named(name).is_err());
        let Some(name) = new_name else {
            return self.app(None).map(|app| (app, None));
        };
        check_app_name(name).map_err(|reason| Error::Config {
            origin: "APP".into(),
            problem: format!("{} {reason}", quoted(name)),
        })?;
        if let Some(app) = ad_hoc {
            return Ok((app, Some(name)));
        }
        let present = self.described()?;
        Err(Error::Usage {
            message: format!(
                "{} is already configured as \"{}\"",
                self.choice.description.words(),
                present.label()
            ),
            hint: format!("use that name:\n  ghtok login {}", present.label()),
        })
    }

    /// Where a new App is registered: what the flag or the variable says, else github.com.
    pub(crate) fn host_of_new_app(&self) -> Host {
        let given = self.choice.description.host.as_ref();
        given.map_or_else(Host::github_com, |given| given.value.clone())
    }

    /// The App of a record that is named whole: by client ID, host, and its account or none.
    pub(crate) fn app_of_record(&self, account: &str) -> Result<App> {
        let account = match account {
            "" => None,
            login => given("--account", Some(login), AccountName::parse)?,
        };
        let query = AppQuery {
            account,
            ..self.choice.description.clone()
        };
        let app = query.to_app().ok_or_else(|| Error::NoApp {
            config_file: self.file.clone(),
        })?;
        let known = self.apps.iter().find(|known| known.key() == app.key());
        Ok(known.cloned().unwrap_or(app))
    }

    /// The App that flags, variables or `default_app` say; `None` where they say nothing.
    pub(crate) fn preferred_app(&self) -> Result<Option<&App>> {
        let AppChoice {
            by_flags,
            by_variables,
            ..
        } = &self.choice;
        let named = by_flags.name.is_some() || by_variables.name.is_some();
        let described = !self.choice.description.describes_nothing();
        if named || described || self.default_app.is_some() {
            self.app(None).map(Some)
        } else {
            Ok(None)
        }
    }

    /// The App of this name, whatever flags and variables say: for calls that need several.
    pub(crate) fn app_named(&self, name: &str) -> Result<&App> {
        self.apps
            .iter()
            .find(|app| app.name.as_deref() == Some(name))
            .ok_or_else(|| Error::UnknownApp {
                name: shown(name),
                known: self.names(),
            })
    }

    /// Every configured App in the file's order, then the one that only flags or variables describe.
    pub(crate) fn all_apps(&self) -> impl Iterator<Item = &App> {
        self.apps.iter().chain(&self.choice.ad_hoc)
    }

    fn described(&self) -> Result<&App> {
        let query = &self.choice.description;
        let fitting: Vec<&App> = self.apps.iter().filter(|app| query.fits(app)).collect();
        match (fitting.as_slice(), &self.choice.ad_hoc) {
            ([app], _) => Ok(app),
            ([], Some(ad_hoc)) => Ok(ad_hoc),
            ([], None) if self.apps.is_empty() => Err(Error::NoApp {
                config_file: self.file.clone(),
            }),
            ([], None) => Err(Error::Usage {
                message: format!(
                    "no configured App matches {} (configured: {})",
                    query.words(),
                    listed(&self.apps)
                ),
                hint: "select one, for example: --app NAME, or also give its client ID: --client-id Iv23li…"
                    .into(),
            }),
            ([first, ..], _) => Err(Error::Usage {
                message: format!(
                    "several configured Apps match {} ({})",
                    query.words(),
                    listed(fitting.iter().copied())
                ),
                hint: format!("select one, for example: --app {}", first.label()),
            }),
        }
    }

    /// The configured names.
    pub(crate) fn names(&self) -> Vec<String> {
        self.apps.iter().map(|app| app.label().to_owned()).collect()
    }
}

impl AppQuery {
    /// Client ID, host and account, each from here, otherwise from `other`.
    fn or(&self, other: &Self) -> Self {
        Self {
            name: None,
            client_id: self
                .client_id
                .as_ref()
                .or(other.client_id.as_ref())
                .cloned(),
            host: self.host.as_ref().or(other.host.as_ref()).cloned(),
            account: self.account.as_ref().or(other.account.as_ref()).cloned(),
        }
    }

    fn describes_nothing(&self) -> bool {
        self.client_id.is_none() && self.host.is_none() && self.account.is_none()
    }

    /// What is not said fits every App.
    fn fits(&self, app: &App) -> bool {
        self.describes_nothing() || self.contradiction(app).is_none()
    }

    /// The App, unless this level describes another one.
    fn agreeing<'a>(&self, app: &'a App) -> Result<&'a App> {
        match self.contradiction(app) {
            None => Ok(app),
            Some(given) => Err(Error::Usage {
                message: format!(
                    "{given} contradicts the App \"{}\" ({})",
                    app.label(),
                    app.key().as_str()
                ),
                hint: "give only one of them".into(),
            }),
        }
    }

    /// The first thing said that is otherwise in `app`.
    fn contradiction(&self, app: &App) -> Option<String> {
        let client_id = self
            .client_id
            .as_ref()
            .filter(|given| given.value != app.client_id);
        let host = self.host.as_ref().filter(|given| given.value != app.host);
        let account = self.account.as_ref().filter(|given| {
            !app.account
                .as_ref()
                .is_some_and(|account| account.is(given.value.as_str()))
        });
        client_id
            .map(Given::words)
            .or_else(|| host.map(Given::words))
            .or_else(|| account.map(Given::words))
    }

    /// The App that is described; `None` without a client ID. The host is github.com where none is said.
    fn to_app(&self) -> Option<App> {
        Some(App {
            name: None,
            client_id: self.client_id.as_ref()?.value.clone(),
            host: match &self.host {
                Some(given) => given.value.clone(),
                None => Host::github_com(),
            },
            account: self.account.as_ref().map(|given| given.value.clone()),
            owners: Vec::new(),
        })
    }

    fn words(&self) -> String {
        let client_id = self.client_id.as_ref().map(Given::words);
        let host = self.host.as_ref().map(Given::words);
        let account = self.account.as_ref().map(Given::words);
        let said: Vec<String> = [client_id, host, account].into_iter().flatten().collect();
        said.join(" ")
    }
}

impl<T: Display> Given<T> {
    /// As it could have been typed.
    fn words(&self) -> String {
        let Self { origin, value } = self;
        if origin.starts_with('-') {
            format!("{origin} {value}")
        } else {
            format!("{origin}={value}")
        }
    }
}

fn given<T>(
    origin: &'static str,
    text: Option<&str>,
    parse: impl FnOnce(&str) -> Result<T, &'static str>,
) -> Result<Option<Given<T>>> {
    let Some(text) = text.map(str::trim) else {
        return Ok(None);
    };
    match parse(text) {
        Ok(value) => Ok(Some(Given { origin, value })),
        Err(reason) => Err(Error::Config {
            origin: origin.into(),
            problem: format!("{} {reason}", quoted(text)),
        }),
    }
}

/// Apps with what tells them apart.
fn listed<'a>(apps: impl IntoIterator<Item = &'a App>) -> String {
    let one = |app: &App| format!("{}: {}", app.label(), app.key().as_str());
    apps.into_iter().map(one).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
