//! A good answer in an odd form is a good answer: once GitHub sent it, the pair before is dead.

use fake_github::{Builder, Endpoint, Failure, FakeGitHub, Fault};
use ghtok::testing::auth::ports::Clock;
use ghtok::testing::token::TokenSet;

use super::OVER;
use crate::support::bench::{Bench, LIFE};

fn check(builder: Builder, failure: Option<Failure>) {
    let what = format!("{failure:?} {builder:?}");
    let bench = Bench::at(builder);
    bench.seed(OVER);
    if let Some(failure) = failure {
        bench
            .fake
            .fail_next(Endpoint::Refresh, Fault::after(failure));
    }
    let served = bench.get().expect(&what);
    assert!(bench.fake.is_alive(served.token.expose()), "{what}");
    assert_eq!(
        served.expires_at,
        Some(bench.clock.now().after(LIFE)),
        "{what}"
    );
    assert!(bench.is_kept(), "{what}");
    let TokenSet::Expiring { refresh, .. } = bench.record().tokens else {
        panic!("{what}: it expires")
    };
    assert_eq!(
        refresh.expect("a refresh token").lifetime.as_secs(),
        15_897_600
    );
    assert_eq!(bench.get().expect("a token"), served, "{what}");
    assert_eq!(bench.refresh_attempts(), 1, "{what}");
}

#[test]
fn p4_a_good_answer_is_kept_in_whatever_form_it_comes() {
    for failure in [
        Failure::FormBody,
        Failure::Bom,
        Failure::DuplicateKeys,
        Failure::NotANumber,
        Failure::InterimFirst,
    ] {
        check(FakeGitHub::builder(), Some(failure));
    }
    check(FakeGitHub::builder().numbers_as_strings(), None);
    check(FakeGitHub::builder().stateless_tokens(), None);
    check(
        FakeGitHub::builder()
            .stateless_tokens()
            .numbers_as_strings(),
        Some(Failure::FormBody),
    );
}
