//! What was found, and what it means that nothing was, or that the service refused.

use zeroize::Zeroizing;

use crate::auth::ports::StoreError;
use crate::bus::CallError;
use crate::store::record;
use crate::store::secret_service::messages::{Hits, ObjectPath};
use crate::store::secret_service::service::{DefaultCollection, ServiceConnection};

/// The record that counts among the items of ours: of several, the one of a later ghtok, then the
/// one with the highest generation, then one that cannot be read. `None` if none is left.
pub(super) fn newest(
    service: &ServiceConnection,
    session: &ObjectPath,
    items: &[ObjectPath],
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
pub(super) fn prove_absence(service: &ServiceConnection, hits: &Hits) -> Result<(), StoreError> {
    if let Some(item) = hits.locked.first() {
        return Err(why_locked(service, item));
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

/// An item that is locked in an open collection: `KeePassXC` shows an item to each connection only
/// after a person has confirmed that, unless its settings say otherwise.
pub(super) fn why_locked(service: &ServiceConnection, item: &ObjectPath) -> StoreError {
    let is_open = collection_of(item)
        .and_then(|collection| service.is_locked(&collection).ok())
        .is_some_and(|locked| !locked);
    if is_open {
        StoreError::ConfirmsAccess
    } else {
        StoreError::Locked
    }
}

/// The collection that an item is in, by its path (Secret Service API, "Object Paths").
pub(super) fn collection_of(item: &ObjectPath) -> Option<ObjectPath> {
    let (collection, _) = item.rsplit_once('/')?;
    let is_one = collection.starts_with("/org/freedesktop/secrets/collection/");
    is_one.then(|| ObjectPath::new(collection).ok()).flatten()
}

/// The service's collections, of which there must be one: `KeePassXC` has none while it has no
/// database open, and nobody knows then what is in it.
pub(super) fn some_collection(service: &ServiceConnection) -> Result<Vec<ObjectPath>, StoreError> {
    let collections = service.collections()?;
    if collections.is_empty() {
        return Err(no_collection());
    }
    Ok(collections)
}

/// What to say of a service in which nothing can be kept.
pub(super) fn no_collection() -> StoreError {
    StoreError::Absent("it has no keyring yet, or no database is open in it".into())
}

/// Where a new item goes.
///
/// # Errors
/// `Locked`, or `Unreachable` if there is no such collection.
pub(super) fn writable_collection(service: &ServiceConnection) -> Result<ObjectPath, StoreError> {
    match service.default_collection()? {
        DefaultCollection::Unlocked(collection) => Ok(collection),
        DefaultCollection::Locked(_) => Err(StoreError::Locked),
        DefaultCollection::Missing => Err(no_collection()),
    }
}

/// True if the object was there at the search and is no more. The services say it differently.
pub(super) fn is_gone(failure: &CallError) -> bool {
    ["NoSuchObject", "UnknownObject", "UnknownMethod"]
        .iter()
        .any(|error| failure.is(error))
}

impl From<CallError> for StoreError {
    fn from(failure: CallError) -> Self {
        match failure {
            CallError::NoAnswer(error) => error,
            locked if locked.is("IsLocked") => Self::Locked,
            absent if absent.is("ServiceUnknown") || absent.is("NameHasNoOwner") => {
                Self::Absent("no Secret Service is running".into())
            }
            CallError::Refused { name, .. } if name.contains(".Error.Spawn.") => {
                Self::Absent("the Secret Service does not start".into())
            }
            CallError::Refused { name, text } => Self::Unreachable(format!("{text} ({name})")),
        }
    }
}
