//! `ghtok sandbox` on systems without its sockets.

use std::ffi::OsString;

use clap::Args;

use crate::commands::Subcommand;
use crate::config::Flags;
use crate::error::{Error, Result};
use crate::session::Session;

/// Give a sandbox tokens through a socket (not available on Windows)
#[derive(Debug, Args)]
#[command(hide = true)]
pub(crate) struct NoSandbox {
    #[arg(
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "ARGUMENTS"
    )]
    _arguments: Vec<OsString>,
}

impl Subcommand for NoSandbox {
    fn flags(&self) -> Flags {
        Flags::default()
    }

    fn run(&self, _: &Session<'_>) -> Result<u8> {
        Err(Error::Usage {
            message: "sandbox: not available on Windows".into(),
            hint: "scoped tokens are, for example:\n  ghtok exec --repo OWNER/NAME -- CMD".into(),
        })
    }
}
