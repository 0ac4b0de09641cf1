//! Stored sign-ins of Apps that are not configured. `status` shows them, `logout --all` removes them.

use std::collections::BTreeSet;

use super::Session;
use crate::app::{App, RecordKey};
use crate::auth::ports::StoreError;
use crate::error::Error;
use crate::formats::shell::word;
use crate::store::{Listing, STORES, place_of};
use crate::store_choice::StoreChoice;

/// Stored data that belongs to no configured App.
#[derive(Default)]
pub(crate) struct OtherSignIns {
    /// Records, and their stores.
    pub(crate) records: Vec<(App, StoreChoice)>,
    /// Files of removed records in the state folder.
    pub(crate) leftovers: Vec<(App, StoreChoice)>,
    /// Stores that may hold more.
    pub(crate) unseen: Vec<Error>,
}

/// How the records of known Apps are read afterwards.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reading {
    /// At once, together with the list.
    Ahead,
    OneByOne,
}

impl Session<'_> {
    /// Lists the stores and the state folder, without the configured Apps.
    pub(crate) fn other_sign_ins(&self, reading: Reading) -> OtherSignIns {
        let used = self.used_records();
        let read_ahead: Vec<RecordKey> = match reading {
            Reading::Ahead => keys_in_keychain(&used),
            Reading::OneByOne => Vec::new(),
        };
        let (mut others, closed) = self.listed(&read_ahead);
        match self.stores.folder.beside_records() {
            Ok(beside) => {
                for (app, note) in beside {
                    let store = note.and_then(|name| name.parse().ok());
                    match store.map(StoreChoice::or_keychain) {
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

    /// The records of all stores, and the stores that could not be listed.
    fn listed(&self, read_ahead: &[RecordKey]) -> (OtherSignIns, Vec<StoreChoice>) {
        let mut others = OtherSignIns::default();
        let mut closed = Vec::new();
        for store in self.stores_to_list() {
            match self.stores.list(store, read_ahead) {
                Ok(Listing { apps, unseen }) => {
                    others
                        .records
                        .extend(apps.into_iter().map(|app| (app, store)));
                    if let Some(error) = unseen {
                        others.unseen.push(not_listed(store, &error));
                        closed.push(store);
                    }
                }
                // A store that does not exist is empty, unless a sign-in was stored in it.
                Err(StoreError::Absent(_)) => closed.push(store),
                Err(error) => {
                    others.unseen.push(not_listed(store, &error));
                    closed.push(store);
                }
            }
        }
        (others, closed)
    }

    /// All stores, or the one that `--store` names.
    pub(super) fn stores_to_list(&self) -> Vec<StoreChoice> {
        match self.config.store {
            store if self.config.store_is_named && store != StoreChoice::Auto => vec![store],
            _ => STORES.to_vec(),
        }
    }

    /// Reads the records of many Apps in a few waits, where the store can do that.
    pub(crate) fn read_ahead(&self) {
        let keys = keys_in_keychain(&self.used_records());
        if cfg!(target_os = "linux") && keys.len() > 1 {
            // The same error appears when each record is read.
            let _ = self.stores.list(StoreChoice::Keychain, &keys);
        }
    }

    /// The records that commands use, and where they are.
    fn used_records(&self) -> BTreeSet<(RecordKey, &'static str)> {
        self.config
            .all_apps()
            .filter_map(|app| Some((app.key(), self.store_of(app).ok()?.or_keychain().as_str())))
            .collect()
    }

    /// The command that removes only this record.
    pub(crate) fn logout_command(&self, app: &App, store: StoreChoice) -> String {
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

fn not_listed(store: StoreChoice, error: &StoreError) -> Error {
    Error::NotListed {
        store: place_of(store).to_owned(),
        cause: error.to_string(),
    }
}
