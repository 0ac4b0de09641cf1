//! Every stored sign-in, of configured Apps and of others: what `status` shows and `logout --all` removes.

use std::collections::BTreeSet;

use crate::app::{App, RecordKey};
use crate::auth::ports::{StoreError, TokenStore as _};
use crate::cli;
use crate::commands::{logout, status};
use crate::config::StoreChoice;
use crate::error::{Error, Result, most_serious};
use crate::formats::shell::word;
use crate::schedule::notes::Notes as _;
use crate::session::Session;
use crate::session::told;
use crate::store::state_folder::StateFolder;
use crate::store::{Listing, file};
use crate::system::terminal::Terminal;

/// What is stored and is no configured App's.
#[derive(Default)]
struct Others {
    /// Records, and the stores that hold them or should.
    records: Vec<(App, StoreChoice)>,
    /// Files that a record left behind in the state folder.
    leftovers: Vec<(App, StoreChoice)>,
    /// Stores that may hold more.
    unseen: Vec<Error>,
}

/// How the records of known Apps are read afterwards.
#[derive(Clone, Copy, Debug)]
enum Reading {
    /// At once, together with the list.
    Ahead,
    OneByOne,
}

impl Session<'_> {
    pub(crate) fn status(&self, status: &cli::Status) -> Result<u8> {
        self.config.check_store()?;
        let named = status.names_an_app();
        let others = if named {
            Others::default()
        } else {
            self.others(Reading::Ahead)
        };
        let found = self.reports_of(&others);
        let (apps, missing) = match self.apps_to_show(named) {
            Ok(apps) => (apps, None),
            Err(error) if found.is_empty() => return Err(error),
            Err(error) => (Vec::new(), Some(error)),
        };
        let usual = self.config.min_ttl;
        let mut reports = apps
            .into_iter()
            .map(|app| {
                self.with_call(app, |call| Ok(status::look(usual, call)))
                    .unwrap_or_else(|error| status::without_store(app, &error))
            })
            .collect::<Vec<_>>();
        let code = most_serious(reports.iter().map(status::Report::exit_code));
        reports.extend(found);
        let notes = self.timer_notes();
        // What cannot be read of the timer hides nothing of the sign-ins.
        let installed = notes.installed().unwrap_or_else(|error| {
            Terminal.note(&error.to_string());
            None
        });
        let timer = installed.map(|installed| {
            status::TimerReport::of(&installed, notes.last_run().as_ref(), self.machine.clock)
        });
        let text = if status.wants_json() {
            status::json(&reports, &others.unseen, timer.as_ref())
        } else {
            status::text(&reports, &others.unseen, timer.as_ref())
        };
        Terminal.line(&text)?;
        // Only what a command would use decides; others are no command's.
        match (status.checks(), missing) {
            (true, Some(error)) => Err(error),
            (true, None) => Ok(code),
            (false, _) => Ok(0),
        }
    }

    /// The one App that was named, else every known one.
    fn apps_to_show(&self, named: bool) -> Result<Vec<&App>> {
        let all: Vec<&App> = self.config.all_apps().collect();
        if named || all.len() < 2 {
            Ok(vec![self.config.app(None)?])
        } else {
            Ok(all)
        }
    }

    fn reports_of(&self, others: &Others) -> Vec<status::Report> {
        let usual = self.config.min_ttl;
        let look = |(app, store): &(App, StoreChoice)| {
            let logout = self.logout_command(app, *store);
            self.with_call_in(app, *store, |call| {
                Ok(status::look_at_other(usual, logout, call))
            })
            .ok()
            .flatten()
        };
        others.records.iter().filter_map(look).collect()
    }

    pub(crate) fn log_out(&self, arguments: &cli::Logout) -> Result<u8> {
        self.config.check_store()?;
        let input = arguments.input();
        match (arguments.all(), arguments.account()) {
            (true, _) => Ok(self.log_out_all(input, arguments.wants_json())),
            (false, None) => self.for_app(|call| logout::run(input, call)).map(|()| 0),
            (false, Some(account)) => {
                let app = self.config.app_of_record(account)?;
                self.with_call(&app, |call| logout::run(input, call))
                    .map(|()| 0)
            }
        }
    }

    fn log_out_all(&self, input: logout::Input, as_json: bool) -> u8 {
        let others = self.others(Reading::OneByOne);
        let told = |result: Result<()>| result.map_or_else(|error| told(&error, as_json), |()| 0);
        let mut codes = Vec::new();
        for app in self.config.all_apps() {
            codes.push(told(self.with_call(app, |call| logout::run(input, call))));
        }
        for (app, store) in &others.records {
            let done = self.with_call_in(app, *store, |call| logout::run(input, call));
            codes.push(told(done));
        }
        for (app, store) in &others.leftovers {
            // Whoever holds the lock makes new ones.
            if let Ok(store) = self.open_store(app, *store)
                && let Ok(Some(mut locked)) = store.try_lock()
            {
                let _ = locked.forget_rest();
            }
        }
        for error in others.unseen {
            codes.push(told(Err(error)));
        }
        if codes.is_empty() {
            Terminal.note("nothing is stored");
        }
        most_serious(codes)
    }

    /// What a stores' lists, and the state folder, show beside the Apps that commands know.
    fn others(&self, reading: Reading) -> Others {
        let mut others = Others::default();
        let used = self.used_records();
        let read_ahead: Vec<RecordKey> = match reading {
            Reading::Ahead => keys_in_keychain(&used),
            Reading::OneByOne => Vec::new(),
        };
        let mut closed = Vec::new();
        for store in self.stores_to_list() {
            match self.list(store, &read_ahead) {
                Ok(Listing { apps, unseen }) => {
                    others
                        .records
                        .extend(apps.into_iter().map(|app| (app, store)));
                    if let Some(error) = unseen {
                        others.unseen.push(not_listed(store, &error));
                        closed.push(store);
                    }
                }
                // A store that is not there holds nothing, unless a sign-in went to it; a container has
                // no kernel keyring.
                Err(StoreError::Absent(_)) => closed.push(store),
                Err(StoreError::Unreachable(_)) if store == StoreChoice::Kernel => {
                    closed.push(store);
                }
                Err(error) => {
                    others.unseen.push(not_listed(store, &error));
                    closed.push(store);
                }
            }
        }
        let folder = StateFolder::at(self.config.state_dir.clone());
        match folder.beside_records() {
            Ok(beside) => {
                for (app, note) in beside {
                    let store = note.and_then(|name| name.parse().ok());
                    match store.map(held_in) {
                        Some(store) if closed.contains(&store) => others.records.push((app, store)),
                        store => others
                            .leftovers
                            .push((app, store.unwrap_or(StoreChoice::File))),
                    }
                }
            }
            Err(error) => others.unseen.push(not_listed(StoreChoice::File, &error)),
        }
        others
            .records
            .sort_by_key(|(app, store)| (app.key(), store.as_str()));
        others.records.dedup();
        let known = |app: &App| {
            self.config
                .all_apps()
                .find(|known| known.key() == app.key())
        };
        let is_other =
            |(app, store): &(App, StoreChoice)| !used.contains(&(app.key(), store.as_str()));
        others.records.retain(is_other);
        others.leftovers.retain(is_other);
        for (app, _) in &mut others.records {
            if let Some(known) = known(app) {
                *app = known.clone();
            }
        }
        others
    }

    /// All of them, or the one that the call names.
    fn stores_to_list(&self) -> Vec<StoreChoice> {
        match self.config.store {
            store if self.config.store_is_named && store != StoreChoice::Auto => vec![store],
            _ if cfg!(target_os = "linux") => {
                vec![
                    StoreChoice::Keychain,
                    StoreChoice::Kernel,
                    StoreChoice::File,
                ]
            }
            _ => vec![StoreChoice::Keychain, StoreChoice::File],
        }
    }

    /// Reads the records of many Apps in a few waits, where the store can do that.
    pub(crate) fn read_ahead(&self) {
        let keys = keys_in_keychain(&self.used_records());
        if cfg!(target_os = "linux") && keys.len() > 1 {
            // What keeps it from being listed keeps each record from being read.
            let _ = self.list_keychain(&keys);
        }
    }

    /// The records that commands use, and where they are.
    fn used_records(&self) -> BTreeSet<(RecordKey, &'static str)> {
        self.config
            .all_apps()
            .filter_map(|app| Some((app.key(), held_in(self.store_of(app).ok()?).as_str())))
            .collect()
    }

    fn list(&self, store: StoreChoice, read_ahead: &[RecordKey]) -> Result<Listing, StoreError> {
        match store {
            StoreChoice::File => file::list(&StateFolder::at(self.config.state_dir.clone())),
            StoreChoice::Kernel => list_kernel(),
            StoreChoice::Auto | StoreChoice::Keychain => self.list_keychain(read_ahead),
        }
    }

    #[cfg(target_os = "linux")]
    fn list_keychain(&self, read_ahead: &[RecordKey]) -> Result<Listing, StoreError> {
        self.secret_service().list(read_ahead)
    }

    #[cfg(target_os = "macos")]
    fn list_keychain(&self, _: &[RecordKey]) -> Result<Listing, StoreError> {
        crate::store::keyring::list::<crate::store::apple::MacOs>(self.machine.limits.store)
    }

    #[cfg(windows)]
    fn list_keychain(&self, _: &[RecordKey]) -> Result<Listing, StoreError> {
        crate::store::keyring::list::<crate::store::windows::Windows>(self.machine.limits.store)
    }

    #[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
    fn list_keychain(&self, _: &[RecordKey]) -> Result<Listing, StoreError> {
        Ok(Listing::default())
    }

    /// The command that removes this record and no other.
    fn logout_command(&self, app: &App, store: StoreChoice) -> String {
        if let Some(name) = &app.name {
            return format!("ghtok logout {name} --store {store}");
        }
        let host = word(&app.host.spelling());
        let mut command = format!("ghtok logout --client-id {} --host {host}", app.client_id);
        let is_alike = |known: &App| known.client_id == app.client_id && known.host == app.host;
        match &app.account {
            Some(account) => command.push_str(&format!(" --account {account}")),
            None if self.config.all_apps().any(is_alike) => command.push_str(" --account ''"),
            None => {}
        }
        format!("{command} --store {store}")
    }
}

fn keys_in_keychain(records: &BTreeSet<(RecordKey, &str)>) -> Vec<RecordKey> {
    records
        .iter()
        .filter(|(_, store)| *store == StoreChoice::Keychain.as_str())
        .map(|(key, _)| key.clone())
        .collect()
}

/// Where `auto` looks.
fn held_in(store: StoreChoice) -> StoreChoice {
    match store {
        StoreChoice::Auto => StoreChoice::Keychain,
        named => named,
    }
}

#[cfg(target_os = "linux")]
fn list_kernel() -> Result<Listing, StoreError> {
    crate::store::kernel::list()
}

#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "on Linux this can fail")]
fn list_kernel() -> Result<Listing, StoreError> {
    Ok(Listing::default())
}

fn not_listed(store: StoreChoice, error: &StoreError) -> Error {
    let store = match store {
        StoreChoice::Kernel => "the kernel keyring",
        StoreChoice::File => "the state folder",
        StoreChoice::Auto | StoreChoice::Keychain if cfg!(target_os = "linux") => {
            "the keychain (Secret Service)"
        }
        StoreChoice::Auto | StoreChoice::Keychain => "the keychain",
    };
    Error::NotListed {
        store: store.to_owned(),
        cause: error.to_string(),
    }
}
