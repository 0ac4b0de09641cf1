//! The SHA-256 of a record's last access tokens: by it a token that a long `git push` still holds is
//! known as ghtok's after a refresh has replaced it. No token can be made of it.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::auth::ports::StoreError;
use crate::store::state_file;
use crate::token::{AccessToken, fingerprint};

const VERSION: u64 = 1;
/// More than GitHub keeps alive for one person and App.
const MOST: usize = 12;

/// The stored form: hexadecimal, the newest last.
#[derive(Debug, Serialize, Deserialize)]
struct StoredFingerprints {
    v: u64,
    sha256: Vec<String>,
}

/// Whether this is one of the tokens; `None` if nothing is known of them.
pub(crate) fn contain(path: &Path, token: &str) -> Option<bool> {
    read(path).map(|known| known.contains(&fingerprint(token)))
}

/// Adds a token, if it is not there.
///
/// # Errors
/// If that cannot be written; then nothing is known of any.
pub(crate) fn add(path: &Path, token: &AccessToken) -> Result<(), StoreError> {
    let mut known = read(path).unwrap_or_default();
    let new = fingerprint(token.expose());
    if known.contains(&new) {
        return Ok(());
    }
    known.push(new);
    let document = StoredFingerprints {
        v: VERSION,
        sha256: known.split_off(known.len().saturating_sub(MOST)),
    };
    let bytes = serde_json::to_vec(&document).unwrap_or_default();
    state_file::note(path, &bytes).inspect_err(|_| {
        let _ = state_file::remove(path);
    })
}

fn read(path: &Path) -> Option<Vec<String>> {
    let bytes = state_file::read(path).ok()??;
    let document: StoredFingerprints = serde_json::from_slice(&bytes).ok()?;
    (document.v == VERSION).then_some(document.sha256)
}
