//! A new server in the place of the old one: slow ones, and those of which only one may run.

use std::time::Duration;

use fake_github::FakeGitHub;
use ghtok::testing::mcp::conversation::{Ended, Event};
use serde_json::json;

use super::client::{Client, HOUR, soon, text_of};
use super::talk::{Talk, settings, token};
use crate::support::sandbox::{Program, Sandbox};

const SECOND: Duration = Duration::from_secs(1);
const GONE: Ended = Ended { code: 3 };

/// Another process has refreshed; a call finds out, and the new token is here.
fn begin_exchange(talk: &mut Talk, generation: u64) {
    talk.news();
    talk.others_saved(generation);
    talk.call(u32::try_from(generation).expect("small"), &json!({}));
    talk.on(Event::Token(Ok(token(generation))));
    assert_eq!(talk.news()[0], "Fetch");
}

/// It exits when it finds the other's lock, or waits for it.
#[test]
fn a_server_of_which_only_one_may_run_is_replaced() {
    for (option, flags) in [("alone", &[][..]), ("patient", &["--start-timeout", "1s"])] {
        let fake = FakeGitHub::start().expect("a fake");
        let sandbox = Sandbox::new(&fake);
        sandbox.seed(&fake, HOUR);
        let mut client = Client::start(&fake, &sandbox, Program::Real, flags, &[option]);
        client.open("2025-11-25", &json!({}));
        assert_eq!(client.text("write"), "ok", "{option}");
        for (n, starts) in [(1, 3), (2, 4)] {
            sandbox.run(["refresh", "--force"]).expect_code(0);
            assert_eq!(client.text("write"), "ok", "{option}, renewal {n}");
            assert_eq!(
                client.starts(),
                starts,
                "{option}: it is tried first once only"
            );
        }
        assert_eq!(client.close().0, Some(0));
    }
}

/// The same in the revision without a handshake.
#[test]
fn a_modern_server_of_which_only_one_may_run_is_replaced() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sandbox.seed(&fake, HOUR);
    let mut client = Client::start(&fake, &sandbox, Program::Real, &[], &["alone"]);
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let mut write = || {
        let params = json!({"name": "write", "arguments": {}, "_meta": meta});
        let answer = client.get("tools/call", &params);
        text_of(&answer).to_owned()
    };
    assert_eq!(write(), "ok");
    for _ in 0..2 {
        sandbox.run(["refresh", "--force"]).expect_code(0);
        assert_eq!(write(), "ok");
    }
    assert_eq!(client.starts(), 4);
}

/// Its first one has no token yet; the call that waits for the sign-in is served by the next one.
#[test]
fn a_server_of_which_only_one_may_run_gets_its_first_token() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let flags = ["--no-prompt"];
    let mut client = Client::start(&fake, &sandbox, Program::Real, &flags, &["alone"]);
    client.open("2025-11-25", &json!({}));
    assert!(client.text("write").contains("not signed in"));
    sandbox.seed(&fake, HOUR);
    sandbox.run(["refresh", "--force"]).expect_code(0);
    assert_eq!(client.text("write"), "ok");
}

#[test]
fn a_server_that_starts_slowly_is_replaced() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sandbox.seed(&fake, HOUR);
    let flags = ["--start-timeout", "1s"];
    let mut client = Client::start(&fake, &sandbox, Program::Real, &flags, &["slow:1.5"]);
    client.open("2025-11-25", &json!({}));
    let before = client.text("pid");
    sandbox.run(["refresh", "--force"]).expect_code(0);
    assert_eq!(client.text("write"), "ok");
    assert_ne!(client.text("pid"), before);
}

#[test]
fn a_new_server_may_take_three_times_as_long_as_the_first() {
    for (first, limit) in [(5, 60), (20, 60), (30, 90), (200, 600)] {
        let mut talk = Talk::begin(settings());
        talk.on(Event::Token(Ok(token(1))));
        talk.client(&json!({"id": 0, "method": "initialize", "params": {}}));
        talk.pass(first * SECOND);
        let agreed = json!({"protocolVersion": "2025-11-25"});
        talk.server(1, &json!({"id": 0, "result": agreed}));
        begin_exchange(&mut talk, 2);
        talk.pass((limit - 1) * SECOND);
        assert!(talk.news().is_empty(), "{first}");
        talk.pass(2 * SECOND);
        assert_eq!(talk.news(), ["stop 2", "stop 1"], "{first}");
    }
}

/// Every process of the old one has to be gone: it may be one of its children that has the port.
#[test]
fn nothing_starts_before_the_old_server_is_gone() {
    let mut talk = Talk::signed_in();
    begin_exchange(&mut talk, 2);
    talk.on(Event::Ended(2, GONE));
    assert_eq!(talk.news(), ["stop 1"]);
    talk.on(Event::Gone(2));
    talk.on(Event::Ended(1, GONE));
    assert!(talk.news().is_empty());
    talk.on(Event::Gone(1));
    assert_eq!(talk.news(), ["start 3 with Some(2)"]);
    talk.take_handshake(3);
    assert_eq!(talk.requests(3, &json!(2)), 1);
    talk.server(3, &json!({"id": 2, "result": {}}));
    // From then on the old one is stopped first.
    begin_exchange(&mut talk, 3);
    talk.on(Event::Ended(3, Ended { code: 0 }));
    talk.on(Event::Gone(3));
    assert_eq!(talk.news(), ["start 4 with Some(3)"]);
    talk.take_handshake(4);
    assert_eq!(talk.requests(4, &json!(3)), 1);
}

/// It is tried once: a server that cannot start at all is the end of the conversation, as without ghtok.
#[test]
fn a_server_that_does_not_start_alone_either_is_given_up() {
    let mut talk = Talk::signed_in();
    begin_exchange(&mut talk, 2);
    for server in [2, 1, 3, 4, 5, 6] {
        talk.on(Event::Ended(server, GONE));
        talk.on(Event::Gone(server));
        talk.on(Event::Token(Ok(token(2))));
    }
    assert_eq!(talk.news().last().map(String::as_str), Some("Exit(3)"));
    assert_eq!(talk.answered(), [&json!(2)]);
}

/// There is no process or thread for another server just now.
#[test]
fn a_new_server_that_cannot_be_started_keeps_the_old_one() {
    let not_started = |talk: &mut Talk, server| {
        let reason = "resource temporarily unavailable".to_owned();
        talk.on(Event::NotStarted(server, reason));
    };
    let mut talk = Talk::signed_in();
    begin_exchange(&mut talk, 2);
    not_started(&mut talk, 2);
    let said = talk.said.last().expect("an answer").to_string();
    assert!(
        said.contains("cannot be started: resource temporarily unavailable"),
        "{said}"
    );
    talk.client(&json!({"id": 4, "method": "tools/list"}));
    assert_eq!(talk.requests(1, &json!(4)), 1, "the old one goes on");
    talk.server(1, &json!({"id": 4, "result": {"tools": []}}));
    talk.news();
    talk.call(5, &json!({}));
    assert!(talk.news().is_empty(), "not at once");
    talk.pass(5 * SECOND);
    talk.call(6, &json!({}));
    assert_eq!(talk.news(), ["start 3 with Some(2)"]);
    talk.take_handshake(3);
    assert_eq!(talk.requests(3, &json!(6)), 1);
    // Without an old one it is tried a few times.
    talk.on(Event::Ended(3, GONE));
    talk.on(Event::Gone(3));
    talk.on(Event::Token(Ok(token(2))));
    for server in 4..6 {
        let news = talk.news();
        let start = format!("start {server} with Some(2)");
        assert!(news.contains(&start), "{server}: {news:?}");
        not_started(&mut talk, server);
        talk.pass(4 * SECOND);
        assert!(!talk.news().iter().any(|news| news.starts_with("start ")));
        talk.pass(2 * SECOND);
    }
    not_started(&mut talk, 6);
    assert_eq!(talk.news().last().map(String::as_str), Some("Exit(126)"));
}

#[test]
fn a_server_whose_command_is_gone_for_a_while_is_replaced_later() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sandbox.seed(&fake, HOUR);
    let usual = Client::command(&fake, &sandbox, Program::Real, &[], &[]);
    let (file, away) = (sandbox.home().join("server"), sandbox.home().join("away"));
    let script = "#!/bin/sh\nexec python3 \"$@\"\n";
    std::fs::write(&file, script).expect("a file");
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    std::fs::set_permissions(&file, executable).expect("executable");
    let mut arguments: Vec<std::ffi::OsString> = vec!["mcp".into(), "--".into(), (&file).into()];
    arguments.extend(usual.get_args().skip(3).map(ToOwned::to_owned));
    let mut command = sandbox.command(Program::Real, arguments);
    command.env("PATH", std::env::var("PATH").expect("a path"));
    let mut client = Client::of(command);
    client.open("2025-11-25", &json!({}));
    assert_eq!(client.text("write"), "ok");
    std::fs::rename(&file, &away).expect("it is away");
    sandbox.run(["refresh", "--force"]).expect_code(0);
    let told = client.text("write");
    assert!(told.contains("cannot be started: no such file"), "{told}");
    let tools = client.get("tools/list", &json!({}));
    assert!(tools["result"]["tools"].is_array(), "{tools}");
    std::fs::rename(&away, &file).expect("it is back");
    soon("the next server", || client.text("write") == "ok");
    assert_eq!(client.close().0, Some(0));
}

/// A newer token has ended the life of the one that the old server has.
#[test]
fn no_call_goes_to_a_server_whose_token_is_dead() {
    let mut talk = Talk::signed_in();
    begin_exchange(&mut talk, 2);
    let other = json!({"protocolVersion": "2024-11-05"});
    talk.server(2, &json!({"id": "ghtok:initialize:2", "result": other}));
    assert_eq!(talk.requests(1, &json!(2)), 0);
    talk.call(3, &json!({}));
    assert_eq!(talk.requests(1, &json!(3)), 0);
    let last = talk.said.last().expect("an answer").to_string();
    assert!(
        last.contains("Restart the server in your MCP client"),
        "{last}"
    );
    talk.client(&json!({"id": 4, "method": "tools/list"}));
    assert_eq!(talk.requests(1, &json!(4)), 1);
}
