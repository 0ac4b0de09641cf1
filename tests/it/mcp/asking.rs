//! Sign-ins in a conversation, without a process: at the worst moment, and elsewhere.

use std::time::Duration;

use ghtok::testing::mcp::conversation::{Asking, Event, Settings};
use serde_json::json;

use super::talk::{Talk, code, needed, settings, token};

const SECOND: Duration = Duration::from_secs(1);

/// Without a token the old one is of little use: each call that comes later tries once more.
#[test]
fn a_first_token_whose_server_fails_is_tried_again_by_a_later_call() {
    let mut talk = Talk::open("2025-11-25", &json!({"elicitation": {}}));
    talk.call(1, &json!({}));
    talk.on(Event::UserCode(1, code()));
    talk.on(Event::SignedIn(1, Ok(token(1))));
    assert_eq!(talk.news(), ["SignIn(1)", "start 2 with Some(1)"]);
    let other = json!({"protocolVersion": "2024-11-05"});
    talk.server(2, &json!({"id": "ghtok:initialize:2", "result": other}));
    assert_eq!(talk.answered(), [&json!(1)]);
    talk.call(2, &json!({}));
    assert_eq!(talk.answered(), [&json!(1), &json!(2)], "too early");
    talk.pass(5 * SECOND);
    talk.news();
    talk.call(3, &json!({}));
    talk.take_handshake(3);
    assert_eq!(talk.news(), ["start 3 with Some(1)", "stop 1"]);
    assert_eq!(talk.requests(3, &json!(3)), 1);
}

#[test]
fn a_token_that_comes_during_a_handshake_is_for_the_server_after_it() {
    let mut talk = Talk::open("2025-11-25", &json!({"elicitation": {}}));
    talk.call(1, &json!({}));
    talk.on(Event::UserCode(1, code()));
    talk.on(Event::SignedIn(1, Ok(token(1))));
    talk.on(Event::Token(Ok(token(2))));
    talk.take_handshake(2);
    assert_eq!(talk.news(), ["SignIn(1)", "start 2 with Some(1)", "stop 1"]);
    talk.server(2, &json!({"id": 1, "result": {}}));
    assert_eq!(talk.news(), ["start 3 with Some(2)"]);
}

/// The fetch had begun before, and knows nothing of it.
#[test]
fn a_sign_in_that_ends_during_a_failing_fetch_counts() {
    let mut talk = Talk::open("2025-11-25", &json!({"elicitation": {}}));
    talk.call(1, &json!({}));
    talk.on(Event::UserCode(1, code()));
    talk.others_saved(1);
    talk.client(&json!({"id": 2, "method": "tools/list"}));
    talk.news();
    talk.on(Event::SignedIn(1, Ok(token(1))));
    talk.on(Event::Token(Err(needed())));
    talk.server(1, &json!({"id": 2, "result": {"tools": []}}));
    talk.take_handshake(2);
    assert_eq!(talk.requests(2, &json!(1)), 1, "{:?}", talk.done);
}

#[test]
fn a_sign_in_elsewhere_closes_the_open_dialog() {
    let mut talk = Talk::open("2025-11-25", &json!({"elicitation": {"url": {}}}));
    talk.call(1, &json!({}));
    talk.on(Event::UserCode(1, code()));
    let dialog = talk.said.last().expect("a dialog")["id"].clone();
    talk.others_saved(1);
    talk.client(&json!({"id": 2, "method": "tools/list"}));
    talk.server(1, &json!({"id": 2, "result": {"tools": []}}));
    talk.on(Event::Token(Ok(token(1))));
    talk.take_handshake(2);
    let methods: Vec<&str> = talk
        .said
        .iter()
        .filter_map(|one| one["method"].as_str())
        .collect();
    assert_eq!(
        methods,
        [
            "elicitation/create",
            "notifications/elicitation/complete",
            "notifications/cancelled"
        ]
    );
    assert_eq!(talk.said[3]["params"]["requestId"], dialog);
    assert!(talk.news().contains(&"CancelSignIn".into()));
    assert_eq!(talk.requests(2, &json!(1)), 1);
    // What that sign-in says later is nobody's business any more.
    talk.on(Event::SignedIn(1, Err(needed())));
    assert_eq!(talk.answered(), [&json!(2)]);
}

#[test]
fn a_call_comes_back_from_our_dialog_as_it_was() {
    let mut talk = Talk::open("2026-07-28", &json!({}));
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {"elicitation": {}},
    });
    talk.call(1, &meta);
    talk.on(Event::UserCode(1, code()));
    assert_eq!(talk.said[0]["result"]["requestState"], "ghtok.login.0");
    talk.on(Event::SignedIn(1, Ok(token(1))));
    talk.take_handshake(2);
    let back = format!(
        r#"{{"id":2,"method":"tools/call","params":{{"z":12345678901234567890123,"requestState":"ghtok.login.0:a\"b","inputResponses":{{"ghtok.login":{{"action":"accept"}},"own":1.50}},"a":[ ],"_meta":{meta}}}}}"#
    );
    let wanted = back
        .replace(r#""ghtok.login":{"action":"accept"},"#, "")
        .replace("ghtok.login.0:", "");
    let raw = ghtok::testing::mcp::line::Line::from(format!("{back}\n").into_bytes());
    talk.on(Event::Client(raw, None));
    let (server, sent) = talk.sent.last().expect("the call");
    assert_eq!(
        (*server, sent),
        (2, &serde_json::from_str(&wanted).expect("JSON"))
    );
}

/// P5: `--eager` is a person's word that may be given beforehand.
#[test]
fn p5_eager_asks_at_the_start_and_only_there() {
    let mut talk = Talk::begin(Settings {
        asking: Asking::AtOnce,
        ..settings()
    });
    talk.on(Event::Token(Err(needed())));
    assert_eq!(talk.news(), ["Fetch", "start 1 with None", "SignIn(1)"]);
    talk.on(Event::UserCode(1, code()));
    talk.client(
        &json!({"id": 0, "method": "initialize", "params": {"capabilities": {"elicitation": {}}}}),
    );
    talk.server(
        1,
        &json!({"id": 0, "result": {"protocolVersion": "2025-06-18"}}),
    );
    assert_eq!(talk.said.len(), 1, "no dialog before the client is ready");
    talk.client(&json!({"method": "notifications/initialized"}));
    assert_eq!(talk.said[1]["method"], "elicitation/create");
    talk.pass(SECOND);
    let dialog = talk.said[1]["id"].clone();
    talk.client(&json!({"id": dialog, "result": {"action": "decline"}}));
    talk.pass(SECOND);
    assert!(!talk.news().contains(&"SignIn(1)".into()), "a no is a no");
    let mut usual = Talk::begin(settings());
    usual.on(Event::Token(Err(needed())));
    assert_eq!(usual.news(), ["Fetch", "start 1 with None"]);
}

/// Answers a dialog `after` it was opened; what the client hears next.
fn answered_after(after: Duration, action: &str) -> Talk {
    let mut talk = Talk::open("2025-11-25", &json!({"elicitation": {}}));
    talk.call(1, &json!({}));
    talk.on(Event::UserCode(1, code()));
    let dialog = talk.said.last().expect("a dialog")["id"].clone();
    talk.said.clear();
    talk.pass(after);
    talk.client(&json!({"id": dialog, "result": {"action": action}}));
    talk
}

/// Some clients say that they can show dialogs and decline each one by themselves.
#[test]
fn p5_a_dialog_answered_within_400_ms_was_answered_by_no_person() {
    for action in ["decline", "cancel"] {
        let talk = answered_after(Duration::from_millis(399), action);
        let text = talk.said[0]["result"]["content"][0]["text"]
            .as_str()
            .expect("the code instead")
            .to_owned();
        assert!(text.contains("ABCD-1234"), "{action}: {text}");
        assert!(
            !text.contains("declined") && !text.contains("closed"),
            "{text}"
        );
        assert!(!talk.done.contains(&"CancelSignIn".into()), "{action}");
    }
    let declined = answered_after(Duration::from_millis(400), "decline");
    assert!(declined.done.contains(&"CancelSignIn".into()));
    let text = declined.said[0].to_string();
    assert!(text.contains("the sign-in was declined"), "{text}");
    let closed = answered_after(Duration::from_millis(400), "cancel");
    let text = closed.said[0].to_string();
    assert!(text.contains("the dialog was closed"), "{text}");
}
