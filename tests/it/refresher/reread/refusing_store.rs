//! A store that refuses the new pair.

use super::*;

/// The record's lock, on which saving fails once there is something new to save.
struct Refusing<'a> {
    locked: &'a mut dyn LockedStore,
    tries: usize,
}

impl LockedStore for Refusing<'_> {
    fn refresh_permit(&self) -> RefreshPermit<'_> {
        self.locked.refresh_permit()
    }

    fn save(&mut self, record: &Record) -> Result<(), StoreError> {
        if record.generation == 1 {
            return self.locked.save(record);
        }
        self.tries += 1;
        Err(StoreError::Locked)
    }

    fn load(&self) -> Result<Option<Record>, StoreError> {
        self.locked.load()
    }

    fn prove_writable(&mut self) -> Result<(), StoreError> {
        self.locked.prove_writable()
    }

    fn remember_store(&mut self) -> Result<(), StoreError> {
        self.locked.remember_store()
    }

    fn delete(&mut self) -> Result<(), StoreError> {
        self.locked.delete()
    }

    fn outcome(&self) -> Option<Outcome> {
        self.locked.outcome()
    }

    fn report(&mut self, outcome: &Outcome) -> Result<(), StoreError> {
        self.locked.report(outcome)
    }

    fn prepare_rescue(&mut self) -> Result<(), StoreError> {
        self.locked.prepare_rescue()
    }

    fn seal_rescue(&mut self, record: &Record, key: &RescueKey) -> Result<(), StoreError> {
        self.locked.seal_rescue(record, key)
    }

    fn rescued(&self, generation: u64, key: &RescueKey) -> Result<Option<Record>, StoreError> {
        self.locked.rescued(generation, key)
    }

    fn wipe_rescue(&mut self) {
        self.locked.wipe_rescue();
    }

    fn forget_rest(&mut self) -> Result<(), StoreError> {
        self.locked.forget_rest()
    }

    fn lock_file(&self) -> Option<File> {
        self.locked.lock_file()
    }
}

#[test]
fn p3_a_store_that_refuses_the_new_pair_gets_it_from_the_rescue_file_later() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sign_in(&sandbox, &fake, DUE);
    // Refused twice over: the second run adopts the rescue and cannot store it either.
    for _ in 0..2 {
        refresh(&fake, &sandbox, |locked, refresh| {
            let mut refusing = Refusing { locked, tries: 0 };
            refresh.run(&mut refusing, USUAL);
            assert!(refusing.tries > 1, "tried again within its limit");
        });
        assert_eq!(sandbox.record().generation, 1);
        assert!(matches!(
            sandbox.outcome().expect("one").what,
            Happened::Unknown(_)
        ));
        assert!(sandbox.rescue_file().exists());
    }
    age_outcome(&sandbox, limits().failure_shared);
    refresh(&fake, &sandbox, |locked, refresh| {
        refresh.run(locked, USUAL);
    });
    let stored = sandbox.record();
    assert_eq!((stored.generation, &stored.intent), (2, &None));
    assert!(fake.is_alive(stored.tokens.access_token().expose()));
    assert!(!sandbox.rescue_file().exists());
    assert_eq!(fake.count(Endpoint::Refresh), 1);
}
