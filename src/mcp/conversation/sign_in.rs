//! A sign-in by a dialog of the client, only while calls are held that need it (P5).

mod display;

use std::time::Duration;

use self::display::Dialog;
use super::dialog_result::{DialogAnswer, DialogResult};
use super::handshake::Handshake;
use super::held_call::{HeldCall, HeldReason, method_and_id};
use super::returned_call::ReturnedCall;
use super::{Action, Asking, Now, Settings, TokenError};
use crate::formats::json_rpc::{Id, Message};
use crate::mcp::line::Line;
use crate::mcp::messages::{self, ProtocolRevision, UserCode};

/// The sign-in, and the calls that wait for it.
#[derive(Debug)]
pub(super) struct SignIn {
    flow: DeviceFlowState,
    last_flow: u32,
    /// Why the last code that was shown led to no sign-in. It is told with the next code too: a tool's result
    /// may have been read by the model only, and not by the person who enters the code.
    failure: Option<String>,
    held: Vec<HeldCall>,
    dialog: Option<Dialog>,
    last_dialog: u32,
    /// The client cannot show dialogs, whatever it declares.
    cannot_ask: bool,
    /// A person said no; nobody is asked before this.
    denied_until: Duration,
    settings: Settings,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum DeviceFlowState {
    None,
    /// A code is requested.
    Requested,
    /// A person can enter the code. `is_told`: the client has it as text.
    CodeShown {
        code: UserCode,
        is_told: bool,
    },
}

/// What became of a call that came back from a dialog.
#[derive(Debug)]
pub(super) enum Returned {
    /// It is held, or answered.
    Handled(Vec<Action>),
    /// It has to be treated like a new call.
    New(Line),
}

impl SignIn {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            flow: DeviceFlowState::None,
            last_flow: 0,
            failure: None,
            held: Vec::new(),
            dialog: None,
            last_dialog: 0,
            cannot_ask: false,
            denied_until: Duration::ZERO,
            settings: settings.clone(),
        }
    }

    /// Holds a call until somebody has signed in; or answers it, if nobody may be asked. `rejected`: a
    /// server has called its token invalid.
    pub(super) fn ask(
        &mut self,
        line: Line,
        rejected: Option<HeldReason>,
        error: &TokenError,
        client: &Handshake,
        now: Now,
    ) -> Vec<Action> {
        let reason = rejected.unwrap_or(match &self.flow {
            DeviceFlowState::CodeShown { code, is_told } if *is_told && !is_expired(code, now) => {
                HeldReason::AfterCode
            }
            _ => HeldReason::New,
        });
        let timing = &self.settings.timing;
        let wait = match (&reason, &self.flow) {
            (HeldReason::AfterCode, DeviceFlowState::CodeShown { code, .. }) => {
                // The next poll, and time for its response.
                Duration::from_secs(code.poll_wait) + timing.poll_response
            }
            _ => self.settings.wait,
        };
        let call = HeldCall::new(line, reason, now.mono, wait, timing.progress);
        if self.settings.asking == Asking::Never || now.mono < self.denied_until {
            let text = format!("ghtok: {}", error.text);
            return vec![to_client(call.failed(&text, client.revision()))];
        }
        let is_after_code = call.is_after_code();
        self.held.push(call);
        match &self.flow {
            DeviceFlowState::None => self.begin(),
            DeviceFlowState::CodeShown { code, .. } if !is_expired(code, now) => {
                if is_after_code {
                    Vec::new()
                } else {
                    self.show(client, now)
                }
            }
            DeviceFlowState::CodeShown { .. } => {
                let mut actions = self.close_dialog(false);
                actions.push(Action::CancelSignIn);
                actions.extend(self.begin());
                actions
            }
            DeviceFlowState::Requested => Vec::new(),
        }
    }

    /// With `--eager` no call need be held for it.
    pub(super) fn ask_without_call(&mut self, now: Now) -> Vec<Action> {
        let may_ask = self.settings.asking == Asking::AtOnce && now.mono >= self.denied_until;
        if may_ask && self.flow == DeviceFlowState::None {
            self.begin()
        } else {
            Vec::new()
        }
    }

    fn begin(&mut self) -> Vec<Action> {
        self.flow = DeviceFlowState::Requested;
        self.last_flow += 1;
        vec![Action::SignIn(self.last_flow)]
    }

    /// The client may be sent requests from now on.
    pub(super) fn client_is_ready(&mut self, client: &Handshake, now: Now) -> Vec<Action> {
        self.show(client, now)
    }

    /// The device flow of this number has a code.
    pub(super) fn code(
        &mut self,
        flow: u32,
        code: UserCode,
        client: &Handshake,
        now: Now,
    ) -> Vec<Action> {
        let is_awaited = flow == self.last_flow && self.flow != DeviceFlowState::None;
        // Another process may have left a code behind.
        if !is_awaited || is_expired(&code, now) {
            return Vec::new();
        }
        let mut actions = vec![Action::Note(self.text(&code))];
        if self.flow != DeviceFlowState::Requested {
            // The process that had shown the last one has given it up.
            actions.extend(self.close_dialog(false));
        }
        self.flow = DeviceFlowState::CodeShown {
            code,
            is_told: false,
        };
        actions.extend(self.show(client, now));
        actions
    }

    pub(super) fn is_dialog(&self, id: &Id) -> bool {
        self.dialog.as_ref().is_some_and(|dialog| dialog.id == *id)
    }

    /// The client has answered the dialog.
    pub(super) fn dialog_answered(
        &mut self,
        response: &Message<'_>,
        client: &Handshake,
        now: Now,
    ) -> Vec<Action> {
        let Some(dialog) = &mut self.dialog else {
            return Vec::new();
        };
        dialog.is_answered = true;
        let after = now.mono.saturating_sub(dialog.since);
        let is_form = dialog.elicitation.is_none();
        let result: DialogResult = response.result_as().unwrap_or_default();
        match result.answer(is_form, Some(after), self.settings.timing.fastest_person) {
            DialogAnswer::Accepted => Vec::new(),
            DialogAnswer::Declined => {
                self.dialog = None;
                self.denied(client.revision(), now)
            }
            DialogAnswer::Closed => {
                self.dialog = None;
                let text = self.closed_text(now);
                self.fail_held(&text, client.revision())
            }
            DialogAnswer::Unseen => {
                self.dialog = None;
                self.cannot_ask = true;
                self.show(client, now)
            }
        }
    }

    /// A call came back from a dialog that was the response to it.
    pub(super) fn returned(
        &mut self,
        call: &ReturnedCall,
        line: Line,
        client: &Handshake,
        now: Now,
    ) -> Returned {
        let is_form = !client.dialogs().url;
        let after = call.asked_at.map(|at| now.mono.saturating_sub(at));
        let fastest = self.settings.timing.fastest_person;
        let revision = client.revision();
        match call.result.answer(is_form, after, fastest) {
            DialogAnswer::Declined => {
                let mut actions = self.denied(revision, now);
                actions.push(failure(&line, &self.denied_text(), revision));
                Returned::Handled(actions)
            }
            // Some clients show the dialog at every round: once is enough.
            DialogAnswer::Accepted if self.flow != DeviceFlowState::None => {
                let (wait, interval) = (self.settings.wait, self.settings.timing.progress);
                let call = HeldCall::new(line, HeldReason::New, now.mono, wait, interval);
                self.held.push(call);
                Returned::Handled(Vec::new())
            }
            DialogAnswer::Closed if self.valid_code(now).is_some() => {
                let text = self.closed_text(now);
                Returned::Handled(vec![failure(&line, &text, revision)])
            }
            DialogAnswer::Accepted | DialogAnswer::Closed => Returned::New(line),
            DialogAnswer::Unseen => {
                self.cannot_ask = true;
                Returned::New(line)
            }
        }
    }

    fn denied(&mut self, revision: Option<ProtocolRevision>, now: Now) -> Vec<Action> {
        self.denied_until = now.mono + self.settings.timing.after_denial;
        self.failure = None;
        self.flow = DeviceFlowState::None;
        let mut actions = vec![Action::CancelSignIn];
        actions.extend(self.fail_held(&self.denied_text(), revision));
        actions
    }

    /// The device flow of this number has failed.
    pub(super) fn failed(
        &mut self,
        flow: u32,
        error: &TokenError,
        client: &Handshake,
    ) -> Vec<Action> {
        if flow != self.last_flow || self.flow == DeviceFlowState::None {
            // It was given up.
            return Vec::new();
        }
        if let DeviceFlowState::CodeShown { .. } = self.flow {
            self.failure = Some(error.text.clone());
        }
        self.flow = DeviceFlowState::None;
        let mut actions = self.close_dialog(false);
        let text = format!("ghtok: {}", error.text);
        actions.extend(self.fail_held(&text, client.revision()));
        actions
    }

    /// The device flow has succeeded.
    pub(super) fn succeeded(&mut self) -> Vec<Action> {
        self.cannot_ask = false;
        self.failure = None;
        self.flow = DeviceFlowState::None;
        self.close_dialog(true)
    }

    /// A server has a valid token, wherever it came from.
    pub(super) fn no_longer_needed(&mut self) -> Vec<Action> {
        let mut actions = Vec::new();
        self.failure = None;
        if self.flow != DeviceFlowState::None {
            self.flow = DeviceFlowState::None;
            actions.push(Action::CancelSignIn);
        }
        actions.extend(self.close_dialog(true));
        actions
    }

    /// A dialog whose call is over is dead: either the client did not show it, or nobody looked. The
    /// other calls must not wait for it.
    fn call_is_over(&mut self, id: Option<&Id>, client: &Handshake, now: Now) -> Vec<Action> {
        let Some(dialog) = &self.dialog else {
            return Vec::new();
        };
        let is_its_call = id == dialog.call.as_ref();
        if !self.held.is_empty() && (dialog.is_answered || !is_its_call) {
            return Vec::new();
        }
        self.cannot_ask |= !dialog.is_answered;
        let mut actions = self.close_dialog(false);
        actions.extend(self.show(client, now));
        actions
    }

    /// The calls that a new server gets, in their order; what was reported of their progress; and the
    /// responses to those that must not be made again.
    pub(super) fn take_held(&mut self) -> (Vec<HeldCall>, Vec<Action>) {
        let held = std::mem::take(&mut self.held);
        let (made, answered): (Vec<_>, Vec<_>) = held.into_iter().partition(HeldCall::may_be_made);
        let text = "ghtok: you are signed in now. Call the tool again.";
        let answered = answered
            .iter()
            .map(|call| to_client(call.failed(text, None)));
        (made, answered.collect())
    }

    pub(super) fn holds_calls(&self) -> bool {
        !self.held.is_empty()
    }

    /// Answers every held call with this text.
    pub(super) fn fail_held(
        &mut self,
        text: &str,
        revision: Option<ProtocolRevision>,
    ) -> Vec<Action> {
        let held = std::mem::take(&mut self.held);
        let failed = |call: HeldCall| to_client(call.failed(text, revision));
        held.into_iter().map(failed).collect()
    }

    /// The client cancels a call; `None` if it is not held here.
    pub(super) fn cancelled(
        &mut self,
        id: &Id,
        client: &Handshake,
        now: Now,
    ) -> Option<Vec<Action>> {
        let before = self.held.len();
        self.held.retain(|call| !call.is(id));
        (before != self.held.len()).then(|| self.call_is_over(Some(id), client, now))
    }

    /// Reports progress of held calls, and ends those that were held too long.
    pub(super) fn pass_time(&mut self, client: &Handshake, now: Now) -> Vec<Action> {
        let has_messages = client.has_progress_messages();
        let progress = self.held.iter_mut();
        let progress = progress.filter_map(|call| call.next_progress(has_messages, now.mono));
        let mut actions: Vec<Action> = progress.map(to_client).collect();
        let over = self.held.extract_if(.., |call| call.is_over(now.mono));
        for call in over.collect::<Vec<_>>() {
            let text = match self.valid_code(now) {
                Some(code) if call.is_after_code() => format!(
                    "ghtok: nobody has entered the code yet. {} Then call the tool again.",
                    self.text(code)
                ),
                _ => {
                    "ghtok: nobody signed in while this call was held. Call the tool again.".into()
                }
            };
            actions.push(to_client(call.failed(&text, client.revision())));
            actions.extend(self.call_is_over(call.id(), client, now));
        }
        actions
    }

    pub(super) fn next_timer(&self) -> Option<Duration> {
        self.held.iter().map(HeldCall::next_timer).min()
    }
}

fn is_expired(code: &UserCode, now: Now) -> bool {
    now.wall.0 >= code.expires_at
}

/// The response to a request that is not made.
pub(super) fn failure(line: &[u8], text: &str, revision: Option<ProtocolRevision>) -> Action {
    let (method, raw_id) = method_and_id(line);
    to_client(messages::failure(&method, &raw_id, text, revision))
}

fn to_client(bytes: Vec<u8>) -> Action {
    Action::ToClient(Line::own(bytes))
}

#[cfg(test)]
mod tests;
