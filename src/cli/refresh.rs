//! The arguments of `refresh`.

use clap::Args;

use super::{Scope, Target};
use crate::commands::refresh;
use crate::config::Flags;

/// Arguments of `refresh`.
#[derive(Debug, Args)]
pub struct Refresh {
    #[command(flatten)]
    target: Target,
    /// Every configured App
    #[arg(long, conflicts_with_all = ["named", "app", "client_id"])]
    all: bool,
    /// Refresh now: this kills the present token for everybody who holds it
    #[arg(long)]
    force: bool,
    /// Print JSON, an object for each App
    #[arg(long)]
    json: bool,
}

impl Refresh {
    /// The command's input.
    pub fn input(&self) -> refresh::Input {
        refresh::Input {
            when: if self.force {
                refresh::When::Now
            } else {
                refresh::When::Due
            },
            output: if self.json {
                refresh::Output::Json
            } else {
                refresh::Output::Text
            },
        }
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
