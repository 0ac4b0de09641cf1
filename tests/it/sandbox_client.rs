//! ghtok in a sandbox: what it asks through the socket, what it does with the answers, and which sockets it
//! trusts. The host is a small server of the test.

mod host;
mod trust;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use fake_github::FakeGitHub;
use serde_json::Value;

use crate::support::deadline::{LIMIT, ends, run_command};
use crate::support::git::feed;
use crate::support::sandbox::{Program, Run, Sandbox, path_of};
use host::{Reply, TestHost, token_json};

const TOKEN: &str = "ghu_of_the_sandbox";

/// A sandbox's home: nothing of ghtok is in it, and must not be afterwards.
struct Box {
    home: tempfile::TempDir,
    host: TestHost,
}

impl Box {
    fn with(reply: impl Fn(&str, &[u8]) -> Reply + Send + Sync + 'static) -> Self {
        let home = tempfile::tempdir().expect("a home");
        let host = TestHost::at(&home.path().join("host.sock"), reply);
        Self { home, host }
    }

    /// A host that gives this token and accepts each report.
    fn usual() -> Self {
        Self::with(|target, _| match target {
            "/v1/token" | "/v1/token?host=github.com" => {
                Reply::ok(&token_json("github.com", TOKEN))
            }
            "/v1/git" => Reply::ok("username=x-access-token\npassword=ghu_for_git\n"),
            "/v1/reject" => Reply::of(202, ""),
            "/v1/status" => Reply::ok(
                r#"{"schema_version":1,"app":"main","host":"github.com","name":"box","repositories":[],"permissions":[],"full_token":true,"ends_at":null}"#,
            ),
            _ => Reply::of(404, ""),
        })
    }

    fn command(&self, arguments: &[&str]) -> Command {
        self.command_of(Program::Real, arguments)
    }

    fn command_of(&self, program: Program, arguments: &[&str]) -> Command {
        let mut command = Command::new(path_of(program));
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.home.path())
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("TZ", "UTC")
            .env("GHTOK_SOCKET", self.home.path().join("host.sock"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn run(&self, arguments: &[&str]) -> Run {
        run_command(&mut self.command(arguments))
    }

    fn feed(&self, arguments: &[&str], input: &str) -> Run {
        feed(&mut self.command(arguments), input.as_bytes())
    }

    /// What the host was asked, without bodies.
    fn asked(&self) -> Vec<String> {
        let requests = self.host.requests();
        requests.iter().map(|(target, _)| target.clone()).collect()
    }

    /// Nothing was written.
    #[track_caller]
    fn assert_untouched(&self) {
        let left = fs::read_dir(self.home.path()).expect("a home");
        let names: Vec<_> = left.map(|entry| entry.expect("one").file_name()).collect();
        assert_eq!(names, ["host.sock"]);
    }
}

#[test]
fn p11_a_sandbox_asks_through_its_socket_and_touches_nothing_else() {
    let sandbox = Box::usual();
    assert_eq!(sandbox.run(&["get"]).token(), TOKEN);
    assert_eq!(
        sandbox
            .run(&["get", "main", "--host", "github.com"])
            .token(),
        TOKEN
    );
    let json: Value =
        serde_json::from_str(&sandbox.run(&["get", "--format", "json"]).stdout).expect("JSON");
    assert_eq!(
        (&json["token"], &json["login"], &json["app"]),
        (&TOKEN.into(), &"octocat".into(), &"main".into())
    );
    let env = sandbox.run(&["get", "--format", "env"]).expect_code(0);
    assert!(
        env.stdout
            .starts_with(&format!("export GH_TOKEN='{TOKEN}'\n")),
        "{}",
        env.stdout
    );
    let headers = sandbox.run(&["headers"]).expect_code(0);
    assert_eq!(
        headers.stdout,
        format!("{{\"Authorization\":\"Bearer {TOKEN}\"}}\n")
    );
    let exec = sandbox.run(&[
        "exec",
        "-e",
        "MINE",
        "-e",
        "YOURS:main",
        "--",
        "sh",
        "-c",
        "echo $MINE$YOURS$GH_TOKEN",
    ]);
    assert_eq!(exec.token(), format!("{TOKEN}{TOKEN}"));
    let whole = sandbox.run(&[
        "exec",
        "--",
        "sh",
        "-c",
        "echo $GH_TOKEN; git config --get-all credential.https://github.com.helper",
    ]);
    let whole = whole.expect_code(0).stdout;
    assert!(
        whole.starts_with(TOKEN) && whole.contains("ghtok git-credential\n"),
        "{whole}"
    );
    let reject = sandbox.feed(&["reject"], "ghu_dead\n").expect_code(0);
    assert_eq!((reject.stdout.as_str(), reject.stderr.as_str()), ("", ""));
    let last = sandbox.host.requests().pop().expect("a request");
    // printf %s ghu_dead | sha256sum
    assert_eq!(last.0, "/v1/reject");
    assert_eq!(
        last.1,
        "60f2e09c5c68898cb3bb2c1d69f73840278ebcbd5bc090d9264a38d3028199e6".as_bytes()
    );
    sandbox.assert_untouched();
}

#[test]
fn p11_git_is_answered_by_the_host_and_tells_it_no_secret() {
    let sandbox = Box::with(|target, body| match target {
        "/v1/git" if body.windows(4).any(|four| four == b"evil") => Reply::ok(
            "username=x\npassword=ghu_x\nhost=evil.tld\nurl=https://evil.tld\noauth_refresh_token=r\n",
        ),
        "/v1/git" if body.windows(4).any(|four| four == b"none") => Reply::ok(""),
        "/v1/git" => Reply::ok(
            "username=x-access-token\npassword=ghu_for_git\npassword_expiry_utc=1795381200\n",
        ),
        _ => Reply::of(202, ""),
    });
    let get = |lines: &str| {
        sandbox
            .feed(&["git-credential", "get"], lines)
            .expect_code(0)
    };
    let asked = "protocol=https\nhost=github.com\npath=octocat/hello.git\nusername=git\n";
    let answer = get(&format!(
        "{asked}password=hunter2\noauth_refresh_token=r\nwwwauth[]=Basic\n\n"
    ));
    assert_eq!(
        answer.stdout,
        "username=x-access-token\npassword=ghu_for_git\npassword_expiry_utc=1795381200\n"
    );
    let (target, body) = sandbox.host.requests().pop().expect("a request");
    assert_eq!(
        (target.as_str(), String::from_utf8_lossy(&body).as_ref()),
        ("/v1/git", asked)
    );
    assert_eq!(
        get("protocol=https\nhost=github.com\npath=evil/x\n").stdout,
        "username=x\npassword=ghu_x\n"
    );
    assert_eq!(
        get("protocol=https\nhost=github.com\npath=none/x\n").stdout,
        ""
    );
    let before = sandbox.asked().len();
    let erased = "protocol=https\nhost=github.com\nusername=x\npassword=ghu_dead\n";
    sandbox
        .feed(&["git-credential", "erase"], erased)
        .expect_code(0);
    sandbox
        .feed(&["git-credential", "store"], erased)
        .expect_code(0);
    let capability = sandbox
        .feed(&["git-credential", "capability"], "")
        .expect_code(0);
    assert_eq!(capability.stdout, "version 0\ncapability authtype\n");
    assert_eq!(&sandbox.asked()[before..], ["/v1/reject"]);
    sandbox.assert_untouched();
}

#[test]
fn p11_an_mcp_server_in_a_sandbox_gets_the_hosts_token() {
    let sandbox = Box::usual();
    let show = "echo \"$GITHUB_PERSONAL_ACCESS_TOKEN\" >&2; exec sed -u -e 's/\"method\".*/\"result\":{}}/'";
    let initialize = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#;
    let run = sandbox.feed(&["mcp", "--", "sh", "-c", show], &format!("{initialize}\n"));
    // The server's own lines do not show the token; that it answered shows that it was started.
    assert!(run.stdout.contains("\"result\":{}"), "{run:?}");
    assert!(sandbox.asked().contains(&"/v1/token".to_owned()));
    sandbox.assert_untouched();
}

#[test]
fn p11_commands_of_the_host_say_what_to_run_there() {
    let sandbox = Box::usual();
    for (arguments, command) in [
        (&["login"][..], "ghtok login"),
        (&["schedule", "install"], "ghtok schedule install"),
        (&["app", "remove", "my app"], "ghtok app remove 'my app'"),
        (&["status", "--check"], "ghtok status --check"),
        (&["doctor"], "ghtok doctor"),
        (&["logout", "--all"], "ghtok logout --all"),
        (&["setup", "git", "--undo"], "ghtok setup git --undo"),
        (&["refresh"], "ghtok refresh"),
    ] {
        let run = sandbox.run(arguments).expect_code(2);
        assert!(run.stderr.contains("this is a sandbox"), "{}", run.stderr);
        assert!(
            run.stderr.ends_with(&format!("\n  {command}\n")),
            "{}",
            run.stderr
        );
    }
    let json = sandbox.run(&["status", "--json"]).expect_code(2);
    assert!(
        json.stderr.contains("\"code\":\"sandbox_host_only\""),
        "{}",
        json.stderr
    );
    // A secret that was typed is not repeated.
    let secret = sandbox.run(&["login", "ghp_0123456789abcdefghijklmnopqrstuvwxyz"]);
    assert!(!secret.stderr.contains("ghp_"), "{}", secret.stderr);
    for arguments in [&["completions", "bash"][..], &["docs"], &["--version"]] {
        sandbox.run(arguments).expect_code(0);
    }
    assert_eq!(sandbox.asked(), Vec::<String>::new());
    sandbox.assert_untouched();
}

#[test]
fn p6_p11_flags_can_only_agree_with_the_sandbox() {
    let sandbox = Box::with(|_, _| Reply::ok(&token_json("github.com", TOKEN)));
    for (arguments, words) in [
        (
            &["get", "work"][..],
            "the App of this sandbox (GHTOK_SOCKET) is main, not work",
        ),
        (
            &["get", "--host", "ghes.example"],
            "the host of this sandbox (GHTOK_SOCKET) is github.com, not ghes.example",
        ),
        (
            &["get", "--repo", "octocat/x"],
            "--repo is not available in a sandbox",
        ),
        (
            &["get", "--client-id", "Iv1.a"],
            "--client-id is not available",
        ),
        (&["headers", "--store", "file"], "--store is not available"),
    ] {
        let run = sandbox.run(arguments).expect_code(2);
        assert!(run.stderr.contains(words), "{}", run.stderr);
        assert!(!run.stdout.contains(TOKEN));
    }
    let exec = sandbox
        .run(&["exec", "-e", "X:work", "--", "true"])
        .expect_code(125);
    assert!(exec.stderr.contains("is main, not work"), "{}", exec.stderr);
    let variable = sandbox
        .command(&["get"])
        .env("GHTOK_HOST", "ghes.example")
        .spawn();
    ends(variable.expect("ghtok"), LIMIT).expect_code(2);
    let note = sandbox.run(&["get", "--min-ttl", "900000h"]).expect_code(0);
    assert!(
        note.stderr.contains("only the host renews it"),
        "{}",
        note.stderr
    );
}

#[test]
fn p11_an_error_of_the_host_keeps_its_code_and_drives_no_terminal() {
    let body = r#"{"schema_version":1,"error":{"code":"signed_out","message":"main: not signed in\u001b[2J","hint":"sign in with: ghtok login\u0007","exit_code":4}}"#;
    let sandbox = Box::with(move |_, _| Reply::of(503, body));
    let run = sandbox.run(&["get"]).expect_code(4);
    assert_eq!(
        run.stderr,
        "ghtok: error: main: not signed in [2J\nghtok: hint: on the host: sign in with: ghtok login\n"
    );
    let json = sandbox.run(&["get", "--format", "json"]).expect_code(4);
    let json: Value = serde_json::from_str(&json.stderr).expect("JSON");
    assert_eq!(json["error"]["code"], "signed_out");
    sandbox.run(&["exec", "--", "true"]).expect_code(125);
    let git = "protocol=https\nhost=github.com\n";
    let git = sandbox.feed(&["git-credential", "get"], git).expect_code(0);
    assert!(
        git.stdout.is_empty() && git.stderr.contains("not signed in"),
        "{git:?}"
    );
}

#[test]
fn p11_what_is_no_answer_is_an_error_of_one_line() {
    for (reply, code, words) in [
        (
            Reply::raw("SSH-2.0-OpenSSH_9.9\r\n"),
            5,
            "the answer is not HTTP",
        ),
        (
            Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n"),
            5,
            "the answer is too long",
        ),
        (Reply::ok("{}"), 5, "the token cannot be read"),
        (
            Reply::ok(&token_json("github.com", "ghu_a\\nb")),
            5,
            "characters that no token has",
        ),
        (
            Reply::ok(&token_json("a b", TOKEN)),
            5,
            "the token's host is not valid",
        ),
        (
            Reply::of(500, "<html>"),
            1,
            "the host refused the request (HTTP 500)",
        ),
    ] {
        let sandbox = Box::with(move |_, _| reply.clone());
        let run = sandbox.run(&["get"]).expect_code(code);
        assert!(run.stderr.contains(words), "{}", run.stderr);
        assert_eq!(run.stdout, "");
    }
}

#[test]
fn p11_two_hundred_at_once_are_served_by_a_host_that_turns_many_away() {
    let sandbox = Box::usual();
    sandbox.host.take_at_once(8);
    let children: Vec<_> = (0..200)
        .map(|_| sandbox.command(&["get"]).spawn().expect("ghtok"))
        .collect();
    for child in children {
        assert_eq!(ends(child, LIMIT).token(), TOKEN);
    }
    assert!(sandbox.host.turned_away() > 0, "nobody was turned away");
}

#[test]
fn p9_a_host_that_does_not_answer_is_waited_for_with_a_limit() {
    let sandbox = Box::usual();
    sandbox.host.stop_answering();
    // The clock of this program runs faster.
    let mut command = sandbox.command_of(Program::Hurried, &["get"]);
    let child = command.spawn().expect("ghtok");
    let run = ends(child, LIMIT).expect_code(5);
    assert!(run.stderr.contains("none within"), "{}", run.stderr);
}

/// The fake GitHub and the sign-in are there, and are not asked.
#[test]
fn p11_a_sign_in_is_not_used_in_a_sandbox_of_this_machine() {
    let fake = FakeGitHub::start().expect("a fake");
    let home = Sandbox::new(&fake);
    let own = home.seed(&fake, Duration::from_secs(3600)).access_token;
    let runtime = home.state_dir().join("run");
    fs::create_dir_all(&runtime).expect("a folder");
    fs::set_permissions(&runtime, fs::Permissions::from_mode(0o700)).expect("a mode");
    let address = fake.host();
    let host = TestHost::at(&runtime.join("box.sock"), move |_, _| {
        Reply::ok(&token_json(&address, TOKEN))
    });
    let socket = runtime.join("box.sock");
    let get = || {
        let mut command = home.command(Program::Real, ["get"]);
        run_command(command.env("GHTOK_SOCKET", &socket))
    };
    home.configure("");
    assert_eq!(get().token(), TOKEN);
    assert_eq!(home.run(["get"]).token(), own);
    // It has ended: no process that was in it gets the sign-in's token instead.
    drop(host);
    fs::remove_file(&socket).expect("a socket");
    let ended = get().expect_code(6);
    assert!(
        ended.stderr.contains("cannot connect to the socket"),
        "{}",
        ended.stderr
    );
}
