//! Every message that the wrapper itself originates, told by conversations without a process, against the
//! schemas of MCP in the folder that `GHTOK_TEST_MCP_SCHEMA` names.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use ghtok::testing::mcp::conversation::{Ended, Event};
use serde_json::{Value, json};

use super::talk::{Talk, code, needed, token};

/// What is said in one revision, whatever the client can show and the person does.
fn everything(version: &str) -> Vec<Value> {
    let mut said = Vec::new();
    let meta = json!({
        "progressToken": "p",
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {"elicitation": {"form": {}, "url": {}}},
    });
    for modes in [
        json!({"elicitation": {"url": {}, "form": {}}}),
        json!({"elicitation": {}}),
        json!({}),
    ] {
        let meta = if version == "2026-07-28" {
            meta.clone()
        } else {
            json!({"progressToken": 7})
        };
        for end in [Ok(token(1)), Err(needed())] {
            let mut talk = Talk::open(version, &modes);
            talk.call(1, &meta);
            talk.on(Event::UserCode(1, code()));
            talk.pass(Duration::from_secs(10));
            talk.on(Event::SignedIn(1, end));
            talk.client(&json!({"id": 2, "method": "ping"}));
            said.append(&mut talk.said);
        }
        for action in ["decline", "cancel"] {
            let mut talk = Talk::open(version, &modes);
            talk.call(1, &meta);
            talk.on(Event::UserCode(1, code()));
            talk.pass(Duration::from_secs(1));
            if let Some(id) = talk.said.last().and_then(|last| last.get("id")).cloned() {
                talk.client(&json!({"id": id, "result": {"action": action}}));
            }
            talk.call(2, &meta);
            said.append(&mut talk.said);
        }
        let mut talk = Talk::open(version, &modes);
        talk.call(3, &meta);
        talk.on(Event::UserCode(1, code()));
        talk.server(1, &json!({"id": 0, "method": "roots/list"}));
        talk.on(Event::SignedIn(1, Ok(token(1))));
        talk.pass(Duration::from_secs(30));
        talk.take_handshake(2);
        talk.on(Event::Ended(2, Ended { code: 3 }));
        talk.on(Event::Token(Ok(token(1))));
        // That was the server's.
        talk.said.retain(|one| one["method"] != "roots/list");
        said.append(&mut talk.said);

        let mut talk = Talk::open(version, &modes);
        talk.client(&json!({"id": 5, "method": "tools/list"}));
        talk.on(Event::Ended(1, Ended { code: 3 }));
        talk.on(Event::Token(Err(needed())));
        for server in 2..=4 {
            talk.on(Event::Ended(server, Ended { code: 3 }));
            talk.on(Event::Token(Err(needed())));
        }
        talk.client(&json!({"id": 6, "method": "tools/list"}));
        said.append(&mut talk.said);
    }
    said
}

/// The schema's name of a message, and the part that it describes.
fn definition(version: &str, message: &Value) -> Option<(&'static str, Value)> {
    let modern = version >= "2025-11-25";
    Some(match message.get("method").and_then(Value::as_str) {
        Some("elicitation/create") => ("ElicitRequest", message.clone()),
        Some("notifications/cancelled") => ("CancelledNotification", message.clone()),
        Some("notifications/elicitation/complete") => {
            ("ElicitationCompleteNotification", message.clone())
        }
        Some("notifications/progress") => ("ProgressNotification", message.clone()),
        Some(other) => panic!("nobody knows {other}"),
        None if message.get("error").is_some() && modern => {
            ("JSONRPCErrorResponse", message.clone())
        }
        None if message.get("error").is_some() => ("JSONRPCError", message.clone()),
        None if message["result"]["resultType"] == "input_required" => {
            ("InputRequiredResult", message["result"].clone())
        }
        None if message["result"].get("content").is_some() => {
            ("CallToolResult", message["result"].clone())
        }
        None => return None,
    })
}

const REVISIONS: [&str; 5] = [
    "2024-11-05",
    "2025-03-26",
    "2025-06-18",
    "2025-11-25",
    "2026-07-28",
];

/// Each message that has a definition, with its revision.
fn defined() -> Vec<(&'static str, &'static str, Value)> {
    let of = |version| {
        let defined = move |message| definition(version, &message);
        let named = move |(name, part)| (version, name, part);
        everything(version)
            .into_iter()
            .filter_map(defined)
            .map(named)
    };
    REVISIONS.into_iter().flat_map(of).collect()
}

#[test]
fn what_the_wrapper_says_is_of_the_revision_that_is_spoken() {
    let kinds: BTreeSet<_> = defined()
        .into_iter()
        .map(|(version, name, _)| (version, name))
        .collect();
    // Dialogs are spoken of only where the revision has them.
    assert!(
        !kinds.contains(&("2025-03-26", "ElicitRequest")),
        "{kinds:?}"
    );
    for said in [
        ("2025-06-18", "ElicitRequest"),
        ("2025-11-25", "ElicitationCompleteNotification"),
        ("2025-11-25", "CancelledNotification"),
        ("2025-11-25", "ProgressNotification"),
        ("2024-11-05", "CallToolResult"),
        ("2025-11-25", "JSONRPCErrorResponse"),
        ("2026-07-28", "InputRequiredResult"),
    ] {
        assert!(kinds.contains(&said), "{said:?} is not in {kinds:?}");
    }
}

#[test]
#[ignore = "needs the schemas of MCP in the folder GHTOK_TEST_MCP_SCHEMA"]
fn what_the_wrapper_says_is_valid_by_the_schemas() {
    let folder = std::env::var("GHTOK_TEST_MCP_SCHEMA").expect("GHTOK_TEST_MCP_SCHEMA");
    let lines: Vec<String> = defined()
        .into_iter()
        .map(|(version, definition, message)| {
            json!({"version": version, "definition": definition, "message": message}).to_string()
        })
        .collect();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/consumers/validate.mjs");
    let mut child = Command::new("node")
        .args([script, &folder])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node starts");
    let mut input = child.stdin.take().expect("stdin");
    input
        .write_all(lines.join("\n").as_bytes())
        .expect("node reads");
    drop(input);
    let output = child.wait_with_output().expect("an end");
    let judged = String::from_utf8_lossy(&output.stdout).into_owned();
    let wrong: Vec<&str> = judged.lines().filter(|line| *line != "valid").collect();
    assert!(output.status.success() && wrong.is_empty(), "{wrong:#?}");
    assert_eq!(judged.lines().count(), lines.len());
}
