//! The parts of messages that decide about pending requests.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::formats::json_rpc::{Id, Message};

/// Which request a `notifications/cancelled` is about.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cancelled<'a> {
    #[serde(borrow)]
    request_id: &'a RawValue,
}

/// The parameters that tell what a call is, read from a line of any length.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct CallParams {
    pub(super) name: Option<String>,
    pub(super) task: Option<IgnoredAny>,
    pub(super) task_id: Option<String>,
}

/// The result of `tools/list`.
#[derive(Deserialize)]
pub(super) struct ToolList {
    tools: Vec<Tool>,
}

#[derive(Deserialize)]
struct Tool {
    name: String,
    annotations: Option<ToolAnnotations>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ToolAnnotations {
    read_only_hint: Option<bool>,
}

/// The parameters of `notifications/subscriptions/acknowledged`.
#[derive(Deserialize)]
struct Acknowledged<'a> {
    #[serde(borrow, rename = "_meta")]
    meta: AcknowledgedMeta<'a>,
}

#[derive(Deserialize)]
struct AcknowledgedMeta<'a> {
    #[serde(borrow, rename = "io.modelcontextprotocol/subscriptionId")]
    id: &'a RawValue,
}

impl CallParams {
    pub(super) fn of(method: &str, message: &Message<'_>) -> Self {
        if method == "tools/call" || method.starts_with("tasks/") {
            message.params_as().unwrap_or_default()
        } else {
            Self::default()
        }
    }
}

impl ToolList {
    /// The tools that are marked as read-only.
    pub(super) fn read_only(self) -> impl Iterator<Item = String> {
        let hint = |tool: &Tool| tool.annotations.as_ref()?.read_only_hint;
        let read_only = self.tools.into_iter();
        let read_only = read_only.filter(move |tool| hint(tool) == Some(true));
        read_only.map(|tool| tool.name)
    }
}

/// The request that a `notifications/cancelled` is about.
pub(super) fn cancelled_id(message: &Message<'_>) -> Option<Id> {
    let params: Cancelled<'_> = message.params_as()?;
    Id::of(params.request_id)
}

/// The request that a `notifications/subscriptions/acknowledged` is about.
pub(super) fn acknowledged_id(message: &Message<'_>) -> Option<Id> {
    let params: Acknowledged<'_> = message.params_as()?;
    Id::of(params.meta.id)
}
