//! What goes wrong on purpose: kinds of failure, and which request meets which.

mod answers;
mod queue;
mod spoil;

pub(crate) use queue::Faults;
pub(crate) use spoil::{Scene, Script, Step, script};

use std::time::Duration;

/// Whether the server has acted on the request when the fault strikes. After the
/// processing of a refresh the old tokens are dead, whatever the client receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    BeforeProcessing,
    AfterProcessing,
}

/// One thing that goes wrong, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub stage: Stage,
    pub failure: Failure,
}

impl Fault {
    /// The request is not processed: nothing is issued, nothing rotated.
    pub fn before(failure: Failure) -> Self {
        Self {
            stage: Stage::BeforeProcessing,
            failure,
        }
    }

    /// The request is processed, then its answer is spoiled, held or lost.
    pub fn after(failure: Failure) -> Self {
        Self {
            stage: Stage::AfterProcessing,
            failure,
        }
    }
}

/// How an answer fails. The ones marked *spoils* work on the true answer; before
/// processing there is none, and they spoil a 503 with an OAuth error instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// This status: an HTML page such as GitHub's "unicorn" for 5xx, 407 and 408,
    /// otherwise a JSON message; without a body for 1xx, 204 and 304.
    Status(u16),
    /// 200 with an HTML page.
    Html,
    /// 200 without a body.
    Empty,
    /// 200 with JSON of another type than object.
    WrongType(WrongType),
    /// 200 with 100,000 nested arrays.
    DeepJson,
    /// *Spoils*: each member appears twice, with the same value.
    DuplicateKeys,
    /// *Spoils*: numbers become `NaN`, which is no JSON.
    NotANumber,
    /// *Spoils*: a UTF-8 byte order mark comes first.
    Bom,
    /// *Spoils*: form-encoded although JSON was asked for.
    FormBody,
    /// *Spoils*: cut off, then FIN (over TLS: without `close_notify`). Before
    /// processing, what is cut off is a good answer with tokens that do not exist.
    Cut(Cut),
    /// The connection is reset (RST) instead of an answer.
    Reset,
    /// No answer, until the fake stops (or five minutes are over).
    Hang,
    /// *Spoils*: one byte, then this pause, and so on.
    Drip(Duration),
    /// *Spoils*: `100 Continue` comes first, as it may (RFC 9110 section 15.2).
    InterimFirst,
    /// 200 with one JSON string of so many bytes, streamed.
    HugeBody(u64),
    /// 200, then header lines without end.
    EndlessHeaders,
    /// This status with this `Location`.
    Redirect(u16, String),
    RateLimited {
        status: u16,
        retry_after: RetryAfter,
        headers: RateHeaders,
    },
    /// 200 with this OAuth error, in the format that was asked for.
    OAuthError(String),
    /// The true answer, but not before the test calls `release`.
    Gate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WrongType {
    Array,
    String,
    Number,
    Null,
}

/// Where an answer ends too early. Bytes are counted over head and body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    After(usize),
    Half,
    /// In the middle of the body.
    HalfBody,
    AllButOne,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryAfter {
    Absent,
    Seconds(u64),
    /// An HTTP date so far ahead of the answer's own `Date`.
    HttpDate(Duration),
    /// A number that fits into no integer.
    Absurd,
}

/// The `X-RateLimit-…` headers, which tell the primary limit from the secondary.
/// <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateHeaders {
    /// `X-RateLimit-Remaining: 0` and the rest of them.
    Exhausted,
    Absent,
}
