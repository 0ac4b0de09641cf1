//! What a sign-in says when it is done, to people on standard error and to programs on standard output.

use super::program::{Since, signed_in};
use super::{Desk, Input, Output};
use crate::app::App;
use crate::auth::broker::Served;
use crate::auth::record::{Account, Record};
use crate::commands::Call;
use crate::config::{app_section, append_app};
use crate::error::{Error, Result};
use crate::token::{Timestamp, TokenSet};

/// The name that an App gets which nobody named.
const NAME_OF_THE_FIRST_APP: &str = "main";

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

pub(super) fn tell_present(
    output: Output,
    served: &Served,
    desk: &Desk<'_>,
    call: &Call<'_>,
) -> Result<()> {
    let end = served.expires_at;
    match output {
        Output::Events => signed_in(Since::Before, served.account.as_ref(), end, call),
        Output::Person => {
            desk.screen.say(&format!(
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

pub(super) fn tell_new(
    input: &Input,
    record: &Record,
    desk: &Desk<'_>,
    call: &Call<'_>,
) -> Result<()> {
    match input.output {
        Output::Events => {
            let end = record.tokens.expires_at();
            signed_in(Since::Now, record.account.as_ref(), end, call)
        }
        Output::Person => {
            desk.screen.say(&welcome(record, call));
            offer_to_write(input, desk, call)
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
fn offer_to_write(input: &Input, desk: &Desk<'_>, call: &Call<'_>) -> Result<()> {
    let Some(file) = &input.unwritten else {
        return Ok(());
    };
    let section = app_section(call.app, NAME_OF_THE_FIRST_APP);
    let lines = section.trim_end().replace('\n', "\n  ");
    let shown = format!(
        "\nSo that no flag is needed any more, {} could say:\n\n  {lines}\n",
        file.display()
    );
    desk.screen.say(&shown);
    if call.terminal.has_person() && call.terminal.ask("Write it there?") {
        append_app(file, &section)?;
        desk.screen.say("Written.");
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

pub(super) fn interrupted(output: Output, left: &'static str, signal: i32) -> String {
    let error = Error::Interrupted { left, signal };
    match output {
        Output::Events => error.to_json(),
        Output::Person => format!("\nghtok: {error}"),
    }
}
