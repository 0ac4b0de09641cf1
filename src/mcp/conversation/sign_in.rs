//! A sign-in by dialog, only while calls are held that need it (P5).

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Action, Conversation, Cure, Hold, News, Then, Trouble};
use super::{Asking, Era};
use crate::formats::json_rpc::{self, Id, Message};
use crate::mcp::dialog::{self, Code, KEY};
use crate::mcp::line::Line;

/// How far a sign-in is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Login {
    /// There is none.
    None,
    /// A code is asked for.
    Begun,
    /// There is a code.
    Shown(Code),
}

/// A call that waits for a person.
#[derive(Debug)]
pub struct Waiting {
    pub(super) line: Line,
    id: Option<Id>,
    raw_id: String,
    method: String,
    meta: Option<Value>,
    progress: Option<Value>,
    /// The last progress told, and when the next one is.
    told: u32,
    next: Duration,
    until: Duration,
}

/// A dialog that the client shows.
#[derive(Debug)]
pub(super) struct Dialog {
    pub(super) id: Id,
    elicitation: Option<String>,
    since: Duration,
    answered: bool,
}

/// A call that comes back with what a person did in our dialog (MRTR).
pub(super) struct Retry {
    action: Option<String>,
    params: String,
}

/// Our own states begin so.
const STATE: &str = "ghtok.";

impl Retry {
    /// `None` if the call carries no state of ours.
    pub(super) fn of(message: &Message<'_>) -> Option<Self> {
        #[derive(Deserialize)]
        struct Params {
            #[serde(rename = "requestState")]
            state: Option<String>,
        }
        let state = message.params_as::<Params>()?.state?;
        let before = state.strip_prefix(STATE)?.to_owned();
        let mut params: Map<String, Value> = message.params_as()?;
        let action = params
            .get("inputResponses")
            .and_then(|all| all.pointer(&format!("/{KEY}/action")))
            .and_then(Value::as_str)
            .map(str::to_owned);
        if let Some(Value::Object(all)) = params.get_mut("inputResponses") {
            all.remove(KEY);
            if all.is_empty() {
                params.remove("inputResponses");
            }
        }
        // What the server itself had asked the client to bring back.
        match before.split_once(':') {
            Some((_, theirs)) => params.insert("requestState".into(), theirs.into()),
            None => params.remove("requestState"),
        };
        Some(Self {
            action,
            params: Value::Object(params).to_string(),
        })
    }

    /// The call as the server may see it.
    pub(super) fn without_ours(&self, message: &Message<'_>, line: &[u8]) -> Vec<u8> {
        message.with_params(line, &self.params)
    }
}

impl Conversation {
    /// A call that needs a token, and there is none: it is fetched, or a person is asked.
    pub(super) fn without_token(&mut self, line: Line) {
        match self.trouble.clone() {
            Some(trouble) if trouble.cure == Cure::SignIn => self.ask(line, &trouble),
            Some(trouble) if self.now.mono < self.retry_at => {
                let (method, raw_id) = named(&line);
                self.answer_failed(&method, &raw_id, &format!("ghtok: {}", trouble.text));
            }
            _ => {
                self.held.push_back(line);
                self.hold = Some(Hold::Fetch(None));
                self.out.push_back(Action::Fetch);
            }
        }
    }

    fn ask(&mut self, line: Line, trouble: &Trouble) {
        let (method, raw_id) = named(&line);
        let refused = self.now.mono < self.no_until;
        if self.settings.asking == Asking::Never || refused {
            let text = format!("ghtok: {}", trouble.text);
            return self.answer_failed(&method, &raw_id, &text);
        }
        let waiting = self.waiting_for(line);
        self.waiting.push(waiting);
        match self.login.clone() {
            Login::None => {
                self.login = Login::Begun;
                self.out.push_back(Action::SignIn);
            }
            Login::Begun => {}
            Login::Shown(code) => self.show(&code),
        }
    }

    fn waiting_for(&self, line: Line) -> Waiting {
        let (method, raw_id) = named(&line);
        let (id, (meta, progress)) = match json_rpc::read(&line) {
            json_rpc::Line::One(message) => (message.id.clone(), dialog::meta(message.params)),
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

    pub(super) fn code(&mut self, code: &Code) {
        if self.login == Login::None {
            return;
        }
        self.note(dialog::instructions(code, &self.settings.app));
        self.login = Login::Shown(code.clone());
        self.show(code);
    }

    /// Shows the code to whoever waits, in the way that the client can.
    fn show(&mut self, code: &Code) {
        let modes = if self.mute {
            dialog::Modes::default()
        } else {
            self.modes
        };
        let app = self.settings.app.clone();
        match self.era {
            Some(Era::Legacy) if modes.any() && self.negotiated_dialogs(modes.url) => {
                if self.dialog.is_none() {
                    self.open_dialog(code);
                }
            }
            Some(Era::Modern) if modes.any() => {
                for one in std::mem::take(&mut self.waiting) {
                    let state = format!("{STATE}{}", their_state(&one.line));
                    let result = dialog::input_required(code, &app, modes, &state);
                    self.tell_client(dialog::response(&one.raw_id, &result));
                }
            }
            _ => self.end_waiting(&dialog::instructions(code, &app)),
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

    fn open_dialog(&mut self, code: &Code) {
        self.dialogs += 1;
        let id = format!("ghtok:login:{}", self.dialogs);
        let pages = self.handshake.version.as_deref() >= Some("2025-11-25");
        let mut modes = self.modes;
        modes.url &= pages;
        let meta = self.waiting.first().and_then(|one| one.meta.clone());
        let params = dialog::elicitation(code, &self.settings.app, modes, Some(&id), meta);
        self.tell_client(dialog::request(&id, "elicitation/create", &params));
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
        self.out.push_back(Action::GiveUpSignIn);
        let text = format!(
            "ghtok: the sign-in was declined. To sign in later: {}",
            self.settings.login_command
        );
        self.end_waiting(&text);
    }

    fn cancelled(&mut self) {
        let text = match &self.login {
            Login::Shown(code) => format!(
                "ghtok: the dialog was closed; the code stays good. {}",
                dialog::instructions(code, &self.settings.app)
            ),
            _ => "ghtok: the dialog was closed. Call the tool again to sign in.".into(),
        };
        self.end_waiting(&text);
    }

    /// A call that came back from our dialog.
    pub(super) fn retried(&mut self, retry: &Retry, line: Line) {
        if !self.lacks_token() {
            return self.pass_on(line);
        }
        let (method, raw_id) = named(&line);
        match (retry.action.as_deref(), self.login.clone()) {
            (Some("decline"), _) => {
                self.declined();
                let text = format!(
                    "ghtok: the sign-in was declined. To sign in later: {}",
                    self.settings.login_command
                );
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
                    dialog::instructions(&code, &self.settings.app)
                );
                self.answer_failed(&method, &raw_id, &text);
            }
            _ => self.without_token(line),
        }
    }

    pub(super) fn signed_in(&mut self, result: Result<News, Trouble>) {
        self.login = Login::None;
        self.close_dialog(result.is_ok());
        match result {
            Ok(news) => {
                self.trouble = None;
                self.latest = Some(news);
                self.mute = false;
                if self.hold.is_none() {
                    self.begin_drain(Then::Start);
                }
            }
            Err(trouble) => {
                let text = format!("ghtok: {}", trouble.text);
                self.end_waiting(&text);
            }
        }
    }

    fn close_dialog(&mut self, done: bool) {
        let Some(dialog) = self.dialog.take() else {
            return;
        };
        if let Some(id) = dialog.elicitation.as_ref().filter(|_| done) {
            let params = serde_json::json!({"elicitationId": id});
            self.tell_client(dialog::notification(
                "notifications/elicitation/complete",
                &params,
            ));
        }
        if !dialog.answered {
            self.cancel(&dialog.id);
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
            self.close_dialog(false);
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
                messages.push(dialog::notification("notifications/progress", &params));
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

/// A state of the server's own that the call carries, to be given back to it.
fn their_state(line: &[u8]) -> String {
    let json_rpc::Line::One(message) = json_rpc::read(line) else {
        return "login".into();
    };
    let params: Value = message.params_as().unwrap_or_default();
    match params.get("requestState").and_then(Value::as_str) {
        Some(theirs) => format!("login:{theirs}"),
        None => "login".into(),
    }
}

fn named(line: &[u8]) -> (String, String) {
    match json_rpc::read(line) {
        json_rpc::Line::One(message) => (
            message.method.as_deref().unwrap_or_default().to_owned(),
            message.raw_id(line).to_owned(),
        ),
        _ => (String::new(), "null".into()),
    }
}
