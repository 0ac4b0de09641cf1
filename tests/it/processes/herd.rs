//! P2: however many processes ask at the moment a token comes due, one refresh serves them all.

use std::time::Duration;

use fake_github::{Endpoint, Failure, FakeGitHub, Fault, Stage};
use serde_json::Value;

use crate::support::herd::Herd;
use crate::support::processes::{Caller, IN_TIME, Watch, in_full};
use crate::support::records::{DUE, FRESH, let_live, sign_in};
use crate::support::sandbox::{Program, Run, Sandbox};

const SLOWNESS: Duration = Duration::from_millis(300);

#[test]
fn p2_two_hundred_callers_share_one_refresh() {
    let fake = FakeGitHub::start().expect("a fake");
    // The old token is dead long before the new one arrives.
    fake.delay(Endpoint::Refresh, Stage::AfterProcessing, SLOWNESS);
    let sandbox = Sandbox::new(&fake);
    let _watch = Watch::over(&sandbox);
    let mut old = sign_in(&sandbox, &fake, DUE).access_token;
    let rounds = if in_full() { 10 } else { 3 };
    for round in 1..=rounds {
        let (took, token) = round_of(200, &sandbox);
        println!("round {round}: 200 callers in {} ms", took.as_millis());
        assert_eq!(fake.count(Endpoint::Refresh), round);
        assert_eq!(fake.refreshes().len(), round);
        assert!(fake.is_alive(&token));
        assert_ne!(token, old);
        let_live(&sandbox, DUE);
        old = token;
    }
    assert_eq!(fake.violations(), []);
}

/// The number of P2, in the long run only: two thousand processes take their time to start.
#[test]
#[ignore = "long: tests/run --full runs it"]
fn p2_two_thousand_callers_share_one_refresh() {
    let fake = FakeGitHub::start().expect("a fake");
    fake.delay(Endpoint::Refresh, Stage::AfterProcessing, SLOWNESS);
    let sandbox = Sandbox::new(&fake);
    let _watch = Watch::over(&sandbox);
    sign_in(&sandbox, &fake, DUE);
    let (took, token) = round_of(2000, &sandbox);
    println!("2,000 callers in {} ms", took.as_millis());
    assert_eq!(fake.count(Endpoint::Refresh), 1);
    assert!(fake.is_alive(&token));
}

/// How long the last one took, and the one token that all of them printed.
fn round_of(count: usize, sandbox: &Sandbox) -> (Duration, String) {
    let herd = Herd::gather(
        sandbox,
        &repeated(&[&["get"], &["get", "--format", "json"]], count / 2),
    );
    let (released, callers) = herd.release();
    let mut tokens: Vec<String> = finish(callers).iter().map(token_of).collect();
    let took = released.elapsed();
    assert_eq!(tokens.len(), count);
    tokens.dedup();
    assert_eq!(tokens.len(), 1, "one token for everybody");
    (took, tokens.remove(0))
}

#[test]
fn p2_get_status_and_refresh_go_together() {
    let fake = FakeGitHub::start().expect("a fake");
    fake.delay(Endpoint::Refresh, Stage::BeforeProcessing, SLOWNESS);
    let sandbox = Sandbox::new(&fake);
    let _watch = Watch::over(&sandbox);
    sign_in(&sandbox, &fake, DUE);
    let calls: [&[&str]; 3] = [&["get"], &["status", "--json"], &["refresh"]];
    let (_, callers) = Herd::gather(&sandbox, &repeated(&calls, 20)).release();
    let runs = finish(callers);
    assert!(runs.iter().all(|run| run.code == Some(0)), "{runs:#?}");
    assert_eq!(fake.count(Endpoint::Refresh), 1);
    let token = sandbox.run(["get"]).token().to_owned();
    for (index, run) in runs.iter().enumerate() {
        match index % 3 {
            0 => assert_eq!(run.token(), token),
            1 => assert!(
                serde_json::from_str::<Value>(&run.stdout).is_ok(),
                "{run:?}"
            ),
            _ => assert!(run.stdout.contains("valid until"), "{run:?}"),
        }
    }
}

/// People who force a refresh at the same moment want a newer token, not one each.
#[test]
fn p2_forced_refreshes_of_one_token_become_one() {
    let fake = FakeGitHub::start().expect("a fake");
    fake.fail_next(Endpoint::Refresh, Fault::after(Failure::Gate));
    let sandbox = Sandbox::new(&fake);
    let _watch = Watch::over(&sandbox);
    sign_in(&sandbox, &fake, FRESH);
    let force = || Caller::ghtok(&sandbox, Program::Real, &["refresh", "--force"]);
    let mut callers = vec![force()];
    fake.wait_for_held(Endpoint::Refresh, 1, IN_TIME)
        .expect("a refresh on the wire");
    callers.extend((0..10).map(|_| force()));
    for caller in &callers {
        caller.wait_to_say("waiting for a refresh");
    }
    fake.release(Endpoint::Refresh);
    for run in finish(callers) {
        assert!(run.expect_code(0).stdout.contains("refreshed, valid until"));
    }
    assert_eq!(fake.count(Endpoint::Refresh), 1);
    assert!(fake.is_alive(sandbox.run(["get"]).token()));
}

#[test]
fn p2_a_logout_amid_the_herd_stays_a_logout() {
    let fake = FakeGitHub::start().expect("a fake");
    fake.delay(
        Endpoint::Refresh,
        Stage::AfterProcessing,
        Duration::from_millis(50),
    );
    let sandbox = Sandbox::new(&fake);
    let _watch = Watch::over(&sandbox);
    sign_in(&sandbox, &fake, DUE);
    let mut calls = repeated(&[&["get"]], 20);
    calls.insert(10, &["logout"]);
    let (_, callers) = Herd::gather(&sandbox, &calls).release();
    for (index, run) in finish(callers).into_iter().enumerate() {
        match run.code {
            Some(0) => {}
            Some(4) if index != 10 => assert!(run.stderr.contains("not signed in"), "{run:?}"),
            _ => panic!("{run:?}"),
        }
    }
    assert!(fake.count(Endpoint::Refresh) <= 1);
    sandbox.run(["get"]).expect_code(4);
    assert!(!sandbox.record_file().exists() && !sandbox.rescue_file().exists());
}

fn repeated<'a>(calls: &[&'a [&'a str]], times: usize) -> Vec<&'a [&'a str]> {
    calls
        .iter()
        .copied()
        .cycle()
        .take(calls.len() * times)
        .collect()
}

fn finish(callers: Vec<Caller>) -> Vec<Run> {
    callers.into_iter().map(Caller::finish).collect()
}

#[track_caller]
fn token_of(run: &Run) -> String {
    match serde_json::from_str::<Value>(&run.stdout) {
        Ok(document) => document["token"].as_str().expect("a token").to_owned(),
        Err(_) => run.token().to_owned(),
    }
}
