//! A record's lock: an advisory lock on a separate file, held by one process at a time until the last
//! handle to the open file is closed. A record's file is never removed, so that all processes lock the
//! same one.

use std::fs::File;
use std::path::Path;

use crate::auth::ports::StoreError;
use crate::permits::HeldLock;
use crate::store::network_folder::may_grant_every_lock;
use crate::store::state_file::refused;

/// The lock, held.
#[derive(Debug)]
pub struct Lock(File);

impl HeldLock for Lock {}

impl Lock {
    /// Takes the lock; `None` if another process holds it.
    pub(crate) fn try_take(path: &Path) -> Result<Option<Self>, StoreError> {
        Ok(platform::take(path)?.map(Self))
    }

    /// Whether a process holds the lock. Works without write permission.
    pub(crate) fn is_held(path: &Path) -> bool {
        platform::is_taken(path)
    }

    /// Removes the file of a lock that nobody holds. Only for locks whose takers look whether the file is still
    /// there ([`Self::is_at`]).
    pub(crate) fn remove_unheld(path: &Path) -> Result<(), StoreError> {
        platform::remove_unheld(path)
    }

    /// Takes over a file that another process opened and locked: the lock belongs to the open
    /// file, not to a process.
    pub(crate) fn adopt(file: File, path: &Path) -> Result<Self, StoreError> {
        if platform::is_locked_by(&file, path)? {
            return Ok(Self(file));
        }
        Err(refused(
            "take over the lock",
            path,
            "the inherited file is another one",
        ))
    }

    /// Whether the path still names this file.
    pub(crate) fn is_at(&self, path: &Path) -> bool {
        platform::is_same_file(&self.0, path)
    }

    /// True if this lock may not exclude others: a network file system can be mounted so that each machine
    /// has locks of its own, and some file systems grant every lock.
    pub(crate) fn may_be_shared(&self, path: &Path) -> bool {
        may_grant_every_lock(path) || !self.is_at(path) || !platform::keeps_out(path)
    }

    /// Another handle of the open, locked file, for a child that takes over the lock.
    pub(crate) fn share(&self) -> Option<File> {
        self.0.try_clone().ok()
    }
}

/// The system's advisory lock.
#[cfg(unix)]
mod platform {
    use std::fs::{File, TryLockError};
    use std::os::unix::fs::MetadataExt;
    use std::path::Path;

    use crate::auth::ports::StoreError;
    use crate::store::state_file::{failed, open_or_create};

    pub(super) fn take(path: &Path) -> Result<Option<File>, StoreError> {
        let file = open_or_create(path)?;
        Ok(lock(&file, path)?.then_some(file))
    }

    /// The lock is held meanwhile, and belongs to the file that is removed.
    pub(super) fn remove_unheld(path: &Path) -> Result<(), StoreError> {
        let Some(file) = take(path)? else {
            return Ok(());
        };
        if is_same_file(&file, path) {
            std::fs::remove_file(path).map_err(|error| failed("remove", path, &error))?;
        }
        Ok(())
    }

    pub(super) fn is_locked_by(file: &File, path: &Path) -> Result<bool, StoreError> {
        Ok(is_same_file(file, path) && lock(file, path)?)
    }

    /// A shared lock is had only while nobody holds the other kind, and needs no right to write.
    pub(super) fn is_taken(path: &Path) -> bool {
        let tried = File::open(path).map(|file| file.try_lock_shared());
        matches!(tried, Ok(Err(TryLockError::WouldBlock)))
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the one owner of the record's lock"
    )]
    fn lock(file: &File, path: &Path) -> Result<bool, StoreError> {
        match file.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(failed("lock", path, &error)),
        }
    }

    /// Whether the held lock keeps out another process that opens the file.
    pub(super) fn keeps_out(path: &Path) -> bool {
        open_or_create(path).and_then(|file| lock(&file, path)) == Ok(false)
    }

    pub(super) fn is_same_file(file: &File, path: &Path) -> bool {
        let (Ok(open), Ok(named)) = (file.metadata(), std::fs::symlink_metadata(path)) else {
            return false;
        };
        open.dev() == named.dev() && open.ino() == named.ino()
    }
}

/// The file is opened for one alone. Windows' own locks belong to a process and cannot be handed
/// on; that nobody else may open the file belongs to the open file, as a Unix lock does.
#[cfg(windows)]
mod platform {
    use std::fs::{File, Metadata, OpenOptions};
    use std::io;
    use std::os::windows::fs::{MetadataExt, OpenOptionsExt};
    use std::path::Path;

    use crate::auth::ports::StoreError;
    use crate::store::state_file::failed;

    const ERROR_SHARING_VIOLATION: i32 = 32;

    pub(super) fn take(path: &Path) -> Result<Option<File>, StoreError> {
        let nobody = 0;
        let opened = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .share_mode(nobody)
            .open(path);
        match opened {
            Ok(file) => Ok(Some(file)),
            Err(error) if is_held(&error) => Ok(None),
            Err(error) => Err(failed("lock", path, &error)),
        }
    }

    pub(super) fn is_taken(path: &Path) -> bool {
        matches!(take(path), Ok(None))
    }

    /// A file that is open for one alone cannot be removed.
    pub(super) fn remove_unheld(path: &Path) -> Result<(), StoreError> {
        match std::fs::remove_file(path) {
            Err(error) if !is_held(&error) => Err(failed("remove", path, &error)),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// The file must look like the lock, and the lock must be held: then it is held by this file.
    pub(super) fn is_locked_by(file: &File, path: &Path) -> Result<bool, StoreError> {
        Ok(is_same_file(file, path) && take(path)?.is_none())
    }

    /// Whether the held lock keeps out another process that opens the file.
    pub(super) fn keeps_out(path: &Path) -> bool {
        matches!(take(path), Ok(None))
    }

    /// Asking about a file is allowed while nobody may open it.
    pub(super) fn is_same_file(file: &File, path: &Path) -> bool {
        let (Ok(open), Ok(named)) = (file.metadata(), std::fs::symlink_metadata(path)) else {
            return false;
        };
        marks(&open) == marks(&named)
    }

    fn marks(metadata: &Metadata) -> (bool, u64, u64, u64) {
        (
            metadata.is_file(),
            metadata.creation_time(),
            metadata.last_write_time(),
            metadata.file_size(),
        )
    }

    fn is_held(error: &io::Error) -> bool {
        error.raw_os_error() == Some(ERROR_SHARING_VIOLATION)
    }
}
