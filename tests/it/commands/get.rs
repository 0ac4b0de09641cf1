//! `ghtok get`: every format of a token, and the errors that come in its place.

use std::process::Command;
use std::time::Duration;

use fake_github::{CLIENT_ID, Endpoint};
use ghtok::testing::formats::timestamps::rfc3339;
use serde_json::json;

use super::{HOUR, TWO_HOURS, error_code, json, start};
use crate::support::deadline::{run, run_command};
use crate::support::sandbox::{Program, path_of};

#[test]
fn every_format_has_the_token_in_its_own_words() {
    let (fake, sandbox) = start();
    let token = sandbox.seed(&fake, HOUR).access_token;
    let host = fake.host();
    let name = host.split(':').next().expect("a name");
    for (format, expected) in [
        ("token", format!("{token}\n")),
        ("header", format!("Authorization: Bearer {token}\n")),
        (
            "env",
            format!(
                "export GH_ENTERPRISE_TOKEN='{token}'\nexport GITHUB_ENTERPRISE_TOKEN='{token}'\n\
                 export GH_HOST='{host}'\n"
            ),
        ),
        (
            "fish",
            format!(
                "set -gx GH_ENTERPRISE_TOKEN '{token}'\nset -gx GITHUB_ENTERPRISE_TOKEN '{token}'\n\
                 set -gx GH_HOST '{host}'\n"
            ),
        ),
        (
            "powershell",
            format!(
                "$env:GH_ENTERPRISE_TOKEN = '{token}'\n$env:GITHUB_ENTERPRISE_TOKEN = '{token}'\n\
                 $env:GH_HOST = '{host}'\n"
            ),
        ),
        (
            "netrc",
            format!("machine {name} login x-access-token password {token}\n"),
        ),
    ] {
        let run = run(&sandbox, &["get", "--format", format]).expect_code(0);
        assert_eq!(
            (run.stdout, run.stderr),
            (expected, String::new()),
            "{format}"
        );
    }
}

#[test]
fn json_says_whose_it_is_and_when_it_ends() {
    let (fake, sandbox) = start();
    let token = sandbox.seed(&fake, HOUR).access_token;
    let run = run(&sandbox, &["get", "--format", "json"]).expect_code(0);
    let end = sandbox.record().tokens.expires_at().expect("an end");
    assert_eq!(
        json(&run.stdout),
        json!({
            "schema_version": 1, "app": CLIENT_ID, "host": fake.host(), "login": "octocat",
            "token": token, "token_type": "bearer",
            "expires_at": rfc3339(end), "expires_at_unix": end.0,
        })
    );
}

#[test]
fn a_shell_that_evaluates_env_has_the_token() {
    let (fake, sandbox) = start();
    let token = sandbox.seed(&fake, HOUR).access_token;
    let ghtok = path_of(Program::Real);
    let script = format!(
        "eval \"$('{}' get --format env)\"; sh -c 'echo $GH_ENTERPRISE_TOKEN'",
        ghtok.display()
    );
    let environment = sandbox.command(Program::Real, ["get"]);
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", &script]).env_clear();
    for (name, value) in environment.get_envs() {
        shell.env(name, value.expect("a value"));
    }
    shell
        .env("PATH", "/usr/bin:/bin")
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    assert_eq!(run_command(&mut shell).token(), token);
}

#[test]
fn min_ttl_asks_for_more_life_and_too_much_is_a_usage_error() {
    let (fake, sandbox) = start();
    let pair = sandbox.seed(&fake, TWO_HOURS);
    let same = run(&sandbox, &["get", "--min-ttl", "2h"]);
    assert_eq!(same.token(), pair.access_token);
    let newer = run(&sandbox, &["get", "--min-ttl", "2h1m"]);
    assert_ne!(newer.token(), pair.access_token);
    let absurd = run(&sandbox, &["get", "--min-ttl", "8h"]).expect_code(2);
    assert!(absurd.stderr.contains("--min-ttl 4h"), "{absurd:?}");
    for nonsense in ["soon", "-5m", "", "1.5h"] {
        let told = run(&sandbox, &["get", &format!("--min-ttl={nonsense}")]).expect_code(2);
        assert_eq!(told.stdout, "");
    }
    assert_eq!(fake.count(Endpoint::Refresh), 1);
}

#[test]
fn errors_are_lines_for_people_and_an_object_for_programs() {
    let (fake, sandbox) = start();
    let told = run(&sandbox, &["get"]).expect_code(4);
    assert_eq!(
        (told.stdout.as_str(), told.stderr.as_str()),
        (
            "",
            format!(
                "ghtok: error: {CLIENT_ID}: not signed in\n\
                 ghtok: hint: sign in with:\n  ghtok login --client-id {CLIENT_ID} --host {} --store file\n",
                fake.host()
            )
            .as_str()
        )
    );
    let told = run(&sandbox, &["get", "--format", "json"]).expect_code(4);
    assert_eq!(told.stdout, "");
    assert_eq!(error_code(&told), "signed_out");
}

#[test]
fn p4_offline_a_due_token_is_served_with_a_word_and_an_expired_one_is_not() {
    let (fake, sandbox) = start();
    let pair = sandbox.seed(&fake, Duration::from_secs(60));
    fake.go_offline().expect("offline");
    let told = run(&sandbox, &["get"]);
    assert_eq!(told.token(), pair.access_token);
    assert!(told.stderr.starts_with("ghtok: "), "{told:?}");
    assert!(told.stderr.contains("still valid"), "{told:?}");

    let (fake, sandbox) = start();
    sandbox.seed(&fake, Duration::ZERO);
    fake.go_offline().expect("offline");
    let told = run(&sandbox, &["get", "--format", "json"]).expect_code(5);
    assert_eq!(error_code(&told), "temporary");
}
