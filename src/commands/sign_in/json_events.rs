//! A sign-in for a program: JSON objects on stdout, one per line.

use serde::Serialize;

use super::Since;
use super::saved_app::SavedApp;
use crate::auth::ports::Prompt;
use crate::auth::record::Account;
use crate::error::Result;
use crate::formats::timestamps::rfc3339;
use crate::github::DeviceAuthorization;
use crate::session::Call;
use crate::system::terminal::Terminal;
use crate::token::Timestamp;

/// What `--json` prints; the snapshot tests hold its shape.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Event<'a> {
    Code {
        schema_version: u32,
        app: &'a str,
        host: String,
        verification_uri: &'a str,
        user_code: &'a str,
        expires_at: String,
        expires_at_unix: i64,
    },
    Trouble {
        schema_version: u32,
        cause: &'a str,
    },
    SignedIn {
        schema_version: u32,
        app: &'a str,
        host: String,
        already: bool,
        login: Option<&'a str>,
        user_id: Option<u64>,
        store: String,
        expires_at: Option<String>,
        expires_at_unix: Option<i64>,
        /// The App's name in the configuration, if it is there.
        configured_as: Option<&'a str>,
    },
}

/// Shows the code to the program.
pub(super) struct JsonEvents<'a> {
    pub(super) call: &'a Call<'a>,
}

impl Prompt for JsonEvents<'_> {
    fn show(&mut self, authorization: &DeviceAuthorization) -> Result<()> {
        let call = self.call;
        let expires_at = call.clock.now().after(authorization.expires_in);
        event(
            call.terminal,
            &Event::Code {
                schema_version: 1,
                app: call.app.label(),
                host: call.app.host.to_string(),
                verification_uri: &authorization.verification_uri,
                user_code: &authorization.user_code,
                expires_at: rfc3339(expires_at),
                expires_at_unix: expires_at.0,
            },
        )
    }

    fn trouble(&mut self, cause: &str) {
        // The reader of events may have gone; the sign-in still counts.
        let _ = event(
            self.call.terminal,
            &Event::Trouble {
                schema_version: 1,
                cause,
            },
        );
    }
}

/// Tells that somebody is signed in.
pub(super) fn signed_in(
    since: Since,
    account: Option<&Account>,
    end: Option<Timestamp>,
    app: &SavedApp,
    call: &Call<'_>,
) -> Result<()> {
    let signed_in = Event::SignedIn {
        schema_version: 1,
        app: call.app.label(),
        host: call.app.host.to_string(),
        already: since == Since::Before,
        login: account.map(|account| account.login.as_str()),
        user_id: account.map(|account| account.id),
        store: call.store.place(),
        expires_at: end.map(rfc3339),
        expires_at_unix: end.map(|at| at.0),
        configured_as: app.in_config.name(),
    };
    event(call.terminal, &signed_in)
}

fn event(terminal: Terminal, event: &Event<'_>) -> Result<()> {
    terminal.line(&serde_json::to_string(event).expect("plain structs become JSON"))
}
