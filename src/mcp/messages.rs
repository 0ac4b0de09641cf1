//! The messages that the wrapper itself sends: the sign-in dialog in each of its forms, and answers in
//! place of a server. Each is valid in the protocol revision of the conversation.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::formats::json_rpc::Id;

/// The protocol revisions that differ in how a conversation is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProtocolRevision {
    /// With `initialize`: revisions 2024-11-05 to 2025-11-25.
    Legacy,
    /// Not at all: each request has the client's capabilities. Revision 2026-07-28.
    Modern,
}

/// The user code of a device flow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserCode {
    /// The page on which it is entered.
    pub url: String,
    /// The code itself.
    pub user_code: String,
    /// When it expires, in local time.
    pub until: String,
    /// When it expires, in seconds since 1970.
    pub expires_at: i64,
    /// How long it takes until GitHub is asked again whether it was entered, in seconds.
    #[serde(default = "default_poll_wait")]
    pub poll_wait: u64,
}

/// For a code that an earlier version has published.
fn default_poll_wait() -> u64 {
    6
}

/// The dialogs that a client can show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Modes {
    /// Opens a page in the browser.
    pub url: bool,
    /// Shows a form.
    pub form: bool,
}

/// The field of the form: a client that accepts forms without showing them leaves it empty.
pub(crate) const FIELD: &str = "entered";

/// The key of our dialog in `inputRequests`, among those of a server.
pub(crate) const KEY: &str = "ghtok.login";

impl Modes {
    /// Reads `capabilities.elicitation`; an empty object means forms (revision 2025-06-18).
    pub(crate) fn of(capabilities: &Value) -> Self {
        match capabilities.get("elicitation").and_then(Value::as_object) {
            None => Self::default(),
            Some(modes) => {
                let url = modes.contains_key("url");
                let form = modes.contains_key("form") || !url;
                Self { url, form }
            }
        }
    }

    /// True if the client can show any dialog.
    pub(crate) fn any(self) -> bool {
        self.url || self.form
    }
}

/// `params` of `elicitation/create`. `meta` is that of the held call, without its progress token: some
/// clients match the dialog to the call by it.
pub(crate) fn elicitation(
    code: &UserCode,
    text: &str,
    modes: Modes,
    id: Option<&str>,
    meta: Option<Value>,
) -> Value {
    let mut params = if modes.url {
        json!({"mode": "url", "message": text, "url": code.url})
    } else {
        json!({"message": text, "requestedSchema": form()})
    };
    if let (true, Some(id)) = (modes.url, id) {
        params["elicitationId"] = id.into();
    }
    if let Some(meta) = meta {
        params["_meta"] = meta;
    }
    params
}

fn form() -> Value {
    json!({
        "type": "object",
        "properties": {
            FIELD: {"type": "boolean", "title": "I have entered the code on the page"},
        },
        "required": [FIELD],
    })
}

/// What a person is asked to do.
pub(crate) fn instructions(code: &UserCode, app: &str) -> String {
    format!(
        "Sign in to GitHub for the App \"{app}\": open {} and enter the code {} (valid until {}). \
         Go on only if you asked for this just now.",
        code.url, code.user_code, code.until
    )
}

/// A request from ghtok.
pub(crate) fn request(id: &str, method: &str, params: &Value) -> Vec<u8> {
    line(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}))
}

/// A notification from ghtok.
pub(crate) fn notification(method: &str, params: &Value) -> Vec<u8> {
    line(&json!({"jsonrpc": "2.0", "method": method, "params": params}))
}

/// A response in place of the server; the id as the client wrote it.
pub(crate) fn response(raw_id: &str, result: &Value) -> Vec<u8> {
    let mut bytes = format!("{{\"jsonrpc\":\"2.0\",\"id\":{raw_id},\"result\":").into_bytes();
    bytes.extend(line(result));
    bytes.push(b'}');
    bytes
}

/// An error in place of the server.
fn error(raw_id: &str, code: i32, message: &str) -> Vec<u8> {
    let error = json!({"code": code, "message": message});
    format!("{{\"jsonrpc\":\"2.0\",\"id\":{raw_id},\"error\":{error}}}").into_bytes()
}

/// The response to a request that was not made, or may not have been: a result where tools are called.
pub(crate) fn failure(
    method: &str,
    raw_id: &str,
    text: &str,
    revision: Option<ProtocolRevision>,
) -> Vec<u8> {
    const INTERNAL_ERROR: i32 = -32603;
    if method == "tools/call" {
        let revision = revision.unwrap_or(ProtocolRevision::Legacy);
        response(raw_id, &failed_call(text, revision))
    } else {
        error(raw_id, INTERNAL_ERROR, text)
    }
}

/// A tool's result with one more text; `None` if it has no texts.
pub(crate) fn with_text(line: &[u8], text: &str) -> Option<Vec<u8>> {
    let mut message: Value = serde_json::from_slice(line).ok()?;
    let content = message.pointer_mut("/result/content")?.as_array_mut()?;
    content.push(json!({"type": "text", "text": text}));
    serde_json::to_vec(&message).ok()
}

/// Closes a dialog of the client that nobody needs any more.
pub(crate) fn cancellation(id: &Id) -> Vec<u8> {
    let params = json!({"requestId": id.as_text(), "reason": "no longer needed"});
    notification("notifications/cancelled", &params)
}

/// The result of a tool call that did not reach the tool, or may not have reached it.
fn failed_call(text: &str, revision: ProtocolRevision) -> Value {
    let mut result = json!({"content": [{"type": "text", "text": text}], "isError": true});
    if revision == ProtocolRevision::Modern {
        result["resultType"] = "complete".into();
    }
    result
}

/// The answer that asks for a sign-in first (revision 2026-07-28, "Multi Round-Trip Requests").
pub(crate) fn input_required(code: &UserCode, text: &str, modes: Modes, state: &str) -> Value {
    json!({
        "resultType": "input_required",
        "inputRequests": {
            KEY: {
                "method": "elicitation/create",
                "params": modern(elicitation(code, text, modes, None, None)),
            },
        },
        "requestState": state,
    })
}

/// Adds the mode, which revision 2026-07-28 requires for forms too.
fn modern(mut params: Value) -> Value {
    if params.get("mode").is_none() {
        params["mode"] = "form".into();
    }
    params
}

/// A held call's `_meta` without its progress token, and that token.
pub(crate) fn meta(params: Option<&[u8]>) -> (Option<Value>, Option<Value>) {
    #[derive(Deserialize)]
    struct WithMeta {
        #[serde(rename = "_meta")]
        meta: Option<Value>,
    }
    let meta = params
        .and_then(|params| serde_json::from_slice::<WithMeta>(params).ok())
        .and_then(|params| params.meta);
    let Some(Value::Object(mut meta)) = meta else {
        return (None, None);
    };
    let progress = meta.remove("progressToken");
    (
        (!meta.is_empty()).then_some(Value::Object(meta)),
        progress.filter(|token| !token.is_null()),
    )
}

fn line(value: &Value) -> Vec<u8> {
    serde_json::to_vec(value).expect("values become JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_says_which_dialogs_it_can_show() {
        for (capabilities, url, form) in [
            (json!({}), false, false),
            (json!({"elicitation": {}}), false, true),
            (json!({"elicitation": {"form": {}}}), false, true),
            (json!({"elicitation": {"url": {}}}), true, false),
            (json!({"elicitation": {"form": {}, "url": {}}}), true, true),
            (json!({"elicitation": null}), false, false),
        ] {
            assert_eq!(
                Modes::of(&capabilities),
                Modes { url, form },
                "{capabilities}"
            );
        }
    }

    #[test]
    fn the_progress_token_is_taken_out_of_the_meta() {
        let raw = br#"{"_meta":{"progressToken":7,"a":1}}"#;
        assert_eq!(meta(Some(raw)), (Some(json!({"a": 1})), Some(json!(7))));
        let raw = br#"{"_meta":{"progressToken":"x"}}"#;
        assert_eq!(meta(Some(raw)), (None, Some(json!("x"))));
        assert_eq!(meta(None), (None, None));
    }
}
