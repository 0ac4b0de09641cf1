//! Notes about the sandboxes of this account, each beside a lock that its process holds. A note without secrets
//! says what the sandbox may have; where it is removed, the sandbox gets nothing any more.

use serde::{Deserialize, Serialize};

use crate::auth::ports::StoreError;
use crate::formats::sandbox_protocol::SandboxStatus;
use crate::store::lock::Lock;
use crate::store::state_file;
use crate::store::state_folder::StateFolder;

const VERSION: u64 = 1;

/// A sandbox, as its process noted it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SandboxNote {
    v: u64,
    /// The name of its App's record.
    pub(crate) record: String,
    /// What it may have.
    pub(crate) status: SandboxStatus,
    /// The path of its socket.
    pub(crate) socket: String,
    /// The process that serves it.
    pub(crate) process: u32,
    /// Seconds since 1970.
    pub(crate) started_at: i64,
}

/// A sandbox's name, held by the process that serves it.
pub(crate) struct HeldSandbox {
    folder: StateFolder,
    name: String,
    _lock: Lock,
}

/// Holds the name of a sandbox; `None` if another process has it.
///
/// # Errors
/// If the state folder cannot be used.
pub(crate) fn hold(folder: &StateFolder, name: &str) -> Result<Option<HeldSandbox>, StoreError> {
    folder.create()?;
    state_file::create_folder(&folder.sandboxes())?;
    let lock = Lock::try_take(&folder.sandbox_lock(name))?;
    Ok(lock.map(|lock| HeldSandbox {
        folder: folder.clone(),
        name: name.to_owned(),
        _lock: lock,
    }))
}

/// All notes, those of killed processes too, sorted by name. A note that cannot be read is left out.
///
/// # Errors
/// If the folder cannot be read.
pub(crate) fn all(folder: &StateFolder) -> Result<Vec<SandboxNote>, StoreError> {
    let names = state_file::names_in(&folder.sandboxes())?;
    let names = names.iter().filter_map(|name| name.strip_suffix(".json"));
    let mut notes: Vec<SandboxNote> = names.filter_map(|name| read(folder, name)).collect();
    notes.sort_by(|a, b| a.status.name.cmp(&b.status.name));
    Ok(notes)
}

/// The note of this sandbox.
pub(crate) fn read(folder: &StateFolder, name: &str) -> Option<SandboxNote> {
    let bytes = state_file::read(&folder.sandbox_note(name)).ok()??;
    let note: SandboxNote = serde_json::from_slice(&bytes).ok()?;
    (note.v == VERSION && note.status.name == name).then_some(note)
}

/// Whether its process runs.
pub(crate) fn is_running(folder: &StateFolder, name: &str) -> bool {
    Lock::is_held(&folder.sandbox_lock(name))
}

/// Removes the note, if there is one.
///
/// # Errors
/// If it stays.
pub(crate) fn remove(folder: &StateFolder, name: &str) -> Result<(), StoreError> {
    state_file::remove(&folder.sandbox_note(name))
}

impl SandboxNote {
    /// A note of this process.
    pub(crate) fn new(
        record: String,
        status: SandboxStatus,
        socket: String,
        started_at: i64,
    ) -> Self {
        Self {
            v: VERSION,
            record,
            status,
            socket,
            process: std::process::id(),
            started_at,
        }
    }
}

impl HeldSandbox {
    /// Writes the note.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn note(&self, note: &SandboxNote) -> Result<(), StoreError> {
        let bytes = serde_json::to_vec(note).expect("plain structs become JSON");
        state_file::replace(&self.folder.sandbox_note(&self.name), &bytes)
    }

    /// Whether somebody removed the note: the sandbox is to end.
    pub(crate) fn is_revoked(&self) -> bool {
        !self.folder.sandbox_note(&self.name).exists()
    }

    /// Removes the note.
    pub(crate) fn end(&self) {
        // One that stays is shown as ended.
        let _ = remove(&self.folder, &self.name);
    }
}
