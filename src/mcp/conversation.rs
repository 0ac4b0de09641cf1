//! What the wrapper does about everything that happens: which line goes where, when a server is
//! exchanged for one with a fresh token, when a person is asked. Pure: events in, actions out.

mod batch;
mod begun;
mod calls;
mod client;
mod events;
mod renewal;
mod retry;
mod server;
mod settings;
mod sign_in;
mod starting;
mod waiting;
mod waits;

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::time::Duration;

use self::begun::Begun;
use self::calls::{Call, Suspect};
pub use self::events::{Action, Ended, Event, Now, Remedy, SavedGeneration, TokenError, TokenInfo};
pub use self::settings::{Asking, Restarts, Settings, Timing};
use self::sign_in::{Dialog, Login};
use self::waiting::Waiting;
use serde_json::Value;

use crate::formats::json_rpc::Id;
use crate::mcp::line::Line;
use crate::mcp::messages::{self, Modes, ProtocolRevision};

/// Why lines of the client are held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hold {
    /// What is under way may end first.
    Drain(Then),
    /// A token is fetched; the very first for no longer than this.
    Fetch(Option<Duration>),
    /// A token is checked.
    Check,
    /// Only one server may run: a new one starts when no other is left.
    Stop,
    /// A new server has its handshake, until then.
    Replay(u32, Duration),
}

/// What follows on the calls under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    /// A token is fetched.
    Fetch,
    /// The one at hand is used.
    Start,
}

/// How far the conversation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Running,
    /// The client, or a signal of this number, ends it.
    Closing(Option<u8>),
    /// No server is left.
    Over,
}

/// Whether servers can be exchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exchange {
    Free,
    /// The last try failed: none by itself, and none at all before this.
    Stuck(Duration),
}

/// How many servers can run at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Instances {
    Several,
    /// They need the same port, lock or profile.
    One,
}

/// The handshake, to be told again to the next server.
#[derive(Debug, Default)]
struct Handshake {
    params: Option<String>,
    /// The version that was agreed on.
    version: Option<String>,
    /// The `_meta` of a client that shakes no hands (revision 2026-07-28).
    meta: Option<Value>,
    initialized: bool,
    log_level: Option<String>,
    subscriptions: BTreeMap<String, String>,
}

/// A conversation.
pub struct Conversation {
    settings: Settings,
    out: VecDeque<Action>,
    now: Now,
    era: Option<ProtocolRevision>,
    handshake: Handshake,
    modes: Modes,
    /// The server in use, and the token that it has.
    active: Option<u32>,
    /// Servers that are not in use, and whose processes are not all gone.
    ending: HashSet<u32>,
    instances: Instances,
    /// When the last server was started, and how long the slowest one took to begin.
    started: Duration,
    slowest_start: Duration,
    has: Option<TokenInfo>,
    /// The token of the server that has its handshake.
    starting: Option<TokenInfo>,
    /// The newest token at hand.
    latest: Option<TokenInfo>,
    next_server: u32,
    hold: Option<Hold>,
    held: VecDeque<Line>,
    /// How long what is under way may delay the exchange that has begun.
    drain_until: Option<Duration>,
    calls: BTreeMap<Id, Call>,
    begun: Begun,
    /// Requests of servers that the client has not answered: our id, and whose they are.
    asked: HashMap<Id, Asked>,
    next_asked: u32,
    /// A fetch or a check is under way; there is never a second one.
    token_awaited: bool,
    trouble: Option<TokenError>,
    /// No fetch before this, unless the outcome file tells of something new.
    retry_at: Duration,
    backoff: Duration,
    looked_at: Option<SavedGeneration>,
    told: Option<SavedGeneration>,
    last_check: Option<Duration>,
    suspects: Vec<Suspect>,
    read_only: HashSet<String>,
    login: Login,
    waiting: Vec<Waiting>,
    dialog: Option<Dialog>,
    /// The client answers dialogs without showing them.
    mute: bool,
    no_until: Duration,
    crashes: VecDeque<Duration>,
    settling: Option<(Duration, HashSet<String>)>,
    /// Answers to what we told a new server.
    swallowed: HashSet<Id>,
    /// Subscriptions told again, whose acknowledgement the client has had.
    acknowledged: HashSet<Id>,
    used: bool,
    life: Life,
    /// The client has closed its end; what it said before is served until then.
    close_at: Option<Duration>,
    exchange: Exchange,
}

/// A request of a server that the client has not answered.
#[derive(Debug)]
struct Asked {
    server: u32,
    /// Its own id, as it wrote it.
    raw_id: String,
    method: String,
    since: Duration,
}

impl Conversation {
    /// Begins: a token is fetched, then the server starts.
    pub fn begin(settings: Settings, now: Now) -> Self {
        let backoff = settings.pace.backoff;
        let first = now.mono + settings.pace.first_token;
        Self {
            settings,
            out: VecDeque::from([Action::Fetch]),
            now,
            era: None,
            handshake: Handshake::default(),
            modes: Modes::default(),
            active: None,
            ending: HashSet::new(),
            instances: Instances::Several,
            started: Duration::ZERO,
            slowest_start: Duration::ZERO,
            has: None,
            starting: None,
            latest: None,
            next_server: 0,
            hold: Some(Hold::Fetch(Some(first))),
            held: VecDeque::new(),
            drain_until: None,
            calls: BTreeMap::new(),
            begun: Begun::default(),
            asked: HashMap::new(),
            next_asked: 0,
            token_awaited: true,
            trouble: None,
            retry_at: Duration::ZERO,
            backoff,
            looked_at: None,
            told: None,
            last_check: None,
            suspects: Vec::new(),
            read_only: HashSet::new(),
            login: Login::None,
            waiting: Vec::new(),
            dialog: None,
            mute: false,
            no_until: Duration::ZERO,
            crashes: VecDeque::new(),
            settling: None,
            swallowed: HashSet::new(),
            acknowledged: HashSet::new(),
            used: false,
            life: Life::Running,
            close_at: None,
            exchange: Exchange::Free,
        }
    }

    /// Takes an event in.
    pub fn on(&mut self, event: Event, now: Now) {
        self.now = now;
        match event {
            Event::Client(line, told) => {
                self.told = told;
                self.client_said(line);
            }
            Event::Close(signal) => self.close(signal),
            Event::Server(server, line) => self.server_said(server, line),
            Event::Ended(server, ended) => self.ended(server, ended),
            Event::Gone(server) => self.gone(server),
            Event::Token(result) => self.token(result),
            Event::UserCode(code) => self.code(&code),
            Event::SignedIn(result) => self.signed_in(result),
            Event::Tick => {}
        }
        self.pass_time();
    }

    /// The next thing to be done.
    pub fn next_action(&mut self) -> Option<Action> {
        self.out.pop_front()
    }

    fn close(&mut self, signal: Option<u8>) {
        if self.life != Life::Running {
            return;
        }
        if signal.is_none() && self.close_at.is_none() && self.owes_answers() {
            // It may have written all that it wants answered, and closed its end at once.
            self.close_at = Some(self.now.mono + self.settings.pace.last_calls);
            return;
        }
        self.life = Life::Closing(signal);
        self.out.push_back(Action::CancelSignIn);
        match self.active {
            Some(server) => self.stop(server),
            None => self
                .out
                .push_back(Action::Exit(signal.map_or(0, |n| 128 + n))),
        }
        if let Some(Hold::Replay(server, _)) = self.hold {
            self.stop(server);
        }
    }

    fn tell_client(&mut self, bytes: Vec<u8>) {
        self.out.push_back(Action::ToClient(Line::own(bytes)));
    }

    fn tell_server(&mut self, line: Line) {
        if let Some(server) = self.active {
            self.out.push_back(Action::ToServer(server, line));
        }
    }

    fn note(&mut self, text: impl Into<String>) {
        self.out.push_back(Action::Note(text.into()));
    }

    /// Tells a step; its words are made only for who reads them.
    fn step(&mut self, words: impl FnOnce(&Self) -> String) {
        if log::log_enabled!(log::Level::Info) {
            let words = words(self);
            self.out.push_back(Action::Step(words));
        }
    }

    /// Answers a request in the server's place: a tool's result where that is what was asked for.
    fn answer_failed(&mut self, method: &str, raw_id: &str, text: &str) {
        const INTERNAL_ERROR: i32 = -32603;
        let bytes = if method == "tools/call" {
            let result = messages::failed_call(text, self.era.unwrap_or(ProtocolRevision::Legacy));
            messages::response(raw_id, &result)
        } else {
            messages::error(raw_id, INTERNAL_ERROR, text)
        };
        self.tell_client(bytes);
    }

    /// True if a call that needs a token would fail for want of one. A server that may not be exchanged
    /// keeps the one it has.
    fn lacks_token(&self) -> bool {
        match (self.has, self.settings.restarts) {
            (None, _) => true,
            (Some(_), Restarts::Never) => false,
            // A newer token that no server could be started with has ended the old one's life.
            (Some(_), Restarts::Allowed) if matches!(self.exchange, Exchange::Stuck(_)) => true,
            (Some(news), Restarts::Allowed) => {
                news.expires_at.is_some_and(|end| self.now.wall >= end)
            }
        }
    }
}
