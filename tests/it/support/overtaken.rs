//! Another process works between two of our looks at the store, as no lock can prevent.

use std::cell::Cell;
use std::time::Duration;

use ghtok::testing::auth::outcome::Outcome;
use ghtok::testing::auth::ports::{
    Event, LockedStore, Observer, OutcomeVersion, Refresher, StoreError, TokenStore,
};
use ghtok::testing::auth::record::{Record, Want};
use ghtok::testing::permits::UnlockPermit;
use ghtok::testing::store::RecordStore;

/// A store on which another process works between two of our reads.
pub struct Overtaken<'a> {
    pub store: RecordStore,
    pub reads: Cell<usize>,
    pub before: Door,
    pub by: &'a dyn Fn(),
}

/// What the other process comes before.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// Our lock.
    Lock,
    /// Our first look at the outcome.
    Outcome,
    /// Our second read of the record.
    SecondRead,
}

impl TokenStore for Overtaken<'_> {
    fn load(&self) -> Result<Option<Record>, StoreError> {
        self.reads.set(self.reads.get() + 1);
        if self.before == Door::SecondRead && self.reads.get() == 2 {
            (self.by)();
        }
        self.store.load()
    }

    fn try_lock(&self) -> Result<Option<Box<dyn LockedStore + '_>>, StoreError> {
        if self.before == Door::Lock {
            (self.by)();
        }
        self.store.try_lock()
    }

    fn unlock(&self, permit: &UnlockPermit, limit: Duration) -> Result<(), StoreError> {
        self.store.unlock(permit, limit)
    }

    fn outcome(&self) -> Option<Outcome> {
        if self.before == Door::Outcome {
            (self.by)();
        }
        self.store.outcome()
    }

    fn outcome_version(&self) -> OutcomeVersion {
        self.store.outcome_version()
    }

    fn place(&self) -> String {
        self.store.place()
    }
}

/// An observer that tells nobody.
pub struct Silent;

impl Observer for Silent {
    fn observe(&self, _: &Event) {}
}

/// A refresher that must not be started.
pub struct NoRefresh;

impl Refresher for NoRefresh {
    fn start(&self, _: Box<dyn LockedStore + '_>, _: Want) {
        panic!("a refresh was started");
    }
}
