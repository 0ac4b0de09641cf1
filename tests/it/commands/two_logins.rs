//! Two sign-ins of one App at once: one approval ends both, and no pair is lost.

use std::process::Child;

use fake_github::{CLIENT_ID, Endpoint, FakeGitHub};
use ghtok::testing::auth::outcome::{Happened, Outcome};
use ghtok::testing::auth::record::RefreshRejected;

use super::{HOUR, json};
use crate::support::deadline::{LIMIT, ends, run};
use crate::support::processes::eventually;
use crate::support::records::with_lock;
use crate::support::sandbox::{Program, Run, Sandbox, now, record_of};
use crate::support::signing_in::hurried_fake;

fn start() -> (FakeGitHub, Sandbox) {
    let fake = hurried_fake().start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    (fake, sandbox)
}

/// Starts a login and gives its code.
fn begin(fake: &FakeGitHub, sandbox: &Sandbox, arguments: &[&str]) -> (Child, String) {
    let before = fake.pending_codes();
    let child = sandbox.spawn(Program::Hurried, arguments);
    let code = eventually("a code", || {
        let codes = fake.pending_codes();
        codes.into_iter().find(|code| !before.contains(code))
    });
    (child, code)
}

const FIRST: &str = "Another ghtok was approved first";

#[test]
fn a_login_that_is_not_approved_ends_well_once_another_one_is() {
    for arguments in [&["login"][..], &["login", "--force"]] {
        let (fake, sandbox) = start();
        if arguments.len() > 1 {
            sandbox.seed(&fake, HOUR);
        }
        let (one, _) = begin(&fake, &sandbox, arguments);
        let (two, code) = begin(&fake, &sandbox, arguments);
        fake.approve(&code);
        let approved = ends(two, LIMIT).expect_code(0);
        assert!(!approved.stderr.contains(FIRST), "{approved:?}");
        let told: Run = ends(one, LIMIT).expect_code(0);
        assert!(told.stderr.contains(FIRST), "{told:?}");
        assert!(told.stderr.contains("Signed in to "), "{told:?}");
        let token = run(&sandbox, &["get"]).token().to_owned();
        assert!(fake.is_alive(&token));
        let generation = if arguments.len() > 1 { 2 } else { 1 };
        assert_eq!(sandbox.record().generation, generation, "stored once");
        assert_eq!(fake.violations(), []);
    }
}

#[test]
fn a_program_is_told_that_somebody_was_signed_in_already() {
    let (fake, sandbox) = start();
    let (one, _) = begin(&fake, &sandbox, &["login", "--json"]);
    let (two, code) = begin(&fake, &sandbox, &["login"]);
    fake.approve(&code);
    ends(two, LIMIT).expect_code(0);
    let told = ends(one, LIMIT).expect_code(0);
    let last = told.stdout.lines().last().expect("an event");
    let event = json(&format!("{last}\n"));
    assert_eq!(
        (&event["event"], &event["already"]),
        (&"signed_in".into(), &true.into())
    );
    assert_eq!(event["login"], "octocat");
}

#[test]
fn two_logins_that_are_both_approved_leave_a_good_pair() {
    let (fake, sandbox) = start();
    let (one, first) = begin(&fake, &sandbox, &["login"]);
    let (two, second) = begin(&fake, &sandbox, &["login"]);
    fake.approve(&first);
    fake.approve(&second);
    ends(one, LIMIT).expect_code(0);
    ends(two, LIMIT).expect_code(0);
    let token = run(&sandbox, &["get"]).token().to_owned();
    assert!(fake.is_alive(&token));
    let refreshed = run(&sandbox, &["refresh", "--force"]).expect_code(0);
    assert_eq!(fake.count(Endpoint::Refresh), 1, "{refreshed:?}");
    assert!(fake.is_alive(run(&sandbox, &["get"]).token()));
}

/// Who asks for a new sign-in is not put off with a new pair of the old one.
#[test]
fn a_refresh_does_not_end_a_forced_login() {
    let (fake, sandbox) = start();
    sandbox.seed(&fake, HOUR);
    let (login, code) = begin(&fake, &sandbox, &["login", "--force"]);
    run(&sandbox, &["refresh", "--force"]).expect_code(0);
    let polls = fake.count(Endpoint::Poll);
    eventually("two polls more", || {
        (fake.count(Endpoint::Poll) >= polls + 2).then_some(())
    });
    fake.approve(&code);
    let told = ends(login, LIMIT).expect_code(0);
    assert!(!told.stderr.contains(FIRST), "{told:?}");
    assert_eq!(sandbox.record().generation, 3);
}

/// What another login left is looked at as any stored sign-in: one that needs a sign-in ends nothing.
#[test]
fn a_stored_sign_in_that_is_not_good_ends_no_login() {
    let (fake, sandbox) = start();
    let (login, code) = begin(&fake, &sandbox, &["login"]);
    let mut record = record_of(&fake.mint(CLIENT_ID), HOUR);
    record.refresh_rejected = Some(RefreshRejected {
        at: now(),
        interrupted_at: None,
        access_checked_at: None,
    });
    sandbox.put(&record);
    with_lock(&sandbox.store(), |locked| {
        let saved = Outcome {
            generation: 1,
            at: now(),
            what: Happened::Saved,
        };
        locked.report(&saved).expect("an outcome");
    });
    let polls = fake.count(Endpoint::Poll);
    eventually("two polls more", || {
        (fake.count(Endpoint::Poll) >= polls + 2).then_some(())
    });
    fake.approve(&code);
    ends(login, LIMIT).expect_code(0);
    assert_eq!(sandbox.record().refresh_rejected, None);
}
