//! The arguments of the hidden refresh process.

use std::path::PathBuf;

use clap::Args;

use super::Described;
use crate::commands::refresher::Order;
use crate::config::Flags;

/// Arguments of the hidden refresh process: the record's key, and what is wanted.
#[derive(Debug, Args)]
pub struct Refresher {
    #[arg(long)]
    app: Option<String>,
    #[command(flatten)]
    described: Described,
    #[arg(long)]
    account: Option<String>,
    #[arg(long)]
    config_dir: Option<PathBuf>,
    /// What is wanted of the record.
    #[arg(long)]
    pub order: Order,
}

impl Refresher {
    pub(super) fn flags(&self) -> Flags {
        Flags {
            app: self.app.clone(),
            account: self.account.clone(),
            config_dir: self.config_dir.clone(),
            ..self.described.flags()
        }
    }
}
