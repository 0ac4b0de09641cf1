//! The flags that several subcommands share: the App and its store.

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap_complete::{ArgValueCandidates, CompletionCandidate};

use crate::config::{Config, Environment, Flags};
use crate::store_choice::StoreChoice;

/// Which App, and where its tokens are kept.
#[derive(Debug, Default, Args)]
pub(crate) struct Target {
    /// Name of the App in the configuration [default: GHTOK_APP, then default_app, then the only one]
    #[arg(value_name = "APP", add = ArgValueCandidates::new(Described::app_names))]
    pub(super) named: Option<String>,
    /// Same as APP
    #[arg(long, value_name = "APP", conflicts_with = "named", add = ArgValueCandidates::new(Described::app_names))]
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
    /// Where tokens are stored [env: GHTOK_STORE] [default: auto]
    #[arg(long, value_name = "STORE", value_parser = stores())]
    store: Option<StoreChoice>,
}

fn stores() -> impl TypedValueParser<Value = StoreChoice> {
    PossibleValuesParser::new(StoreChoice::names()).try_map(|name| name.parse::<StoreChoice>())
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
    /// The configured Apps, for completion; none if the configuration is invalid, or in a sandbox.
    pub(super) fn app_names() -> Vec<CompletionCandidate> {
        let environment = Environment::from_process();
        if environment.names_socket() {
            return Vec::new();
        }
        let config = Config::load(&Flags::default(), &environment);
        let names = config.map(|config| config.names()).unwrap_or_default();
        names.into_iter().map(CompletionCandidate::new).collect()
    }

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
