//! One file or folder per subcommand, named like it: its flags, its help and what it does.
//!
//! A subcommand gets a `Session`. It names no store and no process of its own, and never another
//! subcommand.

#![expect(clippy::doc_markdown, reason = "help texts are shown as they stand")]

pub(crate) mod exec;
pub(crate) mod get;
pub(crate) mod git_credential;
pub(crate) mod headers;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod mcp;
pub(crate) mod refresh;
pub(crate) mod refresher;
pub(crate) mod schedule;
pub(crate) mod setup;
pub(crate) mod status;
mod target;

pub(crate) use self::target::{Described, Target};
use crate::config::Flags;
use crate::error::{Error, Result};
use crate::session::Session;

/// What each subcommand has; the struct that implements it holds its flags.
pub(crate) trait Subcommand {
    /// What the command line says of the App and its store.
    fn flags(&self) -> Flags;

    /// Whether errors are printed as JSON.
    fn wants_json(&self) -> bool {
        false
    }

    /// Does the work; returns the exit code.
    ///
    /// # Errors
    /// What is told at the end, with its exit code.
    fn run(&self, session: &Session<'_>) -> Result<u8>;

    /// The exit code for an error.
    fn exit_code(&self, error: &Error) -> u8 {
        error.exit_code()
    }
}
