use serde_json::{Value, json};

use super::*;
use crate::formats::json_rpc::{self, Line as Parsed};

const NOW: Duration = Duration::ZERO;

fn with<T>(message: &Value, use_it: impl FnOnce(&Message<'_>, &[u8]) -> T) -> T {
    let line = message.to_string();
    let Parsed::One(message) = json_rpc::read(line.as_bytes()) else {
        panic!("{line}");
    };
    use_it(&message, line.as_bytes())
}

fn send(pending: &mut PendingRequests, server: u32, message: &Value) {
    with(message, |message, line| {
        pending.sent(server, message, line, false, false, NOW);
    });
}

fn answer(pending: &mut PendingRequests, message: &Value) -> ResponseTo {
    with(message, |message, _| pending.answered(message, NOW))
}

#[test]
fn what_only_reads_is_repeated_at_the_next_server() {
    let tools = json!({"tools": [
        {"name": "look", "annotations": {"readOnlyHint": true}},
        {"name": "write", "annotations": {"readOnlyHint": false}},
        {"name": "other"},
    ]});
    for (method, params, repeats) in [
        ("tools/list", json!({}), true),
        ("resources/read", json!({"uri": "a:1"}), true),
        ("tools/call", json!({"name": "look"}), true),
        ("tools/call", json!({"name": "write"}), false),
        ("tools/call", json!({"name": "other"}), false),
        ("tools/call", json!({"name": "unknown"}), false),
        ("sampling/odd", json!({}), false),
    ] {
        let mut pending = PendingRequests::default();
        send(&mut pending, 1, &json!({"id": 0, "method": "tools/list"}));
        answer(&mut pending, &json!({"id": 0, "result": tools}));
        send(
            &mut pending,
            1,
            &json!({"id": 1, "method": method, "params": params}),
        );
        assert!(pending.is_busy(Some(1), NOW), "{method}");
        let lost = pending.server_replaced(2);
        let counts = (lost.repeated.len(), lost.unknown.len());
        assert_eq!(
            counts,
            if repeats { (1, 0) } else { (0, 1) },
            "{method} {params}"
        );
        assert_eq!(pending.is_busy(Some(2), NOW), repeats, "{method}");
        assert!(!pending.is_busy(Some(1), NOW), "{method}");
    }
}

#[test]
fn each_response_finds_its_request() {
    let mut pending = PendingRequests::default();
    send(&mut pending, 1, &json!({"id": 1, "method": "tools/call"}));
    send(&mut pending, 1, &json!({"id": "1", "method": "tools/list"}));
    pending.suppress(Some(Id::text("ghtok:again:1:0")));
    for (id, expected) in [
        (json!("ghtok:again:1:0"), "ours"),
        (json!("1"), "tools/list"),
        (json!(1), "tools/call"),
        (json!(1), "unknown"),
        (json!(2), "unknown"),
    ] {
        let found = match answer(&mut pending, &json!({"id": id, "result": {}})) {
            ResponseTo::Ours => "ours".to_owned(),
            ResponseTo::Unknown => "unknown".to_owned(),
            ResponseTo::Call(_, call) => call.method,
        };
        assert_eq!(found, expected, "{id}");
    }
    assert!(!pending.owes_responses());
}

#[test]
fn a_question_is_known_by_one_id_of_ours_until_it_is_over() {
    let question = json!({"id": 0, "method": "roots/list"});
    let mut pending = PendingRequests::default();
    let ask = |pending: &mut PendingRequests, server| {
        with(&question, |message, line| {
            pending.asked(server, message, line, NOW)
        })
    };
    let (first, second) = (ask(&mut pending, 1), ask(&mut pending, 2));
    assert_ne!(first, second, "both servers call it 0");
    let cancelled = json!({"method": "notifications/cancelled", "params": {"requestId": 0}});
    let passed = with(&cancelled, |message, line| {
        pending.notified(2, message, line, false, NOW)
    });
    let Notification::PassAs(line) = passed else {
        panic!("{passed:?}");
    };
    assert!(String::from_utf8_lossy(&line).contains(&second));
    let again = with(&cancelled, |message, line| {
        pending.notified(2, message, line, false, NOW)
    });
    assert_eq!(again, Notification::Drop, "it is over");
    assert!(pending.is_busy(Some(1), NOW) && !pending.is_busy(Some(2), NOW));
    let ours = Id::text(first.trim_matches('"'));
    let lost = pending.server_replaced(2);
    assert_eq!(lost.questions, std::slice::from_ref(&ours));
    assert!(pending.take_question(&ours).is_none());
}

#[test]
fn a_cancelled_call_is_neither_repeated_nor_answered() {
    let mut pending = PendingRequests::default();
    send(&mut pending, 1, &json!({"id": 1, "method": "tools/list"}));
    assert!(!pending.cancelled(&json_id(1)), "the server has it");
    assert!(pending.server_replaced(2).repeated.is_empty());
    send(&mut pending, 2, &json!({"id": 2, "method": "tools/list"}));
    let ResponseTo::Call(id, call) = answer(&mut pending, &json!({"id": 2, "result": {}})) else {
        panic!("no call");
    };
    pending.reject(id, call, Line::own(b"{}".to_vec()));
    assert!(pending.cancelled(&json_id(2)), "the response is held here");
    assert!(pending.take_rejected().is_empty());
}

fn json_id(id: u32) -> Id {
    Id::of(&id.to_string()).expect("an id")
}

#[test]
fn an_acknowledgement_reaches_the_client_once() {
    let mut pending = PendingRequests::default();
    send(
        &mut pending,
        1,
        &json!({"id": 4, "method": "subscriptions/listen"}),
    );
    assert!(!pending.is_busy(Some(1), NOW), "it stays open");
    let params = json!({"_meta": {"io.modelcontextprotocol/subscriptionId": 4}});
    let message = json!({"method": "notifications/subscriptions/acknowledged", "params": params});
    let mut hear = |server| {
        if server == 2 {
            assert_eq!(pending.server_replaced(2).repeated.len(), 1);
        }
        with(&message, |message, line| {
            pending.notified(server, message, line, true, NOW)
        })
    };
    assert_eq!(hear(1), Notification::Pass);
    assert_eq!(hear(2), Notification::Drop);
}
