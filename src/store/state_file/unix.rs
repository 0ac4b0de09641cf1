//! Rights and owners of private files and folders on Unix.

use std::fs::{Metadata, Permissions};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};

use rustix::fs::OFlags;
use rustix::io::Errno;

use super::{
    A_FOLDER, DirBuilder, File, NO_FILE, OpenOptions, OtherOwner, Path, StoreError, failed, fs, io,
    refused,
};

/// No link is followed, and a FIFO in the file's place blocks nobody.
pub(super) fn open(options: &OpenOptions, path: &Path) -> io::Result<File> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
    let mut options = options.clone();
    options
        .mode(0o600)
        .custom_flags(i32::try_from(flags).unwrap_or(0))
        .open(path)
        .map_err(|error| match Errno::from_io_error(&error) {
            Some(Errno::LOOP) => io::Error::other("it is a symbolic link"),
            Some(Errno::ISDIR) => io::Error::other(A_FOLDER),
            // A socket, or a device without a driver.
            Some(Errno::NXIO) => io::Error::other(NO_FILE),
            _ => error,
        })
}

pub(super) fn check_private(
    metadata: &Metadata,
    path: &Path,
    doing: &'static str,
) -> Result<(), StoreError> {
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(refused(doing, path, "it belongs to another user"));
    }
    // What is written in place would be written to the other name's file, and a record would
    // outlive its sign-out there. None is left of a file that is being replaced.
    if metadata.nlink() > 1 {
        return Err(refused(
            doing,
            path,
            "it has a second hard link; remove one of the two",
        ));
    }
    match metadata.mode() & 0o077 {
        0 => Ok(()),
        _ => Err(StoreError::Exposed {
            path: path.to_owned(),
            mode: metadata.mode() & 0o7777,
        }),
    }
}

/// An odd umask must not decide about the mode.
pub(super) fn set_private(file: &File) -> io::Result<()> {
    match file.metadata()?.mode() & 0o777 {
        0o600 => Ok(()),
        _ => file.set_permissions(Permissions::from_mode(0o600)),
    }
}

pub(super) fn set_private_folder(path: &Path, metadata: &Metadata) -> Result<(), StoreError> {
    if metadata.mode() & 0o777 == 0o700 {
        return Ok(());
    }
    // Such as /tmp: it is not ours to close.
    if metadata.mode() & 0o1000 != 0 {
        return Err(refused(
            "use",
            path,
            "it is a shared folder; use one that is only for ghtok",
        ));
    }
    fs::set_permissions(path, Permissions::from_mode(0o700))
        .map_err(|error| failed("protect", path, &error))
}

/// Each folder is made usable at once, so that an odd umask cannot lock us out half-way.
pub(super) fn make_folders(path: &Path) -> io::Result<()> {
    let missing: Vec<_> = path
        .ancestors()
        .take_while(|folder| !folder.exists())
        .collect();
    for folder in missing.into_iter().rev() {
        match DirBuilder::new().mode(0o700).create(folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            Ok(()) | Err(_) => {}
        }
        if fs::metadata(folder)?.mode() & 0o700 != 0o700 {
            fs::set_permissions(folder, Permissions::from_mode(0o700))?;
        }
    }
    Ok(())
}

pub(super) fn check_owner(
    path: &Path,
    doing: &'static str,
    others: OtherOwner,
) -> Result<(), StoreError> {
    let metadata = fs::metadata(path).map_err(|error| failed(doing, path, &error))?;
    let ours = metadata.uid() == rustix::process::geteuid().as_raw();
    if ours || (others == OtherOwner::Root && metadata.uid() == 0) {
        return Ok(());
    }
    Err(refused(
        doing,
        path,
        "it belongs to another user; check HOME",
    ))
}
