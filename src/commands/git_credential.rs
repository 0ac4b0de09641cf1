//! `ghtok git-credential`: git's credential helper. Never prompts; what is not ours is passed over in
//! silence, so that git goes on with its next helper.

mod choice;
mod via;

use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;

use zeroize::Zeroizing;

pub use self::choice::{Choice, choose};
pub use self::via::{Via, pass_on};
use crate::app::{AccountName, App};
use crate::auth::broker::Served;
use crate::auth::record::{Account, Refused};
use crate::commands::Call;
use crate::config::Git;
use crate::error::{Error, Result};
use crate::formats::git_credential::{Answer, Attributes, Malformed, Request};
use crate::formats::plain_text::{one_line, without_tricks};
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
            terminal.note(&format!(
                "git-credential: not answered: the description {why}"
            ));
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
    if let Some(wanted) = wanted.filter(|_| call.app.account.is_none()) {
        let account = call.broker.load()?.account;
        if !is(account.as_ref(), wanted) {
            tell_other_account(wanted, account.as_ref(), call);
            return Ok(());
        }
    }
    let Served {
        token,
        expires_at,
        account,
        ..
    } = call.broker.access_token(usual)?;
    if let Some(wanted) = wanted
        && !is_account_of(call.app, account.as_ref(), wanted)
    {
        tell_other_account(wanted, account.as_ref(), call);
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

fn tell_other_account(wanted: &str, account: Option<&Account>, call: &Call<'_>) {
    let host = &call.app.host;
    let (wanted, why) = (
        name_shown(wanted),
        match account {
            Some(Account { login, .. }) => format!(
                "ghtok is signed in to {host} as {login} (remove the user name from the URL to use {login})"
            ),
            None => format!("GitHub has not said yet whose sign-in ghtok has for {host}"),
        },
    );
    call.terminal.note(&format!(
        "git-credential: not answered: git asks for {wanted}, and {why}"
    ));
}

/// A user name from a URL, if it can be one of GitHub's: a token has more characters.
fn name_shown(name: &str) -> String {
    const LONGEST_LOGIN: usize = 39;
    match AccountName::parse(name) {
        Ok(_) if name.len() <= LONGEST_LOGIN => format!("\"{name}\""),
        Ok(_) | Err(_) => "a user name that is no GitHub login".into(),
    }
}

/// Says why git is not answered although there is an App of the host. Where none reaches the repository
/// nothing is said: other helpers are asked.
pub fn tell_choice(choice: &Choice<'_>, request: &Request, file: &Path, terminal: Terminal) {
    let labels = |apps: &[&App]| {
        let labels: Vec<&str> = apps.iter().map(|app| app.label()).collect();
        labels.join(", ")
    };
    let why = match choice {
        Choice::App(_) | Choice::Nobody => return,
        Choice::OtherAccounts(apps) => format!(
            "git asks for {}, and the Apps of this host ({}) are configured for other accounts",
            name_shown(request.account().unwrap_or_default()),
            labels(apps)
        ),
        Choice::Several(apps) => format!(
            "several Apps fit ({}); set default_app or owners in {}",
            labels(apps),
            without_tricks(&file.to_string_lossy())
        ),
    };
    terminal.note(&format!("git-credential: not answered: {why}"));
}

/// Says that there is no App at all: most often git runs without the variable that leads to the
/// configuration.
pub fn tell_no_app(file: &Path, terminal: Terminal) {
    terminal.note(&format!(
        "git-credential: not answered: no App is configured in {}; if the configuration is elsewhere, run where it is found: ghtok setup git",
        without_tricks(&file.to_string_lossy())
    ));
}

/// Says in one line why there is no token, and goes on: git asks its next helper, or the person.
pub fn give_up(error: &Error, git: Git, terminal: Terminal) {
    const LONGEST: usize = 2000;
    if matches!(error, Error::OutputClosed | Error::Output(_)) {
        return;
    }
    let words = match error.hint() {
        Some(hint) => format!("{error}; {hint}"),
        None => error.to_string(),
    };
    terminal.note(&one_line(&words, LONGEST));
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
