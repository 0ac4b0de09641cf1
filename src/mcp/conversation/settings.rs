//! What is set for a whole conversation.

use std::time::Duration;

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
    /// How long a new server may take to begin, at least.
    pub start_timeout: Duration,
    /// The waits that nobody chooses.
    pub timing: Timing,
}

/// Whether a person may be asked (P5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asking {
    /// While a call is held that needs a token.
    WhileHolding,
    /// As soon as it is known that there is no sign-in (`--eager`).
    AtOnce,
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
    /// Not for a token: the server is remote, and each request has the newest one. Only a lost session is
    /// opened again.
    ForSessions,
}

/// The waits that nobody chooses.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// How long a client's opening waits for a token before a server starts without one.
    pub first_token: Duration,
    /// An answer to a dialog that comes sooner was no person's.
    pub fastest_person: Duration,
    /// How long GitHub may take to answer when it is asked whether a code was entered.
    pub poll_response: Duration,
    /// How long nobody is asked again after a no.
    pub after_denial: Duration,
    /// How often a held call's progress is told.
    pub progress: Duration,
    /// How often a 401 in an answer is believed enough to be checked.
    pub checks: Duration,
    /// After a failure, the first pause before the token is asked for again.
    pub backoff: Duration,
    /// In which time a server may die how often.
    pub crashes: (Duration, usize),
    /// How long a new server's news of its own lists are kept to one each.
    pub list_changes: Duration,
    /// How much of a token's life is kept free of calls that may be cut off.
    pub margin: Duration,
    /// How long new requests wait for running calls that would outlive the token.
    pub last_drain: Duration,
    /// How long a client that has closed its end is still served what it had said before.
    pub last_requests: Duration,
}

impl Timing {
    /// The product's own.
    pub const STANDARD: Self = Self {
        first_token: Duration::from_secs(5),
        fastest_person: Duration::from_millis(400),
        poll_response: Duration::from_secs(1),
        after_denial: Duration::from_secs(60),
        progress: Duration::from_secs(10),
        checks: Duration::from_secs(60),
        backoff: Duration::from_secs(5),
        crashes: (Duration::from_secs(60), 3),
        list_changes: Duration::from_secs(2),
        margin: Duration::from_secs(30),
        last_drain: Duration::from_secs(5),
        last_requests: Duration::from_secs(5),
    };
}
