//! Other programs' text files, changed with their owner's consent: whole or not at all, with their
//! mode, and through the links that lead to them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use crate::plain_file;

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

/// Replaces a file, or makes it. A file that may not be written is left alone, even if its folder
/// would allow the change: somebody meant it.
///
/// # Errors
/// What the system says; then the old content stands.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let permissions = match fs::metadata(&path) {
        Ok(metadata) => Some(metadata.permissions()),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    if permissions.as_ref().is_some_and(fs::Permissions::readonly) {
        return Err(io::Error::other("it is read-only"));
    }
    let beside = beside(&path);
    // Fails while git, or another ghtok, holds it.
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&beside)?;
    fill(file, bytes)
        .and_then(|()| match permissions {
            Some(permissions) => fs::set_permissions(&beside, permissions),
            None => Ok(()),
        })
        .and_then(|()| fs::rename(&beside, &path))
        .inspect_err(|_| {
            // Best effort.
            let _ = fs::remove_file(&beside);
        })
}

/// Removes a file.
///
/// # Errors
/// What the system says.
pub fn remove(path: &Path) -> io::Result<()> {
    fs::remove_file(path)
}

fn fill(mut file: File, bytes: &[u8]) -> io::Result<()> {
    file.write_all(bytes)?;
    file.sync_all()
}

/// git's own name for it: while it is there, git does not write either (git-config's lock).
fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}
