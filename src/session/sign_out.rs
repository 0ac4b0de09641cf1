//! Removes a stored sign-in, even a damaged one, and everything made from it.

use super::Call;
use crate::auth::ports::StoreError;
use crate::auth::record::Record;
use crate::auth::sign_in_record::{Stored, delete_sign_in};
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
    let (signed_out, stored) = match locked.load() {
        Ok(Some(record)) => {
            before(&record)?;
            (SignedOut::Record, Stored::Generation(record.generation))
        }
        Ok(None) => (SignedOut::Nothing, Stored::Nothing),
        Err(error @ (StoreError::Damaged(_) | StoreError::Newer(_))) => {
            call.terminal.note(&call.store_error(error).to_string());
            (SignedOut::Unreadable, Stored::Unreadable)
        }
        Err(error) => return Err(call.store_error(error)),
    };
    let note = |error| call.terminal.note(&call.store_error(error).to_string());
    delete_sign_in(locked.as_mut(), stored, call.clock, note)
        .map_err(|error| call.store_error(error))?;
    Ok(signed_out)
}

/// Revokes the scoped tokens, which would outlive the sign-in.
pub(super) fn end_scoped_tokens(call: &Call<'_>) {
    let app = call.app.label();
    match call.revoke_all_scoped() {
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
