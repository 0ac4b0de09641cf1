//! Stores of records: in each, a record has a `Slot` (a keychain item, a kernel key or a file). Decisions
//! are made in `auth`.

#[cfg(target_os = "macos")]
pub(crate) mod apple;
pub(crate) mod chosen_store;
pub(crate) mod dialog;
pub(crate) mod file;
pub(crate) mod fingerprints;
#[cfg(target_os = "linux")]
pub(crate) mod kernel;
#[cfg(any(target_os = "macos", windows))]
pub(crate) mod keyring;
pub(crate) mod lock;
pub(crate) mod network_folder;
pub(crate) mod outcome;
pub(crate) mod reach;
pub(crate) mod record;
pub(crate) mod record_store;
pub(crate) mod rescue;
#[cfg(target_os = "linux")]
pub(crate) mod secret_service;
pub(crate) mod state_file;
pub(crate) mod state_folder;
pub(crate) mod timer_notes;
#[cfg(windows)]
pub(crate) mod windows;

use std::time::Duration;

use zeroize::Zeroizing;

pub use self::record_store::RecordStore;
use crate::app::App;
use crate::auth::ports::StoreError;
use crate::permits::UnlockPermit;

/// The records in a store.
#[derive(Debug, Default)]
pub struct Listing {
    /// The Apps of the records.
    pub apps: Vec<App>,
    /// Why the list may be incomplete.
    pub unseen: Option<StoreError>,
}

/// The place where one record is stored, as bytes.
pub trait Slot {
    /// The bytes, if there are any.
    fn read(&self) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError>;
    /// Replaces the bytes atomically and durably.
    fn write(&self, bytes: &[u8]) -> Result<(), StoreError>;
    /// Removes the bytes.
    fn delete(&self) -> Result<(), StoreError>;
    /// Unlocks the place if it is locked. The only call that may show a prompt; the prompt is closed at
    /// the limit.
    fn unlock(&self, permit: &UnlockPermit, limit: Duration) -> Result<(), StoreError>;
    /// Checks that bytes could be written, without changing any.
    fn prove_writable(&self) -> Result<(), StoreError>;
    /// Waits until the store can take a new record; false after the time-out.
    fn wait_until_usable(&self, _patience: Duration) -> Result<bool, StoreError> {
        Ok(true)
    }
    /// Checks that another process can read what this one can.
    fn prove_readable_elsewhere(&self) -> Result<(), StoreError> {
        Ok(())
    }
    /// The name for `--store`.
    fn name(&self) -> &'static str;
    /// The name in messages.
    fn describe(&self) -> String;
}
