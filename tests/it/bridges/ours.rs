//! What only ghtok is asked to do: the revision without sessions, and words that help a person.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fake_github::FakeGitHub;
use serde_json::{Value, json};

use super::desk::{Bridge, Desk, good};
use super::remote::PATIENCE;

const JSON: &str = "Content-Type: application/json\r\n";

fn desk() -> Desk {
    Desk::new(Bridge::Ghtok, FakeGitHub::start().expect("a fake"))
}

/// The parameters of a modern client's request.
fn modern(mut params: Value) -> Value {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    params
}

/// P6: a name from a client or a server is text in a header, never another header.
#[test]
fn p6_names_that_are_no_header_text_are_encoded() {
    let mut desk = desk();
    desk.start(&[]);
    desk.get("server/discover", &modern(json!({})))
        .expect("an answer");
    for name in [
        "plain-name_1",
        "line\r\nX-Evil: 1",
        "line\nX-Evil: 1",
        "nul\0",
        " spaces around ",
        "größe",
        "\u{1f980}",
        "=?base64?aGVsbG8=?=",
    ] {
        let params = modern(json!({"name": name, "arguments": {}}));
        let answer = desk.get("tools/call", &params).expect("an answer");
        assert_eq!(good(&answer).as_deref(), Ok(format!("did {name}").as_str()));
        let state = desk.remote.state();
        let seen = state.of("tools/call").last().expect("just called");
        assert_eq!(seen.request.header("Mcp-Method"), Some("tools/call"));
        assert_eq!(
            seen.request.header("MCP-Protocol-Version"),
            Some("2026-07-28")
        );
        let header = seen.request.header("Mcp-Name").expect("a name").to_owned();
        let inner = header
            .strip_prefix("=?base64?")
            .and_then(|rest| rest.strip_suffix("?="));
        let told = inner.map_or(Ok(header.clone().into_bytes()), |inner| {
            STANDARD.decode(inner)
        });
        assert_eq!(told.expect("base64"), name.as_bytes(), "{header}");
        assert_eq!(name == "plain-name_1", inner.is_none(), "{header}");
    }
    let state = desk.remote.state();
    for seen in &state.seen {
        for header in ["X-Evil", "Mcp-Session-Id", "Origin", "Cookie"] {
            assert_eq!(seen.request.header(header), None);
        }
    }
    assert_eq!(state.count("GET"), 0, "there is no stream in this revision");
}

/// A server that has changed its tools' headers is asked for them, and the call is made once more.
#[test]
fn a_header_mismatch_lists_the_tools_and_tries_once_more() {
    let mut desk = desk();
    desk.start(&[]);
    desk.get("server/discover", &modern(json!({})))
        .expect("an answer");
    desk.get("tools/list", &modern(json!({})))
        .expect("an answer");
    desk.remote
        .plan("tools/call", |exchange| exchange.error(400, -32020));
    desk.remote.plan("tools/list", |exchange| {
        let region = json!({"type": "string", "x-mcp-header": "Region"});
        let schema = json!({"type": "object", "properties": {"region": region}});
        let tools = json!([{"name": "write", "inputSchema": schema}]);
        exchange.result(&json!({"resultType": "complete", "tools": tools}))
    });
    let params = modern(json!({"name": "write", "arguments": {"region": "eu\u{e4}"}}));
    let answer = desk.get("tools/call", &params).expect("an answer");
    good(&answer).expect("a call that went well");
    let state = desk.remote.state();
    assert_eq!(state.of("tools/list").count(), 2);
    let calls: Vec<_> = state.of("tools/call").collect();
    let parameter = |at: usize| calls[at].request.header("Mcp-Param-Region");
    assert_eq!((calls.len(), parameter(0)), (2, None));
    assert_eq!(parameter(1), Some("=?base64?ZXXDpA==?="));
}

/// In the revision without sessions, the end of the stream is the cancellation.
#[test]
fn a_modern_cancellation_closes_the_stream() {
    let mut desk = desk();
    desk.start(&[]);
    let (told, closed) = std::sync::mpsc::channel();
    desk.remote.plan("tools/call", move |exchange| {
        exchange.wire.begin("")?;
        let end = exchange.wire.wait_for_the_end();
        let _ = told.send(());
        end
    });
    let id = desk.ask(
        "tools/call",
        &modern(json!({"name": "write", "arguments": {}})),
    );
    desk.remote
        .wait("the call", |state| state.of("tools/call").count() == 1)
        .expect("a call");
    let params = json!({"requestId": id});
    desk.send(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params}));
    closed.recv_timeout(PATIENCE).expect("a closed stream");
    assert_eq!(desk.remote.state().of("notifications/cancelled").count(), 0);
    let answer = desk
        .get("tools/list", &modern(json!({})))
        .expect("an answer");
    assert!(answer.get("result").is_some(), "{answer}");
}

/// What a server refuses is told with its reason, and not tried again.
#[test]
fn a_refusal_names_its_reason() {
    for (status, headers, body, words) in [
        (
            403,
            "WWW-Authenticate: Bearer error=\"insufficient_scope\", scope=\"repo\"\r\n",
            "",
            &["403", "repo"][..],
        ),
        (
            400,
            "Content-Type: text/plain\r\n",
            "bad request: Authorization header is badly formatted",
            &["400"],
        ),
        (429, "Retry-After: 3600\r\n", "", &["429"]),
        (503, "", "", &["503"]),
    ] {
        let mut desk = desk();
        desk.open().expect("a session");
        desk.remote.plan("tools/call", move |exchange| {
            exchange.wire.answer(status, headers, body.as_bytes())
        });
        let answer = desk.fails("write").expect("an error");
        for word in words {
            assert!(answer.contains(word), "{status}: {answer}");
        }
        assert_eq!(desk.remote.state().of("tools/call").count(), 1, "{status}");
    }
}

/// What a busy server asks to wait is waited for, once, where nothing can be done twice.
#[test]
fn a_list_waits_as_long_as_a_busy_server_asks() {
    let mut desk = desk();
    desk.open().expect("a session");
    desk.remote.plan("tools/list", |exchange| {
        exchange
            .wire
            .answer(429, &format!("Retry-After: 1\r\n{JSON}"), b"")
    });
    let list = desk.get("tools/list", &json!({})).expect("an answer");
    assert!(list.get("result").is_some(), "{list}");
}
