//! Calls that come back with the answers to a dialog (revision 2026-07-28, "Multi Round-Trip Requests").

use std::time::Duration;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::dialog_result::DialogResult;
use crate::formats::json_rpc::{self, Members, Message};
use crate::mcp::messages::KEY;

/// A call that comes back with what a person did in our dialog (MRTR).
#[derive(Debug)]
pub(super) struct ReturnedCall {
    /// What the client did with the dialog.
    pub(super) result: DialogResult,
    /// When it was asked to show it; `None` for a state of another process.
    pub(super) asked_at: Option<Duration>,
    params: String,
}

/// Our own states begin so.
const STATE: &str = "ghtok.";

/// The parameters that a call comes back with.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Returning {
    request_state: Option<String>,
    input_responses: Option<IgnoredAny>,
}

impl ReturnedCall {
    /// `None` if the call carries no state of ours.
    pub(super) fn of(message: &Message<'_>) -> Option<Self> {
        let state = message.params_as::<Returning>()?.request_state?;
        let before = state.strip_prefix(STATE)?;
        let mut params: Members<'_> = message.params_as()?;
        let responses = params.get("inputResponses");
        let mut responses: Members<'_> = responses
            .and_then(|raw| serde_json::from_str(raw).ok())
            .unwrap_or_default();
        let result: Option<DialogResult> = responses
            .get(KEY)
            .and_then(|raw| serde_json::from_str(raw).ok());
        responses.remove(KEY);
        let other_responses = responses.to_string();
        if responses.is_empty() {
            params.remove("inputResponses");
        } else {
            params.set("inputResponses", &other_responses);
        }
        // What the server itself had asked the client to bring back.
        let (ours, theirs) = match before.split_once(':') {
            Some((ours, theirs)) => (ours, Some(Value::from(theirs).to_string())),
            None => (before, None),
        };
        let asked_at = ours.rsplit_once('.').and_then(|(_, at)| at.parse().ok());
        match &theirs {
            Some(state) => params.set("requestState", state),
            None => params.remove("requestState"),
        }
        Some(Self {
            result: result.unwrap_or_default(),
            asked_at: asked_at.map(Duration::from_millis),
            params: params.to_string(),
        })
    }

    /// True if the call comes back from a dialog of the server's own.
    pub(super) fn is_of_server(message: &Message<'_>) -> bool {
        let returning: Option<Returning> = message.params_as();
        returning.is_some_and(|call| match call.request_state {
            Some(state) => !state.starts_with(STATE),
            None => call.input_responses.is_some(),
        })
    }

    /// The call as the server may see it.
    pub(super) fn without_ours(&self, message: &Message<'_>, line: &[u8]) -> Vec<u8> {
        message.with_params(line, &self.params)
    }
}

/// The state that a call is to come back with, which holds the time; one of the server's own, if the call
/// carries that, goes with it.
pub(super) fn state_of(line: &[u8], now: Duration) -> String {
    let returning: Option<Returning> = match json_rpc::read(line) {
        json_rpc::Line::One(message) => message.params_as(),
        _ => None,
    };
    let ours = format!("{STATE}login.{}", now.as_millis());
    match returning.and_then(|call| call.request_state) {
        Some(theirs) => format!("{ours}:{theirs}"),
        None => ours,
    }
}
