//! P3: a refresher that is stopped (SIGSTOP) holds the lock, and has written no intent. It delays
//! nobody but those who need a new token, and those not beyond their limit.

use std::time::{Duration, Instant};

use fake_github::{Endpoint, FakeGitHub};
use rustix::process::Pid;

use super::{expect_requests, go_on, next_is_served};
use crate::support::processes::{Caller, Watch};
use crate::support::records::{DUE, FRESH, sign_in};
use crate::support::sandbox::{Program, Run, Sandbox};

/// What a hurried caller waits in all.
const CALLER_LIMIT: Duration = Duration::from_millis(4_500);
/// What starting and ending may take on a busy machine.
const MARGIN: Duration = Duration::from_secs(10);

/// Already over, by the clock.
const OVER: Duration = Duration::ZERO;

struct Stopped {
    fake: FakeGitHub,
    sandbox: Sandbox,
    watch: Watch,
    refresher: Pid,
    token: String,
    first: Caller,
}

/// A refresher that holds the lock and does nothing more.
fn stopped(left: Duration, arguments: &[&str]) -> Stopped {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let watch = Watch::over(&sandbox);
    let token = sign_in(&sandbox, &fake, left).access_token;
    let first = Caller::stopping_at(&sandbox, "begun:stop", arguments);
    let refresher = watch.stopped_refresher();
    assert_eq!(sandbox.record().intent, None);
    Stopped {
        fake,
        sandbox,
        watch,
        refresher,
        token,
        first,
    }
}

impl Stopped {
    /// One more caller, and how long it took.
    fn ask(&self) -> (Run, Duration) {
        let asked = Instant::now();
        let run = Caller::ghtok(&self.sandbox, Program::Hurried, &["get"]).finish();
        (run, asked.elapsed())
    }

    /// Nothing was spent while the refresher stood still; once it goes on, all is well.
    fn goes_on(self) {
        assert_eq!(self.fake.count(Endpoint::Refresh), 0);
        go_on(self.refresher);
        self.watch.no_refresher();
        next_is_served(&self.sandbox, &self.fake);
        expect_requests(&self.fake, &self.watch, 1, 1);
    }
}

#[track_caller]
fn expect_at_the_limit(took: Duration) {
    let in_time = CALLER_LIMIT..CALLER_LIMIT + MARGIN;
    assert!(in_time.contains(&took), "after {took:?}");
}

#[test]
fn p3_a_stopped_holder_delays_nobody_whose_token_is_not_due() {
    let stopped = stopped(FRESH, &["refresh", "--force"]);
    let (run, took) = stopped.ask();
    assert_eq!(run.token(), stopped.token);
    assert_eq!(run.stderr, "");
    assert!(took < CALLER_LIMIT, "at once, not after {took:?}");
    stopped.goes_on();
}

#[test]
fn p3_a_stopped_holder_delays_a_due_token_to_the_limit_only() {
    let stopped = stopped(DUE, &["get"]);
    let (run, took) = stopped.ask();
    assert_eq!(run.token(), stopped.token);
    assert!(run.stderr.contains("gave up after waiting 45 s"), "{run:?}");
    assert!(
        run.stderr.contains("the current token is still valid for"),
        "{run:?}"
    );
    expect_at_the_limit(took);
    stopped.goes_on();
}

#[test]
fn p3_a_stopped_holder_and_an_expired_token_end_in_exit_7() {
    let mut stopped = stopped(OVER, &["get"]);
    let (run, took) = stopped.ask();
    let run = run.expect_code(7);
    assert_eq!(run.stdout, "");
    assert!(
        run.stderr
            .contains("gave up after waiting 45 s for another ghtok"),
        "{run:?}"
    );
    expect_at_the_limit(took);
    assert_eq!(stopped.first.end().code(), Some(7), "its own caller too");
    stopped.goes_on();
}
