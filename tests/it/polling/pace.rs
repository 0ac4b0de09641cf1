//! When the next poll comes. GitHub punishes each early one with five more seconds, for good.

use fake_github::{Endpoint, Failure, FakeGitHub, Fault};
use ghtok::testing::limits::Limits;

use super::{Person, SignIn, assert_pauses, seconds, sign_in};
use crate::support::canned::Canned;
use crate::support::fake_clock::{DAY, FakeClock, SECOND, TEN_YEARS};

#[test]
fn the_first_poll_waits_and_every_pause_has_a_margin_of_a_fifth() {
    for (interval, pause) in [(5, 6.0), (7, 8.4), (30, 36.0), (1, 6.0), (0, 6.0)] {
        let flow = SignIn::at(FakeGitHub::builder().interval(interval));
        flow.approved_in_pause(3).expect("a grant");
        assert_pauses(&flow.clock.sleeps(), &[pause; 3]);
        assert_eq!(flow.polls(), 3);
        flow.expect_no_violation();
    }
}

#[test]
fn a_pause_counts_from_the_end_of_the_last_answer() {
    let flow = SignIn::new();
    let slow = Fault::after(Failure::Gate);
    flow.fake.fail_times(Endpoint::Poll, 2, slow);
    let (clock, fake) = (flow.clock.clone(), &flow.fake);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for _ in 0..2 {
                fake.wait_for_held(Endpoint::Poll, 1, seconds(20))
                    .expect("a slow poll");
                // It takes the server four seconds to answer.
                clock.advance(seconds(4));
                fake.release(Endpoint::Poll);
            }
        });
        flow.approved_in_pause(3).expect("a grant");
    });
    assert_pauses(&flow.clock.sleeps(), &[6.0; 3]);
    flow.expect_no_violation();
}

#[test]
fn slow_down_raises_the_interval_for_good() {
    let flow = SignIn::new();
    let slow_down = Fault::before(Failure::OAuthError("slow_down".into()));
    flow.fake.fail_next(Endpoint::Poll, slow_down.clone());
    flow.run(|sleeps| match sleeps {
        3 => flow.fake.fail_next(Endpoint::Poll, slow_down.clone()),
        5 => flow.approve(),
        _ => {}
    })
    .expect("a grant");
    // 5 × 1.2, then (5 + 5) × 1.4, then (5 + 5 + 5) × 1.4.
    assert_pauses(&flow.clock.sleeps(), &[6.0, 14.0, 14.0, 21.0, 21.0]);
    flow.expect_no_violation();
}

/// The pauses of a flow whose polls are answered with these bodies, and then denied.
fn pauses_after(answers: &'static [&'static str]) -> Vec<f64> {
    let server = Canned::start(move |asked| {
        let body = match asked.path.as_str() {
            "/login/device/code" => {
                r#"{"device_code":"d","user_code":"AB-12","expires_in":900,"interval":5}"#
            }
            _ => answers
                .get(asked.before)
                .copied()
                .unwrap_or(r#"{"error":"access_denied"}"#),
        };
        (200, body.to_owned())
    });
    let clock = FakeClock::new();
    let person = Person::default().into();
    sign_in(&server.host(), Limits::STANDARD, &clock, &person).expect_err("denied or over");
    clock.sleeps()
}

#[test]
fn a_new_interval_of_the_server_is_kept_unless_it_is_lower() {
    const PENDING: &str = r#"{"error":"authorization_pending"}"#;
    for (answer, pause) in [
        (r#"{"error":"slow_down","interval":25}"#, 35.0),
        (r#"{"error":"slow_down","interval":"25"}"#, 35.0),
        (r#"{"error":"slow_down","interval":3}"#, 14.0),
        (r#"{"error":"slow_down","interval":-3}"#, 14.0),
        (r#"{"error":"slow_down","interval":null}"#, 14.0),
        (r#"{"error":"slow_down"}"#, 14.0),
    ] {
        let answers: &'static [&'static str] = Box::leak(Box::new([answer, PENDING]));
        assert_pauses(&pauses_after(answers), &[6.0, pause, pause]);
    }
}

#[test]
fn p9_an_absurd_interval_waits_no_longer_than_the_code_lives() {
    let pauses = pauses_after(&[r#"{"error":"slow_down","interval":1000000000}"#]);
    assert_pauses(&pauses, &[6.0, 894.0]);
    let flow = SignIn::at(FakeGitHub::builder().interval(1_000_000_000));
    let error = flow
        .run(|_| {})
        .expect_err("nobody may ask before it is over");
    assert_eq!(error.code(), "expired_token");
    assert_pauses(&flow.clock.sleeps(), &[900.0]);
    assert_eq!(flow.polls(), 0);
}

#[test]
fn p9_no_server_keeps_a_person_waiting_for_longer_than_an_hour() {
    let builder = FakeGitHub::builder().interval(60);
    let flow = SignIn::at(builder.code_lifetime(seconds(1_000_000_000)));
    let error = flow.run(|_| {}).expect_err("it is over");
    assert_eq!(error.code(), "expired_token");
    let pauses = flow.clock.sleeps();
    assert!(
        (pauses.iter().sum::<f64>() - 3600.0).abs() < 0.01,
        "{pauses:?}"
    );
    flow.expect_no_violation();
}

#[test]
fn a_clock_that_runs_a_little_fast_is_never_early() {
    for drift in [1.05, 1.15, 1.19] {
        let flow = SignIn::new();
        flow.clock.drift(drift);
        flow.approved_in_pause(5).expect("a grant");
        flow.expect_no_violation();
    }
}

#[test]
fn on_a_clock_that_runs_a_third_fast_the_approval_is_still_seen() {
    // cli/cli#9370: under WSL two seconds may pass as three.
    for drift in [1.25, 1.3, 1.39] {
        let flow = SignIn::new();
        flow.clock.drift(drift);
        flow.approved_in_pause(4).expect("a grant");
        let errors = flow.errors();
        let slow_downs = errors.iter().filter(|error| *error == "slow_down").count();
        assert_eq!(slow_downs, 1, "drift {drift}: {errors:?}");
    }
}

#[test]
fn a_wall_clock_that_jumps_in_mid_polling_changes_nothing() {
    for jump in [DAY, TEN_YEARS] {
        for turn in [FakeClock::set_ahead, FakeClock::set_back] {
            let flow = SignIn::new();
            flow.run(|sleeps| match sleeps {
                2 => turn(&flow.clock, jump),
                4 => flow.approve(),
                _ => {}
            })
            .expect("a grant");
            assert_pauses(&flow.clock.sleeps(), &[6.0; 4]);
            flow.expect_no_violation();
        }
    }
}

#[test]
fn a_code_that_nobody_approves_is_polled_to_its_end_and_not_beyond() {
    let flow = SignIn::at(FakeGitHub::builder().code_lifetime(seconds(100)));
    let error = flow.run(|_| {}).expect_err("it is over");
    assert_eq!((error.exit_code(), error.code()), (1, "expired_token"));
    // The last pause ends with the code, and then there is nothing to ask.
    let mut pauses = vec![6.0; 16];
    pauses.push(4.0);
    assert_pauses(&flow.clock.sleeps(), &pauses);
    assert_eq!(flow.polls(), 16);
    flow.clock.advance(SECOND);
    assert_eq!(flow.fake.pending_codes(), Vec::<String>::new());
    flow.expect_no_violation();
}
