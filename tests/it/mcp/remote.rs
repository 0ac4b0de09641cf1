//! `ghtok mcp --url`: between a client that is these tests and a remote server with scripted faults.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use fake_github::{Endpoint, FakeGitHub};
use serde_json::{Value, json};

use super::client::{Client, HOUR, soon};
use crate::support::sandbox::{Program, Sandbox};
use crate::support::signing_in::prompt_fake;

/// A scripted remote server.
struct Remote {
    child: Child,
    url: String,
    log: PathBuf,
    tokens: PathBuf,
}

impl Remote {
    fn start(sandbox: &Sandbox, options: &[&str]) -> Self {
        let (log, tokens) = (sandbox.home().join("log"), sandbox.home().join("tokens"));
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/mcp/remote/server.py");
        let mut child = Command::new("python3")
            .arg(script)
            .args([&log, &tokens])
            .args(options)
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 starts");
        let mut port = String::new();
        BufReader::new(child.stdout.take().expect("stdout"))
            .read_line(&mut port)
            .expect("a port");
        let url = format!("http://127.0.0.1:{}/mcp", port.trim());
        Self {
            child,
            url,
            log,
            tokens,
        }
    }

    /// Every request that it got.
    fn log(&self) -> Vec<Value> {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines = log
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok());
        lines.collect()
    }

    fn count(&self, what: &str) -> usize {
        self.log()
            .iter()
            .filter(|line| line["what"] == what)
            .count()
    }

    /// Only this token is accepted from now on.
    fn accept(&self, token: &str) {
        fs::write(&self.tokens, token).expect("a file");
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(sandbox: &Sandbox, remote: &Remote, flags: &[&str]) -> Command {
    let mut arguments = vec!["mcp", "--url", &remote.url, "--allow-host", "127.0.0.1"];
    arguments.extend(flags);
    sandbox.command(Program::Real, arguments)
}

fn opened(sandbox: &Sandbox, remote: &Remote) -> Client {
    let mut client = Client::of(command(sandbox, remote, &[]));
    client.open("2025-11-25", &json!({"elicitation": {}}));
    client
}

fn fault(fault: &str) -> Value {
    json!({"fault": fault})
}

#[test]
fn requests_are_answered_with_the_session_and_the_token() {
    for options in [
        &[][..],
        &["json"],
        &["json", "stateless"],
        &["400", "no-get"],
    ] {
        let fake = FakeGitHub::start().expect("a fake");
        let sandbox = Sandbox::new(&fake);
        let pair = sandbox.seed(&fake, HOUR);
        let remote = Remote::start(&sandbox, options);
        remote.accept(&pair.access_token);
        let flags = ["--header", "X-Extra: yes"];
        let mut client = Client::of(command(&sandbox, &remote, &flags));
        client.open("2025-06-18", &json!({}));
        let tools = client.get("tools/list", &json!({}));
        assert_eq!(tools["result"]["tools"][0]["name"], "look", "{tools}");
        assert_eq!(client.text_with("write", &json!({"say": "é\n☃"})), "é\n☃");
        client.input = None;
        assert_eq!(client.child.wait().expect("an end").code(), Some(0));
        let log = remote.log();
        let posts: Vec<_> = log.iter().filter(|line| line["what"] != "GET").collect();
        let order: Vec<_> = posts
            .iter()
            .map(|line| line["what"].as_str().expect("text"))
            .collect();
        let stateless = options.contains(&"stateless");
        let expected = [
            "initialize",
            "notifications/initialized",
            "tools/list",
            "tools/call write",
            "DELETE",
        ];
        assert_eq!(order, expected[..5 - usize::from(stateless)], "{options:?}");
        for line in &log {
            assert_eq!(
                line["Authorization"],
                format!("Bearer {}", pair.access_token)
            );
            assert_eq!(line["X-Extra"], "yes");
            assert!(line["Origin"].is_null());
            let is_first = line["what"] == "initialize";
            assert_eq!(line["MCP-Protocol-Version"].is_null(), is_first);
            assert_eq!(line["Mcp-Session-Id"].is_null(), is_first || stateless);
        }
        assert!(
            remote.count("GET") <= 1,
            "a refused stream is not asked for again"
        );
    }
}

#[test]
fn p8_the_next_request_has_the_token_that_another_process_got() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sandbox.seed(&fake, HOUR);
    let remote = Remote::start(&sandbox, &[]);
    let mut client = opened(&sandbox, &remote);
    assert_eq!(client.text("write"), "ok");
    sandbox.run(["refresh", "--force"]).expect_code(0);
    let token = sandbox.run(["get"]).expect_code(0).token().to_owned();
    remote.accept(&token);
    assert_eq!(client.text("write"), "ok");
    assert!(remote.log().iter().all(|line| line["status"] != 401));
    assert_eq!(remote.count("initialize"), 1, "the session goes on");
}

#[test]
fn p7_a_refused_token_is_checked_once_and_the_request_is_made_again() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let pair = sandbox.seed(&fake, HOUR);
    let remote = Remote::start(&sandbox, &[]);
    let mut client = opened(&sandbox, &remote);
    fake.revoke(&pair.access_token);
    remote.accept("nothing");
    let call = client.begin("write", &json!({}));
    soon("the token is renewed", || {
        fake.count(Endpoint::Refresh) == 1
    });
    let token = sandbox.run(["get"]).expect_code(0).token().to_owned();
    let refused = client.answer_to(call);
    // It may have been sent again before the server knew the new token.
    assert!(refused["result"].is_object(), "{refused}");
    remote.accept(&token);
    assert_eq!(client.text("write"), "ok");
    assert_eq!(fake.count(Endpoint::Refresh), 1);
}

#[test]
fn a_lost_session_is_opened_again_and_its_call_is_made() {
    for options in [&[][..], &["400"]] {
        let fake = FakeGitHub::start().expect("a fake");
        let sandbox = Sandbox::new(&fake);
        sandbox.seed(&fake, HOUR);
        let remote = Remote::start(&sandbox, options);
        let mut client = opened(&sandbox, &remote);
        client.get("logging/setLevel", &json!({"level": "debug"}));
        let arguments = json!({"fault": "lose", "once": true});
        assert_eq!(client.text_with("write", &arguments), "ok", "{options:?}");
        assert_eq!(client.text("write"), "ok");
        assert_eq!(remote.count("initialize"), 2);
        assert_eq!(remote.count("logging/setLevel"), 2);
    }
}

#[test]
fn a_server_that_loses_each_session_is_reported() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sandbox.seed(&fake, HOUR);
    let remote = Remote::start(&sandbox, &[]);
    let mut client = opened(&sandbox, &remote);
    let text = client.text_with("write", &fault("lose"));
    assert!(text.contains("forgets its sessions"), "{text}");
    assert!(remote.count("initialize") <= 5);
}

#[test]
fn a_cut_call_is_repeated_only_if_it_reads() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sandbox.seed(&fake, HOUR);
    let remote = Remote::start(&sandbox, &[]);
    let mut client = opened(&sandbox, &remote);
    client.get("tools/list", &json!({}));
    let text = client.text_with("write", &fault("cut"));
    assert!(text.contains("unknown"), "{text}");
    assert_eq!(remote.count("tools/call write"), 1);
    let once = json!({"fault": "cut", "once": true});
    client.text_with("look", &once);
    assert_eq!(client.text_with("look", &once), "ok");
    assert!(remote.count("tools/call look") >= 2);
}

#[test]
fn a_stream_goes_on_behind_its_last_event() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sandbox.seed(&fake, HOUR);
    let remote = Remote::start(&sandbox, &[]);
    let mut client = opened(&sandbox, &remote);
    assert_eq!(client.text_with("write", &fault("cut-after-id")), "resumed");
    assert_eq!(remote.count("tools/call write"), 1);
}

#[test]
fn a_servers_question_reaches_the_client_and_its_answer_the_server() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sandbox.seed(&fake, HOUR);
    let remote = Remote::start(&sandbox, &["no-get"]);
    let mut client = opened(&sandbox, &remote);
    let call = client.begin("write", &fault("ask"));
    let question = client.receive();
    assert_eq!(question["method"], "elicitation/create");
    client.answer(&question, &json!({"action": "accept"}));
    assert_eq!(
        client.answer_to(call)["result"]["content"][0]["text"],
        "accept"
    );
}

#[test]
fn what_is_no_answer_is_told_in_words() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sandbox.seed(&fake, HOUR);
    let remote = Remote::start(&sandbox, &[]);
    let other = Remote::start(&Sandbox::new(&fake), &[]);
    let mut client = opened(&sandbox, &remote);
    for (fault, words) in [
        ("html", "HTTP 502 from 127.0.0.1"),
        ("forbidden", "insufficient_scope"),
        ("redirect", "does not follow"),
    ] {
        let arguments = json!({"fault": fault, "to": other.url});
        let result = client.call("write", &arguments);
        assert_eq!(result["isError"], true, "{result}");
        let text = result["content"][0]["text"].as_str().expect("a text");
        assert!(text.contains(words), "{fault}: {text}");
    }
    assert!(other.log().is_empty(), "no redirect is followed");
    assert_eq!(
        client.text_with("write", &json!({"fault": "odd", "say": "é☃"})),
        "é☃"
    );
}

#[test]
fn a_modern_client_has_no_session_and_cancels_by_closing_the_stream() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sandbox.seed(&fake, HOUR);
    let remote = Remote::start(&sandbox, &[]);
    let mut client = Client::of(command(&sandbox, &remote, &[]));
    let meta = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {}});
    let answer = client.get("tools/list", &json!({"_meta": meta}));
    assert_eq!(answer["result"]["tools"][1]["name"], "write", "{answer}");
    let call = json!({"_meta": meta, "name": "write", "arguments": fault("hang")});
    let id = client.ask("tools/call", &call);
    soon("the call is under way", || {
        remote.count("tools/call write") == 1
    });
    client.notify(
        "notifications/cancelled",
        &json!({"requestId": id, "_meta": meta}),
    );
    soon("the stream is closed", || remote.count("closed") == 1);
    assert_eq!(remote.count("notifications/cancelled"), 0);
    assert_eq!(remote.count("GET"), 0);
    let log = remote.log();
    let call = log.iter().find(|line| line["what"] == "tools/call write");
    let call = call.expect("a call");
    assert_eq!(call["Mcp-Method"], "tools/call");
    assert_eq!(call["Mcp-Name"], "write");
    assert!(call["Mcp-Session-Id"].is_null());
}

#[test]
fn arguments_that_the_server_wants_in_headers_are_learnt_from_its_refusal() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sandbox.seed(&fake, HOUR);
    let remote = Remote::start(&sandbox, &[]);
    let mut client = Client::of(command(&sandbox, &remote, &[]));
    let meta = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {}});
    let call = json!({"_meta": meta, "name": "near", "arguments": {"region": "eu"}});
    let answer = client.get("tools/call", &call);
    assert_eq!(answer["result"]["content"][0]["text"], "ok", "{answer}");
    assert_eq!(remote.count("tools/list"), 1);
    assert_eq!(remote.count("tools/call near"), 2);
}

/// P5: the remote refuses even to begin; another server answers until somebody has signed in.
#[test]
fn p5_without_a_sign_in_there_is_one_tool_that_signs_in() {
    let fake = prompt_fake().start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let remote = Remote::start(&sandbox, &[]);
    let mut client = opened(&sandbox, &remote);
    let tools = client.get("tools/list", &json!({}));
    assert_eq!(tools["result"]["tools"][0]["name"], "sign_in", "{tools}");
    assert!(remote.log().is_empty());
    assert_eq!(
        fake.count(Endpoint::DeviceCode),
        0,
        "nothing asks for a sign-in"
    );
    let call = client.begin("sign_in", &json!({}));
    let dialog = client.receive();
    assert_eq!(dialog["method"], "elicitation/create", "{dialog}");
    fake.approve(&fake.pending_codes().pop().expect("a code"));
    let mut has_changed = false;
    loop {
        let message = client.receive();
        has_changed |= message["method"] == "notifications/tools/list_changed";
        if message["id"] == json!(call) {
            assert!(message["result"]["isError"].is_null(), "{message}");
            break;
        }
    }
    assert!(has_changed, "the client is told of the server's tools");
    let tools = client.get("tools/list", &json!({}));
    assert_eq!(tools["result"]["tools"][0]["name"], "look", "{tools}");
    assert_eq!(client.text("write"), "ok");
}

#[test]
fn p6_the_token_goes_to_no_other_host() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sandbox.seed(&fake, HOUR);
    let remote = Remote::start(&sandbox, &[]);
    for (arguments, words) in [
        (vec!["--url", &remote.url], "--allow-host 127.0.0.1"),
        (
            vec![
                "--url",
                "http://mcp.example/",
                "--allow-host",
                "mcp.example",
            ],
            "plain http",
        ),
        (
            vec![
                "--url",
                &remote.url,
                "--allow-host",
                "127.0.0.1",
                "--header",
                "Authorization: x",
            ],
            "ghtok sets itself",
        ),
    ] {
        let mut all = vec!["mcp"];
        all.extend(&arguments);
        let run = sandbox.run(&all);
        assert_eq!(run.code, Some(125), "{run:?}");
        assert!(run.stderr.contains(words), "{run:?}");
    }
    assert!(remote.log().is_empty());
}
