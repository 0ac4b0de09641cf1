//! P5: no prompt, no browser and no device flow ever starts unasked. Every command but `login`, in
//! every state in which only a sign-in would help.

use std::time::Duration;

use fake_github::{CLIENT_ID, Endpoint, FakeGitHub};

use crate::support::deadline::run;
use crate::support::sandbox::{Run, Sandbox};
use crate::support::signing_in::{hurried_fake, sign_in};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stored {
    Nothing,
    /// The refresh token is dead, the access token lives.
    RefreshDead,
    /// Both are dead, and the clock calls neither expired.
    BothRevoked,
    /// Both are dead, and the clock knows of one.
    BothDead,
    Damaged,
    Newer,
}

const ALL: [Stored; 6] = [
    Stored::Nothing,
    Stored::RefreshDead,
    Stored::BothRevoked,
    Stored::BothDead,
    Stored::Damaged,
    Stored::Newer,
];

impl Stored {
    fn put(self, fake: &FakeGitHub, sandbox: &Sandbox) {
        match self {
            Self::Nothing => {}
            Self::RefreshDead => {
                let pair = sandbox.seed(fake, Duration::from_secs(60));
                fake.revoke(pair.refresh_token.as_deref().expect("one"));
            }
            Self::BothRevoked => seed_dead(fake, sandbox, Duration::from_secs(60)),
            Self::BothDead => seed_dead(fake, sandbox, Duration::ZERO),
            Self::Damaged => sandbox.put_bytes(b"{\"v\":1,\"generation\":"),
            Self::Newer => sandbox.put_bytes(b"{\"v\":99,\"sealed\":\"x\"}"),
        }
    }
}

fn seed_dead(fake: &FakeGitHub, sandbox: &Sandbox, left: Duration) {
    sandbox.seed(fake, left);
    fake.revoke_authorization(CLIENT_ID);
}

/// Runs one command in this state and makes sure that nobody was asked for anything.
fn expect(arguments: &[&str], stored: Stored, exit_code: i32) -> Run {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    stored.put(&fake, &sandbox);
    let run = run(&sandbox, arguments);
    let what = format!("{arguments:?} with {stored:?}: {run:?}");
    assert_eq!(run.code, Some(exit_code), "{what}");
    for endpoint in [Endpoint::DeviceCode, Endpoint::Poll, Endpoint::Page] {
        assert_eq!(fake.count(endpoint), 0, "{what}");
    }
    assert_eq!(fake.violations(), [], "{what}");
    if exit_code == 4 && !run.stdout.contains("problem") {
        assert!(run.stderr.contains("ghtok login --client-id"), "{what}");
    }
    run
}

fn expect_in_all(arguments: &[&str], exit_codes: [i32; 6]) {
    for (stored, exit_code) in ALL.into_iter().zip(exit_codes) {
        expect(arguments, stored, exit_code);
    }
}

#[test]
fn p5_get_in_no_format_starts_a_sign_in() {
    for format in [
        "token",
        "json",
        "header",
        "env",
        "fish",
        "powershell",
        "netrc",
    ] {
        expect_in_all(&["get", "--format", format], [4, 0, 4, 4, 1, 1]);
    }
    expect_in_all(&["get", "--min-ttl", "1h"], [4, 0, 4, 4, 1, 1]);
}

#[test]
fn p5_refresh_starts_no_sign_in() {
    expect_in_all(&["refresh"], [4, 0, 4, 4, 1, 1]);
    expect_in_all(&["refresh", "--json"], [4, 0, 4, 4, 1, 1]);
    expect_in_all(&["refresh", "--all"], [4, 0, 4, 4, 1, 1]);
    // Who insists on a new token is told that there is none.
    expect_in_all(&["refresh", "--force"], [4, 4, 4, 4, 1, 1]);
}

#[test]
fn p5_status_starts_no_sign_in() {
    expect_in_all(&["status"], [0; 6]);
    // It asks nobody, so it cannot know that a refresh token is dead.
    expect_in_all(&["status", "--check"], [4, 0, 0, 0, 1, 1]);
    expect_in_all(&["status", "--json", "--check"], [4, 0, 0, 0, 1, 1]);
}

#[test]
fn p5_logout_starts_no_sign_in() {
    expect_in_all(&["logout"], [0; 6]);
    expect_in_all(&["logout", "--all"], [0; 6]);
    expect_in_all(&["logout", "--revoke"], [0; 6]);
}

#[test]
fn p5_the_hidden_refresher_starts_no_sign_in() {
    for order in ["usual:300", "explicit:3600", "newer:1"] {
        expect_in_all(&["refresher", "--order", order], [0; 6]);
    }
}

#[test]
fn p5_login_does_not_replace_what_it_cannot_read_unless_it_is_forced() {
    for stored in [Stored::Damaged, Stored::Newer] {
        let refusal = expect(&["login"], stored, 1);
        assert!(refusal.stderr.contains("--force"), "{refusal:?}");
        assert_eq!(refusal.stdout, "");

        let fake = hurried_fake().start().expect("a fake");
        let sandbox = Sandbox::new(&fake);
        stored.put(&fake, &sandbox);
        sign_in(&fake, &sandbox, &["login", "--force"]).expect_code(0);
        assert!(fake.is_alive(run(&sandbox, &["get"]).token()));
    }
}
