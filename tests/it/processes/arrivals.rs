//! P2: a refresh kills the old token, so no process that starts after the request was sent may
//! print it.

use std::thread;
use std::time::{Duration, Instant};

use fake_github::{Endpoint, FakeGitHub, Stage};

use crate::support::processes::{Caller, IN_TIME, Watch};
use crate::support::records::{FRESH, sign_in};
use crate::support::sandbox::{Program, Sandbox};

/// A caller comes each time that this has passed.
const EVERY: Duration = Duration::from_millis(60);

/// So many must come after the request was sent. They are counted, not timed: on a busy machine a
/// refresh takes as long as it takes to be sent.
const AFTER: usize = 25;

/// The refresh comes so long after the first callers.
const SPREAD: Duration = Duration::from_secs(3);

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

#[derive(Debug)]
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

    let (arrivals, forced) = arrive(&sandbox, &fake, in_the_middle);
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
    assert!(
        before > 0 && after >= AFTER,
        "{before} before, {after} after"
    );
}

/// Starts callers one by one until enough have come after the refresh was sent, and something else
/// on the way.
fn arrive(
    sandbox: &Sandbox,
    fake: &FakeGitHub,
    on_the_way: Option<&[&str]>,
) -> (Vec<Arrival>, Option<Caller>) {
    let begin = Instant::now();
    let (mut arrivals, mut after, mut other) = (Vec::new(), 0, None);
    while after < AFTER {
        assert!(begin.elapsed() < IN_TIME, "no refresh: {arrivals:?}");
        if let (None, Some(arguments), true) = (&other, on_the_way, begin.elapsed() >= SPREAD) {
            other = Some(Caller::ghtok(sandbox, Program::Real, arguments));
        }
        after += usize::from(fake.count(Endpoint::Refresh) > 0);
        let started = Instant::now();
        let caller = Caller::ghtok(sandbox, Program::Real, &["get"]);
        arrivals.push(Arrival { started, caller });
        thread::sleep(EVERY);
    }
    (arrivals, other)
}
