//! What a sign-in says, to people on standard error and to programs on standard output.

use serde::Serialize;

use super::{Input, Output};
use crate::auth::broker::Served;
use crate::auth::ports::Prompt;
use crate::auth::record::{Account, Record};
use crate::commands::Call;
use crate::config::{app_section, append_app};
use crate::error::{Error, Result};
use crate::formats::moments::{life, rfc3339};
use crate::github::DeviceAuthorization;
use crate::system::terminal::Terminal;
use crate::token::{Timestamp, TokenSet};

/// The name that an App gets which nobody named.
const NAME_OF_THE_FIRST_APP: &str = "main";

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
    },
}

/// Shows the code to whoever is there.
pub(super) struct Shown<'a> {
    pub(super) output: Output,
    pub(super) call: &'a Call<'a>,
}

impl Prompt for Shown<'_> {
    fn show(&mut self, authorization: &DeviceAuthorization) -> Result<()> {
        let call = self.call;
        let expires_at = call.clock.now().after(authorization.expires_in);
        match self.output {
            Output::Events => event(
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
            ),
            Output::Person => {
                call.terminal.say(&invitation(authorization, call));
                Ok(())
            }
        }
    }

    fn trouble(&mut self, cause: &str) {
        match self.output {
            // Whoever reads events may have gone; the sign-in still counts.
            Output::Events => {
                let _ = event(
                    self.call.terminal,
                    &Event::Trouble {
                        schema_version: 1,
                        cause,
                    },
                );
            }
            Output::Person => self.call.terminal.note(&format!("{cause}; still trying")),
        }
    }
}

fn invitation(authorization: &DeviceAuthorization, call: &Call<'_>) -> String {
    let oauth_app = if call.app.client_id.is_oauth_app() {
        "\nThis client ID is an OAuth App's: its tokens do not expire. A GitHub App is safer.\n"
    } else {
        ""
    };
    format!(
        "Sign in to {host} as a user of the App \"{app}\":\n{oauth_app}\n  1. Open   {page}\n  2. Enter  {code}\n\n\
         Go on only if you started this yourself. If somebody sent you here or gave you\n\
         a code, stop: they would get access to your account.\n\n\
         Waiting for the approval, for {life} at most (Ctrl-C cancels) …",
        host = call.app.host,
        app = call.app.label(),
        page = authorization.verification_uri,
        code = authorization.user_code,
        life = life(authorization.expires_in),
    )
}

pub(super) fn tell_present(output: Output, served: &Served, call: &Call<'_>) -> Result<()> {
    let end = served.expires_at;
    match output {
        Output::Events => {
            let account = served.account.as_ref();
            event(call.terminal, &signed_in(Since::Before, account, end, call))
        }
        Output::Person => {
            call.terminal.say(&format!(
                "{}: already signed in{}; the token is good {}.\nTo sign in anew: {} --force",
                call.app.label(),
                as_whom(served.account.as_ref()),
                until(end, call),
                call.login_command,
            ));
            Ok(())
        }
    }
}

pub(super) fn tell_new(input: &Input, record: &Record, call: &Call<'_>) -> Result<()> {
    let account = record.account.as_ref();
    let end = record.tokens.expires_at();
    match input.output {
        Output::Events => event(call.terminal, &signed_in(Since::Now, account, end, call)),
        Output::Person => {
            call.terminal.say(&welcome(record, call));
            offer_to_write(input, call)
        }
    }
}

fn welcome(record: &Record, call: &Call<'_>) -> String {
    let refresh = match &record.tokens {
        TokenSet::Permanent(_) => {
            "The App opted out of expiring tokens: this one never expires by the clock.".to_owned()
        }
        TokenSet::Expiring {
            refresh: Some(refresh),
            ..
        } => format!(
            "It is refreshed silently until {}, and longer whenever it is used.",
            call.clock.local_time(refresh.expires_at)
        ),
        TokenSet::Expiring { refresh: None, .. } => {
            "It came without a refresh token: sign in again when it ends.".to_owned()
        }
    };
    let unknown = match record.account {
        Some(_) => "",
        None => "\nGitHub did not say whose it is; the next refresh asks again.",
    };
    format!(
        "\nSigned in to {host}{who}.{unknown}\n\
         The token is good {until} and kept in {place}.\n{refresh}\n\n\
         What comes next:\n  ghtok get      print a valid token\n  ghtok status   see what is stored\n  ghtok logout   forget it",
        host = call.app.host,
        who = as_whom(record.account.as_ref()),
        until = until(record.tokens.expires_at(), call),
        place = call.store.place(),
    )
}

/// An App that only flags describe has to be described at every call, unless it is written down.
fn offer_to_write(input: &Input, call: &Call<'_>) -> Result<()> {
    let Some(file) = &input.unwritten else {
        return Ok(());
    };
    let section = app_section(call.app, NAME_OF_THE_FIRST_APP);
    let lines = section.trim_end().replace('\n', "\n  ");
    let shown = format!(
        "\nSo that no flag is needed any more, {} could say:\n\n  {lines}\n",
        file.display()
    );
    call.terminal.say(&shown);
    if call.terminal.has_person() && call.terminal.ask("Write it there?") {
        append_app(file, &section)?;
        call.terminal.say("Written.");
    }
    Ok(())
}

fn as_whom(account: Option<&Account>) -> String {
    account.map_or_else(String::new, |account| format!(" as {}", account.login))
}

fn until(end: Option<Timestamp>, call: &Call<'_>) -> String {
    match end {
        Some(at) => format!("until {}", call.clock.local_time(at)),
        None => "without an end".into(),
    }
}

/// Whether the sign-in was there already.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Since {
    Before,
    Now,
}

fn signed_in<'a>(
    since: Since,
    account: Option<&'a Account>,
    end: Option<Timestamp>,
    call: &'a Call<'_>,
) -> Event<'a> {
    Event::SignedIn {
        schema_version: 1,
        app: call.app.label(),
        host: call.app.host.to_string(),
        already: since == Since::Before,
        login: account.map(|account| account.login.as_str()),
        user_id: account.map(|account| account.id),
        store: call.store.place(),
        expires_at: end.map(rfc3339),
        expires_at_unix: end.map(|at| at.0),
    }
}

fn event(terminal: Terminal, event: &Event<'_>) -> Result<()> {
    terminal.line(&serde_json::to_string(event).expect("plain structs become JSON"))
}

pub(super) fn interrupted(output: Output, left: &'static str, signal: i32) -> String {
    let error = Error::Interrupted { left, signal };
    match output {
        Output::Events => error.to_json(),
        Output::Person => format!("\nghtok: {error}"),
    }
}
