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
pub(super) struct CallParams<'a> {
    pub(super) name: Option<String>,
    pub(super) task: Option<IgnoredAny>,
    pub(super) task_id: Option<String>,
    pub(super) request_state: Option<String>,
    #[serde(borrow, rename = "_meta")]
    meta: Option<CallMeta<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct CallMeta<'a> {
    #[serde(borrow)]
    progress_token: Option<&'a RawValue>,
}

/// The parameters of `notifications/progress`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProgressParams<'a> {
    #[serde(borrow)]
    progress_token: &'a RawValue,
    progress: f64,
}

/// The part of a tool's result that says that it failed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ErrorFlag {
    is_error: bool,
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

impl CallParams<'_> {
    pub(super) fn progress_token(&self) -> Option<Id> {
        Id::of(self.meta.as_ref()?.progress_token?.get())
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
pub(crate) fn cancelled_id(message: &Message<'_>) -> Option<Id> {
    let params: Cancelled<'_> = message.params_as()?;
    Id::of(params.request_id.get())
}

/// The request that a `notifications/subscriptions/acknowledged` is about.
pub(super) fn acknowledged_id(message: &Message<'_>) -> Option<Id> {
    let params: Acknowledged<'_> = message.params_as()?;
    Id::of(params.meta.id.get())
}

/// The progress token and the progress of a `notifications/progress`.
pub(super) fn reported_progress(message: &Message<'_>) -> Option<(Id, f64)> {
    let params: ProgressParams<'_> = message.params_as()?;
    Some((Id::of(params.progress_token.get())?, params.progress))
}

/// True for an error, and for the result of a tool that failed.
pub(super) fn is_failure(response: &Message<'_>) -> bool {
    let flag: Option<ErrorFlag> = response.result_as();
    response.error.is_some() || flag.is_some_and(|flag| flag.is_error)
}
