//! Files that all users of the machine may read, and the folders above them.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use crate::private_file::{self, Mode};

/// Replaces a file that all users of the machine may read, or creates it and the folders above it.
///
/// # Errors
/// What the system says; then the old content stands.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        create_open_folder(folder)?;
    }
    private_file::replace(path, bytes, Mode::Exact(0o644))
}

/// True if whoever of the machine's users can read one file could read another one too, were it there and
/// readable for all.
pub(crate) fn is_open_to_readers_of(path: &Path, readable: &Path) -> bool {
    platform::is_open_to_readers_of(path, readable)
}

/// Creates what is missing of a folder, so that others may enter it whatever the umask says.
fn create_open_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(parent) = folder.parent() {
        create_open_folder(parent)?;
    }
    match fs::create_dir(folder) {
        Ok(()) => platform::open_folder(folder),
        Err(error) if error.kind() == ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        Err(error) => Err(error),
    }
}

/// How many of the folders above a file are missing.
pub(crate) fn missing_folders(path: &Path) -> usize {
    let folders = path.ancestors().skip(1);
    folders.take_while(|folder| !folder.exists()).count()
}

/// Removes this many of the folders above a file, innermost first, as far as nothing is in them.
pub(crate) fn remove_empty_folders(path: &Path, count: usize) {
    for folder in path.ancestors().skip(1).take(count) {
        if fs::remove_dir(folder).is_err() {
            return;
        }
    }
}

#[cfg(unix)]
mod platform {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    use super::{Mode, Path, fs, io};

    pub(super) fn open_folder(folder: &Path) -> io::Result<()> {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755))
    }

    /// Group and others are looked at by the modes alone.
    pub(super) fn is_open_to_readers_of(path: &Path, readable: &Path) -> bool {
        const GROUP: u32 = 0o050;
        const OTHERS: u32 = 0o005;
        let mode = match (fs::metadata(readable), Mode::keep_or_usual()) {
            (Ok(metadata), _) => metadata.mode(),
            (Err(_), Mode::Exact(mode) | Mode::KeepOr(mode)) => mode,
        };
        [GROUP, OTHERS].into_iter().all(|class| {
            let reads = mode & class & 0o044 != 0 && may_enter(readable, class);
            !reads || may_enter(path, class)
        })
    }

    fn may_enter(path: &Path, class: u32) -> bool {
        let folder = path.ancestors().skip(1).find(|folder| folder.exists());
        let Some(folder) = folder.and_then(|folder| fs::canonicalize(folder).ok()) else {
            return false;
        };
        folder.ancestors().all(|folder| {
            fs::metadata(folder)
                .is_ok_and(|metadata| metadata.mode() & (class | 0o005) & 0o011 != 0)
        })
    }
}

#[cfg(not(unix))]
mod platform {
    use super::{Path, io};

    #[expect(clippy::unnecessary_wraps, reason = "on Unix this can fail")]
    pub(super) fn open_folder(_: &Path) -> io::Result<()> {
        Ok(())
    }

    /// Profile folders keep other users out of both files.
    pub(super) fn is_open_to_readers_of(_: &Path, _: &Path) -> bool {
        true
    }
}
