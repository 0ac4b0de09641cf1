//! The arguments of `mcp`, and of the hidden process that guards its servers.

use std::ffi::OsString;
use std::time::Duration;

use clap::Args;

use crate::commands::Subcommand;
use crate::commands::Target;
use crate::config::Flags;
use crate::formats::durations::parse_duration;
use crate::mcp::conversation::{Asking, Restarts};
use crate::session::Session;

/// Arguments of `mcp`.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct Mcp {
    #[command(flatten)]
    target: Target,
    /// Put the token into this variable; repeatable [default: GITHUB_PERSONAL_ACCESS_TOKEN]
    #[arg(long = "env", value_name = "NAME")]
    pub variables: Vec<String>,
    /// How long a tool call waits for a sign-in
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "15m")]
    pub wait: Duration,
    /// Never ask for a sign-in
    #[arg(long)]
    no_prompt: bool,
    /// Ask for a sign-in at the start, not at the first tool call
    #[arg(long, conflicts_with = "no_prompt")]
    eager: bool,
    /// Also open the sign-in page in the browser
    #[arg(long, conflicts_with = "no_prompt")]
    open: bool,
    /// Never replace a server that has a token, not even when the token is renewed
    #[arg(long)]
    no_restart: bool,
    /// How long running calls may delay replacing the server
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "30s")]
    pub max_drain: Duration,
    /// The server and its arguments
    #[arg(last = true, required = true, value_name = "CMD")]
    pub command: Vec<OsString>,
}

/// Whether a sign-in's page is opened in this machine's browser (P5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// It is, at each code (`--open`).
    Here,
    /// It is shown only.
    Never,
}

/// The hidden process takes no arguments: all it needs comes by its standard input.
#[derive(Debug, Args)]
pub struct McpGuard {}

impl Mcp {
    /// Whether a person may be asked.
    pub fn asking(&self) -> Asking {
        match (self.no_prompt, self.eager) {
            (true, _) => Asking::Never,
            (false, true) => Asking::AtOnce,
            (false, false) => Asking::WhileHolding,
        }
    }

    /// Whether a sign-in's page is opened here.
    pub fn opening(&self) -> Opening {
        if self.open {
            Opening::Here
        } else {
            Opening::Never
        }
    }

    /// Whether a server may be exchanged.
    pub fn restarts(&self) -> Restarts {
        if self.no_restart {
            Restarts::Never
        } else {
            Restarts::Allowed
        }
    }

    pub(super) fn flags(&self) -> Flags {
        self.target.flags()
    }
}

impl Subcommand for Mcp {
    fn flags(&self) -> Flags {
        Self::flags(self)
    }

    fn run(&self, session: &Session<'_>) -> crate::error::Result<u8> {
        session.mcp(self)
    }

    fn exit_code(&self, error: &crate::error::Error) -> u8 {
        error.wrapper_exit_code()
    }
}
