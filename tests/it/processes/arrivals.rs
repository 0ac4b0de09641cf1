//! P2: a refresh kills the old token, so no process that starts after the request was sent may
//! print it.

use std::thread;
use std::time::{Duration, Instant};

use fake_github::{Endpoint, FakeGitHub, Stage};

use crate::support::processes::{Caller, Watch};
use crate::support::records::{FRESH, sign_in};
use crate::support::sandbox::{Program, Sandbox};

/// Callers come from so long before the refresh until so long after it.
const SPREAD: Duration = Duration::from_secs(3);
const EVERY: Duration = Duration::from_millis(60);

/// The usual token is due with five minutes left.
const DUE_AT: Duration = Duration::from_secs(300);

#[test]
fn p2_nobody_who_starts_after_a_due_refresh_was_sent_prints_the_old_token() {
    spread_arrivals(DUE_AT + SPREAD, None);
}

#[test]
fn p2_nobody_who_starts_after_a_forced_refresh_was_sent_prints_the_old_token() {
    spread_arrivals(FRESH, Some(&["refresh", "--force"]));
}

struct Arrival {
    started: Instant,
    caller: Caller,
}

fn spread_arrivals(left: Duration, in_the_middle: Option<&[&str]>) {
    let fake = FakeGitHub::start().expect("a fake");
    fake.delay(
        Endpoint::Refresh,
        Stage::BeforeProcessing,
        Duration::from_millis(200),
    );
    fake.delay(
        Endpoint::Refresh,
        Stage::AfterProcessing,
        Duration::from_millis(300),
    );
    let sandbox = Sandbox::new(&fake);
    let _watch = Watch::over(&sandbox);
    let old = sign_in(&sandbox, &fake, left).access_token;

    let (arrivals, forced) = arrive(&sandbox, in_the_middle);
    if let Some(forced) = forced {
        forced.finish().expect_code(0);
    }

    let [refresh] = fake
        .requests(Endpoint::Refresh)
        .try_into()
        .expect("one refresh");
    let rotation = refresh.rotated.expect("a rotation");
    let (mut before, mut after) = (0, 0);
    for Arrival { started, caller } in arrivals {
        let run = caller.finish();
        if started > refresh.arrived.instant {
            after += 1;
            assert_eq!(
                run.token(),
                rotation.new_access,
                "started after it was sent"
            );
        } else {
            before += 1;
            let known = [&old, &rotation.new_access];
            assert!(known.iter().any(|token| *token == run.token()), "{run:?}");
        }
    }
    println!("{before} callers before the refresh was sent, {after} after");
    assert!(before > 5 && after > 5, "{before} before, {after} after");
}

/// Starts callers one by one, and something else half-way.
fn arrive(sandbox: &Sandbox, in_the_middle: Option<&[&str]>) -> (Vec<Arrival>, Option<Caller>) {
    let begin = Instant::now();
    let mut arrivals = Vec::new();
    let mut middle = None;
    while begin.elapsed() < 2 * SPREAD {
        if let (None, Some(arguments), true) = (&middle, in_the_middle, begin.elapsed() >= SPREAD) {
            middle = Some(Caller::ghtok(sandbox, Program::Real, arguments));
        }
        let started = Instant::now();
        let caller = Caller::ghtok(sandbox, Program::Real, &["get"]);
        arrivals.push(Arrival { started, caller });
        thread::sleep(EVERY);
    }
    (arrivals, middle)
}
