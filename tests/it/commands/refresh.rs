//! `ghtok refresh`: a line of what was done, and what a forced one cost.

use std::time::Duration;

use fake_github::{CLIENT_ID, Endpoint, Failure, Fault};
use ghtok::testing::formats::timestamps::rfc3339;
use ghtok::testing::token::TokenSet;
use serde_json::{Value, json};

use super::{TWO_HOURS, error_code, json, mark, start};
use crate::support::deadline::run;
use crate::support::words::plain;

const DUE: Duration = Duration::from_secs(60);

#[test]
fn what_is_not_due_stays_and_what_is_due_is_refreshed() {
    let (fake, sandbox) = start();
    sandbox.seed(&fake, TWO_HOURS);
    let told = run(&sandbox, &["refresh"]).expect_code(0);
    assert_eq!(
        plain(&told.stdout, &sandbox, &fake),
        format!("{CLIENT_ID}: not due, valid until TIME (2 h 00 min)\n")
    );
    assert_eq!(fake.connections(), 0);

    sandbox.seed(&fake, Duration::ZERO);
    let told = run(&sandbox, &["refresh"]).expect_code(0);
    let said = plain(&told.stdout, &sandbox, &fake);
    let start = format!("{CLIENT_ID}: refreshed, valid until TIME (");
    assert!(
        said.starts_with(&start) && !said.contains("killed"),
        "{said}"
    );
    assert_eq!(told.stderr, "");
}

#[test]
fn a_forced_refresh_says_how_long_the_killed_token_would_have_lived() {
    let (fake, sandbox) = start();
    let pair = sandbox.seed(&fake, TWO_HOURS);
    let told = run(&sandbox, &["refresh", "--force"]).expect_code(0);
    let said = plain(&told.stdout, &sandbox, &fake);
    assert!(
        said.ends_with("; the replaced token would have been valid for 2 h 00 min more\n"),
        "{said}"
    );
    assert!(!fake.is_alive(&pair.access_token));
}

#[test]
fn json_has_an_object_with_what_was_done() {
    let (fake, sandbox) = start();
    sandbox.seed(&fake, TWO_HOURS);
    for (arguments, refreshed) in [
        (&["refresh", "--json"][..], false),
        (&["refresh", "--json", "--force"], true),
    ] {
        let told = run(&sandbox, arguments).expect_code(0);
        let document = json(&told.stdout);
        let end = sandbox.record().tokens.expires_at().expect("an end");
        let killed = &document["replaced_token_had_left_seconds"];
        match killed.as_u64() {
            Some(left) => assert!(refreshed && (7_200..=7_230).contains(&left), "{document}"),
            None => assert_eq!((killed, refreshed), (&Value::Null, false)),
        }
        assert_eq!(
            document,
            json!({
                "schema_version": 1, "app": CLIENT_ID, "host": fake.host(), "login": "octocat",
                "refreshed": refreshed, "replaced_token_had_left_seconds": killed,
                "expires_at": rfc3339(end), "expires_at_unix": end.0,
            })
        );
    }
}

#[test]
fn a_permanent_token_has_nothing_to_refresh_and_says_so() {
    let (fake, sandbox) = start();
    sandbox.seed(&fake, TWO_HOURS);
    mark(&sandbox, |record| {
        record.tokens = TokenSet::Permanent(record.tokens.access_token().clone());
    });
    let told = run(&sandbox, &["refresh", "--force"]).expect_code(0);
    assert_eq!(
        told.stdout,
        format!("{CLIENT_ID}: has no refresh token, it never expires\n")
    );
    assert_eq!(fake.connections(), 0);
}

#[test]
fn p4_a_forced_refresh_that_fails_is_a_failure_although_a_token_lives() {
    let (fake, sandbox) = start();
    sandbox.seed(&fake, TWO_HOURS);
    fake.fail_next(Endpoint::Refresh, Fault::before(Failure::Status(502)));
    let told = run(&sandbox, &["refresh", "--force", "--json"]).expect_code(5);
    assert_eq!(
        (told.stdout.as_str(), error_code(&told).as_str()),
        ("", "temporary")
    );
    run(&sandbox, &["get"]).expect_code(0);
}

#[test]
fn a_refused_refresh_token_is_a_missing_sign_in_to_who_forces() {
    let (fake, sandbox) = start();
    sandbox.seed(&fake, DUE);
    fake.revoke_authorization(CLIENT_ID);
    let told = run(&sandbox, &["refresh", "--force", "--json"]).expect_code(4);
    assert_eq!(error_code(&told), "refresh_refused");
}
