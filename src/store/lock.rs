//! A record's lock: a kernel lock on a file of its own, which ends with its last holder, however
//! that ends. The file is never removed, so that everybody locks the same one.

use std::fs::{File, TryLockError};
use std::path::Path;

use crate::auth::ports::StoreError;
use crate::store::private_file::{failed, open_or_create, refused};

/// The lock, held.
#[derive(Debug)]
pub(crate) struct Lock(File);

impl Lock {
    /// Takes the lock if nobody holds it.
    pub(crate) fn try_take(path: &Path) -> Result<Option<Self>, StoreError> {
        let file = open_or_create(path)?;
        Ok(take(&file, path)?.then_some(Self(file)))
    }

    /// Takes over a file that another process opened and locked: the lock belongs to the open
    /// file, whoever holds it.
    pub(crate) fn adopt(file: File, path: &Path) -> Result<Self, StoreError> {
        if !is_same_file(&file, path) || !take(&file, path)? {
            return Err(refused(
                "take over the lock",
                path,
                "another file was handed over",
            ));
        }
        Ok(Self(file))
    }

    /// The same open, locked file once more, for a process that takes over the lock.
    pub(crate) fn share(&self) -> Option<File> {
        // A Windows lock belongs to the process that took it.
        if cfg!(unix) {
            self.0.try_clone().ok()
        } else {
            None
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one owner of the record's lock"
)]
fn take(file: &File, path: &Path) -> Result<bool, StoreError> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(failed("lock", path, &error)),
    }
}

#[cfg(unix)]
fn is_same_file(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let (Ok(open), Ok(named)) = (file.metadata(), std::fs::symlink_metadata(path)) else {
        return false;
    };
    open.dev() == named.dev() && open.ino() == named.ino()
}

#[cfg(not(unix))]
fn is_same_file(_: &File, _: &Path) -> bool {
    false
}
