//! A configured account: a token is not served before GitHub has said whose it is.

use std::time::Duration;

use fake_github::{CLIENT_ID, Endpoint, Failure, FakeGitHub, Fault, Pair};
use ghtok::testing::app::AccountName;
use ghtok::testing::auth::ports::Clock;
use ghtok::testing::auth::record::{Record, Rejected};

use super::seconds;
use crate::support::bench::{Bench, fresh};

/// A token's life but for its last minute.
const ALMOST_ALL_OF_IT: Duration = Duration::from_secs(28_740);

/// Signed in as `octocat`, which nobody knows yet.
fn unknown(configured: &str) -> (Bench, Pair) {
    let mut bench = Bench::at(FakeGitHub::builder().user("octocat", 583_231));
    bench.app.account = Some(AccountName::parse(configured).expect("a login"));
    let pair = bench.fake.mint(CLIENT_ID);
    bench.put(&Record {
        account: None,
        ..fresh(&pair, bench.clock.now())
    });
    (bench, pair)
}

#[test]
fn an_unknown_account_is_asked_for_once_before_the_token_is_served() {
    let (bench, pair) = unknown("OctoCat");
    bench.clock.advance(seconds(60));
    for _ in 0..2 {
        let served = bench.get().expect("the right account");
        assert_eq!(served.token.expose(), pair.access_token);
    }
    assert_eq!((bench.user_requests(), bench.refresh_attempts()), (1, 0));
    assert_eq!(bench.record().account.expect("known").id, 583_231);
    assert_eq!(bench.heard(), []);
}

#[test]
fn another_account_is_an_error_and_nothing_is_refreshed_for_it() {
    let (bench, _) = unknown("hubot");
    for _ in 0..2 {
        let error = bench.get().expect_err("another account");
        assert_eq!((error.exit_code(), error.code()), (4, "other_account"));
    }
    assert_eq!((bench.user_requests(), bench.refresh_attempts()), (1, 0));
}

#[test]
fn p4_until_github_has_answered_nothing_is_served_and_nothing_is_lost() {
    for failure in [Failure::Status(500), Failure::Status(403), Failure::Reset] {
        let (bench, pair) = unknown("octocat");
        bench.clock.advance(seconds(60));
        bench
            .fake
            .fail_always(Endpoint::User, Fault::before(failure.clone()));
        for _ in 0..2 {
            let error = bench.get().expect_err("nobody knows whose it is");
            assert_eq!((error.exit_code(), error.code()), (5, "temporary"));
            let text = error.to_string();
            assert!(text.contains("whose token this is"), "{text}");
        }
        assert_eq!(bench.user_requests(), 1, "{failure:?}: one failure for all");
        assert_eq!(bench.heard(), []);
        bench.fake.heal(Endpoint::User);
        bench.clock.advance(seconds(10));
        let served = bench.get().expect("now it is known");
        assert_eq!(served.token.expose(), pair.access_token);
    }
    let (bench, _) = unknown("octocat");
    bench.fake.go_offline().expect("offline");
    assert_eq!(bench.get().expect_err("offline").exit_code(), 5);
}

#[test]
fn a_due_token_is_refreshed_first_and_the_new_one_asked_about() {
    let (bench, pair) = unknown("octocat");
    bench.clock.advance(ALMOST_ALL_OF_IT);
    let served = bench.get().expect("the right account");
    assert_ne!(served.token.expose(), pair.access_token);
    assert_eq!((bench.user_requests(), bench.refresh_attempts()), (1, 1));

    let (bench, _) = unknown("octocat");
    bench.clock.advance(ALMOST_ALL_OF_IT);
    bench
        .fake
        .fail_always(Endpoint::User, Fault::before(Failure::Status(500)));
    for _ in 0..2 {
        assert_eq!(bench.get().expect_err("unknown").exit_code(), 5);
    }
    assert_eq!(bench.refresh_attempts(), 1);
    assert_eq!(bench.user_requests(), 1, "one failure for all");
    assert!(bench.is_kept());
}

/// A new token may be answered 401 for some seconds.
#[test]
fn a_401_on_a_token_of_some_seconds_says_nothing_about_whose_it_is() {
    let mut bench = Bench::at(
        FakeGitHub::builder()
            .user("octocat", 583_231)
            .replica_lag(seconds(2)),
    );
    bench.app.account = Some(AccountName::parse("octocat").expect("a login"));
    let pair = bench.fake.mint(CLIENT_ID);
    bench.put(&Record {
        account: None,
        ..fresh(&pair, bench.clock.now())
    });
    let served = bench.get().expect("after the lag");
    assert_eq!(served.token.expose(), pair.access_token);
    assert_eq!(bench.refresh_attempts(), 0);
    assert_eq!(bench.record().rejected, None::<Rejected>);
}
