//! Files that only their user may read: opened without following links, checked by descriptor,
//! replaced whole and durably. Knows nothing of what is in them.

#[cfg(not(unix))]
mod other;
#[cfg(unix)]
mod unix;

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

#[cfg(not(unix))]
use self::other as platform;
#[cfg(unix)]
use self::unix as platform;
use crate::auth::ports::StoreError;
use crate::error::{is_limit, system_reason};
use crate::private_file::{Mode, PendingFile, sync_folder_of};
use platform::{check_owner, check_private, make_folders, open, set_private, set_private_folder};

/// No record, and no file that goes with one, comes near this size.
const LARGEST: u64 = 64 * 1024;

/// A note has a few hundred bytes for each App, and there may be thousands.
const LARGEST_NOTE: u64 = 64 * 1024 * 1024;

/// Turns an I/O error into words about a file.
pub(crate) fn failed(doing: &'static str, path: &Path, error: &io::Error) -> StoreError {
    let cause = system_reason(error);
    let denied = error.kind() == ErrorKind::PermissionDenied && !matches!(doing, "read" | "use");
    if denied || error.kind() == ErrorKind::ReadOnlyFilesystem {
        let path = path.to_owned();
        StoreError::ReadOnly { path, cause }
    } else if is_limit(error) {
        StoreError::Limit(format!("cannot {doing} {}: {cause}", path.display()))
    } else {
        refused(doing, path, &cause)
    }
}

pub(crate) fn refused(doing: &'static str, path: &Path, cause: &str) -> StoreError {
    StoreError::File {
        doing,
        path: path.to_owned(),
        cause: cause.to_owned(),
    }
}

/// Reads a private file whole; `None` if there is none.
///
/// # Errors
/// If it is not a regular file of ours, is open to others, or cannot be read; also if something
/// else stands where its folder should be.
pub(crate) fn read(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
    read_up_to(LARGEST, path)
}

/// As [`read`], for what [`note`] wrote.
///
/// # Errors
/// As [`read`].
pub(crate) fn read_note(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
    read_up_to(LARGEST_NOTE, path)
}

fn read_up_to(limit: u64, path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
    let mut options = OpenOptions::new();
    options.read(true);
    let file = match open(&options, path) {
        Ok(file) => file,
        Err(error) if is_absent(&error) => return check_folders(path).map(|()| None),
        Err(error) => return Err(failed("read", path, &error)),
    };
    let size = check(&file, path, "read")?;
    check_size(size, limit, path, "read")?;
    // Room for all of it at once: a buffer that grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(size).unwrap_or(0) + 1));
    file.take(limit)
        .read_to_end(&mut bytes)
        .map_err(|error| failed("read", path, &error))?;
    Ok(Some(bytes))
}

/// True if an error says that there is no such file: also below something that is no folder.
pub(crate) fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// Sees that a missing file is missing from a folder: where something else, or a link that leads
/// nowhere, stands in the folder's place, nobody can say what is kept. The folder's own folder is
/// looked at too, for the state folder may be the one; what is above it is the system's affair.
fn check_folders(path: &Path) -> Result<(), StoreError> {
    for folder in path.ancestors().skip(1).take(2) {
        if fs::symlink_metadata(folder).is_ok() && !folder.is_dir() {
            return Err(refused("use", folder, NO_FOLDER));
        }
    }
    Ok(())
}

const NO_FOLDER: &str = "it is not a folder";

/// Opens a private file for reading and writing, and makes it if need be. What is in it stays.
///
/// # Errors
/// If it cannot be had, or is not a regular file of ours.
pub(crate) fn open_or_create(path: &Path) -> Result<File, StoreError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    let file = open(&options, path).map_err(|error| failed("open", path, &error))?;
    let size = check(&file, path, "open")?;
    check_size(size, LARGEST, path, "open")?;
    set_private(&file).map_err(|error| failed("open", path, &error))?;
    Ok(file)
}

/// Opens a private file, and makes it if need be, so that each write goes to its end.
///
/// # Errors
/// If it cannot be had, or is not a regular file of ours.
#[cfg(unix)]
pub(crate) fn append_to(path: &Path) -> Result<File, StoreError> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    let file = open(&options, path).map_err(|error| failed("open", path, &error))?;
    check(&file, path, "open")?;
    set_private(&file).map_err(|error| failed("open", path, &error))?;
    Ok(file)
}

/// Makes a new private file in place of whatever has this name.
///
/// # Errors
/// If it cannot be made.
pub(crate) fn create(path: &Path) -> Result<File, StoreError> {
    clear(path)?;
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    let file = open(&options, path).map_err(|error| failed("create", path, &error))?;
    set_private(&file).map_err(|error| failed("create", path, &error))?;
    Ok(file)
}

fn clear(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(error) if !is_absent(&error) => Err(failed("replace", path, &error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Replaces a private file atomically. The lock allows one writer at a time, so the temporary file always
/// has the same name, and a kill leaves at most one. If the lock does not exclude others, a writer that
/// loses the name to another one starts over. A link is replaced itself, not its target.
///
/// # Errors
/// If any of that fails; the old content is kept then.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    replace_by(PendingFile::fill, path, bytes)?;
    sync_parent(path)
}

/// As [`replace`], without waiting for the disk: for what can be asked for again after a crash of the
/// system, which may leave an empty file.
///
/// # Errors
/// As [`replace`].
pub(crate) fn replace_unsynced(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    replace_by(PendingFile::fill_unsynced, path, bytes)
}

type Fill = fn(&mut PendingFile, &[u8], Mode) -> io::Result<()>;

fn replace_by(fill: Fill, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    const TRIES: u32 = 3;
    for _ in 0..TRIES {
        if replace_unless_disturbed(fill, path, bytes)? {
            return Ok(());
        }
    }
    Err(refused("replace", path, "another process is writing it"))
}

/// False if another writer took the name beside the file.
fn replace_unless_disturbed(fill: Fill, path: &Path, bytes: &[u8]) -> Result<bool, StoreError> {
    let beside = beside(path);
    clear(&beside)?;
    let mut new = match PendingFile::begin_as(path, beside.clone()) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(false),
        begun => begun.map_err(|error| failed("create", &beside, &error))?,
    };
    fill(&mut new, bytes, Mode::PRIVATE).map_err(|error| failed("write", &beside, &error))?;
    if !new.has_its_name() {
        new.abandon();
        return Ok(false);
    }
    match new.commit_unsynced() {
        Err(error) if is_absent(&error) => Ok(false),
        committed => committed
            .map(|()| true)
            .map_err(|error| failed("replace", path, &error)),
    }
}

/// Rewrites a private file in place and without waiting for the disk: for what is no loss if a
/// crash halves it.
///
/// # Errors
/// If it cannot be had or written.
pub(crate) fn note(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    // Whatever its size: all of it goes.
    let mut file = open(&options, path).map_err(|error| failed("open", path, &error))?;
    check(&file, path, "open")?;
    set_private(&file)
        .and_then(|()| file.set_len(0))
        .and_then(|()| file.write_all(bytes))
        .map_err(|error| failed("write", path, &error))
}

/// Checks that [`replace`] would have space and permission; leaves the file as it is.
///
/// # Errors
/// What `replace` would say.
pub(crate) fn prove_replaceable(path: &Path) -> Result<(), StoreError> {
    const MORE_THAN_ANY_RECORD: [u8; 4096] = [0; 4096];
    let beside = beside(path);
    let proof = create(&beside).and_then(|mut file| {
        file.write_all(&MORE_THAN_ANY_RECORD)
            .and_then(|()| file.sync_all())
            .map_err(|error| failed("write", &beside, &error))
    });
    let _ = fs::remove_file(&beside);
    proof
}

fn sync_parent(path: &Path) -> Result<(), StoreError> {
    sync_folder_of(path)
        .map_err(|error| failed("sync", path.parent().unwrap_or(Path::new("")), &error))
}

/// Removes a private file and what a killed writer left beside it.
///
/// # Errors
/// If it is there and stays.
pub(crate) fn remove(path: &Path) -> Result<(), StoreError> {
    check_folders(path)?;
    for path in [&beside(path), path] {
        match fs::remove_file(path) {
            Err(error) if !is_absent(&error) => return Err(failed("remove", path, &error)),
            Ok(()) | Err(_) => {}
        }
    }
    match sync_parent(path) {
        Err(_) if !path.parent().is_some_and(Path::exists) => Ok(()),
        result => result,
    }
}

/// Makes a folder for its user alone, with the folders above it, or checks that it is that.
///
/// # Errors
/// If it cannot be made, is no folder, or belongs to another user.
pub(crate) fn create_folder(path: &Path) -> Result<(), StoreError> {
    if fs::symlink_metadata(path).is_err() {
        if let Some(existing) = path.ancestors().find(|ancestor| ancestor.exists()) {
            check_owner(existing, "create a folder in", OtherOwner::Root)?;
        }
        make_folders(path).map_err(|error| failed("create", path, &error))?;
    }
    let metadata = fs::metadata(path).map_err(|error| {
        if is_absent(&error) {
            // It is a link that leads nowhere.
            refused("use", path, NO_FOLDER)
        } else {
            failed("use", path, &error)
        }
    })?;
    if !metadata.is_dir() {
        return Err(refused("use", path, NO_FOLDER));
    }
    check_owner(path, "use", OtherOwner::Nobody)?;
    set_private_folder(path, &metadata)
}

/// Who else than we may own a folder.
#[derive(Clone, Copy, PartialEq, Eq)]
enum OtherOwner {
    Nobody,
    /// A folder in a shared place, such as /tmp, may be ours below one of the system's.
    Root,
}

/// What the name of a file ends with while it is written.
pub(crate) const NEW: &str = ".new";

/// The names in a folder, as far as they are text; none where there is no such folder.
///
/// # Errors
/// If it is no folder, or cannot be read.
pub(crate) fn names_in(folder: &Path) -> Result<Vec<String>, StoreError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) if error.kind() == ErrorKind::NotADirectory => {
            return Err(refused("use", folder, NO_FOLDER));
        }
        Err(error) => return Err(failed("read", folder, &error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| failed("read", folder, &error))?;
        names.extend(entry.file_name().into_string());
    }
    Ok(names)
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(NEW);
    PathBuf::from(name)
}

const NO_FILE: &str = "it is not a regular file";
const A_FOLDER: &str = "it is a folder";

/// Checks an open file and gives its size.
fn check(file: &File, path: &Path, doing: &'static str) -> Result<u64, StoreError> {
    let metadata = file
        .metadata()
        .map_err(|error| failed(doing, path, &error))?;
    if !metadata.is_file() {
        let found = if metadata.is_dir() { A_FOLDER } else { NO_FILE };
        return Err(refused(doing, path, found));
    }
    check_private(&metadata, path, doing)?;
    Ok(metadata.len())
}

fn check_size(size: u64, limit: u64, path: &Path, doing: &'static str) -> Result<(), StoreError> {
    if size <= limit {
        Ok(())
    } else {
        Err(refused(doing, path, "it is too large"))
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_new_file_whose_name_another_writer_took_is_not_put_in_place() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("record");
        replace(&path, b"old").expect("written");
        let mut mine = PendingFile::begin_as(&path, beside(&path)).expect("begun");
        mine.fill(b"mine", Mode::PRIVATE).expect("filled");
        assert!(mine.has_its_name());
        let others = create(&beside(&path)).expect("another writer's");
        assert!(!mine.has_its_name());
        mine.abandon();
        assert!(beside(&path).exists(), "it stays with the other writer");
        drop(others);
        replace(&path, b"new").expect("written");
        let content = read(&path).expect("readable").expect("a file");
        assert_eq!(content.as_slice(), b"new");
        assert!(!beside(&path).exists());
    }
}
