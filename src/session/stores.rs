//! Which store has a record, and which one a new sign-in is stored in.

use std::path::Path;
use std::time::Duration;

use super::Session;
use crate::app::{App, RecordKey};
use crate::auth::broker::exposed;
use crate::auth::outcome::Outcome;
use crate::auth::ports::{StoreError, TokenStore};
use crate::auth::record::Account;
#[cfg(target_os = "linux")]
use crate::bus::SessionBus;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::limits::Limits;
use crate::permits::UnlockPermit;
use crate::store::chosen_store;
use crate::store::dialog::SharedDialog;
use crate::store::lock::Lock;
use crate::store::network_folder::network_kind;
#[cfg(target_os = "linux")]
use crate::store::secret_service::SecretService;
use crate::store::state_folder::StateFolder;
use crate::store::{RecordStore, Stores, kernel_is_available};
use crate::store_choice::StoreChoice;
use crate::system::terminal::Terminal;

impl Session<'_> {
    /// Opens the store of the App's record. Reads nothing yet.
    pub(crate) fn open_store(&self, app: &App, store: StoreChoice) -> Result<RecordStore> {
        self.stores.open(app, store, self.is_chosen_at_sign_in())
    }

    /// The store chosen for a new sign-in, otherwise the one that has the App's sign-in.
    pub(crate) fn store_of(&self, app: &App) -> Result<StoreChoice> {
        self.config.check_store()?;
        match self.store_for_login.get() {
            Some(decided) => Ok(*decided),
            None => store_of(&self.config, app),
        }
    }

    /// The store of the last sign-in.
    pub(crate) fn remembered_store(&self, app: &App) -> Result<Option<StoreChoice>> {
        remembered_store(&self.config, app)
    }

    /// Chooses the store of a sign-in without `--store`: the keychain, or the kernel keyring on a Linux
    /// without a usable Secret Service. A note then says that a reboot empties the keyring. Without a
    /// permit to unlock, nobody is asked to create a collection.
    pub(crate) fn decide_store_for_login(&self, app: &App, unlock: Option<&UnlockPermit>) {
        self.store_for_login
            .get_or_init(|| match self.config.store {
                StoreChoice::Auto => self.best_store(app, unlock),
                // The flag or the configuration decides, not the store of the last sign-in.
                named => named,
            });
    }

    fn best_store(&self, app: &App, unlock: Option<&UnlockPermit>) -> StoreChoice {
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

    /// Why there is no usable keychain; `None` if there is one, even if it is locked or does not respond:
    /// using it reports the error.
    fn keychain_absence(&self, key: &RecordKey, unlock: Option<&UnlockPermit>) -> Option<String> {
        let limits = self.machine.limits;
        let slot = self.stores.slot(StoreChoice::Keychain, key).ok()?;
        let is_there = match (slot.wait_until_usable(limits.collection), unlock) {
            (Ok(true), _) => return None,
            // Creates a collection if the person agrees.
            (Ok(false), Some(permit)) => slot.unlock(permit, limits.unlock),
            (Ok(false), None) => slot.prove_writable(),
            (Err(error), _) => Err(error),
        };
        match is_there {
            Err(StoreError::Absent(cause)) => Some(cause),
            Ok(()) | Err(_) => None,
        }
    }

    /// The account of the sign-in in the current store, if a new sign-in goes to another store and replaces
    /// it. A record that cannot be read is not compared.
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

    /// Notes the store of the new sign-in, and deletes the record of the previous one in another store.
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

    /// Checks that the next ghtok can read a new sign-in. Only now does a keychain that was empty show
    /// whether it asks for confirmation at each read; the sign-in is kept in any case.
    pub(crate) fn prove_readable(&self, app: &App) -> Result<()> {
        if self.store_of(app)? != StoreChoice::Keychain {
            return Ok(());
        }
        self.with_call(app, |call| {
            self.stores
                .slot(StoreChoice::Keychain, &app.key())?
                .prove_readable_elsewhere()
                .map_err(|error| call.store_error(error))
        })
    }

    /// The store that the login command in messages must name: the one that this call names, and one that
    /// is not chosen again at each sign-in.
    pub(crate) fn store_to_name(&self, app: &App, choice: StoreChoice) -> Option<StoreChoice> {
        if let Some(flag) = self.config.store_flag {
            return Some(flag).filter(|flag| *flag != StoreChoice::Auto);
        }
        let must_be_named = match self.config.store {
            StoreChoice::Auto => !choice.is_automatic(),
            named => named != StoreChoice::Keychain && app.name.is_none(),
        };
        must_be_named.then_some(choice)
    }

    /// Whether a sign-in without `--store` chooses its store again.
    fn is_chosen_at_sign_in(&self) -> bool {
        self.config.store == StoreChoice::Auto && self.store_for_login.get().is_none()
    }

    /// The last outcome of the App's record, without opening its store.
    pub(crate) fn last_outcome(&self, app: &App) -> Option<Outcome> {
        crate::store::outcome::last(&self.stores.folder, &app.key())
    }

    /// The sign-in dialog that all MCP conversations of the App share.
    pub(crate) fn sign_in_dialog(&self, app: &App) -> SharedDialog {
        SharedDialog::new(self.stores.folder.clone(), &app.key())
    }

    /// The kind of network file system of the state folder, if it is on one.
    pub(crate) fn state_folder_network(&self) -> Option<String> {
        network_kind(&self.config.state_dir)
    }

    /// Locks the configuration: one `login` at a time writes it. Without the lock, the file is still
    /// compared before it is replaced.
    pub(crate) fn lock_config(&self) -> Option<Lock> {
        /// How long to wait for another `login`.
        const WRITING: Duration = Duration::from_secs(2);
        let clock = self.machine.clock;
        let end = clock.monotonic() + WRITING;
        loop {
            match Lock::try_take(&self.stores.folder.config_lock()) {
                Ok(None) if clock.monotonic() < end => clock.sleep(Duration::from_millis(20)),
                Ok(lock) => return lock,
                Err(_) => return None,
            }
        }
    }
}

/// The stores of this configuration. Reads nothing yet.
#[cfg_attr(
    not(any(target_os = "linux", target_os = "macos", windows)),
    expect(unused_variables, reason = "the file store needs no limit")
)]
pub(super) fn stores(config: &Config, limits: Limits) -> Stores {
    Stores {
        folder: StateFolder::at(config.state_dir.clone()),
        #[cfg(target_os = "linux")]
        secret_service: SecretService::new(session_bus(config), limits.store),
        #[cfg(any(target_os = "macos", windows))]
        limit: limits.store,
    }
}

#[cfg(target_os = "linux")]
impl Session<'_> {
    /// What the environment says about the session bus.
    pub(crate) fn session_bus(&self) -> SessionBus {
        session_bus(&self.config)
    }
}

#[cfg(target_os = "linux")]
fn session_bus(config: &Config) -> SessionBus {
    SessionBus {
        bus_address: config.session_bus.clone(),
        runtime_dir: config.runtime_dir.clone(),
    }
}

/// The store that this call names, otherwise that of the sign-in, otherwise the configured one.
pub(crate) fn store_of(config: &Config, app: &App) -> Result<StoreChoice> {
    if config.store_is_named && config.store != StoreChoice::Auto {
        return Ok(config.store);
    }
    Ok(remembered_store(config, app)?.unwrap_or(config.store))
}

fn remembered_store(config: &Config, app: &App) -> Result<Option<StoreChoice>> {
    let note = StateFolder::at(config.state_dir.clone()).chosen_store(&app.key());
    let remembered = chosen_store::read(&note).map_err(|error| file_error(error, &note))?;
    Ok(remembered.and_then(|name| name.parse().ok()))
}

/// The error about a file of the state folder that is no record.
pub(super) fn file_error(error: StoreError, file: &Path) -> Error {
    match error {
        StoreError::File { doing, path, cause } => Error::File { doing, path, cause },
        StoreError::Exposed { path, mode } => exposed(path, mode),
        other => Error::File {
            doing: "use",
            path: file.to_owned(),
            cause: other.to_string(),
        },
    }
}
