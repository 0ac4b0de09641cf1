//! Opens files that a person or another program named. A pipe, a socket or a device in a file's place
//! is refused at once, never waited for. Knows nothing of owners and modes.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::path::Path;

/// Opens a regular file for reading, with what the system knows of it; links are followed.
///
/// # Errors
/// What the system says, or that it is something else than a file.
pub fn open(path: &Path) -> io::Result<(File, Metadata)> {
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
