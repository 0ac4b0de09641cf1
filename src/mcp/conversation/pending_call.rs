//! One request of the client, while a server has not answered it.

use std::time::Duration;

use super::message_parts::CallParams;
use crate::formats::json_rpc::{Id, Message};
use crate::mcp::line::Line;

/// The request that stays open for a server's notifications (revision 2026-07-28).
const LISTEN: &str = "subscriptions/listen";

/// A call that is not repeated is kept up to this length: a person may have to sign in for it.
const LONGEST_KEPT: usize = 16 * 1024;

/// A request of the client.
#[derive(Debug)]
pub(super) struct PendingCall {
    pub(super) server: u32,
    pub(super) method: String,
    /// Its id, as the client wrote it.
    pub(super) raw_id: String,
    pub(super) since: Duration,
    /// The line, if it may be needed once more.
    line: Option<Vec<u8>>,
    may_repeat: bool,
    /// The task that it is about.
    pub(super) task: Option<String>,
    /// True if its result may tell of something that the server keeps.
    pub(super) may_leave_work: bool,
    /// True if it brings a `requestState` that another server has issued.
    pub(super) has_foreign_state: bool,
    progress: Option<CallProgress>,
}

/// The progress of a call, which must never run backwards (modelcontextprotocol.io, "Progress").
#[derive(Debug)]
struct CallProgress {
    token: Id,
    last: Option<f64>,
    /// What was reported before this server got the call.
    floor: Option<f64>,
}

/// True for the requests that a sign-in may be asked for.
pub(super) fn needs_token(method: &str, is_modern: bool) -> bool {
    match method {
        "tools/call" => true,
        "prompts/get" | "resources/read" => is_modern,
        _ => false,
    }
}

/// True for what has the same effect when it is done twice.
pub(crate) fn is_repeatable(method: &str) -> bool {
    method.ends_with("/list")
        || matches!(
            method,
            "ping"
                | "initialize"
                | "resources/read"
                | "prompts/get"
                | "completion/complete"
                | "logging/setLevel"
                | "resources/subscribe"
                | "resources/unsubscribe"
                | "server/discover"
                | LISTEN
        )
}

impl PendingCall {
    pub(super) fn new(
        server: u32,
        message: &Message<'_>,
        line: &[u8],
        params: CallParams<'_>,
        may_repeat: bool,
        is_modern: bool,
        now: Duration,
    ) -> Self {
        let method = message.method.as_deref().unwrap_or_default().to_owned();
        let is_short_call = method == "tools/call" && line.len() <= LONGEST_KEPT;
        Self {
            server,
            raw_id: message.raw_id(line).to_owned(),
            since: now,
            line: (may_repeat || is_short_call).then(|| line.to_vec()),
            may_repeat,
            may_leave_work: method.starts_with("tasks/")
                || params.task.is_some()
                || is_modern && needs_token(&method, is_modern),
            progress: params.progress_token().map(|token| CallProgress {
                token,
                last: None,
                floor: None,
            }),
            task: params.task_id,
            has_foreign_state: false,
            method,
        }
    }

    /// True if it may be sent to a server again.
    pub(super) fn is_repeatable(&self) -> bool {
        self.may_repeat
    }

    /// Progress was reported before a server got the call, or before another one did.
    pub(super) fn raise_progress(&mut self, reported: Option<f64>) {
        if let Some(progress) = &mut self.progress {
            progress.floor = progress.last.or(reported).or(progress.floor);
        }
    }

    pub(super) fn progress_token(&self) -> Option<&Id> {
        self.progress.as_ref().map(|progress| &progress.token)
    }

    /// A server reports progress; false if the client has had as much before.
    pub(super) fn has_progressed(&mut self, to: f64) -> bool {
        let Some(progress) = &mut self.progress else {
            return true;
        };
        if progress.floor.is_some_and(|floor| to <= floor) {
            return false;
        }
        progress.last = Some(to);
        true
    }

    /// True if it stays open for as long as the client wants.
    pub(super) fn is_listen(&self) -> bool {
        self.method == LISTEN
    }

    /// The request; of a long one only what is needed to respond.
    pub(super) fn line(&self) -> Line {
        let short = || {
            let (id, method) = (&self.raw_id, &self.method);
            format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"{method}\"}}\n").into_bytes()
        };
        Line::from(self.line.clone().unwrap_or_else(short))
    }
}
