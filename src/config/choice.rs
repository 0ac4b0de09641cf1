//! Which App a call means. Flags before variables, a name before a description, the description before
//! the default; two that contradict each other on one level are refused.

use std::fmt::Display;

use super::quote::{quoted, shown};
use super::{Config, Environment, Flags};
use crate::app::{AccountName, App, ClientId};
use crate::error::{Error, Result};
use crate::host::Host;

/// What flags and variables say about the App.
#[derive(Clone, Debug, Default)]
pub(super) struct Choice {
    by_flags: Wish,
    by_variables: Wish,
    /// The App that they describe, if no configured one fits.
    ad_hoc: Option<App>,
}

/// What one level says.
#[derive(Clone, Debug, Default)]
struct Wish {
    name: Option<String>,
    client_id: Option<Said<ClientId>>,
    host: Option<Said<Host>>,
    account: Option<Said<AccountName>>,
}

/// A value, and the flag or variable that holds it.
#[derive(Clone, Debug)]
struct Said<T> {
    origin: &'static str,
    value: T,
}

impl Choice {
    /// Reads flags and variables against the configured Apps.
    pub(super) fn new(flags: &Flags, environment: &Environment, apps: &[App]) -> Result<Self> {
        let by_flags = Wish {
            name: flags.app.clone(),
            client_id: said("--client-id", flags.client_id.as_deref(), ClientId::parse)?,
            host: said("--host", flags.host.as_deref(), Host::parse)?,
            account: said("--account", flags.account.as_deref(), AccountName::parse)?,
        };
        let variable = |name| environment.text(name);
        let by_variables = Wish {
            name: variable("GHTOK_APP")?.map(str::to_owned),
            client_id: said(
                "GHTOK_CLIENT_ID",
                variable("GHTOK_CLIENT_ID")?,
                ClientId::parse,
            )?,
            host: said("GHTOK_HOST", variable("GHTOK_HOST")?, Host::parse)?,
            account: None,
        };
        let mut choice = Self {
            by_flags,
            by_variables,
            ad_hoc: None,
        };
        let wish = choice.description();
        if !apps.iter().any(|app| wish.fits(app)) {
            choice.ad_hoc = wish.into_app();
        }
        Ok(choice)
    }
}

impl Config {
    /// The App of this call: `named` (an APP argument), else what flags, variables and the default say.
    pub fn app(&self, named: Option<&str>) -> Result<&App> {
        let Choice {
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
        let wish = self.choice.description();
        if !wish.describes_nothing() {
            return self.described(&wish);
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

    /// The App that flags, variables or `default_app` say; `None` where they say nothing.
    pub fn preferred_app(&self) -> Result<Option<&App>> {
        let Choice {
            by_flags,
            by_variables,
            ..
        } = &self.choice;
        let named = by_flags.name.is_some() || by_variables.name.is_some();
        let described = !self.choice.description().describes_nothing();
        if named || described || self.default_app.is_some() {
            self.app(None).map(Some)
        } else {
            Ok(None)
        }
    }

    /// The App of this name, whatever flags and variables say: for calls that need several.
    pub fn app_named(&self, name: &str) -> Result<&App> {
        self.apps
            .iter()
            .find(|app| app.name.as_deref() == Some(name))
            .ok_or_else(|| Error::UnknownApp {
                name: shown(name),
                known: self.names(),
            })
    }

    /// Every configured App in the file's order, then the one that only flags or variables describe.
    pub fn all_apps(&self) -> impl Iterator<Item = &App> {
        self.apps.iter().chain(&self.choice.ad_hoc)
    }

    fn described(&self, wish: &Wish) -> Result<&App> {
        let fitting: Vec<&App> = self.apps.iter().filter(|app| wish.fits(app)).collect();
        match (fitting.as_slice(), &self.choice.ad_hoc) {
            ([app], _) => Ok(app),
            ([], Some(ad_hoc)) => Ok(ad_hoc),
            ([], None) if self.apps.is_empty() => Err(Error::NoApp {
                config_file: self.file.clone(),
            }),
            ([], None) => Err(Error::Usage {
                message: format!(
                    "no configured App fits {} (there are: {})",
                    wish.words(),
                    listed(&self.apps)
                ),
                hint: "name one, as in: --app NAME, or say its client ID too: --client-id Iv23li…"
                    .into(),
            }),
            ([first, ..], _) => Err(Error::Usage {
                message: format!(
                    "several configured Apps fit {} ({})",
                    wish.words(),
                    listed(fitting.iter().copied())
                ),
                hint: format!("name one, as in: --app {}", first.label()),
            }),
        }
    }

    fn names(&self) -> Vec<String> {
        self.apps.iter().map(|app| app.label().to_owned()).collect()
    }
}

impl Choice {
    /// Client ID, host and account, each from its flag, else from its variable.
    fn description(&self) -> Wish {
        let Self {
            by_flags,
            by_variables,
            ..
        } = self.clone();
        Wish {
            name: None,
            client_id: by_flags.client_id.or(by_variables.client_id),
            host: by_flags.host.or(by_variables.host),
            account: by_flags.account.or(by_variables.account),
        }
    }
}

impl Wish {
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
            Some(said) => Err(Error::Usage {
                message: format!(
                    "{said} contradicts the App \"{}\" ({})",
                    app.label(),
                    app.key().as_str()
                ),
                hint: "say only one of the two".into(),
            }),
        }
    }

    /// The first thing said that is otherwise in `app`.
    fn contradiction(&self, app: &App) -> Option<String> {
        let client_id = self
            .client_id
            .as_ref()
            .filter(|said| said.value != app.client_id);
        let host = self.host.as_ref().filter(|said| said.value != app.host);
        let account = self.account.as_ref().filter(|said| {
            !app.account
                .as_ref()
                .is_some_and(|account| account.is(said.value.as_str()))
        });
        client_id
            .map(Said::words)
            .or_else(|| host.map(Said::words))
            .or_else(|| account.map(Said::words))
    }

    /// The App that is described; `None` without a client ID. The host is github.com where none is said.
    fn into_app(self) -> Option<App> {
        Some(App {
            name: None,
            client_id: self.client_id?.value,
            host: match self.host {
                Some(said) => said.value,
                None => Host::parse(Host::DEFAULT).ok()?,
            },
            account: self.account.map(|said| said.value),
            owners: Vec::new(),
        })
    }

    fn words(&self) -> String {
        let client_id = self.client_id.as_ref().map(Said::words);
        let host = self.host.as_ref().map(Said::words);
        let account = self.account.as_ref().map(Said::words);
        let said: Vec<String> = [client_id, host, account].into_iter().flatten().collect();
        said.join(" ")
    }
}

impl<T: Display> Said<T> {
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

fn said<T>(
    origin: &'static str,
    text: Option<&str>,
    parse: impl FnOnce(&str) -> Result<T, &'static str>,
) -> Result<Option<Said<T>>> {
    let Some(text) = text else { return Ok(None) };
    match parse(text) {
        Ok(value) => Ok(Some(Said { origin, value })),
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
mod tests {
    use super::super::scratch::Scratch;
    use super::*;

    const THREE: &str = "[[app]]\nname = \"work\"\nclient_id = \"Iv1.w\"\n\
        [[app]]\nname = \"ghes\"\nclient_id = \"Iv1.g\"\nhost = \"ghes.example\"\naccount = \"Octo\"\nowners = [\"o\"]\n\
        [[app]]\nname = \"play\"\nclient_id = \"Iv1.p\"\n";

    /// The label and key of the App that is meant, or the message. Flags are `--NAME=VALUE`, a bare word
    /// is the APP argument, the rest are variables.
    fn meant(file: &str, call: &str) -> String {
        let mut flags = Flags::default();
        let mut named = None;
        let mut pairs = Vec::new();
        for word in call.split_whitespace() {
            match word.split_once('=') {
                Some(("--app", value)) => flags.app = Some(value.into()),
                Some(("--client-id", value)) => flags.client_id = Some(value.into()),
                Some(("--host", value)) => flags.host = Some(value.into()),
                Some(("--account", value)) => flags.account = Some(value.into()),
                Some(pair) => pairs.push(pair),
                None => named = Some(word),
            }
        }
        let folder = Scratch::new().with(file);
        let said = folder.load(&flags, &pairs).and_then(|config| {
            config
                .app(named)
                .map(|app| format!("{} {}", app.label(), app.key().as_str()))
        });
        said.unwrap_or_else(|error| error.to_string())
    }

    #[test]
    fn an_app_is_chosen_by_the_highest_level_that_says_something() {
        let with_default = format!("default_app = \"play\"\n{THREE}");
        let (work, ghes) = ("work github.com/Iv1.w", "ghes ghes.example/Iv1.g/octo");
        for (call, app) in [
            ("", "play github.com/Iv1.p"),
            ("GHTOK_APP=ghes", ghes),
            ("GHTOK_APP=", "play github.com/Iv1.p"),
            ("GHTOK_CLIENT_ID=Iv1.w", work),
            ("GHTOK_HOST=ghes.example", ghes),
            ("--host=GHES.example GHTOK_APP=work", ghes),
            ("--client-id=Iv1.w GHTOK_APP=play", work),
            ("--client-id=Iv1.g GHTOK_CLIENT_ID=Iv1.w", ghes),
            ("--account=octo", ghes),
            (
                "--app=work GHTOK_APP=play GHTOK_CLIENT_ID=Iv1.x GHTOK_HOST=ghes.example",
                work,
            ),
            ("work --app=play GHTOK_APP=play", work),
            (
                "--app=ghes --client-id=Iv1.g --host=ghes.example --account=OCTO",
                ghes,
            ),
            ("GHTOK_APP=ghes GHTOK_CLIENT_ID=Iv1.g", ghes),
            ("--client-id=Iv1.new", "Iv1.new github.com/Iv1.new"),
            (
                "--client-id=Iv1.new GHTOK_HOST=ghes.example",
                "Iv1.new ghes.example/Iv1.new",
            ),
            (
                "--host=x.ghe.com GHTOK_CLIENT_ID=Iv1.new",
                "Iv1.new x.ghe.com/Iv1.new",
            ),
            (
                "--client-id=Iv1.w --host=ghes.example",
                "Iv1.w ghes.example/Iv1.w",
            ),
            (
                "--client-id=Iv1.w --account=other",
                "Iv1.w github.com/Iv1.w/other",
            ),
        ] {
            assert_eq!(meant(&with_default, call), app, "{call}");
        }
        assert_eq!(
            meant("[[app]]\nname=\"a\"\nclient_id=\"b\"", ""),
            "a github.com/b"
        );
    }

    #[test]
    fn what_names_no_app_or_two_is_refused_in_one_line() {
        for (call, message) in [
            (
                "",
                "several Apps are configured (work, ghes, play) and none is the default",
            ),
            (
                "nobody",
                "no App named \"nobody\" is configured (there are: work, ghes, play)",
            ),
            (
                "GHTOK_APP=u:hunter2@x",
                "no App named \"…@x\" is configured (there are: work, ghes, play)",
            ),
            (
                "--host=github.com",
                "several configured Apps fit --host github.com (work: github.com/Iv1.w, play: github.com/Iv1.p)",
            ),
            (
                "GHTOK_HOST=x.ghe.com",
                "no configured App fits GHTOK_HOST=x.ghe.com (there are: work: github.com/Iv1.w, ghes: ghes.example/Iv1.g/Octo, play: github.com/Iv1.p)",
            ),
            (
                "--app=work --client-id=Iv1.p",
                "--client-id Iv1.p contradicts the App \"work\" (github.com/Iv1.w)",
            ),
            (
                "work --account=octo",
                "--account octo contradicts the App \"work\" (github.com/Iv1.w)",
            ),
            (
                "GHTOK_APP=ghes GHTOK_HOST=github.com",
                "GHTOK_HOST=github.com contradicts the App \"ghes\" (ghes.example/Iv1.g/octo)",
            ),
            (
                "--client-id=a/b",
                "--client-id: \"a/b\" has characters that no client ID has",
            ),
            ("--client-id=", "--client-id: \"\" is empty"),
            (
                "GHTOK_HOST=http://github.com",
                "GHTOK_HOST: \"http://github.com\" asks for plain http, which is legal for loopback only",
            ),
            ("--account=a/b", "--account: \"a/b\" is not a GitHub login"),
        ] {
            let expected = message.replace("/Octo", "/octo");
            assert_eq!(meant(THREE, call), expected, "{call}");
        }
        let none =
            "no GitHub App is configured, and none is named by --client-id or GHTOK_CLIENT_ID";
        assert_eq!(meant("", ""), none);
        assert_eq!(meant("", "--host=github.com"), none);
        assert_eq!(
            meant("", "work"),
            "no App named \"work\" is configured (the configuration has none)"
        );
    }

    #[test]
    fn all_apps_are_the_configured_ones_and_the_described_one() {
        let folder = Scratch::new().with(THREE);
        let labels = |pairs: &[_]| {
            let config = folder.load(&Flags::default(), pairs).expect("it");
            config
                .all_apps()
                .map(|app| app.label().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(labels(&[]), ["work", "ghes", "play"]);
        assert_eq!(
            labels(&[("GHTOK_CLIENT_ID", "Iv1.g")]),
            ["work", "ghes", "play"]
        );
        assert_eq!(
            labels(&[("GHTOK_CLIENT_ID", "Iv1.x")]),
            ["work", "ghes", "play", "Iv1.x"]
        );
    }

    #[test]
    fn several_apps_can_be_named_in_one_call() {
        let folder = Scratch::new().with(THREE);
        let flags = Flags {
            client_id: Some("Iv1.x".into()),
            ..Flags::default()
        };
        let config = folder.load(&flags, &[]).expect("it");
        assert_eq!(config.app(None).expect("ad hoc").name, None);
        assert_eq!(config.app_named("ghes").expect("ghes").label(), "ghes");
        assert_eq!(config.app_named("ghes").expect("ghes").owners, ["o"]);
    }
}
