//! The configuration file, the variables and flags, and the Apps that they describe.

use super::finding::{Findings, Level};
use crate::app::AccountName;
use crate::config::{Config, FileState};
use crate::error::Error;
use crate::session::Session;

const SUBJECT: &str = "configuration";

/// Looks at what was loaded, or at what it failed with.
pub(super) fn check(loaded: Result<&Session<'_>, &Error>, found: &mut Findings) {
    match loaded {
        Ok(session) => check_loaded(&session.config, found),
        Err(error) => {
            found.error(SUBJECT, Level::Problem, error);
            found.ok(
                SUBJECT,
                "not_checked",
                "store, sign-in, folders, network and timer can be checked once this is corrected"
                    .into(),
            );
        }
    }
}

fn check_loaded(config: &Config, found: &mut Findings) {
    let file = config.file.display();
    match config.file_state {
        FileState::Missing => found.ok(
            SUBJECT,
            "config_missing",
            format!("{file} does not exist; flags and variables count"),
        ),
        FileState::Read => {
            let apps = match config.apps.len() {
                1 => "1 App".to_owned(),
                count => format!("{count} Apps"),
            };
            found.ok(SUBJECT, "config_read", format!("{file} has {apps}"));
        }
    }
    if let Err(error) = config.check_store() {
        found.error(SUBJECT, Level::Problem, &error);
    }
    match config.app(None) {
        Ok(_) => {}
        Err(error @ Error::WhichApp { .. }) => found.error(SUBJECT, Level::Warning, &error),
        Err(error) => found.error(SUBJECT, Level::Problem, &error),
    }
    for app in config.all_apps() {
        found.keep_host_private(app.host.name());
        let owners = app.owners.iter().map(String::as_str);
        for login in owners.chain(app.account.iter().map(AccountName::as_str)) {
            found.keep_login_private(login);
        }
        let (host, client_id) = (&app.host, &app.client_id);
        let label = match &app.name {
            Some(name) => format!("{name}: "),
            None => String::new(),
        };
        if app.client_id.is_oauth_app() {
            found
                .add(
                    "app",
                    "oauth_app",
                    Level::Warning,
                    format!(
                        "{label}{client_id} is the client ID of an OAuth App, whose tokens do not expire"
                    ),
                )
                .run("register a GitHub App in its place, with:", "ghtok app new");
        } else {
            found.ok(
                "app",
                "app_found",
                format!("{label}client ID {client_id} at {host}"),
            );
        }
    }
}
