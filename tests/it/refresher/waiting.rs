//! What a waiting caller does with its time: it looks at the outcome by one `stat`, reads it when it has
//! changed, and leaves the store and the lock alone.

use std::cell::RefCell;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use fake_github::{CLIENT_ID, Endpoint, Failure, FakeGitHub, Fault};
use ghtok::testing::auth::outcome::{Happened, Outcome};
use ghtok::testing::auth::ports::{Clock, LockedStore, TokenStore};
use ghtok::testing::error;
use ghtok::testing::token::MinTtl;

use crate::support::bench::{Bench, fresh};
use crate::support::fake_clock::Scripted;
use crate::support::processes::{Caller, IN_TIME, Watch, proc_of};
use crate::support::records::{DUE, sign_in};
use crate::support::sandbox::{Program, Sandbox};

/// One caller beside another process, which has the lock and does something after each look.
fn wait(other: &dyn Fn(&Bench, &mut dyn LockedStore, usize)) -> (Bench, error::Result<()>) {
    let mut bench = Bench::new();
    bench.seed(Duration::ZERO);
    bench.lock_is_held = true;
    let store = bench.sandbox.store();
    let locked = RefCell::new(store.try_lock().expect("a lock").expect("free"));
    let act = |looks: usize| other(&bench, locked.borrow_mut().as_mut(), looks);
    let clock = Scripted::new(&bench.clock, &act);
    let served = bench.by(&clock, |broker| broker.access_token(MinTtl::DEFAULT));
    drop(locked);
    drop(store);
    (bench, served.map(drop))
}

fn report(bench: &Bench, locked: &mut dyn LockedStore, what: Happened) {
    let outcome = Outcome {
        generation: 2,
        at: bench.clock.now(),
        what,
    };
    locked.report(&outcome).expect("told");
}

fn save(bench: &Bench, locked: &mut dyn LockedStore) {
    let now = bench.clock.now();
    let mut newer = fresh(&bench.fake.mint(CLIENT_ID), now);
    newer.generation = 2;
    locked.save(&newer).expect("stored");
    report(bench, locked, Happened::Saved);
}

#[test]
fn p2_a_waiting_caller_leaves_the_store_alone_while_a_refresh_is_on_the_wire() {
    let (bench, served) = wait(&|bench, locked, looks| match looks {
        5 => report(bench, locked, Happened::Sent),
        60 => save(bench, locked),
        _ => {}
    });
    served.expect("a token");
    assert_eq!(
        bench.asked.loads.get(),
        2,
        "at the start, and when it was saved"
    );
}

#[test]
fn p2_a_waiting_caller_reads_an_outcome_once_and_tries_the_lock_seldom() {
    let (bench, served) = wait(&|bench, locked, looks| match looks {
        5 => report(bench, locked, Happened::Sent),
        200 => save(bench, locked),
        _ => {}
    });
    served.expect("a token");
    assert_eq!(bench.asked.outcomes.get(), 3, "at the start, sent, saved");
    let tries = bench.asked.locks.get();
    assert!((10..=40).contains(&tries), "{tries} in about 25 s");
}

#[test]
fn p2_an_outcome_that_is_being_written_is_read_again() {
    let (bench, served) = wait(&|bench, locked, looks| match looks {
        5 => {
            let file = bench.sandbox.state_folder().outcome(&bench.app.key());
            fs::write(file, "{\"v\":1,\"gen").expect("half an outcome");
        }
        6 => save(bench, locked),
        _ => {}
    });
    served.expect("a token");
    assert_eq!(bench.asked.loads.get(), 2);
}

/// The refresher died without a word: the lock tells.
#[test]
fn p2_a_lock_that_was_given_back_without_a_word_is_found() {
    let mut bench = Bench::new();
    bench.seed(Duration::ZERO);
    bench.lock_is_held = true;
    let store = bench.sandbox.store();
    let held = RefCell::new(Some(store.try_lock().expect("a lock").expect("free")));
    let act = |looks: usize| {
        if looks == 40 {
            held.borrow_mut().take();
        }
    };
    let clock = Scripted::new(&bench.clock, &act);
    let before = bench.clock.monotonic();
    let served = bench.by(&clock, |broker| broker.access_token(MinTtl::DEFAULT));
    served.expect("a token");
    assert_eq!(bench.refresh_attempts(), 1);
    let waited = bench.clock.monotonic().saturating_sub(before);
    assert!(waited < Duration::from_secs(5), "{waited:?}");
}

/// On real processes: a caller that waits is woken by its own clock only, and seldom.
#[test]
fn p2_a_waiting_process_wakes_up_less_than_30_times_a_second() {
    let fake = FakeGitHub::start().expect("a fake");
    fake.fail_next(Endpoint::Refresh, Fault::after(Failure::Gate));
    let sandbox = Sandbox::new(&fake);
    let _watch = Watch::over(&sandbox);
    sign_in(&sandbox, &fake, DUE);
    let callers: Vec<Caller> = (0..3)
        .map(|_| Caller::ghtok(&sandbox, Program::Real, &["get"]))
        .collect();
    fake.wait_for_held(Endpoint::Refresh, 1, IN_TIME)
        .expect("a refresh on the wire");
    for caller in &callers {
        caller.wait_to_say("waiting for a refresh");
    }
    let before: Vec<u64> = callers.iter().map(wake_ups).collect();
    let began = Instant::now();
    thread::sleep(Duration::from_secs(2));
    for (caller, before) in callers.iter().zip(before) {
        let after = wake_ups(caller);
        let most = 30 * began.elapsed().as_millis() / 1000;
        assert!(u128::from(after - before) < most, "{before} to {after}");
    }
    fake.release(Endpoint::Refresh);
    for caller in callers {
        caller.finish().token();
    }
}

/// How often a process went to sleep (proc(5), `voluntary_ctxt_switches`).
fn wake_ups(caller: &Caller) -> u64 {
    let status = fs::read_to_string(proc_of(caller.pid()).join("status")).expect("it runs");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    line.expect("a count").trim().parse().expect("a number")
}
