//! Opens and lists the stores. The only file that knows which stores a system has.

use super::Session;
use crate::app::{App, RecordKey};
use crate::auth::ports::StoreError;
use crate::error::Result;
use crate::store::file::{self, FileSlot};
use crate::store::state_folder::StateFolder;
use crate::store::{Listing, RecordStore, Slot};
use crate::store_choice::StoreChoice;

pub(super) use platform::{STORES, kernel_is_available};
use platform::{kernel_slot, list_kernel};

impl Session<'_> {
    /// Opens the store of the App's record. Reads nothing yet.
    pub(crate) fn open_store(&self, app: &App, store: StoreChoice) -> Result<RecordStore> {
        let key = app.key();
        let slot = self.slot(store, &key)?;
        let other_store: fn() -> &'static str = match store {
            StoreChoice::Kernel => || "file",
            StoreChoice::Auto | StoreChoice::Keychain | StoreChoice::File => || {
                if kernel_is_available() {
                    "kernel"
                } else {
                    "file"
                }
            },
        };
        log::info!(
            "App {}: record {}: {}",
            app.label(),
            key.as_str(),
            slot.describe()
        );
        let record_store = RecordStore::new(slot, self.state_folder(), key);
        Ok(record_store.advising(other_store, self.is_chosen_at_sign_in()))
    }

    /// The place of a record in this store.
    pub(super) fn slot(&self, store: StoreChoice, key: &RecordKey) -> Result<Box<dyn Slot>> {
        match store {
            StoreChoice::File => Ok(Box::new(FileSlot::new(&self.state_folder(), key))),
            StoreChoice::Kernel => kernel_slot(key),
            StoreChoice::Auto | StoreChoice::Keychain => self.keychain_slot(key),
        }
    }

    /// Lists the records in this store. A store that can read many records at once reads `read_ahead`.
    pub(super) fn list(
        &self,
        store: StoreChoice,
        read_ahead: &[RecordKey],
    ) -> Result<Listing, StoreError> {
        match store {
            StoreChoice::File => file::list(&self.state_folder()),
            StoreChoice::Kernel => list_kernel(),
            StoreChoice::Auto | StoreChoice::Keychain => self.list_keychain(read_ahead),
        }
    }

    pub(super) fn state_folder(&self) -> StateFolder {
        StateFolder::at(self.config.state_dir.clone())
    }
}

/// What an error calls a store.
pub(super) fn place_of(store: StoreChoice) -> &'static str {
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
    use std::sync::Arc;

    use super::{Listing, RecordKey, Result, Session, Slot, StoreChoice, StoreError};
    use crate::bus::SessionBus;
    use crate::store::kernel::{self, KernelSlot};
    use crate::store::secret_service::SecretService;

    pub(in super::super) const STORES: &[StoreChoice] = &[
        StoreChoice::Keychain,
        StoreChoice::Kernel,
        StoreChoice::File,
    ];

    impl Session<'_> {
        #[expect(clippy::unnecessary_wraps, reason = "other systems may have none")]
        pub(super) fn keychain_slot(&self, key: &RecordKey) -> Result<Box<dyn Slot>> {
            Ok(Box::new(self.secret_service().slot(key)))
        }

        pub(super) fn list_keychain(&self, ahead: &[RecordKey]) -> Result<Listing, StoreError> {
            self.secret_service().list(ahead)
        }

        /// One connection for the whole command.
        fn secret_service(&self) -> &Arc<SecretService> {
            self.secret_service
                .get_or_init(|| SecretService::new(self.session_bus(), self.machine.limits.store))
        }

        pub(crate) fn session_bus(&self) -> SessionBus {
            SessionBus {
                bus_address: self.config.session_bus.clone(),
                runtime_dir: self.config.runtime_dir.clone(),
            }
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "other systems have none")]
    pub(super) fn kernel_slot(key: &RecordKey) -> Result<Box<dyn Slot>> {
        Ok(Box::new(KernelSlot::new(key)))
    }

    pub(super) fn list_kernel() -> Result<Listing, StoreError> {
        kernel::list()
    }

    pub(in super::super) fn kernel_is_available() -> bool {
        kernel::is_available().is_ok()
    }
}

/// The system's keychain on macOS and Windows; on other systems only the file store.
#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "on Linux some of these can fail")]
mod platform {
    use super::{Listing, RecordKey, Result, Session, Slot, StoreChoice, StoreError};
    use crate::error::Error;
    #[cfg(target_os = "macos")]
    use crate::store::apple::{AppleSlot as SystemSlot, MacOs as System};
    #[cfg(any(target_os = "macos", windows))]
    use crate::store::keyring;
    #[cfg(windows)]
    use crate::store::windows::{Windows as System, WindowsSlot as SystemSlot};

    pub(in super::super) const STORES: &[StoreChoice] = &[StoreChoice::Keychain, StoreChoice::File];

    #[cfg(any(target_os = "macos", windows))]
    impl Session<'_> {
        pub(super) fn keychain_slot(&self, key: &RecordKey) -> Result<Box<dyn Slot>> {
            Ok(Box::new(SystemSlot::new(key, self.machine.limits.store)))
        }

        pub(super) fn list_keychain(&self, _: &[RecordKey]) -> Result<Listing, StoreError> {
            keyring::list::<System>(self.machine.limits.store)
        }
    }

    #[cfg(not(any(target_os = "macos", windows)))]
    #[expect(clippy::unused_self, reason = "there is no keychain")]
    impl Session<'_> {
        pub(super) fn keychain_slot(&self, _: &RecordKey) -> Result<Box<dyn Slot>> {
            Err(Error::StoreNotAvailable { name: "keychain" })
        }

        pub(super) fn list_keychain(&self, _: &[RecordKey]) -> Result<Listing, StoreError> {
            Ok(Listing::default())
        }
    }

    pub(super) fn kernel_slot(_: &RecordKey) -> Result<Box<dyn Slot>> {
        Err(Error::StoreNotAvailable { name: "kernel" })
    }

    pub(super) fn list_kernel() -> Result<Listing, StoreError> {
        Ok(Listing::default())
    }

    pub(in super::super) fn kernel_is_available() -> bool {
        false
    }
}
