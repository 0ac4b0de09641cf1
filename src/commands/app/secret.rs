//! `ghtok app secret`: the App's client secret, with which scoped tokens are created. It is read from standard
//! input or typed unseen, and kept in the App's store.

use std::io::Read;

use clap::{Args, Subcommand};
use zeroize::Zeroizing;

use crate::app::App;
use crate::commands::Target;
use crate::config::Flags;
use crate::error::{Error, Result};
use crate::formats::shell::word;
use crate::session::Session;
use crate::store_choice::StoreChoice;
use crate::system::terminal::Terminal;
use crate::token::{ClientSecret, token_prefix};

/// GitHub's have 40 characters.
const LONGEST: usize = 255;

/// Store or remove the client secret of an App, for scoped tokens
#[derive(Debug, Args)]
#[command(
    disable_help_subcommand = true,
    after_help = "Examples:
  ghtok app secret set
  ghtok app secret remove"
)]
pub(super) struct AppSecret {
    #[command(subcommand)]
    action: SecretAction,
}

#[derive(Debug, Subcommand)]
enum SecretAction {
    /// Store the client secret, from standard input or typed at a terminal
    #[command(after_help = "Examples:
  ghtok app secret set
  ghtok app secret set work < secret.txt")]
    Set(Target),
    /// Remove the stored client secret
    #[command(after_help = "Examples:
  ghtok app secret remove
  ghtok app secret remove work")]
    Remove(Target),
}

impl AppSecret {
    pub(super) fn flags(&self) -> Flags {
        match &self.action {
            SecretAction::Set(target) | SecretAction::Remove(target) => target.flags(),
        }
    }

    pub(super) fn run(&self, session: &Session<'_>) -> Result<u8> {
        session.config.check_store()?;
        let app = session.config.app(None)?;
        match &self.action {
            SecretAction::Set(_) => set(app, self.flags().store, session)?,
            SecretAction::Remove(_) => {
                let what = if session.remove_secret(app)? {
                    "the client secret was removed here; it stays valid at GitHub until it is deleted there"
                } else {
                    "no client secret was stored"
                };
                Terminal.note(&format!("{}: {what}", app.label()));
            }
        }
        Ok(0)
    }
}

fn set(app: &App, named: Option<StoreChoice>, session: &Session<'_>) -> Result<()> {
    let store = match named {
        Some(StoreChoice::Auto) | None => session.store_of(app)?,
        Some(named) => named,
    };
    if store == StoreChoice::File && named != Some(StoreChoice::File) {
        return Err(Error::Usage {
            message: format!(
                "app secret set: the store of {} is plain text, which must be named for a secret",
                app.label()
            ),
            hint: format!(
                "if that is meant:\n  {} --store file",
                command("app secret set", app)
            ),
        });
    }
    let secret = read(app)?;
    session.save_secret(app, store, &secret)?;
    Terminal.note(&format!(
        "{}: the client secret is stored; a scoped token, for example:\n  {} --repo OWNER/NAME",
        app.label(),
        command("get", app)
    ));
    Ok(())
}

/// A command for this App.
fn command(verb: &str, app: &App) -> String {
    match &app.name {
        Some(name) => format!("ghtok {verb} {}", word(name)),
        None => format!(
            "ghtok {verb} --client-id {} --host {}",
            app.client_id,
            word(&app.host.spelling())
        ),
    }
}

/// A line of standard input, which is not shown while a person types it.
fn read(app: &App) -> Result<ClientSecret> {
    let text = if Terminal.reads_from_person() {
        let prompt = format!("Client secret of {} ({}): ", app.label(), app.client_id);
        Terminal.ask_unseen(&prompt)?
    } else {
        let mut text = Zeroizing::new(String::with_capacity(2 * LONGEST));
        let mut input = Terminal.input().take(2 * LONGEST as u64);
        input
            .read_to_string(&mut text)
            .map_err(|_| invalid("could not be read from standard input"))?;
        text
    };
    let secret = text.trim();
    let problem = match secret {
        "" => "is empty",
        secret if token_prefix(secret).is_some() => "is a token, not a client secret",
        secret if secret == app.client_id.as_str() => "is the client ID",
        secret if secret.len() > LONGEST => "is too long",
        secret if !secret.bytes().all(|b| b.is_ascii_graphic()) => {
            "has characters that are not allowed in a client secret"
        }
        secret => return Ok(ClientSecret::new(secret)),
    };
    Err(invalid(problem))
}

fn invalid(problem: &str) -> Error {
    Error::Usage {
        message: format!("app secret set: the client secret {problem}"),
        hint: "generate one on the App's page at GitHub (\"Generate a new client secret\") and give it on standard input".into(),
    }
}
