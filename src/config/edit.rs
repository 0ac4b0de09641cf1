//! Replaces the configuration file: a kill at any instant leaves either the old file or the new one, and a
//! change by another program is never overwritten.

use std::fs;
use std::io;
#[cfg(unix)]
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::file;
use crate::error::{Error, Result, system_reason};
use crate::private_file::{Mode, PendingFile};

/// How often a write begins again because somebody else changed the file meanwhile.
const TRIES: u32 = 5;

/// The file as it is to be.
pub(super) struct Edit<T> {
    /// `None` where it stays as it is.
    pub(super) after: Option<String>,
    /// What was done.
    pub(super) done: T,
}

/// Edits the file; a missing one is empty, and is begun (folder 0700, file 0600). A linked one is written where
/// the link leads. `edit` is called again if another program changes the file meanwhile.
///
/// # Errors
/// If the file cannot be read or written, or does not stay as it is for a moment; or the edit's own.
pub(super) fn write_edited<T>(file: &Path, edit: impl Fn(&str) -> Result<Edit<T>>) -> Result<T> {
    for _ in 0..TRIES {
        let target = target_of(file)?;
        let before = file::read(&target)?;
        let Edit { after, done } = edit(before.as_deref().unwrap_or_default())?;
        let is_written = match after {
            Some(text) => replace(&target, before.as_deref(), &text)?,
            None => true,
        };
        if is_written {
            return Ok(done);
        }
    }
    Err(Error::File {
        doing: "write",
        path: file.to_owned(),
        cause: "another program changed it at the same time".into(),
    })
}

/// Puts the text in the file's place; false if the file is no longer the one that was read.
fn replace(target: &Path, before: Option<&str>, text: &str) -> Result<bool> {
    let refuse = |error: io::Error| Error::File {
        doing: "write",
        path: target.to_owned(),
        cause: system_reason(&error),
    };
    let folder = target.parent().unwrap_or(Path::new("."));
    create_folder(folder).map_err(refuse)?;
    let mut new = PendingFile::begin(target).map_err(refuse)?;
    new.fill(text.as_bytes(), Mode::KeepOr(0o600))
        .map_err(refuse)?;
    if file::read(target)?.as_deref() != before {
        return Ok(false);
    }
    new.commit().map_err(refuse)?;
    Ok(true)
}

/// Where a linked file really is: people keep their dot-files elsewhere.
fn target_of(file: &Path) -> Result<PathBuf> {
    let is_link = fs::symlink_metadata(file).is_ok_and(|metadata| metadata.is_symlink());
    if !is_link {
        return Ok(file.to_owned());
    }
    fs::canonicalize(file).map_err(|error| Error::File {
        doing: "follow the link",
        path: file.to_owned(),
        cause: system_reason(&error),
    })
}

/// Creates what is missing of a folder, each part for its owner alone whatever the umask says.
#[cfg(unix)]
fn create_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt, PermissionsExt};

    if folder.is_dir() {
        return Ok(());
    }
    if let Some(parent) = folder.parent() {
        create_folder(parent)?;
    }
    match fs::DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => fs::set_permissions(folder, fs::Permissions::from_mode(0o700)),
        Err(error) if error.kind() == ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(not(unix))]
fn create_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}
