//! `ghtok login`: signs a person in. The one command that asks somebody.

use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use crate::app::App;
use crate::auth::broker::Served;
use crate::auth::device_flow::DeviceFlow;
use crate::auth::outcome::{Happened, Outcome};
use crate::auth::ports::{Clock, LockedStore, Prompt, StoreError};
use crate::auth::record::{Account, Record};
use crate::commands::Call;
use crate::config::{StoreChoice, app_section, append_app};
use crate::error::{Error, Result};
use crate::formats::moments::{life, rfc3339};
use crate::github::{DeviceAuthorization, Grant};
use crate::host::HostKind;
use crate::system::signals;
use crate::system::terminal::Terminal;
use crate::token::{MinTtl, Timestamp, TokenSet};

/// The name that an App gets which nobody named.
const NAME_OF_THE_FIRST_APP: &str = "main";

/// How often, and how far apart, a new sign-in is tried to be saved.
const SAVE_TRIES: u32 = 5;
const SAVE_PAUSE: Duration = Duration::from_millis(200);

/// What `login` is asked.
#[derive(Clone, Debug)]
pub struct Input {
    /// What a good sign-in means for this one.
    pub present: Present,
    /// How to talk.
    pub output: Output,
    /// Where an App that only flags describe could be written down.
    pub unwritten: Option<PathBuf>,
}

/// What to do with a sign-in that is there and good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Present {
    /// Keep it and say so.
    Keep,
    /// Replace it, even one that cannot be read.
    Replace,
}

/// How to talk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Lines for a person on standard error.
    Person,
    /// One JSON object a line on standard output.
    Events,
}

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

/// The command that signs in to an App, as it can be typed.
pub fn command(app: &App, store: StoreChoice) -> String {
    let Some(name) = &app.name else {
        let mut command = format!("ghtok login --client-id {}", app.client_id);
        if app.host.kind() != HostKind::GitHubCom {
            command.push_str(&format!(" --host {}", app.host));
        }
        match store {
            StoreChoice::Auto | StoreChoice::Keychain => {}
            StoreChoice::Kernel | StoreChoice::File => {
                command.push_str(&format!(" --store {store}"));
            }
        }
        return command;
    };
    format!("ghtok login {name}")
}

/// Signs in, unless a good sign-in is there.
///
/// # Errors
/// Whatever keeps a person from being signed in; then what was stored stays.
pub fn run(input: &Input, usual: MinTtl, call: &Call<'_>) -> Result<()> {
    unlock(call)?;
    if input.present == Present::Keep
        && let Some(served) = present(usual, call)?
    {
        return tell_present(input.output, &served, call);
    }
    prove_writable(call)?;
    let output = input.output;
    signals::end_with_a_word(Box::new(move |signal| interrupted(output, signal)));
    let flow = DeviceFlow {
        app: call.app,
        login_command: call.login_command,
        github: call.github,
        clock: call.clock,
    };
    let grant = flow.run(&mut Shown {
        output: input.output,
        call,
    })?;
    let account = flow.account(&grant.access_token);
    check_account(account.as_ref(), call)?;
    let record = save(grant, account, input.present, call)?;
    tell_new(input, &record, call)
}

fn unlock(call: &Call<'_>) -> Result<()> {
    call.store
        .unlock(call.limits.unlock)
        .map_err(|error| match error {
            StoreError::Locked => Error::StoreStayedLocked {
                store: call.store.place(),
            },
            other => call.store_error(other),
        })
}

fn interrupted(output: Output, signal: i32) -> String {
    let error = Error::Interrupted { signal };
    match output {
        Output::Events => error.to_json(),
        Output::Person => format!("\nghtok: {error}"),
    }
}

/// The sign-in that is there, if it is good.
fn present(usual: MinTtl, call: &Call<'_>) -> Result<Option<Served>> {
    match call.broker.access_token(usual) {
        // Where the refresh token was refused, the sign-in ends with its access token.
        Ok(served) => {
            let refused = call.broker.load()?.refresh_refused.is_some();
            Ok((!refused).then_some(served))
        }
        Err(Error::SignInNeeded { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A full disk or a read-only folder is found before a person is asked, not after.
fn prove_writable(call: &Call<'_>) -> Result<()> {
    call.lock()?
        .prove_writable()
        .map_err(|error| call.store_error(error))
}

fn check_account(account: Option<&Account>, call: &Call<'_>) -> Result<()> {
    match (&call.app.account, account) {
        (Some(expected), Some(actual)) if !expected.is(&actual.login) => Err(Error::OtherAccount {
            app: call.app.label().to_owned(),
            expected: expected.to_string(),
            actual: actual.login.clone(),
            login: call.login_command.to_owned(),
        }),
        _ => Ok(()),
    }
}

fn save(
    grant: Grant,
    account: Option<Account>,
    present: Present,
    call: &Call<'_>,
) -> Result<Record> {
    let mut locked = call.lock()?;
    let generation = next_generation(locked.as_ref(), present, call)?;
    let now = call.clock.now();
    let record = Record {
        generation,
        tokens: grant.into_token_set(now),
        obtained_at: now,
        account,
        intent: None,
        refused: None,
        refresh_refused: None,
    };
    let _whole = signals::whole();
    save_firmly(locked.as_mut(), &record, call.clock).map_err(|error| call.store_error(error))?;
    locked.wipe_rescue();
    let saved = Outcome {
        generation,
        at: now,
        what: Happened::Saved,
    };
    locked
        .report(&saved)
        .and_then(|()| locked.remember_store())
        .map_err(|error| call.store_error(error))?;
    Ok(record)
}

fn next_generation(locked: &dyn LockedStore, present: Present, call: &Call<'_>) -> Result<u64> {
    let stored = match (locked.load(), present) {
        (Ok(record), _) => record.map(|record| record.generation),
        (Err(StoreError::Damaged(_) | StoreError::Newer(_)), Present::Replace) => None,
        (Err(error), _) => return Err(call.store_error(error)),
    };
    let told = locked.outcome().map(|outcome| outcome.generation);
    Ok(stored.max(told).unwrap_or(0) + 1)
}

fn save_firmly(
    locked: &mut dyn LockedStore,
    record: &Record,
    clock: &dyn Clock,
) -> Result<(), StoreError> {
    for _ in 1..SAVE_TRIES {
        if locked.save(record).is_ok() {
            return Ok(());
        }
        clock.sleep(SAVE_PAUSE);
    }
    locked.save(record)
}

/// Shows the code to whoever is there.
struct Shown<'a> {
    output: Output,
    call: &'a Call<'a>,
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

fn tell_present(output: Output, served: &Served, call: &Call<'_>) -> Result<()> {
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

fn tell_new(input: &Input, record: &Record, call: &Call<'_>) -> Result<()> {
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
