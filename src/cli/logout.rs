//! The arguments of `logout`.

use clap::Args;

use super::{Scope, Target};
use crate::commands::logout;
use crate::config::Flags;

/// Arguments of `logout`.
#[derive(Debug, Args)]
pub struct Logout {
    #[command(flatten)]
    target: Target,
    /// Every configured App
    #[arg(long, conflicts_with_all = ["named", "app", "client_id"])]
    all: bool,
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

    /// Which Apps.
    pub fn scope(&self) -> Scope {
        if self.all { Scope::All } else { Scope::One }
    }

    pub(super) fn wants_json(&self) -> bool {
        self.json
    }

    pub(super) fn flags(&self) -> Flags {
        self.target.flags()
    }
}
