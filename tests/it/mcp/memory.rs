//! What a server keeps in its memory, without a process: what delays a replacement, and what a client is
//! told that comes back for it afterwards.

use std::time::Duration;

use ghtok::testing::mcp::conversation::{Ended, Event};
use serde_json::{Value, json};

use super::talk::{Talk, code, token};

const SECOND: Duration = Duration::from_secs(1);
const GONE: Ended = Ended { code: 3 };

/// Server 2 takes the place of server 1.
fn replace(talk: &mut Talk) {
    talk.others_saved(2);
    talk.call(90, &json!({}));
    talk.on(Event::Token(Ok(token(2))));
    talk.take_handshake(2);
    talk.server(2, &json!({"id": 90, "result": {}}));
    talk.said.clear();
}

/// A modern client that was asked by server 1, which has been replaced since; it comes back as call 2.
fn come_back(method: &str, issued: &[&str]) -> Talk {
    let mut talk = Talk::signed_in_modern();
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let params = json!({"name": "write", "uri": "a:1", "_meta": meta});
    for (id, state) in issued.iter().enumerate() {
        let id = id + 10;
        talk.client(&json!({"id": id, "method": method, "params": params}));
        let result = json!({"resultType": "input_required", "requestState": state});
        talk.server(1, &json!({"id": id, "result": result}));
    }
    // A person takes longer than the question delays a replacement.
    talk.pass(400 * SECOND);
    replace(&mut talk);
    let mut params = params;
    params["requestState"] = json!("s");
    params["inputResponses"] = json!({});
    talk.client(&json!({"id": 2, "method": method, "params": params}));
    assert_eq!(talk.requests(2, &json!(2)), 1);
    talk
}

#[test]
fn a_question_of_a_replaced_server_gets_call_again() {
    let failed = json!({"isError": true, "content": [{"type": "text", "text": "bad state"}]});
    let done = json!({"content": [{"type": "text", "text": "done"}]});
    let error = json!({"code": -32602, "message": "bad state"});
    for (method, issued, member, value, is_advised) in [
        ("tools/call", &["s"][..], "result", &failed, true),
        ("tools/call", &["s"], "error", &error, true),
        ("prompts/get", &["s"], "error", &error, true),
        ("resources/read", &["r", "s", "t"], "error", &error, true),
        // The state says all that the new server needs.
        ("tools/call", &["s"], "result", &done, false),
        // No server is known to have issued it.
        ("tools/call", &["other"], "result", &failed, false),
    ] {
        let mut talk = come_back(method, issued);
        talk.server(2, &json!({"id": 2, member: value}));
        let answer = talk.said.pop().expect("an answer");
        assert_eq!(answer["id"], 2);
        let text = answer.to_string();
        assert_eq!(text.contains("Call the tool again"), is_advised, "{text}");
        if member == "result" {
            let content = &value["content"][0]["text"];
            assert_eq!(&answer["result"]["content"][0]["text"], content);
        }
    }
}

fn progress(token: &Value, progress: f64) -> Value {
    let params = json!({"progressToken": token, "progress": progress});
    json!({"method": "notifications/progress", "params": params})
}

/// The progress that the client was told.
fn told(talk: &Talk) -> Vec<f64> {
    let progress = |one: &Value| one["params"]["progress"].as_f64();
    talk.said.iter().filter_map(progress).collect()
}

#[test]
fn progress_of_a_repeated_call_never_runs_backwards() {
    for (method, token) in [
        ("resources/read", json!("p")),
        ("prompts/get", json!(7)),
        ("tools/list", json!("\u{e9}")),
    ] {
        let mut talk = Talk::signed_in();
        let params = json!({"uri": "a:1", "name": "a", "_meta": {"progressToken": token}});
        talk.client(&json!({"id": 1, "method": method, "params": params}));
        let other = json!({"_meta": {"progressToken": "other"}});
        talk.client(&json!({"id": 2, "method": "tools/call", "params": other}));
        // What one server says is its own business.
        for value in [1.0, 3.0, 2.5] {
            talk.server(1, &progress(&token, value));
        }
        assert_eq!(told(&talk), [1.0, 3.0, 2.5], "{method}");
        talk.on(Event::Ended(1, GONE));
        talk.on(Event::Token(Ok(super::talk::token(1))));
        talk.take_handshake(2);
        talk.said.clear();
        for value in [1.0, 2.5, 2.6, 4.0] {
            talk.server(2, &progress(&token, value));
        }
        talk.server(2, &progress(&json!("other"), 0.0));
        assert_eq!(told(&talk), [2.6, 4.0, 0.0], "{method}");
    }
}

#[test]
fn progress_of_a_call_that_waited_for_a_sign_in_goes_on() {
    let mut talk = Talk::open("2025-11-25", &json!({"elicitation": {}}));
    talk.call(1, &json!({"progressToken": "p"}));
    talk.on(Event::UserCode(1, code()));
    talk.pass(10 * SECOND);
    talk.pass(10 * SECOND);
    talk.on(Event::SignedIn(1, Ok(token(1))));
    talk.take_handshake(2);
    for value in [0.0, 0.1, 0.2] {
        talk.server(2, &progress(&json!("p"), value));
    }
    assert_eq!(told(&talk), [0.001, 0.002, 0.1, 0.2]);
}

/// A server that has completed a task keeps its outcome until the client has fetched it.
#[test]
fn p8_a_completed_task_keeps_its_server() {
    let outcome = |talk: &mut Talk| {
        talk.client(&json!({"id": 8, "method": "tasks/result", "params": {"taskId": "t"}}));
        talk.server(1, &json!({"id": 8, "result": {"content": []}}));
    };
    let over = |talk: &mut Talk| talk.pass(61 * SECOND);
    let ends: [&dyn Fn(&mut Talk); 2] = [&outcome, &over];
    for (number, end) in ends.into_iter().enumerate() {
        let mut talk = Talk::signed_in();
        let working = json!({"taskId": "t", "status": "working", "ttl": 60_000});
        let params = json!({"name": "write", "task": {"ttl": 60_000}});
        talk.client(&json!({"id": 1, "method": "tools/call", "params": params}));
        talk.server(1, &json!({"id": 1, "result": {"task": working}}));
        talk.pass(28_499 * SECOND);
        let status = json!({"taskId": "t", "status": "completed", "ttl": 60_000});
        talk.server(
            1,
            &json!({"method": "notifications/tasks/status", "params": status}),
        );
        talk.pass(SECOND);
        // The token is due, and its server still has the outcome: other calls are served too.
        talk.call(2, &json!({}));
        talk.server(1, &json!({"id": 2, "result": {}}));
        assert!(talk.news().is_empty(), "case {number}");
        end(&mut talk);
        assert_eq!(talk.news(), ["Fetch"], "case {number}");
    }
}
