//! `ghtok sandbox log`: what sandboxes asked for.

use clap::Args;

use super::policy::parse_name;
use crate::error::Result;
use crate::session::Session;
use crate::system::terminal::Terminal;

/// Print what sandboxes asked for and were given, as lines of JSON
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ghtok sandbox log
  ghtok sandbox log build")]
pub(super) struct Log {
    /// Only of this sandbox
    #[arg(value_name = "NAME", value_parser = parse_name)]
    name: Option<String>,
}

impl Log {
    pub(super) fn run(&self, session: &Session<'_>) -> Result<()> {
        let lines = session.sandbox_log(self.name.as_deref())?;
        if lines.is_empty() {
            Terminal.note("the log of sandboxes has no such lines");
            return Ok(());
        }
        Terminal.line(&lines.join("\n"))
    }
}
