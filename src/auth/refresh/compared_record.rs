//! A record under its lock. It is read again before each save: on some file systems (NFS mounted with
//! `nolock`) a lock does not exclude other machines, and a pair that another process stored must not be
//! overwritten.

use crate::auth::outcome::Happened;
use crate::auth::ports::{LockedStore, StoreError};
use crate::auth::record::Record;

/// A locked record, as this process last read or saved it.
pub(super) struct ComparedRecord<'a> {
    locked: &'a mut dyn LockedStore,
    record: Record,
}

/// Why a record was not saved.
#[derive(Debug)]
pub(super) enum NotSaved {
    /// The store could not be read or written.
    Store(StoreError),
    /// Another process stored this record in the meantime, despite the lock. It is kept.
    Overtaken(Box<Record>),
    /// A sign-out in the meantime.
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

    /// Continues with the record that another process stored.
    pub(super) fn adopt(&mut self, record: Record) {
        self.record = record;
    }

    /// Saves a change of this generation, unless another process has changed the record.
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

    /// Saves a new pair, unless another process has stored one or there was a sign-out. Writes even if the
    /// store cannot be read, because the pair exists nowhere else.
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

    /// True if the lock may not exclude others.
    pub(super) fn may_be_shared(&self) -> bool {
        self.locked.may_be_shared()
    }

    /// The newer record that another process stored, if any.
    pub(super) fn newer(&self) -> Option<Record> {
        let present = self.locked.load().ok()??;
        supersedes(&present, &self.record).then_some(present)
    }

    /// A missing record alone does not prove a sign-out: a keychain may have lost it, and the new pair is
    /// then the only one.
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
