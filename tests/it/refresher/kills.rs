//! P3: SIGKILL of the refresher at every step. The sign-in is lost only between "GitHub replaced the
//! tokens" and "the answer is sealed or stored", and then one clear message says so.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use fake_github::{Endpoint, Failure, FakeGitHub, Fault};
use ghtok::testing::auth::ports::Step;
use rustix::process::Signal;
use serde_json::Value;

use super::{FAILURE_SHARED, expect_requests, next_is_served};
use crate::support::processes::{Caller, IN_TIME, Watch, kill_for_good};
use crate::support::records::{DUE, age_outcome, sign_in};
use crate::support::sandbox::{Program, Sandbox, now};

/// What the next caller finds after the refresher was killed at a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    /// Nothing was sent: the next caller refreshes.
    Refreshes,
    /// The new pair is there already, sealed or stored: nothing more is sent.
    HasTheNewPair,
    /// GitHub replaced the tokens, and nobody has the new ones.
    IsLost,
}

fn after_a_kill_at(step: Step) -> (&'static str, Then) {
    match step {
        Step::Begun => ("begun", Then::Refreshes),
        Step::Connected => ("connected", Then::Refreshes),
        Step::IntentWritten => ("intent_written", Then::Refreshes),
        Step::RescuePrepared => ("rescue_prepared", Then::Refreshes),
        Step::SentReported => ("sent_reported", Then::Refreshes),
        Step::Answered => ("answered", Then::IsLost),
        Step::Sealed => ("sealed", Then::HasTheNewPair),
        Step::Saved => ("saved", Then::HasTheNewPair),
        Step::Reported => ("reported", Then::HasTheNewPair),
        Step::RescueWiped => ("rescue_wiped", Then::HasTheNewPair),
    }
}

#[test]
fn p3_a_refresher_killed_at_any_step_loses_nothing_but_in_the_one_window() {
    for step in Step::ALL {
        let (name, then) = after_a_kill_at(step);
        println!("killed at {name}: {then:?}");
        let fake = FakeGitHub::start().expect("a fake");
        let sandbox = Sandbox::new(&fake);
        let watch = Watch::over(&sandbox);
        sign_in(&sandbox, &fake, DUE);
        kill_both_at(name, &sandbox, &watch);
        expect_then(then, &sandbox, &fake, &watch);
    }
}

/// First the caller, so that it starts no second refresher, then the refresher.
fn kill_both_at(step: &str, sandbox: &Sandbox, watch: &Watch) {
    let mut caller = Caller::stopping_at(sandbox, &format!("{step}:stop"), &["get"]);
    let refresher = watch.stopped_refresher();
    caller.signal(Signal::KILL);
    caller.end();
    kill_for_good(refresher);
}

fn expect_then(then: Then, sandbox: &Sandbox, fake: &FakeGitHub, watch: &Watch) {
    let sent = fake.count(Endpoint::Refresh);
    match then {
        Then::Refreshes => assert_eq!(sent, 0),
        Then::HasTheNewPair => assert_eq!(sent, 1),
        Then::IsLost => {
            expect_lost(sandbox, fake);
            return expect_requests(fake, watch, 2, 1);
        }
    }
    next_is_served(sandbox, fake);
    expect_requests(fake, watch, 1, 1);
    let stored = sandbox.record();
    assert_eq!((stored.generation, stored.intent), (2, None));
}

/// Every caller is told the same, and GitHub is not asked again.
#[track_caller]
fn expect_lost(sandbox: &Sandbox, fake: &FakeGitHub) {
    let run = sandbox.run(["get", "--format", "json"]).expect_code(4);
    assert_eq!(run.stdout, "", "the old token is never served");
    let error: Value = serde_json::from_str(&run.stderr).expect("a document");
    assert_eq!(error["error"]["code"], "sign_in_lost");
    let requests = fake.count(Endpoint::Refresh);
    let again = sandbox.run(["get"]).expect_code(4);
    assert_eq!(again.stdout, "");
    let day = ghtok::testing::formats::timestamps::rfc3339(now());
    let day = day.get(..10).expect("a date");
    for said in [
        "the sign-in was lost in an interrupted refresh on ",
        day,
        "GitHub replaced the tokens, and the new ones did not arrive or could not be stored (this is not a sign of theft)",
        "sign in with:\n  ghtok login --client-id ",
    ] {
        assert!(again.stderr.contains(said), "{said:?} in {again:?}");
    }
    assert_eq!(
        fake.count(Endpoint::Refresh),
        requests,
        "nothing more is sent"
    );
}

/// The window itself: GitHub has replaced the tokens, and the answer is on its way.
#[test]
fn p3_killed_before_the_answer_arrives_the_sign_in_is_lost_and_says_so() {
    let (fake, sandbox, watch) = killed_with_the_request_out(Fault::after(Failure::Gate));
    assert_eq!(fake.refreshes().len(), 1);
    fake.release(Endpoint::Refresh);
    expect_lost(&sandbox, &fake);
    expect_requests(&fake, &watch, 2, 1);
}

/// Sent, but GitHub never acted on it: the old refresh token is tried once more, and works.
#[test]
fn p3_killed_before_github_acted_the_next_caller_refreshes() {
    let (fake, sandbox, watch) = killed_with_the_request_out(Fault::before(Failure::Gate));
    next_is_served(&sandbox, &fake);
    expect_requests(&fake, &watch, 2, 1);
}

fn killed_with_the_request_out(fault: Fault) -> (FakeGitHub, Sandbox, Watch) {
    let fake = FakeGitHub::start().expect("a fake");
    fake.fail_next(Endpoint::Refresh, fault);
    let sandbox = Sandbox::new(&fake);
    let watch = Watch::over(&sandbox);
    sign_in(&sandbox, &fake, DUE);
    let mut caller = Caller::ghtok(&sandbox, Program::Real, &["get"]);
    fake.wait_for_held(Endpoint::Refresh, 1, IN_TIME)
        .expect("a refresh on the wire");
    let refresher = watch.refresher();
    caller.signal(Signal::KILL);
    caller.end();
    kill_for_good(refresher);
    (fake, sandbox, watch)
}

/// A rescue file that cannot be read just now is no missing one: the pair in it is the only one.
#[test]
fn p3_a_rescue_file_that_cannot_be_read_is_kept_and_nothing_is_sent() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let watch = Watch::over(&sandbox);
    sign_in(&sandbox, &fake, DUE);
    kill_both_at("sealed", &sandbox, &watch);
    let open_to = |mode| {
        let permissions = fs::Permissions::from_mode(mode);
        fs::set_permissions(sandbox.rescue_file(), permissions).expect("a mode");
    };
    // Readable for others, so that it is not trusted.
    open_to(0o644);
    let run = sandbox.run(["get"]);
    assert_ne!(run.code, Some(0), "{run:?}");
    assert!(run.stderr.contains("chmod 600"), "{run:?}");
    expect_requests(&fake, &watch, 1, 1);
    open_to(0o600);
    age_outcome(&sandbox, FAILURE_SHARED);
    next_is_served(&sandbox, &fake);
    expect_requests(&fake, &watch, 1, 1);
    assert_eq!(sandbox.record().generation, 2);
}

/// A caller whose refresher dies starts another; one whose every refresher dies says so in time
/// instead of starting more and more.
#[test]
fn p3_a_caller_outlives_its_refreshers() {
    for step in Step::ALL {
        let (name, then) = after_a_kill_at(step);
        let fake = FakeGitHub::start().expect("a fake");
        let sandbox = Sandbox::new(&fake);
        let watch = Watch::over(&sandbox);
        let old = sign_in(&sandbox, &fake, DUE).access_token;
        let run = Caller::stopping_at(&sandbox, &format!("{name}:kill"), &["get"]).finish();
        println!("killed at {name}: {:?} {}", run.code, run.stderr.trim_end());
        match step {
            // Nothing was touched: the token that is still good is served.
            Step::Begun | Step::Connected => assert_eq!(run.token(), old),
            Step::IntentWritten | Step::RescuePrepared | Step::SentReported | Step::Answered => {
                assert!(run.expect_code(1).stderr.contains("ended without a result"));
            }
            Step::Sealed | Step::Saved | Step::Reported | Step::RescueWiped => {
                assert!(fake.is_alive(run.token()));
            }
        }
        watch.no_refresher();
        match then {
            Then::IsLost => expect_lost(&sandbox, &fake),
            Then::Refreshes | Then::HasTheNewPair => {
                next_is_served(&sandbox, &fake);
                assert_eq!(fake.refreshes().len(), 1);
            }
        }
    }
}
