//! The stored form of an outcome: one JSON object.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::auth::outcome::{
    Attempt, FailedConnections, FailureCause, Happened, NetworkId, Outcome, Scope, SharedFailure,
};
use crate::auth::ports::StoreError;
use crate::formats::plain_text::one_line;
use crate::token::Timestamp;

/// The file's fixed size.
pub(super) const SIZE: usize = 2048;
const VERSION: u64 = 1;
/// The longest cause that is told, in characters of four bytes at most.
const LONGEST_TEXT: usize = 250;
/// The longest path that is told, in bytes.
const LONGEST_PATH: usize = 300;

/// Times are seconds since 1970.
#[derive(Debug, Serialize, Deserialize)]
struct StoredOutcome {
    v: u64,
    generation: u64,
    at: i64,
    what: What,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<Attempt>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<StoredCause>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_at: Option<i64>,
    /// Absent in what earlier versions wrote.
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<ScopeName>,
    /// Where the attempt was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    network: Option<u64>,
    /// Attempts to connect that failed in a row, by where they were made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unconnected: Vec<(u64, u32)>,
    /// What could not be written.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ScopeName {
    Everyone,
    Network,
    Connection,
    Waiting,
    Process,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum What {
    Saved,
    Deleted,
    Sent,
    Failed,
    Unknown,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredCause {
    Temporary,
    NotLoopback,
    NoCaCertificates,
    Refused,
    StoreLocked,
    StoreTimedOut,
    StoreUnreachable,
    StoreFailed,
}

/// Writes an outcome in its stored form.
pub(super) fn encode(outcome: &Outcome) -> Vec<u8> {
    serde_json::to_vec(&StoredOutcome::from_outcome(outcome)).unwrap_or_default()
}

/// Reads an outcome back; `None` for anything that is not whole.
pub(super) fn decode(bytes: &[u8]) -> Option<Outcome> {
    let stored: StoredOutcome = serde_json::from_slice(bytes).ok()?;
    (stored.v == VERSION).then(|| stored.into_outcome())?
}

impl StoredOutcome {
    fn from_outcome(outcome: &Outcome) -> Self {
        let (what, failure) = match &outcome.what {
            Happened::Saved => (What::Saved, None),
            Happened::Deleted => (What::Deleted, None),
            Happened::Sent => (What::Sent, None),
            Happened::Failed(failure) => (What::Failed, Some(failure)),
            Happened::Unknown(failure) => (What::Unknown, Some(failure)),
        };
        let (cause, text) = failure.map_or((None, String::new()), |failure| {
            let (cause, text) = cause_line(&failure.cause);
            (Some(cause), one_line(&text, LONGEST_TEXT))
        });
        Self {
            v: VERSION,
            generation: outcome.generation,
            at: outcome.at.0,
            what,
            attempt: failure.map(|failure| failure.attempt),
            cause,
            text,
            retry_at: failure.and_then(|failure| failure.retry_at).map(|at| at.0),
            scope: failure.map(|failure| scope_name(&failure.scope)),
            network: failure.and_then(|failure| network_of(&failure.scope)),
            unconnected: failure.map_or_else(Vec::new, |failure| unconnected(&failure.scope)),
            path: failure.and_then(|failure| read_only_path(&failure.cause)),
        }
    }

    fn into_outcome(self) -> Option<Outcome> {
        let what = match self.what {
            What::Saved => Happened::Saved,
            What::Deleted => Happened::Deleted,
            What::Sent => Happened::Sent,
            What::Failed => Happened::Failed(self.failure()?),
            What::Unknown => Happened::Unknown(self.failure()?),
        };
        Some(Outcome {
            generation: self.generation,
            at: Timestamp(self.at),
            what,
        })
    }

    fn failure(&self) -> Option<SharedFailure> {
        let text = self.text.clone();
        Some(SharedFailure {
            attempt: self.attempt?,
            scope: self.scope()?,
            cause: match self.cause? {
                StoredCause::Temporary if self.scope == Some(ScopeName::Process) => {
                    FailureCause::Limit(text)
                }
                StoredCause::StoreFailed if self.path.is_some() => {
                    FailureCause::Store(StoreError::ReadOnly {
                        path: self.path.clone()?,
                        cause: text,
                    })
                }
                StoredCause::Temporary => FailureCause::Temporary(text),
                StoredCause::NotLoopback => FailureCause::NotLoopback(text),
                StoredCause::NoCaCertificates => FailureCause::NoCaCertificates,
                StoredCause::Refused => FailureCause::Refused(text),
                StoredCause::StoreLocked => FailureCause::Store(StoreError::Locked),
                StoredCause::StoreTimedOut => {
                    let seconds = text.parse().unwrap_or_default();
                    FailureCause::Store(StoreError::TimedOut(Duration::from_secs(seconds)))
                }
                StoredCause::StoreUnreachable => FailureCause::Store(StoreError::Unreachable(text)),
                StoredCause::StoreFailed => FailureCause::Store(StoreError::Failed(text)),
            },
            retry_at: self.retry_at.map(Timestamp),
        })
    }

    fn scope(&self) -> Option<Scope> {
        let network = self.network.map(NetworkId);
        Some(match (self.scope, self.cause?) {
            (Some(ScopeName::Everyone), _)
            | (None, StoredCause::Temporary | StoredCause::Refused) => Scope::Everyone,
            (Some(ScopeName::Network), _) => Scope::Network(network?),
            (Some(ScopeName::Connection), _) => Scope::Connection(FailedConnections {
                last: network?,
                counts: self
                    .unconnected
                    .iter()
                    .map(|(network, count)| (NetworkId(*network), *count))
                    .take(FailedConnections::MOST)
                    .collect(),
            }),
            (Some(ScopeName::Process), _) => Scope::Process,
            (Some(ScopeName::Waiting) | None, _) => Scope::Waiting,
        })
    }
}

fn scope_name(scope: &Scope) -> ScopeName {
    match scope {
        Scope::Everyone => ScopeName::Everyone,
        Scope::Network(_) => ScopeName::Network,
        Scope::Connection(_) => ScopeName::Connection,
        Scope::Waiting => ScopeName::Waiting,
        Scope::Process => ScopeName::Process,
    }
}

fn network_of(scope: &Scope) -> Option<u64> {
    match scope {
        Scope::Network(network) => Some(network.0),
        Scope::Connection(failed) => Some(failed.last.0),
        Scope::Everyone | Scope::Waiting | Scope::Process => None,
    }
}

fn unconnected(scope: &Scope) -> Vec<(u64, u32)> {
    match scope {
        Scope::Connection(failed) => {
            let counts = failed.counts.iter().take(FailedConnections::MOST);
            counts.map(|(network, count)| (network.0, *count)).collect()
        }
        _ => Vec::new(),
    }
}

fn read_only_path(cause: &FailureCause) -> Option<PathBuf> {
    match cause {
        // A longer one would not fit into the file.
        FailureCause::Store(StoreError::ReadOnly { path, .. })
            if path.to_str().is_some_and(|path| {
                path.len() < LONGEST_PATH && !path.contains(char::is_control)
            }) =>
        {
            Some(path.clone())
        }
        _ => None,
    }
}

fn cause_line(cause: &FailureCause) -> (StoredCause, String) {
    match cause {
        FailureCause::Temporary(text) | FailureCause::Limit(text) => {
            (StoredCause::Temporary, text.clone())
        }
        FailureCause::NotLoopback(text) => (StoredCause::NotLoopback, text.clone()),
        FailureCause::NoCaCertificates => (StoredCause::NoCaCertificates, String::new()),
        FailureCause::Store(StoreError::Limit(text)) => (StoredCause::StoreFailed, text.clone()),
        FailureCause::Store(StoreError::ReadOnly { cause, .. }) => {
            (StoredCause::StoreFailed, cause.clone())
        }
        FailureCause::Refused(code) => (StoredCause::Refused, code.clone()),
        FailureCause::Store(StoreError::Locked | StoreError::ConfirmsAccess) => {
            (StoredCause::StoreLocked, String::new())
        }
        FailureCause::Store(StoreError::TimedOut(limit)) => {
            (StoredCause::StoreTimedOut, limit.as_secs().to_string())
        }
        FailureCause::Store(StoreError::Unreachable(text) | StoreError::Absent(text)) => {
            (StoredCause::StoreUnreachable, text.clone())
        }
        FailureCause::Store(
            error @ (StoreError::Failed(_)
            | StoreError::Damaged(_)
            | StoreError::Newer(_)
            | StoreError::File { .. }
            | StoreError::Exposed { .. }),
        ) => (StoredCause::StoreFailed, error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(what: Happened) {
        let outcome = Outcome {
            generation: 7,
            at: Timestamp(1_700_000_000),
            what,
        };
        assert_eq!(decode(&encode(&outcome)), Some(outcome));
    }

    #[test]
    fn every_outcome_reads_back_as_it_was_told() {
        let scoped = |cause, scope| SharedFailure {
            attempt: Attempt::Check,
            cause,
            retry_at: None,
            scope,
        };
        let failure = |cause, retry_at| SharedFailure {
            retry_at,
            ..scoped(cause, Scope::Everyone)
        };
        let no = || FailureCause::Temporary("no route to host".into());
        let connections = FailedConnections::first(NetworkId(u64::MAX))
            .after(&FailedConnections::first(NetworkId(7)));
        for what in [
            Happened::Saved,
            Happened::Deleted,
            Happened::Sent,
            Happened::Failed(failure(
                FailureCause::Temporary("HTTP 502".into()),
                Some(Timestamp(9)),
            )),
            Happened::Unknown(failure(
                FailureCause::Refused("unauthorized_client".into()),
                None,
            )),
            Happened::Failed(scoped(no(), Scope::Connection(connections))),
            Happened::Unknown(scoped(no(), Scope::Network(NetworkId(7)))),
            Happened::Failed(scoped(
                FailureCause::Limit("no more threads".into()),
                Scope::Process,
            )),
            Happened::Failed(scoped(
                FailureCause::Store(StoreError::ReadOnly {
                    path: PathBuf::from("/home/me/.local/state/ghtok/a"),
                    cause: "read-only file system".into(),
                }),
                Scope::Process,
            )),
            Happened::Failed(scoped(
                FailureCause::Store(StoreError::Locked),
                Scope::Waiting,
            )),
            Happened::Failed(failure(
                FailureCause::Store(StoreError::TimedOut(Duration::from_secs(5))),
                None,
            )),
        ] {
            round_trip(what);
        }
    }

    #[test]
    fn what_an_earlier_version_told_is_read() {
        let line = r#"{"v":1,"generation":7,"at":5,"what":"failed","attempt":"refresh","cause":"CAUSE","text":"x"}"#;
        for (cause, scope) in [
            ("temporary", Scope::Everyone),
            ("store_locked", Scope::Waiting),
        ] {
            let line = line.replace("CAUSE", cause);
            let outcome = decode(line.as_bytes()).expect("an outcome");
            assert_eq!(outcome.failure(6).expect("a failure").scope, scope);
        }
    }

    #[test]
    fn the_longest_outcome_fits_its_file() {
        let failure = SharedFailure {
            attempt: Attempt::Refresh,
            cause: FailureCause::Temporary("\u{1F600}\"\u{1}\\".repeat(1_000)),
            retry_at: Some(Timestamp(i64::MAX)),
            scope: Scope::Connection((0..100).fold(
                FailedConnections::first(NetworkId(u64::MAX)),
                |before, number| {
                    FailedConnections::first(NetworkId(u64::MAX - number)).after(&before)
                },
            )),
        };
        let outcome = Outcome {
            generation: u64::MAX,
            at: Timestamp(i64::MIN),
            what: Happened::Unknown(failure),
        };
        let length = encode(&outcome).len();
        assert!(length <= SIZE, "{length} bytes");
    }
}
