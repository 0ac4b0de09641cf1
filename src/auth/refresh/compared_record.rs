//! A record under its lock. Before each save it is read once more: on some file systems (NFS mounted
//! `nolock`) a lock keeps nobody out, and what another process stored meanwhile must not be lost.

use crate::auth::outcome::Happened;
use crate::auth::ports::{LockedStore, StoreError};
use crate::auth::record::Record;

/// A record under its lock, as this process read or saved it last.
pub(super) struct ComparedRecord<'a> {
    locked: &'a mut dyn LockedStore,
    record: Record,
}

/// Why a record was not saved.
#[derive(Debug)]
pub(super) enum NotSaved {
    /// The store could not be read or written.
    Store(StoreError),
    /// Another process stored this in the meantime, although this one has the lock. It stays.
    Overtaken(Box<Record>),
    /// Somebody signed out in the meantime.
    SignedOut,
}

impl From<StoreError> for NotSaved {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl<'a> ComparedRecord<'a> {
    /// Reads the record under its lock; `None` if there is none.
    pub(super) fn read(locked: &'a mut dyn LockedStore) -> Result<Option<Self>, StoreError> {
        Ok(locked.load()?.map(|record| Self { locked, record }))
    }

    pub(super) fn record(&self) -> &Record {
        &self.record
    }

    pub(super) fn locked(&mut self) -> &mut dyn LockedStore {
        self.locked
    }

    /// Goes on with what another process stored.
    pub(super) fn adopt(&mut self, record: Record) {
        self.record = record;
    }

    /// Saves a change of this generation, unless another process changed it first.
    pub(super) fn change(&mut self, change: impl FnOnce(&mut Record)) -> Result<(), NotSaved> {
        let mut changed = self.record.clone();
        change(&mut changed);
        match self.locked.load()? {
            Some(present) if present == self.record => {}
            Some(present) => return Err(NotSaved::Overtaken(Box::new(present))),
            None => return Err(NotSaved::SignedOut),
        }
        self.locked.save(&changed)?;
        self.record = changed;
        Ok(())
    }

    /// Saves the pair of a later generation, unless another process stored one first, or somebody
    /// signed out. It exists nowhere else, so that a store that cannot be read is written all the same.
    pub(super) fn replace(&mut self, new: &Record) -> Result<(), NotSaved> {
        match self.locked.load() {
            Ok(Some(present)) if supersedes(&present, new) => {
                return Err(NotSaved::Overtaken(Box::new(present)));
            }
            Ok(None) if self.is_signed_out() => return Err(NotSaved::SignedOut),
            Err(error @ StoreError::Newer(_)) => return Err(error.into()),
            Ok(_) | Err(_) => {}
        }
        self.locked.save(new)?;
        self.record = new.clone();
        Ok(())
    }

    /// True if the lock may keep nobody out.
    pub(super) fn may_be_shared(&self) -> bool {
        self.locked.may_be_shared()
    }

    /// What another process stored after this record; `None` if it did not.
    pub(super) fn newer(&self) -> Option<Record> {
        let present = self.locked.load().ok()??;
        supersedes(&present, &self.record).then_some(present)
    }

    /// A missing record alone is no proof: a keychain may have lost it, and then the new pair is all
    /// that is left.
    fn is_signed_out(&self) -> bool {
        self.locked
            .outcome()
            .is_some_and(|outcome| outcome.what == Happened::Deleted)
    }
}

/// True if a stored record is of a later generation, or of another sign-in that got the same number.
pub(super) fn supersedes(stored: &Record, mine: &Record) -> bool {
    stored.generation > mine.generation
        || (stored.generation == mine.generation
            && stored.tokens.access_token() != mine.tokens.access_token())
}
