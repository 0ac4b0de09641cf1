//! What the wrapper does about everything that happens: which line goes where, when a server is
//! exchanged for one with a fresh token, when a person is asked. Pure: events in, actions out.

mod client;
mod renewal;
mod server;
mod sign_in;
mod waits;

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::time::Duration;

use serde_json::Value;

pub use self::sign_in::Waiting;
use self::sign_in::{Dialog, Login};
use crate::formats::json_rpc::Id;
use crate::mcp::dialog::{Code, Era, Modes};
use crate::mcp::line::Line;
use crate::token::Timestamp;

/// What is set for a whole conversation.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What people call the App.
    pub app: String,
    /// The command that signs in to it.
    pub login_command: String,
    /// Whether a person may be asked.
    pub asking: Asking,
    /// Whether a server may be exchanged.
    pub restarts: Restarts,
    /// How long calls are held for a person.
    pub wait: Duration,
    /// How long calls that are under way may delay an exchange.
    pub max_drain: Duration,
    /// The waits that nobody chooses.
    pub pace: Pace,
}

/// Whether a person may be asked (P5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asking {
    /// While a call is held that needs a token.
    WhileHolding,
    /// Never (`--no-prompt`).
    Never,
}

/// Whether a server may be exchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restarts {
    /// For every new token.
    Allowed,
    /// Never (`--no-restart`); a server that has no token yet gets its first.
    Never,
}

/// The waits that nobody chooses.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// How long a client's opening waits for a token before a server starts without one.
    pub first_token: Duration,
    /// How long a new server has for the handshake.
    pub replay: Duration,
    /// An answer to a dialog that comes sooner was no person's.
    pub reflex: Duration,
    /// How long nobody is asked again after a no.
    pub after_a_no: Duration,
    /// How often a held call's progress is told.
    pub progress: Duration,
    /// How often a 401 in an answer is believed enough to be checked.
    pub checks: Duration,
    /// After a failure, the first pause before the token is asked for again.
    pub backoff: Duration,
    /// In which time a server may die how often.
    pub crashes: (Duration, usize),
    /// How long a new server's news of its own lists are kept to one each.
    pub settling: Duration,
    /// How much of a token's life is kept free of calls that may be cut off.
    pub margin: Duration,
}

impl Pace {
    /// The product's own.
    pub const STANDARD: Self = Self {
        first_token: Duration::from_secs(5),
        replay: Duration::from_secs(20),
        reflex: Duration::from_millis(400),
        after_a_no: Duration::from_secs(60),
        progress: Duration::from_secs(10),
        checks: Duration::from_secs(60),
        backoff: Duration::from_secs(5),
        crashes: (Duration::from_secs(60), 3),
        settling: Duration::from_secs(2),
        margin: Duration::from_secs(30),
    };
}

/// The time of an event.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// Never goes back.
    pub mono: Duration,
    /// May jump; tokens go by it.
    pub wall: Timestamp,
}

/// What is known of a token; the token itself is not here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct News {
    /// Its token set's generation.
    pub generation: u64,
    /// When a new one is to be had; `None` for a token without an end.
    pub due_at: Option<Timestamp>,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
}

/// Why there is no token, or no newer one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What failed and the next command, for a person.
    pub text: String,
    /// Whether a sign-in would help.
    pub cure: Cure,
}

/// What would help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cure {
    /// A person has to sign in.
    SignIn,
    /// Time, or the person's own command.
    Other,
}

/// The last saved or sent token set, as the outcome file tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// Its generation.
    pub generation: u64,
    /// True once it is stored.
    pub is_stored: bool,
}

/// How a server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Its code, 128 + n for a signal.
    pub code: u8,
}

/// What happens.
#[derive(Debug)]
pub enum Event {
    /// The client sent a line; what the outcome file tells just then.
    Client(Line, Option<Told>),
    /// The client closed its end, or this process shall end; with the signal's number.
    Close(Option<u8>),
    /// A server sent a line.
    Server(u32, Line),
    /// A server is gone.
    Ended(u32, Ended),
    /// What came of a fetch or a check.
    Token(Result<News, Trouble>),
    /// The device flow has a code.
    Code(Code),
    /// What came of the sign-in.
    SignedIn(Result<News, Trouble>),
    /// Time has passed.
    Tick,
}

/// What is to be done.
#[derive(Debug)]
pub enum Action {
    /// Send this to the client.
    ToClient(Line),
    /// Send this to a server.
    ToServer(u32, Line),
    /// Start a server with the token of this generation, or with a void one.
    Start(u32, Option<u64>),
    /// End a server in good order.
    Stop(u32),
    /// Get a valid token.
    Fetch,
    /// Have the token of this generation checked; get a valid one.
    Check(u64),
    /// Sign a person in.
    SignIn,
    /// Let the sign-in be.
    GiveUpSignIn,
    /// Tell whoever reads standard error.
    Note(String),
    /// Show it there: it is no message.
    Stray(u32, Line),
    /// End, with this code.
    End(u8),
}

/// A request that is under way at a server.
#[derive(Debug)]
struct Call {
    server: u32,
    method: String,
    /// The line, where it may be sent once more.
    line: Vec<u8>,
    raw_id: String,
}

/// Why lines of the client are held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hold {
    /// Calls under way may end first, until then.
    Drain(Duration, Then),
    /// A token is fetched; the very first for no longer than this.
    Fetch(Option<Duration>),
    /// A token is checked.
    Check,
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
    /// The last try failed; no other until the token has ended.
    Stuck,
}

/// The handshake, to be told again to the next server.
#[derive(Debug, Default)]
struct Handshake {
    params: Option<String>,
    /// The version that was agreed on.
    version: Option<String>,
    initialized: bool,
    log_level: Option<String>,
    subscriptions: BTreeMap<String, String>,
}

/// A conversation.
pub struct Conversation {
    settings: Settings,
    out: VecDeque<Action>,
    now: Now,
    era: Option<Era>,
    handshake: Handshake,
    modes: Modes,
    /// The server in use, and the token that it has.
    active: Option<u32>,
    has: Option<News>,
    /// The newest token at hand.
    latest: Option<News>,
    next_server: u32,
    hold: Option<Hold>,
    held: VecDeque<Line>,
    calls: BTreeMap<Id, Call>,
    /// Requests of servers that the client has not answered: our id, the server, its own id.
    asked: HashMap<Id, (u32, String)>,
    trouble: Option<Trouble>,
    /// No fetch before this, unless the outcome file tells of something new.
    retry_at: Duration,
    backoff: Duration,
    looked_at: Option<Told>,
    told: Option<Told>,
    last_check: Option<Duration>,
    suspects: Vec<(Id, Call, Line)>,
    read_only: HashSet<String>,
    login: Login,
    waiting: Vec<Waiting>,
    dialog: Option<Dialog>,
    dialogs: u32,
    /// The client answers dialogs without showing them.
    mute: bool,
    no_until: Duration,
    /// A server's own dialogs through its answers, until then (MRTR).
    input_until: Duration,
    crashes: VecDeque<Duration>,
    settling: Option<(Duration, HashSet<String>)>,
    swallowed: HashSet<Id>,
    used: bool,
    life: Life,
    exchange: Exchange,
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
            has: None,
            latest: None,
            next_server: 0,
            hold: Some(Hold::Fetch(Some(first))),
            held: VecDeque::new(),
            calls: BTreeMap::new(),
            asked: HashMap::new(),
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
            dialogs: 0,
            mute: false,
            no_until: Duration::ZERO,
            input_until: Duration::ZERO,
            crashes: VecDeque::new(),
            settling: None,
            swallowed: HashSet::new(),
            used: false,
            life: Life::Running,
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
            Event::Token(result) => self.token(result),
            Event::Code(code) => self.code(&code),
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
        self.life = Life::Closing(signal);
        self.out.push_back(Action::GiveUpSignIn);
        match self.active {
            Some(server) => self.out.push_back(Action::Stop(server)),
            None => self
                .out
                .push_back(Action::End(signal.map_or(0, |n| 128 + n))),
        }
        if let Some(Hold::Replay(server, _)) = self.hold {
            self.out.push_back(Action::Stop(server));
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

    /// Answers a request in the server's place: a tool's result where that is what was asked for.
    fn answer_failed(&mut self, method: &str, raw_id: &str, text: &str) {
        use crate::mcp::dialog;
        const INTERNAL_ERROR: i32 = -32603;
        let bytes = if method == "tools/call" {
            let result = dialog::failed_call(text, self.era.unwrap_or(Era::Legacy));
            dialog::response(raw_id, &result)
        } else {
            dialog::error(raw_id, INTERNAL_ERROR, text)
        };
        self.tell_client(bytes);
    }

    fn lacks_token(&self) -> bool {
        match self.has {
            None => true,
            Some(news) => news.expires_at.is_some_and(|end| self.now.wall >= end),
        }
    }
}

/// The answers that a call may be given by a dialog.
fn may_ask(method: &str, era: Option<Era>) -> bool {
    match method {
        "tools/call" => true,
        "prompts/get" | "resources/read" => era == Some(Era::Modern),
        _ => false,
    }
}

/// True for what does the same when it is done twice.
fn may_repeat(method: &str) -> bool {
    method.ends_with("/list")
        || matches!(
            method,
            "ping"
                | "initialize"
                | "resources/read"
                | "prompts/get"
                | "completion/complete"
                | "logging/setLevel"
                | "resources/subscribe"
                | "resources/unsubscribe"
                | "resources/templates/list"
                | "server/discover"
                | LISTEN
        )
}

/// The request that stays open for a server's news.
const LISTEN: &str = "subscriptions/listen";

fn text_of(value: &Value, name: &str) -> Option<String> {
    value.get(name)?.as_str().map(str::to_owned)
}
