//! What happens to a conversation, and what it has done.

use crate::mcp::line::Line;
use crate::mcp::messages::UserCode;
use crate::token::Timestamp;

use std::time::Duration;

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
pub struct TokenInfo {
    /// Its token set's generation.
    pub generation: u64,
    /// When a new one is to be had; `None` for a token without an end.
    pub due_at: Option<Timestamp>,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
}

/// Why there is no token, or no newer one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenError {
    /// What failed and the next command, for a person.
    pub text: String,
    /// Whether a sign-in would help.
    pub remedy: Remedy,
}

/// What would help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// A person has to sign in.
    SignIn,
    /// Time, or the person's own command.
    Other,
}

/// The last saved or sent token set, as the outcome file tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SavedGeneration {
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

/// Why a message to a remote server has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unanswered {
    /// The server refuses the token of this generation; nothing was done. What is told if that remains so.
    Unauthorized {
        /// The token's generation.
        generation: u64,
        /// For a person.
        text: String,
    },
    /// The server does not know the session; nothing was done.
    SessionLost,
    /// Nothing was done, for this reason.
    NotDone(String),
    /// It may have been done.
    Unknown(String),
}

impl Unanswered {
    /// What a person is told.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Unauthorized { text, .. } | Self::NotDone(text) => text.clone(),
            Self::SessionLost => "the server forgets its sessions".into(),
            Self::Unknown(text) => format!("{text}; whether it was done is unknown"),
        }
    }
}

/// What happens.
#[derive(Debug)]
pub enum Event {
    /// The client sent a line; what the outcome file tells just then.
    Client(Line, Option<SavedGeneration>),
    /// The client closed its end, or this process shall end; with the signal's number.
    Close(Option<u8>),
    /// A server sent a line.
    Server(u32, Line),
    /// This line was not answered by a remote server.
    Failed(u32, Line, Unanswered),
    /// A remote server no longer knows the session of this number.
    SessionLost(u32),
    /// A server other than the first one cannot be started, for this reason.
    NotStarted(u32, String),
    /// A server's first process has exited.
    Ended(u32, Ended),
    /// So have all that it had started.
    Gone(u32),
    /// What came of a fetch or a check.
    Token(Result<TokenInfo, TokenError>),
    /// The device flow of this number has a code.
    UserCode(u32, UserCode),
    /// What came of the sign-in of this number.
    SignedIn(u32, Result<TokenInfo, TokenError>),
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
    /// Sign a person in; sign-ins are numbered.
    SignIn(u32),
    /// Let the sign-in be.
    CancelSignIn,
    /// Tell whoever reads standard error.
    Note(String),
    /// Tell who wants to know each step.
    Step(String),
    /// Show it there: it is no message.
    Unparsed(u32, Line),
    /// End, with this code.
    Exit(u8),
}
