//! A configuration file of git, changed the way git itself changes it: the new content is written to
//! `FILE.lock`, which exists only while somebody changes FILE (git's lockfile.h).

use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::clock::{SystemClock, pause};
use crate::auth::ports::Clock as _;
use crate::plain_file;
use crate::private_file::{Mode, PendingFile, follow_links, sync_folder_of};

/// A file that nobody else changes for now.
pub(crate) struct LockedFile {
    lock: PendingFile,
    content: Option<Vec<u8>>,
    target: PathBuf,
}

impl LockedFile {
    /// Locks a file, or the one that a link leads to, and reads it. Waits that long for another lock.
    ///
    /// # Errors
    /// What the system says, or that the lock is held.
    pub(crate) fn lock(path: &Path, limit: Duration) -> io::Result<Self> {
        let target = follow_links(path)?;
        let lock = acquire(&target, limit)?;
        let content = plain_file::read(&target)?;
        Ok(Self {
            lock,
            content,
            target,
        })
    }

    /// What is in it; `None` if there is no such file.
    pub(crate) fn content(&self) -> Option<&[u8]> {
        self.content.as_deref()
    }

    /// Gives it this content.
    ///
    /// # Errors
    /// What the system says; then the old content stands.
    pub(crate) fn replace(mut self, bytes: &[u8]) -> io::Result<()> {
        self.lock.fill(bytes, Mode::keep_or_usual())?;
        self.lock.commit()
    }

    /// Removes it. A link to it stays.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn remove(self) -> io::Result<()> {
        std::fs::remove_file(&self.target)?;
        let _ = sync_folder_of(&self.target);
        Ok(())
    }
}

fn acquire(target: &Path, limit: Duration) -> io::Result<PendingFile> {
    const PAUSE: Duration = Duration::from_millis(20);
    let name = lock_name(target);
    let clock = SystemClock::start();
    loop {
        match PendingFile::begin_as(target, name.clone()) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                if clock.monotonic() >= limit {
                    return Err(held(&name));
                }
                pause(PAUSE);
            }
            begun => return begun,
        }
    }
}

fn held(lock: &Path) -> io::Error {
    io::Error::new(
        ErrorKind::AlreadyExists,
        format!(
            "{} exists: another program is changing the file, or left this one when it was killed (then delete it)",
            lock.display()
        ),
    )
}

fn lock_name(target: &Path) -> PathBuf {
    let mut name = OsString::from(target);
    name.push(".lock");
    name.into()
}
