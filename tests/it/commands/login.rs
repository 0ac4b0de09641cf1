//! `ghtok login` to its end: what it says, and what it leaves.

use fake_github::{App, CLIENT_ID, Endpoint, Failure, FakeGitHub, Fault, Tokens};
use ghtok::testing::auth::record::RefreshRejected;
use ghtok::testing::formats::timestamps::rfc3339;
use ghtok::testing::token::TokenSet;
use serde_json::{Value, json};

use super::{HOUR, TWO_HOURS, configured, mark};
use crate::support::deadline::{run, run_command};
use crate::support::processes::eventually;
use crate::support::sandbox::{Program, Run, Sandbox, now};
use crate::support::signing_in::{decide, hurried_fake, sign_in};
use crate::support::words::plain;

fn start() -> (FakeGitHub, Sandbox) {
    let fake = hurried_fake().start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    (fake, sandbox)
}

fn events(run: &Run) -> Vec<Value> {
    let line = |line| serde_json::from_str(line).expect("JSON");
    run.stdout.lines().map(line).collect()
}

#[test]
fn a_person_is_told_where_to_go_who_they_are_and_what_comes_next() {
    let (fake, sandbox) = start();
    let mut code = String::new();
    let login = sandbox.command(Program::Hurried, ["login"]);
    let told = decide(&fake, login, |shown| {
        fake.approve(shown);
        shown.clone_into(&mut code);
    })
    .expect_code(0);
    assert_eq!(told.stdout, "", "words are no data");
    let said = plain(&told.stderr, &sandbox, &fake).replace(&code, "CODE");
    let expected = format!(
        "Sign in to HOST as a user of the App \"{CLIENT_ID}\":

  1. Open   http://HOST/login/device
  2. Enter  CODE

Go on only if you started this yourself. If somebody sent you here or gave you
a code, stop: they would get access to your account.

Waiting for the approval, for 15 min at most (Ctrl-C cancels) ...

Signed in to HOST as octocat.
The token is valid until TIME and stored in HOME/state/records/HOST%2F{CLIENT_ID}.
It is refreshed silently until TIME, longer if it is used.
The App is now in HOME/config/config.toml as \"ghes\".

Next steps:
  ghtok setup git          git clones and pushes with it
  ghtok setup mcp          MCP servers run with it
  ghtok exec -- sh         a shell whose commands have it
  ghtok schedule install   keeps the sign-in alive while it is not used
  ghtok get                prints the token
"
    );
    assert_eq!(said, expected);
    assert_eq!(fake.violations(), []);
    assert!(fake.is_alive(run(&sandbox, &["get"]).token()));
}

#[test]
fn a_program_gets_two_events_and_nothing_else() {
    let (fake, sandbox) = start();
    let began = now();
    let told = sign_in(&fake, &sandbox, &["login", "--json"]).expect_code(0);
    assert_eq!(told.stderr, "");
    let events = events(&told);
    let [code, signed_in] = events.as_slice() else {
        panic!("{events:?}")
    };
    let shown = code["user_code"].as_str().expect("a code");
    let end = code["expires_at_unix"].as_i64().expect("seconds");
    assert!((began.0 + 900..began.0 + 930).contains(&end), "{code}");
    assert_eq!(
        *code,
        json!({
            "event": "code", "schema_version": 1, "app": CLIENT_ID, "host": fake.host(),
            "verification_uri": format!("{}/login/device", fake.base_url()),
            "user_code": shown,
            "expires_at": rfc3339(ghtok::testing::token::Timestamp(end)), "expires_at_unix": end,
        })
    );
    let end = sandbox.record().tokens.expires_at().expect("an end");
    assert_eq!(
        *signed_in,
        json!({
            "event": "signed_in", "schema_version": 1, "app": CLIENT_ID, "host": fake.host(),
            "already": false, "login": "octocat", "user_id": 583_231,
            "store": sandbox.record_file(),
            "expires_at": rfc3339(end), "expires_at_unix": end.0,
            "configured_as": "ghes",
        })
    );
}

#[test]
fn trouble_while_polling_is_told_and_waited_out() {
    let (fake, sandbox) = start();
    fake.fail_next(Endpoint::Poll, Fault::before(Failure::Status(502)));
    let told = sign_in(&fake, &sandbox, &["login", "--json"]).expect_code(0);
    let events = events(&told);
    assert_eq!(events.len(), 3, "{events:?}");
    let trouble = &events[1];
    assert_eq!(super::keys(trouble), ["cause", "event", "schema_version"]);
    assert_eq!(trouble["event"], "trouble");
    assert!(trouble["cause"].as_str().expect("text").contains("502"));
}

#[test]
fn a_good_sign_in_is_kept_and_nobody_is_asked() {
    let (fake, sandbox) = start();
    let pair = sandbox.seed(&fake, TWO_HOURS);
    let told = run(&sandbox, &["login", "--no-save"]).expect_code(0);
    assert_eq!(told.stdout, "");
    assert_eq!(
        plain(&told.stderr, &sandbox, &fake),
        format!(
            "{CLIENT_ID}: already signed in as octocat; the token is valid until TIME.\n\
             To sign in again: ghtok login --client-id {CLIENT_ID} --host HOST --store file --force\n"
        )
    );
    let told = run(&sandbox, &["login", "--json"]).expect_code(0);
    let [event] = &events(&told)[..] else {
        panic!("{told:?}")
    };
    assert_eq!(
        (&event["event"], &event["already"], &event["login"]),
        (&json!("signed_in"), &json!(true), &json!("octocat"))
    );
    assert_eq!(fake.connections(), 0);
    assert_eq!(run(&sandbox, &["get"]).token(), pair.access_token);
}

#[test]
fn force_signs_in_anew_and_counts_on() {
    let (fake, sandbox) = start();
    let pair = sandbox.seed(&fake, HOUR);
    sign_in(&fake, &sandbox, &["login", "--force"]).expect_code(0);
    let record = sandbox.record();
    assert_eq!(record.generation, 2);
    assert_ne!(record.tokens.access_token().expose(), pair.access_token);
}

#[test]
fn a_sign_in_whose_refresh_token_was_refused_is_none() {
    let (fake, sandbox) = start();
    sandbox.seed(&fake, HOUR);
    mark(&sandbox, |record| {
        record.refresh_rejected = Some(RefreshRejected {
            at: now(),
            interrupted_at: None,
            access_checked_at: None,
        });
    });
    sign_in(&fake, &sandbox, &["login"]).expect_code(0);
    assert_eq!(sandbox.record().refresh_rejected, None);
}

#[test]
fn a_refusal_that_login_itself_finds_out_leads_to_a_new_sign_in() {
    let (fake, sandbox) = start();
    sandbox.seed(&fake, std::time::Duration::from_secs(60));
    fake.revoke_authorization(CLIENT_ID);
    sign_in(&fake, &sandbox, &["login"]).expect_code(0);
    assert!(fake.is_alive(run(&sandbox, &["get"]).token()));
    assert_eq!(fake.count(Endpoint::Refresh), 1);
}

#[test]
fn an_account_that_github_does_not_tell_is_saved_without_and_filled_in_later() {
    let (fake, sandbox) = start();
    fake.fail_times(Endpoint::User, 3, Fault::before(Failure::Status(500)));
    let told = sign_in(&fake, &sandbox, &["login"]).expect_code(0);
    assert!(
        told.stderr
            .contains("GitHub did not say which account this is"),
        "{told:?}"
    );
    assert_eq!(sandbox.record().account, None);
    let status = run(&sandbox, &["status"]);
    assert!(status.stdout.contains("not known yet"), "{status:?}");

    run(&sandbox, &["refresh", "--force"]).expect_code(0);
    // Nobody waits for it, so it may come a moment after the token.
    let account = eventually("the account is filled in", || sandbox.record().account);
    assert_eq!(account.login, "octocat");
}

#[test]
fn an_app_that_opted_out_of_expiry_gets_a_token_for_good_and_says_so() {
    let app = App::new(CLIENT_ID).tokens(Tokens::Permanent);
    let fake = hurried_fake().app(app).start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let told = sign_in(&fake, &sandbox, &["login"]).expect_code(0);
    assert!(told.stderr.contains("this token never expires"), "{told:?}");
    assert!(told.stderr.contains("valid without expiry"), "{told:?}");
    assert!(matches!(sandbox.record().tokens, TokenSet::Permanent(_)));
    let again = run(&sandbox, &["login", "--json"]).expect_code(0);
    assert_eq!(events(&again)[0]["expires_at"], Value::Null);
}

#[test]
fn the_store_that_a_login_chose_is_remembered() {
    let (fake, sandbox) = start();
    let without_store = |program, arguments: &[&str]| {
        let mut command = sandbox.command(program, arguments);
        command.env_remove("GHTOK_STORE");
        command
    };
    let missing = run_command(&mut without_store(Program::Real, &["get"]));
    // Whether `auto` means a keychain out of reach or none at all, the way on is the same.
    assert!(matches!(missing.code, Some(1 | 6)), "{missing:?}");
    assert!(
        missing.stderr.contains("sign in with:\n  ghtok login"),
        "{missing:?}"
    );

    let login = without_store(Program::Hurried, &["login", "--store", "file"]);
    decide(&fake, login, |code| fake.approve(code)).expect_code(0);
    let found = run_command(&mut without_store(Program::Real, &["get"]));
    assert!(fake.is_alive(found.token()));
}

#[test]
fn a_configured_app_is_called_by_its_name() {
    let (fake, sandbox) = start();
    sandbox.configure(&format!(
        "store = \"file\"\n[[app]]\nname = \"work\"\nclient_id = \"{CLIENT_ID}\"\nhost = \"{}\"\n",
        fake.host()
    ));
    let login = configured(&sandbox, Program::Hurried, &["login", "work"]);
    let told = decide(&fake, login, |code| fake.approve(code)).expect_code(0);
    assert!(
        told.stderr.contains("a user of the App \"work\""),
        "{told:?}"
    );
    assert!(
        !told.stderr.contains("could say"),
        "it is written already: {told:?}"
    );
}

/// A refresh that was under way when somebody signed out must not be taken for this sign-in's.
#[test]
fn p2_a_sign_in_after_a_logout_counts_on_from_the_generation_before() {
    let fake = hurried_fake().start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sandbox.seed(&fake, HOUR);
    mark(&sandbox, |record| record.generation = 5);
    run(&sandbox, &["logout"]).expect_code(0);
    assert!(!sandbox.record_file().exists());
    sign_in(&fake, &sandbox, &["login"]).expect_code(0);
    assert_eq!(sandbox.record().generation, 6);
    assert_eq!(sandbox.outcome().expect("an outcome").generation, 6);
}
