//! The flags that several subcommands share: the App and its store.

use clap::Args;

use crate::config::Flags;
use crate::store_choice::StoreChoice;

/// Which App, and where its tokens are kept.
#[derive(Debug, Default, Args)]
pub(crate) struct Target {
    /// Name of the App in the configuration [default: GHTOK_APP, then default_app, then the only one]
    #[arg(value_name = "APP")]
    pub(super) named: Option<String>,
    /// Same as APP
    #[arg(long, value_name = "APP", conflicts_with = "named")]
    pub(super) app: Option<String>,
    #[command(flatten)]
    pub(super) described: Described,
}

/// An App described by flags.
#[derive(Debug, Default, Args)]
pub(crate) struct Described {
    /// Client ID of a GitHub App that is not configured [env: GHTOK_CLIENT_ID]
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// The host of the App [env: GHTOK_HOST] [default: github.com]
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    #[arg(long, value_name = "STORE", help = store_help())]
    store: Option<StoreChoice>,
}

fn store_help() -> String {
    let names = StoreChoice::NAMES;
    format!("Where tokens are stored: {names} [env: GHTOK_STORE] [default: auto]")
}

impl Target {
    pub(crate) fn flags(&self) -> Flags {
        Flags {
            app: self.named.clone().or_else(|| self.app.clone()),
            ..self.described.flags()
        }
    }
}

impl Described {
    pub(crate) fn flags(&self) -> Flags {
        Flags {
            app: None,
            client_id: self.client_id.clone(),
            host: self.host.clone(),
            store: self.store,
            account: None,
            config_dir: None,
        }
    }
}
