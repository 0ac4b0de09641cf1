//! A complete answer that is no OAuth answer: the server did not act, and nothing is open.

use std::time::Duration;

use fake_github::{Failure, Fault, RateHeaders, RetryAfter};

use super::{OVER, VALID, assert_next_call_refreshes, assert_served_anyway, assert_untouched};
use super::{failing, seconds};
use crate::support::fake_clock::SECOND;
use ghtok::testing::token::MinTtl;

struct Row {
    failure: Failure,
    exit_code: u8,
    /// How long one failure answers for everybody.
    shared: Duration,
}

fn rows() -> Vec<Row> {
    let row = |failure, exit_code, shared| Row {
        failure,
        exit_code,
        shared: seconds(shared),
    };
    let limited = |status, retry_after, headers, shared| {
        let failure = Failure::RateLimited {
            status,
            retry_after,
            headers,
        };
        row(failure, 5, shared)
    };
    let refused = |code: &str| row(Failure::OAuthError(code.into()), 1, 10);
    vec![
        row(Failure::Status(500), 5, 10),
        row(Failure::Status(502), 5, 10),
        row(Failure::Status(503), 5, 10),
        row(Failure::Status(403), 5, 10),
        row(Failure::Status(401), 5, 10),
        row(Failure::Status(407), 5, 10),
        row(Failure::Html, 5, 10),
        row(Failure::Redirect(302, "https://sso.example/".into()), 5, 10),
        row(Failure::Redirect(307, "http://127.0.0.1:9/".into()), 5, 10),
        limited(403, RetryAfter::Absent, RateHeaders::Exhausted, 300),
        limited(403, RetryAfter::Seconds(60), RateHeaders::Absent, 60),
        limited(429, RetryAfter::Absent, RateHeaders::Absent, 10),
        limited(429, RetryAfter::Seconds(60), RateHeaders::Absent, 60),
        limited(429, RetryAfter::Seconds(2), RateHeaders::Absent, 10),
        limited(
            429,
            RetryAfter::HttpDate(seconds(90)),
            RateHeaders::Absent,
            90,
        ),
        limited(429, RetryAfter::Absurd, RateHeaders::Absent, 300),
        row(Failure::OAuthError("server_error".into()), 5, 10),
        row(Failure::OAuthError("temporarily_unavailable".into()), 5, 10),
        refused("incorrect_client_credentials"),
        refused("unauthorized_client"),
        refused("unsupported_grant_type"),
        refused("brand_new_error"),
        row(Failure::Status(404), 1, 10),
    ]
}

#[test]
fn p4_a_token_that_still_lives_is_served_whatever_was_answered() {
    for row in rows() {
        let (bench, pair) = failing(VALID, &Fault::before(row.failure.clone()));
        assert_served_anyway(&bench, &pair, bench.get());
        assert_untouched(&bench);
        // Nobody needs to ask whether it lives.
        assert_eq!(bench.user_requests(), 0, "{:?}", row.failure);
    }
}

#[test]
fn p4_without_a_living_token_the_error_says_whether_to_try_again() {
    for row in rows() {
        let (bench, _) = failing(OVER, &Fault::before(row.failure.clone()));
        let error = bench.get().expect_err("no token");
        assert_eq!(
            error.exit_code(),
            row.exit_code,
            "{:?}: {error}",
            row.failure
        );
        assert_untouched(&bench);
        assert_eq!(bench.heard(), []);
    }
}

/// A person who runs `login` finds out for themselves.
#[test]
fn p4_login_is_not_stopped_by_another_process_failure() {
    let fault = Fault::before(Failure::Status(500));
    let (bench, _) = failing(OVER, &fault);
    bench.get().expect_err("no token");
    let login = || {
        bench.by(&bench.clock, |broker| {
            broker.access_token_for_login(MinTtl::DEFAULT)
        })
    };
    login().expect("a token");
    assert_eq!(bench.refresh_attempts(), 2);
}

#[test]
fn p4_one_failure_answers_for_everybody_and_then_the_next_call_refreshes() {
    for row in rows() {
        let what = format!("{:?}", row.failure);
        let (bench, pair) = failing(OVER, &Fault::before(row.failure));
        let first = bench.get().expect_err("no token");
        bench.clock.advance(row.shared.saturating_sub(SECOND));
        let second = bench.get().expect_err("the same failure");
        assert_eq!(second.exit_code(), first.exit_code(), "{what}");
        // A failure at second hand says so.
        let told = second.to_string();
        let is_marked = told.contains("another ghtok could not");
        assert_eq!(is_marked, second.code() == "temporary", "{what}: {told}");
        let told = told.replace("another ghtok could not", "could not");
        assert_eq!(told, first.to_string(), "{what}");
        assert_eq!(bench.refresh_attempts(), 1, "{what}");
        bench.clock.advance(SECOND);
        assert_next_call_refreshes(&bench, &pair);
        assert_eq!(bench.refresh_attempts(), 2, "{what}");
    }
}

#[test]
fn p4_a_token_that_ends_while_the_failure_is_shared_is_not_served_beyond_its_end() {
    let (bench, pair) = failing(seconds(5), &Fault::before(Failure::Status(500)));
    assert_served_anyway(&bench, &pair, bench.get());
    bench.clock.advance(seconds(4));
    assert_served_anyway(&bench, &pair, bench.get());
    bench.clock.advance(SECOND);
    assert_eq!(bench.get().expect_err("it is over").exit_code(), 5);
    assert_eq!(bench.refresh_attempts(), 1);
}

#[test]
fn p4_a_forced_refresh_that_fails_is_an_error_and_spends_nothing() {
    for row in rows() {
        let (bench, pair) = failing(VALID, &Fault::before(row.failure.clone()));
        let error = bench.force().expect_err("nothing newer");
        assert_eq!(
            error.exit_code(),
            row.exit_code,
            "{:?}: {error}",
            row.failure
        );
        assert_untouched(&bench);
        assert!(bench.fake.is_alive(&pair.access_token));
    }
}

#[test]
fn a_forced_refresh_whose_refresh_token_is_refused_asks_for_a_sign_in() {
    let (bench, _) = failing(
        VALID,
        &Fault::before(Failure::OAuthError("bad_refresh_token".into())),
    );
    assert_eq!(bench.force().expect_err("nothing newer").exit_code(), 4);
    // What is there is still good for those who do not insist.
    bench.get().expect("a token that still lives");
    assert_eq!(bench.refresh_attempts(), 1);
}

#[test]
fn bad_refresh_token_is_final_and_the_refresh_token_is_never_sent_again() {
    let bad = Fault::before(Failure::OAuthError("bad_refresh_token".into()));
    let (bench, pair) = failing(VALID, &bad);
    assert_eq!(
        bench.get().expect("it lives").token.expose(),
        pair.access_token
    );
    bench.clock.advance(VALID);
    for _ in 0..2 {
        let error = bench.get().expect_err("it is over");
        assert_eq!((error.exit_code(), error.code()), (4, "refresh_refused"));
        bench.clock.advance(seconds(600));
    }
    assert_eq!(bench.refresh_attempts(), 1);
}
