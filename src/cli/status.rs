//! The arguments of `status`.

use clap::Args;

use crate::commands::Subcommand;
use crate::commands::Target;
use crate::config::Flags;
use crate::session::Session;

/// Arguments of `status`.
#[derive(Debug, Args)]
pub struct Status {
    #[command(flatten)]
    target: Target,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Exit with the code that using the token would have
    #[arg(long)]
    check: bool,
}

impl Status {
    /// True if the flags name or describe one App.
    pub fn names_an_app(&self) -> bool {
        let Flags {
            app,
            client_id,
            host,
            store: _,
            account: _,
            config_dir: _,
        } = self.target.flags();
        app.is_some() || client_id.is_some() || host.is_some()
    }

    /// How to print.
    pub fn wants_json(&self) -> bool {
        self.json
    }

    /// Whether the exit code tells.
    pub fn checks(&self) -> bool {
        self.check
    }

    pub(super) fn flags(&self) -> Flags {
        self.target.flags()
    }
}

impl Subcommand for Status {
    fn flags(&self) -> Flags {
        Self::flags(self)
    }

    fn wants_json(&self) -> bool {
        Self::wants_json(self)
    }

    fn run(&self, session: &Session<'_>) -> crate::error::Result<u8> {
        session.status(self)
    }
}
