//! The servers' processes: what they are given, and that none is left.

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use fake_github::FakeGitHub;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use super::client::{Client, HOUR, is_alive, soon, wait};
use crate::support::sandbox::{Program, Sandbox};

#[test]
fn a_server_has_the_token_and_nothing_else_has() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let token = sandbox.seed(&fake, HOUR).access_token;
    let mut client = Client::start(&fake, &sandbox, Program::Real, &[], &["junk"]);
    client.open("2025-11-25", &json!({}));
    assert_eq!(client.text("look"), "ok");
    assert_eq!(client.text("token"), token);
    let argv = fs::read(format!("/proc/{}/cmdline", client.child.id())).expect("argv");
    assert!(!String::from_utf8_lossy(&argv).contains(&token));
    let (code, stderr) = client.close();
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stderr.contains("starting with [token]"), "{stderr}");
    assert!(stderr.contains("this is no JSON"), "{stderr}");
    assert!(!stderr.contains(&token), "{stderr}");
}

#[test]
fn a_server_that_dies_is_started_again_and_its_call_is_not_repeated() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sandbox.seed(&fake, HOUR);
    let mut client = Client::start(&fake, &sandbox, Program::Real, &[], &[]);
    client.open("2025-11-25", &json!({}));
    let before = client.text("pid");
    let result = client.call("die", &json!({}));
    assert_eq!(result["isError"], true, "{result}");
    assert_ne!(client.text("pid"), before);
    assert_eq!(
        client
            .deeds()
            .iter()
            .filter(|deed| deed.starts_with("die"))
            .count(),
        1
    );
    for _ in 0..3 {
        client.call("die", &json!({}));
    }
    assert_ne!(
        wait(&mut client.child),
        Some(0),
        "four deaths in a minute are the end"
    );
}

/// No server is left behind: not a stubborn one, and not when the wrapper is killed.
#[test]
fn no_server_outlives_its_wrapper() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sandbox.seed(&fake, HOUR);
    for end in ["close", "term", "kill"] {
        let mut client = Client::start(&fake, &sandbox, Program::Real, &[], &["stubborn"]);
        client.open("2025-11-25", &json!({}));
        let server = client.text("pid");
        let own = Pid::from_child(&client.child);
        match end {
            "close" => drop(client.input.take()),
            "term" => kill_process(own, Signal::TERM).expect("a signal"),
            _ => kill_process(own, Signal::KILL).expect("a signal"),
        }
        wait(&mut client.child);
        soon("the server ends", || !is_alive(&server));
    }
}

#[test]
fn a_command_that_is_not_there_is_named() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let mut command = sandbox.command(Program::Real, ["mcp", "--", "no-such-server"]);
    let mut child = command.stdin(Stdio::piped()).spawn().expect("ghtok starts");
    assert_eq!(wait(&mut child), Some(127));
}

/// `--` does not arrive: PowerShell and some clients' own commands take it for theirs.
#[test]
fn without_dashes_the_corrected_line_is_printed() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sandbox.configure("[[app]]\nname = \"work\"\nclient_id = \"Iv1.x\"\n");
    for (given, corrected) in [
        (&["npx", "-y", "server"][..], "ghtok mcp -- npx -y server"),
        (&["server"], "ghtok mcp -- server"),
        (
            &["work", "server", "stdio"],
            "ghtok mcp work -- server stdio",
        ),
        (
            &[
                "--plain",
                "--env",
                "GH_TOKEN",
                "--wait=1m",
                "--max-drain",
                "5s",
                "server",
                "--env",
                "A",
            ],
            "ghtok mcp --plain --env GH_TOKEN --wait=1m --max-drain 5s -- server --env A",
        ),
    ] {
        let arguments = [&["mcp"], given].concat();
        let run = sandbox.run(arguments).expect_code(125);
        let wanted = format!(
            "ghtok: error: mcp: put -- before the command\nghtok: hint: run:\n  {corrected}\n"
        );
        assert_eq!(run.stderr, wanted);
    }
}

/// A server that never answers the handshake does not keep the wrapper from ending.
#[test]
fn a_silent_server_is_ended_with_the_client() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sandbox.seed(&fake, HOUR);
    let mut client = Client::start(&fake, &sandbox, Program::Real, &[], &["silent"]);
    client.ask(
        "initialize",
        &json!({"protocolVersion": "2025-11-25", "capabilities": {}}),
    );
    let started = Instant::now();
    client.close();
    assert!(started.elapsed() < Duration::from_secs(10));
}

/// What a dead server has started ends too: the new one is the only one.
#[test]
fn a_dead_server_leaves_nothing_of_it() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sandbox.seed(&fake, HOUR);
    let mut client = Client::start_by(
        &fake,
        &sandbox,
        "echo \"child $$ \" >&2; sleep 1000 & echo \"child $! \" >&2; exec \"$@\"",
    );
    client.open("2025-11-25", &json!({}));
    let first = client.text("pid");
    let child = |client: &Client| {
        let said: Vec<String> = client.stderr.try_iter().collect();
        let said = said
            .iter()
            .rev()
            .find_map(|line| line.strip_prefix("child "));
        said.expect("it told").trim().to_owned()
    };
    let sleeper = child(&client);
    assert!(is_alive(&sleeper));
    let server = Pid::from_raw(first.parse().expect("a number")).expect("a process");
    kill_process(server, Signal::KILL).expect("a signal");
    soon("another is started", || {
        client.call("pid", &json!({}))["isError"] == false
    });
    soon("the old sleeper is gone", || !is_alive(&sleeper));
    let sleeper = child(&client);
    assert!(is_alive(&sleeper));
    client.close();
    soon("the new sleeper is gone", || !is_alive(&sleeper));
}

/// A server that can say nothing any more is as good as dead.
#[test]
fn a_server_that_closes_its_output_is_started_again() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let mut client = Client::signed_in(&fake, &sandbox, &[], &json!({}));
    let before = client.text("pid");
    assert_eq!(client.call("mute", &json!({}))["isError"], true);
    assert_ne!(client.text("pid"), before);
    soon("the old one is gone", || !is_alive(&before));
}

/// The client dies: nobody reads, nobody writes.
#[test]
fn a_wrapper_ends_with_its_client() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let mut client = Client::signed_in(&fake, &sandbox, &[], &json!({}));
    let server = client.text("pid");
    client.begin("slow", &json!({"seconds": 60}));
    drop(client.input.take());
    client.lines = std::sync::mpsc::channel().1;
    let started = Instant::now();
    wait(&mut client.child);
    assert!(started.elapsed() < Duration::from_secs(20));
    soon("the server ends", || !is_alive(&server));
}

/// `-v`: method, id and time of what passes, never what it says.
#[test]
fn steps_name_methods_ids_and_times() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let mut client = Client::signed_in(&fake, &sandbox, &["-v"], &json!({"roots": {}}));
    assert_eq!(client.text_with("write", &json!({"n": "a-secret"})), "ok");
    let call = client.begin("ask", &json!({"method": "roots/list"}));
    let question = client.receive();
    client.answer(
        &question,
        &json!({"roots": [{"uri": "file:///another-secret"}]}),
    );
    client.answer_to(call);
    sandbox.run(["refresh", "--force"]).expect_code(0);
    client.text("pid");
    let (_, stderr) = client.close();
    for step in [
        "mcp: initialize 1 in ",
        "mcp: tools/call 2 in ",
        "mcp: server asked roots/list 0, answered in ",
        "mcp: token of generation 2",
        "mcp: starting server 2",
        "mcp: server 2 is in use",
    ] {
        assert!(stderr.contains(step), "{step}: {stderr}");
    }
    assert!(!stderr.contains("secret"), "{stderr}");
}

#[test]
fn p6_a_server_is_told_the_host_that_goes_with_its_token_and_no_other() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sandbox.seed(&fake, HOUR);
    let seen = sandbox.home().join("seen");
    let script = format!("env >{}.new; mv {0}.new {0}; cat", seen.display());
    let mut command = sandbox.command(
        Program::Real,
        [
            "mcp",
            "--env",
            "GH_ENTERPRISE_TOKEN",
            "--",
            "sh",
            "-c",
            &script,
        ],
    );
    command
        .env("PATH", "/usr/bin:/bin")
        .env("GH_REPO", "ghes.example/octo/cat")
        .env("GH_HOST", "ghes.example")
        .env("GITHUB_API_URL", "https://api.github.com")
        .stdin(Stdio::piped());
    let mut child = command.spawn().expect("ghtok");
    soon("the server's environment", || seen.exists());
    let text = fs::read_to_string(&seen).expect("an environment");
    drop(child.stdin.take());
    let run = crate::support::deadline::ends(child, crate::support::deadline::LIMIT);
    let host = fake.host();
    for line in [
        format!("GH_HOST={host}"),
        format!("GITHUB_HOST=http://{host}"),
    ] {
        assert!(text.lines().any(|seen| seen == line), "{line}: {text}");
    }
    assert!(
        !text.contains("GH_REPO") && !text.contains("GITHUB_API_URL"),
        "{text}"
    );
    assert!(
        run.stderr.contains(
            "ghtok: mcp: replaced or removed for this server: GH_HOST, GH_REPO, GITHUB_API_URL"
        ),
        "{run:?}"
    );
}
