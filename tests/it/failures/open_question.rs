//! A request that was sent, and no complete answer: GitHub may have replaced the tokens. Until it
//! says so itself the old access token is served only after one question about it.

use fake_github::{Cut, Endpoint, Failure, Fault, Pair, WrongType};
use ghtok::testing::auth::outcome::{Happened, Outcome};
use ghtok::testing::auth::ports::Clock;
use ghtok::testing::auth::record::{Intent, Record, RescueKey};
use ghtok::testing::error::{Error, SignInReason};
use ghtok::testing::limits::Limits;
use ghtok::testing::token::Timestamp;

use super::{OVER, VALID, assert_next_call_refreshes, assert_served_anyway, assert_untouched};
use super::{failing, seconds};
use crate::support::bench::Bench;

fn breaks() -> Vec<Failure> {
    vec![
        Failure::Hang,
        Failure::Reset,
        Failure::Cut(Cut::After(0)),
        Failure::Cut(Cut::After(1)),
        Failure::Cut(Cut::Half),
        Failure::Cut(Cut::HalfBody),
        Failure::Cut(Cut::AllButOne),
        Failure::Empty,
        Failure::WrongType(WrongType::Array),
        Failure::WrongType(WrongType::String),
        Failure::WrongType(WrongType::Number),
        Failure::WrongType(WrongType::Null),
        Failure::DeepJson,
        Failure::HugeBody(200_000),
        Failure::EndlessHeaders,
    ]
}

#[test]
fn p4_not_replaced_and_still_good_the_old_token_is_served_after_one_question() {
    for failure in breaks() {
        let (mut bench, pair) = failing(VALID, &Fault::before(failure.clone()));
        assert_served_anyway(&bench, &pair, bench.get());
        assert_eq!(bench.user_requests(), 1, "{failure:?}");
        assert_untouched(&bench);
        // The answer settled it: for ten seconds nobody asks anything.
        assert_served_anyway(&bench, &pair, bench.get());
        assert_eq!((bench.refresh_attempts(), bench.user_requests()), (1, 1));
        bench.limits = Limits::STANDARD;
        bench.clock.advance(seconds(10));
        assert_next_call_refreshes(&bench, &pair);
    }
}

#[test]
fn p4_not_replaced_and_over_the_old_refresh_token_brings_the_next_pair() {
    for failure in breaks() {
        let (mut bench, pair) = failing(OVER, &Fault::before(failure.clone()));
        assert_open(&bench.get().expect_err("no token"));
        assert_eq!(bench.user_requests(), 0, "{failure:?}");
        assert!(
            bench.record().intent.is_some(),
            "{failure:?}: it stays open"
        );
        assert_open(&bench.get().expect_err("shared"));
        assert_eq!(bench.refresh_attempts(), 1, "{failure:?}");
        bench.limits = Limits::STANDARD;
        bench.clock.advance(seconds(10));
        assert_next_call_refreshes(&bench, &pair);
        assert_eq!(bench.refresh_attempts(), 2, "{failure:?}");
    }
}

/// Nobody knows yet whether GitHub replaced the tokens, so nobody says that nothing was lost.
#[track_caller]
fn assert_open(error: &Error) {
    assert_eq!(error.exit_code(), 5, "{error}");
    let hint = error.hint().expect("a hint");
    assert!(
        hint.starts_with(
            "GitHub may have replaced the tokens, and the next call finds out; try again"
        ),
        "{hint}"
    );
}

#[track_caller]
fn assert_lost(bench: &Bench, sent: Timestamp) {
    let error = bench.get().expect_err("the pair is lost");
    let Error::SignInNeeded { why, .. } = &error else {
        panic!("{error}")
    };
    let when = bench.clock.local_time(sent);
    assert_eq!(*why, SignInReason::Lost { when });
    assert_eq!((error.exit_code(), error.code()), (4, "sign_in_lost"));
}

#[test]
fn p4_replaced_and_lost_is_found_by_one_more_try_and_said_with_the_time() {
    for failure in breaks() {
        for (left, questions) in [(VALID, 1), (OVER, 0)] {
            let (mut bench, pair) = failing(left, &Fault::after(failure.clone()));
            let sent = bench.clock.now();
            assert_open(&bench.get().expect_err("open"));
            assert_eq!(bench.user_requests(), questions, "{failure:?}");
            assert!(!bench.fake.is_alive(&pair.access_token));
            bench.clock.advance(seconds(9));
            assert_open(&bench.get().expect_err("shared"));
            assert_eq!(bench.refresh_attempts(), 1, "{failure:?}");
            assert_eq!(bench.user_requests(), questions, "{failure:?}");
            bench.limits = Limits::STANDARD;
            bench.clock.advance(seconds(1));
            assert_lost(&bench, sent);
            // A clock that goes back brings nothing back to life.
            bench.clock.set_back(seconds(60));
            assert_lost(&bench, sent);
            assert_eq!(bench.refresh_attempts(), 2, "{failure:?}");
            assert_eq!(bench.heard(), [], "no dead token was served");
        }
    }
}

#[test]
fn p4_the_question_that_cannot_be_answered_serves_nothing_and_loses_nothing() {
    for answer in [
        Failure::Status(500),
        Failure::Html,
        Failure::Status(403),
        Failure::Reset,
        Failure::Empty,
    ] {
        let (bench, pair) = failing(VALID, &Fault::before(Failure::Reset));
        bench
            .fake
            .fail_next(Endpoint::User, Fault::before(answer.clone()));
        assert_eq!(bench.get().expect_err("open").exit_code(), 5, "{answer:?}");
        assert!(bench.record().intent.is_some(), "{answer:?}");
        bench.clock.advance(seconds(10));
        assert_next_call_refreshes(&bench, &pair);
    }
}

#[test]
fn p4_an_open_question_stays_open_over_failures_that_say_nothing_about_it() {
    for failure in [
        Failure::Status(502),
        Failure::Html,
        Failure::Reset,
        Failure::OAuthError("incorrect_client_credentials".into()),
    ] {
        // Rotated, and the answer lost; then the server is in trouble for a while.
        let (bench, _) = failing(OVER, &Fault::after(Failure::Reset));
        let sent = bench.clock.now();
        bench
            .fake
            .fail_next(Endpoint::Refresh, Fault::before(failure.clone()));
        for _ in 0..2 {
            let error = bench.get().expect_err("open");
            assert_ne!(error.exit_code(), 4, "{failure:?}: {error}");
            bench.clock.advance(seconds(10));
        }
        bench.fake.go_offline().expect("offline");
        assert_eq!(bench.get().expect_err("open").exit_code(), 5);
        bench.fake.go_online().expect("online");
        bench.clock.advance(seconds(10));
        assert_lost(&bench, sent);
    }
}

/// What a process left that died in mid-refresh: its intent, and the outcome that it told last.
fn died(bench: &Bench, told: Option<Happened>) -> Pair {
    let pair = bench.seed(VALID);
    bench.put(&Record {
        intent: Some(Intent {
            generation: 2,
            key: RescueKey::from_bytes([7; 32]),
            started_at: bench.clock.now(),
            interrupted_at: None,
        }),
        ..bench.record()
    });
    if let Some(what) = told {
        bench.report(&Outcome {
            generation: 2,
            at: bench.clock.now(),
            what,
        });
    }
    bench.clock.advance(seconds(5));
    pair
}

#[test]
fn p3_a_process_that_died_after_sending_is_settled_by_the_old_refresh_token() {
    for told in [Some(Happened::Sent), None] {
        let bench = Bench::new();
        let pair = died(&bench, told.clone());
        assert_next_call_refreshes(&bench, &pair);

        let bench = Bench::new();
        died(&bench, told);
        let sent = Timestamp(bench.clock.now().0 - 5);
        bench.fake.revoke_authorization(fake_github::CLIENT_ID);
        assert_lost(&bench, sent);
        assert_eq!(bench.refresh_attempts(), 1);
    }
}

#[test]
fn p3_an_intent_that_was_never_sent_is_taken_back_before_anything_else() {
    let bench = Bench::new();
    let pair = bench.fake.mint(fake_github::CLIENT_ID);
    let now = bench.clock.now();
    bench.put(&Record {
        intent: Some(Intent {
            generation: 2,
            key: RescueKey::from_bytes([7; 32]),
            started_at: now,
            interrupted_at: None,
        }),
        ..crate::support::bench::fresh(&pair, now)
    });
    bench.report(&Outcome {
        generation: 1,
        at: now,
        what: Happened::Saved,
    });
    let served = bench.get().expect("it was never at risk");
    assert_eq!(served.token.expose(), pair.access_token);
    assert_untouched(&bench);
    assert_eq!(bench.fake.connections(), 0);
}
