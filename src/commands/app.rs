//! `ghtok app`: the GitHub Apps of the configuration.

mod list;
mod remove;
mod secret;

use clap::Args;

use self::list::ListApps;
use self::remove::RemoveApp;
use self::secret::AppSecret;
use crate::commands::{NewApp, NewAppFlags, Subcommand};
use crate::config::Flags;
use crate::error::Result;
use crate::session::Session;

/// Register, list and remove GitHub Apps
#[derive(Debug, Args)]
#[command(
    disable_help_subcommand = true,
    after_help = "Examples:
  ghtok app new           register a GitHub App and sign in with it
  ghtok app list          the configured Apps
  ghtok app remove work   the App \"work\" no more
  ghtok app secret set    store its client secret, for scoped tokens"
)]
pub(crate) struct Apps {
    #[command(subcommand)]
    action: AppAction,
}

#[derive(Debug, clap::Subcommand)]
enum AppAction {
    New(NewAppFlags),
    List(ListApps),
    Remove(RemoveApp),
    Secret(AppSecret),
}

impl Subcommand for Apps {
    fn flags(&self) -> Flags {
        match &self.action {
            AppAction::New(new) => new.flags(),
            AppAction::Secret(secret) => secret.flags(),
            AppAction::List(_) | AppAction::Remove(_) => Flags::default(),
        }
    }

    fn wants_json(&self) -> bool {
        matches!(&self.action, AppAction::List(list) if list.json)
    }

    fn run(&self, session: &Session<'_>) -> Result<u8> {
        match &self.action {
            AppAction::New(new) => NewApp::new(new, session)?.run(),
            AppAction::List(list) => list.run(session).map(|()| 0),
            AppAction::Remove(remove) => remove.run(session),
            AppAction::Secret(secret) => secret.run(session),
        }
    }
}
