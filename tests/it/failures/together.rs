//! P4 on real processes: many callers share one failure instead of queueing for many.

use std::time::{Duration, Instant};

use fake_github::{Endpoint, Failure, FakeGitHub, Fault, Pair, Stage};

use super::{OVER, VALID, seconds};
use crate::support::deadline::ends;
use crate::support::sandbox::{Program, Run, Sandbox};

/// What the server does to every refresh, and who asks for how many.
struct Crowd {
    callers: usize,
    program: Program,
    failure: Failure,
    after: Duration,
}

/// A server that lets fifty wait for a while and then breaks off: a time-out's outcome, long before
/// a busy machine could make any caller give up.
const STUCK: Crowd = Crowd {
    callers: 50,
    program: Program::Real,
    failure: Failure::Reset,
    after: Duration::from_millis(2500),
};

impl Crowd {
    fn run(&self, left: Duration) -> (FakeGitHub, Sandbox, Pair, Vec<Run>) {
        let fake = FakeGitHub::start().expect("a fake");
        let sandbox = Sandbox::new(&fake);
        let pair = sandbox.seed(&fake, left);
        fake.fail_always(Endpoint::Refresh, Fault::before(self.failure.clone()));
        fake.delay(Endpoint::Refresh, Stage::BeforeProcessing, self.after);
        let children: Vec<_> = (0..self.callers)
            .map(|_| sandbox.spawn(self.program, ["get"]))
            .collect();
        // No caller waits longer than 45 s; those of a queue of fifty would.
        let deadline = Instant::now() + seconds(60);
        let runs = children
            .into_iter()
            .map(|child| ends(child, deadline.saturating_duration_since(Instant::now())))
            .collect();
        (fake, sandbox, pair, runs)
    }

    /// One attempt, and its failure for everybody.
    fn check_without_a_living_token(&self) {
        let (fake, sandbox, _, runs) = self.run(OVER);
        for run in &runs {
            assert_eq!((run.code, run.stdout.as_str()), (Some(5), ""), "{run:?}");
            assert!(run.stderr.contains("try again"), "{run:?}");
        }
        assert_eq!(fake.count(Endpoint::Refresh), 1);
        assert_eq!(fake.count(Endpoint::User), 0);
        let record = sandbox.record();
        let refresh_token = record.tokens.refresh_token().expect("one").expose();
        assert!(fake.refresh_is_alive(refresh_token));
    }

    /// One attempt, one question whether the token lives, and the token for everybody.
    fn check_with_a_living_token(&self) {
        let (fake, sandbox, pair, runs) = self.run(VALID);
        for run in &runs {
            assert_eq!(run.token(), pair.access_token, "{run:?}");
            assert!(run.stderr.contains("still valid"), "{run:?}");
        }
        assert_eq!(fake.count(Endpoint::Refresh), 1);
        assert_eq!(fake.count(Endpoint::User), 1);
        assert_eq!(sandbox.record().intent, None);
    }
}

#[test]
fn p4_fifty_callers_without_a_living_token_share_one_attempt_at_a_server_that_is_stuck() {
    STUCK.check_without_a_living_token();
}

#[test]
fn p4_fifty_callers_with_a_living_token_get_it_after_one_attempt_at_a_server_that_is_stuck() {
    STUCK.check_with_a_living_token();
}

/// The limits themselves, ten times as short: a refresher gives up on a server that never answers
/// before its callers give up on the refresher.
#[test]
fn p9_a_refresher_gives_up_on_a_hanging_server_before_its_callers_give_up_on_it() {
    Crowd {
        callers: 4,
        program: Program::Hurried,
        failure: Failure::Hang,
        after: Duration::ZERO,
    }
    .check_without_a_living_token();
}

/// Half a minute each: with the product's own limits.
#[test]
#[ignore = "long: tests/run --full runs it"]
fn p4_fifty_callers_share_one_time_out_with_the_limits_of_the_product() {
    let hanging = Crowd {
        failure: Failure::Hang,
        after: Duration::ZERO,
        ..STUCK
    };
    hanging.check_without_a_living_token();
    hanging.check_with_a_living_token();
}
