//! The messages after a sign-in: for people on stderr, for programs on stdout.

use std::path::Path;

use super::json_events::signed_in;
use super::next_steps::next_steps;
use super::saved_app::{AppInConfig, SavedApp};
use super::{SignInRun, Since};
use crate::app::App;
use crate::auth::broker::Served;
use crate::auth::reach::Reach;
use crate::auth::record::{Account, Record};
use crate::error::{Error, Result};
use crate::session::Call;
use crate::session::sign_in::By;
use crate::system::terminal::Terminal;
use crate::token::{Timestamp, TokenSet};

/// An OAuth App's client ID is easily copied in place of a GitHub App's.
pub(super) fn warn_of_oauth_app(call: &Call<'_>) {
    let App {
        client_id, host, ..
    } = call.app;
    if client_id.is_oauth_app() {
        call.terminal.note(&format!(
            "{client_id} is the client ID of an OAuth App: its tokens do not expire and can only read public data"
        ));
        call.terminal.note(&format!(
            "for a GitHub App, copy the \"Client ID\" (Iv23…) from its page: {}/settings/apps",
            host.web_url()
        ));
    }
}

/// Where locks may not hold, two machines can refresh at once.
pub(super) fn warn_of_network_folder(folder: &Path, kind: &str) {
    Terminal.note(&format!(
        "the state folder {} is on a network file system ({kind}), whose locks may not hold between machines; \
         a folder on a local disk is safe: set GHTOK_STATE_DIR, and sign in on each machine",
        folder.display()
    ));
}

pub(super) fn tell_present(run: &SignInRun<'_>, served: &Served, call: &Call<'_>) -> Result<()> {
    let end = served.expires_at;
    let app = run.save_app(None);
    if run.options.json {
        note_unwritten(&app.in_config, call);
        return signed_in(Since::Before, served.account.as_ref(), end, &app, call);
    }
    run.screen.say(&format!(
        "{}: already signed in{}; the token is valid {}.\nTo sign in again: {} --force",
        call.app.label(),
        as_whom(served.account.as_ref()),
        until(end, call),
        call.login_command(),
    ));
    if let Some(words) = app.in_config.words() {
        let steps = next_steps(run, &app, None);
        run.screen.say(&format!("{words}\n\nNext steps:\n{steps}"));
    }
    Ok(())
}

/// A sign-in that was just stored.
pub(super) struct Welcome {
    pub(super) record: Record,
    pub(super) by: By,
    /// The App's name in the addresses of its pages, where GitHub said it.
    pub(super) slug: Option<String>,
    /// Where the App is installed, where GitHub said it.
    pub(super) reach: Option<Reach>,
}

pub(super) fn tell_new(run: &SignInRun<'_>, new: &Welcome, call: &Call<'_>) -> Result<()> {
    let app = run.save_app(new.slug());
    if run.options.json {
        note_unwritten(&app.in_config, call);
        let end = new.record.tokens.expires_at();
        let since = match new.by {
            By::This => Since::Now,
            By::Another => Since::Before,
        };
        return signed_in(since, new.record.account.as_ref(), end, &app, call);
    }
    if new.by == By::Another {
        run.screen
            .say("\nAnother ghtok was approved first: this code is no longer needed.");
    }
    let steps = next_steps(run, &app, new.reach.as_ref());
    run.screen.say(&format!(
        "{}{}\n\nNext steps:\n{steps}",
        welcome(&new.record, &app, call),
        new.missing_installation(call)
    ));
    Ok(())
}

impl Welcome {
    fn slug(&self) -> Option<&str> {
        let installations = self.reach.as_ref().map(|reach| &reach.installations);
        let listed = installations.and_then(|them| them.app_slug.as_deref());
        self.slug.as_deref().or(listed)
    }

    /// What to do where the tokens reach nothing yet; empty otherwise.
    fn missing_installation(&self, call: &Call<'_>) -> String {
        if !self.reach.as_ref().is_some_and(Reach::is_empty) {
            return String::new();
        }
        let host = &call.app.host;
        let (how, page) = match self.slug() {
            Some(slug) => ("", host.install_page(slug)),
            None => (
                " (choose the App there, then \"Install App\")",
                host.apps_page(None),
            ),
        };
        format!(
            "\n\nThe App is not installed anywhere yet, so its tokens can only read public repositories. \
             Install it on those that they may reach{how}:\n\n  {page}"
        )
    }
}

/// Programs read the events; standard error says why the App is not in the file.
fn note_unwritten(in_config: &AppInConfig, call: &Call<'_>) {
    if let AppInConfig::NotWritten { error, .. } = in_config {
        call.terminal.note(&format!(
            "the App was not added to the configuration: {error}"
        ));
    }
}

fn welcome(record: &Record, app: &SavedApp, call: &Call<'_>) -> String {
    let refresh = match &record.tokens {
        TokenSet::Permanent(_) => {
            "The App opted out of expiring tokens: this token never expires.".to_owned()
        }
        TokenSet::Expiring {
            refresh: Some(refresh),
            ..
        } => format!(
            "It is refreshed silently until {}, longer if it is used.",
            call.clock.local_time(refresh.expires_at)
        ),
        TokenSet::Expiring { refresh: None, .. } => {
            "It came without a refresh token: sign in again when it expires.".to_owned()
        }
    };
    let unknown = match record.account {
        Some(_) => "",
        None if call.app.account.is_some() => {
            "\nGitHub did not say which account this is; ghtok serves no token until it does."
        }
        None => "\nGitHub did not say which account this is; the next refresh asks again.",
    };
    let in_config = match app.in_config.words() {
        Some(words) => format!("\n{words}"),
        None => String::new(),
    };
    format!(
        "\nSigned in to {host}{who}.{unknown}\n\
         The token is valid {until} and stored in {place}.\n{refresh}{in_config}",
        host = call.app.host,
        who = as_whom(record.account.as_ref()),
        until = until(record.tokens.expires_at(), call),
        place = call.store.place(),
    )
}

fn as_whom(account: Option<&Account>) -> String {
    account.map_or_else(String::new, |account| format!(" as {}", account.login))
}

fn until(end: Option<Timestamp>, call: &Call<'_>) -> String {
    match end {
        Some(at) => format!("until {}", call.clock.local_time(at)),
        None => "without expiry".into(),
    }
}

pub(super) fn interrupted(as_json: bool, left: &'static str, signal: i32) -> String {
    let error = Error::Interrupted { left, signal };
    if as_json {
        error.to_json()
    } else {
        format!("\nghtok: {error}")
    }
}
