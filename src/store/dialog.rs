//! The one device flow that MCP dialogs share for an App: who has the lock runs it and leaves its code
//! for the others to show. The code is no secret of ours, and the device's half is never here.

use std::path::PathBuf;

use crate::app::RecordKey;
use crate::auth::ports::StoreError;
use crate::store::lock::Lock;
use crate::store::state_file;
use crate::store::state_folder::StateFolder;

/// Where the code is.
#[derive(Clone, Debug)]
pub struct SharedDialog {
    folder: StateFolder,
    lock: PathBuf,
    code: PathBuf,
}

/// The right to run the device flow.
#[derive(Debug)]
pub struct Lead {
    _lock: Lock,
    code: PathBuf,
}

impl SharedDialog {
    /// For this record.
    pub fn new(folder: StateFolder, key: &RecordKey) -> Self {
        let (lock, code) = folder.dialog(key);
        Self { folder, lock, code }
    }

    /// The right to run the device flow; `None` while another process does.
    ///
    /// # Errors
    /// If the state folder cannot be used.
    pub fn lead(&self) -> Result<Option<Lead>, StoreError> {
        self.folder.create()?;
        Ok(Lock::try_take(&self.lock)?.map(|lock| Lead {
            _lock: lock,
            code: self.code.clone(),
        }))
    }

    /// Removes a code that a killed process left. One whose device flow still runs stays.
    ///
    /// # Errors
    /// If it is there and stays.
    pub fn forget(&self) -> Result<(), StoreError> {
        if self.code.symlink_metadata().is_ok()
            && let Some(_lock) = Lock::try_take(&self.lock)?
        {
            state_file::remove(&self.code)?;
        }
        Ok(())
    }

    /// The code that another process left.
    pub fn code(&self) -> Option<Vec<u8>> {
        state_file::read(&self.code)
            .ok()
            .flatten()
            .map(|bytes| bytes.to_vec())
    }
}

impl Lead {
    /// Leaves the code for the others. Without it they show none of their own, and wait.
    pub fn publish(&self, code: &[u8]) {
        let _ = state_file::replace(&self.code, code);
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        let _ = state_file::remove(&self.code);
    }
}
