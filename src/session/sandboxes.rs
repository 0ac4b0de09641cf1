//! The notes and the log of sandboxes, for the subcommands and the server.

use std::path::{Path, PathBuf};

use super::Session;
use super::stores::file_error;
use crate::app::App;
use crate::auth::ports::StoreError;
use crate::error::{Error, Result};
pub(crate) use crate::store::sandbox_log::{LogEntry, LogPeer};
pub(crate) use crate::store::sandboxes::{HeldSandbox, SandboxNote};
use crate::store::{sandbox_log, sandboxes, state_file};

impl Session<'_> {
    /// Holds the name of a sandbox; `None` if one with this name runs.
    pub(crate) fn hold_sandbox(&self, name: &str) -> Result<Option<HeldSandbox>> {
        sandboxes::hold(&self.stores.folder, name).map_err(|error| self.sandbox_error(error))
    }

    /// Writes the note of a sandbox.
    pub(crate) fn note_sandbox(&self, held: &HeldSandbox, note: &SandboxNote) -> Result<()> {
        held.note(note).map_err(|error| self.sandbox_error(error))
    }

    /// The sandboxes that run, and those whose processes were killed.
    pub(crate) fn sandboxes(&self) -> Result<Vec<SandboxNote>> {
        sandboxes::all(&self.stores.folder).map_err(|error| self.sandbox_error(error))
    }

    /// Whether the process of a sandbox runs.
    pub(crate) fn sandbox_is_running(&self, name: &str) -> bool {
        sandboxes::is_running(&self.stores.folder, name)
    }

    /// Whether a sandbox has scoped tokens that are not revoked; true where that cannot be found out.
    pub(crate) fn has_tokens_of(&self, note: &SandboxNote) -> bool {
        let Some(app) = note.app() else {
            return false;
        };
        let name = Some(note.status.name.as_str());
        self.with_call(&app, |call| {
            let list = call.scoped_tokens()?;
            let mut entries = list.entries.iter();
            Ok(entries.any(|entry| entry.used.holder.as_deref() == name))
        })
        .unwrap_or(true)
    }

    /// Removes the note of a sandbox, which then gets nothing any more.
    pub(crate) fn forget_sandbox(&self, name: &str) -> Result<()> {
        sandboxes::remove(&self.stores.folder, name).map_err(|error| self.sandbox_error(error))
    }

    /// Where the socket of a sandbox is, in a folder that is made: `$XDG_RUNTIME_DIR/ghtok`, or `run` in the state
    /// folder where that folder is not ours.
    pub(crate) fn sandbox_socket(&self, name: &str) -> Result<PathBuf> {
        let runtime = self.config.runtime_dir.as_deref();
        let folder = match runtime.filter(|folder| is_own_folder(folder)) {
            Some(folder) => folder.join("ghtok"),
            None => {
                let folder = &self.stores.folder;
                folder.create().map_err(|error| self.sandbox_error(error))?;
                folder.path().join("run")
            }
        };
        state_file::create_folder(&folder).map_err(|error| self.sandbox_error(error))?;
        Ok(folder.join(format!("{name}.sock")))
    }

    /// Writes a line of the sandboxes' log.
    pub(crate) fn log_sandbox(&self, entry: &LogEntry<'_>) -> Result<()> {
        sandbox_log::append(&self.stores.folder, entry).map_err(|error| self.sandbox_error(error))
    }

    /// The lines of the log, of this sandbox or of all.
    pub(crate) fn sandbox_log(&self, name: Option<&str>) -> Result<Vec<String>> {
        sandbox_log::lines(&self.stores.folder, name).map_err(|error| self.sandbox_error(error))
    }

    fn sandbox_error(&self, error: StoreError) -> Error {
        file_error(error, self.stores.folder.path())
    }
}

fn is_own_folder(folder: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let own_user = rustix::process::geteuid().as_raw();
    let metadata = std::fs::metadata(folder);
    folder.is_absolute() && metadata.is_ok_and(|it| it.is_dir() && it.uid() == own_user)
}

impl SandboxNote {
    /// Its App, by the name of the record alone.
    pub(crate) fn app(&self) -> Option<App> {
        App::of_file_name(&self.record)
    }
}
