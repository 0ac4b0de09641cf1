//! Removes a stored sign-in, even a damaged one, and everything made from it.

use super::Call;
use crate::auth::outcome::{Happened, Outcome};
use crate::auth::ports::{LockedStore, StoreError};
use crate::auth::record::Record;
use crate::error::Result;

/// What was removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignedOut {
    /// A sign-in.
    Record,
    /// A record that is damaged, or a later ghtok's.
    Unreadable,
    Nothing,
}

impl SignedOut {
    /// What a person is told.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Nothing => "not signed in; nothing was stored",
            Self::Record | Self::Unreadable => "signed out; the tokens were deleted here",
        }
    }
}

/// Removes the sign-in of this call. `before` is done with the record first; if it fails, nothing is removed.
///
/// # Errors
/// Those of `before` and of the store.
pub(crate) fn sign_out(
    call: &Call<'_>,
    before: impl FnOnce(&Record) -> Result<()>,
) -> Result<SignedOut> {
    end_scoped_tokens(call);
    let mut locked = call.lock()?;
    let (signed_out, generation) = match locked.load() {
        Ok(Some(record)) => {
            before(&record)?;
            (SignedOut::Record, Some(record.generation))
        }
        Ok(None) => (SignedOut::Nothing, None),
        Err(error @ (StoreError::Damaged(_) | StoreError::Newer(_))) => {
            call.terminal.note(&call.store_error(error).to_string());
            (SignedOut::Unreadable, None)
        }
        Err(error) => return Err(call.store_error(error)),
    };
    forget(locked.as_mut(), signed_out, generation, call)?;
    Ok(signed_out)
}

/// Revokes the scoped tokens, which would outlive the sign-in.
pub(super) fn end_scoped_tokens(call: &Call<'_>) {
    let app = call.app.label();
    match call.revoke_scoped(None) {
        Ok(0) => {}
        Ok(1) => call
            .terminal
            .note(&format!("{app}: 1 scoped token was revoked")),
        Ok(count) => call
            .terminal
            .note(&format!("{app}: {count} scoped tokens were revoked")),
        Err(error) => call.terminal.note(&format!(
            "{error}; the scoped tokens end at their expiry, within hours, or with the next logout"
        )),
    }
}

fn forget(
    locked: &mut dyn LockedStore,
    signed_out: SignedOut,
    generation: Option<u64>,
    call: &Call<'_>,
) -> Result<()> {
    locked.delete().map_err(|error| call.store_error(error))?;
    // The tokens are gone: what is left holds none that could be read.
    if let Err(error) = locked.forget_rest() {
        call.terminal.note(&call.store_error(error).to_string());
    }
    let last = locked.outcome();
    if signed_out == SignedOut::Nothing && last.is_none() {
        return Ok(());
    }
    let deleted = Outcome {
        generation: generation
            .or(last.map(|outcome| outcome.generation))
            .unwrap_or(0),
        at: call.clock.now(),
        what: Happened::Deleted,
    };
    // The record is gone already; the outcome only wakes those who wait.
    let _ = locked.report(&deleted);
    Ok(())
}
