//! Opens and lists the stores of records. In each store, a record has a `Slot` (a keychain item, a kernel
//! key or a file). Decisions are made in `auth`.

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
#[cfg(unix)]
pub(crate) mod sandbox_log;
#[cfg(unix)]
pub(crate) mod sandboxes;
pub(crate) mod scoped_tokens;
#[cfg(target_os = "linux")]
pub(crate) mod secret_service;
pub(crate) mod state_file;
pub(crate) mod state_folder;
pub(crate) mod timer_notes;
#[cfg(windows)]
pub(crate) mod windows;

#[cfg(target_os = "linux")]
use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

use self::file::FileSlot;
pub(crate) use self::platform::{STORES, kernel_is_available};
use self::platform::{kernel_slot, list_kernel};
pub use self::record_store::RecordStore;
pub use self::scoped_tokens::ScopedItems;
#[cfg(target_os = "linux")]
use self::secret_service::SecretService;
use self::state_folder::StateFolder;
use crate::app::{App, ItemKind, RecordKey};
use crate::auth::ports::StoreError;
use crate::error::Result;
use crate::permits::UnlockPermit;
use crate::store_choice::StoreChoice;

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

/// The stores of this system. No other type knows which there are.
pub(crate) struct Stores {
    pub(crate) folder: StateFolder,
    /// One connection for the whole command.
    #[cfg(target_os = "linux")]
    pub(crate) secret_service: Arc<SecretService>,
    /// The time for one read or write.
    #[cfg(any(target_os = "macos", windows))]
    pub(crate) limit: Duration,
}

impl Stores {
    /// Opens the store of the App's record. Reads nothing yet.
    pub(crate) fn open(
        &self,
        app: &App,
        store: StoreChoice,
        is_chosen_at_sign_in: bool,
    ) -> Result<RecordStore> {
        let key = app.key();
        let slot = self.slot(store, &key)?;
        log::info!(
            "App {}: record {}: {}",
            app.label(),
            key.as_str(),
            slot.describe()
        );
        let record_store = RecordStore::new(slot, self.folder.clone(), key);
        Ok(record_store.advising(store_instead_of(store), is_chosen_at_sign_in))
    }

    /// Opens what is stored beside the App's record for scoped tokens. Reads nothing yet.
    pub(crate) fn scoped(&self, app: &App, store: StoreChoice) -> Result<ScopedItems> {
        let (list, secret) = ScopedItems::keys(app);
        let mut secrets = vec![self.slot(store, &secret)?];
        if store != StoreChoice::File {
            secrets.push(self.slot(StoreChoice::File, &secret)?);
        }
        let list = self.slot(store, &list)?;
        Ok(ScopedItems::new(
            list,
            secrets,
            self.folder.clone(),
            app.key(),
        ))
    }

    /// The place of an item in this store.
    pub(crate) fn slot(&self, store: StoreChoice, key: &RecordKey) -> Result<Box<dyn Slot>> {
        match store {
            StoreChoice::File => Ok(Box::new(FileSlot::new(&self.folder, key))),
            StoreChoice::Kernel => kernel_slot(key),
            StoreChoice::Auto | StoreChoice::Keychain => self.keychain_slot(key),
        }
    }

    /// Lists the records in this store. A store that can read many records at once reads `read_ahead`.
    pub(crate) fn list(
        &self,
        store: StoreChoice,
        read_ahead: &[RecordKey],
    ) -> Result<Listing, StoreError> {
        match store {
            StoreChoice::File => file::list(&self.folder, ItemKind::Record),
            StoreChoice::Kernel => list_kernel(ItemKind::Record),
            StoreChoice::Auto | StoreChoice::Keychain => self.list_keychain(read_ahead),
        }
    }

    /// Lists the items of a kind in this store.
    pub(crate) fn list_items(
        &self,
        store: StoreChoice,
        kind: ItemKind,
    ) -> Result<Listing, StoreError> {
        match store {
            StoreChoice::File => file::list(&self.folder, kind),
            StoreChoice::Kernel => list_kernel(kind),
            StoreChoice::Auto | StoreChoice::Keychain => self.list_keychain_items(kind),
        }
    }
}

/// The store to suggest if this one cannot be used; the kernel keyring is tried only then.
fn store_instead_of(store: StoreChoice) -> fn() -> &'static str {
    match store {
        StoreChoice::Kernel => || "file",
        _ => || {
            if kernel_is_available() {
                "kernel"
            } else {
                "file"
            }
        },
    }
}

/// What an error calls a store.
pub(crate) fn place_of(store: StoreChoice) -> &'static str {
    match store {
        StoreChoice::Kernel => "the kernel keyring",
        StoreChoice::File => "the state folder",
        StoreChoice::Auto | StoreChoice::Keychain if cfg!(target_os = "linux") => {
            "the keychain (Secret Service)"
        }
        StoreChoice::Auto | StoreChoice::Keychain => "the keychain",
    }
}

/// The Secret Service, or another program that speaks its protocol, and the kernel keyring.
#[cfg(target_os = "linux")]
mod platform {
    use super::kernel::{self, KernelSlot};
    use super::{ItemKind, Listing, RecordKey, Result, Slot, StoreChoice, StoreError, Stores};

    pub(crate) const STORES: &[StoreChoice] = &[
        StoreChoice::Keychain,
        StoreChoice::Kernel,
        StoreChoice::File,
    ];

    impl Stores {
        #[expect(clippy::unnecessary_wraps, reason = "other systems may have none")]
        pub(super) fn keychain_slot(&self, key: &RecordKey) -> Result<Box<dyn Slot>> {
            Ok(Box::new(self.secret_service.slot(key)))
        }

        pub(super) fn list_keychain(&self, ahead: &[RecordKey]) -> Result<Listing, StoreError> {
            self.secret_service.list(ahead)
        }

        pub(super) fn list_keychain_items(&self, kind: ItemKind) -> Result<Listing, StoreError> {
            self.secret_service.list_items(kind)
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "other systems have none")]
    pub(super) fn kernel_slot(key: &RecordKey) -> Result<Box<dyn Slot>> {
        Ok(Box::new(KernelSlot::new(key)))
    }

    /// A container has no kernel keyring.
    pub(super) fn list_kernel(kind: ItemKind) -> Result<Listing, StoreError> {
        kernel::list(kind).map_err(|error| match error {
            StoreError::Unreachable(cause) => StoreError::Absent(cause),
            other => other,
        })
    }

    pub(crate) fn kernel_is_available() -> bool {
        kernel::is_available().is_ok()
    }
}

/// The system's keychain on macOS and Windows; on other systems only the file store.
#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "on Linux some of these can fail")]
mod platform {
    #[cfg(target_os = "macos")]
    use super::apple::{AppleSlot as SystemSlot, MacOs as System};
    #[cfg(any(target_os = "macos", windows))]
    use super::keyring;
    #[cfg(windows)]
    use super::windows::{Windows as System, WindowsSlot as SystemSlot};
    use super::{ItemKind, Listing, RecordKey, Result, Slot, StoreChoice, StoreError, Stores};
    use crate::error::Error;

    pub(crate) const STORES: &[StoreChoice] = &[StoreChoice::Keychain, StoreChoice::File];

    #[cfg(any(target_os = "macos", windows))]
    impl Stores {
        pub(super) fn keychain_slot(&self, key: &RecordKey) -> Result<Box<dyn Slot>> {
            Ok(Box::new(SystemSlot::new(key, self.limit)))
        }

        pub(super) fn list_keychain(&self, _: &[RecordKey]) -> Result<Listing, StoreError> {
            self.list_keychain_items(ItemKind::Record)
        }

        pub(super) fn list_keychain_items(&self, kind: ItemKind) -> Result<Listing, StoreError> {
            keyring::list::<System>(kind, self.limit)
        }
    }

    #[cfg(not(any(target_os = "macos", windows)))]
    #[expect(clippy::unused_self, reason = "there is no keychain")]
    impl Stores {
        pub(super) fn keychain_slot(&self, _: &RecordKey) -> Result<Box<dyn Slot>> {
            Err(Error::StoreNotAvailable { name: "keychain" })
        }

        pub(super) fn list_keychain(&self, _: &[RecordKey]) -> Result<Listing, StoreError> {
            Ok(Listing::default())
        }

        pub(super) fn list_keychain_items(&self, _: ItemKind) -> Result<Listing, StoreError> {
            Ok(Listing::default())
        }
    }

    pub(super) fn kernel_slot(_: &RecordKey) -> Result<Box<dyn Slot>> {
        Err(Error::StoreNotAvailable { name: "kernel" })
    }

    pub(super) fn list_kernel(_: ItemKind) -> Result<Listing, StoreError> {
        Ok(Listing::default())
    }

    pub(crate) fn kernel_is_available() -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_store_of_the_system_can_be_named() {
        for store in STORES {
            assert_eq!(store.as_str().parse(), Ok(*store));
        }
    }
}
