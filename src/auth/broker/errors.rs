//! What the failures of stores and of GitHub mean to a person.

use std::path::PathBuf;

use crate::app::App;
use crate::auth::ports::{StoreError, TokenStore};
use crate::error::{Error, StoredTokens};
use crate::formats::shell::word;
use crate::github::ErrorCode;

/// What a store's failure means to a person.
pub fn store_error(error: StoreError, app: &App, login: &str, store: &dyn TokenStore) -> Error {
    let place = store.place();
    let login = login.to_owned();
    match error {
        StoreError::Locked => Error::StoreLocked {
            store: place,
            login,
        },
        StoreError::ConfirmsAccess => Error::StoreConfirmsAccess {
            store: place,
            login: login_to(&login, Some(store.other_store())),
        },
        StoreError::Unreachable(cause) => Error::StoreUnreachable {
            store: place,
            cause,
            login: login_to(&login, Some(store.other_store())),
        },
        StoreError::Absent(cause) => Error::StoreUnreachable {
            store: place,
            cause,
            login: login_to(
                &login,
                (!store.is_chosen_at_sign_in()).then(|| store.other_store()),
            ),
        },
        StoreError::Failed(cause) => Error::StoreFailed {
            store: place,
            cause,
            tokens: StoredTokens::Kept,
        },
        StoreError::TimedOut(limit) => Error::StoreTimedOut {
            store: place,
            limit,
            login: login_to(&login, Some(store.other_store())),
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

/// The command that signs in to another store than the one that cannot be used.
fn login_to(login: &str, store: Option<&str>) -> String {
    let (login, _) = login.split_once(" --store ").unwrap_or((login, ""));
    match store {
        Some(store) => format!("{login} --store {store}"),
        None => login.to_owned(),
    }
}

/// A private file that is not private, with the command that makes it so.
pub fn exposed(path: PathBuf, mode: u32) -> Error {
    Error::Exposed {
        cure: format!("chmod 600 {}", word(&path.to_string_lossy())),
        rights: "read or write",
        path,
        mode,
    }
}

/// What GitHub's final refusal means to a person.
pub fn refused(app: &App, code: &ErrorCode, login: &str) -> Error {
    Error::Refused {
        app: app.label().to_owned(),
        host: app.host.to_string(),
        code: code.as_str().to_owned(),
        meaning: code.meaning(),
        cure: code.cure(&app.host, &app.client_id, login),
    }
}
