//! A conversation without a process: what happens is told, and what is done is looked at.

use std::time::Duration;

use ghtok::testing::mcp::conversation::{
    Action, Asking, Conversation, Event, Now, Remedy, Restarts, SavedGeneration, Settings, Timing,
    TokenError, TokenInfo,
};
use ghtok::testing::mcp::line::Line;
use ghtok::testing::mcp::messages::UserCode;
use ghtok::testing::token::Timestamp;
use serde_json::{Value, json};

/// When it begins.
pub const BEGAN: i64 = 1_000_000;

/// A conversation, and everything that it has done.
pub struct Talk {
    conversation: Conversation,
    now: Now,
    told: Option<SavedGeneration>,
    version: String,
    /// What the client was sent.
    pub said: Vec<Value>,
    /// What servers were sent.
    pub sent: Vec<(u32, Value)>,
    /// Everything else, in words.
    pub done: Vec<String>,
}

pub fn settings() -> Settings {
    Settings {
        app: "main".into(),
        login_command: "ghtok login".into(),
        asking: Asking::WhileHolding,
        restarts: Restarts::Allowed,
        wait: Duration::from_secs(900),
        max_drain: Duration::from_secs(30),
        start_timeout: Duration::from_secs(60),
        timing: Timing::STANDARD,
    }
}

impl Talk {
    /// Nothing has happened yet.
    pub fn begin(settings: Settings) -> Self {
        let now = Now {
            mono: Duration::ZERO,
            wall: Timestamp(BEGAN),
        };
        Self {
            conversation: Conversation::begin(settings, now),
            now,
            told: None,
            version: "2025-11-25".into(),
            said: Vec::new(),
            sent: Vec::new(),
            done: Vec::new(),
        }
    }

    /// With a client that has opened in this revision, and nobody signed in.
    pub fn open(version: &str, capabilities: &Value) -> Self {
        let mut talk = Self::begin(settings());
        talk.on(Event::Token(Err(needed())));
        if version != "2026-07-28" {
            talk.shake_hands(version, capabilities);
        }
        talk.said.clear();
        talk.sent.clear();
        talk.done.clear();
        talk
    }

    /// The same, with a token that lives for hours.
    pub fn signed_in() -> Self {
        let mut talk = Self::begin(settings());
        talk.on(Event::Token(Ok(token(1))));
        talk.shake_hands("2025-11-25", &json!({"elicitation": {}}));
        talk.said.clear();
        talk.sent.clear();
        talk.done.clear();
        talk
    }

    /// The same in the stateless revision.
    pub fn signed_in_modern() -> Self {
        let mut talk = Self::begin(settings());
        talk.on(Event::Token(Ok(token(1))));
        talk.done.clear();
        talk
    }

    fn shake_hands(&mut self, version: &str, capabilities: &Value) {
        version.clone_into(&mut self.version);
        self.client(&json!({"id": 0, "method": "initialize", "params": {"protocolVersion": version, "capabilities": capabilities}}));
        self.server(1, &json!({"id": 0, "result": {"protocolVersion": version}}));
        self.client(&json!({"method": "notifications/initialized"}));
    }

    pub fn on(&mut self, event: Event) {
        self.conversation.on(event, self.now);
        let json = |line: &Line| serde_json::from_slice(line).expect("JSON");
        while let Some(action) = self.conversation.next_action() {
            match action {
                Action::ToClient(line) => self.said.push(json(&line)),
                Action::ToServer(server, line) => self.sent.push((server, json(&line))),
                Action::Start(server, generation) => {
                    self.done
                        .push(format!("start {server} with {generation:?}"));
                }
                Action::Note(_) | Action::Step(_) => {}
                Action::Stop(server) => self.done.push(format!("stop {server}")),
                Action::Unparsed(server, _) => self.done.push(format!("stray {server}")),
                other => self.done.push(format!("{other:?}")),
            }
        }
    }

    pub fn client(&mut self, message: &Value) {
        self.on(Event::Client(line(message), self.told));
    }

    pub fn server(&mut self, server: u32, message: &Value) {
        self.on(Event::Server(server, line(message)));
    }

    pub fn call(&mut self, id: u32, meta: &Value) {
        let params = json!({"name": "write", "arguments": {}, "_meta": meta});
        self.client(&json!({"id": id, "method": "tools/call", "params": params}));
    }

    pub fn pass(&mut self, time: Duration) {
        self.now.mono += time;
        self.now.wall = self.now.wall.after(time);
        self.on(Event::Tick);
    }

    /// Another process has saved the token set of this generation.
    pub fn others_saved(&mut self, generation: u64) {
        self.told = Some(SavedGeneration {
            generation,
            is_stored: true,
        });
    }

    /// The new server takes the handshake that it is told.
    pub fn take_handshake(&mut self, server: u32) {
        let id = format!("ghtok:initialize:{server}");
        self.server(
            server,
            &json!({"id": id, "result": {"protocolVersion": self.version}}),
        );
    }

    /// What was done since this was last asked.
    pub fn news(&mut self) -> Vec<String> {
        std::mem::take(&mut self.done)
    }

    /// The ids of the answers that the client has had.
    pub fn answered(&self) -> Vec<&Value> {
        let answers = self.said.iter().filter(|one| one.get("method").is_none());
        answers.map(|answer| &answer["id"]).collect()
    }

    /// The requests of this id that this server has had.
    pub fn requests(&self, server: u32, id: &Value) -> usize {
        let here = self.sent.iter().filter(|(to, _)| *to == server);
        here.filter(|(_, one)| one["id"] == *id && one.get("method").is_some())
            .count()
    }
}

pub fn line(message: &Value) -> Line {
    Line::from(format!("{message}\n").into_bytes())
}

pub fn needed() -> TokenError {
    TokenError {
        text: "main: not signed in; sign in with: ghtok login".into(),
        remedy: Remedy::SignIn,
    }
}

pub fn offline() -> TokenError {
    TokenError {
        text: "main: GitHub cannot be reached".into(),
        remedy: Remedy::Other,
    }
}

/// A token for eight hours.
pub fn token(generation: u64) -> TokenInfo {
    TokenInfo {
        generation,
        due_at: Some(Timestamp(BEGAN + 28_500)),
        expires_at: Some(Timestamp(BEGAN + 28_800)),
    }
}

pub fn code() -> UserCode {
    UserCode {
        url: "https://github.com/login/device".into(),
        user_code: "ABCD-1234".into(),
        until: "2026-11-23 03:00 +00:00".into(),
        expires_at: BEGAN + 900,
        poll_wait: 6,
    }
}
