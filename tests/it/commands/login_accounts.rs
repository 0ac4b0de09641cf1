//! Whose sign-in it is: another account's never replaces the stored one without a word, and tokens that
//! are not kept are revoked.

use fake_github::{CLIENT_ID, Endpoint, Failure, FakeGitHub, Fault};
use ghtok::testing::auth::record::{Account, Record};
use serde_json::Value;

use super::{HOUR, configured, error_code, mark};
use crate::support::deadline::run_command;
use crate::support::processes::eventually;
use crate::support::sandbox::{Program, Run, Sandbox};
use crate::support::signing_in::{decide, hurried_fake};

const MALLORY: u64 = 666;

/// Signed in as octocat, 583231.
fn start() -> (FakeGitHub, Sandbox) {
    let fake = hurried_fake()
        .user("octocat", 583_231)
        .user("mallory", MALLORY)
        .user("octodog", 583_231)
        .start()
        .expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sandbox.seed(&fake, HOUR);
    (fake, sandbox)
}

fn login_as(login: &str, fake: &FakeGitHub, sandbox: &Sandbox, arguments: &[&str]) -> Run {
    let command = sandbox.command(Program::Hurried, arguments);
    decide(fake, command, |code| fake.approve_as(code, login))
}

/// The pair of the last sign-in was revoked at GitHub, both tokens of it.
#[track_caller]
fn assert_revoked(fake: &FakeGitHub) {
    let requests = fake.requests(Endpoint::Revoke);
    let body = &requests.last().expect("a revocation").body;
    let body: Value = serde_json::from_slice(body).expect("JSON");
    let [access, refresh] = body["credentials"].as_array().expect("a list").as_slice() else {
        panic!("{body}")
    };
    assert!(!fake.is_alive(access.as_str().expect("a token")));
    assert!(!fake.refresh_is_alive(refresh.as_str().expect("a token")));
    assert_eq!(fake.violations(), []);
}

#[track_caller]
fn assert_untouched(before: &Record, fake: &FakeGitHub, sandbox: &Sandbox) {
    assert_eq!(sandbox.record(), *before);
    assert!(fake.is_alive(before.tokens.access_token().expose()));
    let refresh_token = before.tokens.refresh_token().expect("one");
    assert!(fake.refresh_is_alive(refresh_token.expose()));
}

#[test]
fn another_account_does_not_replace_the_stored_one_and_its_tokens_are_revoked() {
    let (fake, sandbox) = start();
    let before = sandbox.record();
    let told = login_as("mallory", &fake, &sandbox, &["login", "--force"]).expect_code(1);
    let text = "approved by mallory, but octocat is signed in; nothing was changed, and the new tokens were revoked";
    assert!(told.stderr.contains(text), "{told:?}");
    assert!(told.stderr.contains("--switch-account\n"), "{told:?}");
    assert_untouched(&before, &fake, &sandbox);
    assert_revoked(&fake);

    let arguments = ["login", "--force", "--json"];
    let told = login_as("mallory", &fake, &sandbox, &arguments).expect_code(1);
    assert_eq!(error_code(&told), "account_switch");
    assert_untouched(&before, &fake, &sandbox);
    assert_eq!(fake.count(Endpoint::Revoke), 2);
    assert_revoked(&fake);
}

#[test]
fn another_account_replaces_it_where_that_is_asked_for() {
    let (fake, sandbox) = start();
    let arguments = ["login", "--force", "--switch-account"];
    login_as("mallory", &fake, &sandbox, &arguments).expect_code(0);
    let account = sandbox.record().account.expect("an account");
    assert_eq!((account.login.as_str(), account.id), ("mallory", MALLORY));
    assert_eq!(fake.count(Endpoint::Revoke), 0);
}

#[test]
fn accounts_are_compared_by_their_number_for_a_login_may_change() {
    let (fake, sandbox) = start();
    login_as("octodog", &fake, &sandbox, &["login", "--force"]).expect_code(0);
    assert_eq!(sandbox.record().account.expect("one").login, "octodog");
    mark(&sandbox, |record| {
        record.account = Some(Account {
            login: "mallory".into(),
            id: 7,
        });
    });
    let told = login_as("mallory", &fake, &sandbox, &["login", "--force"]).expect_code(1);
    assert!(told.stderr.contains("mallory is signed in"), "{told:?}");
}

#[test]
fn a_stored_sign_in_of_nobody_known_is_replaced() {
    let (fake, sandbox) = start();
    mark(&sandbox, |record| record.account = None);
    login_as("mallory", &fake, &sandbox, &["login", "--force"]).expect_code(0);
    assert_eq!(sandbox.record().account.expect("one").id, MALLORY);
}

#[test]
fn a_sign_in_that_github_does_not_name_does_not_replace_a_known_one() {
    let (fake, sandbox) = start();
    let before = sandbox.record();
    fake.fail_always(Endpoint::User, Fault::before(Failure::Status(500)));
    let arguments = ["login", "--force", "--json"];
    let told = login_as("octocat", &fake, &sandbox, &arguments).expect_code(5);
    assert_eq!(error_code(&told), "account_unknown");
    assert_untouched(&before, &fake, &sandbox);
    assert_revoked(&fake);

    let arguments = ["login", "--force", "--switch-account"];
    login_as("octocat", &fake, &sandbox, &arguments).expect_code(0);
    assert_eq!(sandbox.record().account, None);
    assert_eq!(sandbox.record().generation, 2);
}

#[test]
fn a_pair_of_another_account_than_the_configured_one_is_revoked() {
    let (fake, sandbox) = start();
    sandbox.configure(&format!(
        "store = \"file\"\n[[app]]\nname = \"work\"\nclient_id = \"{CLIENT_ID}\"\n\
         host = \"{}\"\naccount = \"octocat\"\n",
        fake.host()
    ));
    // What is asked for is another account than the stored one, not than the configured one.
    for arguments in [&["login"][..], &["login", "--switch-account"]] {
        let command = configured(&sandbox, Program::Hurried, arguments);
        let told = decide(&fake, command, |code| fake.approve_as(code, "mallory")).expect_code(1);
        let text = "signed in as mallory, but the configuration says octocat; nothing was saved, and the new tokens were revoked at GitHub";
        assert!(told.stderr.contains(text), "{told:?}");
        assert_revoked(&fake);
    }
    assert_eq!(fake.count(Endpoint::Revoke), 2);
}

#[test]
fn a_revocation_that_fails_is_said_and_names_the_page() {
    let (fake, sandbox) = start();
    fake.fail_next(Endpoint::Revoke, Fault::before(Failure::Status(404)));
    let told = login_as("mallory", &fake, &sandbox, &["login", "--force"]).expect_code(1);
    assert!(
        told.stderr
            .contains("the new tokens could not be revoked at GitHub ("),
        "{told:?}"
    );
    let page = format!("{}/settings/apps/authorizations", fake.base_url());
    assert!(told.stderr.contains(&page), "{told:?}");
}

/// A sign-in whose account nobody knows is saved; its token is served once GitHub has said whose it is.
#[test]
fn a_configured_account_that_github_does_not_confirm_is_served_nothing() {
    let (fake, sandbox) = start();
    sandbox.configure(&format!(
        "store = \"file\"\n[[app]]\nname = \"work\"\nclient_id = \"{CLIENT_ID}\"\n\
         host = \"{}\"\naccount = \"octocat\"\n",
        fake.host()
    ));
    fake.fail_always(Endpoint::User, Fault::before(Failure::Status(500)));
    let command = configured(&sandbox, Program::Hurried, &["login"]);
    let told = decide(&fake, command, |code| fake.approve_as(code, "mallory")).expect_code(0);
    assert!(
        told.stderr.contains("ghtok serves no token until it does"),
        "{told:?}"
    );
    let command =
        |arguments: &[&str]| run_command(&mut configured(&sandbox, Program::Hurried, arguments));
    let told = command(&["get"]).expect_code(5);
    assert_eq!(told.stdout, "");
    let told = command(&["status", "--json"]).expect_code(0);
    assert!(told.stdout.contains("\"state\":\"due\""), "{told:?}");
    fake.heal(Endpoint::User);
    // The failure answers for ten seconds.
    let told = eventually("an answer", || {
        let told = command(&["get"]);
        (told.code != Some(5)).then_some(told)
    });
    assert_eq!((told.code, told.stdout.as_str()), (Some(4), ""));
    assert!(
        told.stderr.contains("signed in as mallory, but"),
        "{told:?}"
    );
    // The advice works: what is never served stands in nobody's way, and is not left alive.
    let advice = "switch to octocat in the browser, then:\n  ghtok login work\n";
    assert!(told.stderr.ends_with(advice), "{told:?}");
    assert_eq!(fake.count(Endpoint::Revoke), 0);
    let login = configured(&sandbox, Program::Hurried, &["login", "work"]);
    decide(&fake, login, |code| fake.approve_as(code, "octocat")).expect_code(0);
    assert_revoked(&fake);
    let token = command(&["get"]).expect_code(0);
    assert!(fake.is_alive(token.token()));
}
