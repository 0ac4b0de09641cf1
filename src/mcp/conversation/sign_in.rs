//! A sign-in by dialog, only while calls are held that need it (P5).

use std::time::Duration;

use super::retry::{Retry, state_of};
use super::starting::OTHER_REVISION;
use super::{
    Action, Asking, Conversation, Exchange, ProtocolRevision, Remedy, Then, TokenError, TokenInfo,
};
use crate::formats::json_rpc::{self, Id};
use crate::mcp::line::Line;
use crate::mcp::messages::{self, UserCode};

/// How far a sign-in is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Login {
    /// There is none.
    None,
    /// A code is asked for.
    Begun,
    /// There is a code.
    Shown(UserCode),
}

/// A dialog that the client shows.
#[derive(Debug)]
pub(super) struct Dialog {
    pub(super) id: Id,
    elicitation: Option<String>,
    since: Duration,
    answered: bool,
}

/// How a dialog of ours is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Closing {
    /// There is a token.
    Done,
    /// There is none.
    Undone,
}

impl Conversation {
    /// A call that needs a token, and there is none: it is fetched, or a person is asked.
    pub(super) fn without_token(&mut self, line: Line) {
        let now = self.now.mono;
        if self.has_another() {
            // It is at hand, and the server did not start with it.
            match self.exchange {
                Exchange::Stuck(until) if now < until => {
                    let (method, raw_id) = named(&line);
                    self.answer_failed(&method, &raw_id, OTHER_REVISION);
                }
                _ => {
                    self.exchange = Exchange::Free;
                    self.held.push_back(line);
                    self.begin_drain(Then::Start);
                }
            }
            return;
        }
        match self.trouble.clone() {
            Some(trouble) if trouble.remedy == Remedy::SignIn => self.ask(line, &trouble),
            Some(trouble) if now < self.retry_at => {
                let (method, raw_id) = named(&line);
                self.answer_failed(&method, &raw_id, &format!("ghtok: {}", trouble.text));
            }
            _ => {
                self.held.push_back(line);
                self.fetch(None);
            }
        }
    }

    fn ask(&mut self, line: Line, trouble: &TokenError) {
        let (method, raw_id) = named(&line);
        let refused = self.now.mono < self.no_until;
        if self.settings.asking == Asking::Never || refused {
            let text = format!("ghtok: {}", trouble.text);
            return self.answer_failed(&method, &raw_id, &text);
        }
        let waiting = self.waiting_for(line);
        self.waiting.push(waiting);
        match self.login.clone() {
            Login::None => self.begin_sign_in(),
            Login::Begun => {}
            Login::Shown(code) => self.show(&code),
        }
    }

    fn begin_sign_in(&mut self) {
        self.login = Login::Begun;
        self.out.push_back(Action::SignIn);
    }

    /// With `--eager` no call need be held for it.
    pub(super) fn ask_at_once(&mut self) {
        let needed = self
            .trouble
            .as_ref()
            .is_some_and(|trouble| trouble.remedy == Remedy::SignIn);
        if self.settings.asking == Asking::AtOnce
            && needed
            && self.lacks_token()
            && self.login == Login::None
            && self.now.mono >= self.no_until
        {
            self.begin_sign_in();
        }
    }

    /// From now on the client may be asked; before, a code is only told on standard error.
    pub(super) fn initialized(&mut self) {
        if let Login::Shown(code) = self.login.clone() {
            self.show(&code);
        }
    }

    pub(super) fn code(&mut self, code: &UserCode) {
        if self.login == Login::None {
            return;
        }
        self.note(messages::instructions(code, &self.settings.app));
        self.login = Login::Shown(code.clone());
        self.show(code);
    }

    /// Shows the code to whoever waits, in the way that the client can.
    fn show(&mut self, code: &UserCode) {
        let modes = if self.mute {
            messages::Modes::default()
        } else {
            self.modes
        };
        let app = self.settings.app.clone();
        match self.era {
            Some(ProtocolRevision::Legacy) if modes.any() && self.negotiated_dialogs(modes.url) => {
                if self.dialog.is_none() && (self.handshake.initialized || !self.waiting.is_empty())
                {
                    self.open_dialog(code);
                }
            }
            Some(ProtocolRevision::Modern) if modes.any() => {
                for one in std::mem::take(&mut self.waiting) {
                    let state = state_of(&one.line);
                    let result = messages::input_required(code, &app, modes, &state);
                    self.tell_client(messages::response(&one.raw_id, &result));
                }
            }
            _ => self.end_waiting(&messages::instructions(code, &app)),
        }
    }

    /// Only what the revision has may be used: forms since 2025-06-18, pages since 2025-11-25.
    fn negotiated_dialogs(&self, url: bool) -> bool {
        let version = self.handshake.version.as_deref().unwrap_or_default();
        version
            >= if url && !self.modes.form {
                "2025-11-25"
            } else {
                "2025-06-18"
            }
    }

    fn open_dialog(&mut self, code: &UserCode) {
        self.next_asked += 1;
        let id = format!("ghtok:login:{}", self.next_asked);
        let pages = self.handshake.version.as_deref() >= Some("2025-11-25");
        let mut modes = self.modes;
        modes.url &= pages;
        let meta = self.waiting.first().and_then(|one| one.meta.clone());
        let params = messages::elicitation(code, &self.settings.app, modes, Some(&id), meta);
        self.tell_client(messages::request(&id, "elicitation/create", &params));
        self.dialog = Some(Dialog {
            id: Id::text(&id),
            elicitation: modes.url.then_some(id),
            since: self.now.mono,
            answered: false,
        });
    }

    /// What the person did in the dialog; `None` if the client could not show it.
    pub(super) fn dialog_answered(&mut self, action: Option<&str>) {
        let reflex = self.settings.pace.reflex;
        let Some(dialog) = &mut self.dialog else {
            return;
        };
        dialog.answered = true;
        let by_nobody = self.now.mono < dialog.since + reflex;
        match action {
            Some("accept") => {}
            Some("decline") if !by_nobody => {
                self.dialog = None;
                self.declined();
            }
            Some("cancel") if !by_nobody => {
                self.dialog = None;
                self.cancelled();
            }
            _ => {
                self.dialog = None;
                self.mute = true;
                if let Login::Shown(code) = self.login.clone() {
                    self.show(&code);
                }
            }
        }
    }

    fn declined(&mut self) {
        self.no_until = self.now.mono + self.settings.pace.after_a_no;
        self.login = Login::None;
        self.out.push_back(Action::CancelSignIn);
        let text = self.declined_text();
        self.end_waiting(&text);
    }

    fn declined_text(&self) -> String {
        format!(
            "ghtok: the sign-in was declined. To sign in later: {}",
            self.settings.login_command
        )
    }

    fn cancelled(&mut self) {
        let text = match &self.login {
            Login::Shown(code) => format!(
                "ghtok: the dialog was closed; the code stays good. {}",
                messages::instructions(code, &self.settings.app)
            ),
            _ => "ghtok: the dialog was closed. Call the tool again to sign in.".into(),
        };
        self.end_waiting(&text);
    }

    /// A call that came back from our dialog.
    pub(super) fn retried(&mut self, retry: &Retry, line: Line) {
        if !self.lacks_token() {
            return self.client_said(line);
        }
        let (method, raw_id) = named(&line);
        match (retry.action.as_deref(), self.login.clone()) {
            (Some("decline"), _) => {
                self.declined();
                let text = self.declined_text();
                self.answer_failed(&method, &raw_id, &text);
            }
            (Some("accept"), Login::Begun | Login::Shown(_)) => {
                // Asked once is enough: some clients show the dialog at every round.
                let waiting = self.waiting_for(line);
                self.waiting.push(waiting);
            }
            (_, Login::Shown(code)) => {
                let text = format!(
                    "ghtok: the dialog was closed; the code stays good. {}",
                    messages::instructions(&code, &self.settings.app)
                );
                self.answer_failed(&method, &raw_id, &text);
            }
            _ => self.without_token(line),
        }
    }

    pub(super) fn signed_in(&mut self, result: Result<TokenInfo, TokenError>) {
        match result {
            Ok(news) => {
                self.trouble = None;
                self.latest = Some(news);
                self.mute = false;
                self.login = Login::None;
                self.close_dialog(Closing::Done);
            }
            Err(trouble) if self.login != Login::None => {
                self.login = Login::None;
                self.close_dialog(Closing::Undone);
                let text = format!("ghtok: {}", trouble.text);
                self.end_waiting(&text);
            }
            // Nobody waits for it any more.
            Err(_) => {}
        }
    }

    /// There is a token, wherever it came from.
    pub(super) fn end_sign_in(&mut self) {
        if self.login != Login::None {
            self.login = Login::None;
            self.out.push_back(Action::CancelSignIn);
        }
        self.close_dialog(Closing::Done);
    }

    pub(super) fn close_dialog(&mut self, closing: Closing) {
        let Some(dialog) = self.dialog.take() else {
            return;
        };
        if let Some(id) = dialog
            .elicitation
            .as_ref()
            .filter(|_| closing == Closing::Done)
        {
            let params = serde_json::json!({"elicitationId": id});
            self.tell_client(messages::notification(
                "notifications/elicitation/complete",
                &params,
            ));
        }
        if !dialog.answered {
            self.cancel(&dialog.id);
        }
    }
}

pub(super) fn named(line: &[u8]) -> (String, String) {
    match json_rpc::read(line) {
        json_rpc::Line::One(message) => (
            message.method.as_deref().unwrap_or_default().to_owned(),
            message.raw_id(line).to_owned(),
        ),
        _ => (String::new(), "null".into()),
    }
}
