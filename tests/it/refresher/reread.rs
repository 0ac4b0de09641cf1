//! The reads under the lock, and a store that refuses the new pair: in this process, on the real
//! store, with its doors watched.

use std::cell::Cell;
use std::fs::File;
use std::time::Duration;

use fake_github::{CLIENT_ID, Endpoint, FakeGitHub, Pair};
use ghtok::auth::broker::{Broker, Served};
use ghtok::auth::outcome::{Attempt, FailureCause, Happened, Outcome, SharedFailure};
use ghtok::auth::ports::{Event, LockedStore, Observer, Refresher, Step, StoreError, TokenStore};
use ghtok::auth::record::{Intent, Record, RefreshRefused, RescueKey, Want};
use ghtok::auth::refresh::Refresh;
use ghtok::error;
use ghtok::github::{GitHub, Network};
use ghtok::limits::Limits;
use ghtok::steps::Steps;
use ghtok::system::clock::SystemClock;
use ghtok::token::MinTtl;

use crate::support::overtaken::{Door, Overtaken, Silent};
use crate::support::records::{DUE, FRESH, age_outcome, sign_in, with_lock};
use crate::support::sandbox::{Sandbox, now, record_of};

const USUAL: Want = Want::Valid(MinTtl::DEFAULT);

fn limits() -> Limits {
    Limits {
        save: Duration::from_millis(300),
        ..Limits::STANDARD.divided_by(10)
    }
}

/// A refresher that only notes that it was started.
#[derive(Default)]
struct Spy(Cell<bool>);

impl Refresher for Spy {
    fn start(&self, _: Box<dyn LockedStore + '_>, _: Want) {
        self.0.set(true);
    }
}

/// A caller that is overtaken by another process: what it gets, and whether it started a refresh.
fn get_overtaken(sandbox: &Sandbox, before: Door, by: &dyn Fn()) -> (error::Result<Served>, bool) {
    overtaken(sandbox, before, by, |broker| {
        broker.access_token(MinTtl::DEFAULT)
    })
}

fn overtaken(
    sandbox: &Sandbox,
    before: Door,
    by: &dyn Fn(),
    call: impl FnOnce(&Broker<'_>) -> error::Result<Served>,
) -> (error::Result<Served>, bool) {
    let store = Overtaken {
        store: sandbox.store(),
        reads: Cell::default(),
        before,
        by,
    };
    let (spy, app, clock) = (Spy::default(), sandbox.app(), SystemClock::start());
    let broker = Broker {
        app: &app,
        login_command: "ghtok login",
        store: &store,
        refresher: &spy,
        clock: &clock,
        observer: &Silent,
        steps: Steps::SILENT,
        limits: Limits {
            caller: Duration::from_millis(500),
            ..limits()
        },
    };
    (call(&broker), spy.0.get())
}

/// Another process has refreshed: a pair of the next generation is stored.
fn store_newer(sandbox: &Sandbox, pair: &Pair) {
    let record = Record {
        generation: 2,
        ..record_of(pair, FRESH)
    };
    with_lock(&sandbox.store(), |locked| {
        locked.save(&record).expect("stored");
    });
}

#[test]
fn p2_under_the_lock_the_broker_adopts_what_another_process_refreshed() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sign_in(&sandbox, &fake, DUE);
    let newer = fake.mint(CLIENT_ID);
    let by = || store_newer(&sandbox, &newer);
    let (served, started) = get_overtaken(&sandbox, Door::Lock, &by);
    assert_eq!(served.expect("a token").token.expose(), newer.access_token);
    assert!(!started, "no refresher was started");
}

/// The record was read, then another process sent a refresh whose answer never came: the old token
/// may be dead, whatever the record said before.
#[test]
fn p3_a_failure_is_held_against_the_record_of_its_own_time() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sign_in(&sandbox, &fake, DUE);
    let by = || start_refresh(&sandbox, Happened::Unknown(reset_connection()));
    let (served, started) = get_overtaken(&sandbox, Door::Outcome, &by);
    let error = served.expect_err("no token that may be dead");
    assert_eq!(error.exit_code(), 5, "{error}");
    assert!(!started, "the failure is shared");
}

/// A failure shows that its own attempt spent nothing, and says nothing of the next one.
#[test]
fn p3_a_failure_vouches_for_no_later_attempt() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sign_in(&sandbox, &fake, DUE);
    let failed = outcome(Happened::Failed(reset_connection()));
    with_lock(&sandbox.store(), |locked| {
        locked.report(&failed).expect("told");
    });
    let by = || start_refresh(&sandbox, Happened::Sent);
    let (served, _) = get_overtaken(&sandbox, Door::SecondRead, &by);
    let error = served.expect_err("no token that may be dead");
    assert_eq!(error.exit_code(), 5, "{error}");
}

/// A failure is shared, and by then somebody has refreshed or learnt that the sign-in is over.
#[test]
fn p4_whoever_shares_a_failure_goes_by_the_record_of_now() {
    let overtaken_by = |by: &dyn Fn(&Sandbox, &FakeGitHub)| {
        let fake = FakeGitHub::start().expect("a fake");
        let sandbox = Sandbox::new(&fake);
        sign_in(&sandbox, &fake, DUE);
        with_lock(&sandbox.store(), |locked| {
            let failed = outcome(Happened::Failed(reset_connection()));
            locked.report(&failed).expect("told");
        });
        let (served, started) = overtaken(
            &sandbox,
            Door::SecondRead,
            &|| by(&sandbox, &fake),
            |broker| broker.newer_than(1),
        );
        assert!(!started, "the failure is shared");
        served
    };
    let served = overtaken_by(&|sandbox, fake| store_newer(sandbox, &fake.mint(CLIENT_ID)));
    assert_eq!(served.expect("the newer token").generation, 2);
    let served = overtaken_by(&|sandbox, _| {
        let refused = RefreshRefused {
            at: now(),
            interrupted_at: Some(now()),
        };
        sandbox.put(&Record {
            refresh_refused: Some(refused),
            ..sandbox.record()
        });
    });
    assert_eq!(served.expect_err("lost").code(), "sign_in_lost");
}

/// The lock did not keep another process out (a file system whose locks lock nothing): it used the
/// refresh token first.
#[test]
fn p3_a_refused_refresh_token_is_no_loss_where_a_newer_pair_is_stored() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let pair = sign_in(&sandbox, &fake, DUE);
    let newer = Record {
        generation: 2,
        ..record_of(&fake.mint(CLIENT_ID), FRESH)
    };
    fake.revoke(pair.refresh_token.as_deref().expect("one"));
    let by = |event: &Event| {
        if *event == Event::Refresh(Step::Answered) {
            sandbox.put(&newer);
        }
    };
    refresh_observed(&fake, &sandbox, &By(by), |locked, refresh| {
        refresh.run(locked, USUAL);
    });
    assert_eq!(sandbox.record(), newer);
    let told = sandbox.outcome().expect("an outcome");
    assert_eq!((told.generation, told.what), (2, Happened::Saved));
    assert_eq!(fake.count(Endpoint::Refresh), 1);
}

/// A handed-over lock is taken for this record's only if it is this record's.
#[test]
fn p2_a_refresher_does_not_adopt_the_lock_of_another_record() {
    let fake = FakeGitHub::start().expect("a fake");
    let (sandbox, other) = (Sandbox::new(&fake), Sandbox::new(&fake));
    let (store, other_store) = (sandbox.store(), other.store());
    let locked = other_store.try_lock().expect("a folder").expect("free");
    let file = locked.lock_file().expect("a file to hand over");
    sandbox.state_folder().create().expect("a state folder");
    assert!(store.adopt_lock(file).is_err(), "there is no lock yet");
    drop(store.try_lock().expect("a folder").expect("free"));
    let file = locked.lock_file().expect("a file to hand over");
    assert!(store.adopt_lock(file).is_err(), "another record's");
    assert!(store.try_lock().expect("a folder").is_some(), "it is free");

    let own = store.try_lock().expect("a folder").expect("free");
    let file = own.lock_file().expect("a file to hand over");
    assert!(store.adopt_lock(file).is_ok());
}

/// Another process has written its intent to refresh, and then this happened.
fn start_refresh(sandbox: &Sandbox, what: Happened) {
    let intent = Intent {
        generation: 2,
        key: RescueKey::from_bytes([7; 32]),
        started_at: now(),
        interrupted_at: None,
    };
    with_lock(&sandbox.store(), |locked| {
        let mut record = locked.load().expect("readable").expect("a record");
        record.intent = Some(intent);
        locked.save(&record).expect("stored");
        locked.report(&outcome(what)).expect("told");
    });
}

fn reset_connection() -> SharedFailure {
    SharedFailure {
        attempt: Attempt::Refresh,
        cause: FailureCause::Temporary("the connection was reset".into()),
        retry_at: None,
    }
}

/// What is told of the refresh of the first pair.
fn outcome(what: Happened) -> Outcome {
    Outcome {
        generation: 2,
        at: now(),
        what,
    }
}

/// The same for the refresher itself, which on some systems takes the lock anew.
#[test]
fn p2_under_the_lock_the_refresher_leaves_a_record_alone_that_is_not_due() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sign_in(&sandbox, &fake, DUE);
    let newer = fake.mint(CLIENT_ID);
    store_newer(&sandbox, &newer);
    let before = sandbox.record();
    for want in [USUAL, Want::NewerThan(1)] {
        refresh(&fake, &sandbox, |locked, refresh| refresh.run(locked, want));
    }
    assert_eq!(fake.connections(), 0);
    assert_eq!(sandbox.record(), before);
}

#[test]
fn p2_what_another_process_signed_out_is_not_refreshed() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sign_in(&sandbox, &fake, DUE);
    refresh(&fake, &sandbox, |locked, refresh| {
        locked.delete().expect("deleted");
        refresh.run(locked, USUAL);
    });
    assert_eq!(fake.connections(), 0);
    assert!(!sandbox.record_file().exists());
}

/// The record's lock, on which saving fails once there is something new to save.
struct Refusing<'a> {
    locked: &'a mut dyn LockedStore,
    tries: usize,
}

impl LockedStore for Refusing<'_> {
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

/// Works under the lock with a refresh at the fake.
fn refresh(
    fake: &FakeGitHub,
    sandbox: &Sandbox,
    work: impl FnOnce(&mut dyn LockedStore, &Refresh<'_>),
) {
    refresh_observed(fake, sandbox, &Silent, work);
}

/// An observer that does something at each step.
struct By<F>(F);

impl<F: Fn(&Event)> Observer for By<F> {
    fn observe(&self, event: &Event) {
        (self.0)(event);
    }
}

fn refresh_observed(
    fake: &FakeGitHub,
    sandbox: &Sandbox,
    observer: &dyn Observer,
    work: impl FnOnce(&mut dyn LockedStore, &Refresh<'_>),
) {
    let app = sandbox.app();
    assert_eq!(app.host.to_string(), fake.host());
    let github = GitHub::new(&app.host, &app.client_id, Network::default(), limits());
    let clock = SystemClock::start();
    let refresh = Refresh {
        github: &github,
        clock: &clock,
        observer,
        limits: limits(),
    };
    with_lock(&sandbox.store(), |locked| work(locked, &refresh));
}
