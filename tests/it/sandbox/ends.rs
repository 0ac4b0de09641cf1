//! Each end of a sandbox revokes what it was given, whatever GitHub does with scoped tokens; and their number.

use fake_github::{Endpoint, Failure, FakeGitHub, Fault};
use ghtok::testing::auth::scoped_tokens::ScopedStore;
use rustix::process::Signal;

use super::{Served, command, get, start, start_at};
use crate::scoped::fake;
use crate::support::deadline::run_command;
use crate::support::processes::eventually;
use crate::support::sandbox::Sandbox;

const REPO: [&str; 2] = ["--repo", "acme/one"];

/// Stands for the exit code of a process that leaves all to others.
const KILLED: i32 = -1;

/// The end of a sandbox, and its exit code.
type End = fn(&Sandbox, &mut Served) -> i32;

fn by_signal(_: &Sandbox, served: &mut Served) -> i32 {
    served.process.signal(Signal::TERM);
    143
}

fn by_revoke(home: &Sandbox, _: &mut Served) -> i32 {
    let revoked = home.run(["sandbox", "revoke", "box"]).expect_code(0);
    assert!(
        revoked.stderr.contains("1 scoped token was revoked"),
        "{}",
        revoked.stderr
    );
    0
}

fn by_revoke_all(home: &Sandbox, _: &mut Served) -> i32 {
    home.run(["sandbox", "revoke", "--all"]).expect_code(0);
    0
}

fn by_kill(home: &Sandbox, served: &mut Served) -> i32 {
    served.process.signal(Signal::KILL);
    served.process.end();
    home.run(["refresh", "--force"]).expect_code(0);
    KILLED
}

#[test]
fn p11_after_every_end_the_token_answers_401() {
    let ends: [End; 4] = [by_signal, by_revoke, by_revoke_all, by_kill];
    for end in ends {
        for world in [
            fake(),
            fake().scoped_tokens_count(),
            fake().refresh_ends_scoped_tokens(),
        ] {
            let (fake, home) = start_at(world);
            let mut served = Served::new(&home, "box", &REPO);
            served.token();
            let code = end(&home, &mut served);
            if code != KILLED {
                assert_eq!(served.process.end().code(), Some(code));
                assert!(!served.socket.exists());
                assert_eq!(home.run(["sandbox", "list"]).expect_code(0).stdout, "");
            }
            eventually("the revocation", || {
                fake.live_scoped_tokens().is_empty().then_some(())
            });
            assert!(!fake.scoped_tokens().is_empty());
            // The sign-in is as before.
            home.run(["get"]).token();
            assert!(fake.violations().is_empty());
        }
    }
}

#[test]
fn p11_a_sandbox_whose_time_is_over_ends() {
    let (fake, home) = start();
    let mut served = Served::new(&home, "box", &[&REPO[..], &["--for", "4s"]].concat());
    assert_eq!(fake.live_scoped_tokens().len(), 1);
    assert_eq!(served.process.end().code(), Some(0));
    assert_eq!(fake.scoped_tokens().len(), 1);
    assert!(fake.live_scoped_tokens().is_empty());
    assert!(!served.socket.exists());
}

#[test]
fn p11_a_revoked_sandbox_gets_no_other_token() {
    let (fake, home) = start();
    let served = Served::new(&home, "box", &REPO);
    served.token();
    let others: Vec<Served> = ["a", "b"]
        .map(|name| Served::new(&home, name, &["--repo", "acme/two"]))
        .into();
    let others: Vec<String> = others.iter().map(Served::token).collect();
    // A connection that is open keeps the process for a moment.
    home.run(["sandbox", "revoke", "box"]).expect_code(0);
    if let Some(answer) = super::ask(&served.socket, get("/v1/token").as_bytes()) {
        assert_eq!(answer.status, 503, "{answer:?}");
        assert_eq!(answer.json()["error"]["code"], "sandbox_ended");
    }
    served.process.finish();
    assert_eq!(fake.live_scoped_tokens(), others);
    let nothing = home.run(["sandbox", "revoke", "box"]).expect_code(2);
    assert!(
        nothing.stderr.contains("\n  ghtok sandbox list"),
        "{}",
        nothing.stderr
    );
}

#[test]
fn p11_what_could_not_be_revoked_is_revoked_by_the_next_ghtok_that_is_online() {
    let (fake, home) = start();
    let mut served = Served::new(&home, "box", &REPO);
    served.token();
    fake.fail_always(Endpoint::DeleteToken, Fault::before(Failure::Status(503)));
    served.process.signal(Signal::TERM);
    let ended = served.process.finish();
    assert!(
        ended.stderr.contains("the next ghtok that is online"),
        "{}",
        ended.stderr
    );
    assert_eq!(fake.live_scoped_tokens().len(), 1);
    fake.heal(Endpoint::DeleteToken);
    home.run(["refresh", "--force"]).expect_code(0);
    eventually("the revocation", || {
        fake.live_scoped_tokens().is_empty().then_some(())
    });
}

#[test]
fn p11_a_fifth_sandbox_is_refused_and_another_can_be_ended_for_it() {
    let (fake, home) = start();
    let four: Vec<Served> = ["a", "b", "c", "d"]
        .map(|name| Served::new(&home, name, &REPO))
        .into();
    let tokens: Vec<String> = four.iter().map(Served::token).collect();
    let fifth = || {
        run_command(&mut command(
            &home,
            &[&["sandbox", "serve", "e"][..], &REPO].concat(),
        ))
    };
    let refused = fifth().expect_code(1).stderr;
    assert!(refused.contains("in use by a, b, c, d"), "{refused}");
    assert!(
        refused.contains("\n  ghtok sandbox revoke a\n"),
        "{refused}"
    );
    assert_eq!(fake.live_scoped_tokens(), tokens);
    home.run(["sandbox", "revoke", "b"]).expect_code(0);
    let fifth = Served::new(&home, "e", &REPO);
    fifth.token();
    assert_all_sound(&fake, &home);
}

#[test]
fn p11_of_twelve_sandboxes_within_an_hour_the_last_are_refused() {
    let (fake, home) = start();
    for number in 1..=12 {
        if number < 10 {
            let mut served = Served::new(&home, "box", &REPO);
            served.process.signal(Signal::TERM);
            served.process.end();
        } else {
            let refused = run_command(&mut command(
                &home,
                &[&["sandbox", "serve", "box"][..], &REPO].concat(),
            ));
            let refused = refused.expect_code(5).stderr;
            assert!(
                refused.contains("9 scoped tokens were created within an hour"),
                "{refused}"
            );
        }
        assert!(fake.live_scoped_tokens().is_empty());
    }
    assert_eq!(fake.scoped_tokens().len(), 9);
    assert_all_sound(&fake, &home);
}

/// Never more than four tokens, and the sign-in alive.
fn assert_all_sound(fake: &FakeGitHub, home: &Sandbox) {
    assert!(fake.most_live_scoped_tokens() <= 4);
    assert!(fake.is_alive(home.run(["get"]).token()));
    let listed = home.scoped().load().expect("a list");
    assert_eq!(
        listed
            .entries
            .iter()
            .filter(|entry| entry.token().is_some())
            .count(),
        fake.live_scoped_tokens().len()
    );
    assert!(fake.violations().is_empty());
}
