//! The OS keychain on Linux: one item of the Secret Service per record, found by the attributes
//! that the keyring crates write. Reads never unlock and never prompt; everything ends in time.

mod finding;
mod listing;
mod messages;
mod prompt;
mod service;
mod shared;

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::app::RecordKey;
use crate::auth::ports::StoreError;
use crate::bus::{CallError, Deadline, SessionBus};
use crate::permits::UnlockPermit;
use crate::store::Slot;

use finding::{
    collection_of, is_gone, newest, no_collection, prove_absence, some_collection, why_locked,
    writable_collection,
};
use messages::{Hits, ObjectPath};
use service::{Activation, Created, DefaultCollection, ServiceConnection};
pub use shared::SecretService;

/// How often a read looks again where items go between the search and the reading.
const ROUNDS: usize = 5;

/// How long a service may take to put a new item in an old one's place.
const MOMENT: Duration = Duration::from_millis(20);

/// How often it is looked whether a service has a collection by now.
const LOOK: Duration = Duration::from_millis(100);

/// The place of one record in the user's Secret Service.
#[derive(Clone)]
pub struct SecretServiceSlot {
    key: RecordKey,
    service: Arc<SecretService>,
    /// The only item, when it was read last: so it is read and written again in one exchange each.
    item: RefCell<Option<ObjectPath>>,
}

impl SecretServiceSlot {
    /// Names the item, in a service that nothing else of this process uses. Nothing is connected
    /// yet; each read or write, all its calls together, will have `limit`.
    pub fn new(key: &RecordKey, session: SessionBus, limit: Duration) -> Self {
        SecretService::new(session, limit).slot(key)
    }

    fn create(&self, service: &mut ServiceConnection, bytes: &[u8]) -> Result<(), StoreError> {
        let collection = writable_collection(service)?;
        let session = service.open_session()?;
        match service.create_item(&collection, &session, &self.key, bytes)? {
            Created::Done(_) => Ok(()),
            Created::Asks(prompt) => prompt::confirm(service, &prompt),
        }
    }

    /// Puts bytes where an item is, and gives the item that has them now. Only gnome-keyring is
    /// known to take to the disk at once what `SetSecret` changes (oo7 0.7 never does); elsewhere
    /// the service replaces the item with a new one.
    fn renew(
        &self,
        service: &mut ServiceConnection,
        present: &ObjectPath,
        session: &ObjectPath,
        bytes: &[u8],
    ) -> Result<ObjectPath, StoreError> {
        if !service.is_gnome_keyring() {
            let collection =
                collection_of(present).map_or_else(|| writable_collection(service), Ok)?;
            match service.create_item(&collection, session, &self.key, bytes)? {
                Created::Done(item) => return Ok(item),
                // KeePassXC wants every new item confirmed, and does save a changed one.
                Created::Asks(prompt) => prompt::take_back(service, &prompt),
            }
        }
        service.set_secret(present, session, bytes)?;
        Ok(present.clone())
    }

    /// Looks again where nothing was found: between the old item and the new one that replaces it,
    /// oo7 has none for a moment.
    fn certain(&self, service: &ServiceConnection, hits: Hits) -> Result<Hits, StoreError> {
        if !hits.unlocked.is_empty() || service.is_gnome_keyring() {
            return Ok(hits);
        }
        service.bus.rest(MOMENT);
        Ok(service.find(&self.key, Activation::Never)?)
    }

    /// True if the record can be read and written now.
    fn is_open(&self, service: &ServiceConnection) -> Result<bool, CallError> {
        let DefaultCollection::Unlocked(_) = service.default_collection()? else {
            return Ok(false);
        };
        Ok(service
            .find(&self.key, Activation::Never)?
            .locked
            .is_empty())
    }
}

impl Slot for SecretServiceSlot {
    /// `None` is said only of a service that could have shown an item: locked ones look empty.
    fn read(&self) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        if let Some(read) = self.service.take_read_ahead(&self.key) {
            return read;
        }
        let item = self.item.take();
        let (service, mut hits, secret) = self.service.search_and_read(&self.key, item.as_ref())?;
        if let Some(bytes) = secret {
            self.item.replace(item);
            return Ok(Some(bytes));
        }
        for _ in 0..ROUNDS {
            hits = self.certain(&service, hits)?;
            if hits.unlocked.is_empty() {
                return prove_absence(&service, &hits).map(|()| None);
            }
            let session = service.open_session()?;
            if let Some(bytes) = newest(&service, &session, &hits.unlocked)? {
                let is_only = hits.only().is_some();
                self.item.replace(hits.unlocked.pop().filter(|_| is_only));
                return Ok(Some(bytes));
            }
            // None of them is there: they went since the search, or have not quite come.
            service.bus.rest(MOMENT);
            hits = service.find(&self.key, Activation::Never)?;
        }
        Err(StoreError::Unreachable(
            "it finds items that it cannot read".into(),
        ))
    }

    fn write(&self, bytes: &[u8]) -> Result<(), StoreError> {
        let item = self.item.borrow().clone();
        if let Some(item) = item
            && self.service.overwrite(&item, bytes)?
        {
            return Ok(());
        }
        let (mut service, hits) = self.service.search(&self.key)?;
        let Some(present) = hits.unlocked.first() else {
            if let Some(item) = hits.locked.first() {
                return Err(why_locked(&service, item));
            }
            return self.create(&mut service, bytes);
        };
        let session = service.open_session()?;
        let written = self.renew(&mut service, present, &session, bytes)?;
        let duplicates = hits.unlocked.iter().filter(|item| **item != written);
        if delete_quietly(&mut service, duplicates) > 0 {
            // oo7 0.7 deletes by the attributes, on the disk all items that have them.
            self.renew(&mut service, &written, &session, bytes)?;
        }
        Ok(())
    }

    fn delete(&self) -> Result<(), StoreError> {
        let (mut service, hits) = self.service.search(&self.key)?;
        for item in &hits.unlocked {
            match service.delete(item) {
                Ok(None) => {}
                Ok(Some(prompt)) => prompt::confirm(&mut service, &prompt)?,
                Err(failure) if is_gone(&failure) => {}
                Err(failure) => return Err(failure.into()),
            }
        }
        if hits.unlocked.is_empty() || !hits.locked.is_empty() {
            return prove_absence(&service, &hits);
        }
        Ok(())
    }

    /// Makes the default collection too, where a new user has none.
    fn unlock(&self, _: &UnlockPermit, limit: Duration) -> Result<(), StoreError> {
        let for_a_person = Deadline::after(limit);
        let (mut service, hits) = self.service.search_with(&self.key, Activation::Allowed)?;
        let mut closed = hits.locked;
        let collection = service.default_collection()?;
        let is_missing = matches!(collection, DefaultCollection::Missing);
        let prompt = match collection {
            DefaultCollection::Unlocked(_) if closed.is_empty() => None,
            DefaultCollection::Unlocked(_) => service.unlock(&closed)?,
            DefaultCollection::Locked(collection) => {
                closed.push(collection);
                service.unlock(&closed)?
            }
            DefaultCollection::Missing => {
                some_collection(&service)?;
                service.create_default_collection()?
            }
        };
        if let Some(prompt) = prompt {
            let asked = prompt::ask(&mut service, &prompt, for_a_person, |service| {
                self.is_open(service)
            });
            match asked {
                // Nobody could be asked for it, or nobody wants one.
                Err(StoreError::Locked | StoreError::TimedOut(_)) if is_missing => {
                    return Err(no_collection());
                }
                asked => asked?,
            }
        }
        service.bus.extend(self.service.deadline());
        if !self.is_open(&service)? {
            return Err(StoreError::Locked);
        }
        drop(service);
        self.prove_readable_elsewhere()
    }

    fn prove_writable(&self) -> Result<(), StoreError> {
        let (service, hits) = self.service.search(&self.key)?;
        match (hits.unlocked.first(), hits.locked.first()) {
            (Some(_), _) => Ok(()),
            (None, Some(item)) => Err(why_locked(&service, item)),
            (None, None) => writable_collection(&service).map(drop),
        }
    }

    /// Whether the service has a collection for new items. One that has just started gets a while to
    /// read its keyrings, or to have a database opened.
    fn wait_until_usable(&self, patience: Duration) -> Result<bool, StoreError> {
        let (mut service, _) = self.service.search_with(&self.key, Activation::Allowed)?;
        let end = Deadline::after(patience);
        loop {
            if !matches!(service.default_collection()?, DefaultCollection::Missing) {
                return Ok(true);
            }
            if end.left().is_err() {
                return Ok(false);
            }
            service.bus.rest(LOOK);
            service.begin(self.service.deadline());
        }
    }

    /// Sees that another process could read what this one may. `KeePassXC` opens items for one
    /// connection, and every ghtok comes with its own; any item shows that.
    fn prove_readable_elsewhere(&self) -> Result<(), StoreError> {
        let elsewhere = self.service.apart();
        let (service, hits) = elsewhere.search(&self.key)?;
        if service.is_gnome_keyring() {
            return Ok(());
        }
        if let Some(item) = hits.locked.first() {
            return match why_locked(&service, item) {
                StoreError::ConfirmsAccess => Err(StoreError::ConfirmsAccess),
                _ => Ok(()),
            };
        }
        if hits.unlocked.is_empty() && others_items_are_locked(&service)? {
            return Err(StoreError::ConfirmsAccess);
        }
        Ok(())
    }

    fn name(&self) -> &'static str {
        "keychain"
    }

    fn describe(&self) -> String {
        "the keychain (Secret Service)".into()
    }
}

/// Whether other programs' items are locked in a collection that is open.
fn others_items_are_locked(service: &ServiceConnection) -> Result<bool, CallError> {
    let DefaultCollection::Unlocked(collection) = service.default_collection()? else {
        return Ok(false);
    };
    match service.items(&collection)?.first() {
        Some(item) => service.is_item_locked(item),
        None => Ok(false),
    }
}

/// Deletes items where nobody has to be asked, and counts them. The record is stored already: a
/// duplicate that stays loses to it by its generation.
fn delete_quietly<'a>(
    service: &mut ServiceConnection,
    items: impl IntoIterator<Item = &'a ObjectPath>,
) -> usize {
    let mut deleted = 0;
    for item in items {
        match service.delete(item) {
            Ok(None) => deleted += 1,
            Ok(Some(prompt)) => prompt::take_back(service, &prompt),
            Err(_) => {}
        }
    }
    deleted
}
