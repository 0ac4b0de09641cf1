//! Rights of private files and folders where access lists keep them.

#![expect(clippy::unnecessary_wraps, reason = "on Unix each of these can fail")]

use std::fs::Metadata;

use super::{DirBuilder, File, OpenOptions, OtherOwner, Path, StoreError, io};

pub(super) fn open(options: &OpenOptions, path: &Path) -> io::Result<File> {
    options.open(path)
}

// On Windows the user's profile folders carry access lists that keep other users out.

pub(super) fn check_private(_: &Metadata, _: &Path, _: &'static str) -> Result<(), StoreError> {
    Ok(())
}

pub(super) fn set_private(_: &File) -> io::Result<()> {
    Ok(())
}

pub(super) fn set_private_folder(_: &Path, _: &Metadata) -> Result<(), StoreError> {
    Ok(())
}

pub(super) fn make_folders(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).create(path)
}

pub(super) fn check_owner(_: &Path, _: &'static str, _: OtherOwner) -> Result<(), StoreError> {
    Ok(())
}
