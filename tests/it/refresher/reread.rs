//! The reads under the lock: in this process, on the real store, with its doors watched.

mod despite_the_lock;
mod refusing_store;

use std::cell::Cell;
use std::fs::{self, File};
use std::process::Command;
use std::time::Duration;

use fake_github::{CLIENT_ID, Endpoint, FakeGitHub, Pair};
use ghtok::testing::auth::broker::{Broker, Served};
use ghtok::testing::auth::outcome::{
    Attempt, FailureCause, Happened, NetworkId, Outcome, Scope, SharedFailure,
};
use ghtok::testing::auth::ports::{
    Event, LockedStore, Observer, Refresher, Step, StoreError, TokenStore,
};
use ghtok::testing::auth::record::{Intent, Record, RefreshRejected, Rejected, RescueKey, Want};
use ghtok::testing::auth::refresh::Refresh;
use ghtok::testing::error;
use ghtok::testing::github::{GitHub, Network};
use ghtok::testing::limits::Limits;
use ghtok::testing::permits::RefreshPermit;
use ghtok::testing::system::clock::SystemClock;
use ghtok::testing::token::MinTtl;

use crate::support::overtaken::{Door, Overtaken, Silent};
use crate::support::processes::{Caller, eventually};
use crate::support::records::{DUE, FRESH, age_outcome, let_live, sign_in, with_lock};
use crate::support::sandbox::{Program, Sandbox, now, record_of};

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
        login_command: &|| "ghtok login".into(),
        store: &store,
        refresher: &spy,
        clock: &clock,
        observer: &Silent,
        network: &|| NetworkId(1),
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
        let refused = RefreshRejected {
            at: now(),
            interrupted_at: Some(now()),
            access_checked_at: None,
        };
        sandbox.put(&Record {
            refresh_rejected: Some(refused),
            ..sandbox.record()
        });
    });
    assert_eq!(served.expect_err("lost").code(), "sign_in_lost");
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
        scope: Scope::Everyone,
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
    // Those who wait for it go by the outcome.
    let told = sandbox.outcome().expect("an outcome");
    assert_eq!((told.generation, told.what), (2, Happened::Saved));
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
        account: app.account.as_ref(),
        clock: &clock,
        observer,
        network: &|| NetworkId(1),
        limits: limits(),
    };
    with_lock(&sandbox.store(), |locked| work(locked, &refresh));
}
