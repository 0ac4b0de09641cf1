//! The OS keychain on Linux: one item of the Secret Service per record, found by the attributes
//! that the keyring crates write. Reads never unlock and never prompt; everything ends in time.

mod finding;
mod prompt;
mod service;

use std::time::Duration;

use zeroize::Zeroizing;

use crate::app::RecordKey;
use crate::auth::ports::StoreError;
use crate::bus::{Deadline, Failure, Session};
use crate::store::Slot;

use finding::{is_gone, newest, prove_absence, some_collection, writable_collection};
use service::{Activation, Created, DefaultCollection, Hits, Object, Service};

/// How often a read looks again where items go between the search and the reading.
const ROUNDS: usize = 5;

/// How long a service may take to put a new item in an old one's place.
const MOMENT: Duration = Duration::from_millis(20);

/// The place of one record in the user's Secret Service.
#[derive(Clone, Debug)]
pub struct SecretServiceSlot {
    key: RecordKey,
    session: Session,
    limit: Duration,
}

impl SecretServiceSlot {
    /// Names the item. Nothing is connected yet; each read or write, all its calls together, will
    /// have `limit`.
    pub fn new(key: &RecordKey, session: Session, limit: Duration) -> Self {
        Self {
            key: key.clone(),
            session,
            limit,
        }
    }

    /// Finds the record's items. The service is started for it only where it will come up as the
    /// person left it: a gnome-keyring that the bus starts from nothing is locked, and stands in
    /// the way of one that a script unlocks later.
    fn search(&self) -> Result<(Service, Hits), StoreError> {
        let activation = if has_waiting_daemon(&self.session) {
            Activation::Allowed
        } else {
            Activation::Never
        };
        self.search_within(Deadline::after(self.limit), activation)
    }

    fn search_within(
        &self,
        deadline: Deadline,
        activation: Activation,
    ) -> Result<(Service, Hits), StoreError> {
        Service::search(&self.session, &self.key, activation, deadline)
    }

    fn create(&self, service: &mut Service, bytes: &[u8]) -> Result<(), StoreError> {
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
        service: &mut Service,
        present: &Object,
        session: &Object,
        bytes: &[u8],
    ) -> Result<Object, StoreError> {
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
    fn certain(&self, service: &Service, hits: Hits) -> Result<Hits, StoreError> {
        if !hits.unlocked.is_empty() || service.is_gnome_keyring() {
            return Ok(hits);
        }
        service.bus.rest(MOMENT);
        Ok(service.find(&self.key, Activation::Never)?)
    }

    /// True if the record can be read and written now.
    fn is_open(&self, service: &Service) -> Result<bool, Failure> {
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
        let (service, mut hits) = self.search()?;
        for _ in 0..ROUNDS {
            hits = self.certain(&service, hits)?;
            if hits.unlocked.is_empty() {
                return prove_absence(&service, &hits).map(|()| None);
            }
            let session = service.open_session()?;
            if let Some(bytes) = newest(&service, &session, &hits.unlocked)? {
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
        let (mut service, hits) = self.search()?;
        let Some(present) = hits.unlocked.first() else {
            if !hits.locked.is_empty() {
                return Err(StoreError::Locked);
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
        let (mut service, hits) = self.search()?;
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
    fn unlock(&self, limit: Duration) -> Result<(), StoreError> {
        let for_a_person = Deadline::after(limit);
        let (mut service, hits) =
            self.search_within(Deadline::after(self.limit), Activation::Allowed)?;
        let mut closed = hits.locked;
        let prompt = match service.default_collection()? {
            DefaultCollection::Unlocked(_) if closed.is_empty() => return Ok(()),
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
            prompt::ask(&mut service, &prompt, for_a_person, |service| {
                self.is_open(service)
            })?;
        }
        service.bus.extend(Deadline::after(self.limit));
        if !self.is_open(&service)? {
            return Err(StoreError::Locked);
        }
        Ok(())
    }

    fn prove_writable(&self) -> Result<(), StoreError> {
        let (service, hits) = self.search()?;
        match (hits.unlocked.is_empty(), hits.locked.is_empty()) {
            (false, _) => Ok(()),
            (true, false) => Err(StoreError::Locked),
            (true, true) => writable_collection(&service).map(drop),
        }
    }

    fn name(&self) -> &'static str {
        "keychain"
    }

    fn describe(&self) -> String {
        "the keychain (Secret Service)".into()
    }
}

/// True if a gnome-keyring waits to be put on the bus. PAM starts it at the log-in with the password
/// that unlocks it; it is seen on the bus only once it is activated there.
fn has_waiting_daemon(session: &Session) -> bool {
    session.runtime_dir().join("keyring/control").exists()
}

/// Deletes items where nobody has to be asked, and counts them. The record is stored already: a
/// duplicate that stays loses to it by its generation.
fn delete_quietly<'a>(service: &mut Service, items: impl IntoIterator<Item = &'a Object>) -> usize {
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

/// The collection that an item is in, by its path (Secret Service API, "Object Paths").
fn collection_of(item: &Object) -> Option<Object> {
    let (collection, _) = item.rsplit_once('/')?;
    let is_one = collection.starts_with("/org/freedesktop/secrets/collection/");
    is_one.then(|| Object::new(collection).ok()).flatten()
}
