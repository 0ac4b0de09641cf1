//! What the switch decides.

use std::time::Duration;

use super::phase::Server;

/// What follows when running requests have ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum AfterDrain {
    FetchToken,
    Start,
}

/// What is to be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum NextStep {
    FetchToken,
    Start,
    /// The new server did not answer within this time.
    StartTimedOut(Duration),
}

/// Whether requests can be sent to the server in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Flow {
    Open,
    /// Only those that end running work; this follows.
    Draining(AfterDrain),
    Held,
    /// The same, while a token is checked.
    HeldForCheck,
    /// There is no server, and none will follow.
    Ended,
}

/// How a start began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Start {
    /// This server starts with this token.
    Now(Server),
    /// It waits for the end of others; this one has to be stopped.
    AfterStopping(Option<u32>),
}

/// Why a new server is of no use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum StartFailure {
    /// The system cannot start it, for this reason.
    NotStarted(String),
    /// It ended, with this exit code.
    Exited(u8),
    /// It did not answer within this time.
    Timeout(Duration),
    /// It does not speak the protocol revision of this conversation.
    OtherRevision,
    /// A remote server opens no session.
    NoSession,
}

/// What follows a failed start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum AfterFailure {
    /// The old server is stopped, and then a new one starts alone.
    StopOldFirst(u32),
    /// The old server stays in use.
    KeepOld,
    /// There is no server: this one has ended.
    Crash(Server),
}

/// Which server has exited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Exited {
    InUse(Server),
    /// The one that was starting.
    New,
    /// One that was to end.
    Other,
}
