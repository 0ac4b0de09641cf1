//! The arguments of `login`.

use clap::Args;

use crate::commands::Subcommand;
use crate::commands::Target;
use crate::commands::login;
use crate::config::Flags;
use crate::session::Session;

/// Arguments of `login`.
#[derive(Debug, Args)]
pub struct Login {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    replace: Replace,
    /// Do not add a new App to config.toml
    #[arg(long)]
    no_save: bool,
    #[command(flatten)]
    aids: Aids,
    /// Print events as JSON, one per line; errors are JSON on stderr
    #[arg(long)]
    json: bool,
}

/// Which stored sign-in may be replaced.
#[derive(Debug, Args)]
struct Replace {
    /// Sign in again even if the stored sign-in is valid
    #[arg(long)]
    force: bool,
    /// Allow another account to replace the one that is signed in
    #[arg(long)]
    switch_account: bool,
}

/// What may be done with the page and the code; a program that reads events does it itself.
#[derive(Debug, Args)]
struct Aids {
    /// Never offer to open a browser [env: GHTOK_BROWSER, BROWSER]
    #[arg(long)]
    no_browser: bool,
    /// Copy the code to the clipboard; not with --json
    #[arg(long)]
    copy: bool,
    /// Show the page's address as a QR code; not with --json
    #[arg(long)]
    qr: bool,
}

impl Login {
    /// The command's input.
    pub fn input(&self) -> login::Input {
        login::Input {
            present: if self.replace.force {
                login::Present::Replace
            } else {
                login::Present::Keep
            },
            output: if self.json {
                login::Output::Events
            } else {
                login::Output::Person
            },
            aids: login::Aids {
                browser: !self.aids.no_browser,
                clipboard: self.aids.copy,
                qr: self.aids.qr,
            },
            switch: if self.replace.switch_account {
                login::Switch::Allowed
            } else {
                login::Switch::Ask
            },
            elsewhere: None,
        }
    }

    /// Whether an App that is not configured is written down.
    pub fn saves_app(&self) -> bool {
        !self.no_save
    }

    pub(super) fn wants_json(&self) -> bool {
        self.json
    }

    pub(super) fn flags(&self) -> Flags {
        self.target.flags()
    }
}

impl Subcommand for Login {
    fn flags(&self) -> Flags {
        Self::flags(self)
    }

    fn wants_json(&self) -> bool {
        Self::wants_json(self)
    }

    fn run(&self, session: &Session<'_>) -> crate::error::Result<u8> {
        session.log_in(self)
    }
}
