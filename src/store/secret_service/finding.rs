//! What was found, and what it means that nothing was, or that the service refused.

use zeroize::Zeroizing;

use crate::auth::ports::StoreError;
use crate::bus::Failure;
use crate::store::record;
use crate::store::secret_service::service::{DefaultCollection, Hits, Object, Service};

/// The record that counts among the items of ours: of several, the one of a later ghtok, then the
/// one with the highest generation, then one that cannot be read. `None` if none is left.
pub(super) fn newest(
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
pub(super) fn prove_absence(service: &Service, hits: &Hits) -> Result<(), StoreError> {
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
pub(super) fn some_collection(service: &Service) -> Result<Vec<Object>, StoreError> {
    let collections = service.collections()?;
    if collections.is_empty() {
        return Err(StoreError::Unreachable(
            "no collection is open in it".into(),
        ));
    }
    Ok(collections)
}

/// Where a new item goes.
///
/// # Errors
/// `Locked`, or `Unreachable` if there is no such collection.
pub(super) fn writable_collection(service: &Service) -> Result<Object, StoreError> {
    match service.default_collection()? {
        DefaultCollection::Unlocked(collection) => Ok(collection),
        DefaultCollection::Locked(_) => Err(StoreError::Locked),
        DefaultCollection::Missing => Err(StoreError::Unreachable(
            "it has no default collection".into(),
        )),
    }
}

/// True if the object was there at the search and is no more. The services say it differently.
pub(super) fn is_gone(failure: &Failure) -> bool {
    ["NoSuchObject", "UnknownObject", "UnknownMethod"]
        .iter()
        .any(|error| failure.is(error))
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::NoAnswer(error) => error,
            locked if locked.is("IsLocked") => Self::Locked,
            absent if absent.is("ServiceUnknown") || absent.is("NameHasNoOwner") => {
                Self::Unreachable("no Secret Service is running".into())
            }
            Failure::Refused { name, text } => Self::Unreachable(format!("{text} ({name})")),
        }
    }
}
