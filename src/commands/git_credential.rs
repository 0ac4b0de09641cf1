//! `ghtok git-credential`: git's credential helper. Never prompts; what is not ours is passed over in
//! silence, so that git goes on with its next helper.

mod choice;
mod via;

use std::ffi::OsStr;
use std::time::Duration;

use zeroize::Zeroizing;

pub use self::choice::choose;
pub use self::via::{Via, pass_on};
use crate::app::App;
use crate::auth::broker::Served;
use crate::auth::record::{Account, Refused};
use crate::commands::Call;
use crate::config::Git;
use crate::error::{Error, Result};
use crate::formats::git_credential::{Answer, Attributes, Malformed, Request};
use crate::system::terminal::Terminal;
use crate::token::MinTtl;

/// A token answered 401 so soon after it was made is most often good: GitHub's replicas lag.
const TOO_YOUNG_TO_DIE: Duration = Duration::from_secs(60);

/// What git asks a helper to do (git-credential(1); gitcredentials(7), "CUSTOM HELPERS").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// A credential is wanted.
    Get,
    /// One has worked. Ours is kept already, and others are none of our business.
    Store,
    /// One was refused.
    Erase,
    /// What does this helper understand?
    Capability,
    /// One of a later git, to be ignored.
    Unknown,
}

impl Operation {
    /// Reads git's word for it.
    pub fn of(word: &OsStr) -> Self {
        match word.to_str() {
            Some("get") => Self::Get,
            Some("store") => Self::Store,
            Some("erase") => Self::Erase,
            Some("capability") => Self::Capability,
            Some(_) | None => Self::Unknown,
        }
    }
}

/// What is left to do once the description is read.
pub enum Next {
    /// Nothing.
    Done,
    /// To answer.
    Get(Request),
    /// To note a refusal.
    Erase(Request),
}

/// Does what needs no App, and reads the description of what does.
///
/// # Errors
/// If standard output cannot be written.
pub fn begin(operation: Operation, terminal: Terminal) -> Result<Next> {
    match operation {
        Operation::Unknown => Ok(Next::Done),
        Operation::Capability => print(&Answer::Capabilities, terminal).map(|()| Next::Done),
        Operation::Store => {
            // Read all the same: a caller whose pipe breaks could take it for a failure.
            let _ = Attributes::read_from(terminal.input());
            Ok(Next::Done)
        }
        Operation::Get => Ok(described(terminal).map_or(Next::Done, Next::Get)),
        Operation::Erase => Ok(described(terminal).map_or(Next::Done, Next::Erase)),
    }
}

fn described(terminal: Terminal) -> Option<Request> {
    match Request::read_from(terminal.input()) {
        Ok(request) => Some(request),
        Err(Malformed(why)) => {
            terminal.note(&format!("git-credential: ignored: the description {why}"));
            None
        }
    }
}

/// Answers with a token of this App, if its account is the one that is wanted.
///
/// # Errors
/// Whatever keeps a token from being had.
pub fn get(request: &Request, usual: MinTtl, call: &Call<'_>) -> Result<()> {
    let wanted = request.account();
    if let Some(wanted) = wanted.filter(|_| call.app.account.is_none())
        && !is(call.broker.load()?.account.as_ref(), wanted)
    {
        return Ok(());
    }
    let Served {
        token,
        expires_at,
        account,
        ..
    } = call.broker.access_token(usual)?;
    if wanted.is_some_and(|wanted| !is_account_of(call.app, account.as_ref(), wanted)) {
        return Ok(());
    }
    let answer = Answer::Token {
        form: request.form(),
        username: request.answer_name(),
        token: &token,
        expires_at,
    };
    print(&answer, call.terminal)
}

/// A configured account is checked by the broker.
fn is_account_of(app: &App, actual: Option<&Account>, wanted: &str) -> bool {
    match &app.account {
        Some(configured) => configured.is(wanted),
        None => is(actual, wanted),
    }
}

fn is(account: Option<&Account>, wanted: &str) -> bool {
    account.is_some_and(|account| account.login.eq_ignore_ascii_case(wanted))
}

/// Says in one line why there is no token, and goes on: git asks its next helper, or the person.
pub fn give_up(error: &Error, git: Git, terminal: Terminal) {
    if matches!(error, Error::OutputClosed | Error::Output(_)) {
        return;
    }
    match error.hint() {
        Some(hint) => terminal.note(&format!("{error}; {hint}")),
        None => terminal.note(&error.to_string()),
    }
    if git.quit {
        // git that no longer listens needs no answer.
        let _ = print(&Answer::Quit, terminal);
    }
}

/// Marks the token as refused, if it is the one that was; the next `get` asks GitHub. A different
/// one was replaced by somebody's refresh already. Waits for nothing and nobody.
///
/// # Errors
/// What the store says.
pub fn erase(request: &Request, call: &Call<'_>) -> Result<()> {
    let carried = |stored: &crate::auth::record::Record| {
        let age = stored.obtained_at.until(call.clock.now());
        request.carries(stored.tokens.access_token())
            && age > TOO_YOUNG_TO_DIE
            && stored.refused.is_none()
            && stored.intent.is_none()
    };
    let failed = |error| call.store_error(error);
    if !call
        .store
        .load()
        .map_err(failed)?
        .is_some_and(|stored| carried(&stored))
    {
        return Ok(());
    }
    let Some(mut locked) = call.store.try_lock().map_err(failed)? else {
        return Ok(());
    };
    match locked.load().map_err(failed)? {
        Some(mut record) if carried(&record) => {
            record.refused = Some(Refused::Reported(call.clock.now()));
            locked.save(&record).map_err(failed)
        }
        Some(_) | None => Ok(()),
    }
}

fn print(answer: &Answer<'_>, terminal: Terminal) -> Result<()> {
    let mut text = Zeroizing::new(Vec::with_capacity(4096));
    match answer.write_to(&mut *text) {
        Ok(()) => terminal.data(&text),
        Err(Malformed(_)) => Ok(()),
    }
}
