//! The hidden background processes for one record. They print nothing; their results are in the state
//! folder.

use std::path::PathBuf;

use clap::Args;

use crate::commands::Described;
use crate::commands::Subcommand;
use crate::config::Flags;
use crate::error::Result;
use crate::session::{RefreshOrder, Session};

/// The flags by which such a process finds its record.
#[derive(Debug, Args)]
pub(crate) struct RecordFlags {
    #[arg(long)]
    app: Option<String>,
    #[command(flatten)]
    described: Described,
    #[arg(long)]
    account: Option<String>,
    #[arg(long)]
    config_dir: Option<PathBuf>,
}

impl RecordFlags {
    fn flags(&self) -> Flags {
        Flags {
            app: self.app.clone(),
            account: self.account.clone(),
            config_dir: self.config_dir.clone(),
            ..self.described.flags()
        }
    }
}

/// Run one refresh in a process of its own
#[derive(Debug, Args)]
#[command(hide = true)]
pub(crate) struct Refresher {
    #[command(flatten)]
    record: RecordFlags,
    /// What is wanted of the record.
    #[arg(long)]
    order: RefreshOrder,
}

impl Subcommand for Refresher {
    fn flags(&self) -> Flags {
        self.record.flags()
    }

    fn run(&self, session: &Session<'_>) -> Result<u8> {
        session.refresh_here(self.order).map(|()| 0)
    }
}

/// Ask GitHub where an App is installed
#[derive(Debug, Args)]
#[command(hide = true)]
pub(crate) struct AskReach {
    #[command(flatten)]
    record: RecordFlags,
}

impl Subcommand for AskReach {
    fn flags(&self) -> Flags {
        self.record.flags()
    }

    fn run(&self, session: &Session<'_>) -> Result<u8> {
        let asked = session.for_app(|call| Ok(session.ask_reach_here(call)))?;
        Ok(u8::from(!asked))
    }
}
