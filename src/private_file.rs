//! Replaces files whole or not at all. The new content is never readable for other users before it has
//! the mode that it is meant to have, and a crash leaves either the old file or the new one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use ring::rand::{SecureRandom, SystemRandom};

/// The mode of the new file. Windows has none; there the folder's access list counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// This one, whatever the umask says.
    Exact(u32),
    /// That of the old file, whose owner and group are kept too; where there is none, this one.
    KeepOr(u32),
}

impl Mode {
    /// For its owner alone.
    pub(crate) const PRIVATE: Self = Self::Exact(0o600);

    /// That of the old file; for a new one, what the umask leaves, as with most programs.
    pub(crate) fn keep_or_usual() -> Self {
        Self::KeepOr(platform::usual_mode())
    }
}

/// Replaces a file, or creates it. Where `path` is a symbolic link, the file that it leads to is
/// written and the link stays, also if that file does not exist yet. With [`Mode::KeepOr`], a file
/// that may not be written is left alone, even if its folder would allow the change.
///
/// # Errors
/// What the system says; then the old content stands.
pub(crate) fn replace(path: &Path, bytes: &[u8], mode: Mode) -> io::Result<()> {
    let mut new = PendingFile::begin(&follow_links(path)?)?;
    new.fill(bytes, mode)?;
    new.commit()
}

/// Has `use_it` look at a text in a file beside another one, which is gone afterwards.
///
/// # Errors
/// What the system says.
pub(crate) fn with_temporary<T>(
    beside: &Path,
    bytes: &[u8],
    use_it: impl FnOnce(&Path) -> T,
) -> io::Result<T> {
    let mut temporary = PendingFile::begin(beside)?;
    temporary.fill(bytes, Mode::PRIVATE)?;
    Ok(use_it(temporary.path()))
}

/// Where a path leads once all links at its end are followed: a file, or a name that is free.
///
/// # Errors
/// If there are too many links, or one cannot be read.
pub(crate) fn follow_links(path: &Path) -> io::Result<PathBuf> {
    const MOST: usize = 40;
    let mut path = path.to_owned();
    for _ in 0..MOST {
        match fs::read_link(&path) {
            Ok(target) => {
                let folder = path.parent().unwrap_or(Path::new(""));
                path = folder.join(target);
            }
            // InvalidInput: it is no link. Whatever else is wrong is reported when it is opened.
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::other("too many symbolic links"))
}

/// The new content beside the file that it will replace; removed unless it is committed.
#[derive(Debug)]
pub(crate) struct PendingFile {
    file: File,
    target: PathBuf,
    temporary: PathBuf,
    is_committed: bool,
}

impl PendingFile {
    /// Creates a temporary file for `target`, which is not a link (see [`follow_links`]).
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn begin(target: &Path) -> io::Result<Self> {
        let mut name = std::ffi::OsString::from(".");
        name.push(target.file_name().unwrap_or_default());
        name.push(format!(".{:016x}.new", random()?));
        Self::begin_as(target, target.with_file_name(name))
    }

    /// Creates a temporary file of this name, in the folder of `target`.
    ///
    /// # Errors
    /// What the system says; [`ErrorKind::AlreadyExists`] if the name is taken, by a link too.
    pub(crate) fn begin_as(target: &Path, temporary: PathBuf) -> io::Result<Self> {
        let file = platform::create_private(&temporary)?;
        Ok(Self {
            file,
            target: target.to_owned(),
            temporary,
            is_committed: false,
        })
    }

    /// The temporary file.
    pub(crate) fn path(&self) -> &Path {
        &self.temporary
    }

    /// Writes the content, sets the mode, and waits until the disk has it.
    ///
    /// # Errors
    /// What the system says, or that the old file is read-only.
    pub(crate) fn fill(&mut self, bytes: &[u8], mode: Mode) -> io::Result<()> {
        self.fill_unsynced(bytes, mode)?;
        self.file.sync_all()
    }

    /// As [`Self::fill`], without waiting for the disk: a crash of the system may leave an empty file.
    ///
    /// # Errors
    /// As [`Self::fill`].
    pub(crate) fn fill_unsynced(&mut self, bytes: &[u8], mode: Mode) -> io::Result<()> {
        let old = match mode {
            Mode::Exact(_) => None,
            Mode::KeepOr(_) => old_file(&self.target)?,
        };
        self.file.write_all(bytes)?;
        match (old, mode) {
            (Some(old), _) => platform::keep(&self.file, &old)?,
            (None, Mode::Exact(mode) | Mode::KeepOr(mode)) => {
                platform::set_mode(&self.file, mode)?;
            }
        }
        Ok(())
    }

    /// True if the temporary name is still this file's: another process that uses the same name, and
    /// no lock, may have put a file of its own there.
    pub(crate) fn has_its_name(&self) -> bool {
        let named = fs::symlink_metadata(&self.temporary);
        named.is_ok_and(|named| platform::is_same(&self.file, &named))
    }

    /// Leaves the temporary name to the process that has it now.
    pub(crate) fn abandon(mut self) {
        self.is_committed = true;
    }

    /// Takes the place of the target, durably where the file system can sync a folder.
    ///
    /// # Errors
    /// What the system says; then the old content stands.
    pub(crate) fn commit(self) -> io::Result<()> {
        let target = self.target.clone();
        self.commit_unsynced()?;
        let _ = sync_folder_of(&target);
        Ok(())
    }

    /// As [`Self::commit`], without waiting for the disk.
    ///
    /// # Errors
    /// As [`Self::commit`].
    pub(crate) fn commit_unsynced(mut self) -> io::Result<()> {
        fs::rename(&self.temporary, &self.target)?;
        self.is_committed = true;
        Ok(())
    }
}

impl Drop for PendingFile {
    fn drop(&mut self) {
        if !self.is_committed {
            // Best effort; this also frees a full disk of a half-written file.
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

/// What is to be replaced, if there is something; it must be writable.
fn old_file(target: &Path) -> io::Result<Option<fs::Metadata>> {
    let metadata = match fs::metadata(target) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if metadata.permissions().readonly() || !platform::may_write(target) {
        return Err(io::Error::new(
            ErrorKind::PermissionDenied,
            "it is read-only",
        ));
    }
    Ok(Some(metadata))
}

fn random() -> io::Result<u64> {
    let mut bytes = [0; 8];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| io::Error::other("the system gives no random numbers"))?;
    Ok(u64::from_le_bytes(bytes))
}

/// Waits until the disk knows the names in the folder of this file.
///
/// # Errors
/// What the system says.
pub(crate) fn sync_folder_of(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) => platform::sync_folder(folder),
        None => Ok(()),
    }
}

#[cfg(unix)]
mod platform {
    use std::fs::{Metadata, Permissions};
    use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};

    use rustix::fs::{Access, Gid, Mode, OFlags, Uid, fchown};

    use super::{File, OpenOptions, Path, io};

    pub(super) fn create_private(path: &Path) -> io::Result<File> {
        OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
    }

    pub(super) fn is_same(file: &File, named: &Metadata) -> bool {
        let open = file.metadata();
        open.is_ok_and(|open| open.dev() == named.dev() && open.ino() == named.ino())
    }

    pub(super) fn set_mode(file: &File, mode: u32) -> io::Result<()> {
        file.set_permissions(Permissions::from_mode(mode))
    }

    /// A group that cannot be kept passes on no rights to the group that the new file has instead.
    pub(super) fn keep(file: &File, old: &Metadata) -> io::Result<()> {
        let new = file.metadata()?;
        let is_same_owner = new.uid() == old.uid() && new.gid() == old.gid();
        let (owner, group) = (Uid::from_raw(old.uid()), Gid::from_raw(old.gid()));
        if !is_same_owner && fchown(file, Some(owner), Some(group)).is_err() {
            let _ = fchown(file, None, Some(group));
        }
        let mode = old.mode() & 0o7777;
        let keeps_group = file.metadata()?.gid() == old.gid();
        let others_as_group = (mode & 0o007) << 3;
        set_mode(
            file,
            if keeps_group {
                mode
            } else {
                mode & (0o7707 | others_as_group)
            },
        )
    }

    pub(super) fn may_write(path: &Path) -> bool {
        rustix::fs::access(path, Access::WRITE_OK).is_ok()
    }

    /// The umask can only be read by setting it; what another thread creates meanwhile is private.
    #[allow(clippy::useless_conversion, reason = "a mode is a u16 on macOS")]
    pub(super) fn usual_mode() -> u32 {
        let umask = rustix::process::umask(Mode::RWXG | Mode::RWXO);
        rustix::process::umask(umask);
        0o666 & !u32::from(umask.bits())
    }

    pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
        // A bare file name has an empty parent.
        let folder = if folder.as_os_str().is_empty() {
            Path::new(".")
        } else {
            folder
        };
        // Something else in its place is not waited for.
        let only_a_folder = (OFlags::DIRECTORY | OFlags::NONBLOCK).bits();
        OpenOptions::new()
            .read(true)
            .custom_flags(only_a_folder.cast_signed())
            .open(folder)?
            .sync_all()
    }
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "on Unix each of these can fail")]
mod platform {
    use std::fs::Metadata;

    use super::{File, OpenOptions, Path, io};

    pub(super) fn create_private(path: &Path) -> io::Result<File> {
        OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(path)
    }

    /// A file that is open cannot be replaced there.
    pub(super) fn is_same(_: &File, _: &Metadata) -> bool {
        true
    }

    pub(super) fn set_mode(_: &File, _: u32) -> io::Result<()> {
        Ok(())
    }

    pub(super) fn keep(file: &File, old: &Metadata) -> io::Result<()> {
        file.set_permissions(old.permissions())
    }

    pub(super) fn may_write(_: &Path) -> bool {
        true
    }

    pub(super) fn usual_mode() -> u32 {
        0o644
    }

    /// A folder cannot be synced there; the rename itself is journalled.
    pub(super) fn sync_folder(_: &Path) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(all(test, unix))]
mod tests;
