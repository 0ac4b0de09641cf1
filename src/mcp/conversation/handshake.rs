//! What the client opened the conversation with and has set since: a new server is told the same, and
//! it decides which dialogs the client may be shown.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::formats::json_rpc::{Id, Message};
use crate::mcp::line::Line;
use crate::mcp::messages::{Modes, ProtocolRevision};

/// The members of `_meta` that each request has in revision 2026-07-28.
const VERSION: &str = "io.modelcontextprotocol/protocolVersion";
const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";

/// The opening of a conversation.
#[derive(Debug, Default)]
pub(super) struct Handshake {
    opening: Opening,
    /// The dialogs that the client declares.
    declared: Modes,
}

#[derive(Debug, Default)]
enum Opening {
    /// The client has sent no request yet that shows its revision.
    #[default]
    Unknown,
    /// With `initialize` (revisions up to 2025-11-25).
    Legacy(LegacySession),
    /// Without one (revision 2026-07-28). The `_meta` that each request has, once it is known.
    Modern(Option<Value>),
}

/// What a server of a legacy revision keeps of its client.
#[derive(Debug, Default)]
struct LegacySession {
    /// The parameters of `initialize`.
    params: String,
    /// The agreed version, once the server has answered.
    version: Option<String>,
    is_initialized: bool,
    log_level: Option<String>,
    /// The parameters of each subscription, by the resource's URI.
    subscriptions: BTreeMap<String, String>,
}

/// What a new server's message is to the replayed handshake.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ReplayReply {
    /// Something else.
    Other,
    /// The same version as before.
    Agreed,
    /// Another version, or an error.
    Disagreed,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct InitializeParams {
    capabilities: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InitializeResult {
    protocol_version: String,
}

/// What a request of revision 2026-07-28 tells of its client.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ModernParams {
    #[serde(rename = "_meta")]
    meta: ModernMeta,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ModernMeta {
    #[serde(rename = "io.modelcontextprotocol/protocolVersion")]
    version: Option<Value>,
    #[serde(rename = "io.modelcontextprotocol/clientCapabilities")]
    capabilities: Option<Value>,
}

#[derive(Deserialize)]
struct Subscription {
    uri: String,
}

impl Handshake {
    /// The client's request, whether it can be sent now or not: the first ones show its revision.
    pub(super) fn received(&mut self, method: &str, message: &Message<'_>) {
        if method == "initialize" {
            let params: InitializeParams = message.params_as().unwrap_or_default();
            self.declared = Modes::of(&params.capabilities);
            self.opening = Opening::Legacy(LegacySession {
                params: message.raw_params().unwrap_or("{}").to_owned(),
                ..LegacySession::default()
            });
            return;
        }
        if let Opening::Legacy(_) = self.opening {
            return;
        }
        let ModernParams { meta } = message.params_as().unwrap_or_default();
        if let Some(capabilities) = &meta.capabilities {
            self.declared = Modes::of(capabilities);
        }
        match (meta.version, meta.capabilities) {
            (Some(version), Some(capabilities)) => {
                let meta = json!({VERSION: version, CAPABILITIES: capabilities});
                self.opening = Opening::Modern(Some(meta));
            }
            (Some(_), None) | (None, _) if matches!(self.opening, Opening::Modern(_)) => {}
            (Some(_), None) => self.opening = Opening::Modern(None),
            (None, _) if method == "server/discover" => self.opening = Opening::Modern(None),
            (None, _) => {}
        }
    }

    /// The client's request is sent to the server.
    pub(super) fn sent(&mut self, method: &str, message: &Message<'_>) {
        let Opening::Legacy(session) = &mut self.opening else {
            return;
        };
        let raw = || message.raw_params().map(str::to_owned);
        match method {
            "logging/setLevel" => session.log_level = raw(),
            "resources/subscribe" | "resources/unsubscribe" => {
                let (Some(Subscription { uri }), Some(raw)) = (message.params_as(), raw()) else {
                    return;
                };
                if method == "resources/subscribe" {
                    session.subscriptions.insert(uri, raw);
                } else {
                    session.subscriptions.remove(&uri);
                }
            }
            _ => {}
        }
    }

    /// The server has answered the client's `initialize`.
    pub(super) fn answered(&mut self, message: &Message<'_>) {
        if let Opening::Legacy(session) = &mut self.opening {
            let result: Option<InitializeResult> = message.result_as();
            session.version = result.map(|result| result.protocol_version);
        }
    }

    /// `notifications/initialized` is sent to the server.
    pub(super) fn client_is_ready(&mut self) {
        if let Opening::Legacy(session) = &mut self.opening {
            session.is_initialized = true;
        }
    }

    /// `None` while nothing is known of the client.
    pub(super) fn revision(&self) -> Option<ProtocolRevision> {
        match self.opening {
            Opening::Unknown => None,
            Opening::Legacy(_) => Some(ProtocolRevision::Legacy),
            Opening::Modern(_) => Some(ProtocolRevision::Modern),
        }
    }

    pub(super) fn is_modern(&self) -> bool {
        self.revision() == Some(ProtocolRevision::Modern)
    }

    /// True once a client of a legacy revision may be sent requests outside of a call.
    pub(super) fn is_initialized(&self) -> bool {
        matches!(&self.opening, Opening::Legacy(session) if session.is_initialized)
    }

    /// The dialogs that the client declares and the agreed version has: forms since 2025-06-18, links
    /// since 2025-11-25.
    pub(super) fn dialogs(&self) -> Modes {
        let (forms, links) = match &self.opening {
            Opening::Unknown => (false, false),
            Opening::Legacy(session) => {
                let version = session.version.as_deref().unwrap_or_default();
                (version >= "2025-06-18", version >= "2025-11-25")
            }
            Opening::Modern(_) => (true, true),
        };
        Modes {
            url: self.declared.url && links,
            form: self.declared.form && forms,
        }
    }

    /// True if a progress notification may carry a message (since 2025-03-26).
    pub(super) fn has_progress_messages(&self) -> bool {
        match &self.opening {
            Opening::Legacy(session) => session.version.as_deref() >= Some("2025-03-26"),
            Opening::Unknown | Opening::Modern(_) => true,
        }
    }

    /// True if a server of a legacy revision and the client have agreed.
    pub(super) fn has_agreed(&self) -> bool {
        matches!(&self.opening, Opening::Legacy(session) if session.version.is_some())
    }

    /// The first request to a new server; `None` if it needs none. Without `initialize`, any response
    /// shows that it runs.
    pub(super) fn replay(&self, server: u32) -> Option<Line> {
        let (method, params) = match &self.opening {
            Opening::Legacy(session) if session.version.is_some() => {
                ("initialize", session.params.clone())
            }
            Opening::Modern(Some(meta)) if server > 1 => {
                ("server/discover", json!({"_meta": meta}).to_string())
            }
            // The client's own `initialize` goes to it, or nothing is known of the client.
            Opening::Legacy(_) | Opening::Modern(_) | Opening::Unknown => return None,
        };
        let id = replay_id(server);
        let line = format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":\"{id}\",\"method\":\"{method}\",\"params\":{params}}}"
        );
        Some(Line::own(line.into_bytes()))
    }

    /// Compares a new server's message with the agreement.
    pub(super) fn replay_reply(&self, server: u32, message: &Message<'_>) -> ReplayReply {
        if message.method.is_some() || message.id != Some(Id::text(&replay_id(server))) {
            return ReplayReply::Other;
        }
        let Opening::Legacy(session) = &self.opening else {
            return ReplayReply::Agreed;
        };
        let result: Option<InitializeResult> = message.result_as();
        match result {
            Some(result) if Some(&result.protocol_version) == session.version.as_ref() => {
                ReplayReply::Agreed
            }
            _ => ReplayReply::Disagreed,
        }
    }

    /// What a new server is told after the handshake, with the id of each request whose response the
    /// client must not see.
    pub(super) fn catch_up(&self, server: u32) -> Vec<(Option<Id>, Line)> {
        let Opening::Legacy(session) = &self.opening else {
            return Vec::new();
        };
        let mut lines = Vec::new();
        if session.is_initialized {
            let line = br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
            lines.push((None, Line::own(line.to_vec())));
        }
        let level = session.log_level.iter();
        let level = level.map(|params| ("logging/setLevel", params));
        let subscriptions = session.subscriptions.values();
        let subscriptions = subscriptions.map(|params| ("resources/subscribe", params));
        for (number, (method, params)) in level.chain(subscriptions).enumerate() {
            let id = format!("ghtok:again:{server}:{number}");
            let line = format!(
                "{{\"jsonrpc\":\"2.0\",\"id\":\"{id}\",\"method\":\"{method}\",\"params\":{params}}}"
            );
            lines.push((Some(Id::text(&id)), Line::own(line.into_bytes())));
        }
        lines
    }
}

fn replay_id(server: u32) -> String {
    format!("ghtok:initialize:{server}")
}

#[cfg(test)]
mod tests;
