//! `ghtok app list`: the configured Apps. Reads no keychain; `status` shows the sign-ins.

use clap::Args;
use serde::Serialize;

use crate::app::{AccountName, App};
use crate::error::Result;
use crate::session::Session;
use crate::system::terminal::Terminal;

/// List the configured Apps
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ghtok app list
  ghtok app list --json")]
pub(super) struct ListApps {
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Serialize)]
struct ListJson<'a> {
    schema_version: u32,
    apps: Vec<ListedApp<'a>>,
}

#[derive(Serialize)]
struct ListedApp<'a> {
    name: Option<&'a str>,
    client_id: &'a str,
    host: String,
    account: Option<&'a str>,
    owners: &'a [String],
    default: bool,
}

impl ListApps {
    pub(super) fn run(&self, session: &Session<'_>) -> Result<()> {
        let config = &session.config;
        if self.json {
            let is_default =
                |app: &App| config.default_app.is_some() && app.name == config.default_app;
            let apps = config.apps.iter().map(|app| ListedApp {
                name: app.name.as_deref(),
                client_id: app.client_id.as_str(),
                host: app.host.to_string(),
                account: app.account.as_ref().map(AccountName::as_str),
                owners: &app.owners,
                default: is_default(app),
            });
            let list = ListJson {
                schema_version: 1,
                apps: apps.collect(),
            };
            return Terminal
                .line(&serde_json::to_string(&list).expect("plain structs become JSON"));
        }
        if config.apps.is_empty() {
            Terminal.note("no App is configured; register one and sign in with:\n  ghtok app new");
            return Ok(());
        }
        Terminal.line(&table(&config.apps, config.default_app.as_deref()))
    }
}

/// A line for each App.
fn table(apps: &[App], default_app: Option<&str>) -> String {
    let width = |of: fn(&App) -> usize| apps.iter().map(of).max().unwrap_or_default();
    let name_width = width(|app| app.label().len());
    let id_width = width(|app| app.client_id.as_str().len());
    let line = |app: &App| {
        let mut notes = Vec::new();
        if app.name.as_deref() == default_app && default_app.is_some() {
            notes.push("default".to_owned());
        }
        notes.extend(
            app.account
                .as_ref()
                .map(|account| format!("account {account}")),
        );
        if !app.owners.is_empty() {
            notes.push(format!("for {}", app.owners.join(", ")));
        }
        let notes = match notes.as_slice() {
            [] => String::new(),
            notes => format!("  ({})", notes.join("; ")),
        };
        let (name, id, host) = (app.label(), app.client_id.as_str(), &app.host);
        format!("{name:name_width$}  {id:id_width$}  {host}{notes}")
    };
    apps.iter().map(line).collect::<Vec<_>>().join("\n")
}
