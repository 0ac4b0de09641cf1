//! The commands: `app secret`, `--repo`, and what `status` and `logout` do with scoped tokens.

use std::io::Write;
use std::process::Stdio;

use fake_github::{Endpoint, FakeGitHub};
use ghtok::testing::auth::scoped_tokens::ScopedStore;
use serde_json::Value;

use super::{SECRET, fake};
use crate::support::bench::LIFE;
use crate::support::deadline::LIMIT;
use crate::support::processes::eventually;
use crate::support::sandbox::{Program, Run, Sandbox};

fn start() -> (FakeGitHub, Sandbox) {
    let fake = fake().scoped_tokens_count().start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sandbox.seed(&fake, LIFE);
    (fake, sandbox)
}

fn set_secret(sandbox: &Sandbox, secret: &str) -> Run {
    with_input(
        sandbox,
        &["app", "secret", "set", "--store", "file"],
        secret,
    )
}

fn with_input(sandbox: &Sandbox, arguments: &[&str], text: &str) -> Run {
    let mut command = sandbox.command(Program::Real, arguments);
    let mut child = command.stdin(Stdio::piped()).spawn().expect("ghtok");
    let mut input = child.stdin.take().expect("a pipe");
    // A run that refuses its arguments reads nothing.
    let _ = input.write_all(text.as_bytes());
    drop(input);
    Run::of(child)
}

#[test]
fn get_and_exec_give_a_token_for_one_repository() {
    let (fake, sandbox) = start();
    set_secret(&sandbox, &format!("{SECRET}\n")).expect_code(0);
    let repo = ["--repo", "acme/one", "--permission", "contents=read"];
    let get = sandbox.run([&["get"], &repo[..]].concat());
    let token = get.token().to_owned();
    assert_eq!(fake.live_scoped_tokens(), [token.as_str()]);
    let show = ["--", "sh", "-c", "echo \"$GH_ENTERPRISE_TOKEN\""];
    let exec = sandbox.run([&["exec"], &repo[..], &show[..]].concat());
    assert_eq!(exec.token(), token);
    let json = sandbox.run([&["get", "--format", "json"], &repo[..]].concat());
    let json: Value = serde_json::from_str(&json.stdout).expect("JSON");
    assert_eq!(
        (&json["token"], &json["login"]),
        (&token.as_str().into(), &"octocat".into())
    );
    // The sign-in's own token is another one.
    assert_ne!(sandbox.run(["get"]).token(), token);
    assert!(fake.violations().is_empty());
}

#[test]
fn status_shows_scoped_tokens_and_logout_ends_them() {
    let (fake, sandbox) = start();
    set_secret(&sandbox, SECRET).expect_code(0);
    sandbox
        .run(["get", "--repo", "acme/two,acme/one", "--read-only"])
        .token();
    let status = sandbox.run(["status"]).expect_code(0);
    let line = "scoped token   acme/one acme/two read-only: until ";
    assert!(status.stdout.contains(line), "{}", status.stdout);
    let json: Value =
        serde_json::from_str(&sandbox.run(["status", "--json"]).stdout).expect("JSON");
    let shown = &json["apps"][0]["scoped_tokens"];
    assert_eq!(shown[0]["scope"], "acme/one acme/two read-only");
    assert!(!shown.to_string().contains("ghu_"));
    let logout = sandbox.run(["logout"]).expect_code(0);
    assert!(
        logout.stderr.contains("1 scoped token was revoked"),
        "{}",
        logout.stderr
    );
    assert!(fake.live_scoped_tokens().is_empty());
    let left = std::fs::read_dir(sandbox.state_dir().join("ghtok-scoped")).expect("a folder");
    assert_eq!(left.count(), 0);
}

#[test]
fn git_in_exec_gets_the_scoped_token_and_only_for_its_repositories() {
    let (fake, sandbox) = start();
    set_secret(&sandbox, SECRET).expect_code(0);
    let fill = |path: &str| {
        let script = format!(
            "printf 'protocol=http\\nhost={}\\npath={path}\\n\\n' | GIT_TERMINAL_PROMPT=0 git credential fill",
            fake.host()
        );
        let mut command = sandbox.command(
            Program::Real,
            ["exec", "--repo", "acme/one", "--", "sh", "-c", &script],
        );
        command.env("PATH", std::env::var_os("PATH").expect("a PATH"));
        Run::of(command.spawn().expect("ghtok")).stdout
    };
    let answer = fill("acme/one.git");
    let scoped = fake.live_scoped_tokens();
    assert!(
        answer.contains(&format!("password={}", scoped[0])),
        "{answer}"
    );
    assert!(!fill("acme/two.git").contains("password="));
    assert_eq!(fake.live_scoped_tokens(), scoped);
}

#[test]
fn mcp_gives_its_server_a_scoped_token_and_revokes_it_at_the_end() {
    let (fake, sandbox) = start();
    set_secret(&sandbox, SECRET).expect_code(0);
    let show = "echo \"$GITHUB_PERSONAL_ACCESS_TOKEN\" >&2; exec sed -u -e 's/\"method\".*/\"result\":{}}/'";
    let arguments = ["mcp", "--repo", "acme/one", "--", "sh", "-c", show];
    let mut command = sandbox.command(Program::Real, arguments);
    command.env("PATH", std::env::var_os("PATH").expect("a PATH"));
    let mut child = command.stdin(Stdio::piped()).spawn().expect("ghtok");
    let mut input = child.stdin.take().expect("a pipe");
    let initialize = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#;
    writeln!(input, "{initialize}").expect("a pipe");
    fake.wait_for_processed(Endpoint::CreateScoped, 1, LIMIT)
        .expect("a token");
    // The list is written before the server gets the token.
    eventually("the list", || {
        let list = sandbox.scoped().load().expect("a list");
        list.entries
            .iter()
            .any(|entry| entry.token().is_some())
            .then_some(())
    });
    let status = sandbox.run(["status"]).expect_code(0);
    assert!(status.stdout.contains("; of mcp-"), "{}", status.stdout);
    drop(input);
    Run::of(child);
    assert_eq!(fake.scoped_tokens().len(), 1);
    assert!(fake.live_scoped_tokens().is_empty());
    assert_eq!(locks_of_holders(&sandbox), Vec::<String>::new());
}

/// The files of processes that have or had a scoped token.
fn locks_of_holders(sandbox: &Sandbox) -> Vec<String> {
    let files = std::fs::read_dir(sandbox.state_dir()).expect("a folder");
    let names = files.map(|file| {
        file.expect("a file")
            .file_name()
            .into_string()
            .expect("text")
    });
    names.filter(|name| name.contains(".scoped.mcp-")).collect()
}

/// ghtok on a machine that knows no App.
fn without_apps(sandbox: &Sandbox, arguments: &[&str]) -> Run {
    let mut command = sandbox.command(Program::Real, arguments);
    command
        .env_remove("GHTOK_CLIENT_ID")
        .env_remove("GHTOK_HOST");
    Run::of(command.spawn().expect("ghtok"))
}

#[test]
fn p12_logout_all_ends_scoped_tokens_and_secrets_that_no_sign_in_leads_to() {
    let (fake, sandbox) = start();
    set_secret(&sandbox, SECRET).expect_code(0);
    let token = sandbox
        .run(["get", "--repo", "acme/one"])
        .token()
        .to_owned();
    // The sign-in is lost, and so are the state folder's files beside it.
    std::fs::remove_file(sandbox.record_file()).expect("a record");
    for file in std::fs::read_dir(sandbox.state_dir()).expect("a folder") {
        let file = file.expect("a file").path();
        if file.is_file() {
            std::fs::remove_file(file).expect("a file");
        }
    }
    let configured = sandbox.run(["logout", "--all"]).expect_code(0);
    let words = "1 scoped token was revoked";
    assert!(configured.stderr.contains(words), "{}", configured.stderr);
    assert!(!fake.is_alive(&token));
    // The secret of a configured App stays: it was not made from the sign-in.
    assert!(sandbox.scoped().secret().expect("readable").is_some());
    sandbox.seed(&fake, LIFE);
    let token = sandbox
        .run(["get", "--repo", "acme/one"])
        .token()
        .to_owned();
    std::fs::remove_file(sandbox.record_file()).expect("a record");
    let all = without_apps(&sandbox, &["logout", "--all"]).expect_code(0);
    assert!(all.stderr.contains(words), "{}", all.stderr);
    assert!(
        all.stderr.contains("the client secret was deleted"),
        "{}",
        all.stderr
    );
    assert!(!fake.is_alive(&token));
    assert!(sandbox.scoped().secret().expect("readable").is_none());
    let again = without_apps(&sandbox, &["logout", "--all"]).expect_code(0);
    assert!(
        again.stderr.contains("nothing is stored"),
        "{}",
        again.stderr
    );
}

#[test]
fn what_a_killed_mcp_left_is_revoked_by_the_next_refresh() {
    for builder in [
        fake(),
        fake().scoped_tokens_count(),
        fake().refresh_ends_scoped_tokens(),
    ] {
        let fake = builder.start().expect("a fake");
        let sandbox = Sandbox::new(&fake);
        sandbox.seed(&fake, LIFE);
        set_secret(&sandbox, SECRET).expect_code(0);
        let arguments = ["mcp", "--eager", "--repo", "acme/one", "--", "cat"];
        let mut command = sandbox.command(Program::Real, arguments);
        command.env("PATH", std::env::var_os("PATH").expect("a PATH"));
        let mut child = command.stdin(Stdio::piped()).spawn().expect("ghtok");
        eventually("the list", || {
            let list = sandbox.scoped().load().expect("a list");
            list.entries.iter().find_map(|entry| entry.token().cloned())
        });
        // The list is written; whether the server got the token yet does not matter.
        child.kill().expect("a kill");
        child.wait().expect("an end");
        let [token] = &fake.scoped_tokens()[..] else {
            panic!("one token");
        };
        sandbox.run(["refresh", "--force"]).expect_code(0);
        eventually("the revocation", || (!fake.is_alive(token)).then_some(()));
        eventually("the list", || {
            let list = sandbox.scoped().load().expect("a list");
            list.entries.is_empty().then_some(())
        });
        assert_eq!(locks_of_holders(&sandbox), Vec::<String>::new());
        sandbox.run(["get"]).token();
    }
}

#[test]
fn p7_reject_has_the_next_use_check_the_token() {
    let (fake, sandbox) = start();
    set_secret(&sandbox, SECRET).expect_code(0);
    let reject = |token: &str| with_input(&sandbox, &["reject"], token);
    let full = sandbox.run(["get"]).token().to_owned();
    let scoped = sandbox
        .run(["get", "--repo", "acme/one"])
        .token()
        .to_owned();
    // Both are good: they are checked once, and stay.
    for token in [&full, &scoped, "ghu_of_somebody_else"] {
        reject(token).expect_code(0);
    }
    assert_eq!(fake.count(Endpoint::User), 0);
    assert_eq!(sandbox.run(["get"]).token(), full);
    assert_eq!(sandbox.run(["get", "--repo", "acme/one"]).token(), scoped);
    fake.revoke(&scoped);
    fake.revoke(&full);
    assert_eq!(reject(&format!("{full}\n")).expect_code(0).stdout, "");
    reject(&scoped).expect_code(0);
    let healed = sandbox.run(["get"]);
    assert!(healed.token() != full && fake.is_alive(healed.token()));
    let healed = sandbox.run(["get", "--repo", "acme/one"]);
    assert!(healed.token() != scoped && fake.is_alive(healed.token()));
    for bad in ["", "\n", "ghu_a ghu_b", &"x".repeat(20_000)] {
        let refused = reject(bad).expect_code(2);
        assert!(!refused.stderr.contains("ghu_"), "{}", refused.stderr);
    }
}

#[test]
fn what_is_wrong_is_said_and_nothing_is_lost() {
    let (fake, sandbox) = start();
    let hint = |run: &Run, words: &str| assert!(run.stderr.contains(words), "{}", run.stderr);
    let missing = sandbox.run(["get", "--repo", "acme/one"]).expect_code(1);
    hint(&missing, "no client secret is stored");
    hint(&missing, "\n  ghtok app secret set");
    set_secret(&sandbox, "fffffffffffffffffffffffffffffffffffffff0").expect_code(0);
    let wrong = sandbox.run(["get", "--repo", "acme/one"]).expect_code(1);
    hint(&wrong, "GitHub refused the stored client secret");
    set_secret(&sandbox, SECRET).expect_code(0);
    let unknown = sandbox.run(["get", "--repo", "acme/nine"]).expect_code(1);
    hint(&unknown, "The repository nine is not accessible");
    let owners = sandbox.run(["get", "--repo", "acme/one", "--repo", "octocat/x"]);
    hint(&owners.expect_code(2), "different owners");
    sandbox.run(["get", "--repo", "acme"]).expect_code(2);
    sandbox
        .run(["get", "--permission", "contents=read"])
        .expect_code(2);
    let plain = sandbox
        .command(Program::Real, ["app", "secret", "set"])
        .spawn();
    let plain = Run::of(plain.expect("ghtok")).expect_code(2);
    hint(&plain, "plain text");
    for bad in ["", "two words", "ghp_0123456789", "\u{e9}"] {
        set_secret(&sandbox, bad).expect_code(2);
    }
    assert!(
        !sandbox
            .run(["get", "--repo", "acme/one"])
            .token()
            .is_empty()
    );
    sandbox
        .run(["app", "secret", "remove", "--store", "file"])
        .expect_code(0);
    let again = sandbox.run(["get", "--repo", "acme/two"]).expect_code(1);
    hint(&again, "no client secret is stored");
    assert_eq!(fake.scoped_tokens().len(), 1);
    assert_eq!(sandbox.run(["get"]).code, Some(0));
}
