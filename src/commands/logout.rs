//! `ghtok logout`: forgets a sign-in, a damaged one too; with `--revoke` GitHub forgets it first.

use crate::auth::broker::refused;
use crate::auth::outcome::{Happened, Outcome};
use crate::auth::ports::{LockedStore, StoreError};
use crate::auth::record::Record;
use crate::error::{Error, Result, StoredTokens};
use crate::github::{HttpError, RequestFailure};
use crate::session::Call;

/// What `logout` is asked.
#[derive(Clone, Copy, Debug)]
pub struct Input {
    /// Who forgets.
    pub scope: Scope,
}

/// Who forgets the tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// This machine.
    Here,
    /// GitHub too: both tokens die, and GitHub mails their owner.
    AlsoAtGitHub,
}

/// Forgets one App's sign-in.
///
/// # Errors
/// If the store cannot be changed, or GitHub was to revoke and did not: then nothing is forgotten.
pub fn run(input: Input, call: &Call<'_>) -> Result<()> {
    let mut locked = call.lock()?;
    let stored = match locked.load() {
        Ok(Some(record)) => Stored::Record(Box::new(record)),
        Ok(None) => Stored::Nothing,
        Err(error @ (StoreError::Damaged(_) | StoreError::Newer(_))) => {
            call.terminal.note(&call.store_error(error).to_string());
            Stored::Unreadable
        }
        Err(error) => return Err(call.store_error(error)),
    };
    if let (Scope::AlsoAtGitHub, Stored::Record(record)) = (input.scope, &stored) {
        revoke(record, call)?;
    }
    forget(locked.as_mut(), &stored, call)?;
    let done = match (stored, input.scope) {
        (Stored::Nothing, _) => "not signed in; nothing was stored",
        (Stored::Record(_), Scope::AlsoAtGitHub) => {
            "signed out; GitHub revoked the tokens and tells their owner by mail"
        }
        (Stored::Unreadable, Scope::AlsoAtGitHub) => {
            "signed out; there was no token that GitHub could be asked to revoke"
        }
        (Stored::Record(_) | Stored::Unreadable, Scope::Here) => {
            "signed out; the tokens are forgotten here"
        }
    };
    call.terminal.note(&format!("{}: {done}", call.app.label()));
    Ok(())
}

/// What the store has of a sign-in.
enum Stored {
    Record(Box<Record>),
    /// It is damaged, or a later ghtok's.
    Unreadable,
    Nothing,
}

fn revoke(record: &Record, call: &Call<'_>) -> Result<()> {
    let tokens = &record.tokens;
    call.github
        .revoke(tokens.access_token(), tokens.refresh_token())
        .map_err(|failure| {
            let app = call.app.label().to_owned();
            let tokens = match failure {
                RequestFailure::Unknown(_) => StoredTokens::PerhapsRevoked,
                _ => StoredTokens::Kept,
            };
            match failure {
                RequestFailure::Refused { code } => refused(call.app, &code, call.login_command),
                RequestFailure::Answered {
                    status: 401 | 403 | 404 | 422,
                    cause: HttpError::HttpStatus { status, .. },
                    retry_after: None,
                } => no_revocation(status, call),
                RequestFailure::NotSent(cause) | RequestFailure::Unknown(cause) => {
                    cause.setting_error().unwrap_or_else(|| Error::Temporary {
                        app,
                        what: "could not revoke the tokens, so nothing was forgotten",
                        cause: cause.to_string(),
                        retry_after: None,
                        tokens,
                    })
                }
                RequestFailure::Answered {
                    cause, retry_after, ..
                } => Error::Temporary {
                    app,
                    what: "could not revoke the tokens, so nothing was forgotten",
                    cause: cause.to_string(),
                    retry_after,
                    tokens,
                },
            }
        })
}

/// GitHub Enterprise Server has no such address, or asks for a signature that we must not give
/// (docs.github.com, "REST API endpoints for revocation").
fn no_revocation(status: u16, call: &Call<'_>) -> Error {
    let logout = call.login_command.replacen("login", "logout", 1);
    Error::Refused {
        app: call.app.label().to_owned(),
        host: call.app.host.to_string(),
        code: format!("HTTP {status}"),
        meaning: "it revokes no tokens in this way, so nothing was forgotten",
        cure: format!(
            "revoke the App at {}/settings/apps/authorizations, then forget the tokens here with: {logout}",
            call.app.host.web_url()
        ),
    }
}

fn forget(locked: &mut dyn LockedStore, stored: &Stored, call: &Call<'_>) -> Result<()> {
    locked.delete().map_err(|error| call.store_error(error))?;
    // The tokens are gone: what is left holds none that could be read.
    if let Err(error) = locked.forget_rest() {
        call.terminal.note(&call.store_error(error).to_string());
    }
    let last = locked.outcome();
    if matches!(stored, Stored::Nothing) && last.is_none() {
        return Ok(());
    }
    let known = match stored {
        Stored::Record(record) => Some(record.generation),
        Stored::Unreadable | Stored::Nothing => None,
    };
    let deleted = Outcome {
        generation: known
            .or(last.map(|outcome| outcome.generation))
            .unwrap_or(0),
        at: call.clock.now(),
        what: Happened::Deleted,
    };
    // The record is gone already; the outcome only wakes those who wait.
    let _ = locked.report(&deleted);
    Ok(())
}
