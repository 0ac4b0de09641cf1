//! P4 on real processes: fifty callers share one failure instead of queueing for fifty.

use std::time::{Duration, Instant};

use fake_github::{Endpoint, Failure, FakeGitHub, Fault, Pair};

use super::{OVER, VALID};
use crate::support::deadline::ends;
use crate::support::sandbox::{Program, Run, Sandbox};

const CALLERS: usize = 50;

/// What a caller of the hurried program waits at most, and a busy machine on top.
const LIMIT: Duration = Duration::from_secs(20);

fn fifty_callers(left: Duration) -> (FakeGitHub, Sandbox, Pair, Vec<Run>) {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let pair = sandbox.seed(&fake, left);
    fake.fail_always(Endpoint::Refresh, Fault::before(Failure::Hang));
    let began = Instant::now();
    let children: Vec<_> = (0..CALLERS)
        .map(|_| sandbox.spawn(Program::Hurried, ["get"]))
        .collect();
    let runs = children
        .into_iter()
        .map(|child| ends(child, LIMIT))
        .collect();
    assert!(began.elapsed() < LIMIT, "{:?}", began.elapsed());
    (fake, sandbox, pair, runs)
}

#[test]
fn p4_fifty_callers_without_a_living_token_share_one_attempt_at_a_server_that_hangs() {
    let (fake, _sandbox, _, runs) = fifty_callers(OVER);
    for run in &runs {
        assert_eq!((run.code, run.stdout.as_str()), (Some(5), ""), "{run:?}");
        assert!(run.stderr.contains("try again"), "{run:?}");
    }
    assert_eq!(fake.count(Endpoint::Refresh), 1);
    assert_eq!(fake.count(Endpoint::User), 0);
}

#[test]
fn p4_fifty_callers_with_a_living_token_get_it_after_one_attempt_at_a_server_that_hangs() {
    let (fake, sandbox, pair, runs) = fifty_callers(VALID);
    for run in &runs {
        assert_eq!(run.token(), pair.access_token, "{run:?}");
        assert!(run.stderr.contains("still good"), "{run:?}");
    }
    assert_eq!(fake.count(Endpoint::Refresh), 1);
    assert_eq!(fake.count(Endpoint::User), 1);
    assert_eq!(sandbox.record().intent, None);
}
