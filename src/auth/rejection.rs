//! Marks an access token that GitHub seems to have rejected, so that the next call checks it (P7).

use crate::auth::ports::{Clock, StoreError, TokenStore};
use crate::auth::record::{Record, Rejected};

/// Marks the stored access token as rejected, if it is the one that was rejected. The next call then asks
/// GitHub about it and refreshes it if it is invalid. Does not wait for the lock: a token that another
/// process is replacing needs no mark.
///
/// # Errors
/// The store's error.
pub fn mark_rejected(
    store: &dyn TokenStore,
    clock: &dyn Clock,
    was_rejected: impl Fn(&Record) -> bool,
) -> Result<(), StoreError> {
    let needs_mark = |record: &Record| {
        record.rejected.is_none() && record.intent.is_none() && was_rejected(record)
    };
    if !store.load()?.is_some_and(|record| needs_mark(&record)) {
        return Ok(());
    }
    let Some(mut locked) = store.try_lock()? else {
        return Ok(());
    };
    match locked.load()? {
        Some(mut record) if needs_mark(&record) => {
            record.rejected = Some(Rejected::Reported(clock.now()));
            locked.save(&record)
        }
        Some(_) | None => Ok(()),
    }
}
