//! Puts `login` together.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use log::LevelFilter;

use crate::app::App;
use crate::auth::ports::Clock;
use crate::cli;
use crate::commands::login::{self, AppInConfig, Offer, Present, SavedApp, Since};
use crate::config::{
    Browsers, Config, Desktop, Environment, Flags, StoreChoice, add_app, lines_to_add,
};
use crate::error::{Error, Result};
use crate::formats::shell::word;
use crate::session::Session;
use crate::session::{Unlock, store_of};
use crate::store::lock::Lock;
use crate::store::network_folder::network_kind;
use crate::store::state_folder::StateFolder;
use crate::system::browser::Browser;
use crate::system::terminal::Terminal;
use crate::system::terminal::screen::Screen;

/// How long another `login` may take to write its App down.
const WRITING: Duration = Duration::from_secs(2);

impl Session<'_> {
    pub(crate) fn log_in(&self, login: &cli::Login) -> Result<u8> {
        self.config.check_store()?;
        // The time zone can be read only while there is one thread, and login starts another.
        let clock = self.machine.clock;
        let began = clock.now();
        let _ = clock.local_time(clock.now());
        let (app, wanted) = self.config.app_to_sign_in()?;
        let (app, wanted) = (app.clone(), wanted.map(str::to_owned));
        let before = match self.remembered_store(&app) {
            Err(error) if self.config.store == StoreChoice::Auto => return Err(error),
            // What cannot be read is written anew.
            remembered => remembered.unwrap_or(None),
        };
        let usual = self.config.min_ttl;
        let mut desktop = Desktop::of(&Environment::from_process());
        // Log lines come between: where they do, no line is written over.
        desktop.looks.dumb |= log::max_level() != LevelFilter::Off;
        let save_app = || self.save_app(&app, wanted.as_deref(), login.saves_app());
        let desk = desk(clock, desktop, &save_app);
        let input = login.input();
        if self.is_good_where_it_went(&app, before, &input, &desk)? {
            return Ok(0);
        }
        self.decide_store_for_login(&app, Unlock::MayAsk);
        let input = login::Input {
            elsewhere: self.signed_in_elsewhere(&app, before),
            ..input
        };
        let since = self.with_call(&app, |call| login::run(&input, usual, &desk, call))?;
        self.remember_where(&app, before, since)?;
        self.prove_readable(&app)?;
        self.with_call(&app, |call| {
            self.ask_reach_after_login(began, call);
            Ok(0)
        })?;
        self.warn_of_network_folder();
        Ok(0)
    }

    /// Notes which store later commands find the sign-in in. One that was good before stays good where
    /// that cannot be written.
    fn remember_where(&self, app: &App, before: Option<StoreChoice>, since: Since) -> Result<()> {
        let is_found_anyway = before.is_none() && self.config.store_flag.is_none();
        match (since, self.move_sign_in(app, before)) {
            (Since::Before, Err(error)) => {
                if !is_found_anyway {
                    let what = "later commands will not find it without the same --store";
                    Terminal.note(&format!("{what}: {error}"));
                }
                Ok(())
            }
            (_, moved) => moved,
        }
    }

    /// Where a lock may keep nobody out, two machines can refresh at once.
    fn warn_of_network_folder(&self) {
        let folder = &self.config.state_dir;
        if let Some(kind) = network_kind(folder) {
            Terminal.note(&network_folder(folder, &kind));
        }
    }

    /// Where a sign-in goes is decided for a new one only: one that is good stays where it is.
    fn is_good_where_it_went(
        &self,
        app: &App,
        store: Option<StoreChoice>,
        input: &login::Input,
        desk: &login::Desk<'_>,
    ) -> Result<bool> {
        // The keychain may have to be unlocked first, and `run` looks into it.
        let is_elsewhere = matches!(store, Some(StoreChoice::Kernel | StoreChoice::File));
        if self.config.store != StoreChoice::Auto || !is_elsewhere || input.present != Present::Keep
        {
            return Ok(false);
        }
        let usual = self.config.min_ttl;
        match self.with_call(app, |call| {
            login::tell_if_signed_in(input, usual, desk, call)
        }) {
            Err(Error::StoreUnreachable { .. }) => Ok(false),
            told => told,
        }
    }

    /// Writes the App into the configuration, if it is not there, and says how commands find it.
    fn save_app(&self, app: &App, wanted: Option<&str>, is_wanted: bool) -> SavedApp {
        let store = self.store_of(app).unwrap_or_default();
        let file = &self.config.file;
        let in_config = match (&app.name, is_wanted) {
            (Some(name), _) => AppInConfig::Before { name: name.clone() },
            (None, false) => AppInConfig::NotWanted,
            (None, true) => {
                let _lock = self.config_lock();
                match add_app(file, app, wanted) {
                    Ok(entry) => AppInConfig::Now {
                        file: file.clone(),
                        name: entry.name,
                        new_default: entry.new_default,
                    },
                    Err(error) => AppInConfig::NotWritten {
                        file: file.clone(),
                        lines: lines_to_add(&self.config, app, wanted),
                        error,
                    },
                }
            }
        };
        SavedApp {
            arguments: arguments_of(app, in_config.name(), store),
            in_config,
        }
    }

    /// One `login` at a time writes the configuration. Without the lock the file is still compared
    /// before it is replaced.
    fn config_lock(&self) -> Option<Lock> {
        let folder = StateFolder::at(self.config.state_dir.clone());
        let clock = self.machine.clock;
        let end = clock.monotonic() + WRITING;
        loop {
            match Lock::try_take(&folder.config_lock()) {
                Ok(None) if clock.monotonic() < end => clock.sleep(Duration::from_millis(20)),
                Ok(lock) => return lock,
                Err(_) => return None,
            }
        }
    }
}

/// The shortest arguments by which a command finds this App and this store, here and in a shell
/// without the variables of this call; each is tried on the configuration as it is now.
fn arguments_of(app: &App, name: Option<&str>, store: StoreChoice) -> String {
    let environments = [
        Environment::from_process(),
        Environment::from_process().without_choice(),
    ];
    let plain = Flags::default;
    let named = name.map(|name| Flags {
        app: Some(name.to_owned()),
        ..plain()
    });
    let by_id = Flags {
        client_id: Some(app.client_id.to_string()),
        ..plain()
    };
    let whole = Flags {
        host: Some(app.host.spelling()),
        ..by_id.clone()
    };
    let attempts = [Some(plain()), named, Some(by_id), Some(whole.clone())];
    for flags in attempts.into_iter().flatten() {
        let looked_in = |environment| store_found(&flags, environment, app);
        let stores: Option<Vec<_>> = environments.iter().map(looked_in).collect();
        if let Some(stores) = stores {
            let is_there = stores.iter().all(|found| *found == store);
            return typed(&flags, (!is_there).then_some(store));
        }
    }
    typed(&whole, Some(store))
}

/// The store in which a command with these flags looks for this App's sign-in; `None` if it means
/// another App, or none.
fn store_found(flags: &Flags, environment: &Environment, app: &App) -> Option<StoreChoice> {
    let config = Config::load(flags, environment).ok()?;
    let found = config.app(None).ok()?;
    let is_this = found.key() == app.key() && found.host == app.host;
    is_this.then(|| store_of(&config, found).ok()).flatten()
}

/// The flags as a person types them.
fn typed(flags: &Flags, store: Option<StoreChoice>) -> String {
    let mut words = Vec::new();
    words.extend(flags.app.clone());
    for (flag, value) in [
        ("--client-id", flags.client_id.clone()),
        ("--host", flags.host.clone()),
        ("--store", store.map(|store| store.to_string())),
    ] {
        if let Some(value) = value {
            words.extend([flag.to_owned(), word(&value)]);
        }
    }
    words.join(" ")
}

fn network_folder(folder: &Path, kind: &str) -> String {
    format!(
        "the state folder {} is on a network file system ({kind}), whose locks may not hold between machines; \
         a folder on a local disk is safe: set GHTOK_STATE_DIR, and sign in on each machine",
        folder.display()
    )
}

fn desk<'a>(
    clock: &'a (dyn Clock + Sync),
    desktop: Desktop,
    save_app: &'a (dyn Fn() -> SavedApp + Sync),
) -> login::Desk<'a> {
    let find = |commands: &[String]| Browser::find(commands, &desktop.folders).map(Offer::Opens);
    let browser = match &desktop.browsers {
        Browsers::Named(variable, commands) => find(commands)
            .unwrap_or_else(|| Offer::None(format!("{variable} names no program that is here"))),
        Browsers::Usual(commands) => {
            find(commands).unwrap_or_else(|| Offer::None("none was found here".into()))
        }
        Browsers::OutOfSight(reason) => Offer::None(format!("none is opened from here {reason}")),
    };
    login::Desk {
        clock,
        screen: Arc::new(Screen::new(desktop.looks)),
        browser,
        clipboards: desktop.clipboards,
        folders: desktop.folders,
        save_app,
    }
}
