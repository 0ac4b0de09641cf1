//! No connection: not a byte was written, so nothing can have been spent.

use std::fs;
use std::time::Duration;

use fake_github::{FakeGitHub, Pair, Reception, TlsIdentity};
use ghtok::host::Host;
use ghtok::limits::Limits;

use super::seconds;
use super::{OVER, VALID, assert_next_call_refreshes, assert_served_anyway, assert_untouched};
use crate::support::bench::Bench;

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
        assert_eq!(bench.get().expect_err("no token").exit_code(), 5);
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

#[test]
fn p4_one_offline_failure_answers_for_everybody() {
    let bench = Bench::new();
    bench.seed(OVER);
    bench.fake.go_offline().expect("offline");
    let first = bench.get().expect_err("no token").to_string();
    bench.fake.go_online().expect("online");
    bench.clock.advance(seconds(9));
    assert_eq!(bench.get().expect_err("shared").to_string(), first);
    assert_eq!(bench.fake.connections(), 0);
}
