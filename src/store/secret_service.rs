//! The OS keychain on Linux: one item of the Secret Service per record, found by the attributes
//! that the keyring crates write. Reads never unlock and never prompt; everything ends in time.

mod address;
mod bus;
mod connection;
mod deadline;
mod prompt;
mod service;

use std::time::Duration;

use zeroize::Zeroizing;

use crate::app::RecordKey;
use crate::auth::ports::StoreError;
use crate::store::{Slot, record};

pub use address::Session;
use bus::Failure;
use deadline::Deadline;
use service::{Activation, DefaultCollection, Hits, Object, Service};

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
        let activation = if self.session.has_waiting_daemon() {
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
        let prompt = service.create_item(&collection, &session, &self.key, bytes)?;
        without_asking(service, prompt)
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
        if !hits.unlocked.is_empty() {
            let session = service.open_session()?;
            if let Some(bytes) = newest(&service, &session, &hits.unlocked)? {
                return Ok(Some(bytes));
            }
            // Every item went between the search and now. One that came instead counts.
            hits = service.find(&self.key, Activation::Never)?;
            if let Some(bytes) = newest(&service, &session, &hits.unlocked)? {
                return Ok(Some(bytes));
            }
        }
        prove_absence(&service, &hits).map(|()| None)
    }

    fn write(&self, bytes: &[u8]) -> Result<(), StoreError> {
        let (mut service, hits) = self.search()?;
        let Some((item, duplicates)) = hits.unlocked.split_first() else {
            if !hits.locked.is_empty() {
                return Err(StoreError::Locked);
            }
            return self.create(&mut service, bytes);
        };
        let session = service.open_session()?;
        service.set_secret(item, &session, bytes)?;
        // The record is stored. A duplicate that stays loses to it by its generation.
        let _ = delete_all(&mut service, duplicates);
        Ok(())
    }

    fn delete(&self) -> Result<(), StoreError> {
        let (mut service, hits) = self.search()?;
        delete_all(&mut service, &hits.unlocked)?;
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

/// The record that counts among the items of ours: of several, the one of a later ghtok, then the
/// one with the highest generation, then one that cannot be read. `None` if none is left.
fn newest(
    service: &Service,
    session: &Object,
    items: &[Object],
) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
    let mut secrets = Vec::with_capacity(items.len());
    for item in items {
        match service.secret(item, session) {
            Ok(bytes) => secrets.push(bytes),
            Err(failure) if is_gone(&failure) => {}
            Err(failure) => return Err(failure.into()),
        }
    }
    Ok(match secrets.len() {
        0 | 1 => secrets.pop(),
        _ => secrets.into_iter().max_by_key(|bytes| rank(bytes)),
    })
}

fn rank(bytes: &[u8]) -> (u8, u64) {
    match record::decode(bytes) {
        Err(StoreError::Newer(version)) => (2, version),
        Ok(record) => (1, record.generation),
        Err(_) => (0, 0),
    }
}

/// Tells "there is none" from "it may be there".
///
/// # Errors
/// `Locked` if something is locked in which it may be, `Unreachable` if nothing at all is open.
fn prove_absence(service: &Service, hits: &Hits) -> Result<(), StoreError> {
    if !hits.locked.is_empty() {
        return Err(StoreError::Locked);
    }
    match service.default_collection()? {
        DefaultCollection::Unlocked(_) => Ok(()),
        DefaultCollection::Locked(_) => Err(StoreError::Locked),
        DefaultCollection::Missing => {
            for collection in some_collection(service)? {
                if service.is_locked(&collection)? {
                    return Err(StoreError::Locked);
                }
            }
            Ok(())
        }
    }
}

/// The service's collections, of which there must be one: `KeePassXC` has none while it has no
/// database open, and nobody knows then what is in it.
fn some_collection(service: &Service) -> Result<Vec<Object>, StoreError> {
    let collections = service.collections()?;
    if collections.is_empty() {
        return Err(StoreError::Unreachable(
            "no collection is open in it".into(),
        ));
    }
    Ok(collections)
}

fn writable_collection(service: &Service) -> Result<Object, StoreError> {
    match service.default_collection()? {
        DefaultCollection::Unlocked(collection) => Ok(collection),
        DefaultCollection::Locked(_) => Err(StoreError::Locked),
        DefaultCollection::Missing => Err(StoreError::Unreachable(
            "it has no default collection".into(),
        )),
    }
}

fn delete_all(service: &mut Service, items: &[Object]) -> Result<(), StoreError> {
    for item in items {
        match service.delete(item) {
            Ok(prompt) => without_asking(service, prompt)?,
            Err(failure) if is_gone(&failure) => {}
            Err(failure) => return Err(failure.into()),
        }
    }
    Ok(())
}

/// What a person would have to be asked for is not done outside `unlock`.
fn without_asking(service: &mut Service, prompt: Option<Object>) -> Result<(), StoreError> {
    match prompt {
        None => Ok(()),
        Some(prompt) => {
            prompt::take_back(service, &prompt);
            Err(StoreError::Locked)
        }
    }
}

/// True if the object was there at the search and is no more. The services say it differently.
fn is_gone(failure: &Failure) -> bool {
    ["NoSuchObject", "UnknownObject", "UnknownMethod"]
        .iter()
        .any(|error| failure.is(error))
}
