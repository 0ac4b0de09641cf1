//! No connection: not a byte was written, so nothing can have been spent.

use std::cell::{Cell, RefCell};
use std::fs;
use std::time::Duration;

use fake_github::{FakeGitHub, Pair, Reception, TlsIdentity};
use ghtok::testing::auth::outcome::{
    Attempt, FailedConnections, FailureCause, Happened, NetworkId, Outcome, Scope, SharedFailure,
};
use ghtok::testing::auth::ports::{Clock, TokenStore};
use ghtok::testing::host::Host;
use ghtok::testing::limits::Limits;
use ghtok::testing::token::MinTtl;

use super::seconds;
use super::{OVER, VALID, assert_next_call_refreshes, assert_served_anyway, assert_untouched};
use crate::support::bench::{Bench, LIFE};
use crate::support::fake_clock::Scripted;

/// While cut off, a call serves what lives and changes nothing; afterwards the next one refreshes.
fn check(cut_off: impl Fn(&mut Bench), mend: impl Fn(&mut Bench)) {
    for left in [VALID, OVER] {
        let mut bench = Bench::new();
        let pair = bench.seed(left);
        cut_off(&mut bench);
        check_one(&bench, &pair, left);
        mend(&mut bench);
        bench.clock.advance(seconds(10));
        assert_next_call_refreshes(&bench, &pair);
    }
}

fn check_one(bench: &Bench, pair: &Pair, left: Duration) {
    let before = fs::read(bench.sandbox.record_file()).expect("a record");
    if left.is_zero() {
        let error = bench.get().expect_err("no token");
        assert_eq!(error.exit_code(), 5);
        let hint = error.hint().expect("a hint");
        assert!(hint.starts_with("nothing was lost; "), "{hint}");
    } else {
        assert_served_anyway(bench, pair, bench.get());
    }
    assert_untouched(bench);
    let after = fs::read(bench.sandbox.record_file()).expect("a record");
    assert!(before == after, "the record was written while offline");
    assert_eq!((bench.refresh_attempts(), bench.user_requests()), (0, 0));
}

#[test]
fn p4_offline_spends_nothing() {
    check(
        |bench| bench.fake.go_offline().expect("offline"),
        |bench| bench.fake.go_online().expect("online"),
    );
}

#[test]
fn p4_a_name_that_is_not_found_spends_nothing() {
    check(
        |bench| {
            // A name service that does not answer at all is as good as one that says no.
            bench.limits = Limits {
                connect: Duration::from_millis(300),
                ..Limits::STANDARD
            };
            bench.app.host = Host::parse("no-such-host.invalid").expect("a host");
        },
        |bench| {
            bench.limits = Limits::STANDARD;
            bench.app.host = bench.sandbox.app().host;
        },
    );
}

/// A network that swallows everything, as a captive portal or a firewall does.
#[test]
fn p4_a_tls_handshake_that_never_ends_spends_nothing() {
    for left in [VALID, OVER] {
        let mut bench = Bench::at(FakeGitHub::builder().tls(TlsIdentity::Valid));
        let ca_file = bench.sandbox.home().join("ca.pem");
        fs::write(&ca_file, bench.fake.ca_pem().expect("a certificate")).expect("a file");
        bench.network.ca_file = Some(ca_file);
        bench.app.host = Host::parse(bench.fake.base_url()).expect("a host");
        let pair = bench.seed(left);
        bench.fake.receive(Reception::Silent);
        bench.limits.connect = Duration::from_millis(300);
        check_one(&bench, &pair, left);
        bench.fake.receive(Reception::Serve);
        bench.limits = Limits::STANDARD;
        bench.clock.advance(seconds(10));
        assert_next_call_refreshes(&bench, &pair);
    }
}

/// Whoever comes later tries itself: it may have a network.
#[test]
fn p4_a_failure_to_connect_does_not_answer_for_later_callers() {
    let mut bench = Bench::new();
    bench.seed(OVER);
    bench.fake.go_offline().expect("offline");
    for _ in 0..3 {
        let told = bench.get().expect_err("no token").to_string();
        assert!(!told.contains("another ghtok"), "{told}");
    }
    bench.fake.go_online().expect("online");
    bench.get().expect("a token at once");
    assert_eq!(bench.refresh_attempts(), 1);
    assert_eq!(bench.record().intent, None);
    // The same from another network.
    bench.clock.advance(LIFE);
    bench.fake.go_offline().expect("offline");
    bench.get().expect_err("no token");
    bench.fake.go_online().expect("online");
    bench.network_id = NetworkId(2);
    bench.get().expect("a token at once");
    assert_eq!(bench.refresh_attempts(), 2);
}

/// What a waiting caller does while other processes, which have the lock, fail to connect from `from`
/// one after the other: how many failures it took until it went by them.
fn failures_until_answered(from: &[u64]) -> (Bench, Option<usize>) {
    let mut bench = Bench::new();
    bench.seed(OVER);
    bench.lock_is_held = true;
    let store = bench.sandbox.store();
    let locked = RefCell::new(store.try_lock().expect("a lock").expect("free"));
    let failed = Cell::new(None::<FailedConnections>);
    let count = Cell::new(0);
    let act = |looks: usize| {
        if looks % 10 != 5 {
            return;
        }
        let Some(network) = from.get(count.get()) else {
            return;
        };
        count.set(count.get() + 1);
        let this = FailedConnections::first(NetworkId(*network));
        let all = failed
            .take()
            .map_or(this.clone(), |before| this.after(&before));
        failed.set(Some(all.clone()));
        let failure = SharedFailure {
            attempt: Attempt::Refresh,
            cause: FailureCause::Temporary("no route to host".into()),
            retry_at: None,
            scope: Scope::Connection(all),
        };
        let outcome = Outcome {
            generation: 2,
            at: bench.clock.now(),
            what: Happened::Failed(failure),
        };
        locked.borrow_mut().report(&outcome).expect("told");
    };
    let clock = Scripted::new(&bench.clock, &act);
    let error = bench
        .by(&clock, |broker| broker.access_token(MinTtl::DEFAULT))
        .expect_err("no token");
    drop(locked);
    drop(store);
    let answered = (error.exit_code() == 5).then(|| {
        assert!(error.to_string().contains("another ghtok"), "{error}");
        count.get()
    });
    (bench, answered)
}

#[test]
fn p4_two_failures_to_connect_from_here_answer_for_a_waiting_caller() {
    let (bench, answered) = failures_until_answered(&[1, 1, 1, 1]);
    assert_eq!(answered, Some(2));
    assert_eq!(bench.fake.connections(), 0);
    let (_, answered) = failures_until_answered(&[2, 1, 3, 1, 1]);
    assert_eq!(
        answered,
        Some(4),
        "two from here, however many from elsewhere"
    );
}

#[test]
fn p4_failures_to_connect_from_elsewhere_answer_for_no_waiting_caller() {
    let (_, answered) = failures_until_answered(&[2, 2, 2, 3, 3, 3, 1]);
    assert_eq!(answered, None, "it gave up after its own limit");
}
