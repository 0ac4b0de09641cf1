//! A `Slot` combined with the record's lock, outcome and rescue file in the state folder.

use std::fs::File;
use std::path::Path;
use std::time::{Duration, SystemTime};

use zeroize::Zeroizing;

use crate::app::RecordKey;
use crate::auth::outcome::{Happened, Outcome};
use crate::auth::ports::{LockedStore, OutcomeVersion, StoreError, TokenStore};
use crate::auth::record::{Record, RescueKey};
use crate::permits::{RefreshPermit, UnlockPermit};
use crate::store::dialog::SharedDialog;
use crate::store::lock::Lock;
use crate::store::outcome::OutcomeFile;
use crate::store::rescue::{self, RescueFile};
use crate::store::state_folder::StateFolder;
use crate::store::{Slot, chosen_store, fingerprints, record, state_file};

/// One App's record in a slot, with its lock, outcome and rescue file.
pub struct RecordStore {
    slot: Box<dyn Slot>,
    folder: StateFolder,
    key: RecordKey,
    other_store: fn() -> &'static str,
    is_chosen_at_sign_in: bool,
}

impl RecordStore {
    /// Does no I/O.
    pub fn new(slot: Box<dyn Slot>, folder: StateFolder, key: RecordKey) -> Self {
        Self {
            slot,
            folder,
            key,
            other_store: || "file",
            is_chosen_at_sign_in: true,
        }
    }

    /// Sets what to suggest if this store cannot be used: another store, and whether it must be named.
    #[must_use]
    pub fn advising(self, other_store: fn() -> &'static str, is_chosen_at_sign_in: bool) -> Self {
        Self {
            other_store,
            is_chosen_at_sign_in,
            ..self
        }
    }

    /// Deletes the record in this store, with the lock taken through another store: all stores of a
    /// record have the same lock.
    ///
    /// # Errors
    /// The store's error; the record still exists then.
    pub fn delete_as(&self, _: &mut dyn LockedStore) -> Result<(), StoreError> {
        self.delete_slot()
    }

    /// Adopts an inherited lock file that another process opened and locked.
    ///
    /// # Errors
    /// If the file is not this record's lock, or is not locked.
    pub fn adopt_lock(&self, file: File) -> Result<Box<dyn LockedStore + '_>, StoreError> {
        Ok(Box::new(
            self.locked(Lock::adopt(file, &self.folder.lock(&self.key))?),
        ))
    }

    /// Whether this is or recently was an access token of this record; `None` if its tokens are unknown.
    ///
    /// # Errors
    /// If the record must be read and cannot be.
    pub fn has_issued(&self, token: &str) -> Result<Option<bool>, StoreError> {
        let known = fingerprints::contain(&self.folder.fingerprints(&self.key), token);
        if known.is_some() {
            return Ok(known);
        }
        let record = self.load()?;
        Ok(record.map(|record| record.tokens.access_token().expose() == token))
    }

    fn read_slot(&self) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        let read = self.slot.read();
        log::info!(
            "{}: read: {}",
            self.slot.describe(),
            match &read {
                Ok(Some(bytes)) => format!("a record of {} bytes", bytes.len()),
                Ok(None) => "no record".into(),
                Err(error) => error.to_string(),
            }
        );
        read
    }

    fn delete_slot(&self) -> Result<(), StoreError> {
        self.logged("delete", self.slot.delete())
    }

    fn logged(&self, call: &str, result: Result<(), StoreError>) -> Result<(), StoreError> {
        log::info!(
            "{}: {call}: {}",
            self.slot.describe(),
            match &result {
                Ok(()) => "done".into(),
                Err(error) => error.to_string(),
            }
        );
        result
    }

    fn take_lock(&self, path: &Path) -> Result<Option<Lock>, StoreError> {
        self.folder.create()?;
        let lock = Lock::try_take(path)?;
        if lock.is_some() {
            self.outcome_file().prove_usable()?;
        }
        Ok(lock)
    }

    fn locked(&self, lock: Lock) -> LockedRecord<'_> {
        LockedRecord {
            store: self,
            lock,
            rescue: None,
        }
    }

    fn outcome_file(&self) -> OutcomeFile {
        OutcomeFile::at(self.folder.outcome(&self.key))
    }
}

impl TokenStore for RecordStore {
    fn load(&self) -> Result<Option<Record>, StoreError> {
        match self.read_slot()? {
            Some(bytes) => record::decode(&bytes).map(Some),
            None => Ok(None),
        }
    }

    /// Fails if the outcome file cannot be written, because the other processes would get no result.
    /// A process without write permission can still wait for the one that holds the lock.
    fn try_lock(&self) -> Result<Option<Box<dyn LockedStore + '_>>, StoreError> {
        let path = self.folder.lock(&self.key);
        match self.take_lock(&path) {
            Ok(lock) => Ok(lock.map(|lock| Box::new(self.locked(lock)) as Box<dyn LockedStore>)),
            Err(StoreError::ReadOnly { .. }) if Lock::is_held(&path) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn unlock(&self, permit: &UnlockPermit, limit: Duration) -> Result<(), StoreError> {
        self.logged("unlock", self.slot.unlock(permit, limit))
    }

    fn outcome(&self) -> Option<Outcome> {
        self.outcome_file().read()
    }

    fn outcome_version(&self) -> OutcomeVersion {
        self.outcome_file().version()
    }

    /// Only a sign-in writes `KEY.store`.
    fn last_sign_in(&self) -> Option<SystemTime> {
        let note = self
            .folder
            .chosen_store(&self.key)
            .symlink_metadata()
            .ok()?;
        note.modified().ok()
    }

    fn place(&self) -> String {
        self.slot.describe()
    }

    fn has_sign_in(&self) -> bool {
        let note = chosen_store::read(&self.folder.chosen_store(&self.key));
        let is_here = note.is_ok_and(|name| name.as_deref() == Some(self.slot.name()));
        let signed_out = |outcome: Outcome| outcome.what == Happened::Deleted;
        is_here && !self.outcome().is_some_and(signed_out)
    }

    fn other_store(&self) -> &'static str {
        (self.other_store)()
    }

    fn is_chosen_at_sign_in(&self) -> bool {
        self.is_chosen_at_sign_in
    }
}

/// A record whose lock is held.
struct LockedRecord<'a> {
    store: &'a RecordStore,
    lock: Lock,
    rescue: Option<RescueFile>,
}

impl LockedStore for LockedRecord<'_> {
    fn refresh_permit(&self) -> RefreshPermit<'_> {
        RefreshPermit::of(&self.lock)
    }

    fn load(&self) -> Result<Option<Record>, StoreError> {
        self.store.load()
    }

    fn prove_writable(&mut self) -> Result<(), StoreError> {
        let store = self.store;
        store.logged("try to write", store.slot.prove_writable())
    }

    fn remember_store(&mut self) -> Result<(), StoreError> {
        let note = self.store.folder.chosen_store(&self.store.key);
        chosen_store::write(&note, self.store.slot.name())
    }

    fn save(&mut self, record: &Record) -> Result<(), StoreError> {
        let store = self.store;
        store.logged("save", store.slot.write(&record::encode(record)))?;
        let known = store.folder.fingerprints(&store.key);
        // Without the fingerprint, `has_issued` reads the record itself.
        let _ = fingerprints::add(&known, record.tokens.access_token());
        Ok(())
    }

    fn delete(&mut self) -> Result<(), StoreError> {
        self.store.delete_slot()
    }

    fn outcome(&self) -> Option<Outcome> {
        self.store.outcome()
    }

    fn report(&mut self, outcome: &Outcome) -> Result<(), StoreError> {
        self.store.outcome_file().write(outcome)
    }

    fn prepare_rescue(&mut self) -> Result<(), StoreError> {
        let path = self.store.folder.rescue(&self.store.key);
        self.rescue = Some(RescueFile::prepare(path)?);
        Ok(())
    }

    fn seal_rescue(&mut self, record: &Record, key: &RescueKey) -> Result<(), StoreError> {
        match &mut self.rescue {
            Some(rescue) => rescue.seal(&self.store.key, record, key),
            None => Err(StoreError::Unreachable(
                "no space was reserved for the rescue file".into(),
            )),
        }
    }

    fn rescued(&self, generation: u64, key: &RescueKey) -> Result<Option<Record>, StoreError> {
        let path = self.store.folder.rescue(&self.store.key);
        rescue::open(&path, &self.store.key, generation, key)
    }

    fn wipe_rescue(&mut self) {
        self.rescue = None;
        rescue::wipe(&self.store.folder.rescue(&self.store.key));
    }

    fn forget_rest(&mut self) -> Result<(), StoreError> {
        let (folder, key) = (&self.store.folder, &self.store.key);
        self.rescue = None;
        let files = [
            folder.rescue(key),
            folder.chosen_store(key),
            folder.log(key),
            folder.reach(key),
            folder.fingerprints(key),
        ];
        // Try to remove all of them, even if one cannot be removed.
        let removed = files.map(|path| state_file::remove(&path));
        let dialog = SharedDialog::new(folder.clone(), key).remove_stale_code();
        removed.into_iter().chain([dialog]).collect()
    }

    fn may_be_shared(&self) -> bool {
        self.lock
            .may_be_shared(&self.store.folder.lock(&self.store.key))
    }

    fn lock_file(&self) -> Option<File> {
        self.lock.share()
    }
}
