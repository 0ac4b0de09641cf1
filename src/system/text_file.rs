//! Other programs' text files, changed with their owner's consent: whole or not at all, with their
//! mode, and through the links that lead to them.

use std::fs;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use crate::plain_file;
use crate::private_file::{self, Mode};

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

/// Removes a file.
///
/// # Errors
/// What the system says.
pub fn remove(path: &Path) -> io::Result<()> {
    fs::remove_file(path)
}
