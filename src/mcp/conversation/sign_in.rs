//! A sign-in by a dialog of the client, only while calls are held that need it (P5).

use std::time::Duration;

use serde::Deserialize;
use serde_json::json;

use super::handshake::Handshake;
use super::held_call::{HeldCall, method_and_id};
use super::returned_call::{ReturnedCall, state_of};
use super::{Action, Asking, Now, Settings, TokenError};
use crate::formats::json_rpc::{Id, Message};
use crate::mcp::line::Line;
use crate::mcp::messages::{self, Modes, ProtocolRevision, UserCode};

/// The sign-in, and the calls that wait for it.
#[derive(Debug)]
pub(super) struct SignIn {
    code_state: CodeState,
    held: Vec<HeldCall>,
    dialog: Option<Dialog>,
    last_dialog: u32,
    /// The client answers dialogs without showing them.
    cannot_ask: bool,
    /// A person said no; nobody is asked before this.
    denied_until: Duration,
    settings: Settings,
}

/// The device flow's code.
#[derive(Clone, Debug, PartialEq, Eq)]
enum CodeState {
    None,
    /// A code is requested.
    Requested,
    /// A person can enter the code.
    CodeShown(UserCode),
}

/// A dialog that the client was asked to show.
#[derive(Debug)]
struct Dialog {
    id: Id,
    /// The id of a dialog with a link.
    elicitation: Option<String>,
    since: Duration,
    is_answered: bool,
}

/// What became of a call that came back from a dialog.
#[derive(Debug)]
pub(super) enum Returned {
    /// It is held, or answered.
    Handled(Vec<Action>),
    /// It has to be treated like a new call.
    New(Line),
}

/// The result of `elicitation/create`.
#[derive(Deserialize)]
struct DialogResult {
    action: Option<String>,
}

impl SignIn {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            code_state: CodeState::None,
            held: Vec::new(),
            dialog: None,
            last_dialog: 0,
            cannot_ask: false,
            denied_until: Duration::ZERO,
            settings: settings.clone(),
        }
    }

    /// Holds a call until somebody has signed in; or answers it, if nobody may be asked.
    pub(super) fn ask(
        &mut self,
        line: Line,
        error: &TokenError,
        client: &Handshake,
        now: Now,
    ) -> Vec<Action> {
        if self.settings.asking == Asking::Never || now.mono < self.denied_until {
            let text = format!("ghtok: {}", error.text);
            return vec![failure(&line, &text, client.revision())];
        }
        self.hold(line, now);
        match &self.code_state {
            CodeState::None => self.begin(),
            CodeState::Requested => Vec::new(),
            CodeState::CodeShown(code) => self.show(&code.clone(), client, now),
        }
    }

    /// With `--eager` no call need be held for it.
    pub(super) fn ask_without_call(&mut self, now: Now) -> Vec<Action> {
        let may_ask = self.settings.asking == Asking::AtOnce && now.mono >= self.denied_until;
        if may_ask && self.code_state == CodeState::None {
            self.begin()
        } else {
            Vec::new()
        }
    }

    fn begin(&mut self) -> Vec<Action> {
        self.code_state = CodeState::Requested;
        vec![Action::SignIn]
    }

    fn hold(&mut self, line: Line, now: Now) {
        let interval = self.settings.timing.progress;
        let call = HeldCall::new(line, now.mono, self.settings.wait, interval);
        self.held.push(call);
    }

    /// The client may be sent requests from now on.
    pub(super) fn client_is_ready(&mut self, client: &Handshake, now: Now) -> Vec<Action> {
        match &self.code_state {
            CodeState::CodeShown(code) => self.show(&code.clone(), client, now),
            CodeState::None | CodeState::Requested => Vec::new(),
        }
    }

    /// The device flow has a code.
    pub(super) fn code(&mut self, code: &UserCode, client: &Handshake, now: Now) -> Vec<Action> {
        if self.code_state == CodeState::None {
            return Vec::new();
        }
        self.code_state = CodeState::CodeShown(code.clone());
        let mut actions = vec![Action::Note(self.instructions(code))];
        actions.extend(self.show(code, client, now));
        actions
    }

    /// Shows the code for the held calls, in the way that the client can.
    fn show(&mut self, code: &UserCode, client: &Handshake, now: Now) -> Vec<Action> {
        let dialogs = if self.cannot_ask {
            Modes::default()
        } else {
            client.dialogs()
        };
        match client.revision() {
            Some(ProtocolRevision::Legacy) if dialogs.any() => {
                let may_ask = client.is_initialized() || !self.held.is_empty();
                if may_ask && self.dialog.is_none() {
                    vec![self.open_dialog(code, dialogs, now)]
                } else {
                    Vec::new()
                }
            }
            Some(ProtocolRevision::Modern) if dialogs.any() => {
                let app = &self.settings.app;
                let asked = |call: HeldCall| {
                    let state = state_of(call.line());
                    let result = messages::input_required(code, app, dialogs, &state);
                    to_client(call.responded(&result))
                };
                std::mem::take(&mut self.held)
                    .into_iter()
                    .map(asked)
                    .collect()
            }
            _ => self.fail_held(&self.instructions(code), client.revision()),
        }
    }

    fn open_dialog(&mut self, code: &UserCode, dialogs: Modes, now: Now) -> Action {
        self.last_dialog += 1;
        let id = format!("ghtok:login:{}", self.last_dialog);
        let meta = self.held.first().and_then(HeldCall::meta).cloned();
        let params = messages::elicitation(code, &self.settings.app, dialogs, Some(&id), meta);
        let request = messages::request(&id, "elicitation/create", &params);
        self.dialog = Some(Dialog {
            id: Id::text(&id),
            elicitation: dialogs.url.then_some(id),
            since: now.mono,
            is_answered: false,
        });
        to_client(request)
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
        let by_person = now.mono >= dialog.since + self.settings.timing.fastest_person;
        let result: Option<DialogResult> = response.result_as();
        let action = result.and_then(|result| result.action);
        match action.as_deref() {
            Some("accept") => Vec::new(),
            Some("decline") if by_person => {
                self.dialog = None;
                self.denied(client.revision(), now)
            }
            Some("cancel") if by_person => {
                self.dialog = None;
                let text = match &self.code_state {
                    CodeState::CodeShown(code) => self.closed_text(code),
                    _ => "ghtok: the dialog was closed. Call the tool again to sign in.".into(),
                };
                self.fail_held(&text, client.revision())
            }
            _ => {
                self.dialog = None;
                self.cannot_ask = true;
                match &self.code_state {
                    CodeState::CodeShown(code) => self.show(&code.clone(), client, now),
                    CodeState::None | CodeState::Requested => Vec::new(),
                }
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
        match (call.action.as_deref(), &self.code_state) {
            (Some("decline"), _) => {
                let mut actions = self.denied(client.revision(), now);
                let answer = failure(&line, &self.denied_text(), client.revision());
                actions.push(answer);
                Returned::Handled(actions)
            }
            (Some("accept"), CodeState::Requested | CodeState::CodeShown(_)) => {
                // Some clients show the dialog at every round: once is enough.
                self.hold(line, now);
                Returned::Handled(Vec::new())
            }
            (_, CodeState::CodeShown(code)) => {
                let text = self.closed_text(code);
                Returned::Handled(vec![failure(&line, &text, client.revision())])
            }
            _ => Returned::New(line),
        }
    }

    fn denied(&mut self, revision: Option<ProtocolRevision>, now: Now) -> Vec<Action> {
        self.denied_until = now.mono + self.settings.timing.after_denial;
        self.code_state = CodeState::None;
        let mut actions = vec![Action::CancelSignIn];
        actions.extend(self.fail_held(&self.denied_text(), revision));
        actions
    }

    fn denied_text(&self) -> String {
        format!(
            "ghtok: the sign-in was declined. To sign in later: {}",
            self.settings.login_command
        )
    }

    fn closed_text(&self, code: &UserCode) -> String {
        let instructions = self.instructions(code);
        format!("ghtok: the dialog was closed; the code stays good. {instructions}")
    }

    fn instructions(&self, code: &UserCode) -> String {
        messages::instructions(code, &self.settings.app)
    }

    /// The device flow has failed.
    pub(super) fn failed(&mut self, error: &TokenError, client: &Handshake) -> Vec<Action> {
        if self.code_state == CodeState::None {
            // Nobody waits for it any more.
            return Vec::new();
        }
        self.code_state = CodeState::None;
        let mut actions = self.close_dialog(false);
        let text = format!("ghtok: {}", error.text);
        actions.extend(self.fail_held(&text, client.revision()));
        actions
    }

    /// The device flow has succeeded.
    pub(super) fn succeeded(&mut self) -> Vec<Action> {
        self.cannot_ask = false;
        self.code_state = CodeState::None;
        self.close_dialog(true)
    }

    /// A server has a valid token, wherever it came from.
    pub(super) fn no_longer_needed(&mut self) -> Vec<Action> {
        let mut actions = Vec::new();
        if self.code_state != CodeState::None {
            self.code_state = CodeState::None;
            actions.push(Action::CancelSignIn);
        }
        actions.extend(self.close_dialog(true));
        actions
    }

    fn close_dialog(&mut self, is_signed_in: bool) -> Vec<Action> {
        let Some(dialog) = self.dialog.take() else {
            return Vec::new();
        };
        let mut actions = Vec::new();
        if let Some(id) = dialog.elicitation.filter(|_| is_signed_in) {
            let params = json!({"elicitationId": id});
            let method = "notifications/elicitation/complete";
            actions.push(to_client(messages::notification(method, &params)));
        }
        if !dialog.is_answered {
            actions.push(to_client(messages::cancellation(&dialog.id)));
        }
        actions
    }

    /// The calls that were held, in their order.
    pub(super) fn take_held(&mut self) -> impl DoubleEndedIterator<Item = Line> + use<> {
        let held = std::mem::take(&mut self.held);
        held.into_iter().map(HeldCall::into_line)
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
    pub(super) fn cancelled(&mut self, id: &Id) -> Option<Vec<Action>> {
        let before = self.held.len();
        self.held.retain(|call| !call.is(id));
        if before == self.held.len() {
            return None;
        }
        Some(if self.held.is_empty() {
            self.close_dialog(false)
        } else {
            Vec::new()
        })
    }

    /// Reports progress of held calls, and ends those that were held too long.
    pub(super) fn pass_time(&mut self, client: &Handshake, now: Now) -> Vec<Action> {
        let has_messages = client.has_progress_messages();
        let progress = self.held.iter_mut();
        let progress = progress.filter_map(|call| call.next_progress(has_messages, now.mono));
        let mut actions: Vec<Action> = progress.map(to_client).collect();
        let over = self.held.extract_if(.., |call| call.is_over(now.mono));
        let text = "ghtok: nobody signed in while this call was held. Call the tool again.";
        actions.extend(over.map(|call| to_client(call.failed(text, client.revision()))));
        actions
    }

    pub(super) fn next_timer(&self) -> Option<Duration> {
        self.held.iter().map(HeldCall::next_timer).min()
    }
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
