//! `ghtok setup`: configures other programs to use ghtok.

mod git;
pub(crate) mod mcp;
mod remove;
mod status;

use clap::Args;

use self::git::SetupGit;
use self::mcp::SetupMcp;
use self::remove::RemoveAll;
use self::status::SetupStatus;
use crate::commands::Subcommand;
use crate::config::Flags;
use crate::error::Result;
use crate::session::Session;

/// Configure git or an MCP client to use ghtok (with undo)
#[derive(Debug, Args)]
#[command(
    disable_help_subcommand = true,
    after_help = "Examples:
  ghtok setup git               git asks ghtok for your Apps' hosts
  ghtok setup mcp claude-code   lines for an MCP client"
)]
pub(crate) struct Setup {
    #[command(subcommand)]
    program: Program,
}

#[derive(Debug, clap::Subcommand)]
enum Program {
    Git(SetupGit),
    Mcp(SetupMcp),
    Status(SetupStatus),
    Remove(RemoveAll),
}

impl Subcommand for Setup {
    fn flags(&self) -> Flags {
        match &self.program {
            Program::Git(git) => git.flags(),
            Program::Mcp(mcp) => mcp.flags(),
            Program::Status(status) => status.described.flags(),
            Program::Remove(remove) => remove.described.flags(),
        }
    }

    fn wants_json(&self) -> bool {
        matches!(&self.program, Program::Status(status) if status.json)
    }

    fn run(&self, session: &Session<'_>) -> Result<u8> {
        // An App that no configuration describes is described with its store.
        if session.config.all_apps().any(|app| app.name.is_none()) {
            session.config.check_store()?;
        }
        match &self.program {
            Program::Git(git) => git.run(session)?,
            Program::Mcp(mcp) => mcp.run(session)?,
            Program::Status(status) => status.run(session)?,
            Program::Remove(remove) => return remove.run(session),
        }
        Ok(0)
    }
}
