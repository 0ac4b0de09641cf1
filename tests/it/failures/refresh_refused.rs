//! GitHub refused the refresh token: it is never sent again, the access token is asked about once, and
//! the sign-in ends with it.

use fake_github::{CLIENT_ID, Endpoint, Failure, Fault, Pair};
use ghtok::testing::auth::ports::{Clock, Event};
use ghtok::testing::auth::record::{Intent, Record, RefreshRejected, Rejected, RescueKey};
use ghtok::testing::error::{Error, SignInReason};

use super::{VALID, seconds};
use crate::support::bench::Bench;

/// A sign-in that is due; its refresh token was revoked, and perhaps the access token too.
fn refused(both: bool) -> (Bench, Pair) {
    let bench = Bench::new();
    let pair = bench.seed(VALID);
    if both {
        bench.fake.revoke_authorization(CLIENT_ID);
    } else {
        bench
            .fake
            .revoke(pair.refresh_token.as_deref().expect("one"));
    }
    (bench, pair)
}

#[track_caller]
fn assert_served_with_a_word(bench: &Bench, pair: &Pair) {
    let served = bench.get().expect("it lives");
    assert_eq!(served.token.expose(), pair.access_token);
    assert_eq!(served.due_at, served.expires_at, "nothing can replace it");
    let heard = bench.heard();
    let [Event::SignInBefore { end, login, .. }] = heard.as_slice() else {
        panic!("{heard:?}")
    };
    let expires_at = served.expires_at.expect("an end");
    assert_eq!(*end, bench.clock.local_time(expires_at));
    assert_eq!(login, "ghtok login");
}

#[track_caller]
fn assert_over(bench: &Bench) {
    let error = bench.get().expect_err("it is over");
    assert_eq!((error.exit_code(), error.code()), (4, "refresh_refused"));
    assert_eq!(bench.heard(), []);
}

#[test]
fn a_living_access_token_is_asked_about_once_and_served_to_its_end_with_a_word() {
    let (bench, pair) = refused(false);
    for _ in 0..3 {
        assert_served_with_a_word(&bench, &pair);
        bench.clock.advance(seconds(15));
    }
    assert_eq!((bench.user_requests(), bench.refresh_attempts()), (1, 1));
    let record = bench.record();
    assert!(
        record
            .refresh_rejected
            .is_some_and(|refused| refused.access_checked_at.is_some())
    );
    bench.clock.advance(seconds(15));
    for _ in 0..2 {
        assert_over(&bench);
    }
    assert_eq!((bench.user_requests(), bench.refresh_attempts()), (1, 1));
}

#[test]
fn a_dead_access_token_is_not_served_although_its_time_is_not_over() {
    let (bench, _) = refused(true);
    for _ in 0..2 {
        assert_over(&bench);
    }
    assert_eq!((bench.user_requests(), bench.refresh_attempts()), (1, 1));
    assert!(matches!(
        bench.record().rejected,
        Some(Rejected::Confirmed(_))
    ));
}

/// A record that a ghtok left which did not ask.
fn unchecked(bench: &Bench) {
    bench.put(&Record {
        refresh_rejected: Some(RefreshRejected {
            at: bench.clock.now(),
            interrupted_at: None,
            access_checked_at: None,
        }),
        ..bench.record()
    });
}

#[test]
fn a_token_that_was_not_asked_about_yet_is_asked_about_by_the_next_call() {
    for dead in [false, true] {
        let bench = Bench::new();
        let pair = bench.seed(seconds(3600));
        unchecked(&bench);
        if dead {
            bench.fake.revoke(&pair.access_token);
            assert_over(&bench);
            assert_over(&bench);
        } else {
            assert_served_with_a_word(&bench, &pair);
            assert_served_with_a_word(&bench, &pair);
        }
        assert_eq!((bench.user_requests(), bench.refresh_attempts()), (1, 0));
    }
}

#[test]
fn p4_while_github_does_not_answer_the_token_is_served_and_asked_about_later() {
    for failure in [Failure::Status(500), Failure::Status(403), Failure::Html] {
        let bench = Bench::new();
        let pair = bench.seed(seconds(3600));
        unchecked(&bench);
        bench
            .fake
            .fail_next(Endpoint::User, Fault::before(failure.clone()));
        for _ in 0..2 {
            let served = bench.get().expect("nobody knows better");
            assert_eq!(served.token.expose(), pair.access_token);
            let heard = bench.heard();
            assert!(
                matches!(
                    heard.as_slice(),
                    [Event::ServedAnyway { .. }, Event::SignInBefore { .. }]
                ),
                "{heard:?}"
            );
        }
        assert_eq!(bench.user_requests(), 1, "{failure:?}: one failure for all");
        bench.clock.advance(seconds(10));
        assert_served_with_a_word(&bench, &pair);
        assert_eq!((bench.user_requests(), bench.refresh_attempts()), (2, 0));
    }
}

#[test]
fn p7_a_report_about_such_a_token_is_checked_again() {
    for dead in [false, true] {
        let (bench, pair) = refused(false);
        assert_served_with_a_word(&bench, &pair);
        bench.put(&Record {
            rejected: Some(Rejected::Reported(bench.clock.now())),
            ..bench.record()
        });
        if dead {
            bench.fake.revoke(&pair.access_token);
            assert_over(&bench);
        } else {
            assert_served_with_a_word(&bench, &pair);
        }
        assert_eq!((bench.user_requests(), bench.refresh_attempts()), (2, 1));
    }
}

#[test]
fn whoever_wants_a_newer_token_is_told_at_once() {
    let (bench, _) = refused(false);
    for _ in 0..2 {
        let error = bench.force().expect_err("there is none");
        assert_eq!((error.exit_code(), error.code()), (4, "refresh_refused"));
    }
    assert_eq!((bench.user_requests(), bench.refresh_attempts()), (1, 1));
}

/// An earlier refresh was sent and never answered. The old access token lives, so GitHub did not act on
/// it: nothing was lost in it.
#[test]
fn p3_where_the_old_token_lives_an_interrupted_refresh_lost_nothing() {
    for (lives, code) in [(true, "refresh_refused"), (false, "sign_in_lost")] {
        let (bench, pair) = refused(!lives);
        bench.put(&Record {
            intent: Some(Intent {
                generation: 2,
                key: RescueKey::from_bytes([7; 32]),
                started_at: bench.clock.now(),
                interrupted_at: Some(bench.clock.now()),
            }),
            ..bench.record()
        });
        if lives {
            assert_served_with_a_word(&bench, &pair);
            bench.clock.advance(VALID);
        }
        let error = bench.get().expect_err("it is over");
        assert_eq!((error.exit_code(), error.code()), (4, code));
        if let Error::SignInNeeded { why, .. } = error {
            assert_eq!(matches!(why, SignInReason::Lost { .. }), !lives);
        }
    }
}
