use super::*;
use crate::formats::json_rpc::{self, Line as Parsed};

fn with<T>(message: &Value, use_it: impl FnOnce(&str, &Message<'_>) -> T) -> T {
    let line = message.to_string();
    let Parsed::One(message) = json_rpc::read(line.as_bytes()) else {
        panic!("{line}");
    };
    use_it(message.method.as_deref().unwrap_or_default(), &message)
}

/// A legacy client that has agreed on this version.
fn opened(version: &str, capabilities: &Value) -> Handshake {
    let mut handshake = Handshake::default();
    let params = json!({"protocolVersion": version, "capabilities": capabilities});
    with(
        &json!({"id": 0, "method": "initialize", "params": params}),
        |method, message| handshake.received(method, message),
    );
    assert!(handshake.replay(2).is_none(), "it is not answered yet");
    with(
        &json!({"id": 0, "result": {"protocolVersion": version}}),
        |_, message| handshake.answered(message),
    );
    handshake
}

#[test]
fn only_dialogs_of_the_agreed_version_are_used() {
    let both = json!({"elicitation": {"url": {}, "form": {}}});
    let links = json!({"elicitation": {"url": {}}});
    let forms = json!({"elicitation": {}});
    for (version, declared, url, form) in [
        ("2025-03-26", &both, false, false),
        ("2025-06-18", &both, false, true),
        ("2025-06-18", &links, false, false),
        ("2025-06-18", &forms, false, true),
        ("2025-11-25", &both, true, true),
        ("2025-11-25", &links, true, false),
        ("2025-11-25", &json!({}), false, false),
    ] {
        let dialogs = opened(version, declared).dialogs();
        assert_eq!(dialogs, Modes { url, form }, "{version} {declared}");
    }
}

#[test]
fn the_first_requests_show_the_revision() {
    let version = json!({"_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28"}});
    for (messages, revision) in [
        (vec![json!({"id": 1, "method": "ping"})], None),
        (
            vec![json!({"id": 1, "method": "initialize"})],
            Some(ProtocolRevision::Legacy),
        ),
        (
            vec![json!({"id": 1, "method": "server/discover"})],
            Some(ProtocolRevision::Modern),
        ),
        (
            vec![json!({"id": 1, "method": "tools/list", "params": version})],
            Some(ProtocolRevision::Modern),
        ),
        (
            // The server did not know it.
            vec![
                json!({"id": 1, "method": "server/discover"}),
                json!({"id": 2, "method": "initialize"}),
                json!({"id": 3, "method": "tools/list", "params": version}),
            ],
            Some(ProtocolRevision::Legacy),
        ),
    ] {
        let mut handshake = Handshake::default();
        for message in &messages {
            with(message, |method, message| {
                handshake.received(method, message);
            });
        }
        assert_eq!(handshake.revision(), revision, "{messages:?}");
    }
}

#[test]
fn a_new_server_must_agree_on_the_same_version() {
    let handshake = opened("2025-06-18", &json!({}));
    for (message, reply) in [
        (
            json!({"id": "ghtok:initialize:2", "result": {"protocolVersion": "2025-06-18"}}),
            ReplayReply::Agreed,
        ),
        (
            json!({"id": "ghtok:initialize:2", "result": {"protocolVersion": "2025-03-26"}}),
            ReplayReply::Disagreed,
        ),
        (
            json!({"id": "ghtok:initialize:2", "error": {"code": -1, "message": ""}}),
            ReplayReply::Disagreed,
        ),
        (
            json!({"id": "ghtok:initialize:1", "result": {"protocolVersion": "2025-06-18"}}),
            ReplayReply::Other,
        ),
        (
            json!({"id": "ghtok:initialize:2", "method": "ping"}),
            ReplayReply::Other,
        ),
    ] {
        let found = with(&message, |_, message| handshake.replay_reply(2, message));
        assert_eq!(found, reply, "{message}");
    }
}

#[test]
fn a_new_server_is_told_what_the_client_has_set() {
    let mut handshake = opened("2025-06-18", &json!({}));
    assert!(handshake.catch_up(2).is_empty());
    handshake.client_is_ready();
    for message in [
        json!({"id": 1, "method": "logging/setLevel", "params": {"level": "debug"}}),
        json!({"id": 2, "method": "logging/setLevel", "params": {"level": "error"}}),
        json!({"id": 3, "method": "resources/subscribe", "params": {"uri": "a:1"}}),
        json!({"id": 4, "method": "resources/subscribe", "params": {"uri": "a:2"}}),
        json!({"id": 5, "method": "resources/unsubscribe", "params": {"uri": "a:1"}}),
    ] {
        with(&message, |method, message| handshake.sent(method, message));
    }
    let lines = handshake.catch_up(2);
    let told: Vec<String> = lines
        .iter()
        .map(|(_, line)| String::from_utf8_lossy(line).into_owned())
        .collect();
    assert_eq!(told.len(), 3, "{told:?}");
    for (line, part) in told.iter().zip(["initialized", "error", "a:2"]) {
        assert!(line.contains(part), "{line}");
    }
    assert!(lines[0].0.is_none() && lines[1].0 == Some(Id::text("ghtok:again:2:0")));
}
