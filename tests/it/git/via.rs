//! `--via HELPER`: git's other helpers are asked through ghtok, and never see its token (P13).

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fake_github::{CLIENT_ID, FakeGitHub};
use tempfile::TempDir;

use crate::support::git::{Desk, feed, files_with, gits, helper, url, with_a_repository};
use crate::support::sandbox::{Program, Run, Sandbox, path_of};

const HOUR: Duration = Duration::from_secs(3600);

/// A helper of the user's, which notes what it is asked and answers this.
fn noting(sandbox: &Sandbox, answer: &str) -> (String, PathBuf) {
    let (script, notes) = (
        sandbox.home().join("own helper"),
        sandbox.home().join("asked"),
    );
    let text = format!(
        "#!/bin/sh\nprintf '%s\\n' \"--- $*\" >>'{0}'\ncat >>'{0}'\n[ \"$1\" != get ] || printf '{answer}'\nexit 3\n",
        notes.display()
    );
    fs::write(&script, text).expect("a script");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("a mode");
    (format!("!'{}'", script.display()), notes)
}

fn via(sandbox: &Sandbox, flags: &[&str], operation: &str, lines: &str) -> Run {
    let arguments = [&["git-credential"], flags, &[operation]].concat();
    let mut command = sandbox.command(Program::Real, arguments);
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    feed(&mut command, lines.as_bytes())
}

#[test]
fn p13_the_question_goes_on_without_the_path_and_the_answer_comes_back_as_it_is() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sandbox.seed(&fake, HOUR);
    sandbox.configure("nonsense = 1\n");
    let answer = "capability[]=authtype\\nauthtype=Bearer\\ncredential=x\\nephemeral=1\\nstate[]=own.a=1\\ncontinue=1\\nodd\\r\\n\\n";
    let (own, notes) = noting(&sandbox, answer);
    let asked = format!(
        "capability[]=authtype\ncapability[]=state\nprotocol=http\nhost={}\npath=o/r.git\nwwwauth[]=Basic realm=\"G\"\nstate[]=own.a=0\nlater=1\n",
        fake.host()
    );
    let run = via(&sandbox, &["--via", &own], "get", &asked).expect_code(3);
    assert_eq!(run.stdout, answer.replace("\\n", "\n").replace("\\r", "\r"));
    assert_eq!(
        run.stderr, "",
        "what ghtok itself lacks is nothing to the other helper"
    );
    let told = fs::read_to_string(&notes).expect("notes");
    assert_eq!(
        told,
        format!("--- get\n{}", asked.replace("path=o/r.git\n", ""))
    );
    via(&sandbox, &["--keep-path", "--via", &own], "get", &asked).expect_code(3);
    let told = fs::read_to_string(&notes).expect("notes");
    assert!(told.ends_with(&format!("--- get\n{asked}")), "{told}");
    assert_eq!(fake.connections(), 0);
}

#[test]
fn p13_what_is_not_ghtoks_is_stored_and_erased_by_its_own_helper() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sandbox.seed(&fake, HOUR);
    let (own, notes) = noting(&sandbox, "");
    let host = fake.host();
    let bearer = "authtype=Bearer\ncredential=gho_others\n";
    for secret in ["password=ghp_others\n", "password=ghu_others\n", bearer, ""] {
        for operation in ["store", "erase", "later-one"] {
            let lines = format!("protocol=http\nhost={host}\nusername=me\n{secret}");
            via(&sandbox, &["--via", &own], operation, &lines).expect_code(3);
            let told = fs::read_to_string(&notes).expect("notes");
            assert!(
                told.ends_with(&format!("--- {operation}\n{lines}")),
                "{told}"
            );
        }
    }
}

/// Each way in which git gives a token back.
fn carrying(fake: &FakeGitHub, token: &str) -> Vec<String> {
    let host = fake.host();
    let basic = STANDARD.encode(format!("x-access-token:{token}"));
    let as_name = STANDARD.encode(format!("{token}:x-oauth-basic"));
    vec![
        format!("protocol=http\nhost={host}\nusername=octocat\npassword={token}\n"),
        format!("url=http://octocat:{token}@{host}/o/r.git\n"),
        format!("protocol=http\nhost={host}\nauthtype=Basic\ncredential={basic}\n"),
        format!("protocol=http\nhost={host}\nauthtype=Bearer\ncredential={token}\n"),
        format!("protocol=http\nhost={host}\nusername={token}\npassword=x-oauth-basic\n"),
        format!("protocol=http\nhost={host}\nauthtype=Basic\ncredential={as_name}\n"),
    ]
}

#[test]
fn p13_a_token_of_ghtoks_is_neither_stored_nor_erased_by_another_helper() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let (own, notes) = noting(&sandbox, "");
    let first = sandbox.seed(&fake, HOUR).access_token;
    let silent = |token: &str, why: &str| {
        for lines in carrying(&fake, token) {
            for operation in ["store", "erase", "later-one"] {
                let run = via(&sandbox, &["--via", &own], operation, &lines).expect_code(0);
                assert_eq!(
                    (run.stdout.as_str(), run.stderr.as_str()),
                    ("", ""),
                    "{why}"
                );
                assert!(!notes.exists(), "{why}: {operation} {lines}");
            }
        }
    };
    silent(&first, "as it was stored before ghtok kept marks");
    // Twice replaced, while a long push still has the first.
    for _ in 0..2 {
        sandbox.run(["refresh", "--force"]).expect_code(0);
    }
    let now = sandbox.record().tokens.access_token().expose().to_owned();
    assert_ne!(now, first);
    silent(&now, "as it is stored");
    silent(&first, "as it was before two refreshes");
    let marks = sandbox.state_folder().fingerprints(&sandbox.app().key());
    let kept = fs::read_to_string(&marks).expect("marks");
    assert!(!kept.contains(&first) && !kept.contains(&now));
    // Nobody can say: what looks like ghtok's is kept back, and nothing else is.
    sandbox.configure("nonsense = 1\n");
    for lines in carrying(&fake, &now) {
        via(&sandbox, &["--via", &own], "store", &lines).expect_code(0);
        assert!(!notes.exists(), "without a configuration that can be read");
        via(&sandbox, &["--via", &own], "erase", &lines).expect_code(3);
        fs::remove_file(&notes).expect("notes");
    }
    let lines = format!("protocol=http\nhost={}\npassword=ghp_others\n", fake.host());
    via(&sandbox, &["--via", &own], "store", &lines).expect_code(3);
    assert!(notes.exists());
}

#[test]
fn p13_ghtoks_tokens_are_known_where_its_configuration_is_not_found() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let (own, notes) = noting(&sandbox, "");
    let first = sandbox.seed(&fake, HOUR).access_token;
    sandbox.run(["refresh", "--force"]).expect_code(0);
    let now = sandbox.record().tokens.access_token().expose().to_owned();
    let told = |token: &str, host: &str| {
        let arguments = ["git-credential", "--via", &own, "erase"];
        let mut command = sandbox.command(Program::Real, arguments);
        for name in ["GHTOK_CONFIG_DIR", "GHTOK_CLIENT_ID", "GHTOK_HOST"] {
            command.env_remove(name);
        }
        let lines = format!("protocol=http\nhost={host}\nusername=me\npassword={token}\n");
        feed(&mut command, lines.as_bytes());
        fs::remove_file(&notes).is_ok()
    };
    assert!(!told(&first, &fake.host()) && !told(&now, &fake.host()));
    assert!(told("ghu_others", &fake.host()));
    assert!(
        told(&now, "127.0.0.1:1"),
        "of another host it is not ghtok's"
    );
}

#[test]
fn p13_no_helper_after_ghtok_stores_its_token_and_a_stored_one_is_still_found() {
    for git in gits() {
        let root = TempDir::new().expect("a folder");
        let fake = with_a_repository(root.path());
        let sandbox = Sandbox::new(&fake);
        let pair = sandbox.seed(&fake, HOUR);
        let desk = Desk::new(&sandbox, git);
        let through = format!(
            "!'{}' git-credential --via store",
            path_of(Program::Real).display()
        );
        let quoted = format!("\"{}\"", through.replace('\\', "\\\\").replace('"', "\\\""));
        desk.configure(&[&helper(), &quoted]);
        desk.well(&["clone", "--quiet", &url(&fake), "one"]);
        desk.commit_and_push("one");
        let found = files_with(sandbox.home(), &pair.access_token);
        assert_eq!(found, [sandbox.record_file()], "{:?}", desk.git);
        // Signed out, and with a path that `store` has not: what it has is found all the same.
        let other = fake.mint(CLIENT_ID).access_token;
        let stored = format!("http://me:{other}@{}\n", fake.host().replace(':', "%3a"));
        fs::write(sandbox.home().join(".git-credentials"), stored).expect("a file");
        fs::remove_file(sandbox.record_file()).expect("a record");
        let path = ["-c", "credential.useHttpPath=true"];
        let run = desk.well(&[&path[..], &["ls-remote", &url(&fake)]].concat());
        assert!(run.stderr.contains("not signed in"), "{run:?}");
        // And what no longer works is forgotten there, as before.
        fake.revoke(&other);
        let run = desk.run(&[&path[..], &["ls-remote", &url(&fake)]].concat());
        assert_ne!(run.code, Some(0));
        let left = fs::read_to_string(sandbox.home().join(".git-credentials"));
        assert_eq!(left.expect("a file"), "", "{:?}", desk.git);
        assert!(fake.violations().is_empty(), "{:?}", fake.violations());
    }
}

#[test]
fn a_helper_that_cannot_be_run_is_named() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let run = via(
        &sandbox,
        &["--via", "/nonexistent/helper"],
        "get",
        "protocol=http\nhost=h\n",
    );
    assert!(
        run.stderr.contains("/nonexistent/helper"),
        "the shell says so: {run:?}"
    );
    let run = via(&sandbox, &["--via", "store"], "get;x", "");
    assert_eq!(
        (run.code, run.stdout.as_str(), run.stderr.as_str()),
        (Some(0), "", "")
    );
    let long = format!("x={}", "y".repeat(70_000));
    let run = via(&sandbox, &["--via", "!cat"], "get", &long).expect_code(0);
    assert_eq!(
        run.stderr,
        "ghtok: git-credential: not passed on: the request has a line of more than 65535 bytes\n"
    );
}
