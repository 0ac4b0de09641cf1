//! The arguments of `logout`.

use clap::Args;

use crate::commands::Subcommand;
use crate::commands::Target;
use crate::commands::logout;
use crate::config::Flags;
use crate::session::Session;

/// Arguments of `logout`.
#[derive(Debug, Args)]
pub struct Logout {
    #[command(flatten)]
    target: Target,
    /// Every stored sign-in, of configured Apps and others; with --store, those in it
    #[arg(long, conflicts_with_all = ["named", "app", "client_id"])]
    all: bool,
    /// The record of this account, or with '' of none: for one that no configured App uses any more
    #[arg(long, value_name = "LOGIN", requires = "client_id")]
    account: Option<String>,
    /// Have GitHub revoke both tokens first; it mails their owner
    #[arg(long)]
    revoke: bool,
    /// Print errors as JSON
    #[arg(long)]
    json: bool,
}

impl Logout {
    /// The command's input.
    pub fn input(&self) -> logout::Input {
        let scope = if self.revoke {
            logout::Scope::AlsoAtGitHub
        } else {
            logout::Scope::Here
        };
        logout::Input { scope }
    }

    /// The account that a record is named after, for a record that is named whole.
    pub fn account(&self) -> Option<&str> {
        self.account.as_deref()
    }

    /// Every stored sign-in.
    pub fn all(&self) -> bool {
        self.all
    }

    pub(crate) fn wants_json(&self) -> bool {
        self.json
    }

    pub(super) fn flags(&self) -> Flags {
        self.target.flags()
    }
}

impl Subcommand for Logout {
    fn flags(&self) -> Flags {
        Self::flags(self)
    }

    fn wants_json(&self) -> bool {
        Self::wants_json(self)
    }

    fn run(&self, session: &Session<'_>) -> crate::error::Result<u8> {
        session.log_out(self)
    }
}
