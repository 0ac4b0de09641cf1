//! The headers of a request that carries one message (modelcontextprotocol.io, "Transports", Streamable
//! HTTP). Pure.

use std::collections::HashMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::extra_header::Header;
use crate::formats::json_rpc::{self, Message};
use crate::mcp::messages::ProtocolRevision;
use crate::token::AccessToken;

/// The first revision without a handshake: its requests are described by headers.
const FIRST_MODERN: &str = "2026-07-28";

/// What a request of revision 2026-07-28 tells of itself.
#[derive(Default, Deserialize)]
#[serde(default)]
struct DescribedParams<'a> {
    #[serde(rename = "_meta")]
    meta: Option<VersionMeta>,
    name: Option<String>,
    uri: Option<String>,
    #[serde(borrow)]
    arguments: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct VersionMeta {
    #[serde(rename = "io.modelcontextprotocol/protocolVersion")]
    version: Option<String>,
}

/// The part of `tools/list` that names headers.
#[derive(Deserialize)]
struct ToolSchemas {
    tools: Vec<ToolSchema>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ToolSchema {
    name: String,
    #[serde(default)]
    input_schema: Value,
}

/// Which arguments of which tool are repeated in headers: the header's name, and the path to the argument.
#[derive(Debug, Default)]
pub(super) struct ParameterHeaders(HashMap<String, Vec<(String, Vec<String>)>>);

/// What is known of the session.
#[derive(Clone, Debug, Default)]
pub(super) struct SessionFacts {
    /// The id that the server has given it.
    pub(super) id: Option<String>,
    /// The agreed version.
    pub(super) version: Option<String>,
}

/// What a message tells of its protocol revision: since 2026-07-28 every request has its version.
pub(super) fn revision(message: &Message<'_>) -> ProtocolRevision {
    let params: DescribedParams<'_> = message.params_as().unwrap_or_default();
    let version = params.meta.and_then(|meta| meta.version);
    if version.is_some_and(|version| &*version >= FIRST_MODERN) {
        ProtocolRevision::Modern
    } else {
        ProtocolRevision::Legacy
    }
}

/// The headers of every request.
pub(super) fn common(token: &AccessToken, extra: &[Header], facts: &SessionFacts) -> Vec<Header> {
    let bearer = Zeroizing::new(format!("Bearer {}", token.expose()));
    let mut headers = extra.to_vec();
    headers.push(("Authorization".into(), bearer));
    let known = [
        ("Mcp-Session-Id", &facts.id),
        ("MCP-Protocol-Version", &facts.version),
    ];
    for (name, value) in known {
        headers.extend(value.iter().map(|value| header(name, value)));
    }
    headers
}

/// The headers that describe this line.
pub(super) fn of_line(line: &[u8], parameters: &ParameterHeaders) -> Vec<Header> {
    let mut headers = vec![
        header("Accept", "application/json, text/event-stream"),
        header("Content-Type", "application/json"),
    ];
    let json_rpc::Line::One(message) = json_rpc::read(line) else {
        return headers;
    };
    let params: DescribedParams<'_> = message.params_as().unwrap_or_default();
    let version = params.meta.and_then(|meta| meta.version);
    let (Some(version), Some(method)) = (version, message.method.as_deref()) else {
        return headers;
    };
    if &*version < FIRST_MODERN {
        return headers;
    }
    headers.push(header("MCP-Protocol-Version", &version));
    headers.push(header("Mcp-Method", &encoded(method)));
    let name = match method {
        "tools/call" | "prompts/get" => params.name.as_deref(),
        "resources/read" => params.uri.as_deref(),
        _ => None,
    };
    headers.extend(name.map(|name| header("Mcp-Name", &encoded(name))));
    if let (Some(tool), Some(arguments)) = (&params.name, params.arguments)
        && method == "tools/call"
    {
        headers.extend(parameters.of_call(tool, arguments));
    }
    headers
}

/// A request for the list of tools, with the `_meta` of this one.
pub(super) fn tools_list(line: &[u8]) -> Option<Vec<u8>> {
    #[derive(Deserialize)]
    struct ListParams<'a> {
        #[serde(borrow, rename = "_meta")]
        meta: &'a RawValue,
    }
    let json_rpc::Line::One(message) = json_rpc::read(line) else {
        return None;
    };
    let params: ListParams<'_> = message.params_as()?;
    let meta = params.meta.get();
    let request = format!(
        r#"{{"jsonrpc":"2.0","id":"ghtok:tools","method":"tools/list","params":{{"_meta":{meta}}}}}"#
    );
    Some(request.into_bytes())
}

fn header(name: &str, value: &str) -> Header {
    (name.to_owned(), Zeroizing::new(value.to_owned()))
}

/// A value as headers have it: what is not plain text, or looks as if it were encoded, is encoded.
fn encoded(value: &str) -> String {
    let is_plain = value.bytes().all(|byte| (b' '..=b'~').contains(&byte))
        && value.trim() == value
        && !value.starts_with("=?base64?");
    if is_plain {
        value.to_owned()
    } else {
        format!("=?base64?{}?=", BASE64_STANDARD.encode(value))
    }
}

impl ParameterHeaders {
    /// Learns from the response to `tools/list`.
    pub(super) fn learn(&mut self, response: &Message<'_>) {
        let Some(list) = response.result_as::<ToolSchemas>() else {
            return;
        };
        for tool in list.tools {
            let mut found = Vec::new();
            collect(&tool.input_schema, &mut Vec::new(), &mut found);
            if found.is_empty() {
                self.0.remove(&tool.name);
            } else {
                self.0.insert(tool.name, found);
            }
        }
    }

    fn of_call(&self, tool: &str, arguments: &RawValue) -> Vec<Header> {
        let Some(known) = self.0.get(tool) else {
            return Vec::new();
        };
        let arguments: Value = serde_json::from_str(arguments.get()).unwrap_or_default();
        let value = |path: &[String]| {
            let value = path
                .iter()
                .try_fold(&arguments, |value, name| value.get(name))?;
            match value {
                Value::String(text) => Some(encoded(text)),
                Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
                _ => None,
            }
        };
        let headers = known
            .iter()
            .filter_map(|(name, path)| Some(header(&format!("Mcp-Param-{name}"), &value(path)?)));
        headers.collect()
    }
}

/// The annotated properties of a schema, at any depth of objects. Only strings, booleans and integers can
/// be annotated.
fn collect(schema: &Value, path: &mut Vec<String>, found: &mut Vec<(String, Vec<String>)>) {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
        return;
    };
    for (name, property) in properties {
        path.push(name.clone());
        let kind = property.get("type").and_then(Value::as_str);
        let can_have_one = matches!(kind, Some("string" | "boolean" | "integer"));
        match property.get("x-mcp-header").and_then(Value::as_str) {
            Some(header) if can_have_one && is_header_name(header) => {
                found.push((header.to_owned(), path.clone()));
            }
            Some(_) => {}
            None => collect(property, path, found),
        }
        path.pop();
    }
}

fn is_header_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(headers: &[Header]) -> Vec<String> {
        let shown = headers
            .iter()
            .map(|(name, value)| format!("{name}: {}", **value));
        shown.skip(2).collect()
    }

    fn modern(method: &str, params: Value) -> Vec<u8> {
        let mut params = params;
        params["_meta"] = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28"});
        let message = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        message.to_string().into_bytes()
    }

    #[test]
    fn a_modern_request_is_described_by_headers() {
        let none = ParameterHeaders::default();
        for (line, expected) in [
            (modern("tools/list", json!({})), &["tools/list"][..]),
            (
                modern("tools/call", json!({"name": "a"})),
                &["tools/call", "a"],
            ),
            (
                modern("resources/read", json!({"uri": "x:/é"})),
                &["resources/read", "=?base64?eDovw6k=?="],
            ),
            (
                modern("prompts/get", json!({"name": "a\r\nX: y"})),
                &["prompts/get", "=?base64?YQ0KWDogeQ==?="],
            ),
            (
                modern("prompts/get", json!({"name": " a"})),
                &["prompts/get", "=?base64?IGE=?="],
            ),
            (
                modern("prompts/get", json!({"name": "=?base64?YQ==?="})),
                &["prompts/get", "=?base64?PT9iYXNlNjQ/WVE9PT89?="],
            ),
        ] {
            let found = shown(&of_line(&line, &none));
            assert_eq!(found[0], "MCP-Protocol-Version: 2026-07-28");
            let names = ["Mcp-Method", "Mcp-Name"].iter().zip(expected);
            let expected: Vec<_> = names
                .map(|(name, value)| format!("{name}: {value}"))
                .collect();
            assert_eq!(found[1..], expected);
        }
        let legacy = br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a"}}"#;
        assert!(shown(&of_line(legacy, &none)).is_empty());
    }

    #[test]
    fn annotated_arguments_are_repeated_in_headers() {
        let schema = json!({"type": "object", "properties": {
            "region": {"type": "string", "x-mcp-header": "Region"},
            "deep": {"type": "object", "properties": {"limit": {"type": "integer", "x-mcp-header": "Limit"}}},
            "sure": {"type": "boolean", "x-mcp-header": "Sure"},
            "rate": {"type": "number", "x-mcp-header": "Rate"},
            "bad": {"type": "string", "x-mcp-header": "X\r\nY"},
            "absent": {"type": "string", "x-mcp-header": "Absent"},
        }});
        let list = json!({"jsonrpc": "2.0", "id": 1, "result": {"tools": [{"name": "a", "inputSchema": schema}]}});
        let list = list.to_string();
        let json_rpc::Line::One(list) = json_rpc::read(list.as_bytes()) else {
            panic!("a message");
        };
        let mut parameters = ParameterHeaders::default();
        parameters.learn(&list);
        let arguments = json!({"region": "süd", "deep": {"limit": 7}, "sure": true, "rate": 1.5,
            "bad": "x", "absent": null});
        let line = modern("tools/call", json!({"name": "a", "arguments": arguments}));
        let mut found = shown(&of_line(&line, &parameters))[3..].to_vec();
        found.sort();
        assert_eq!(
            found,
            [
                "Mcp-Param-Limit: 7",
                "Mcp-Param-Region: =?base64?c8O8ZA==?=",
                "Mcp-Param-Sure: true"
            ]
        );
    }

    #[test]
    fn a_session_is_named_in_each_request() {
        let facts = SessionFacts {
            id: Some("s".into()),
            version: Some("2025-11-25".into()),
        };
        let extra = [header("X-MCP-Readonly", "true")];
        let headers = common(&AccessToken::new("ghu_x"), &extra, &facts);
        let shown: Vec<_> = headers
            .iter()
            .map(|(name, value)| format!("{name}: {}", **value))
            .collect();
        assert_eq!(
            shown,
            [
                "X-MCP-Readonly: true",
                "Authorization: Bearer ghu_x",
                "Mcp-Session-Id: s",
                "MCP-Protocol-Version: 2025-11-25"
            ]
        );
    }
}
