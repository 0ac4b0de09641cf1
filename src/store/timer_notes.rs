//! Stores the notes about the timer: two files of the state folder, and the lock of its runs. No secret.

use std::fs;
use std::path::PathBuf;

use crate::auth::ports::StoreError;
use crate::error::{Error, Result};
use crate::schedule::notes::{Installed, LastRun, Notes, decode, encode, later_version};
use crate::store::lock::Lock;
use crate::store::state_file;
use crate::store::state_folder::StateFolder;

/// The notes of this state folder.
#[derive(Clone, Debug)]
pub(crate) struct TimerNotes(StateFolder);

/// The right to look after the sign-ins; one process at a time has it.
#[derive(Debug)]
pub(crate) struct Turn {
    lock: Lock,
    path: PathBuf,
}

impl Turn {
    /// Whether the timer's notes were not forgotten in the meantime, and the lock with them.
    pub(crate) fn stands(&self) -> bool {
        self.lock.is_at(&self.path)
    }
}

impl TimerNotes {
    /// Names the files; nothing is touched.
    pub(crate) fn of(folder: StateFolder) -> Self {
        Self(folder)
    }

    /// The right to run; `None` while another process does.
    ///
    /// # Errors
    /// If the state folder cannot be used.
    pub(crate) fn turn(&self) -> Result<Option<Turn>> {
        self.0.create().map_err(unusable)?;
        let path = self.0.timer_lock();
        let lock = Lock::try_take(&path).map_err(unusable)?;
        Ok(lock.map(|lock| Turn { lock, path }))
    }
}

impl Notes for TimerNotes {
    fn installed(&self) -> Result<Option<Installed>> {
        let path = self.0.timer();
        let Some(bytes) = state_file::read(&path).map_err(unusable)? else {
            return Ok(None);
        };
        match later_version(&bytes) {
            Some(version) => Err(Error::Timer {
                doing: "use its state file",
                cause: format!(
                    "{} was written by a newer ghtok (format {version})",
                    path.display()
                ),
                fix: "use that ghtok, or delete the file".into(),
            }),
            None => Ok(decode(&bytes)),
        }
    }

    fn remember(&self, installed: &Installed) -> Result<()> {
        self.0.create().map_err(unusable)?;
        state_file::replace(&self.0.timer(), &encode(installed)).map_err(unusable)
    }

    fn last_run(&self) -> Option<LastRun> {
        let bytes = state_file::read_note(&self.0.timer_run()).ok().flatten()?;
        decode(&bytes)
    }

    fn tell_run(&self, run: &LastRun) -> Result<()> {
        state_file::note(&self.0.timer_run(), &encode(run)).map_err(unusable)
    }

    fn forget(&self) -> Result<()> {
        // The lock first: a run that goes on leaves no note then.
        for file in [self.0.timer_lock(), self.0.timer_run(), self.0.timer()] {
            state_file::remove(&file).map_err(unusable)?;
        }
        // A folder that holds something else stays.
        let _ = fs::remove_dir(self.0.path());
        Ok(())
    }
}

fn unusable(error: StoreError) -> Error {
    match error {
        StoreError::File { doing, path, cause } => Error::File { doing, path, cause },
        other => Error::Timer {
            doing: "use its state file",
            cause: other.to_string(),
            fix: "check the state folder; this shows its path:\n  ghtok status -v".into(),
        },
    }
}
