//! Which store a record is in, and which one a new sign-in goes to.

#[cfg(target_os = "linux")]
use std::sync::Arc;

use super::Session;
use crate::app::{App, RecordKey};
use crate::auth::broker::exposed;
use crate::auth::ports::{StoreError, TokenStore};
use crate::auth::record::Account;
#[cfg(target_os = "linux")]
use crate::bus::Session as SessionBus;
use crate::config::{Config, StoreChoice};
use crate::error::{Error, Result};
#[cfg(target_os = "macos")]
use crate::store::apple::AppleSlot as SystemSlot;
use crate::store::chosen_store;
use crate::store::file::FileSlot;
#[cfg(target_os = "linux")]
use crate::store::kernel::KernelSlot;
#[cfg(target_os = "linux")]
use crate::store::secret_service::SecretService;
use crate::store::state_folder::StateFolder;
#[cfg(windows)]
use crate::store::windows::WindowsSlot as SystemSlot;
use crate::store::{RecordStore, Slot};
use crate::system::terminal::Terminal;

/// Whether a person may be asked to unlock the keychain, or to have one made (P5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unlock {
    MayAsk,
    Never,
}

impl Session<'_> {
    /// The store that is decided for a new sign-in, else the one in which the App's sign-in is.
    pub(crate) fn store_of(&self, app: &App) -> Result<StoreChoice> {
        self.config.check_store()?;
        match self.store_for_login.get() {
            Some(decided) => Ok(*decided),
            None => store_of(&self.config, app),
        }
    }

    /// The store that the last sign-in went to.
    pub(crate) fn remembered_store(&self, app: &App) -> Result<Option<StoreChoice>> {
        remembered_store(&self.config, app)
    }

    /// Decides where a sign-in goes that names no store: the keychain, and on a Linux without a
    /// usable Secret Service the kernel keyring. The keyring's loss at a reboot is said beforehand.
    pub(crate) fn decide_store_for_login(&self, app: &App, unlock: Unlock) {
        self.store_for_login
            .get_or_init(|| match self.config.store {
                StoreChoice::Auto => self.best_store(app, unlock),
                // What the call or the configuration says, not where the last sign-in went.
                named => named,
            });
    }

    fn best_store(&self, app: &App, unlock: Unlock) -> StoreChoice {
        match self.keychain_absence(&app.key(), unlock) {
            Some(cause) if kernel_is_available() => {
                Terminal.note(&format!(
                    "no keychain ({cause}); using the kernel keyring, which is empty after a reboot"
                ));
                StoreChoice::Kernel
            }
            Some(_) | None => StoreChoice::Keychain,
        }
    }

    /// Why there is no keychain that could keep a sign-in; `None` if there is one, be it locked or
    /// silent: its use tells what is wrong with it.
    #[cfg(target_os = "linux")]
    fn keychain_absence(&self, key: &RecordKey, unlock: Unlock) -> Option<String> {
        let limits = self.machine.limits;
        let slot = self.secret_service().slot(key);
        let is_there = match (slot.wait_for_collection(limits.collection), unlock) {
            (Ok(true), _) => return None,
            // Makes a collection, if the person agrees.
            (Ok(false), Unlock::MayAsk) => slot.unlock(limits.unlock),
            (Ok(false), Unlock::Never) => slot.prove_writable(),
            (Err(error), _) => Err(error),
        };
        match is_there {
            Err(StoreError::Absent(cause)) => Some(cause),
            Ok(()) | Err(_) => None,
        }
    }

    #[cfg(not(target_os = "linux"))]
    #[expect(clippy::unused_self, reason = "these systems always have one")]
    fn keychain_absence(&self, _: &RecordKey, _: Unlock) -> Option<String> {
        None
    }

    /// Whose sign-in is in the store that calls have looked in so far, where a new one goes to another
    /// store and takes its place. What cannot be read there is not compared.
    pub(crate) fn signed_in_elsewhere(
        &self,
        app: &App,
        before: Option<StoreChoice>,
    ) -> Option<Account> {
        let here = self.store_of(app).ok()?;
        let before = before.filter(|before| *before != here)?;
        let record = self.open_store(app, before).ok()?.load().ok()??;
        record.account
    }

    /// Notes which store the sign-in is in from now on, and deletes the record that the last one
    /// left in another.
    pub(crate) fn move_sign_in(&self, app: &App, from: Option<StoreChoice>) -> Result<()> {
        let here = self.store_of(app)?;
        if from == Some(here) {
            return Ok(());
        }
        self.with_call(app, |call| {
            let mut locked = call.lock()?;
            locked
                .remember_store()
                .map_err(|error| call.store_error(error))?;
            let Some(from) = from else {
                return Ok(());
            };
            let old = self.open_store(app, from)?;
            if let Err(error) = old.delete_as(locked.as_mut()) {
                Terminal.note(&format!(
                    "the earlier sign-in stays in {}, which {error}",
                    old.place()
                ));
            }
            Ok(())
        })
    }

    /// Sees that the next ghtok will be able to read a new sign-in. An empty keychain shows only
    /// now whether it wants each read confirmed; the sign-in is kept all the same.
    #[cfg(target_os = "linux")]
    pub(crate) fn prove_readable(&self, app: &App) -> Result<()> {
        if self.store_of(app)? != StoreChoice::Keychain {
            return Ok(());
        }
        self.with_call(app, |call| {
            self.secret_service()
                .slot(&app.key())
                .prove_readable_elsewhere()
                .map_err(|error| call.store_error(error))
        })
    }

    #[cfg(not(target_os = "linux"))]
    #[expect(clippy::unused_self, reason = "these systems decide by program")]
    #[expect(clippy::unnecessary_wraps, reason = "other systems may refuse")]
    pub(crate) fn prove_readable(&self, _: &App) -> Result<()> {
        Ok(())
    }

    /// The store that the command to sign in must name: one that this call names, and plain files,
    /// which somebody has asked for by name. Any other is decided again at each sign-in.
    pub(crate) fn store_to_name(&self, app: &App, choice: StoreChoice) -> Option<StoreChoice> {
        if let Some(flag) = self.config.store_flag {
            return Some(flag).filter(|flag| *flag != StoreChoice::Auto);
        }
        let must_be_named = match self.config.store {
            StoreChoice::Auto => choice == StoreChoice::File,
            StoreChoice::Kernel | StoreChoice::File => app.name.is_none(),
            StoreChoice::Keychain => false,
        };
        must_be_named.then_some(choice)
    }

    pub(crate) fn open_store(&self, app: &App, store: StoreChoice) -> Result<RecordStore> {
        let key = app.key();
        let slot: Box<dyn Slot> = match store {
            StoreChoice::File => Box::new(FileSlot::new(
                &StateFolder::at(self.config.state_dir.clone()),
                &key,
            )),
            StoreChoice::Kernel => kernel_slot(&key)?,
            StoreChoice::Auto | StoreChoice::Keychain => self.keychain_slot(&key)?,
        };
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
        let is_chosen_at_sign_in =
            self.config.store == StoreChoice::Auto && self.store_for_login.get().is_none();
        log::info!(
            "App {}: record {}: {}",
            app.label(),
            key.as_str(),
            slot.describe()
        );
        let folder = StateFolder::at(self.config.state_dir.clone());
        let record_store = RecordStore::new(slot, folder, key);
        Ok(record_store.advising(other_store, is_chosen_at_sign_in))
    }

    #[cfg(target_os = "linux")]
    #[expect(clippy::unnecessary_wraps, reason = "other systems may have none")]
    fn keychain_slot(&self, key: &RecordKey) -> Result<Box<dyn Slot>> {
        Ok(Box::new(self.secret_service().slot(key)))
    }

    /// One connection to it serves the whole command.
    #[cfg(target_os = "linux")]
    pub(crate) fn secret_service(&self) -> &Arc<SecretService> {
        self.secret_service
            .get_or_init(|| SecretService::new(self.session_bus(), self.machine.limits.store))
    }

    #[cfg(target_os = "linux")]
    pub(crate) fn session_bus(&self) -> SessionBus {
        SessionBus {
            bus_address: self.config.session_bus.clone(),
            runtime_dir: self.config.runtime_dir.clone(),
        }
    }

    #[cfg(any(target_os = "macos", windows))]
    #[expect(clippy::unnecessary_wraps, reason = "other systems may have none")]
    fn keychain_slot(&self, key: &RecordKey) -> Result<Box<dyn Slot>> {
        Ok(Box::new(SystemSlot::new(key, self.machine.limits.store)))
    }

    #[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
    fn keychain_slot(&self, _: &RecordKey) -> Result<Box<dyn Slot>> {
        Err(Error::StoreNotAvailable { name: "keychain" })
    }
}

/// The store that this call names, else the one that the sign-in went to, else the configured one.
pub(crate) fn store_of(config: &Config, app: &App) -> Result<StoreChoice> {
    if config.store_is_named && config.store != StoreChoice::Auto {
        return Ok(config.store);
    }
    Ok(remembered_store(config, app)?.unwrap_or(config.store))
}

fn remembered_store(config: &Config, app: &App) -> Result<Option<StoreChoice>> {
    let note = StateFolder::at(config.state_dir.clone()).chosen_store(&app.key());
    let remembered = chosen_store::read(&note).map_err(|error| match error {
        StoreError::File { doing, path, cause } => Error::File { doing, path, cause },
        StoreError::Exposed { path, mode } => exposed(path, mode),
        other => Error::File {
            doing: "read",
            path: note.clone(),
            cause: other.to_string(),
        },
    })?;
    Ok(remembered.and_then(|name| name.parse().ok()))
}

#[cfg(target_os = "linux")]
#[expect(clippy::unnecessary_wraps, reason = "other systems have none")]
fn kernel_slot(key: &RecordKey) -> Result<Box<dyn Slot>> {
    Ok(Box::new(KernelSlot::new(key)))
}

#[cfg(not(target_os = "linux"))]
fn kernel_slot(_: &RecordKey) -> Result<Box<dyn Slot>> {
    Err(Error::StoreNotAvailable { name: "kernel" })
}

fn kernel_is_available() -> bool {
    #[cfg(target_os = "linux")]
    return crate::store::kernel::is_available().is_ok();
    #[cfg(not(target_os = "linux"))]
    return false;
}
