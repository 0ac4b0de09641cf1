//! What a failed request leaves behind: whether the server can have acted on it.

use std::fmt;
use std::time::Duration;

use super::{ErrorCode, HttpError};

/// A request that brought no result. No variant holds a body, a token or a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestFailure {
    /// Not one byte of the request was written: it had no effect.
    NotSent(HttpError),
    /// Some or all of the request was written, and no complete answer came: the server may have
    /// acted on it.
    Unknown(HttpError),
    /// A complete answer that says nothing of OAuth (4xx, 5xx, a redirect, an HTML page): the
    /// server did not act.
    Answered {
        /// The HTTP status.
        status: u16,
        /// What the answer amounts to.
        cause: HttpError,
        /// How long the server asks to be left alone, at most `Limits::retry_after`.
        retry_after: Option<Duration>,
    },
    /// An OAuth error that asking again does not change.
    Refused {
        /// The error.
        code: ErrorCode,
    },
}

impl RequestFailure {
    /// A stable name for programs.
    pub fn code(&self) -> &str {
        match self {
            Self::NotSent(cause) | Self::Unknown(cause) | Self::Answered { cause, .. } => {
                cause.code()
            }
            Self::Refused { code } => code.as_str(),
        }
    }

    /// How long the server asks to be left alone.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Answered { retry_after, .. } => *retry_after,
            Self::NotSent(_) | Self::Unknown(_) | Self::Refused { .. } => None,
        }
    }
}

impl fmt::Display for RequestFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSent(cause) | Self::Unknown(cause) | Self::Answered { cause, .. } => {
                write!(f, "{cause}")
            }
            Self::Refused { code } => write!(f, "{}: {}", code.as_str(), code.meaning()),
        }
    }
}

impl std::error::Error for RequestFailure {}
