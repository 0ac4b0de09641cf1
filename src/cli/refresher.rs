//! The arguments of the hidden processes that work on one record.

use std::path::PathBuf;

use clap::Args;

use super::Described;
use crate::commands::refresher::Order;
use crate::config::Flags;

/// The record's key, and where it is.
#[derive(Debug, Args)]
struct Record {
    #[arg(long)]
    app: Option<String>,
    #[command(flatten)]
    described: Described,
    #[arg(long)]
    account: Option<String>,
    #[arg(long)]
    config_dir: Option<PathBuf>,
}

/// Arguments of the refresh process.
#[derive(Debug, Args)]
pub struct Refresher {
    #[command(flatten)]
    record: Record,
    /// What is wanted of the record.
    #[arg(long)]
    pub order: Order,
}

/// Arguments of the process that asks where the App is installed.
#[derive(Debug, Args)]
pub struct AskReach {
    #[command(flatten)]
    record: Record,
}

impl Refresher {
    pub(super) fn flags(&self) -> Flags {
        self.record.flags()
    }
}

impl AskReach {
    pub(super) fn flags(&self) -> Flags {
        self.record.flags()
    }
}

impl Record {
    fn flags(&self) -> Flags {
        Flags {
            app: self.app.clone(),
            account: self.account.clone(),
            config_dir: self.config_dir.clone(),
            ..self.described.flags()
        }
    }
}
