//! Answers in place of a remote server while nobody is signed in: such a server refuses even to open a
//! conversation. It has one tool, whose call asks for the sign-in. Pure.

use serde::Deserialize;
use serde_json::{Value, json};

use super::request_headers;
use crate::formats::json_rpc::{self, Kind, Message};
use crate::mcp::messages::{self, ProtocolRevision};

/// The tool that signs in.
pub(crate) const SIGN_IN: &str = "sign_in";

/// What a client gets if it names no version that is known here.
const LATEST_LEGACY: &str = "2025-11-25";
const MODERN: &str = "2026-07-28";

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct AskedVersion {
    protocol_version: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ListenParams {
    notifications: Value,
}

/// What is answered to a line, if it wants an answer.
pub(crate) fn answer(line: &[u8]) -> Option<Vec<u8>> {
    let json_rpc::Line::One(message) = json_rpc::read(line) else {
        return None;
    };
    if message.kind() != Some(Kind::Request) {
        return None;
    }
    let raw_id = message.raw_id(line);
    let revision = request_headers::revision(&message);
    let is_modern = revision == ProtocolRevision::Modern;
    let result = match message.method.as_deref().unwrap_or_default() {
        "initialize" => opening(&message),
        "server/discover" => discovery(),
        "tools/list" => tools(is_modern),
        "ping" => json!({}),
        "subscriptions/listen" => return Some(acknowledged(&message, raw_id)),
        method => {
            let text = "ghtok: you are not signed in; call the tool sign_in first";
            return Some(messages::failure(method, raw_id, text, Some(revision)));
        }
    };
    Some(messages::response(raw_id, &result))
}

fn server() -> Value {
    json!({"name": "ghtok", "version": env!("CARGO_PKG_VERSION")})
}

fn opening(message: &Message<'_>) -> Value {
    let params: AskedVersion = message.params_as().unwrap_or_default();
    let asked = params.protocol_version;
    let is_known = ("2024-11-05"..=LATEST_LEGACY).contains(&&*asked);
    json!({
        "protocolVersion": if is_known { &*asked } else { LATEST_LEGACY },
        "capabilities": {"tools": {"listChanged": true}},
        "serverInfo": server(),
    })
}

fn discovery() -> Value {
    json!({
        "resultType": "complete",
        "supportedVersions": [MODERN],
        "capabilities": {"tools": {"listChanged": true}},
        "ttlMs": 0,
        "cacheScope": "private",
        "_meta": {"io.modelcontextprotocol/serverInfo": server()},
    })
}

fn tools(is_modern: bool) -> Value {
    let mut list = json!({"tools": [{
        "name": SIGN_IN,
        "title": "Sign in to GitHub",
        "description": "Signs in to GitHub, which this server needs before it offers its tools. \
            Shows the user a page and a code, and waits until the code is entered there.",
        "inputSchema": {"type": "object", "properties": {}},
        "annotations": {"readOnlyHint": false, "openWorldHint": true},
    }]});
    if is_modern {
        list["resultType"] = "complete".into();
        list["ttlMs"] = 0.into();
        list["cacheScope"] = "private".into();
    }
    list
}

fn acknowledged(message: &Message<'_>, raw_id: &str) -> Vec<u8> {
    let params: ListenParams = message.params_as().unwrap_or_default();
    let wants_tools = params.notifications["toolsListChanged"] == true;
    let id: Value = serde_json::from_str(raw_id).unwrap_or_default();
    let params = json!({
        "_meta": {"io.modelcontextprotocol/subscriptionId": id},
        "notifications": {"toolsListChanged": wants_tools},
    });
    messages::notification("notifications/subscriptions/acknowledged", &params)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(message: &Value) -> Value {
        let answer = answer(message.to_string().as_bytes()).expect("an answer");
        serde_json::from_slice(&answer).expect("JSON")
    }

    #[test]
    fn a_client_opens_a_conversation_and_finds_one_tool() {
        for (asked, agreed) in [
            ("2024-11-05", "2024-11-05"),
            ("2025-06-18", "2025-06-18"),
            ("2027-01-01", "2025-11-25"),
        ] {
            let open =
                json!({"id": 1, "method": "initialize", "params": {"protocolVersion": asked}});
            assert_eq!(answered(&open)["result"]["protocolVersion"], agreed);
        }
        let list = answered(&json!({"id": "a", "method": "tools/list"}));
        assert_eq!(list["id"], "a");
        assert_eq!(list["result"]["tools"][0]["name"], SIGN_IN);
        let error = answered(&json!({"id": 2, "method": "prompts/list"}));
        assert!(
            error["error"]["message"]
                .as_str()
                .expect("a text")
                .contains("sign_in")
        );
        assert!(answer(br#"{"method":"notifications/initialized"}"#).is_none());
    }

    #[test]
    fn a_modern_client_is_told_what_its_revision_wants() {
        let meta = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28"});
        let list = answered(&json!({"id": 1, "method": "tools/list", "params": {"_meta": meta}}));
        assert_eq!(list["result"]["resultType"], "complete");
        let params = json!({"_meta": meta, "notifications": {"toolsListChanged": true}});
        let listen =
            answered(&json!({"id": 7, "method": "subscriptions/listen", "params": params}));
        assert_eq!(
            listen["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"],
            7
        );
        let discovered = answered(&json!({"id": 1, "method": "server/discover"}));
        assert_eq!(
            discovered["result"]["supportedVersions"],
            json!(["2026-07-28"])
        );
    }
}
