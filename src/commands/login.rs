//! `ghtok login`: signs a person in. The one command that asks somebody.

mod company;
mod person;
mod program;
mod saved_app;
mod words;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::app::App;
use crate::auth::broker::Served;
use crate::auth::device_flow::DeviceFlow;
use crate::auth::outcome::{Happened, Outcome};
use crate::auth::ports::{Clock, LockedStore, Prompt, StoreError};
use crate::auth::record::{Account, Record};
use crate::commands::Call;
use crate::config::StoreChoice;
use crate::error::{Error, Result};
use crate::formats::shell::word;
use crate::github::Grant;
use crate::host::HostKind;
use crate::system::browser::Browser;
use crate::system::signals;
use crate::system::terminal::screen::Screen;
use crate::token::MinTtl;
use person::accompanied;
pub use saved_app::{AppInConfig, SavedApp};
use words::{interrupted, tell_new, tell_present, warn_of_oauth_app};

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
    /// What a person asked for beside the page and the code.
    pub aids: Aids,
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

/// What may be done with the page and the code, beside showing them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aids {
    /// Enter may open a browser.
    pub browser: bool,
    /// The code goes into the clipboard.
    pub clipboard: bool,
    /// The page is drawn as a QR code.
    pub qr: bool,
}

/// What the person who signs in has before them.
pub struct Desk<'a> {
    /// Time, for the line that counts down in a thread of its own.
    pub clock: &'a (dyn Clock + Sync),
    /// What they see.
    pub screen: Arc<Screen>,
    /// What opens the page.
    pub browser: Offer,
    /// What takes the code into the clipboard; the first that is there will do.
    pub clipboards: Vec<String>,
    /// Where programs are looked for.
    pub folders: Vec<PathBuf>,
    /// Writes the App into the configuration, where it is not there and is to be, and says how it is
    /// found from then on.
    pub save_app: &'a (dyn Fn() -> SavedApp + Sync),
}

/// Whether a browser can be offered.
#[derive(Clone, Debug)]
pub enum Offer {
    /// This one.
    Opens(Browser),
    /// None, and why.
    None(String),
}

/// The command that signs in to an App, as it can be typed; with a store if it must name one.
pub fn command(app: &App, store: Option<StoreChoice>) -> String {
    let mut command = match &app.name {
        Some(name) => format!("ghtok login {name}"),
        None => format!("ghtok login --client-id {}", app.client_id),
    };
    if app.name.is_none() && app.host.kind() != HostKind::GitHubCom {
        command.push_str(&format!(" --host {}", word(&app.host.spelling())));
    }
    if let Some(store) = store {
        command.push_str(&format!(" --store {store}"));
    }
    command
}

/// Signs in, unless a good sign-in is there.
///
/// # Errors
/// Whatever keeps a person from being signed in; then what was stored stays.
pub fn run(input: &Input, usual: MinTtl, desk: &Desk<'_>, call: &Call<'_>) -> Result<()> {
    unlock(call)?;
    if input.present == Present::Keep && tell_if_signed_in(input, usual, desk, call)? {
        return Ok(());
    }
    warn_of_oauth_app(call);
    let saved = Arc::new(AtomicBool::new(false));
    end_with_a_word(input.output, &saved, &desk.screen);
    let record = match input.output {
        Output::Events => sign_in(input.present, &mut program::Shown { call }, call)?,
        Output::Person => accompanied(input.aids, desk, call, |prompt| {
            sign_in(input.present, prompt, call)
        })?,
    };
    saved.store(true, Ordering::SeqCst);
    tell_new(input, &record, desk, call)
}

/// Tells of a good sign-in in the store of this call, if there is one.
///
/// # Errors
/// If the store does not tell, or nobody can be told.
pub fn tell_if_signed_in(
    input: &Input,
    usual: MinTtl,
    desk: &Desk<'_>,
    call: &Call<'_>,
) -> Result<bool> {
    match present(usual, call)? {
        Some(served) => tell_present(input.output, &served, desk, call).map(|()| true),
        None => Ok(false),
    }
}

/// A signal leaves the terminal in order, and says what became of the sign-in.
fn end_with_a_word(output: Output, saved: &Arc<AtomicBool>, screen: &Arc<Screen>) {
    let (saved, screen) = (Arc::clone(saved), Arc::clone(screen));
    signals::end_with_a_word(Box::new(move |signal| {
        if output == Output::Person {
            screen.hush();
        }
        let left = if saved.load(Ordering::SeqCst) {
            "you are signed in"
        } else {
            "nothing was changed"
        };
        interrupted(output, left, signal)
    }));
}

/// The device flow, and its tokens into the store.
///
/// # Errors
/// As [`run`].
pub fn sign_in(present: Present, prompt: &mut dyn Prompt, call: &Call<'_>) -> Result<Record> {
    prove_replaceable(present, call)?;
    let flow = DeviceFlow {
        app: call.app,
        login_command: call.login_command,
        github: call.github,
        clock: call.clock,
    };
    let grant = flow.run(prompt)?;
    let account = flow.account(&grant.access_token);
    check_account(account.as_ref(), call)?;
    save(grant, account, present, call)
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

/// The sign-in that is there, if it is good.
fn present(usual: MinTtl, call: &Call<'_>) -> Result<Option<Served>> {
    let served = call
        .broker
        .load()
        .and_then(|record| match call.broker.sign_in_reason(&record) {
            Some(error) => Err(error),
            None => call.broker.access_token(usual),
        });
    match served {
        // Where the refresh token was refused, the sign-in ends with its access token.
        Ok(served) => Ok(Some(served).filter(|served| served.sign_in_before.is_none())),
        Err(Error::SignInNeeded { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A full disk, a read-only folder or a record that may not be read is found before a person is
/// asked, not after.
fn prove_replaceable(present: Present, call: &Call<'_>) -> Result<()> {
    let mut locked = call.lock()?;
    next_generation(locked.as_ref(), present, call)?;
    locked
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
        .remember_store()
        .and_then(|()| locked.report(&saved))
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
