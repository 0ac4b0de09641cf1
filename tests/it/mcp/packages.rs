//! `ghtok mcp` between real clients and real servers, all from npm.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::Receiver;
use std::time::Duration;

use fake_github::{Endpoint, FakeGitHub};
use serde_json::{Value, json};

use super::client::{read, wait};
use crate::support::deadline::LIMIT;
use crate::support::processes::in_full;
use crate::support::sandbox::{Program, Sandbox, path_of};
use crate::support::signing_in::prompt_fake;

const HOUR: Duration = Duration::from_secs(3600);

/// Longer than the SDK's own patience with a call.
const PATIENCE: Duration = Duration::from_secs(90);

pub const EVERYTHING: &str = "node_modules/@modelcontextprotocol/server-everything/dist/index.js";
const GITHUB: &str = "node_modules/@modelcontextprotocol/server-github/dist/index.js";
const FILESYSTEM: &str = "node_modules/@modelcontextprotocol/server-filesystem/dist/index.js";
/// A server of ours, by the SDK.
const MODERN: &str = "modern.mjs";

/// A real client with a wrapped server, which does what it is told.
struct Driven {
    child: Child,
    wishes: Option<ChildStdin>,
    events: Receiver<String>,
    /// All that has happened.
    seen: Vec<Value>,
}

/// A file of the folder of what is tried with ghtok.
pub fn consumer(path: &str) -> String {
    format!("{}/tests/consumers/{path}", env!("CARGO_MANIFEST_DIR"))
}

/// False, and a word about it, where npm's packages are not installed.
pub fn installed() -> bool {
    let there = PathBuf::from(consumer("node_modules/@modelcontextprotocol/server")).exists();
    if !there {
        skip!("npm's packages are not installed");
    }
    there
}

impl Driven {
    fn start(
        sandbox: &Sandbox,
        fake: &FakeGitHub,
        kind: &str,
        flags: &[&str],
        server: &[&str],
    ) -> Self {
        let ghtok = sandbox.command(Program::Real, [""; 0]);
        let environment = ghtok
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?)));
        let mut command = Command::new("node");
        command
            .args([&consumer("drive.mjs"), kind])
            .arg(path_of(Program::Real))
            .arg("mcp")
            .args(flags)
            .args(["--", "node"])
            .args(server)
            .env_clear()
            .envs(environment)
            .env("PATH", std::env::var("PATH").expect("a path"))
            .env("FAKE_API", format!("{}/api/v3", fake.base_url()))
            .env(
                "NODE_OPTIONS",
                format!("--import {}", consumer("redirect.mjs")),
            )
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().expect("node starts");
        let events = read(child.stdout.take().expect("stdout"));
        let mut driven = Self {
            wishes: child.stdin.take(),
            child,
            events,
            seen: Vec::new(),
        };
        driven.next("tools");
        driven
    }

    fn wish(&mut self, wish: &Value) {
        let wishes = self.wishes.as_mut().expect("open");
        writeln!(wishes, "{wish}").expect("the client reads");
    }

    /// The next event that has this member.
    #[track_caller]
    fn next(&mut self, member: &str) -> Value {
        loop {
            let Ok(line) = self.events.recv_timeout(PATIENCE) else {
                panic!("no {member}: {:#?}", self.seen);
            };
            let event: Value = serde_json::from_str(&line).expect("JSON");
            self.seen.push(event.clone());
            if event.get(member).is_some() {
                return event;
            }
        }
    }

    /// A call's text; it must not fail.
    #[track_caller]
    fn call(&mut self, tool: &str, arguments: &Value) -> String {
        self.wish(&json!({"do": "call", "tool": tool, "args": arguments}));
        let answer = self.next("failed");
        assert_eq!(answer["failed"], false, "{answer}");
        text(&answer).to_owned()
    }

    fn close(mut self) {
        drop(self.wishes.take());
        assert_eq!(wait(&mut self.child), Some(0));
    }
}

impl Drop for Driven {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn text(event: &Value) -> &str {
    event["text"].as_str().unwrap_or_default()
}

fn token_of(sandbox: &Sandbox) -> String {
    sandbox.record().tokens.access_token().expose().to_owned()
}

/// P5: each kind of dialog signs in, and the real server is exchanged for one with the token.
#[test]
fn p5_real_clients_sign_in_by_the_dialogs_that_they_have() {
    if !installed() {
        return;
    }
    for (kind, server, asked) in [
        ("url", EVERYTHING, Some("url")),
        ("form", EVERYTHING, Some("form")),
        ("auto", EVERYTHING, Some("url")),
        ("auto", MODERN, Some("url")),
        ("pinned", MODERN, Some("url")),
        ("none", EVERYTHING, None),
    ] {
        let fake = prompt_fake().start().expect("a fake");
        let sandbox = Sandbox::new(&fake);
        let mut client = Driven::start(&sandbox, &fake, kind, &[], &[&consumer(server)]);
        assert_eq!(fake.count(Endpoint::DeviceCode), 0, "{kind}");
        client.wish(&json!({"do": "until", "tool": "get-env"}));
        let shown = match asked {
            Some(mode) => {
                let dialog = client.next("asked");
                assert_eq!(dialog["asked"], mode, "{kind}");
                dialog["message"].to_string()
            }
            None => text(&client.next("failed")).to_owned(),
        };
        let code = fake.wait_for_code(LIMIT).expect("a code");
        assert!(shown.contains(&code), "{kind}: {shown}");
        fake.approve(&code);
        let mut answer = client.next("failed");
        while answer["failed"] == true && asked.is_none() {
            answer = client.next("failed");
        }
        assert!(
            text(&answer).contains(&token_of(&sandbox)),
            "{kind}: {answer}"
        );
        assert_eq!(fake.count(Endpoint::DeviceCode), 1, "{kind}");
        client.close();
    }
}

/// P8: what server-everything asks of its client is answered before an exchange and after it.
#[test]
fn p8_a_real_servers_questions_and_subscriptions_outlive_an_exchange() {
    if !installed() {
        return;
    }
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sandbox.seed(&fake, HOUR);
    let mut client = Driven::start(&sandbox, &fake, "form", &[], &[&consumer(EVERYTHING)]);
    let uri = "demo://resource/dynamic/text/1";
    client.wish(&json!({"do": "subscribe", "uri": uri}));
    client.next("subscribed");
    for _ in 0..2 {
        assert!(
            client
                .call("get-env", &json!({}))
                .contains(&token_of(&sandbox))
        );
        assert!(
            client
                .call("get-roots-list", &json!({}))
                .contains("file:///tmp/root")
        );
        let sampled = client.call("trigger-sampling-request", &json!({"prompt": "?"}));
        assert!(sampled.contains("hm"), "{sampled}");
        let elicited = client.call("trigger-elicitation-request", &json!({}));
        assert!(elicited.contains("provided"), "{elicited}");
        sandbox.run(["refresh", "--force"]).expect_code(0);
    }
    client.call("toggle-subscriber-updates", &json!({}));
    // The first update comes before the toggle's answer, or five seconds after it.
    let updated = |event: &Value| event["news"] == "notifications/resources/updated";
    while !client.seen.iter().any(updated) {
        client.next("news");
    }
    let news = client
        .seen
        .iter()
        .find(|event| updated(event))
        .expect("just seen");
    assert_eq!(news["params"]["uri"], uri);
    // Each process asked for the roots by itself: the client was asked more than once.
    let rooted = client
        .seen
        .iter()
        .filter(|event| event.get("rooted").is_some());
    assert!(rooted.count() >= 2);
    client.close();
}

/// P8: in the stateless revision a call comes back to the server that asked, and a subscription stays.
#[test]
fn p8_a_pinned_client_hears_nothing_of_an_exchange() {
    if !installed() {
        return;
    }
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sandbox.seed(&fake, HOUR);
    let mut client = Driven::start(&sandbox, &fake, "pinned", &[], &[&consumer(MODERN)]);
    client.wish(&json!({"do": "listen", "filter": {"toolsListChanged": true}}));
    client.next("listening");
    for _ in 0..3 {
        assert!(
            client
                .call("get-env", &json!({}))
                .contains(&token_of(&sandbox))
        );
        let greeting = client.call("greet", &json!({}));
        assert!(greeting.starts_with("hello Ann"), "{greeting}");
        let before = client
            .seen
            .iter()
            .filter(|event| event.get("news").is_some())
            .count();
        client.wish(&json!({"do": "call", "tool": "touch"}));
        while client
            .seen
            .iter()
            .filter(|event| event.get("news").is_some())
            .count()
            == before
        {
            client.next("news");
        }
        if client
            .seen
            .last()
            .is_some_and(|event| event.get("failed").is_none())
        {
            client.next("failed");
        }
        sandbox.run(["refresh", "--force"]).expect_code(0);
    }
    assert_eq!(fake.count(Endpoint::DeviceCode), 0);
    client.close();
}

/// P7: server-github, which speaks 2024-11-05 alone, is healed after its token was revoked.
#[test]
fn p7_server_github_goes_on_after_its_token_was_revoked() {
    if !installed() {
        return;
    }
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let pair = sandbox.seed(&fake, HOUR);
    fake.revoke(&pair.access_token);
    let mut client = Driven::start(&sandbox, &fake, "none", &[], &[&consumer(GITHUB)]);
    let issue = json!({"owner": "octocat", "repo": "hello", "issue_number": 1});
    for refused in [true, false] {
        client.wish(&json!({"do": "call", "tool": "get_issue", "args": issue}));
        let answer = client.next("failed");
        assert_eq!(
            text(&answer).contains("Bad credentials"),
            refused,
            "{answer}"
        );
    }
    assert_eq!(fake.count(Endpoint::Refresh), 1);
    client.close();
}

#[test]
fn server_filesystem_does_its_work() {
    if !installed() {
        return;
    }
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sandbox.seed(&fake, HOUR);
    let file = sandbox.home().join("note.txt");
    std::fs::write(&file, "hello").expect("a file");
    let home = sandbox.home().display().to_string();
    let server = [consumer(FILESYSTEM), home];
    let server: Vec<&str> = server.iter().map(String::as_str).collect();
    let mut client = Driven::start(&sandbox, &fake, "auto", &[], &server);
    for _ in 0..2 {
        let read = client.call("read_text_file", &json!({"path": file}));
        assert_eq!(read, "hello");
        sandbox.run(["refresh", "--force"]).expect_code(0);
    }
    client.close();
}

/// P5: the SDK gives a call up after a minute (in the short run after two seconds); whoever approves later
/// is signed in.
#[test]
fn p5_an_approval_after_a_real_client_gave_up_counts() {
    if !installed() {
        return;
    }
    for (kind, server) in [("form", EVERYTHING), ("pinned", MODERN)] {
        let fake = prompt_fake().start().expect("a fake");
        let sandbox = Sandbox::new(&fake);
        let mut client = Driven::start(&sandbox, &fake, kind, &[], &[&consumer(server)]);
        let timeout = if in_full() { None } else { Some(2000) };
        client.wish(&json!({"do": "call", "tool": "get-env", "timeout": timeout}));
        client.next("asked");
        let given_up = client.next("failed");
        assert!(text(&given_up).contains("timed out"), "{given_up}");
        fake.approve(&fake.wait_for_code(LIMIT).expect("a code"));
        client.wish(&json!({"do": "until", "tool": "get-env"}));
        let mut answer = client.next("failed");
        while answer["failed"] == true {
            answer = client.next("failed");
        }
        assert!(text(&answer).contains(&token_of(&sandbox)), "{answer}");
        assert_eq!(fake.count(Endpoint::DeviceCode), 1);
        client.close();
    }
}
