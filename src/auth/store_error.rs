//! Why a record could not be read or written.

use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

/// Why an operation of a store failed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StoreError {
    /// It is locked; its content is unknown.
    #[error("locked")]
    Locked,
    /// It is unlocked, but a person must confirm each program's access to the record.
    #[error("locked until somebody confirms the access")]
    ConfirmsAccess,
    /// It cannot be reached.
    #[error("cannot be reached: {0}")]
    Unreachable(String),
    /// It does not exist: no bus, no service on it, or no collection for a record.
    #[error("is not there: {0}")]
    Absent(String),
    /// It did not answer in time.
    #[error("did not answer within {} s", .0.as_secs())]
    TimedOut(Duration),
    /// It failed in another process, with this message.
    #[error("{0}")]
    Failed(String),
    /// The stored record is damaged.
    #[error("damaged: {0}")]
    Damaged(String),
    /// The record was written by a later ghtok, in this format.
    #[error("written in format {0}")]
    Newer(u64),
    /// A file or folder could not be used.
    #[error("cannot {doing} {}: {cause}", path.display())]
    File {
        /// What was tried.
        doing: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// Why it failed.
        cause: String,
    },
    /// A file or folder cannot be written by this process: a read-only file system, as in a sandbox, or
    /// its permissions.
    #[error("cannot write {}: {cause}", path.display())]
    ReadOnly {
        /// Which file or folder.
        path: PathBuf,
        /// The system's reason.
        cause: String,
    },
    /// This process has reached one of its limits, with this message.
    #[error("{0}")]
    Limit(String),
    /// Others can read or write a private file, so its content is not trusted.
    #[error("other users may read or write {} (mode {mode:04o}); chmod 600 it if you trust its content", path.display())]
    Exposed {
        /// Which file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
}
