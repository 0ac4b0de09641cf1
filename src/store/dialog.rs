//! The one device flow that all MCP dialogs of an App share: the process that holds the dialog's lock
//! runs it and publishes the user code; the others show that code. The device code is never stored.

use std::path::PathBuf;

use crate::app::RecordKey;
use crate::auth::ports::StoreError;
use crate::store::lock::Lock;
use crate::store::state_file;
use crate::store::state_folder::StateFolder;

/// The files of an App's dialog.
#[derive(Clone, Debug)]
pub struct SharedDialog {
    folder: StateFolder,
    lock: PathBuf,
    code: PathBuf,
}

/// The held lock: this process runs the device flow. Dropping it removes the code.
#[derive(Debug)]
pub struct DialogLock {
    _lock: Lock,
    code: PathBuf,
}

impl SharedDialog {
    /// For this record.
    pub fn new(folder: StateFolder, key: &RecordKey) -> Self {
        let (lock, code) = folder.dialog(key);
        Self { folder, lock, code }
    }

    /// Takes the lock; `None` while another process runs the device flow.
    ///
    /// # Errors
    /// If the state folder cannot be used.
    pub fn try_lock(&self) -> Result<Option<DialogLock>, StoreError> {
        self.folder.create()?;
        Ok(Lock::try_take(&self.lock)?.map(|lock| DialogLock {
            _lock: lock,
            code: self.code.clone(),
        }))
    }

    /// Removes the code of a process that was killed; that of a running device flow stays.
    ///
    /// # Errors
    /// If it cannot be removed.
    pub fn remove_stale_code(&self) -> Result<(), StoreError> {
        if self.code.symlink_metadata().is_ok()
            && let Some(_lock) = Lock::try_take(&self.lock)?
        {
            state_file::remove(&self.code)?;
        }
        Ok(())
    }

    /// The code that another process has published.
    pub fn code(&self) -> Option<Vec<u8>> {
        state_file::read(&self.code)
            .ok()
            .flatten()
            .map(|bytes| bytes.to_vec())
    }
}

impl DialogLock {
    /// Publishes the code. If that fails, the other processes show none, and wait.
    pub fn publish(&self, code: &[u8]) {
        let _ = state_file::replace(&self.code, code);
    }
}

impl Drop for DialogLock {
    fn drop(&mut self) {
        let _ = state_file::remove(&self.code);
    }
}
