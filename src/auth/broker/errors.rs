//! Turns failures of stores and of GitHub into errors with a message and a hint.

use std::path::PathBuf;

use crate::app::App;
use crate::auth::outcome::{Attempt, FailureCause, SharedFailure};
use crate::auth::ports::{StoreError, TokenStore};
use crate::error::{Error, StoredTokens};
use crate::formats::shell::word;
use crate::github::ErrorCode;

use super::Broker;

/// Which process made the failed attempt.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    Own,
    Another,
}

impl Broker<'_> {
    pub(super) fn gave_up(&self) -> Error {
        Error::GaveUpWaiting {
            app: self.app.label().to_owned(),
            waited: self.limits.caller,
        }
    }

    pub(super) fn failed(&self, failure: &SharedFailure, whose: Whose) -> Error {
        match &failure.cause {
            FailureCause::Store(error) => self.cannot_refresh(error.clone()),
            FailureCause::Limit(limit) => self.cannot_refresh(StoreError::Limit(limit.clone())),
            FailureCause::NotLoopback(problem) => Error::Config {
                origin: "host".into(),
                problem: problem.clone(),
            },
            FailureCause::NoCaCertificates => Error::NoCaCertificates,
            FailureCause::Refused(code) => {
                github_error(self.app, &ErrorCode::parse(code), &(self.login_command)())
            }
            FailureCause::Temporary(cause) => Error::Temporary {
                app: self.app.label().to_owned(),
                what: not_done(failure.attempt, whose),
                cause: cause.clone(),
                retry_after: failure.retry_at.map(|at| self.clock.now().until(at)),
                tokens: StoredTokens::Kept,
            },
        }
    }

    /// The error if a refresh cannot begin or be stored. If only this process cannot do it, the hint
    /// suggests one outside its sandbox.
    pub(super) fn cannot_refresh(&self, error: StoreError) -> Error {
        let refresh = || Some((self.login_command)().replacen("login", "refresh", 1));
        match error {
            StoreError::ReadOnly { path, cause } => Error::ReadOnly {
                path,
                cause,
                refresh: refresh(),
                tokens: StoredTokens::Kept,
            },
            StoreError::Limit(limit) => Error::Limit {
                app: self.app.label().to_owned(),
                what: not_done(Attempt::Refresh, Whose::Own),
                limit,
                refresh: refresh(),
                tokens: StoredTokens::Kept,
            },
            error => self.store_error(error),
        }
    }

    pub(crate) fn store_error(&self, error: StoreError) -> Error {
        store_error(error, self.app, &(self.login_command)(), self.store)
    }
}

/// What failed, and whether another process tried it.
fn not_done(attempt: Attempt, whose: Whose) -> &'static str {
    match (attempt, whose) {
        (Attempt::Refresh, Whose::Own) => "could not refresh the token",
        (Attempt::Refresh, Whose::Another) => "another ghtok could not refresh the token",
        (Attempt::Check, Whose::Own) => "could not check whether GitHub still accepts the token",
        (Attempt::Check, Whose::Another) => {
            "another ghtok could not check whether GitHub still accepts the token"
        }
        (Attempt::Account, Whose::Own) => "could not ask GitHub whose token this is",
        (Attempt::Account, Whose::Another) => {
            "another ghtok could not ask GitHub whose token this is"
        }
    }
}

/// The error for a store's failure.
pub fn store_error(error: StoreError, app: &App, login: &str, store: &dyn TokenStore) -> Error {
    let place = store.place();
    // Without such a store, a sign-in may choose another one by itself.
    let needs_no_name = matches!(error, StoreError::Absent(_)) && store.is_chosen_at_sign_in();
    let other_store = (!needs_no_name).then(|| store.other_store());
    let login_elsewhere = login_to(login, other_store);
    let login = login.to_owned();
    match error {
        StoreError::Locked => Error::StoreLocked {
            store: place,
            login,
        },
        StoreError::ConfirmsAccess => Error::StoreConfirmsAccess {
            store: place,
            login: login_elsewhere,
        },
        StoreError::Unreachable(cause) | StoreError::Absent(cause) => Error::StoreUnreachable {
            store: place,
            cause,
            login: login_elsewhere,
        },
        StoreError::Failed(cause) => Error::StoreFailed {
            store: place,
            cause,
            tokens: StoredTokens::Kept,
        },
        StoreError::TimedOut(limit) => Error::StoreTimedOut {
            store: place,
            limit,
            login: login_elsewhere,
        },
        StoreError::Damaged(problem) => Error::Damaged {
            app: app.label().to_owned(),
            place,
            problem,
            login,
        },
        StoreError::Newer(version) => Error::Newer {
            app: app.label().to_owned(),
            place,
            version,
            login,
        },
        StoreError::ReadOnly { path, cause } => Error::ReadOnly {
            path,
            cause,
            refresh: None,
            tokens: StoredTokens::Kept,
        },
        StoreError::Limit(limit) => Error::Limit {
            app: app.label().to_owned(),
            what: "cannot use its files",
            limit,
            refresh: None,
            tokens: StoredTokens::Kept,
        },
        StoreError::File { doing, path, cause } => Error::File { doing, path, cause },
        StoreError::Exposed { path, mode } => exposed(path, mode),
    }
}

/// The command that signs in to another store.
fn login_to(login: &str, store: Option<&str>) -> String {
    let (login, _) = login.split_once(" --store ").unwrap_or((login, ""));
    match store {
        Some(store) => format!("{login} --store {store}"),
        None => login.to_owned(),
    }
}

/// The error for a private file that others can read, with the command that corrects it.
pub(crate) fn exposed(path: PathBuf, mode: u32) -> Error {
    Error::Exposed {
        fix: format!("chmod 600 {}", word(&path.to_string_lossy())),
        rights: "read or write",
        path,
        mode,
    }
}

/// The error for a permanent error of GitHub.
pub fn github_error(app: &App, code: &ErrorCode, login: &str) -> Error {
    Error::Refused {
        app: app.label().to_owned(),
        host: app.host.to_string(),
        code: code.as_str().to_owned(),
        meaning: code.meaning(),
        fix: code.fix(&app.host, &app.client_id, login),
    }
}
