//! A network or a server in trouble slows the polling down and never ends it (RFC 8628 section 3.5).

use std::time::Duration;

use fake_github::{Cut, Endpoint, Failure, FakeGitHub, Fault, RateHeaders, RetryAfter, WrongType};
use ghtok::testing::limits::Limits;

use super::{SignIn, assert_pauses, seconds};

fn limited(status: u16, retry_after: RetryAfter) -> Failure {
    Failure::RateLimited {
        status,
        retry_after,
        headers: RateHeaders::Absent,
    }
}

#[test]
fn p4_trouble_doubles_the_pause_up_to_a_minute_and_good_news_end_that() {
    let flow = SignIn::new();
    let fault = Fault::before(Failure::Status(502));
    flow.fake.fail_times(Endpoint::Poll, 6, fault);
    flow.approved_in_pause(8).expect("a grant");
    let pauses = [6.0, 12.0, 24.0, 48.0, 60.0, 60.0, 60.0, 6.0];
    assert_pauses(&flow.clock.sleeps(), &pauses);
    assert_eq!(flow.troubles(), 6);
    flow.expect_no_violation();
}

#[test]
fn p4_every_kind_of_trouble_is_waited_out() {
    for failure in [
        Failure::Status(500),
        Failure::Status(503),
        Failure::Status(407),
        Failure::Html,
        Failure::Empty,
        Failure::WrongType(WrongType::Array),
        Failure::WrongType(WrongType::Null),
        Failure::DeepJson,
        Failure::Reset,
        Failure::Cut(Cut::After(0)),
        Failure::Cut(Cut::Half),
        Failure::Cut(Cut::AllButOne),
        Failure::HugeBody(200_000),
        Failure::EndlessHeaders,
        Failure::Redirect(302, "http://127.0.0.1:9/login".into()),
        limited(403, RetryAfter::Seconds(1)),
        Failure::OAuthError("server_error".into()),
        Failure::OAuthError("temporarily_unavailable".into()),
    ] {
        let flow = SignIn::new();
        flow.fake
            .fail_times(Endpoint::Poll, 2, Fault::before(failure.clone()));
        flow.approved_in_pause(2).expect("a grant");
        assert_pauses(&flow.clock.sleeps(), &[6.0, 12.0, 24.0]);
        assert_eq!(flow.troubles(), 2, "{failure:?}");
        flow.expect_no_violation();
    }
}

#[test]
fn p4_a_server_that_hangs_costs_one_time_limit_a_poll() {
    let mut flow = SignIn::new();
    flow.limits = Limits {
        answer: Duration::from_millis(150),
        ..Limits::STANDARD
    };
    let hang = Fault::before(Failure::Hang);
    flow.fake.fail_times(Endpoint::Poll, 2, hang);
    flow.run(|sleeps| {
        if sleeps == 3 {
            flow.approve();
        }
    })
    .expect("a grant");
    assert_pauses(&flow.clock.sleeps()[..3], &[6.0, 12.0, 24.0]);
    flow.expect_no_violation();
}

#[test]
fn p4_a_network_that_goes_away_and_comes_back_is_waited_out() {
    let flow = SignIn::new();
    flow.run(|sleeps| match sleeps {
        1 => flow.fake.go_offline().expect("offline"),
        4 => flow.fake.go_online().expect("online"),
        5 => flow.approve(),
        _ => {}
    })
    .expect("a grant");
    assert_pauses(&flow.clock.sleeps(), &[6.0, 12.0, 24.0, 48.0, 6.0]);
    assert_eq!(flow.troubles(), 3);
}

#[test]
fn p4_a_retry_after_is_kept_to_but_not_without_end() {
    for (asked, pause) in [
        (RetryAfter::Seconds(120), 120.0),
        (RetryAfter::Seconds(3), 12.0),
        (RetryAfter::HttpDate(seconds(90)), 90.0),
        (RetryAfter::Absurd, 300.0),
        (RetryAfter::Absent, 12.0),
    ] {
        let flow = SignIn::new();
        let fault = Fault::before(limited(429, asked));
        flow.fake.fail_next(Endpoint::Poll, fault);
        flow.approved_in_pause(3).expect("a grant");
        assert_pauses(&flow.clock.sleeps(), &[6.0, pause, 6.0]);
    }
}

#[test]
fn p9_trouble_without_end_ends_with_the_code() {
    for (failure, lifetime) in [
        (Failure::Status(502), 900.0),
        (Failure::Html, 900.0),
        (limited(429, RetryAfter::Absurd), 900.0),
    ] {
        let flow = SignIn::at(FakeGitHub::builder());
        flow.fake
            .fail_always(Endpoint::Poll, Fault::before(failure.clone()));
        let error = flow.run(|_| {}).expect_err("it is over");
        assert_eq!(error.code(), "expired_token", "{failure:?}");
        let slept: f64 = flow.clock.sleeps().iter().sum();
        assert!((slept - lifetime).abs() < 0.01, "{failure:?}: {slept}");
    }
}

#[test]
fn p4_slow_down_after_trouble_starts_from_the_raised_interval() {
    let flow = SignIn::new();
    flow.fake
        .fail_next(Endpoint::Poll, Fault::before(Failure::Status(500)));
    let slow_down = Fault::before(Failure::OAuthError("slow_down".into()));
    flow.fake.fail_next(Endpoint::Poll, slow_down);
    flow.fake
        .fail_next(Endpoint::Poll, Fault::before(Failure::Status(500)));
    flow.approved_in_pause(5).expect("a grant");
    assert_pauses(&flow.clock.sleeps(), &[6.0, 12.0, 14.0, 28.0, 14.0]);
    flow.expect_no_violation();
}

#[test]
fn p4_no_code_can_be_had_while_offline_and_nobody_is_asked() {
    let flow = SignIn::new();
    flow.fake.go_offline().expect("offline");
    let error = flow.run(|_| {}).expect_err("no code");
    assert_eq!((error.exit_code(), error.code()), (5, "temporary"));
    assert!(flow.person.borrow().shown.is_none());
}
