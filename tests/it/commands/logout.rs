//! `ghtok logout`: forgets here, and with `--revoke` at GitHub first.

use std::os::unix::fs::PermissionsExt;

use fake_github::{CLIENT_ID, Endpoint, Failure, Fault};
use ghtok::testing::auth::outcome::Happened;

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
        format!("ghtok: {CLIENT_ID}: signed out; the tokens were deleted here\n")
    );
    assert!(!sandbox.record_file().exists());
    assert_eq!(
        sandbox.outcome().expect("an outcome").what,
        Happened::Deleted
    );
    assert_eq!(fake.connections(), 0);
    assert!(fake.is_alive(&pair.access_token), "GitHub was not asked");
    run(&sandbox, &["get"]).expect_code(4);
}

#[test]
fn logout_with_nothing_stored_does_not_claim_that_somebody_was_signed_out() {
    let (fake, sandbox) = start();
    for arguments in [&["logout"][..], &["logout", "--revoke"]] {
        let told = run(&sandbox, arguments).expect_code(0);
        assert_eq!(
            told.stderr,
            format!("ghtok: {CLIENT_ID}: not signed in; nothing was stored\n")
        );
    }
    sandbox.seed(&fake, HOUR);
    run(&sandbox, &["logout"]).expect_code(0);
    let told = run(&sandbox, &["logout"]).expect_code(0);
    assert!(told.stderr.contains("not signed in"), "{told:?}");
    assert_eq!(fake.connections(), 0);
}

/// The outcome stays on purpose: the next sign-in counts on from its generation.
#[test]
fn p12_logout_leaves_nothing_of_a_sign_in_but_its_lock_and_its_end() {
    let (fake, sandbox) = start();
    sandbox.seed(&fake, HOUR);
    let (folder, key) = (sandbox.state_folder(), sandbox.app().key());
    let (dialog_lock, dialog) = folder.dialog(&key);
    let beside = |path: &std::path::Path| {
        path.with_file_name(format!(
            "{}.new",
            path.file_name().expect("a name").to_string_lossy()
        ))
    };
    let left = [
        folder.chosen_store(&key),
        folder.rescue(&key),
        folder.log(&key),
        beside(&folder.chosen_store(&key)),
        beside(&sandbox.record_file()),
        dialog,
    ];
    for path in &left {
        std::fs::write(path, "file\n").expect("a file");
        let private = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(path, private).expect("a mode");
    }
    run(&sandbox, &["logout"]).expect_code(0);
    for path in &left {
        assert!(!path.exists(), "{}", path.display());
    }
    let mut names: Vec<String> = std::fs::read_dir(folder.path())
        .expect("a folder")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    let name = |path: std::path::PathBuf| {
        path.file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned()
    };
    let mut expected = vec![
        name(folder.lock(&key)),
        name(folder.outcome(&key)),
        name(dialog_lock),
        "records".into(),
    ];
    expected.sort();
    assert_eq!(names, expected);
    assert_eq!(
        std::fs::read_dir(folder.records())
            .expect("a folder")
            .count(),
        0
    );
}

#[test]
fn logout_tells_the_generation_that_the_next_sign_in_counts_on_from() {
    let (fake, sandbox) = start();
    sandbox.seed(&fake, HOUR);
    super::mark(&sandbox, |record| record.generation = 7);
    run(&sandbox, &["logout"]).expect_code(0);
    let outcome = sandbox.outcome().expect("an outcome");
    assert_eq!((outcome.generation, outcome.what), (7, Happened::Deleted));
}

#[test]
fn revoke_kills_both_tokens_at_github_in_one_unsigned_request() {
    let (fake, sandbox) = start();
    let pair = sandbox.seed(&fake, HOUR);
    let told = run(&sandbox, &["logout", "--revoke"]).expect_code(0);
    assert!(
        told.stderr.contains("sends their owner an e-mail"),
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
        assert!(told.stderr.contains("nothing was deleted"), "{told:?}");
        let is_unknown = matches!(failure, Some(Failure::Reset));
        for (words, said) in [
            ("GitHub may have revoked the tokens; try again", is_unknown),
            ("nothing was lost", !is_unknown),
        ] {
            assert_eq!(told.stderr.contains(words), said, "{words}: {told:?}");
        }
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
