//! A slot in the system's own keychain, through the `keyring` crates. What macOS and Windows do
//! differently is told by a [`SystemKeychain`].

use std::marker::PhantomData;
use std::time::Duration;

use keyring_core::{Entry, Error};
use zeroize::Zeroizing;

use crate::app::{App, ItemKind, RecordKey};
use crate::auth::ports::StoreError;
use crate::permits::UnlockPermit;
use crate::store::{Listing, Slot};

/// No record is larger, and the Windows Credential Manager takes no more.
const MAX_RECORD_BYTES: usize = 2_560;

pub(crate) trait SystemKeychain {
    /// What people call it.
    const PLACE: &'static str;

    /// Names the item of a service and a user; nothing is touched.
    fn entry(service: &str, user: &str) -> Result<Entry, Error>;

    /// Does some work without asking the person at the screen, within a limit where the system's
    /// calls have none.
    fn ask<T: Send + 'static>(
        limit: Duration,
        work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError>;

    /// Makes the record of a user readable without questions, if a person has to be asked for that.
    fn unlock(user: &str, limit: Duration) -> Result<(), StoreError>;

    /// The items whose service is ours.
    fn search(service: &str) -> Result<Vec<Entry>, Error>;

    /// What an error of the system's own means. Its text must hold nothing of the item.
    fn meaning(cause: &(dyn std::error::Error + 'static)) -> StoreError;
}

/// The place of one record in the keychain of a system.
#[derive(Debug)]
pub(crate) struct KeyringSlot<S> {
    service: &'static str,
    user: String,
    limit: Duration,
    system: PhantomData<S>,
}

/// Whose items of this kind are in the keychain of a system. Nobody is asked for it.
///
/// # Errors
/// What the keychain says.
pub(crate) fn list<S: SystemKeychain>(
    kind: ItemKind,
    limit: Duration,
) -> Result<Listing, StoreError> {
    let found = S::ask(limit, move || present::<S, _>(S::search(kind.service())))?;
    let app = |entry: &Entry| {
        let (service, user) = entry.get_specifiers()?;
        App::of_key(&user).filter(|_| service == kind.service())
    };
    Ok(Listing {
        apps: found.iter().flatten().filter_map(app).collect(),
        unseen: None,
    })
}

impl<S: SystemKeychain> KeyringSlot<S> {
    /// Names the item; nothing is touched. One read or write may last as long as the limit.
    pub(crate) fn new(key: &RecordKey, limit: Duration) -> Self {
        Self::of_user(key.service(), key.as_str().to_owned(), limit)
    }

    fn of_user(service: &'static str, user: String, limit: Duration) -> Self {
        Self {
            service,
            user,
            limit,
            system: PhantomData,
        }
    }

    /// `None` where there is no such item.
    fn ask<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Entry) -> Result<T, Error> + Send + 'static,
    ) -> Result<Option<T>, StoreError> {
        let (service, user) = (self.service, self.user.clone());
        S::ask(self.limit, move || {
            present::<S, T>(S::entry(service, &user).and_then(|entry| call(&entry)))
        })
    }
}

impl<S: SystemKeychain> Slot for KeyringSlot<S> {
    fn read(&self) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        self.ask(|entry| entry.get_secret().map(Zeroizing::new))
    }

    /// Written as bytes: as text, Windows would take half as much.
    fn write(&self, bytes: &[u8]) -> Result<(), StoreError> {
        let bytes = Zeroizing::new(bytes.to_vec());
        self.ask(move |entry| entry.set_secret(&bytes))?
            .ok_or_else(|| StoreError::Failed("the new item was not stored".into()))
    }

    fn delete(&self) -> Result<(), StoreError> {
        self.ask(Entry::delete_credential).map(drop)
    }

    fn unlock(&self, _: &UnlockPermit, limit: Duration) -> Result<(), StoreError> {
        S::unlock(&self.user, limit)
    }

    /// Reads the item, since one that may not be read cannot be changed either, and puts another
    /// one of the largest size beside it for a moment.
    fn prove_writable(&self) -> Result<(), StoreError> {
        self.read()?;
        let probe = Self::of_user(self.service, format!("{} (probe)", self.user), self.limit);
        probe.write(&[0; MAX_RECORD_BYTES])?;
        probe.delete()
    }

    fn name(&self) -> &'static str {
        "keychain"
    }

    fn describe(&self) -> String {
        S::PLACE.into()
    }
}

/// Tells "nothing there" from every failure.
pub(crate) fn present<S: SystemKeychain, T>(
    found: Result<T, Error>,
) -> Result<Option<T>, StoreError> {
    match found {
        Ok(value) => Ok(Some(value)),
        Err(Error::NoEntry) => Ok(None),
        Err(error) => Err(failure::<S>(error)),
    }
}

/// Some of these errors carry what was read: nothing of that goes into a text.
fn failure<S: SystemKeychain>(error: Error) -> StoreError {
    use StoreError::{Damaged, Failed, Unreachable};
    match error {
        Error::PlatformFailure(cause) | Error::NoStorageAccess(cause) => S::meaning(&*cause),
        Error::TooLong(_, most) => Failed(format!(
            "it does not accept items of more than {most} bytes"
        )),
        Error::Ambiguous(items) => Damaged(format!("{} items have this name", items.len())),
        Error::BadEncoding(_) | Error::BadDataFormat(..) => {
            Damaged("the item is not in the system's format".into())
        }
        Error::BadStoreFormat(_) => Unreachable("the keychain itself is damaged".into()),
        Error::Invalid(what, problem) => Failed(format!("its {what} {problem}")),
        _ => Failed("it does not support what ghtok needs".into()),
    }
}
