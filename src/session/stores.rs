//! Which store a record is in, and which one a new sign-in goes to.

use std::time::Duration;

use super::Session;
use super::open_store::kernel_is_available;
use crate::app::{App, RecordKey};
use crate::auth::broker::exposed;
use crate::auth::outcome::Outcome;
use crate::auth::ports::{StoreError, TokenStore};
use crate::auth::record::Account;
use crate::config::{Config, StoreChoice};
use crate::error::{Error, Result};
use crate::store::chosen_store;
use crate::store::dialog::SharedDialog;
use crate::store::lock::Lock;
use crate::store::network_folder::network_kind;
use crate::store::state_folder::StateFolder;
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
    fn keychain_absence(&self, key: &RecordKey, unlock: Unlock) -> Option<String> {
        let limits = self.machine.limits;
        let slot = self.slot(StoreChoice::Keychain, key).ok()?;
        let is_there = match (slot.wait_until_usable(limits.collection), unlock) {
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
    pub(crate) fn prove_readable(&self, app: &App) -> Result<()> {
        if self.store_of(app)? != StoreChoice::Keychain {
            return Ok(());
        }
        self.with_call(app, |call| {
            self.slot(StoreChoice::Keychain, &app.key())?
                .prove_readable_elsewhere()
                .map_err(|error| call.store_error(error))
        })
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

    /// Whether a sign-in without `--store` decides anew where it goes.
    pub(super) fn is_chosen_at_sign_in(&self) -> bool {
        self.config.store == StoreChoice::Auto && self.store_for_login.get().is_none()
    }

    /// What happened last to the App's record, without opening its store.
    pub(crate) fn last_outcome(&self, app: &App) -> Option<Outcome> {
        crate::store::outcome::last(&self.state_folder(), &app.key())
    }

    /// The sign-in dialog that all MCP conversations of the App share.
    pub(crate) fn sign_in_dialog(&self, app: &App) -> SharedDialog {
        SharedDialog::new(self.state_folder(), &app.key())
    }

    /// The kind of network file system that the state folder is on, if it is on one.
    pub(crate) fn state_folder_network(&self) -> Option<String> {
        network_kind(&self.config.state_dir)
    }

    /// One `login` at a time writes the configuration. Without the lock the file is still compared
    /// before it is replaced.
    pub(crate) fn lock_config(&self) -> Option<Lock> {
        /// How long another `login` may take.
        const WRITING: Duration = Duration::from_secs(2);
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
