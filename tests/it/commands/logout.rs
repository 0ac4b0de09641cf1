//! `ghtok logout`: forgets here, and with `--revoke` at GitHub first.

use fake_github::{CLIENT_ID, Endpoint, Failure, Fault};
use ghtok::auth::outcome::Happened;

use super::{HOUR, error_code, json, start};
use crate::support::deadline::run;

#[test]
fn logout_forgets_here_and_asks_nobody() {
    let (fake, sandbox) = start();
    let pair = sandbox.seed(&fake, HOUR);
    let told = run(&sandbox, &["logout"]).expect_code(0);
    assert_eq!(told.stdout, "");
    assert_eq!(
        told.stderr,
        format!("ghtok: {CLIENT_ID}: signed out; the tokens are forgotten here\n")
    );
    assert!(!sandbox.record_file().exists());
    assert_eq!(
        sandbox.outcome().expect("an outcome").what,
        Happened::Deleted
    );
    assert_eq!(fake.connections(), 0);
    assert!(fake.is_alive(&pair.access_token), "GitHub was not asked");
    run(&sandbox, &["get"]).expect_code(4);
    run(&sandbox, &["logout"]).expect_code(0);
}

#[test]
fn revoke_kills_both_tokens_at_github_in_one_unsigned_request() {
    let (fake, sandbox) = start();
    let pair = sandbox.seed(&fake, HOUR);
    let told = run(&sandbox, &["logout", "--revoke"]).expect_code(0);
    assert!(
        told.stderr.contains("tells their owner by mail"),
        "{told:?}"
    );
    let requests = fake.requests(Endpoint::Revoke);
    let [request] = requests.as_slice() else {
        panic!("{requests:?}")
    };
    assert_eq!(request.header("authorization"), None);
    let refresh_token = pair.refresh_token.expect("one");
    let body = String::from_utf8_lossy(&request.body).into_owned();
    assert_eq!(
        json(&(body + "\n"))["credentials"],
        serde_json::json!([pair.access_token, refresh_token])
    );
    assert!(!fake.is_alive(&pair.access_token));
    assert!(!fake.refresh_is_alive(&refresh_token));
    assert!(!sandbox.record_file().exists());
    assert_eq!(fake.violations(), []);
}

#[test]
fn p4_a_revocation_that_fails_forgets_nothing() {
    for failure in [
        None,
        Some(Failure::Status(500)),
        Some(Failure::Html),
        Some(Failure::Reset),
    ] {
        let (fake, sandbox) = start();
        let pair = sandbox.seed(&fake, HOUR);
        match &failure {
            Some(failure) => fake.fail_always(Endpoint::Revoke, Fault::before(failure.clone())),
            None => fake.go_offline().expect("offline"),
        }
        let told = run(&sandbox, &["logout", "--revoke", "--json"]).expect_code(5);
        assert_eq!(error_code(&told), "temporary");
        assert!(told.stderr.contains("nothing was forgotten"), "{told:?}");
        assert_eq!(run(&sandbox, &["get"]).token(), pair.access_token);
        run(&sandbox, &["logout"]).expect_code(0);
    }
}

#[test]
fn a_server_that_revokes_nothing_is_named_with_the_way_that_is_left() {
    for status in [401, 403, 404] {
        let (fake, sandbox) = start();
        let pair = sandbox.seed(&fake, HOUR);
        fake.fail_always(Endpoint::Revoke, Fault::before(Failure::Status(status)));
        let told = run(&sandbox, &["logout", "--revoke", "--json"]).expect_code(1);
        assert_eq!(error_code(&told), "refused");
        let page = format!("{}/settings/apps/authorizations", fake.base_url());
        assert!(told.stderr.contains(&page), "{told:?}");
        let hint = told.stderr.split("with: ").nth(1).expect("a command");
        let command = hint.split('"').next().expect("its end");
        let words: Vec<&str> = command.split(' ').skip(1).collect();
        assert_eq!(run(&sandbox, &["get"]).token(), pair.access_token);
        run(&sandbox, &words).expect_code(0);
        assert!(!sandbox.record_file().exists());
    }
}

#[test]
fn what_cannot_be_read_can_still_be_forgotten_and_nobody_claims_that_it_was_revoked() {
    for bytes in [
        &b"{\"v\":1,"[..],
        b"",
        b"{\"v\":99,\"sealed\":\"x\"}",
        b"\xff\xfe",
    ] {
        for arguments in [&["logout"][..], &["logout", "--revoke"]] {
            let (fake, sandbox) = start();
            sandbox.put_bytes(bytes);
            let told = run(&sandbox, arguments).expect_code(0);
            assert!(!sandbox.record_file().exists());
            assert!(told.stderr.contains("signed out"), "{told:?}");
            assert!(!told.stderr.contains("revoked"), "{told:?}");
            assert_eq!(fake.connections(), 0);
        }
    }
    let (_fake, sandbox) = start();
    let told = run(&sandbox, &["logout", "--revoke"]).expect_code(0);
    assert!(!told.stderr.contains("revoked"), "{told:?}");
}
