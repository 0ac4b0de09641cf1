//! Troubles of a conversation, without a process: ends, failures and sign-ins at the worst moment.

use std::time::Duration;

use ghtok::testing::mcp::conversation::{Ended, Event, Restarts, Settings, Timing};
use serde_json::{Value, json};

use super::talk::{Talk, line, offline, settings, token};

const GONE: Ended = Ended { code: 3 };
const SECOND: Duration = Duration::from_secs(1);

fn cancel(id: u32) -> Value {
    json!({"method": "notifications/cancelled", "params": {"requestId": id}})
}

/// Another process has refreshed; the next call finds out.
fn begin_exchange(talk: &mut Talk, id: u32) {
    talk.others_saved(2);
    talk.call(id, &json!({}));
}

#[test]
fn an_exchange_holds_fetches_starts_tells_and_switches() {
    let mut talk = Talk::signed_in();
    begin_exchange(&mut talk, 1);
    assert_eq!(talk.news(), ["Fetch"]);
    talk.on(Event::Token(Ok(token(2))));
    assert_eq!(talk.news(), ["start 2 with Some(2)"]);
    assert!(talk.answered().is_empty() && talk.requests(1, &json!(1)) == 0);
    talk.take_handshake(2);
    assert_eq!(talk.news(), ["stop 1"]);
    assert_eq!(talk.requests(2, &json!(1)), 1);
    // The same news once more is no reason for another.
    talk.call(2, &json!({}));
    assert_eq!(talk.requests(2, &json!(2)), 1);
}

#[test]
fn a_cancelled_call_delays_no_exchange_and_gets_no_answer_of_ours() {
    let mut talk = Talk::signed_in();
    talk.call(1, &json!({}));
    talk.client(&cancel(1));
    begin_exchange(&mut talk, 2);
    assert_eq!(talk.news(), ["Fetch"], "at once");
    talk.on(Event::Token(Ok(token(2))));
    talk.client(&cancel(2));
    talk.take_handshake(2);
    assert!(talk.said.is_empty(), "{:?}", talk.said);
    assert_eq!(talk.requests(2, &json!(2)), 0, "it was still held");
}

#[test]
fn a_call_that_is_cancelled_after_a_crash_is_not_made_again() {
    let mut talk = Talk::signed_in();
    talk.client(&json!({"id": 1, "method": "resources/read", "params": {"uri": "a:1"}}));
    talk.on(Event::Ended(1, GONE));
    talk.client(&cancel(1));
    talk.on(Event::Token(Ok(token(1))));
    talk.take_handshake(2);
    assert_eq!(talk.requests(2, &json!(1)), 0);
}

#[test]
fn the_old_server_may_die_at_any_step_of_an_exchange() {
    for step in 0..3 {
        let mut talk = Talk::signed_in();
        talk.client(&json!({"id": 7, "method": "tools/list"}));
        let die = |talk: &mut Talk, now: usize| {
            if now == step {
                talk.on(Event::Ended(1, GONE));
            }
        };
        begin_exchange(&mut talk, 1);
        die(&mut talk, 0);
        if step > 0 {
            talk.pass(30 * SECOND);
        }
        die(&mut talk, 1);
        talk.on(Event::Token(Ok(token(2))));
        die(&mut talk, 2);
        talk.take_handshake(2);
        let news = talk.news();
        let count = |deed: &str| news.iter().filter(|one| one.starts_with(deed)).count();
        assert_eq!((count("Fetch"), count("start")), (1, 1), "{step}: {news:?}");
        assert_eq!(
            (talk.requests(2, &json!(1)), talk.requests(2, &json!(7))),
            (1, 1),
            "{step}"
        );
    }
}

#[test]
fn a_new_server_that_dies_after_the_old_one_is_followed_by_another() {
    let mut talk = Talk::signed_in();
    begin_exchange(&mut talk, 1);
    talk.on(Event::Token(Ok(token(2))));
    talk.on(Event::Ended(1, GONE));
    talk.on(Event::Ended(2, GONE));
    talk.on(Event::Token(Ok(token(2))));
    talk.take_handshake(3);
    assert_eq!(talk.requests(3, &json!(1)), 1);
}

#[test]
fn a_token_that_comes_late_is_still_used() {
    let mut talk = Talk::begin(settings());
    talk.client(&json!({"id": 0, "method": "initialize", "params": {}}));
    talk.pass(5 * SECOND);
    assert_eq!(talk.news(), ["Fetch", "start 1 with None"]);
    talk.on(Event::Token(Ok(token(1))));
    assert!(talk.news().is_empty(), "the handshake ends first");
    talk.server(
        1,
        &json!({"id": 0, "result": {"protocolVersion": "2025-11-25"}}),
    );
    assert_eq!(talk.news(), ["start 2 with Some(1)"]);
}

#[test]
fn a_refresh_that_fails_lets_the_held_calls_go_and_is_tried_again() {
    let mut talk = Talk::signed_in();
    talk.call(9, &json!({}));
    talk.pass(28_600 * SECOND);
    assert!(talk.news().is_empty(), "not while a call is under way");
    talk.server(1, &json!({"id": 9, "result": {}}));
    assert_eq!(talk.news(), ["Fetch"]);
    talk.call(1, &json!({}));
    talk.on(Event::Token(Err(offline())));
    assert_eq!(talk.requests(1, &json!(1)), 1);
    talk.server(1, &json!({"id": 1, "result": {}}));
    talk.news();
    talk.call(2, &json!({}));
    assert!(talk.news().is_empty(), "not at once");
    talk.server(1, &json!({"id": 2, "result": {}}));
    talk.pass(5 * SECOND);
    assert_eq!(talk.news(), ["Fetch"], "by itself");
    talk.on(Event::Token(Err(offline())));
    // The token ends; whoever calls is told why, and no call is held for ever.
    talk.pass(200 * SECOND);
    talk.on(Event::Token(Err(offline())));
    talk.call(3, &json!({}));
    let last = talk.said.last().expect("an answer");
    assert!(last.to_string().contains("cannot be reached"), "{last}");
}

#[test]
fn two_exchanges_in_a_row_lose_nothing() {
    let mut talk = Talk::signed_in();
    begin_exchange(&mut talk, 1);
    talk.on(Event::Token(Ok(token(2))));
    // While the handshake goes on, the next one is saved already.
    talk.others_saved(3);
    talk.call(2, &json!({}));
    talk.take_handshake(2);
    assert_eq!(
        talk.news(),
        ["Fetch", "start 2 with Some(2)", "stop 1", "Fetch"]
    );
    talk.on(Event::Token(Ok(token(3))));
    talk.take_handshake(3);
    assert_eq!(talk.news(), ["start 3 with Some(3)", "stop 2"]);
    for id in [1, 2] {
        let made: usize = (1..4).map(|server| talk.requests(server, &json!(id))).sum();
        assert_eq!((made, talk.requests(3, &json!(id))), (1, 1), "{id}");
    }
}

#[test]
fn a_batch_keeps_its_ids_apart_too() {
    let mut talk = Talk::signed_in();
    talk.server(
        1,
        &json!([{"id": 0, "method": "roots/list"}, {"method": "notifications/message"}]),
    );
    let ours = talk.said[0][0]["id"].clone();
    assert_eq!(ours, "ghtok:1:1");
    talk.client(&json!([{"id": ours, "result": {}}, {"id": 1, "method": "tools/list"}]));
    assert_eq!(talk.sent[0].1[0]["id"], 0);
    // It is held like any request, and answered like any.
    talk.others_saved(2);
    talk.client(&json!([{"id": 2, "method": "tools/call"}, {"id": 3, "method": "ping"}]));
    assert!(talk.news().is_empty(), "the first batch is under way");
    talk.server(1, &json!([{"id": 1, "result": {}}]));
    assert_eq!(talk.news(), ["Fetch"]);
    talk.on(Event::Token(Ok(token(2))));
    talk.take_handshake(2);
    let last = talk.sent.last().expect("the batch");
    assert_eq!((last.0, &last.1[1]["id"]), (2, &json!(3)));
}

#[test]
fn an_answer_to_a_server_that_is_gone_reaches_nobody() {
    let mut talk = Talk::signed_in();
    talk.server(1, &json!({"id": 0, "method": "roots/list"}));
    let ours = talk.said[0]["id"].clone();
    talk.on(Event::Ended(1, GONE));
    talk.on(Event::Token(Ok(token(1))));
    talk.take_handshake(2);
    let before = talk.sent.len();
    talk.client(&json!({"id": ours, "result": {"roots": []}}));
    assert_eq!(talk.sent.len(), before);
}

/// Whether it is asked in the middle of a call or not.
#[test]
fn an_exchange_waits_for_the_answer_to_a_servers_own_question() {
    let mut talk = Talk::signed_in();
    talk.server(1, &json!({"id": 0, "method": "roots/list"}));
    let ours = talk.said[0]["id"].clone();
    begin_exchange(&mut talk, 1);
    assert!(talk.news().is_empty());
    talk.client(&json!({"id": ours, "result": {"roots": []}}));
    assert_eq!(talk.news(), ["Fetch"]);
    assert_eq!(talk.sent.last().expect("the answer").1["id"], 0);
}

#[test]
fn a_client_that_is_not_through_with_its_handshake_is_told_for_once() {
    let mut talk = Talk::begin(settings());
    talk.on(Event::Token(Ok(token(1))));
    let opening =
        json!({"id": 0, "method": "initialize", "params": {"protocolVersion": "2025-11-25"}});
    talk.client(&opening);
    talk.server(
        1,
        &json!({"id": 0, "result": {"protocolVersion": "2025-11-25"}}),
    );
    begin_exchange(&mut talk, 1);
    talk.client(&json!({"method": "notifications/initialized"}));
    talk.on(Event::Token(Ok(token(2))));
    talk.take_handshake(2);
    let told = talk
        .sent
        .iter()
        .filter(|(server, one)| *server == 2 && one["method"] == "notifications/initialized");
    assert_eq!(told.count(), 1);
}

/// It may have written all that it wants answered, and closed its end at once.
#[test]
fn what_was_said_before_the_end_is_served() {
    let mut talk = Talk::begin(settings());
    talk.client(&json!({"id": 0, "method": "initialize", "params": {}}));
    talk.on(Event::Close(None));
    talk.on(Event::Token(Ok(token(1))));
    assert_eq!(talk.requests(1, &json!(0)), 1);
    assert_eq!(talk.news(), ["Fetch", "start 1 with Some(1)"]);
    talk.server(1, &json!({"id": 0, "result": {}}));
    assert_eq!(talk.news(), ["CancelSignIn", "stop 1"]);
    // Not for ever.
    let mut talk = Talk::begin(settings());
    talk.client(&json!({"id": 0, "method": "initialize", "params": {}}));
    talk.on(Event::Close(None));
    talk.pass(Timing::STANDARD.last_requests);
    assert!(talk.news().contains(&"CancelSignIn".into()));
    let mut talk = Talk::begin(settings());
    talk.client(&json!({"id": 0, "method": "initialize", "params": {}}));
    talk.on(Event::Close(Some(15)));
    assert_eq!(talk.news().last().map(String::as_str), Some("Exit(143)"));
}

#[test]
fn a_server_that_may_not_be_exchanged_keeps_its_token() {
    let mut talk = Talk::begin(Settings {
        restarts: Restarts::Never,
        ..settings()
    });
    talk.on(Event::Token(Ok(token(1))));
    talk.client(&json!({"id": 0, "method": "initialize", "params": {}}));
    talk.server(
        1,
        &json!({"id": 0, "result": {"protocolVersion": "2025-11-25"}}),
    );
    talk.news();
    talk.others_saved(2);
    talk.pass(30_000 * SECOND);
    talk.call(1, &json!({}));
    assert_eq!(talk.requests(1, &json!(1)), 1);
    assert!(talk.news().is_empty());
}

fn refused(id: u32) -> Value {
    json!({"id": id, "result": {"isError": true, "content": [{"type": "text", "text": "401 Bad credentials []"}]}})
}

#[test]
fn a_dead_token_is_replaced_after_what_is_under_way_has_ended() {
    let mut talk = Talk::signed_in();
    for id in 1..=3 {
        talk.call(id, &json!({}));
    }
    talk.server(1, &refused(1));
    assert_eq!(talk.news(), ["Check(1)"]);
    talk.on(Event::Token(Ok(token(2))));
    assert!(talk.news().is_empty(), "two calls are under way");
    talk.server(1, &refused(2));
    talk.server(1, &json!({"id": 3, "result": {}}));
    assert_eq!(talk.news(), ["start 2 with Some(2)"]);
    talk.take_handshake(2);
    assert_eq!(talk.answered().len(), 3, "{:?}", talk.said);
    assert!(talk.said[1].to_string().contains("Call the tool again"));
}

#[test]
fn an_answer_that_waits_for_a_check_is_given_at_the_end_too() {
    let mut talk = Talk::signed_in();
    talk.call(9, &json!({}));
    talk.server(1, &refused(9));
    for server in 1..=4 {
        talk.on(Event::Ended(server, GONE));
        talk.on(Event::Token(Ok(token(1))));
    }
    assert_eq!(talk.answered(), [&json!(9)]);
    assert_eq!(talk.news().last().map(String::as_str), Some("Exit(3)"));
}

#[test]
fn a_new_server_that_refuses_a_subscription_is_heard() {
    let mut talk = Talk::open("2026-07-28", &json!({}));
    let meta = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28"});
    talk.client(&json!({"id": 4, "method": "subscriptions/listen", "params": {"_meta": meta}}));
    talk.on(Event::Ended(1, GONE));
    talk.on(Event::Token(Ok(token(1))));
    assert_eq!(talk.requests(2, &json!(4)), 1);
    talk.server(
        2,
        &json!({"id": 4, "error": {"code": -32601, "message": "no"}}),
    );
    assert_eq!(talk.answered(), [&json!(4)]);
}

/// A round of a server's own is continued before an exchange, and not held for it.
#[test]
fn an_exchange_waits_for_a_call_that_comes_back() {
    let mut talk = Talk::signed_in_modern();
    let meta = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28"});
    talk.call(1, &meta);
    talk.server(
        1,
        &json!({"id": 1, "result": {"resultType": "input_required", "requestState": "s"}}),
    );
    talk.others_saved(2);
    talk.call(2, &meta);
    assert!(talk.news().is_empty());
    let params = json!({"name": "write", "requestState": "s", "inputResponses": {}, "_meta": meta});
    talk.on(Event::Client(
        line(&json!({"id": 3, "method": "tools/call", "params": params})),
        None,
    ));
    assert_eq!(talk.requests(1, &json!(3)), 1);
    assert!(talk.news().is_empty(), "it is under way now");
    talk.server(1, &json!({"id": 3, "result": {"resultType": "complete"}}));
    assert_eq!(talk.news(), ["Fetch"]);
}
