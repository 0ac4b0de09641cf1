//! The outcome's file: one line of JSON, overwritten in place, so that a full disk cannot stop it.

use std::fs::{self, File, Metadata};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::app::RecordKey;
use crate::auth::outcome::{
    Attempt, FailedConnections, FailureCause, Happened, NetworkId, Outcome, Scope, SharedFailure,
};
use crate::auth::ports::{OutcomeVersion, StoreError};
use crate::formats::plain_text::one_line;
use crate::store::state_file::{self, failed, open_or_create};
use crate::store::state_folder::StateFolder;
use crate::token::Timestamp;

/// The file's fixed size; a shorter line is filled up with blanks.
const SIZE: usize = 2048;
/// The longest cause that is told, in characters of four bytes at most.
const LONGEST_TEXT: usize = 250;
/// The longest path that is told, in bytes.
const LONGEST_PATH: usize = 300;

/// Where a record's outcome is told.
#[derive(Debug)]
pub(crate) struct OutcomeFile(PathBuf);

/// The stored form. Times are seconds since 1970.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    v: u64,
    generation: u64,
    at: i64,
    what: What,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<Tried>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<Cause>,
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
enum Tried {
    Refresh,
    Check,
    Account,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Cause {
    Temporary,
    Refused,
    StoreLocked,
    StoreTimedOut,
    StoreUnreachable,
    StoreFailed,
}

const VERSION: u64 = 1;

/// What happened last to a record, for who watches and changes nothing.
pub fn last(folder: &StateFolder, key: &RecordKey) -> Option<Outcome> {
    OutcomeFile::at(folder.outcome(key)).read()
}

impl OutcomeFile {
    pub(crate) fn at(path: PathBuf) -> Self {
        Self(path)
    }

    /// The last outcome; `None` if there is none, or it is being written this moment.
    pub(crate) fn read(&self) -> Option<Outcome> {
        let bytes = state_file::read(&self.0).ok()??;
        let line: Line = serde_json::from_slice(bytes.trim_ascii_end()).ok()?;
        (line.v == VERSION).then(|| line.into_outcome())?
    }

    /// What a reader compares to see that there is something new.
    pub(crate) fn version(&self) -> OutcomeVersion {
        fs::symlink_metadata(&self.0).map_or_else(|_| OutcomeVersion::default(), |it| of(&it))
    }

    /// Shows that an outcome could be told. What was told last stays.
    pub(crate) fn prove_usable(&self) -> Result<(), StoreError> {
        open_or_create(&self.0).map(drop)
    }

    /// Overwrites the outcome. That a refresh is sent is synced: it decides about a dead process's
    /// tokens.
    pub(crate) fn write(&self, outcome: &Outcome) -> Result<(), StoreError> {
        let line = Line::from_outcome(outcome);
        let mut bytes = serde_json::to_vec(&line).unwrap_or_default();
        bytes.resize(SIZE.max(bytes.len()), b' ');
        let mut file = open_or_create(&self.0)?;
        let before = modified(&file);
        file.seek(SeekFrom::Start(0))
            .and_then(|_| file.write_all(&bytes))
            .and_then(|()| set_later(&file, before))
            .and_then(|()| match outcome.what {
                Happened::Sent => file.sync_data(),
                _ => Ok(()),
            })
            .map_err(|error| failed("write", &self.0, &error))
    }
}

fn of(metadata: &Metadata) -> OutcomeVersion {
    OutcomeVersion {
        written: metadata.modified().ok(),
        size: metadata.len(),
        file: number(metadata),
    }
}

#[cfg(unix)]
fn number(metadata: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn number(_: &Metadata) -> u64 {
    0
}

fn modified(file: &File) -> Option<SystemTime> {
    file.metadata().ok()?.modified().ok()
}

/// File systems take their time from a clock that ticks every few milliseconds: two reports within
/// one tick must not look like one.
fn set_later(file: &File, before: Option<SystemTime>) -> io::Result<()> {
    match (before, modified(file)) {
        (Some(before), Some(after)) if after <= before => {
            file.set_modified(before + Duration::from_micros(1))
        }
        _ => Ok(()),
    }
}

impl Line {
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
            attempt: failure.map(|failure| match failure.attempt {
                Attempt::Refresh => Tried::Refresh,
                Attempt::Check => Tried::Check,
                Attempt::Account => Tried::Account,
            }),
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
            attempt: match self.attempt? {
                Tried::Refresh => Attempt::Refresh,
                Tried::Check => Attempt::Check,
                Tried::Account => Attempt::Account,
            },
            scope: self.scope()?,
            cause: match self.cause? {
                Cause::Temporary if self.scope == Some(ScopeName::Process) => {
                    FailureCause::Limit(text)
                }
                Cause::StoreFailed if self.path.is_some() => {
                    FailureCause::Store(StoreError::ReadOnly {
                        path: self.path.clone()?,
                        cause: text,
                    })
                }
                Cause::Temporary => FailureCause::Temporary(text),
                Cause::Refused => FailureCause::Refused(text),
                Cause::StoreLocked => FailureCause::Store(StoreError::Locked),
                Cause::StoreTimedOut => {
                    let seconds = text.parse().unwrap_or_default();
                    FailureCause::Store(StoreError::TimedOut(Duration::from_secs(seconds)))
                }
                Cause::StoreUnreachable => FailureCause::Store(StoreError::Unreachable(text)),
                Cause::StoreFailed => FailureCause::Store(StoreError::Failed(text)),
            },
            retry_at: self.retry_at.map(Timestamp),
        })
    }

    fn scope(&self) -> Option<Scope> {
        let network = self.network.map(NetworkId);
        Some(match (self.scope, self.cause?) {
            (Some(ScopeName::Everyone), _) | (None, Cause::Temporary | Cause::Refused) => {
                Scope::Everyone
            }
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

fn cause_line(cause: &FailureCause) -> (Cause, String) {
    match cause {
        FailureCause::Temporary(text) | FailureCause::Limit(text) => {
            (Cause::Temporary, text.clone())
        }
        FailureCause::Store(StoreError::Limit(text)) => (Cause::StoreFailed, text.clone()),
        FailureCause::Store(StoreError::ReadOnly { cause, .. }) => {
            (Cause::StoreFailed, cause.clone())
        }
        FailureCause::Refused(code) => (Cause::Refused, code.clone()),
        FailureCause::Store(StoreError::Locked | StoreError::ConfirmsAccess) => {
            (Cause::StoreLocked, String::new())
        }
        FailureCause::Store(StoreError::TimedOut(limit)) => {
            (Cause::StoreTimedOut, limit.as_secs().to_string())
        }
        FailureCause::Store(StoreError::Unreachable(text) | StoreError::Absent(text)) => {
            (Cause::StoreUnreachable, text.clone())
        }
        FailureCause::Store(
            error @ (StoreError::Failed(_)
            | StoreError::Damaged(_)
            | StoreError::Newer(_)
            | StoreError::File { .. }
            | StoreError::Exposed { .. }),
        ) => (Cause::StoreFailed, error.to_string()),
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
        let line = serde_json::to_string(&Line::from_outcome(&outcome)).expect("JSON");
        let read: Line = serde_json::from_str(&line).expect("a line");
        assert_eq!(read.into_outcome(), Some(outcome));
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
            let line: Line = serde_json::from_str(&line.replace("CAUSE", cause)).expect("a line");
            let outcome = line.into_outcome().expect("an outcome");
            assert_eq!(outcome.failure(6).expect("a failure").scope, scope);
        }
    }

    #[test]
    fn p2_no_two_reports_look_the_same_however_quickly_they_come() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = OutcomeFile::at(folder.path().join("outcome"));
        assert_eq!(file.version(), OutcomeVersion::default());
        let mut seen = Vec::new();
        for generation in 0..50 {
            file.write(&Outcome {
                generation,
                at: Timestamp(1_700_000_000),
                what: Happened::Saved,
            })
            .expect("written");
            let version = file.version();
            assert!(!seen.contains(&version), "{version:?}");
            assert_eq!(file.version(), version, "a look changes nothing");
            seen.push(version);
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
        let line = serde_json::to_vec(&Line::from_outcome(&outcome)).expect("JSON");
        assert!(line.len() <= SIZE, "{} bytes", line.len());
    }
}
