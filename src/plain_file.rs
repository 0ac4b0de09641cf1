//! Opens files that a person or another program named. A pipe, a socket or a device in a file's place
//! is refused at once, never waited for. Also says whether others could have written it.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::path::Path;

/// Opens a regular file for reading, with what the system knows of it; links are followed.
///
/// # Errors
/// What the system says, or that it is something else than a file.
pub(crate) fn open(path: &Path) -> io::Result<(File, Metadata)> {
    let file = match platform::open(path) {
        // Windows does not open a folder at all.
        Err(_) if cfg!(windows) && path.is_dir() => Err(io::Error::other(A_FOLDER)),
        opened => opened,
    }?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(io::Error::other(A_FOLDER));
    }
    if !metadata.is_file() {
        return Err(io::Error::other(NO_FILE));
    }
    Ok((file, metadata))
}

/// The bytes of a file; `None` if there is none.
///
/// # Errors
/// What the system says.
pub(crate) fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    match open(path).and_then(|(mut file, _)| file.read_to_end(&mut bytes)) {
        Ok(_) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The bytes of a usual file of a usual size; `None` for anything else.
pub(crate) fn read_small(path: &Path) -> Option<Vec<u8>> {
    const LARGEST: u64 = 16 * 1024 * 1024;
    let (file, _) = open(path).ok()?;
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes).ok()?;
    (bytes.len() as u64 <= LARGEST).then_some(bytes)
}

/// Why the content of a file is not to be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(unix), expect(dead_code, reason = "found out on Unix only"))]
pub(crate) enum Distrust {
    /// It belongs to another user.
    Owner,
    /// Others may write it.
    Writable { mode: u32 },
}

/// Says whether others could have written a file, as ssh does with its own: what stands in ours
/// decides where tokens go. The system's administrator is trusted, and readers are nothing to fear.
/// Where each user has a group of their own, of the same number, the usual umask lets that group
/// write.
///
/// # Errors
/// Why it is not to be trusted.
#[cfg(unix)]
pub(crate) fn trust(metadata: &Metadata) -> Result<(), Distrust> {
    use std::os::unix::fs::MetadataExt;

    let owner = metadata.uid();
    if owner != 0 && owner != rustix::process::geteuid().as_raw() {
        return Err(Distrust::Owner);
    }
    let others = if metadata.gid() == owner {
        0o002
    } else {
        0o022
    };
    if metadata.mode() & others != 0 {
        return Err(Distrust::Writable {
            mode: metadata.mode() & 0o7777,
        });
    }
    Ok(())
}

/// On Windows the user's profile folders carry access lists that keep other users out.
///
/// # Errors
/// None.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "on Unix this can fail")]
pub(crate) fn trust(_: &Metadata) -> Result<(), Distrust> {
    Ok(())
}

const A_FOLDER: &str = "it is a folder, not a file";
const NO_FILE: &str = "it is not a regular file";

#[cfg(unix)]
mod platform {
    use std::os::unix::fs::OpenOptionsExt;

    use rustix::fs::OFlags;
    use rustix::io::Errno;

    use super::{File, NO_FILE, OpenOptions, Path, io};

    /// A pipe without a writer opens at once too, and a terminal does not become ours.
    pub(super) fn open(path: &Path) -> io::Result<File> {
        let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits();
        OpenOptions::new()
            .read(true)
            .custom_flags(flags.cast_signed())
            .open(path)
            .map_err(|error| match Errno::from_io_error(&error) {
                // A socket, or a device without a driver.
                Some(Errno::NXIO) => io::Error::other(NO_FILE),
                _ => error,
            })
    }
}

#[cfg(not(unix))]
mod platform {
    use super::{File, OpenOptions, Path, io};

    pub(super) fn open(path: &Path) -> io::Result<File> {
        OpenOptions::new().read(true).open(path)
    }
}
