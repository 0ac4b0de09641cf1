//! The file store: one private file per record, in plain text. Used only if it was chosen by name.

use std::path::PathBuf;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::app::{App, ItemKind, RecordKey};
use crate::auth::ports::StoreError;
use crate::permits::UnlockPermit;
use crate::store::state_folder::StateFolder;
use crate::store::{Listing, Slot, state_file};

/// The place of one record in the `records` folder.
#[derive(Debug)]
pub struct FileSlot {
    folder: StateFolder,
    path: PathBuf,
}

impl FileSlot {
    /// Does no I/O.
    pub fn new(folder: &StateFolder, key: &RecordKey) -> Self {
        Self {
            folder: folder.clone(),
            path: folder.items(key.kind()).join(key.file_name()),
        }
    }

    fn make_folders(&self) -> Result<(), StoreError> {
        self.folder.create()?;
        match self.path.parent() {
            Some(items) => state_file::create_folder(items),
            None => Ok(()),
        }
    }
}

/// Whose items of this kind are in the folder; also where only a killed writer's file is left of one.
///
/// # Errors
/// If the folder cannot be read.
pub(crate) fn list(folder: &StateFolder, kind: ItemKind) -> Result<Listing, StoreError> {
    let names = state_file::names_in(&folder.items(kind))?;
    let mut apps: Vec<App> = names
        .iter()
        .map(|name| name.strip_suffix(state_file::NEW).unwrap_or(name))
        .filter_map(App::of_file_name)
        .collect();
    apps.sort_by_key(App::key);
    apps.dedup();
    Ok(Listing { apps, unseen: None })
}

impl Slot for FileSlot {
    fn read(&self) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        state_file::read(&self.path)
    }

    fn write(&self, bytes: &[u8]) -> Result<(), StoreError> {
        self.make_folders()?;
        state_file::replace(&self.path, bytes)
    }

    fn delete(&self) -> Result<(), StoreError> {
        state_file::remove(&self.path)
    }

    /// Files have no lock of this kind.
    fn unlock(&self, _: &UnlockPermit, _: Duration) -> Result<(), StoreError> {
        Ok(())
    }

    fn prove_writable(&self) -> Result<(), StoreError> {
        self.make_folders()?;
        state_file::prove_replaceable(&self.path)
    }

    fn name(&self) -> &'static str {
        "file"
    }

    fn describe(&self) -> String {
        self.path.display().to_string()
    }
}
