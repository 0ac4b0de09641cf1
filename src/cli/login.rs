//! The arguments of `login`.

use clap::Args;

use super::Target;
use crate::commands::login;
use crate::config::Flags;

/// Arguments of `login`.
#[derive(Debug, Args)]
pub struct Login {
    #[command(flatten)]
    target: Target,
    /// Sign in anew even if a good sign-in is there
    #[arg(long)]
    force: bool,
    /// Never offer to open a browser
    #[arg(long)]
    no_browser: bool,
    /// Print events as JSON, one a line, on standard output; errors as JSON on standard error
    #[arg(long)]
    json: bool,
}

impl Login {
    /// The command's input, but for what the configuration adds.
    pub fn input(&self) -> login::Input {
        login::Input {
            present: if self.force {
                login::Present::Replace
            } else {
                login::Present::Keep
            },
            output: if self.json {
                login::Output::Events
            } else {
                login::Output::Person
            },
            unwritten: None,
        }
    }

    pub(super) fn wants_json(&self) -> bool {
        self.json
    }

    pub(super) fn flags(&self) -> Flags {
        self.target.flags()
    }
}
