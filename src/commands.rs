//! One file per subcommand, named like it. A command takes its own input and a `Call`; it never
//! names an adapter, never reads the environment, and never calls another command.

pub mod exec;
pub mod get;
pub mod git_credential;
pub mod headers;
pub mod login;
pub mod logout;
pub mod refresh;
pub mod refresher;
pub mod schedule;
pub mod setup_git;
pub mod setup_mcp;
pub mod status;

use crate::app::App;
use crate::auth::broker::{Broker, store_error};
use crate::auth::ports::{Clock, LockedStore, StoreError, TokenStore};
use crate::error::{Error, Result};
use crate::github::GitHub;
use crate::limits::Limits;
use crate::system::terminal::Terminal;

/// What every command works with: the App of this call, and the machine around it.
pub struct Call<'a> {
    /// The App.
    pub app: &'a App,
    /// The command that signs in to it.
    pub login_command: &'a str,
    /// Where its record is.
    pub store: &'a dyn TokenStore,
    /// The way to its token.
    pub broker: Broker<'a>,
    /// Where it is registered.
    pub github: &'a GitHub,
    /// Time.
    pub clock: &'a dyn Clock,
    /// The standard streams.
    pub terminal: Terminal,
    /// Every wait's limit.
    pub limits: Limits,
}

impl Call<'_> {
    /// Takes the record's lock, waiting for another ghtok as long as any caller does.
    pub(crate) fn lock(&self) -> Result<Box<dyn LockedStore + '_>> {
        let deadline = self.clock.monotonic() + self.limits.caller;
        loop {
            if let Some(locked) = self
                .store
                .try_lock()
                .map_err(|error| self.store_error(error))?
            {
                return Ok(locked);
            }
            if self.clock.monotonic() >= deadline {
                return Err(Error::GaveUpWaiting {
                    app: self.app.label().to_owned(),
                    waited: self.limits.caller,
                });
            }
            self.clock.sleep(std::time::Duration::from_millis(20));
        }
    }

    pub(crate) fn store_error(&self, error: StoreError) -> Error {
        store_error(error, self.app, self.login_command, self.store)
    }
}
