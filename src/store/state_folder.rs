//! The paths in the state folder; docs/security.md lists the files. The folder is private to its user,
//! and only the file store's `records` hold tokens in plain text.

use std::path::{Path, PathBuf};

use crate::app::{App, ItemKind, RecordKey};
use crate::auth::ports::StoreError;
use crate::host::Host;
use crate::store::{chosen_store, fingerprints, state_file};

/// The state folder.
#[derive(Clone, Debug)]
pub struct StateFolder(PathBuf);

impl StateFolder {
    /// Does no I/O.
    pub fn at(path: PathBuf) -> Self {
        Self(path)
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Makes sure that it exists and is ours alone.
    ///
    /// # Errors
    /// If it cannot be made, or belongs to another user.
    pub fn create(&self) -> Result<(), StoreError> {
        state_file::create_folder(&self.0)
    }

    /// The lock of a record.
    pub fn lock(&self, key: &RecordKey) -> PathBuf {
        self.file(key, "lock")
    }

    /// The outcome of a record's last change.
    pub fn outcome(&self, key: &RecordKey) -> PathBuf {
        self.file(key, "outcome")
    }

    /// Which store a record was saved to at its sign-in.
    pub fn chosen_store(&self, key: &RecordKey) -> PathBuf {
        self.file(key, "store")
    }

    /// The sealed pair of a refresh that could not be stored yet.
    pub fn rescue(&self, key: &RecordKey) -> PathBuf {
        self.file(key, "rescue")
    }

    /// Marks by which the record's last access tokens are known again.
    pub fn fingerprints(&self, key: &RecordKey) -> PathBuf {
        self.file(key, "fingerprints")
    }

    /// Where the App is installed.
    pub fn reach(&self, key: &RecordKey) -> PathBuf {
        self.file(key, "reach")
    }

    /// The lock of the one device flow that MCP dialogs share, and the code of it.
    pub fn dialog(&self, key: &RecordKey) -> (PathBuf, PathBuf) {
        (self.file(key, "dialog.lock"), self.file(key, "dialog"))
    }

    /// The lock of a record's scoped tokens.
    pub(crate) fn scoped_lock(&self, key: &RecordKey) -> PathBuf {
        self.file(key, "scoped.lock")
    }

    /// Held by the process of this name while it has a scoped token.
    pub(crate) fn scoped_holder(&self, key: &RecordKey, holder: &str) -> PathBuf {
        self.file(key, &format!("scoped.{holder}.lock"))
    }

    /// The log of a record's last refresh, where somebody asked for one.
    pub fn log(&self, key: &RecordKey) -> PathBuf {
        self.file(key, "log")
    }

    /// Held while an App is added to the configuration.
    pub fn config_lock(&self) -> PathBuf {
        self.0.join("config.lock")
    }

    /// What is kept beside records: whose it is, and the store that a note names. Locks and outcomes
    /// outlive a sign-in, so they do not count.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn beside_records(&self) -> Result<Vec<(App, Option<String>)>, StoreError> {
        let mut found = Vec::new();
        for name in state_file::names_in(&self.0)? {
            let name = name.strip_suffix(state_file::NEW).unwrap_or(&name);
            let kinds = ["store", "rescue", "dialog", "log"];
            let app = name
                .rsplit_once('.')
                .filter(|(_, kind)| kinds.contains(kind))
                .and_then(|(key, _)| App::of_file_name(key));
            if let Some(app) = app {
                // A note that cannot be read names no store.
                let store = chosen_store::read(&self.chosen_store(&app.key())).unwrap_or(None);
                found.push((app, store));
            }
        }
        found.sort_by_key(|(app, _)| app.key());
        found.dedup();
        Ok(found)
    }

    /// Whether this token is, or lately was, one of an App of such a host, configured or not.
    pub fn has_issued(&self, token: &str, is_host: impl Fn(&Host) -> bool) -> bool {
        let names = state_file::names_in(&self.0).unwrap_or_default();
        let mut apps = names
            .iter()
            .filter_map(|name| App::of_file_name(name.strip_suffix(".fingerprints")?))
            .filter(|app| is_host(&app.host));
        apps.any(|app| fingerprints::contain(&self.fingerprints(&app.key()), token) == Some(true))
    }

    /// Which timer was installed.
    pub fn timer(&self) -> PathBuf {
        self.0.join("timer")
    }

    /// What the timer's last run did.
    pub fn timer_run(&self) -> PathBuf {
        self.0.join("timer.run")
    }

    /// The lock of the timer's runs.
    pub fn timer_lock(&self) -> PathBuf {
        self.0.join("timer.lock")
    }

    /// The file store's folder of records.
    pub fn records(&self) -> PathBuf {
        self.0.join("records")
    }

    /// The file store's folder for items of this kind.
    pub(crate) fn items(&self, kind: ItemKind) -> PathBuf {
        match kind {
            ItemKind::Record => self.records(),
            ItemKind::AppSecret | ItemKind::ScopedTokens => self.0.join(kind.service()),
        }
    }

    /// The files that [`Self::scoped_holder`] names, with their processes or without.
    pub(crate) fn scoped_holders(&self, key: &RecordKey) -> Result<Vec<PathBuf>, StoreError> {
        let prefix = format!("{}.scoped.", key.file_name());
        let is_holder = |name: &String| {
            let rest = name.strip_prefix(&prefix);
            rest.is_some_and(|rest| rest.strip_suffix(".lock").is_some())
        };
        let names = state_file::names_in(&self.0)?.into_iter();
        Ok(names
            .filter(is_holder)
            .map(|name| self.0.join(name))
            .collect())
    }

    fn file(&self, key: &RecordKey, kind: &str) -> PathBuf {
        self.0.join(format!("{}.{kind}", key.file_name()))
    }
}

#[cfg(unix)]
impl StateFolder {
    /// The notes and locks of sandboxes.
    pub(crate) fn sandboxes(&self) -> PathBuf {
        self.0.join("sandboxes")
    }

    /// What a sandbox may have.
    pub(crate) fn sandbox_note(&self, name: &str) -> PathBuf {
        self.sandboxes().join(format!("{name}.json"))
    }

    /// Held by the process that serves a sandbox.
    pub(crate) fn sandbox_lock(&self, name: &str) -> PathBuf {
        self.sandboxes().join(format!("{name}.lock"))
    }

    /// What sandboxes asked for.
    pub(crate) fn sandbox_log(&self) -> PathBuf {
        self.0.join("sandbox.log")
    }

    /// The log before that.
    pub(crate) fn old_sandbox_log(&self) -> PathBuf {
        self.0.join("sandbox.log.1")
    }

    /// Held while the log is moved aside.
    pub(crate) fn sandbox_log_lock(&self) -> PathBuf {
        self.0.join("sandbox.log.lock")
    }
}
