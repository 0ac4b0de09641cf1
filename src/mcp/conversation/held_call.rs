//! A tool call that is held while a person signs in.

use std::time::Duration;

use serde_json::{Value, json};

use crate::formats::json_rpc::{self, Id};
use crate::mcp::line::Line;
use crate::mcp::messages::{self, ProtocolRevision};

/// A call of the client.
#[derive(Debug)]
pub(super) struct HeldCall {
    line: Line,
    id: Option<Id>,
    raw_id: String,
    method: String,
    /// Its `_meta` without the progress token.
    meta: Option<Value>,
    progress: Option<ProgressReports>,
    /// When it is answered at the latest.
    until: Duration,
    reason: HeldReason,
}

/// Why a call is held.
#[derive(Debug)]
pub(super) enum HeldReason {
    /// It is new, and there is no token.
    New,
    /// It is new, and the client was told a code before: the next poll shows whether somebody entered it.
    AfterCode,
    /// A server has called its token invalid in this response. It has to be made again, if that may be.
    Rejected { response: Line, may_repeat: bool },
}

/// Its progress notifications.
#[derive(Debug)]
struct ProgressReports {
    token: Value,
    sent: u32,
    next: Duration,
    interval: Duration,
}

/// The part of a step that a progress notification reports: the server's own begin above it.
const PROGRESS_STEP: f64 = 0.001;

impl HeldCall {
    pub(super) fn new(
        line: Line,
        reason: HeldReason,
        now: Duration,
        wait: Duration,
        interval: Duration,
    ) -> Self {
        let (method, raw_id) = method_and_id(&line);
        let (id, (meta, token)) = match json_rpc::read(&line) {
            json_rpc::Line::One(message) => (message.id.clone(), messages::meta(message.params)),
            _ => (None, (None, None)),
        };
        Self {
            line,
            id,
            raw_id,
            method,
            meta,
            progress: token.map(|token| ProgressReports {
                token,
                sent: 0,
                next: now + interval,
                interval,
            }),
            until: now + wait,
            reason,
        }
    }

    pub(super) fn is(&self, id: &Id) -> bool {
        self.id.as_ref() == Some(id)
    }

    pub(super) fn id(&self) -> Option<&Id> {
        self.id.as_ref()
    }

    pub(super) fn meta(&self) -> Option<&Value> {
        self.meta.as_ref()
    }

    pub(super) fn line(&self) -> &Line {
        &self.line
    }

    pub(super) fn into_line(self) -> Line {
        self.line
    }

    /// True if it has to be made once somebody has signed in.
    pub(super) fn may_be_made(&self) -> bool {
        !matches!(
            self.reason,
            HeldReason::Rejected {
                may_repeat: false,
                ..
            }
        )
    }

    pub(super) fn is_after_code(&self) -> bool {
        matches!(self.reason, HeldReason::AfterCode)
    }

    pub(super) fn is_over(&self, now: Duration) -> bool {
        now >= self.until
    }

    /// Its response without being made (again).
    pub(super) fn failed(&self, text: &str, revision: Option<ProtocolRevision>) -> Vec<u8> {
        let own = || messages::failure(&self.method, &self.raw_id, text, revision);
        match &self.reason {
            HeldReason::Rejected { response, .. } => {
                messages::with_text(response, text).unwrap_or_else(own)
            }
            HeldReason::New | HeldReason::AfterCode => own(),
        }
    }

    pub(super) fn responded(&self, result: &Value) -> Vec<u8> {
        messages::response(&self.raw_id, result)
    }

    /// The progress notification that is due now.
    pub(super) fn next_progress(&mut self, has_messages: bool, now: Duration) -> Option<Vec<u8>> {
        let progress = self.progress.as_mut()?;
        if now < progress.next {
            return None;
        }
        progress.next = now + progress.interval;
        progress.sent += 1;
        let done = f64::from(progress.sent) * PROGRESS_STEP;
        let mut params = json!({"progressToken": progress.token, "progress": done});
        if has_messages {
            params["message"] = "waiting for the sign-in to GitHub".into();
        }
        Some(messages::notification("notifications/progress", &params))
    }

    /// The progress token, and the last progress that was reported.
    pub(super) fn last_progress(&self) -> Option<(Id, f64)> {
        let progress = self
            .progress
            .as_ref()
            .filter(|progress| progress.sent > 0)?;
        let done = f64::from(progress.sent) * PROGRESS_STEP;
        Some((Id::of(&progress.token.to_string())?, done))
    }

    pub(super) fn next_timer(&self) -> Duration {
        let progress = self.progress.as_ref().map(|progress| progress.next);
        progress.map_or(self.until, |next| next.min(self.until))
    }
}

/// The method of a request, and its id as the client wrote it.
pub(super) fn method_and_id(line: &[u8]) -> (String, String) {
    match json_rpc::read(line) {
        json_rpc::Line::One(message) => (
            message.method.as_deref().unwrap_or_default().to_owned(),
            message.raw_id(line).to_owned(),
        ),
        _ => (String::new(), "null".into()),
    }
}
