//! Storing the tokens of a new sign-in, and deleting those of an old one, under the record's lock.

use std::time::Duration;

use crate::auth::outcome::{Happened, Outcome};
use crate::auth::ports::{Clock, LockedStore, StoreError};
use crate::auth::record::{Account, Record};
use crate::auth::saving::{Retries, save_with_retries};
use crate::github::GrantedTokens;

/// How long to retry saving a new sign-in. A slow store gets its tries too.
const SAVE_RETRIES: Retries = Retries {
    at_least: 5,
    within: Duration::from_millis(800),
};

/// Stores a new sign-in in place of `stored`, and wakes those who wait for a refresh of that one.
///
/// # Errors
/// The store's error.
pub fn save_sign_in(
    locked: &mut dyn LockedStore,
    stored: Option<&Record>,
    grant: GrantedTokens,
    account: Option<Account>,
    clock: &dyn Clock,
) -> Result<Record, StoreError> {
    let now = clock.now();
    let generation = next_generation(locked, stored);
    let mut record = Record::granted(generation, grant.into_token_set(now), now, account);
    save_after_others(locked, &mut record, clock)?;
    locked.wipe_rescue();
    let saved = Outcome {
        generation: record.generation,
        at: now,
        what: Happened::Saved,
    };
    locked.remember_store()?;
    locked.report(&saved)?;
    Ok(record)
}

/// The next generation after both the stored record and the outcome, so that a refresh of the previous
/// sign-in is not mistaken for one of this sign-in.
fn next_generation(locked: &dyn LockedStore, stored: Option<&Record>) -> u64 {
    let told = locked.outcome().map(|outcome| outcome.generation);
    let stored = stored.map(|record| record.generation);
    stored.max(told).unwrap_or(0) + 1
}

/// If the lock does not exclude others, another process may store a newer record between two attempts. A
/// sign-in that was just approved gets a later generation.
fn save_after_others(
    locked: &mut dyn LockedStore,
    record: &mut Record,
    clock: &dyn Clock,
) -> Result<(), StoreError> {
    let mut is_first = true;
    save_with_retries(
        clock,
        SAVE_RETRIES,
        |_| false,
        || {
            if !is_first && let Ok(Some(stored)) = locked.load() {
                record.generation = record.generation.max(stored.generation + 1);
            }
            is_first = false;
            locked.save(record)
        },
    )
}

/// A sign-in that is to be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// A record of this generation.
    Generation(u64),
    /// A record that cannot be read.
    Unreadable,
    /// None; files of one may be left.
    Nothing,
}

/// Deletes a sign-in and its files, and wakes those who wait for a refresh of it. `left` is told why a file
/// could not be removed; none of them holds a token that could be read without the record.
///
/// # Errors
/// If the record could not be deleted.
pub fn delete_sign_in(
    locked: &mut dyn LockedStore,
    stored: Stored,
    clock: &dyn Clock,
    left: impl FnOnce(StoreError),
) -> Result<(), StoreError> {
    locked.delete()?;
    if let Err(error) = locked.forget_rest() {
        left(error);
    }
    let last = locked.outcome();
    if stored == Stored::Nothing && last.is_none() {
        return Ok(());
    }
    let generation = match stored {
        Stored::Generation(generation) => generation,
        Stored::Unreadable | Stored::Nothing => last.map_or(0, |outcome| outcome.generation),
    };
    // The record is gone already; the outcome only wakes those who wait.
    let _ = locked.report(&Outcome {
        generation,
        at: clock.now(),
        what: Happened::Deleted,
    });
    Ok(())
}
