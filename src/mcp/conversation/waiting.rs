//! Calls that are held for a person.

use std::time::Duration;

use serde_json::Value;

use super::Conversation;
use super::sign_in::{Closing, named};
use crate::formats::json_rpc::{self, Id};
use crate::mcp::line::Line;
use crate::mcp::messages;

/// A call that waits for a person.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) line: Line,
    id: Option<Id>,
    pub(super) raw_id: String,
    method: String,
    pub(super) meta: Option<Value>,
    progress: Option<Value>,
    /// The last progress told, and when the next one is.
    told: u32,
    next: Duration,
    until: Duration,
}

impl Conversation {
    pub(super) fn waiting_for(&self, line: Line) -> Waiting {
        let (method, raw_id) = named(&line);
        let (id, (meta, progress)) = match json_rpc::read(&line) {
            json_rpc::Line::One(message) => (message.id.clone(), messages::meta(message.params)),
            _ => (None, (None, None)),
        };
        Waiting {
            line,
            id,
            raw_id,
            method,
            meta,
            progress,
            told: 0,
            next: self.now.mono + self.settings.pace.progress,
            until: self.now.mono + self.settings.wait,
        }
    }

    /// Answers every call that waits, with this text.
    pub(super) fn end_waiting(&mut self, text: &str) {
        for one in std::mem::take(&mut self.waiting) {
            self.answer_failed(&one.method, &one.raw_id, text);
        }
    }

    pub(super) fn stop_waiting_for(&mut self, id: &Id) -> bool {
        let before = self.waiting.len();
        self.waiting.retain(|one| one.id.as_ref() != Some(id));
        if self.waiting.is_empty() {
            self.close_dialog(Closing::Undone);
        }
        before != self.waiting.len()
    }

    /// Tells how long calls are held, and ends those that were held too long.
    pub(super) fn pass_time_waiting(&mut self) {
        let now = self.now.mono;
        let mut messages = Vec::new();
        for one in &mut self.waiting {
            if now < one.next {
                continue;
            }
            one.next = now + self.settings.pace.progress;
            one.told += 1;
            if let Some(token) = &one.progress {
                let mut params = serde_json::json!({"progressToken": token, "progress": one.told});
                if self.handshake.version.as_deref() >= Some("2025-03-26") {
                    params["message"] = "waiting for the sign-in to GitHub".into();
                }
                messages.push(messages::notification("notifications/progress", &params));
            }
        }
        for message in messages {
            self.tell_client(message);
        }
        let (over, waiting) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|one| one.until <= now);
        self.waiting = waiting;
        for one in over {
            let text = "ghtok: nobody signed in while this call was held. Call the tool again.";
            self.answer_failed(&one.method, &one.raw_id, text);
        }
    }

    pub(super) fn next_of_waiting(&self) -> Option<Duration> {
        let times = self.waiting.iter().map(|one| one.next.min(one.until));
        times.min()
    }
}
