//! `ghtok app remove`: takes an App out of the configuration; its sign-in is removed only with `--logout`.

use clap::Args;

use crate::app::App;
use crate::config::{RemovedApp, remove_app};
use crate::error::Result;
use crate::session::Session;
use crate::session::sign_out::sign_out;
use crate::system::terminal::Terminal;

/// Remove an App from the configuration
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ghtok app remove work            the entry; the sign-in stays stored
  ghtok app remove work --logout   the sign-in too")]
pub(super) struct RemoveApp {
    /// Name of the App in the configuration
    #[arg(value_name = "APP")]
    name: String,
    /// Remove its stored sign-in first
    #[arg(long)]
    logout: bool,
}

impl RemoveApp {
    pub(super) fn run(&self, session: &Session<'_>) -> Result<u8> {
        let config = &session.config;
        let app = config.app_named(&self.name)?;
        if self.logout {
            session.config.check_store()?;
            let signed_out = session.with_call(app, |call| sign_out(call, |_| Ok(())))?;
            Terminal.note(&format!("{}: {}", self.name, signed_out.words()));
        }
        let shares_secret = |other: &App| {
            other.name != app.name && other.client_id == app.client_id && other.host == app.host
        };
        if !config.apps.iter().any(shares_secret) {
            match session.remove_secret(app) {
                Ok(false) => {}
                Ok(true) => {
                    Terminal.note(&format!("{}: its client secret was removed", self.name));
                }
                Err(error) => Terminal.note(&format!(
                    "{error}; if a client secret was stored, it still is"
                )),
            }
        }
        let removed = {
            let _lock = session.lock_config();
            remove_app(&config.file, &self.name)?
        };
        Terminal.note(&format!(
            "removed the App \"{}\" from {}{}",
            self.name,
            config.file.display(),
            default_words(&removed)
        ));
        if !self.logout {
            tell_of_sign_in(app, session);
        }
        Ok(0)
    }
}

fn default_words(removed: &RemovedApp) -> String {
    match removed.others.as_slice() {
        _ if !removed.was_default => String::new(),
        [] => String::new(),
        [only] => format!("; \"{only}\" is the only App now, and so the default"),
        others => format!(
            "; it was the default: select one of {} with --app, or set default_app",
            others.join(", ")
        ),
    }
}

/// The sign-in outlives the entry, and is removed by a longer command then.
fn tell_of_sign_in(app: &App, session: &Session<'_>) {
    let Ok(store) = session.store_of(app) else {
        return;
    };
    let unnamed = App {
        name: None,
        ..app.clone()
    };
    let state = session.with_call(app, |call| {
        Ok(call.store.load().map(|record| record.is_some()))
    });
    let what = match state {
        Ok(Ok(false)) => return,
        Ok(Ok(true)) => "its sign-in is still stored",
        Ok(Err(_)) | Err(_) => "its sign-in may still be stored",
    };
    let logout = session.logout_command(&unnamed, store.or_keychain());
    Terminal.note(&format!("{what}; remove it with:\n  {logout}"));
}
