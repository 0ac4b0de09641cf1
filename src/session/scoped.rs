//! Scoped tokens and the App's client secret, for the subcommands.

use super::sign_out::end_scoped_tokens;
use super::{Call, Session};
use crate::app::{App, RecordKey};
use crate::auth::scoped_tokens::list::{HandedOut, ScopedList};
use crate::auth::scoped_tokens::{ScopedStore, ScopedTokens};
use crate::error::{Error, Result};
use crate::store::lock::Lock;
use crate::store_choice::StoreChoice;
use crate::token::ClientSecret;

/// A process that holds a scoped token, which is revoked at its end. The lock on its name shows others that
/// it runs.
pub struct Holder {
    name: String,
    _lock: Lock,
}

impl Holder {
    /// Its name in the list of scoped tokens.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

impl Call<'_> {
    /// Revokes the scoped tokens of the process with this name; returns their number.
    pub(crate) fn revoke_scoped_of(&self, holder: &str) -> Result<usize> {
        self.revoke_scoped(&|entry| entry.used.holder.as_deref() == Some(holder))
    }

    /// Revokes these scoped tokens; returns their number.
    pub(crate) fn revoke_scoped(&self, is_to_end: &dyn Fn(&HandedOut) -> bool) -> Result<usize> {
        self.with_scoped(|tokens| tokens.revoke(is_to_end))
    }

    /// Revokes all scoped tokens of a sign-in that ends; returns their number.
    pub(crate) fn revoke_all_scoped(&self) -> Result<usize> {
        self.with_scoped(|tokens| {
            let count = tokens.revoke_all()?;
            Ok(count)
        })
    }

    /// Revokes the scoped tokens of processes that were killed.
    pub(crate) fn revoke_abandoned(&self) -> Result<()> {
        self.with_scoped(|tokens| {
            tokens.revoke_abandoned()?;
            Ok(())
        })
    }

    /// The scoped tokens that were handed out; empty if there never were any.
    pub(crate) fn scoped_tokens(&self) -> Result<ScopedList> {
        let store = (self.scoped)()?;
        if !store.was_used() {
            return Ok(ScopedList::default());
        }
        store.load().map_err(|error| self.store_error(error))
    }

    /// Gives a name up, under which this process had a scoped token.
    pub(crate) fn release(&self, holder: &Holder) {
        if let Ok(store) = (self.scoped)() {
            store.release(&holder.name);
        }
    }

    /// Whether the process with this name runs.
    pub(crate) fn is_running(&self, holder: &str) -> bool {
        (self.scoped)().is_ok_and(|store| store.is_running(holder))
    }

    /// Holds a name, under which this process can have a scoped token.
    ///
    /// # Errors
    /// If another process has that name.
    pub(crate) fn hold(&self, name: String) -> Result<Holder> {
        let store = (self.scoped)()?;
        let held = store.hold(&name);
        match held.map_err(|error| self.store_error(error))? {
            Some(lock) => Ok(Holder { name, _lock: lock }),
            None => Err(Error::Usage {
                message: format!("another ghtok runs under the name {name}"),
                hint: "use another name".into(),
            }),
        }
    }

    pub(super) fn with_scoped<T>(
        &self,
        work: impl FnOnce(&ScopedTokens<'_>) -> Result<T>,
    ) -> Result<T> {
        let store = (self.scoped)()?;
        work(&ScopedTokens {
            broker: self.broker,
            store: &store,
            github: &self.github(),
        })
    }
}

impl Session<'_> {
    /// Stores the client secret of an App in this store, and removes it from the others.
    pub(crate) fn save_secret(
        &self,
        app: &App,
        store: StoreChoice,
        secret: &ClientSecret,
    ) -> Result<()> {
        let key = RecordKey::of_secret(app);
        self.with_call_in(app, store, |call| {
            let slot = self.stores.slot(store, &key)?;
            slot.write(secret.expose().as_bytes())
                .map_err(|error| call.store_error(error))
        })?;
        let others = self.secret_stores(app)?.into_iter();
        for other in others.filter(|other| other.or_keychain() != store.or_keychain()) {
            // A store that cannot be used now is not read before this one.
            let _ = self.stores.slot(other, &key)?.delete();
        }
        Ok(())
    }

    /// Removes the client secret of an App; false if there was none.
    pub(crate) fn remove_secret(&self, app: &App) -> Result<bool> {
        let key = RecordKey::of_secret(app);
        // Without the secret, GitHub would send an e-mail about each.
        self.with_call(app, |call| {
            end_scoped_tokens(call);
            Ok(())
        })?;
        let mut was_there = false;
        for store in self.secret_stores(app)? {
            let slot = self.stores.slot(store, &key)?;
            self.with_call_in(app, store, |call| {
                let present = slot.read().map_err(|error| call.store_error(error))?;
                was_there |= present.is_some();
                slot.delete().map_err(|error| call.store_error(error))
            })?;
        }
        Ok(was_there)
    }

    /// Where the secret may be: in the App's store, or in the file store if that was named.
    fn secret_stores(&self, app: &App) -> Result<Vec<StoreChoice>> {
        let mut stores = vec![self.store_of(app)?];
        if !stores.contains(&StoreChoice::File) {
            stores.push(StoreChoice::File);
        }
        Ok(stores)
    }
}
