//! Other programs' text files, changed with their owner's consent: whole or not at all, with their
//! mode, and through the links that lead to them.

use std::fs;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use crate::plain_file;
use crate::private_file::{self, Mode, Replacement};

/// The bytes of a file; `None` if there is none.
///
/// # Errors
/// What the system says.
pub fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    match plain_file::open(path).and_then(|(mut file, _)| file.read_to_end(&mut bytes)) {
        Ok(_) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The bytes of a usual file of a usual size; `None` for anything else.
pub fn read_small(path: &Path) -> Option<Vec<u8>> {
    const LARGEST: u64 = 16 * 1024 * 1024;
    let (file, _) = plain_file::open(path).ok()?;
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes).ok()?;
    (bytes.len() as u64 <= LARGEST).then_some(bytes)
}

/// Replaces a file, or creates it (see [`private_file::replace`]).
///
/// # Errors
/// What the system says; then the old content stands.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    private_file::replace(path, bytes, Mode::keep_or_usual())
}

/// Replaces a file that all users of the machine may read, or creates it and the folders above it.
///
/// # Errors
/// What the system says; then the old content stands.
pub fn replace_for_everybody(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        create_open_folder(folder)?;
    }
    private_file::replace(path, bytes, Mode::Exact(0o644))
}

/// Has `use_it` look at a text in a file beside another one, which is gone afterwards.
///
/// # Errors
/// What the system says.
pub fn with_temporary<T>(
    beside: &Path,
    bytes: &[u8],
    use_it: impl FnOnce(&Path) -> T,
) -> io::Result<T> {
    let mut temporary = Replacement::begin(beside)?;
    temporary.fill(bytes, Mode::PRIVATE)?;
    Ok(use_it(temporary.path()))
}

/// True if whoever of the machine's users can read one file could read another one too, were it there and
/// readable for all.
pub fn is_open_to_readers_of(path: &Path, readable: &Path) -> bool {
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

/// How many of the folders above a file are missing.
pub fn missing_folders(path: &Path) -> usize {
    let folders = path.ancestors().skip(1);
    folders.take_while(|folder| !folder.exists()).count()
}

/// Removes a file.
///
/// # Errors
/// What the system says.
pub fn remove(path: &Path) -> io::Result<()> {
    fs::remove_file(path)
}

/// Removes this many of the folders above a file, innermost first, as far as nothing is in them.
pub fn remove_empty_folders(path: &Path, count: usize) {
    for folder in path.ancestors().skip(1).take(count) {
        if fs::remove_dir(folder).is_err() {
            return;
        }
    }
}
