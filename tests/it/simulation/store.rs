//! The simulated store and state folder of one record.

use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

use ghtok::testing::auth::outcome::{Happened, Outcome, Scope};
use ghtok::testing::auth::ports::{LockedStore, OutcomeVersion, StoreError, TokenStore};
use ghtok::testing::auth::record::{Record, RescueKey};
use ghtok::testing::permits::{HeldLock, RefreshPermit, UnlockPermit};

use super::breaks::Break;
use super::process::{Kind, Own, Verdict};
use super::rules;
use super::world::{Condition, Rescue, digest_of};

/// The store as one process sees it.
pub struct SimStore<'y>(pub &'y Own<'y>);

/// The record under its lock.
pub struct SimLocked<'y> {
    own: &'y Own<'y>,
    lock: SimLock,
    has_room: bool,
    /// What a process read before it had the lock, if it does not read again.
    pub first: Option<Record>,
    /// A record whose write was put off.
    late: Option<Record>,
}

struct SimLock;

impl HeldLock for SimLock {}

fn unreachable_store() -> StoreError {
    StoreError::Unreachable("nothing answers".into())
}

fn full(doing: &'static str) -> StoreError {
    StoreError::File {
        doing,
        path: PathBuf::from("state"),
        cause: "the disk is full".into(),
    }
}

impl<'y> SimStore<'y> {
    fn read(own: &'y Own<'y>) -> Result<Option<Record>, StoreError> {
        let verdict = own.step("read the record", Kind::Read);
        let read = match own.with(|world| world.condition) {
            Condition::Locked => Err(StoreError::Locked),
            Condition::NoKeychain => Err(unreachable_store()),
            _ if verdict == Verdict::Fails => Err(StoreError::TimedOut(Duration::from_secs(5))),
            Condition::Healthy | Condition::FullDisk => Ok(own.with(|world| {
                own.read_version.set(world.record_version);
                world.record.clone()
            })),
        };
        if let Ok(read) = &read {
            own.last_read.replace(read.clone());
        }
        own.saw(
            "read",
            read.as_ref().map(|it| it.as_ref().map(digest_of)).ok(),
        );
        own.tell(|| match &read {
            Ok(Some(record)) => format!("reads {}", words(record)),
            Ok(None) => "reads: no record".into(),
            Err(error) => format!("cannot read: {error}"),
        });
        read
    }

    fn outcome_of(own: &Own<'_>) -> Option<Outcome> {
        own.step("read the outcome", Kind::Plain);
        let outcome = own.with(|world| world.outcome.clone().filter(|_| !world.is_torn));
        own.saw(
            "outcome",
            outcome.as_ref().map(|it| (it.generation, kind_of(it))),
        );
        outcome
    }

    pub fn adopt(own: &'y Own<'y>) -> SimLocked<'y> {
        SimLocked {
            own,
            lock: SimLock,
            has_room: false,
            first: None,
            late: None,
        }
    }
}

impl TokenStore for SimStore<'_> {
    fn load(&self) -> Result<Option<Record>, StoreError> {
        let mut read = Self::read(self.0);
        if self.0.with(|world| world.has(Break::IntentIgnored))
            && let Ok(Some(record)) = &mut read
        {
            record.intent = None;
        }
        read
    }

    fn try_lock(&self) -> Result<Option<Box<dyn LockedStore + '_>>, StoreError> {
        let own = self.0;
        let verdict = own.step("try the lock", Kind::File);
        if verdict == Verdict::Fails {
            own.tell(|| "cannot lock".into());
            return Err(full("open"));
        }
        let is_taken = own.with(|world| {
            let is_free = world.holders.is_empty() || world.scenario.locks_exclude_nobody;
            let is_free = is_free || world.has(Break::LockExcludesNobody);
            is_free && world.holders.insert(own.pid)
        });
        own.saw("lock", is_taken);
        own.tell(|| ["the lock is taken", "takes the lock"][usize::from(is_taken)].into());
        let reads_once = own.with(|world| world.has(Break::NoSecondRead));
        Ok(is_taken.then(|| -> Box<dyn LockedStore> {
            let mut locked = SimStore::adopt(own);
            locked.first = own.last_read.borrow().clone().filter(|_| reads_once);
            Box::new(locked)
        }))
    }

    fn unlock(&self, _: &UnlockPermit, _: Duration) -> Result<(), StoreError> {
        Ok(())
    }

    fn outcome(&self) -> Option<Outcome> {
        Self::outcome_of(self.0)
    }

    fn outcome_version(&self) -> OutcomeVersion {
        self.0.step("look at the outcome", Kind::Plain);
        let size = self.0.with(|world| world.outcome_version);
        self.0.saw("version", size);
        OutcomeVersion {
            size,
            ..OutcomeVersion::default()
        }
    }

    fn place(&self) -> String {
        "the simulated store".into()
    }

    fn has_sign_in(&self) -> bool {
        let is_signed_out = |outcome: &Outcome| outcome.what == Happened::Deleted;
        self.0
            .with(|world| world.is_noted && !world.outcome.as_ref().is_some_and(is_signed_out))
    }
}

impl SimLocked<'_> {
    fn write(&mut self, record: &Record) -> Result<(), StoreError> {
        let own = self.own;
        let verdict = own.step("write the record", Kind::Write);
        let condition = own.with(|world| world.condition);
        let result = match condition {
            Condition::Locked => Err(StoreError::Locked),
            Condition::NoKeychain => Err(unreachable_store()),
            Condition::FullDisk => Err(full("write")),
            Condition::Healthy => match verdict {
                Verdict::Done | Verdict::Slow => Ok(()),
                Verdict::Fails | Verdict::FailsLater => Err(unreachable_store()),
            },
        };
        let is_written = condition == Condition::Healthy && verdict != Verdict::Fails;
        own.tell(|| {
            format!(
                "{} {}{}",
                if is_written { "writes" } else { "cannot write" },
                words(record),
                if is_written && result.is_err() {
                    ", and is told it failed"
                } else {
                    ""
                },
            )
        });
        if is_written {
            own.with(|world| rules::before_a_write(world, own, record));
            own.with(|world| {
                world.record = Some(record.clone());
                world.record_version += 1;
                rules::after_a_write(world);
            });
        }
        own.saw("write", result.is_ok());
        result
    }

    /// One report, in two parts: a reader may come between them.
    fn tell_outcome(&mut self, outcome: &Outcome) -> Result<(), StoreError> {
        let own = self.own;
        let verdict = own.step("write the outcome", Kind::File);
        own.saw("report", verdict);
        if verdict == Verdict::Fails {
            own.tell(|| "cannot write the outcome".into());
            return Err(full("write"));
        }
        if own.with(|world| world.scenario.tears_outcomes) {
            own.with(|world| {
                world.is_torn = true;
                world.outcome_version += 1;
            });
            own.step("write the rest of the outcome", Kind::Plain);
        }
        own.tell(|| {
            format!(
                "reports {} of generation {}",
                name_of(outcome),
                outcome.generation
            )
        });
        own.with(|world| {
            rules::before_a_report(world, own.pid, outcome);
            world.outcome = Some(outcome.clone());
            world.is_torn = false;
            world.outcome_version += 1;
            world.signals += 1;
        });
        Ok(())
    }
}

impl LockedStore for SimLocked<'_> {
    fn refresh_permit(&self) -> RefreshPermit<'_> {
        RefreshPermit::of(&self.lock)
    }

    fn load(&self) -> Result<Option<Record>, StoreError> {
        match &self.first {
            Some(first) => Ok(Some(first.clone())),
            None => SimStore::read(self.own),
        }
    }

    fn prove_writable(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    fn remember_store(&mut self) -> Result<(), StoreError> {
        self.own.step("note the store", Kind::File);
        self.own.with(|world| world.is_noted = true);
        Ok(())
    }

    fn save(&mut self, record: &Record) -> Result<(), StoreError> {
        let own = self.own;
        let has = |broken| own.with(|world| world.has(broken));
        if has(Break::IntentAfterSend) && record.intent.is_some() {
            self.late = Some(record.clone());
            return Ok(());
        }
        let is_new = own.with(|world| {
            world
                .record
                .as_ref()
                .is_some_and(|stored| stored.generation < record.generation)
        });
        if is_new && has(Break::WipedBeforeSaved) {
            self.wipe_rescue();
        }
        if is_new && has(Break::ReportedBeforeSaved) {
            let saved = Outcome {
                generation: record.generation,
                at: own.with(|world| world.wall()),
                what: Happened::Saved,
            };
            self.tell_outcome(&saved)?;
        }
        if is_new && has(Break::NewPairNotSaved) {
            return Ok(());
        }
        if let Some(late) = self.late.take() {
            self.write(&late)?;
        }
        self.first = None;
        self.write(record)
    }

    fn delete(&mut self) -> Result<(), StoreError> {
        let own = self.own;
        let verdict = own.step("delete the record", Kind::Write);
        let refused = match own.with(|world| world.condition) {
            Condition::Locked => Some(StoreError::Locked),
            Condition::NoKeychain => Some(unreachable_store()),
            Condition::Healthy | Condition::FullDisk => None,
        };
        own.saw("delete", verdict);
        if refused.is_none() && verdict != Verdict::Fails {
            own.tell(|| "deletes the record".into());
            own.with(|world| {
                world.record = None;
                world.record_version += 1;
                world.is_signed_out = true;
            });
        }
        match (refused, verdict) {
            (Some(refused), _) => Err(refused),
            (None, Verdict::Done) => Ok(()),
            (None, _) => Err(unreachable_store()),
        }
    }

    fn outcome(&self) -> Option<Outcome> {
        SimStore::outcome_of(self.own)
    }

    fn report(&mut self, outcome: &Outcome) -> Result<(), StoreError> {
        let has = |broken| self.own.with(|world| world.has(broken));
        let mut outcome = outcome.clone();
        match &mut outcome.what {
            Happened::Sent if has(Break::SentNotReported) => return Ok(()),
            Happened::Saved if has(Break::SavedNotReported) => return Ok(()),
            Happened::Failed(failure) if has(Break::LocalFailureShared) => {
                failure.scope = Scope::Everyone;
            }
            _ => {}
        }
        self.tell_outcome(&outcome)
    }

    fn prepare_rescue(&mut self) -> Result<(), StoreError> {
        let own = self.own;
        if own.with(|world| world.has(Break::RescueNotReserved)) {
            return Ok(());
        }
        let verdict = own.step("reserve space", Kind::File);
        own.saw("reserve", verdict);
        let is_full = own.with(|world| world.condition == Condition::FullDisk);
        if verdict == Verdict::Fails || is_full {
            own.tell(|| "cannot reserve space".into());
            return Err(full("reserve space in"));
        }
        own.tell(|| "reserves space for the rescue file".into());
        own.with(|world| {
            rules::before_a_rescue_is_reserved(world);
            world.rescue = Rescue::Reserved;
        });
        self.has_room = true;
        Ok(())
    }

    fn seal_rescue(&mut self, record: &Record, key: &RescueKey) -> Result<(), StoreError> {
        let own = self.own;
        if own.with(|world| world.has(Break::NotSealed)) {
            own.with(|world| world.sealed_or_tried.insert(own.pid));
            return Ok(());
        }
        let verdict = own.step("seal the pair", Kind::File);
        own.with(|world| world.sealed_or_tried.insert(own.pid));
        own.saw("seal", verdict);
        if verdict == Verdict::Fails || !self.has_room {
            own.tell(|| "cannot seal".into());
            own.with(|world| rules::a_seal_failed(world, own.pid));
            return Err(full("write"));
        }
        own.tell(|| format!("seals {}", words(record)));
        own.with(|world| {
            // A file that another process removed is written for nobody.
            if world.rescue != Rescue::Absent {
                world.rescue = Rescue::Sealed {
                    record: record.clone(),
                    key: key.clone(),
                };
            }
        });
        Ok(())
    }

    fn rescued(&self, generation: u64, key: &RescueKey) -> Result<Option<Record>, StoreError> {
        let own = self.own;
        let verdict = own.step("look for a rescue file", Kind::Read);
        own.saw("rescued", verdict);
        if verdict == Verdict::Fails {
            return Err(full("read"));
        }
        let rescued = own.with(|world| match &world.rescue {
            _ if world.has(Break::RescueIgnored) => None,
            Rescue::Sealed {
                record,
                key: sealed,
            } if sealed == key && record.generation == generation => Some(record.clone()),
            _ => None,
        });
        own.saw("rescued", rescued.as_ref().map(digest_of));
        own.tell(|| match &rescued {
            Some(record) => format!("finds {} in the rescue file", words(record)),
            None => "finds nothing in the rescue file".into(),
        });
        Ok(rescued)
    }

    fn wipe_rescue(&mut self) {
        self.has_room = false;
        if self.own.with(|world| world.has(Break::RescueNotWiped)) {
            return;
        }
        self.own.step("remove the rescue file", Kind::Plain);
        self.own.tell(|| "removes the rescue file".into());
        self.own.with(|world| world.rescue = Rescue::Absent);
    }

    fn forget_rest(&mut self) -> Result<(), StoreError> {
        let verdict = self.own.step("remove the other files", Kind::File);
        if verdict == Verdict::Fails {
            return Err(full("remove"));
        }
        self.own.with(|world| {
            world.rescue = Rescue::Absent;
            world.is_noted = false;
        });
        Ok(())
    }

    fn may_be_shared(&self) -> bool {
        self.own.with(|world| world.scenario.locks_exclude_nobody)
    }

    fn lock_file(&self) -> Option<File> {
        None
    }
}

impl Drop for SimLocked<'_> {
    fn drop(&mut self) {
        self.own.with(|world| {
            if world.alive.contains(&self.own.pid) && world.holders.remove(&self.own.pid) {
                world.signals += 1;
            }
        });
        self.own.tell(|| "closes the lock".into());
    }
}

/// A record, for a trace.
pub fn words(record: &Record) -> String {
    let mut words = format!(
        "generation {} ({})",
        record.generation,
        record.tokens.access_token().expose()
    );
    if let Some(intent) = &record.intent {
        words.push_str(match intent.interrupted_at {
            Some(_) => " with an intent after an interrupted refresh",
            None => " with an intent",
        });
    }
    for (is_set, mark) in [
        (record.rejected.is_some(), ", marked as rejected"),
        (
            record.refresh_rejected.is_some(),
            ", its refresh token refused",
        ),
    ] {
        words.push_str(if is_set { mark } else { "" });
    }
    words
}

fn name_of(outcome: &Outcome) -> &'static str {
    ["saved", "deleted", "sent", "failed", "unknown"][kind_of(outcome)]
}

fn kind_of(outcome: &Outcome) -> usize {
    match outcome.what {
        Happened::Saved => 0,
        Happened::Deleted => 1,
        Happened::Sent => 2,
        Happened::Failed(_) => 3,
        Happened::Unknown(_) => 4,
    }
}
