//! `ghtok mcp` between real clients and real servers, all from npm.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use fake_github::{Endpoint, FakeGitHub};
use serde_json::Value;

use crate::support::deadline::{LIMIT, ends};
use crate::support::sandbox::{Program, Sandbox, path_of};
use crate::support::signing_in::prompt_fake;

const HOUR: Duration = Duration::from_secs(3600);

/// A file of the project's npm folder; `None` where that is not installed.
fn npm(path: &str) -> Option<String> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/consumers"));
    let file = folder.join("node_modules").join(path);
    if file.exists() {
        return Some(file.display().to_string());
    }
    println!("not run: npm's packages are not installed");
    None
}

/// A client's run: `calls` are lines for its standard input.
fn drive(
    sandbox: &Sandbox,
    fake: &FakeGitHub,
    program: Program,
    kind: &str,
    tool: (&str, &str),
    server: &[&str],
    calls: &str,
) -> std::process::Child {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/consumers/drive.mjs");
    let redirect = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/consumers/redirect.mjs");
    let ghtok = sandbox.command(program, [""; 0]);
    let mut command = Command::new("node");
    command
        .args([script, kind, tool.0, tool.1])
        .arg(path_of(program))
        .args(["mcp", "--"])
        .args(server)
        .env_clear()
        .envs(
            ghtok
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .env("PATH", std::env::var("PATH").expect("a path"))
        .env("FAKE_API", format!("{}/api/v3", fake.base_url()))
        .env("NODE_OPTIONS", format!("--import {redirect}"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("node starts");
    let mut input = child.stdin.take().expect("stdin");
    input.write_all(calls.as_bytes()).expect("node reads");
    child
}

fn events(child: std::process::Child) -> Vec<Value> {
    let run = ends(child, LIMIT);
    let events: Vec<Value> = run
        .stdout
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    assert!(!events.is_empty(), "{run:?}");
    events
}

fn text(event: &Value) -> &str {
    event["text"].as_str().unwrap_or_default()
}

/// P5, P8: each kind of dialog signs in, and the real server is exchanged for one with the token.
#[test]
fn p5_real_clients_sign_in_by_the_dialogs_that_they_have() {
    let Some(everything) = npm("@modelcontextprotocol/server-everything/dist/index.js") else {
        return;
    };
    for (kind, asked) in [
        ("url", Some("url")),
        ("form", Some("form")),
        ("auto", Some("url")),
        ("none", None),
    ] {
        let fake = prompt_fake().start().expect("a fake");
        let sandbox = Sandbox::new(&fake);
        let calls = if asked.is_some() {
            "call\n"
        } else {
            "call\nwait4000\n"
        };
        let child = drive(
            &sandbox,
            &fake,
            Program::Real,
            kind,
            ("get-env", "{}"),
            &["node", &everything],
            calls,
        );
        let code = fake.wait_for_code(LIMIT).expect("a code");
        fake.approve(&code);
        let events = events(child);
        let dialog = events.iter().find(|event| event.get("asked").is_some());
        assert_eq!(
            dialog.map(|event| event["asked"].as_str().unwrap_or_default()),
            asked,
            "{events:?}"
        );
        let token = sandbox.record().tokens.access_token().expose().to_owned();
        let last = events.last().expect("an answer");
        assert!(
            last["failed"] == false && text(last).contains(&token),
            "{kind}: {events:?}"
        );
        let told = dialog.map_or_else(
            || text(&events[1]).to_owned(),
            |event| event["message"].to_string(),
        );
        assert!(told.contains(&code), "{kind}: {events:?}");
        assert_eq!(fake.count(Endpoint::DeviceCode), 1, "{kind}");
    }
}

/// P7: server-github, which speaks 2024-11-05 alone, is healed after its token was revoked.
#[test]
fn p7_server_github_goes_on_after_its_token_was_revoked() {
    let Some(server) = npm("@modelcontextprotocol/server-github/dist/index.js") else {
        return;
    };
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let pair = sandbox.seed(&fake, HOUR);
    fake.revoke(&pair.access_token);
    let tool = (
        "get_issue",
        r#"{"owner":"octocat","repo":"hello","issue_number":1}"#,
    );
    let child = drive(
        &sandbox,
        &fake,
        Program::Real,
        "none",
        tool,
        &["node", &server],
        "call\ncall\n",
    );
    let events = events(child);
    assert!(text(&events[1]).contains("Bad credentials"), "{events:?}");
    assert!(!text(&events[2]).contains("Bad credentials"), "{events:?}");
    assert_eq!(fake.count(Endpoint::Refresh), 1);
}

#[test]
fn server_filesystem_does_its_work() {
    let Some(server) = npm("@modelcontextprotocol/server-filesystem/dist/index.js") else {
        return;
    };
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sandbox.seed(&fake, HOUR);
    let file = sandbox.home().join("note.txt");
    std::fs::write(&file, "hello").expect("a file");
    let arguments = format!("{{\"path\":\"{}\"}}", file.display());
    let home = sandbox.home().display().to_string();
    let tool = ("read_text_file", arguments.as_str());
    let child = drive(
        &sandbox,
        &fake,
        Program::Real,
        "form",
        tool,
        &["node", &server, &home],
        "call\n",
    );
    let events = events(child);
    assert_eq!(text(&events[1]), "hello", "{events:?}");
}
