//! One file or folder per subcommand, with the same name: its flags, its help and its code.
//!
//! A subcommand works with a `Session`. It never imports another subcommand.

#![expect(clippy::doc_markdown, reason = "help texts are shown as they stand")]

pub(crate) mod app;
pub(crate) mod completions;
pub(crate) mod docs;
pub(crate) mod doctor;
pub(crate) mod exec;
pub(crate) mod get;
pub(crate) mod git_credential;
pub(crate) mod headers;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod man;
pub(crate) mod mcp;
mod new_app;
#[cfg(not(unix))]
pub(crate) mod no_sandbox;
pub(crate) mod refresh;
pub(crate) mod refresher;
pub(crate) mod reject;
#[cfg(unix)]
pub(crate) mod sandbox;
pub(crate) mod schedule;
mod scope;
mod separator;
pub(crate) mod setup;
mod sign_in;
pub(crate) mod status;
mod target;

pub(crate) use self::new_app::{NewApp, NewAppFlags};
pub(crate) use self::scope::ScopeFlags;
pub use self::separator::Unseparated;
pub(crate) use self::separator::separated;
pub(crate) use self::sign_in::{BrowserOffer, PageFlags, RegisteredApp, SignInOptions, SignInRun};
pub(crate) use self::target::{Described, Target};
use crate::config::Flags;
use crate::error::{Error, Result};
use crate::sandbox::client::SandboxClient;
use crate::session::Session;

/// A subcommand. The struct that implements it holds its flags.
pub(crate) trait Subcommand {
    /// The flags that select the App and its store.
    fn flags(&self) -> Flags;

    /// Whether errors are printed as JSON.
    fn wants_json(&self) -> bool {
        false
    }

    /// Runs the subcommand and returns the exit code.
    ///
    /// # Errors
    /// The caller prints the error and takes the exit code from [`Self::exit_code`].
    fn run(&self, session: &Session<'_>) -> Result<u8>;

    /// Runs the subcommand in a sandbox, which has no configuration and no sign-in.
    ///
    /// # Errors
    /// As [`Self::run`]; without an implementation, that the subcommand belongs to the host.
    fn run_in_sandbox(&self, sandbox: &SandboxClient<'_>) -> Result<u8> {
        Err(sandbox.host_only())
    }

    /// The exit code for an error.
    fn exit_code(&self, error: &Error) -> u8 {
        error.exit_code()
    }
}
