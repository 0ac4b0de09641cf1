//! Notes the store of a sign-in, so that later calls never silently use another one.

use std::path::Path;

use crate::auth::ports::StoreError;
use crate::store::state_file;

/// The remembered store's name; `None` if nothing was remembered.
///
/// # Errors
/// If there is a note and it cannot be read.
pub fn read(path: &Path) -> Result<Option<String>, StoreError> {
    let Some(bytes) = state_file::read(path)? else {
        return Ok(None);
    };
    Ok(std::str::from_utf8(&bytes)
        .ok()
        .map(|name| name.trim_end().to_owned()))
}

/// Remembers a store's name.
///
/// # Errors
/// If it cannot be written.
pub(crate) fn write(path: &Path, name: &str) -> Result<(), StoreError> {
    state_file::replace(path, format!("{name}\n").as_bytes())
}
