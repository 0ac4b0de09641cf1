//! Why a record could not be read or written.

use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

/// Why a store did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StoreError {
    /// It is there and asks to be unlocked first; nothing is known about what it holds.
    #[error("locked")]
    Locked,
    /// It is open, and shows the record to each program only after a person has confirmed that.
    #[error("locked until somebody confirms the access")]
    ConfirmsAccess,
    /// It cannot be reached.
    #[error("cannot be reached: {0}")]
    Unreachable(String),
    /// There is none: no bus, no service on it, or nothing in that which could keep a record.
    #[error("is not there: {0}")]
    Absent(String),
    /// It did not answer in time.
    #[error("did not answer within {} s", .0.as_secs())]
    TimedOut(Duration),
    /// It failed in another process, in these words.
    #[error("{0}")]
    Failed(String),
    /// What it holds for us cannot be read back.
    #[error("damaged: {0}")]
    Damaged(String),
    /// What it holds was written by a later ghtok, in this format.
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
    /// This process has reached one of its limits, in these words.
    #[error("{0}")]
    Limit(String),
    /// A private file is open to others, so that nobody knows who wrote it, or has read it.
    #[error("other users may read or write {} (mode {mode:04o}); chmod 600 it if you trust its content", path.display())]
    Exposed {
        /// Which file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
}
