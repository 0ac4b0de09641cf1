//! What a server itself asks the client, across an exchange.

use fake_github::FakeGitHub;
use serde_json::{Value, json};

use super::client::{Client, soon, text_of};
use crate::support::sandbox::{Program, Sandbox};

/// What a server may ask in the middle of a call.
fn questions() -> [(&'static str, Value, Value); 3] {
    let form = json!({"message": "?", "requestedSchema": {"type": "object", "properties": {}}});
    [
        (
            "elicitation/create",
            form,
            json!({"action": "accept", "content": {}}),
        ),
        (
            "sampling/createMessage",
            json!({"messages": [], "maxTokens": 1}),
            json!({"role": "assistant", "content": {"type": "text", "text": "hm"}, "model": "m"}),
        ),
        (
            "roots/list",
            json!({}),
            json!({"roots": [{"uri": "file:///tmp"}]}),
        ),
    ]
}

fn capabilities() -> Value {
    json!({"elicitation": {}, "sampling": {}, "roots": {}})
}

/// P8: a question that is open when a fresh token is there is answered first, and by the old server.
#[test]
fn p8_an_exchange_waits_for_the_answer_to_a_servers_question() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let mut client = Client::signed_in(&fake, &sandbox, &[], &capabilities());
    for (method, params, result) in questions() {
        let before = client.text("pid");
        let call = client.begin("ask", &json!({"method": method, "params": params}));
        let question = client.receive();
        assert_eq!(question["method"], method, "{question}");
        assert_eq!(question["params"], params, "{question}");
        sandbox.run(["refresh", "--force"]).expect_code(0);
        let next = client.begin("pid", &json!({}));
        client.answer(&question, &result);
        let answered: Value = serde_json::from_str(text_of(&client.answer_to(call))).expect("JSON");
        assert_eq!(answered, result);
        let after = client.answer_to(next);
        assert_ne!(text_of(&after), before, "a server with the fresh token");
    }
    assert!(!client.deeds().iter().any(|deed| deed.starts_with("stray")));
}

/// P8: beyond the limit the question is withdrawn, and a late answer reaches nobody.
#[test]
fn p8_a_question_across_the_drain_limit_is_withdrawn() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let mut client = Client::signed_in(&fake, &sandbox, &["--max-drain", "1s"], &capabilities());
    for (method, params, result) in questions() {
        let call = client.begin("ask", &json!({"method": method, "params": params}));
        let question = client.receive();
        sandbox.run(["refresh", "--force"]).expect_code(0);
        let next = client.begin("write", &json!({}));
        let answer = client.receive();
        assert_eq!(answer["id"], call, "{answer}");
        assert!(text_of(&answer).contains("unknown"), "{answer}");
        let withdrawn = client.receive();
        assert_eq!(withdrawn["method"], "notifications/cancelled");
        assert_eq!(withdrawn["params"]["requestId"], question["id"]);
        client.answer(&question, &result);
        assert_eq!(text_of(&client.answer_to(next)), "ok");
        // The new server's first question has an id of its own, though the server calls both 0.
        let call = client.begin("ask", &json!({"method": method, "params": params}));
        let other = client.receive();
        assert_ne!(other["id"], question["id"]);
        client.answer(&other, &result);
        client.answer_to(call);
    }
    assert!(!client.deeds().iter().any(|deed| deed.starts_with("stray")));
}

/// The client knows a server's request by our id, in its withdrawal too.
#[test]
fn a_server_withdraws_its_own_question() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let mut client = Client::signed_in(&fake, &sandbox, &[], &capabilities());
    let call = client.begin("ask_and_cancel", &json!({}));
    let question = client.receive();
    let withdrawn = client.receive();
    assert_eq!(withdrawn["method"], "notifications/cancelled");
    assert_eq!(
        withdrawn["params"],
        json!({"requestId": question["id"], "reason": "over"})
    );
    assert_eq!(text_of(&client.answer_to(call)), "cancelled");
    // It is over: an exchange need not wait for it.
    sandbox.run(["refresh", "--force"]).expect_code(0);
    assert_eq!(client.text("write"), "ok");
}

/// P8: what the client told the old server the new one knows too, once.
#[test]
fn p8_subscriptions_and_the_log_level_outlive_an_exchange() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let mut client = Client::signed_in(&fake, &sandbox, &[], &json!({}));
    client.get("logging/setLevel", &json!({"level": "warning"}));
    for uri in ["a:1", "a:2", "a:3"] {
        client.get("resources/subscribe", &json!({"uri": uri}));
    }
    client.get("resources/unsubscribe", &json!({"uri": "a:2"}));
    for _ in 0..2 {
        sandbox.run(["refresh", "--force"]).expect_code(0);
        let known = client.known();
        assert_eq!(
            known,
            json!({"initialized": 1, "level": "warning", "subscribed": ["a:1", "a:3"]})
        );
    }
    let call = client.begin("touch", &json!({}));
    for uri in ["a:1", "a:3"] {
        let news = client.receive();
        assert_eq!(news["method"], "notifications/resources/updated");
        assert_eq!(news["params"]["uri"], uri);
    }
    client.answer_to(call);
}

/// P8: a subscription of the stateless revision stays open, with one acknowledgement.
#[test]
fn p8_a_listening_client_hears_the_new_server() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sandbox.seed(&fake, super::client::HOUR);
    let mut client = Client::start(&fake, &sandbox, Program::Real, &[], &[]);
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let listen = client.ask("subscriptions/listen", &json!({"_meta": meta}));
    let first = client.receive();
    assert_eq!(first["method"], "notifications/subscriptions/acknowledged");
    let touch = json!({"name": "touch", "arguments": {}, "_meta": meta});
    for _ in 0..2 {
        sandbox.run(["refresh", "--force"]).expect_code(0);
        let call = client.ask("tools/call", &touch);
        let news = client.receive();
        assert_eq!(news["method"], "notifications/tools/list_changed", "{news}");
        assert_eq!(
            news["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"],
            listen
        );
        assert_eq!(text_of(&client.answer_to(call)), "touched");
    }
    // A cancelled one is not opened again.
    client.notify(
        "notifications/cancelled",
        &json!({"requestId": listen, "_meta": meta}),
    );
    sandbox.run(["refresh", "--force"]).expect_code(0);
    let call = client.ask("tools/call", &touch);
    let answer = client.receive();
    assert_eq!(answer["id"], call, "{answer}");
}

/// P8: a task delays an exchange until the client has its outcome.
#[test]
fn p8_an_exchange_waits_for_a_task() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let mut client = Client::signed_in(&fake, &sandbox, &[], &json!({}));
    let before = client.text("pid");
    let begun = json!({"name": "write", "arguments": {}, "task": {"ttl": 60000}});
    let task = client.get("tools/call", &begun);
    assert_eq!(task["result"]["task"]["status"], "working", "{task}");
    sandbox.run(["refresh", "--force"]).expect_code(0);
    let held = client.begin("pid", &json!({}));
    let told = client.get("tasks/get", &json!({"taskId": "t"}));
    assert_eq!(
        told["result"]["status"], "completed",
        "served before what is held"
    );
    client.get("tasks/result", &json!({"taskId": "t"}));
    assert_ne!(text_of(&client.answer_to(held)), before);
    soon("both servers did their work", || client.deeds().len() == 3);
}
