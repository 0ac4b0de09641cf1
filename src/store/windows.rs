//! The Windows Credential Manager: a generic credential named `KEY.ghtok` that stays on this
//! machine. Its calls are answered by the system itself, which asks nobody.

use std::collections::HashMap;
use std::time::Duration;

use keyring_core::api::CredentialStoreApi;
use keyring_core::{Entry, Error};
use windows_native_keyring_store::Store;

use crate::auth::ports::StoreError;
use crate::store::keyring::{KeyringSlot, SystemKeychain};

/// The place of one record in the Windows Credential Manager.
pub(crate) type WindowsSlot = KeyringSlot<Windows>;

/// Its calls come from the thread that needs them: Windows does not promise that one thread finds
/// at once what another has stored.
#[derive(Debug)]
pub(crate) struct Windows;

impl SystemKeychain for Windows {
    const PLACE: &'static str = "the Windows Credential Manager";

    /// `Local`: tokens must not roam to other machines of a domain.
    fn entry(service: &str, user: &str) -> Result<Entry, Error> {
        let local = HashMap::from([("persistence", "Local")]);
        Store::new()?.build(service, user, Some(&local))
    }

    fn search(service: &str) -> Result<Vec<Entry>, Error> {
        let pattern = format!(r"\.{service}$");
        Store::new()?.search(&HashMap::from([("pattern", pattern.as_str())]))
    }

    fn ask<T: Send + 'static>(
        _: Duration,
        work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        work()
    }

    /// It is open while its user is signed in to Windows.
    fn unlock(_: &str, _: Duration) -> Result<(), StoreError> {
        Ok(())
    }

    /// The only cause that is told apart is the session without a store of its own.
    fn meaning(cause: &(dyn std::error::Error + 'static)) -> StoreError {
        let words = cause.to_string();
        if words.contains("ERROR_NO_SUCH_LOGON_SESSION") {
            return StoreError::Unreachable(
                "this Windows session has none (for example over SSH, or in a scheduled task without a password)"
                    .into(),
            );
        }
        StoreError::Unreachable(words)
    }
}

#[cfg(test)]
mod tests {
    use crate::app::{App, ClientId};
    use crate::host::Host;
    use crate::store::Slot;
    use crate::store::keyring::list;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(5);

    /// An item that is gone when its test ends.
    struct Kept(WindowsSlot, App);

    impl Kept {
        fn new(test: &str) -> Self {
            let app = App {
                name: None,
                client_id: ClientId::parse(&format!("test-{}-{test}", std::process::id()))
                    .expect("an ID"),
                host: Host::parse("github.com").expect("a host"),
                account: None,
                owners: vec![],
            };
            Self(WindowsSlot::new(&app.key(), LIMIT), app)
        }

        fn bytes(&self) -> Option<Vec<u8>> {
            let bytes = self.0.read().expect("readable");
            bytes.map(|bytes| bytes.to_vec())
        }
    }

    impl Drop for Kept {
        fn drop(&mut self) {
            let _ = self.0.delete();
        }
    }

    #[test]
    fn what_was_written_is_read_until_it_is_deleted() {
        let kept = Kept::new("round-trip");
        assert_eq!(kept.bytes(), None);
        for text in [&b"first"[..], b"second, longer", b"\0\xff"] {
            kept.0.write(text).expect("written");
            assert_eq!(kept.bytes().as_deref(), Some(text));
        }
        kept.0.delete().expect("deleted");
        assert_eq!(kept.bytes(), None);
        kept.0.delete().expect("nothing to delete is no failure");
    }

    #[test]
    fn the_largest_record_fits_and_a_larger_one_leaves_the_old_one() {
        let kept = Kept::new("size");
        let largest = vec![0xa5; 2_560];
        kept.0.write(&largest).expect("written");
        assert_eq!(kept.bytes(), Some(largest.clone()));
        let refused = kept.0.write(&[1; 2_561]).expect_err("too long");
        let told = "it does not accept items of more than 2560 bytes";
        assert_eq!(refused, StoreError::Failed(told.into()));
        assert_eq!(kept.bytes(), Some(largest));
    }

    #[test]
    fn the_proof_of_writing_leaves_the_item_alone() {
        let kept = Kept::new("proof");
        kept.0.prove_writable().expect("writable");
        assert_eq!(kept.bytes(), None);
        kept.0.write(b"text").expect("written");
        kept.0.prove_writable().expect("writable");
        assert_eq!(kept.bytes().as_deref(), Some(&b"text"[..]));
    }

    #[test]
    fn items_are_listed_by_their_service_and_others_are_not() {
        let kept = Kept::new("listed");
        let is_listed = || {
            let apps = list::<Windows>(LIMIT).expect("a list").apps;
            apps.iter().any(|app| app.key() == kept.1.key())
        };
        assert!(!is_listed());
        kept.0.write(b"text").expect("written");
        assert!(is_listed());
        let user = kept.1.key().as_str().to_owned();
        let other = Store::new().and_then(|store| store.build("ghtok.other", &user, None));
        let other = other.expect("an item of another program");
        other.set_secret(b"text").expect("written");
        kept.0.delete().expect("deleted");
        let is_seen = is_listed();
        other.delete_credential().expect("deleted");
        assert!(!is_seen);
    }
}
