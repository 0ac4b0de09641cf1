//! `ghtok login`: signs a person in. The one command that asks somebody.

mod company;
mod person;
mod program;
mod saved_app;
mod words;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::auth::broker::Served;
use crate::auth::ports::{Clock, Prompt, StoreError};
use crate::auth::record::{Account, Record};
use crate::error::{Error, Result};
use crate::session::Call;
use crate::session::sign_in::{By, first_sign_in};
pub use crate::session::sign_in::{Present, Switch};
use crate::system::browser::Browser;
use crate::system::signals;
use crate::system::terminal::screen::Screen;
use crate::token::MinTtl;
use person::accompanied;
pub use program::Since;
pub use saved_app::{AppInConfig, SavedApp};
use words::{interrupted, tell_new, tell_present, warn_of_oauth_app};

/// What `login` is asked.
#[derive(Clone, Debug)]
pub struct Input {
    /// What a good sign-in means for this one.
    pub present: Present,
    /// How to talk.
    pub output: Output,
    /// What a person asked for beside the page and the code.
    pub aids: Aids,
    /// Whether another account may take the place of the stored one.
    pub switch: Switch,
    /// Whose sign-in is in another store than the new one goes to.
    pub elsewhere: Option<Account>,
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

/// Signs in, unless a good sign-in is there; says which.
///
/// # Errors
/// Whatever keeps a person from being signed in; then what was stored stays.
pub fn run(input: &Input, usual: MinTtl, desk: &Desk<'_>, call: &Call<'_>) -> Result<Since> {
    unlock(call)?;
    if input.present == Present::Keep && tell_if_signed_in(input, usual, desk, call)? {
        return Ok(Since::Before);
    }
    warn_of_oauth_app(call);
    let saved = Arc::new(AtomicBool::new(false));
    end_with_a_word(input.output, &saved, &desk.screen);
    let switch = match (input.switch, input.output) {
        (Switch::Ask, Output::Events) => Switch::Never,
        (Switch::Ask, Output::Person) if !call.terminal.has_person() => Switch::Never,
        (switch, _) => switch,
    };
    let elsewhere = input.elsewhere.as_ref();
    let sign_in = |prompt: &mut dyn Prompt| {
        first_sign_in(input.present, prompt, switch.agreed(), elsewhere, call)
    };
    let (kept, by) = match input.output {
        Output::Events => sign_in(&mut program::Shown { call })?,
        Output::Person => accompanied(input.aids, desk, call, sign_in)?,
    };
    let record = kept.settle(input.present, switch, elsewhere, call)?;
    saved.store(true, Ordering::SeqCst);
    tell_new(input, &SignedIn { record, by }, desk, call)?;
    Ok(Since::Now)
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

/// A sign-in that is stored now.
struct SignedIn {
    record: Record,
    by: By,
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
            None => call.broker.access_token_for_login(usual),
        });
    match served {
        // Where the refresh token was refused, the sign-in ends with its access token.
        Ok(served) => Ok(Some(served).filter(|served| served.sign_in_before.is_none())),
        Err(Error::SignInNeeded { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
