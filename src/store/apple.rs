//! The macOS keychain: a generic password in the login keychain. Only `unlock` lets the system ask
//! the person; everything else fails with "locked" where it would.

use std::collections::HashMap;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use apple_native_keyring_store::keychain::{Cred, MacKeychainDomain, Store};
use keyring_core::api::CredentialStoreApi;
use keyring_core::{Entry, Error};
use security_framework::base::Error as Status;
use security_framework::os::macos::keychain::{SecKeychain, SecPreferencesDomain};

use crate::auth::ports::StoreError;
use crate::error::system_reason;
use crate::store::keyring::{KeyringSlot, SystemKeychain, present};

/// The place of one record in the macOS keychain.
pub(crate) type AppleSlot = KeyringSlot<MacOs>;

/// Its calls wait for a daemon, and for a person where that is allowed, with no limit of their own.
#[derive(Debug)]
pub(crate) struct MacOs;

impl SystemKeychain for MacOs {
    const PLACE: &'static str = "the macOS keychain";

    fn entry(service: &str, user: &str) -> Result<Entry, Error> {
        Cred::build(MacKeychainDomain::User, service, user)
    }

    fn search(service: &str) -> Result<Vec<Entry>, Error> {
        Store::new()?.search(&HashMap::from([("service", service)]))
    }

    fn ask<T: Send + 'static>(
        limit: Duration,
        work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        within(limit, || {
            let _nobody_is_asked = SecKeychain::disable_user_interaction().map_err(meaning)?;
            work()
        })
    }

    /// Unlocks the keychain, then reads the item: an item that another build of ghtok wrote is
    /// shown to this one only after the person chose "Always Allow". The system takes a question
    /// back when the process that caused it ends.
    fn unlock(user: &str, limit: Duration) -> Result<(), StoreError> {
        let user = user.to_owned();
        within(limit, move || {
            SecKeychain::default_for_domain(SecPreferencesDomain::User)
                .and_then(|mut keychain| keychain.unlock(None))
                .map_err(meaning)?;
            present::<Self, _>(Self::entry(SERVICE, &user).and_then(|entry| entry.get_credential()))
                .map(drop)
        })
    }

    fn meaning(cause: &(dyn std::error::Error + 'static)) -> StoreError {
        match cause.downcast_ref::<Status>() {
            Some(status) => meaning(*status),
            None => StoreError::Unreachable("it failed with an unknown error".into()),
        }
    }
}

/// Does the work in a thread of its own, and leaves that alone when the limit is over.
fn within<T: Send + 'static>(
    limit: Duration,
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let (done, answer) = sync_channel(1);
    let worker = thread::Builder::new()
        .spawn(move || {
            // If nobody waits any more, the answer is dropped, and wiped where it is a secret.
            let _ = done.send(work());
        })
        .map_err(|error| {
            let reason = system_reason(&error);
            StoreError::Unreachable(format!("no thread could be started: {reason}"))
        })?;
    match answer.recv_timeout(limit) {
        Ok(answer) => {
            // The time zone can be read only while there is one thread.
            let _ = worker.join();
            answer
        }
        Err(RecvTimeoutError::Timeout) => Err(StoreError::TimedOut(limit)),
        Err(RecvTimeoutError::Disconnected) => {
            Err(StoreError::Unreachable("it gave no answer".into()))
        }
    }
}

/// What a status means (`SecBase.h`, `MacErrors.h`).
fn meaning(status: Status) -> StoreError {
    match status.code() {
        // errSecInteractionNotAllowed, errSecInteractionRequired, userCanceledErr, errSecAuthFailed
        // (a wrong password), errSecInDarkWake: a person has to be asked. errSecDuplicateItem: the
        // item is there, and could not be read to be changed.
        -25308 | -25315 | -128 | -25293 | -25320 | -25299 => StoreError::Locked,
        // wrPermErr, errSecReadOnly, errSecInvalidOwnerEdit, errSecDataTooLarge, errSecDiskFull
        -61 | -25292 | -25244 | -25302 | -34 => StoreError::Failed(words(status)),
        _ => StoreError::Unreachable(words(status)),
    }
}

/// The system's own words, which name no item.
fn words(status: Status) -> String {
    match status.message() {
        Some(text) => format!("{} ({})", text.trim_end_matches('.'), status.code()),
        None => format!("macOS says {}", status.code()),
    }
}
