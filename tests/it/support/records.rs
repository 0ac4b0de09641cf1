//! Stored records as a test needs them: signed in as after a login, due now, expired.

use std::time::Duration;

use fake_github::{FakeGitHub, Pair};
use ghtok::testing::auth::outcome::{Happened, Outcome};
use ghtok::testing::auth::ports::{LockedStore, TokenStore};
use ghtok::testing::auth::record::Record;
use ghtok::testing::store::RecordStore;
use ghtok::testing::token::{Timestamp, TokenSet};

use super::processes::eventually;
use super::sandbox::{Sandbox, now};

/// A token that is due, and still good for a minute.
pub const DUE: Duration = Duration::from_secs(60);
/// A token that is not due for long.
pub const FRESH: Duration = Duration::from_secs(4 * 3600);

/// Signs in behind the scenes and leaves what a login leaves, its outcome too.
pub fn sign_in(sandbox: &Sandbox, fake: &FakeGitHub, left: Duration) -> Pair {
    let pair = sandbox.seed(fake, left);
    let saved = Outcome {
        generation: 1,
        at: now(),
        what: Happened::Saved,
    };
    with_lock(&sandbox.store(), |locked| {
        locked.report(&saved).expect("an outcome");
    });
    pair
}

/// Gives the stored access token this much life.
pub fn let_live(sandbox: &Sandbox, left: Duration) {
    let until = now().after(left);
    change(sandbox, |record| expire_at(record, until));
}

/// Lets the stored access token run out by the clock.
pub fn let_expire(sandbox: &Sandbox) {
    let over = Timestamp(now().0 - 10);
    change(sandbox, |record| expire_at(record, over));
}

/// Lets time pass for whoever shares the last failure: a failure answers for ten seconds only.
pub fn age_outcome(sandbox: &Sandbox, by: Duration) {
    let by = i64::try_from(by.as_secs()).expect("seconds");
    with_lock(&sandbox.store(), |locked| {
        let mut outcome = locked.outcome().expect("an outcome");
        outcome.at.0 -= by;
        locked.report(&outcome).expect("an outcome");
    });
}

fn change(sandbox: &Sandbox, change: impl FnOnce(&mut Record)) {
    with_lock(&sandbox.store(), |locked| {
        let mut record = locked.load().expect("readable").expect("a record");
        change(&mut record);
        locked.save(&record).expect("stored");
    });
}

fn expire_at(record: &mut Record, at: Timestamp) {
    let TokenSet::Expiring { access, .. } = &mut record.tokens else {
        panic!("a token that expires");
    };
    access.expires_at = at;
    let lifetime = i64::try_from(access.lifetime.as_secs()).expect("seconds");
    record.obtained_at = Timestamp(at.0 - lifetime);
}

/// Does something under the record's lock, as soon as it is free.
#[track_caller]
pub fn with_lock(store: &RecordStore, work: impl FnOnce(&mut dyn LockedStore)) {
    let mut locked = eventually("a free lock", || store.try_lock().expect("a lock"));
    work(locked.as_mut());
}
