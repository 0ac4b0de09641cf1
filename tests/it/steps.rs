//! `-v`, `-vv` and `GHTOK_LOG`: the steps of a call on standard error, in order, each with its time,
//! and never a secret. Without them, not a word.

use std::fs;
use std::time::Duration;

use fake_github::{CLIENT_ID, FakeGitHub};

use crate::support::sandbox::{Program, Run, Sandbox};

const FRESH: Duration = Duration::from_secs(20_000);
const DUE: Duration = Duration::from_secs(30);

fn run(sandbox: &Sandbox, arguments: &[&str], log: Option<&str>) -> Run {
    let mut command = sandbox.command(Program::Real, arguments);
    command.envs(log.map(|log| ("GHTOK_LOG", log)));
    Run::of(command.spawn().expect("ghtok starts"))
}

/// The words of each step, its times checked and taken off.
#[track_caller]
fn steps(text: &str) -> Vec<String> {
    let step = |line: &str| {
        let line = line.trim_start_matches("ghtok: ");
        let (times, words) = line
            .strip_prefix('[')
            .and_then(|line| line.split_once("] "))
            .unwrap_or_else(|| panic!("no step: {line}"));
        let mut times = times.split_whitespace();
        let mut time = || times.next().expect("a time").parse::<f64>().ok();
        let total = time().expect("a total");
        assert_eq!(time(), None, "the unit");
        let own = time().expect("its own time");
        assert!(own >= 0.0 && own <= total + 0.05, "{line}");
        words.to_owned()
    };
    text.lines().map(step).collect()
}

#[track_caller]
fn in_order(steps: &[String], wanted: &[&str]) {
    let mut rest = steps.iter();
    for words in wanted {
        assert!(
            rest.any(|step| step.starts_with(words)),
            "{words:?} is missing or out of order: {steps:#?}"
        );
    }
}

#[test]
fn a_cached_get_tells_four_steps_by_flag_or_variable_and_none_without() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let pair = sandbox.seed(&fake, FRESH);
    let wanted = [
        "configuration: ",
        "App ",
        "private files",
        "decision: use the stored token",
    ];
    for (arguments, log) in [
        (&["get", "-v"][..], None),
        (&["-v", "get"], None),
        (&["get"], Some("info")),
        (&["get", "-v"], Some("off")),
    ] {
        let run = run(&sandbox, arguments, log);
        assert_eq!(run.token(), pair.access_token);
        let steps = steps(&run.stderr);
        assert_eq!(steps.len(), 4, "{steps:#?}");
        for (step, part) in steps.iter().zip(wanted) {
            let known = step.contains(part) || part == "private files";
            assert!(known, "{step}");
        }
    }
    for log in [None, Some("off"), Some("")] {
        assert_eq!(run(&sandbox, &["get"], log).stderr, "");
    }
    let refused = run(&sandbox, &["get"], Some("loud")).expect_code(2);
    assert_eq!(
        refused.stderr.lines().next(),
        Some("ghtok: error: GHTOK_LOG: \"loud\" is not one of off, info, debug")
    );
}

#[test]
fn a_refresh_is_told_by_the_caller_and_in_the_refreshers_file_without_a_secret() {
    let fake = FakeGitHub::start().expect("a fake");
    for (arguments, log) in [(&["get", "-vv"][..], None), (&["get"], Some("debug"))] {
        let sandbox = Sandbox::new(&fake);
        let old = sandbox.seed(&fake, DUE);
        let run = run(&sandbox, arguments, log);
        let new = run.token().to_owned();
        in_order(
            &steps(&run.stderr),
            &[
                "configuration: ",
                "decision: refresh",
                "lock: taken",
                "refresher started: process ",
                "outcome: changed",
                "decision: use the stored token",
            ],
        );
        let file = sandbox.state_folder().log(&sandbox.app().key());
        let told = fs::read_to_string(&file).expect("the refresher's steps");
        in_order(
            &steps(&told),
            &[
                "refresher ",
                "refresh: begun",
                "DNS: ",
                "connection: TCP",
                "connected to ",
                "refresh: intent stored",
                "request: POST 127.0.0.1/login/oauth/access_token",
                "answer: 200, ",
                "refresh: new tokens saved",
            ],
        );
        let all = format!("{told}{}", run.stderr);
        let secrets = [&old.access_token, &new];
        for secret in secrets.into_iter().chain(&old.refresh_token) {
            assert!(!all.contains(secret.as_str()), "{all}");
        }
        assert!(!all.contains("grant_type") && !all.contains(CLIENT_ID.repeat(2).as_str()));
    }
}

#[test]
fn a_failed_request_tells_its_cause() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sandbox.seed(&fake, DUE);
    drop(fake);
    let run = run(&sandbox, &["get", "-v"], None);
    assert_eq!(run.code, Some(0), "a still-valid token is served: {run:?}");
    let file = sandbox.state_folder().log(&sandbox.app().key());
    let told = fs::read_to_string(&file).expect("the refresher's steps");
    assert!(told.contains("no connection: "), "{told}");
}

#[test]
fn without_a_wish_no_file_is_left() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sandbox.seed(&fake, DUE);
    assert_eq!(sandbox.run(["get"]).code, Some(0));
    assert!(!sandbox.state_folder().log(&sandbox.app().key()).exists());
}
