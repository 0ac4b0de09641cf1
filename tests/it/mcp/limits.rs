//! How long things may take, and how they end: as without the wrapper, or better.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fake_github::FakeGitHub;
use ghtok::testing::mcp::conversation::{Ended, Event, Timing};
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};
use serde_json::json;

use super::client::{Client, HOUR, soon, wait};
use super::talk::{Talk, offline, settings, token};
use crate::support::sandbox::{Program, Sandbox};

const SECOND: Duration = Duration::from_secs(1);

/// Starts the product around a shell script that is the server; by another program that takes it as its
/// arguments, if there is one.
fn around(sandbox: &Sandbox, by: &[&str], script: &str) -> Child {
    let own = sandbox.command(Program::Real, ["mcp", "--", "sh", "-c", script]);
    let mut command = match by {
        [] => own,
        [program, arguments @ ..] => {
            let mut command = Command::new(program);
            command
                .args(arguments)
                .arg(own.get_program())
                .args(own.get_args());
            for (name, value) in own.get_envs() {
                match value {
                    Some(value) => command.env(name, value),
                    None => command.env_remove(name),
                };
            }
            command.stdout(Stdio::null()).stderr(Stdio::null());
            command
        }
    };
    command.env("PATH", std::env::var("PATH").expect("a path"));
    command.stdin(Stdio::piped()).spawn().expect("ghtok starts")
}

fn exists(file: &Path) -> bool {
    file.exists()
}

/// A database or a browser saves when its input ends. Clients give two seconds and more.
#[test]
fn a_server_has_time_to_save_when_its_input_ends() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sandbox.seed(&fake, HOUR);
    let saved = sandbox.home().join("saved");
    let script = format!("cat >/dev/null; sleep 2; echo >{}; exit 7", saved.display());
    let mut child = around(&sandbox, &[], &script);
    drop(child.stdin.take());
    assert_eq!(wait(&mut child), Some(7));
    assert!(exists(&saved));
    // The same for what the server has started, when that is what saves.
    let saved = sandbox.home().join("saved by a child");
    let script = format!(
        "(cat >/dev/null; sleep 2; echo >'{}') & read line",
        saved.display()
    );
    let mut child = around(&sandbox, &[], &script);
    drop(child.stdin.take());
    wait(&mut child);
    soon("it has saved", || exists(&saved));
}

/// A signal is the server's too, and its exit code is its own.
#[test]
fn a_signal_reaches_the_server_at_once() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sandbox.seed(&fake, HOUR);
    for (signal, name, own_exit, code) in [
        (Signal::TERM, "TERM", "exit 9", 9),
        (Signal::INT, "INT", "exit 0", 0),
        (Signal::HUP, "HUP", "trap - HUP; kill -HUP $$", 129),
    ] {
        let ready = sandbox.home().join(format!("ready {name}"));
        let script = format!(
            "trap '{own_exit}' {name}; echo >'{}'; while :; do sleep 0.1; done",
            ready.display()
        );
        let mut child = around(&sandbox, &[], &script);
        soon("the server runs", || exists(&ready));
        kill_process(Pid::from_child(&child), signal).expect("a signal");
        assert_eq!(wait(&mut child), Some(code), "{name}");
    }
}

/// Whatever signals a caller ignores.
#[test]
fn exit_codes_are_those_of_the_server() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sandbox.seed(&fake, HOUR);
    let ignoring = ["env", "--ignore-signal=CHLD"];
    for by in [&[][..], &ignoring] {
        for (script, code) in [
            ("exit 7", 7),
            ("exit 0", 0),
            ("kill -SEGV $$", 139),
            ("kill -KILL $$", 137),
        ] {
            let mut child = around(&sandbox, by, script);
            assert_eq!(wait(&mut child), Some(code), "{by:?} {script}");
        }
        let mut child = around(&sandbox, by, "cat; exit 3");
        drop(child.stdin.take());
        assert_eq!(wait(&mut child), Some(3), "{by:?}");
    }
}

/// As with `nohup`.
#[test]
fn a_signal_that_a_caller_ignores_ends_nothing() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sandbox.seed(&fake, HOUR);
    let ready = sandbox.home().join("ready");
    let script = format!("echo >{}; cat; exit 5", ready.display());
    let mut child = around(&sandbox, &["env", "--ignore-signal=HUP"], &script);
    soon("the server runs", || exists(&ready));
    kill_process(Pid::from_child(&child), Signal::HUP).expect("a signal");
    std::thread::sleep(Duration::from_millis(300));
    drop(child.stdin.take());
    assert_eq!(wait(&mut child), Some(5));
}

/// Without memory for the stack of a thread there is no thread: the call that waits for it is answered.
#[test]
fn no_thread_to_be_had_is_answered() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let mut client = Client::signed_in(&fake, &sandbox, &[], &json!({}));
    let own = Pid::from_child(&client.child);
    let statm = std::fs::read_to_string(format!("/proc/{}/statm", client.child.id()));
    let pages = statm.expect("a process");
    let pages: u64 = pages
        .split(' ')
        .next()
        .expect("a size")
        .parse()
        .expect("a number");
    let limited = Rlimit {
        current: Some(pages * 4096 + 1_000_000),
        maximum: None,
    };
    let before = prlimit(Some(own), Resource::As, limited).expect("a limit");
    sandbox.run(["refresh", "--force"]).expect_code(0);
    client.call("pid", &json!({}));
    prlimit(Some(own), Resource::As, before).expect("a limit");
    let (code, stderr) = client.close();
    assert!(matches!(code, Some(0 | 126)), "no panic: {code:?} {stderr}");
}

/// GitHub does not answer, and others have refreshed before: `initialize` and lists do not wait for that.
#[test]
fn the_opening_waits_five_seconds_at_most() {
    let mut talk = Talk::begin(settings());
    talk.others_saved(4);
    talk.client(&json!({"id": 0, "method": "initialize", "params": {}}));
    talk.pass(5 * SECOND);
    assert_eq!(talk.news(), ["Fetch", "start 1 with None"]);
    assert_eq!(talk.requests(1, &json!(0)), 1);
    talk.server(
        1,
        &json!({"id": 0, "result": {"protocolVersion": "2025-11-25"}}),
    );
    talk.client(&json!({"method": "notifications/initialized"}));
    talk.client(&json!({"id": 1, "method": "tools/list"}));
    assert_eq!(talk.requests(1, &json!(1)), 1);
    talk.server(1, &json!({"id": 1, "result": {"tools": []}}));
    talk.call(2, &json!({}));
    assert_eq!(talk.requests(1, &json!(2)), 0, "a call waits");
    talk.client(&json!({"id": 3, "method": "prompts/list"}));
    assert_eq!(talk.requests(1, &json!(3)), 0, "not past what is held");
    talk.on(Event::Token(Err(offline())));
    assert!(talk.answered().contains(&&json!(2)), "{:?}", talk.said);
    // In the revision without a handshake too.
    let mut talk = Talk::begin(settings());
    talk.others_saved(4);
    let meta = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28"});
    talk.client(&json!({"id": 0, "method": "server/discover", "params": {"_meta": meta}}));
    talk.pass(5 * SECOND);
    assert_eq!(talk.requests(1, &json!(0)), 1);
}

/// Nor does it after a crash.
#[test]
fn a_server_is_started_again_within_five_seconds() {
    let mut talk = Talk::signed_in();
    talk.on(Event::Ended(1, Ended { code: 1 }));
    assert_eq!(talk.news(), ["Fetch"]);
    talk.pass(5 * SECOND);
    assert_eq!(talk.news(), ["start 2 with Some(1)"]);
}

/// A crash is not called a replacement.
#[test]
fn a_call_is_told_what_became_of_its_server() {
    let mut talk = Talk::signed_in();
    talk.call(1, &json!({}));
    talk.on(Event::Ended(1, Ended { code: 139 }));
    let said = talk.said.last().expect("an answer").to_string();
    assert!(
        said.contains("the server ended by itself (exit code 139)"),
        "{said}"
    );
    let mut talk = Talk::signed_in();
    talk.call(1, &json!({}));
    talk.others_saved(2);
    talk.call(2, &json!({}));
    talk.pass(30 * SECOND);
    talk.on(Event::Token(Ok(token(2))));
    talk.take_handshake(2);
    let said = talk.said.last().expect("an answer").to_string();
    assert!(said.contains("was replaced for its new token"), "{said}");
}

/// The token is due, and lives for minutes: neither the running call nor the next one pays for that.
#[test]
fn a_running_call_may_use_the_life_that_its_token_has_left() {
    let mut talk = Talk::signed_in();
    talk.call(1, &json!({}));
    talk.pass(28_600 * SECOND);
    talk.call(2, &json!({}));
    assert_eq!(talk.requests(1, &json!(2)), 1, "no request waits");
    talk.server(1, &json!({"id": 2, "result": {}}));
    assert!(talk.news().is_empty(), "the first one still runs");
    // Shortly before its end new requests wait for it, but not for long.
    talk.pass(165 * SECOND);
    talk.call(3, &json!({}));
    assert_eq!(talk.requests(1, &json!(3)), 0);
    talk.pass(Timing::STANDARD.last_drain);
    assert_eq!(talk.news(), ["Fetch"]);
    // In the first pause the token is renewed.
    let mut talk = Talk::signed_in();
    talk.call(1, &json!({}));
    talk.pass(28_600 * SECOND);
    talk.server(1, &json!({"id": 1, "result": {}}));
    assert_eq!(talk.news(), ["Fetch"]);
}
