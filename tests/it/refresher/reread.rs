//! The reads under the lock, and a store that refuses the new pair: in this process, on the real
//! store, with its doors watched.

use std::cell::Cell;
use std::fs::{self, File};
use std::process::Command;
use std::time::Duration;

use fake_github::{CLIENT_ID, Endpoint, FakeGitHub, Pair};
use ghtok::auth::broker::{Broker, Served};
use ghtok::auth::outcome::{
    Attempt, FailureCause, Happened, NetworkId, Outcome, Scope, SharedFailure,
};
use ghtok::auth::ports::{Event, LockedStore, Observer, Refresher, Step, StoreError, TokenStore};
use ghtok::auth::record::{Intent, Record, RefreshRejected, Rejected, RescueKey, Want};
use ghtok::auth::refresh::Refresh;
use ghtok::error;
use ghtok::github::{GitHub, Network};
use ghtok::limits::Limits;
use ghtok::system::clock::SystemClock;
use ghtok::token::MinTtl;

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
        login_command: "ghtok login",
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

/// One refresh; another process does this at a step of it, although the lock is ours.
fn disturbed(step: Step, by: impl Fn(&Sandbox, &FakeGitHub)) -> (FakeGitHub, Sandbox) {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sign_in(&sandbox, &fake, DUE);
    let by = |event: &Event| {
        if *event == Event::Refresh(step) {
            by(&sandbox, &fake);
        }
    };
    refresh_observed(&fake, &sandbox, &By(by), |locked, refresh| {
        refresh.run(locked, USUAL);
    });
    (fake, sandbox)
}

fn newer(fake: &FakeGitHub) -> Record {
    Record {
        generation: 2,
        ..record_of(&fake.mint(CLIENT_ID), FRESH)
    }
}

#[test]
fn p3_a_newer_pair_that_came_despite_the_lock_is_adopted_before_anything_is_sent() {
    let (fake, sandbox) = disturbed(Step::Connected, |sandbox, fake| sandbox.put(&newer(fake)));
    let record = sandbox.record();
    assert_eq!((record.generation, record.intent), (2, None));
    assert!(fake.is_alive(record.tokens.access_token().expose()));
    assert_eq!(fake.count(Endpoint::Refresh), 0);
    let told = sandbox.outcome().expect("an outcome");
    assert_eq!((told.generation, told.what), (2, Happened::Saved));
}

#[test]
fn p3_while_another_process_refreshes_despite_the_lock_nothing_is_sent() {
    let intent = Intent {
        generation: 2,
        key: RescueKey::from_bytes([9; 32]),
        started_at: now(),
        interrupted_at: None,
    };
    let (fake, sandbox) = disturbed(Step::Connected, |sandbox, _| {
        sandbox.put(&Record {
            intent: Some(intent.clone()),
            ..sandbox.record()
        });
    });
    assert_eq!(fake.count(Endpoint::Refresh), 0);
    assert_eq!(sandbox.record().intent, Some(intent), "it is the other's");
    let told = sandbox.outcome().expect("an outcome").what;
    assert!(matches!(told, Happened::Unknown(_)), "{told:?}");
}

#[test]
fn p7_a_mark_that_another_process_made_despite_the_lock_is_not_lost() {
    let once = Cell::new(true);
    let (fake, sandbox) = disturbed(Step::Connected, |sandbox, _| {
        if once.take() {
            sandbox.put(&Record {
                rejected: Some(Rejected::Reported(now())),
                ..sandbox.record()
            });
        }
    });
    assert_eq!(fake.count(Endpoint::User), 1, "it begins again, and checks");
    assert_eq!(sandbox.record().generation, 2);
}

/// A sign-in of another process got the same number first. Each is one too many, and the one that a person
/// has just approved stays.
#[test]
fn p3_a_new_pair_does_not_replace_one_that_was_stored_during_the_request() {
    let (fake, sandbox) = disturbed(Step::Answered, |sandbox, fake| sandbox.put(&newer(fake)));
    assert_eq!(fake.count(Endpoint::Refresh), 1);
    let [rotation] = fake.refreshes().try_into().expect("one");
    let stored = sandbox.record();
    assert_eq!(stored.generation, 2);
    assert_ne!(
        stored.tokens.access_token().expose(),
        rotation.new_access.as_str()
    );
    assert!(fake.is_alive(stored.tokens.access_token().expose()));
}

#[test]
fn p3_a_new_pair_is_saved_whatever_was_noted_about_the_old_one() {
    let (fake, sandbox) = disturbed(Step::Answered, |sandbox, _| {
        let refused = RefreshRejected {
            at: now(),
            interrupted_at: Some(now()),
            access_checked_at: None,
        };
        sandbox.put(&Record {
            intent: None,
            refresh_rejected: Some(refused),
            ..sandbox.record()
        });
    });
    let stored = sandbox.record();
    assert_eq!((stored.generation, stored.refresh_rejected), (2, None));
    assert!(fake.is_alive(stored.tokens.access_token().expose()));
}

#[test]
fn a_sign_out_during_a_refresh_is_not_undone_by_it() {
    let sign_out = |sandbox: &Sandbox, told: bool| {
        fs::remove_file(sandbox.record_file()).expect("a record");
        if told {
            let file = sandbox.state_folder().outcome(&sandbox.app().key());
            let deleted = outcome(Happened::Deleted);
            let other = Sandbox::new(&FakeGitHub::start().expect("a fake"));
            with_lock(&other.store(), |locked| {
                locked.report(&deleted).expect("told");
            });
            fs::copy(other.state_folder().outcome(&other.app().key()), file).expect("a file");
        }
    };
    let (fake, sandbox) = disturbed(Step::Answered, |sandbox, _| sign_out(sandbox, true));
    assert!(!sandbox.record_file().exists());
    assert_eq!(
        sandbox.outcome().expect("an outcome").what,
        Happened::Deleted
    );
    let [rotation] = fake.refreshes().try_into().expect("one");
    assert!(!fake.is_alive(&rotation.new_access), "it is revoked");
    assert!(!sandbox.rescue_file().exists());
    // A keychain that has lost the record alone is no sign-out: the new pair is all that is left.
    let (fake, sandbox) = disturbed(Step::Answered, |sandbox, _| sign_out(sandbox, false));
    assert!(fake.is_alive(sandbox.record().tokens.access_token().expose()));
}

/// A lock that is granted to everybody, as on some network file systems, and several callers at once.
#[test]
fn p3_where_a_lock_keeps_nobody_out_the_sign_in_survives() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sign_in(&sandbox, &fake, DUE);
    for round in 0..4 {
        let callers: Vec<_> = (0..2)
            .map(|_| {
                let ghtok = sandbox.command(Program::Real, ["get"]);
                let mut traced = Command::new("strace");
                traced
                    .args(["-f", "-o", "/dev/null", "-e", "trace=flock"])
                    .args(["-e", "inject=flock:retval=0"])
                    .arg(ghtok.get_program())
                    .args(ghtok.get_args())
                    .env_clear()
                    .envs(
                        ghtok
                            .get_envs()
                            .filter_map(|(name, value)| Some((name, value?))),
                    );
                Caller::start(&sandbox, &mut traced)
            })
            .collect();
        for caller in callers {
            caller.finish();
        }
        let token = eventually("a token", || {
            let run = sandbox.run(["get"]);
            (run.code == Some(0)).then(|| run.token().to_owned())
        });
        assert!(fake.is_alive(&token), "round {round}");
        let (used, rotated) = (fake.count(Endpoint::Refresh), fake.refreshes().len());
        println!("round {round}: {used} requests, {rotated} rotations");
        let_live(&sandbox, DUE);
    }
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
        account: app.account.as_ref(),
        clock: &clock,
        observer,
        network: &|| NetworkId(1),
        limits: limits(),
    };
    with_lock(&sandbox.store(), |locked| work(locked, &refresh));
}
