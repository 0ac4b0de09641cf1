//! The refresh process: killed at every step, out of disk space, stopped (P3), and how it cuts
//! itself loose from its caller. Mostly the hurried binary, which can be made to stop at a step.

mod disk;
mod kills;
mod limits;
mod loose;
mod reread;
mod stopped;
mod waiting;

use std::time::Duration;

use fake_github::{Endpoint, FakeGitHub};
use rustix::process::{Pid, Signal, kill_process};

use crate::support::processes::Watch;
use crate::support::sandbox::{Run, Sandbox};

/// A failure is shared for ten seconds; then the next caller tries again.
const FAILURE_SHARED: Duration = Duration::from_secs(10);

/// Lets a stopped process go on.
#[track_caller]
fn go_on(pid: Pid) {
    kill_process(pid, Signal::CONT).expect("it lives");
}

/// The next caller gets a token that GitHub knows.
#[track_caller]
fn next_is_served(sandbox: &Sandbox, fake: &FakeGitHub) -> Run {
    let run = sandbox.run(["get"]);
    assert!(fake.is_alive(run.token()), "{run:?}");
    run
}

/// The refresher has ended, and GitHub was asked so often and replaced the tokens so often.
#[track_caller]
fn expect_requests(fake: &FakeGitHub, watch: &Watch, sent: usize, rotated: usize) {
    watch.no_refresher();
    assert_eq!(fake.count(Endpoint::Refresh), sent, "refresh requests");
    assert_eq!(fake.refreshes().len(), rotated, "rotations");
}
