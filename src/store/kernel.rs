//! The kernel-keyring store: one key of type "user" per record on the user keyring `@u`, which all
//! processes of a user share until the next reboot (keyrings(7), user-keyring(7)).

use std::time::Duration;

use linux_keyutils::{Key, KeyError, KeyPermissions, KeyRing, KeyRingIdentifier, LinkNode};
use rustix::io::Errno;
use zeroize::Zeroizing;

use crate::app::{App, ItemKind, RecordKey};
use crate::auth::ports::StoreError;
use crate::formats::plain_text::spelled_out;
use crate::permits::UnlockPermit;
use crate::store::{Listing, Slot};

/// All rights for whoever possesses the key, and for its user. A process possesses what its session
/// keyring leads to; a cron job's or a service's may lead nowhere, and is then only the user.
const RIGHTS: u32 = 0x3f3f_0000;

/// No record is larger (it must fit the Windows Credential Manager too).
const MAX_RECORD_BYTES: usize = 2_560;

/// The first guess at a payload's size: enough for any record.
const READ_ROOM: usize = 4_096;

/// Checks that this process may use the user keyring, before a store is chosen.
///
/// # Errors
/// Why it may not: a sandbox forbids it, or the kernel has no keys.
pub fn is_available() -> Result<(), StoreError> {
    user_keyring().map(drop).map_err(failure)
}

/// More keys than any user may have (`/proc/sys/kernel/keys/root_maxkeys`). The list must fit whole.
const MOST_KEYS: usize = 1_000_000;

/// Whose items of this kind are on the user keyring.
///
/// # Errors
/// Why it cannot be listed.
pub(crate) fn list(kind: ItemKind) -> Result<Listing, StoreError> {
    let links = user_keyring()
        .and_then(|keyring| keyring.get_links(MOST_KEYS))
        .map_err(failure)?;
    let app = |link: &LinkNode| {
        // Who may not see a key may not use it either.
        let metadata = link.as_key()?.metadata().ok()?;
        let name = metadata.get_description().strip_prefix(kind.service())?;
        App::of_key(name.strip_prefix(':')?)
    };
    Ok(Listing {
        apps: links.iter().filter_map(app).collect(),
        unseen: None,
    })
}

/// The place of one record on the user keyring.
#[derive(Debug)]
pub struct KernelSlot {
    description: String,
}

impl KernelSlot {
    /// Names the key; nothing is touched.
    pub fn new(key: &RecordKey) -> Self {
        Self {
            description: format!("{}:{}", key.service(), key.as_str()),
        }
    }

    fn find(&self) -> Result<Option<Key>, KeyError> {
        present(user_keyring()?.search(&self.description))
    }

    /// Changes the payload of the key that is there: in one step, and it needs quota only for what
    /// is new.
    fn update(&self, bytes: &[u8]) -> Result<(), KeyError> {
        self.find()?
            .ok_or(KeyError::KeyDoesNotExist)?
            .update(&bytes)
    }

    /// Puts a key in the place of whatever has its description, whole or not at all. It is made in
    /// this thread's own keyring, because only its possessor may set a new key's rights, and shown
    /// to others when it has them: a link displaces the link before it in one step (keyctl(2),
    /// `KEYCTL_LINK`).
    fn place(&self, bytes: &[u8]) -> Result<(), KeyError> {
        let own = KeyRing::from_special_id(KeyRingIdentifier::Thread, true)?;
        let key = own.add_key(&self.description, bytes)?;
        let placed = key
            .set_perms(KeyPermissions::from_u32(RIGHTS))
            .and_then(|()| user_keyring()?.link_key(key));
        // The user keyring keeps the key from here on, or nobody does. The thread's keyring ends
        // with the thread in any case.
        let _ = own.unlink_key(key);
        placed
    }

    /// Takes the key off the keyring. Its quota comes back a moment later, sooner than that of an
    /// invalidated key; one that is kept on a keyring below ours (`ENOENT`) can only be invalidated.
    fn remove(&self) -> Result<(), KeyError> {
        let Some(key) = self.find()? else {
            return Ok(());
        };
        match user_keyring()?.unlink_key(key) {
            Err(KeyError::MissingFileOrDirectory) => present(key.invalidate()).map(drop),
            unlinked => unlinked,
        }
    }
}

impl Slot for KernelSlot {
    fn read(&self) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        match self.find().map_err(failure)? {
            Some(key) => present(payload(key)).map_err(failure),
            None => Ok(None),
        }
    }

    /// Memory is all the durability that there is.
    fn write(&self, bytes: &[u8]) -> Result<(), StoreError> {
        self.update(bytes)
            .or_else(|error| match error {
                // There is none, one with other rights than ours have, or (EINVAL) an update of
                // more than a page, which the kernel does not take.
                KeyError::KeyDoesNotExist
                | KeyError::InvalidArguments
                | KeyError::KeyExpired
                | KeyError::KeyRevoked
                | KeyError::AccessDenied => self.place(bytes),
                other => Err(other),
            })
            .map_err(failure)
    }

    fn delete(&self) -> Result<(), StoreError> {
        self.remove().map_err(failure)
    }

    /// The user keyring has no lock.
    fn unlock(&self, _: &UnlockPermit, _: Duration) -> Result<(), StoreError> {
        Ok(())
    }

    /// Adds and removes a key that needs as much quota as the largest record would need in addition.
    fn prove_writable(&self) -> Result<(), StoreError> {
        let present = self.read()?.map_or(0, |bytes| bytes.len());
        let room = MAX_RECORD_BYTES.saturating_sub(present).max(1);
        let probe = Self {
            description: format!("{} (probe)", self.description),
        };
        probe.place(&vec![0; room]).map_err(failure)?;
        probe.delete()
    }

    fn name(&self) -> &'static str {
        "kernel"
    }

    fn describe(&self) -> String {
        "the kernel keyring (emptied by a reboot)".into()
    }
}

/// The kernel makes it on first use.
fn user_keyring() -> Result<KeyRing, KeyError> {
    KeyRing::from_special_id(KeyRingIdentifier::User, true)
}

/// A key that somebody revoked or gave an end is as good as removed: the kernel collects it.
fn present<T>(found: Result<T, KeyError>) -> Result<Option<T>, KeyError> {
    match found {
        Ok(value) => Ok(Some(value)),
        Err(KeyError::KeyDoesNotExist | KeyError::KeyExpired | KeyError::KeyRevoked) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The payload, in memory that is wiped, with no copy elsewhere.
fn payload(key: Key) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let mut bytes = Zeroizing::new(vec![0; READ_ROOM]);
    loop {
        // The kernel tells the whole size, and copies nothing into a buffer that is too small.
        let size = key.read(&mut *bytes)?;
        if size <= bytes.len() {
            bytes.truncate(size);
            return Ok(bytes);
        }
        bytes = Zeroizing::new(vec![0; size]);
    }
}

/// What the kernel's refusal means (`keyctl(2)`, `add_key(2)`).
fn failure(error: KeyError) -> StoreError {
    use StoreError::{Failed, Unreachable};
    const NOSYS: i32 = Errno::NOSYS.raw_os_error();
    match error {
        KeyError::PermissionDenied => Unreachable(
            "this process may not use kernel keys; containers and sandboxes often forbid it".into(),
        ),
        KeyError::AccessDenied => {
            Unreachable("this process has no permission for the key or its keyring".into())
        }
        KeyError::Unknown(NOSYS) | KeyError::OperationNotSupported => {
            Unreachable("this kernel does not support keys, or a sandbox hides them".into())
        }
        KeyError::KeyRevoked | KeyError::KeyExpired => {
            Unreachable("the user keyring itself was revoked".into())
        }
        KeyError::QuotaExceeded => {
            Failed("this user's quota of kernel keys is used up (see /proc/sys/kernel/keys)".into())
        }
        KeyError::OutOfMemory => Failed("the kernel is out of memory".into()),
        KeyError::Unknown(code) => Failed(std::io::Error::from_raw_os_error(code).to_string()),
        other => Failed(format!(
            "the kernel refused it ({})",
            spelled_out(&other.to_string())
        )),
    }
}
