//! Requests without a response, in both directions: the client's at a server, and servers' at the client.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use super::message_parts::{
    CallParams, ToolList, acknowledged_id, cancelled_id, reported_progress,
};
use super::pending_call::{PendingCall, is_repeatable};
use super::request_states::RequestStates;
use super::unfinished_work::{UnfinishedWork, WorkReport};
use crate::formats::json_rpc::{Id, Members, Message};
use crate::mcp::line::Line;

/// What is pending in a conversation.
#[derive(Debug, Default)]
pub(super) struct PendingRequests {
    /// The client's requests that a server has not answered.
    calls: BTreeMap<Id, PendingCall>,
    /// Calls whose response says that the token is invalid; held until that is known.
    rejected: Vec<RejectedCall>,
    /// Servers' requests that the client has not answered, by the id that it knows.
    questions: HashMap<Id, Question>,
    last_question: u32,
    /// Requests of ours; the client must not see their responses.
    suppressed: HashSet<Id>,
    /// Repeated `subscriptions/listen` requests, which the client knows to be acknowledged.
    acknowledged: HashSet<Id>,
    /// The tools that a server has marked as read-only.
    read_only_tools: HashSet<String>,
    /// What the server in use has not finished.
    work: UnfinishedWork,
    states: RequestStates,
    /// The progress that was reported of calls before a server gets them, by their progress token.
    progress_before: HashMap<Id, f64>,
}

/// A call whose response says that the token is invalid.
#[derive(Debug)]
pub(super) struct RejectedCall {
    pub(super) id: Id,
    pub(super) call: PendingCall,
    pub(super) response: Line,
}

/// A request of a server.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) server: u32,
    /// Its id, as the server wrote it.
    pub(super) raw_id: String,
    pub(super) method: String,
    pub(super) since: Duration,
}

/// What a server has responded to.
#[derive(Debug)]
pub(super) enum ResponseTo {
    /// A request of ours.
    Ours,
    /// Nothing that is pending: the client may have cancelled it, and knows what to do.
    Unknown,
    /// This call, which is no longer pending.
    Call(Id, PendingCall),
}

/// What becomes of a server's notification.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Notification {
    Pass,
    PassAs(Vec<u8>),
    Drop,
}

/// What was pending at a server that is no longer in use.
#[derive(Debug, Default)]
pub(super) struct Lost {
    /// Requests to send to the new server.
    pub(super) repeated: Vec<Line>,
    /// Requests that must not be repeated, and may have been executed.
    pub(super) unknown: Vec<PendingCall>,
    /// The server's own requests, to be cancelled at the client.
    pub(super) questions: Vec<Id>,
}

impl PendingRequests {
    /// A request of the client goes to `server`; in a batch it cannot be repeated alone.
    pub(super) fn sent(
        &mut self,
        server: u32,
        message: &Message<'_>,
        line: &[u8],
        is_modern: bool,
        is_batch: bool,
        now: Duration,
    ) {
        let (Some(id), Some(method)) = (message.id.clone(), message.method.as_deref()) else {
            return;
        };
        let params: CallParams<'_> = message.params_as().unwrap_or_default();
        let tool = params.name.as_ref();
        let only_reads = tool.is_some_and(|tool| self.read_only_tools.contains(tool));
        let may_repeat = !is_batch && (only_reads || is_repeatable(method));
        let state = params.request_state.as_ref();
        let is_foreign = state.is_some_and(|state| self.states.is_foreign(state, server));
        let mut call = PendingCall::new(server, message, line, params, may_repeat, is_modern, now);
        call.has_foreign_state = is_foreign;
        let reported = call.progress_token();
        let reported = reported.and_then(|token| self.progress_before.remove(token));
        call.raise_progress(reported);
        self.calls.insert(id, call);
    }

    /// A server has responded. What its response tells of tools and tasks is remembered.
    pub(super) fn answered(&mut self, message: &Message<'_>, now: Duration) -> ResponseTo {
        let Some(id) = message.id.clone() else {
            return ResponseTo::Unknown;
        };
        if self.suppressed.remove(&id) {
            return ResponseTo::Ours;
        }
        let Some(call) = self.calls.remove(&id) else {
            return ResponseTo::Unknown;
        };
        self.acknowledged.remove(&id);
        if call.method == "tools/list"
            && let Some(list) = message.result_as::<ToolList>()
        {
            self.read_only_tools.extend(list.read_only());
        }
        if call.may_leave_work {
            if let Some(report) = message.result_as::<WorkReport>() {
                if let Some(state) = report.request_state() {
                    self.states.issued(state, call.server);
                }
                self.work.reported(report, now);
            }
            let is_closed = message.error.is_some() || call.method == "tasks/result";
            if let Some(task) = call.task.as_ref().filter(|_| is_closed) {
                self.work.task_closed(task);
            }
        }
        ResponseTo::Call(id, call)
    }

    /// Holds a response which says that the token is invalid.
    pub(super) fn reject(&mut self, id: Id, call: PendingCall, response: Line) {
        self.rejected.push(RejectedCall { id, call, response });
    }

    pub(super) fn has_rejected(&self) -> bool {
        !self.rejected.is_empty()
    }

    pub(super) fn take_rejected(&mut self) -> Vec<RejectedCall> {
        std::mem::take(&mut self.rejected)
    }

    /// The request of a call once more, to this server; `None` if it must not be repeated.
    pub(super) fn repeat(&mut self, id: Id, mut call: PendingCall, server: u32) -> Option<Line> {
        let line = call.is_repeatable().then(|| call.line())?;
        if call.is_listen() {
            self.acknowledged.insert(id.clone());
        }
        call.server = server;
        call.raise_progress(None);
        self.calls.insert(id, call);
        Some(line)
    }

    /// A call that has failed on the way, and is no longer pending.
    pub(super) fn take(&mut self, id: &Id) -> Option<PendingCall> {
        self.suppressed.remove(id);
        self.calls.remove(id)
    }

    /// How many calls servers work on.
    pub(super) fn running(&self) -> usize {
        self.calls.values().filter(|call| !call.is_listen()).count()
    }

    /// The open requests for notifications.
    pub(super) fn listens(&self) -> impl Iterator<Item = &PendingCall> {
        self.calls.values().filter(|call| call.is_listen())
    }

    /// The session has ended, and its server has no memory of it: its questions cannot be answered.
    pub(super) fn session_replaced(&mut self, new: u32) -> Vec<Id> {
        self.work = UnfinishedWork::default();
        let questions = self
            .questions
            .extract_if(|_, question| question.server != new);
        questions.map(|(id, _)| id).collect()
    }

    /// The client no longer wants a response; true if the response was held here.
    pub(super) fn cancelled(&mut self, id: &Id) -> bool {
        self.calls.remove(id);
        let before = self.rejected.len();
        self.rejected.retain(|rejected| rejected.id != *id);
        before != self.rejected.len()
    }

    /// A server asks the client something. The id that the client knows it by, as JSON: no other
    /// server's request has it.
    pub(super) fn asked(
        &mut self,
        server: u32,
        message: &Message<'_>,
        line: &[u8],
        now: Duration,
    ) -> String {
        self.last_question += 1;
        let id = format!("ghtok:{server}:{}", self.last_question);
        let question = Question {
            server,
            raw_id: message.raw_id(line).to_owned(),
            method: message.method.as_deref().unwrap_or_default().to_owned(),
            since: now,
        };
        self.questions.insert(Id::text(&id), question);
        format!("\"{id}\"")
    }

    /// The question that the client has answered.
    pub(super) fn take_question(&mut self, id: &Id) -> Option<Question> {
        self.questions.remove(id)
    }

    /// A server's notification about something pending.
    pub(super) fn notified(
        &mut self,
        server: u32,
        message: &Message<'_>,
        line: &[u8],
        is_modern: bool,
        now: Duration,
    ) -> Notification {
        match message.method.as_deref().unwrap_or_default() {
            "notifications/subscriptions/acknowledged" => {
                let id = acknowledged_id(message);
                if id.is_some_and(|id| self.acknowledged.remove(&id)) {
                    return Notification::Drop;
                }
            }
            "notifications/progress" => {
                if let Some((token, progress)) = reported_progress(message) {
                    let mut calls = self.calls.values_mut();
                    let call = calls.find(|call| call.progress_token() == Some(&token));
                    if call.is_some_and(|call| !call.has_progressed(progress)) {
                        return Notification::Drop;
                    }
                }
            }
            "notifications/tasks/status" => {
                if let Some(report) = message.params_as::<WorkReport>() {
                    self.work.reported(report, now);
                }
            }
            // In revision 2026-07-28 servers ask nothing, and cancel a request of the client's own.
            "notifications/cancelled" if !is_modern => {
                return self.question_cancelled(server, message, line);
            }
            _ => {}
        }
        Notification::Pass
    }

    /// The client knows a server's question by our id only.
    fn question_cancelled(
        &mut self,
        server: u32,
        message: &Message<'_>,
        line: &[u8],
    ) -> Notification {
        let Some(cancelled) = cancelled_id(message) else {
            return Notification::Pass;
        };
        let known = self.questions.iter().find(|(_, question)| {
            question.server == server && Id::of(&question.raw_id).as_ref() == Some(&cancelled)
        });
        let Some(id) = known.map(|(id, _)| id.clone()) else {
            return Notification::Drop;
        };
        self.questions.remove(&id);
        let Some(mut members) = message.params_as::<Members<'_>>() else {
            return Notification::Drop;
        };
        let written = format!("\"{}\"", id.as_text());
        members.set("requestId", &written);
        Notification::PassAs(message.with_params(line, &members.to_string()))
    }

    /// This progress was reported for a call that no server has got yet.
    pub(super) fn progress_reported(&mut self, token: Id, progress: f64) {
        self.progress_before.insert(token, progress);
    }

    /// The client goes on with a round of the server's own.
    pub(super) fn round_continued(&mut self) {
        self.work.round_continued();
    }

    pub(super) fn has_unfinished_work(&self, now: Duration) -> bool {
        !self.work.is_empty(now)
    }

    /// True if a replacement of this server would cut something off.
    pub(super) fn is_busy(&self, server: Option<u32>, now: Duration) -> bool {
        let mut calls = self.calls.values();
        calls.any(|call| Some(call.server) == server && !call.is_listen())
            || self
                .questions
                .values()
                .any(|question| Some(question.server) == server)
            || !self.work.is_empty(now)
    }

    /// True if the client waits for a response.
    pub(super) fn owes_responses(&self) -> bool {
        self.has_rejected() || self.calls.values().any(|call| !call.is_listen())
    }

    /// True while the client's `initialize` is unanswered.
    pub(super) fn is_opening(&self) -> bool {
        self.calls.values().any(|call| call.method == "initialize")
    }

    /// A message of ours goes to a server; `id` if it will be answered.
    pub(super) fn suppress(&mut self, id: Option<Id>) {
        self.suppressed.extend(id);
    }

    /// The server in use has ended, and its memory with it. Of the calls that are returned nobody knows
    /// whether they were done.
    pub(super) fn server_ended(&mut self, server: u32) -> Vec<PendingCall> {
        self.work = UnfinishedWork::default();
        let is_unknown = |call: &PendingCall| call.server == server && !call.is_repeatable();
        let (unknown, kept): (BTreeMap<_, _>, BTreeMap<_, _>) = std::mem::take(&mut self.calls)
            .into_iter()
            .partition(|(_, call)| is_unknown(call));
        self.calls = kept;
        unknown.into_values().collect()
    }

    /// All servers but this one are no longer in use.
    pub(super) fn server_replaced(&mut self, new: u32) -> Lost {
        self.work = UnfinishedWork::default();
        let mut lost = Lost::default();
        for (id, call) in std::mem::take(&mut self.calls) {
            if call.server == new {
                self.calls.insert(id, call);
            } else if call.is_repeatable() {
                lost.repeated.extend(self.repeat(id, call, new));
            } else {
                lost.unknown.push(call);
            }
        }
        let questions = self
            .questions
            .extract_if(|_, question| question.server != new);
        lost.questions.extend(questions.map(|(id, _)| id));
        lost
    }

    /// No server will answer any more.
    pub(super) fn take_calls(&mut self) -> Vec<PendingCall> {
        std::mem::take(&mut self.calls).into_values().collect()
    }
}

#[cfg(test)]
mod tests;
