//! Every message that the wrapper itself originates, told by conversations without a process, against the
//! schemas of MCP in the folder that `GHTOK_TEST_MCP_SCHEMA` names.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use ghtok::mcp::conversation::{
    Action, Asking, Conversation, Cure, Ended, Event, News, Now, Pace, Restarts, Settings, Trouble,
};
use ghtok::mcp::dialog::Code;
use ghtok::mcp::line::Line;
use ghtok::token::Timestamp;
use serde_json::{Value, json};

/// A conversation, and everything that it said to the client by itself.
struct Talk {
    conversation: Conversation,
    now: Now,
    said: Vec<Value>,
}

impl Talk {
    /// With a client that has opened in this revision, and nobody signed in.
    fn open(version: &str, capabilities: &Value) -> Self {
        let settings = Settings {
            app: "main".into(),
            login_command: "ghtok login".into(),
            asking: Asking::WhileHolding,
            restarts: Restarts::Allowed,
            wait: Duration::from_secs(900),
            max_drain: Duration::from_secs(30),
            pace: Pace::STANDARD,
        };
        let now = Now {
            mono: Duration::ZERO,
            wall: Timestamp(1_000_000),
        };
        let mut talk = Self {
            conversation: Conversation::begin(settings, now),
            now,
            said: Vec::new(),
        };
        talk.on(Event::Token(Err(needed())));
        if version != "2026-07-28" {
            talk.client(&json!({"id": 0, "method": "initialize", "params": {"protocolVersion": version, "capabilities": capabilities}}));
            talk.server(&json!({"id": 0, "result": {"protocolVersion": version}}));
            talk.said.clear();
        }
        talk
    }

    fn on(&mut self, event: Event) {
        self.conversation.on(event, self.now);
        while let Some(action) = self.conversation.next_action() {
            if let Action::ToClient(line) = action {
                self.said.push(serde_json::from_slice(&line).expect("JSON"));
            }
        }
    }

    fn client(&mut self, message: &Value) {
        self.on(Event::Client(line(message), None));
    }

    fn server(&mut self, message: &Value) {
        self.on(Event::Server(1, line(message)));
    }

    fn call(&mut self, id: u32, meta: &Value) {
        let params = json!({"name": "write", "arguments": {}, "_meta": meta});
        self.client(&json!({"id": id, "method": "tools/call", "params": params}));
    }

    fn pass(&mut self, time: Duration) {
        self.now.mono += time;
        self.on(Event::Tick);
    }
}

fn line(message: &Value) -> Line {
    Line::from(format!("{message}\n").into_bytes())
}

fn needed() -> Trouble {
    Trouble {
        text: "main: not signed in; sign in with: ghtok login".into(),
        cure: Cure::SignIn,
    }
}

fn code() -> Code {
    Code {
        url: "https://github.com/login/device".into(),
        user_code: "ABCD-1234".into(),
        until: "2026-11-23 03:00 +00:00".into(),
        expires_at: 1_000_900,
    }
}

fn signed_in() -> News {
    News {
        generation: 1,
        due_at: None,
        expires_at: None,
    }
}

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
        for end in [Ok(signed_in()), Err(needed())] {
            let mut talk = Talk::open(version, &modes);
            talk.call(1, &meta);
            talk.on(Event::Code(code()));
            talk.pass(Duration::from_secs(10));
            talk.on(Event::SignedIn(end));
            talk.client(&json!({"id": 2, "method": "ping"}));
            said.append(&mut talk.said);
        }
        for action in ["decline", "cancel"] {
            let mut talk = Talk::open(version, &modes);
            talk.call(1, &meta);
            talk.on(Event::Code(code()));
            talk.pass(Duration::from_secs(1));
            if let Some(id) = talk.said.last().and_then(|last| last.get("id")).cloned() {
                talk.client(&json!({"id": id, "result": {"action": action}}));
            }
            talk.call(2, &meta);
            said.append(&mut talk.said);
        }
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

#[test]
fn what_the_wrapper_says_is_valid_in_the_revision_that_is_spoken() {
    let mut lines = String::new();
    let mut kinds = std::collections::BTreeSet::new();
    for version in [
        "2024-11-05",
        "2025-03-26",
        "2025-06-18",
        "2025-11-25",
        "2026-07-28",
    ] {
        for message in everything(version) {
            if let Some((definition, message)) = definition(version, &message) {
                kinds.insert((version, definition));
                lines.push_str(
                    &json!({"version": version, "definition": definition, "message": message})
                        .to_string(),
                );
                lines.push('\n');
            }
        }
    }
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
    let Some(folder) = std::env::var("GHTOK_TEST_MCP_SCHEMA")
        .ok()
        .filter(|folder| !folder.is_empty())
    else {
        println!("skipped: GHTOK_TEST_MCP_SCHEMA names no folder of schemas");
        return;
    };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/consumers/validate.mjs");
    let mut child = Command::new("node")
        .args([script, &folder])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node starts");
    let mut input = child.stdin.take().expect("stdin");
    input.write_all(lines.as_bytes()).expect("node reads");
    drop(input);
    let output = child.wait_with_output().expect("an end");
    let judged = String::from_utf8_lossy(&output.stdout).into_owned();
    let wrong: Vec<&str> = judged.lines().filter(|line| *line != "valid").collect();
    assert!(output.status.success() && wrong.is_empty(), "{wrong:#?}");
    assert_eq!(judged.lines().count(), lines.lines().count());
}
