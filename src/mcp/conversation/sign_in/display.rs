//! How the code is shown: by a dialog, in a response, or as text.

use std::time::Duration;

use serde_json::json;

use super::{DeviceFlowState, SignIn, is_expired, to_client};
use crate::formats::json_rpc::Id;
use crate::mcp::conversation::handshake::Handshake;
use crate::mcp::conversation::held_call::HeldCall;
use crate::mcp::conversation::returned_call::state_of;
use crate::mcp::conversation::{Action, Now};
use crate::mcp::messages::{self, Modes, ProtocolRevision, UserCode};

/// A dialog that the client was asked to show.
#[derive(Debug)]
pub(super) struct Dialog {
    pub(super) id: Id,
    /// The call that it was opened for.
    pub(super) call: Option<Id>,
    /// The id of a dialog with a link.
    pub(super) elicitation: Option<String>,
    pub(super) since: Duration,
    pub(super) is_answered: bool,
}

impl SignIn {
    /// The code, while it can be entered.
    pub(super) fn valid_code(&self, now: Now) -> Option<&UserCode> {
        match &self.flow {
            DeviceFlowState::CodeShown { code, .. } if !is_expired(code, now) => Some(code),
            _ => None,
        }
    }

    /// Shows the code for the held calls, in the way that the client can.
    pub(super) fn show(&mut self, client: &Handshake, now: Now) -> Vec<Action> {
        let Some(code) = self.valid_code(now).cloned() else {
            return Vec::new();
        };
        let dialogs = if self.cannot_ask {
            Modes::default()
        } else {
            client.dialogs()
        };
        match client.revision() {
            Some(ProtocolRevision::Legacy) if dialogs.any() => {
                let may_ask = client.is_initialized() || !self.held.is_empty();
                if may_ask && self.dialog.is_none() {
                    vec![self.open_dialog(&code, dialogs, now)]
                } else {
                    Vec::new()
                }
            }
            Some(ProtocolRevision::Modern) if dialogs.any() => {
                self.require_input(&code, dialogs, now)
            }
            _ => self.tell(&code, client),
        }
    }

    /// What a person reads: why the last sign-in failed, and what to do.
    pub(super) fn text(&self, code: &UserCode) -> String {
        let instructions = messages::instructions(code, &self.settings.app);
        match &self.failure {
            Some(failure) => format!("The last sign-in failed: {failure}\n{instructions}"),
            None => instructions,
        }
    }

    fn open_dialog(&mut self, code: &UserCode, dialogs: Modes, now: Now) -> Action {
        self.last_dialog += 1;
        let id = format!("ghtok:login:{}", self.last_dialog);
        let call = self.held.first();
        let meta = call.and_then(HeldCall::meta).cloned();
        let params = messages::elicitation(code, &self.text(code), dialogs, Some(&id), meta);
        let request = messages::request(&id, "elicitation/create", &params);
        self.dialog = Some(Dialog {
            id: Id::text(&id),
            call: call.and_then(HeldCall::id).cloned(),
            elicitation: dialogs.url.then_some(id),
            since: now.mono,
            is_answered: false,
        });
        to_client(request)
    }

    /// Answers the held calls with the dialog. Those that must not be made again are told the code.
    fn require_input(&mut self, code: &UserCode, dialogs: Modes, now: Now) -> Vec<Action> {
        let text = self.text(code);
        let held = std::mem::take(&mut self.held);
        let asked = |call: HeldCall| {
            if !call.may_be_made() {
                return to_client(call.failed(&text, Some(ProtocolRevision::Modern)));
            }
            let state = state_of(call.line(), now.mono);
            let result = messages::input_required(code, &text, dialogs, &state);
            to_client(call.responded(&result))
        };
        held.into_iter().map(asked).collect()
    }

    /// Answers the held calls with the code.
    fn tell(&mut self, code: &UserCode, client: &Handshake) -> Vec<Action> {
        if self.held.is_empty() {
            return Vec::new();
        }
        let text = format!("{} Then call the tool again.", self.text(code));
        if let DeviceFlowState::CodeShown { is_told, .. } = &mut self.flow {
            *is_told = true;
        }
        self.fail_held(&text, client.revision())
    }

    pub(super) fn denied_text(&self) -> String {
        format!(
            "ghtok: the sign-in was declined. To sign in later: {}",
            self.settings.login_command
        )
    }

    pub(super) fn closed_text(&self, now: Now) -> String {
        match self.valid_code(now) {
            Some(code) => format!(
                "ghtok: the dialog was closed; the code stays good. {} Then call the tool again.",
                self.text(code)
            ),
            None => "ghtok: the dialog was closed. Call the tool again to sign in.".into(),
        }
    }

    pub(super) fn close_dialog(&mut self, is_signed_in: bool) -> Vec<Action> {
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
}
