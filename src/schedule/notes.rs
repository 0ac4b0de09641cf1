//! What is remembered of the timer between runs: what was installed, and what the last run did. Their
//! stored form is JSON with a version; one of a later version is a later ghtok's.

use serde::{Deserialize, Serialize};

use super::{Scheduler, Timer};
use crate::error::Result;
use crate::token::Timestamp;

const VERSION: u32 = 1;

/// The timer that was installed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Installed {
    pub scheduler: Scheduler,
    pub timer: Timer,
    /// The folders that were made for it, the deepest first; they go with it if they are empty then.
    pub made: Vec<String>,
}

/// What a run did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LastRun {
    /// When it began, in seconds since 1970.
    pub at: i64,
    pub apps: Vec<AppRun>,
}

/// What a run did for one App.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppRun {
    /// What people call it.
    pub app: String,
    /// The key of its record.
    pub record: String,
    /// In one word.
    pub result: RunResult,
    /// In words for people, without a secret.
    pub words: String,
    /// When a person was warned about it last.
    pub warned_at: Option<i64>,
}

/// What came of a run, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunResult {
    /// No rule fired.
    Nothing,
    /// The sign-in was refreshed.
    Refreshed,
    /// A person was warned.
    Warned,
    /// Only a person can go on, who was warned within the last day or wants no warnings.
    SignInNeeded,
    /// It could not be looked at, or not be refreshed.
    Failed,
}

impl LastRun {
    /// The records that a person was warned about, and when.
    pub(crate) fn warnings(&self) -> impl Iterator<Item = (&str, Timestamp)> {
        let warned = |app: &'_ AppRun| app.warned_at.map(Timestamp);
        self.apps
            .iter()
            .filter_map(move |app| Some((app.record.as_str(), warned(app)?)))
    }
}

/// Where the notes are kept: files of the state folder (`store/timer_notes.rs`).
pub(crate) trait Notes {
    /// What was installed; `None` if nothing is known to be.
    ///
    /// # Errors
    /// If there is a note and it cannot be read, or a later ghtok wrote it.
    fn installed(&self) -> Result<Option<Installed>>;
    /// Remembers what is installed, durably.
    ///
    /// # Errors
    /// If it cannot be written.
    fn remember(&self, installed: &Installed) -> Result<()>;
    /// What the last run did; what cannot be read counts as never.
    fn last_run(&self) -> Option<LastRun>;
    /// Remembers what a run did. It is no loss if a crash takes it back.
    ///
    /// # Errors
    /// If it cannot be written.
    fn tell_run(&self, run: &LastRun) -> Result<()>;
    /// Forgets both.
    ///
    /// # Errors
    /// If a note stays.
    fn forget(&self) -> Result<()>;
}

#[derive(Serialize, Deserialize)]
struct Versioned<T> {
    version: u32,
    #[serde(flatten)]
    note: T,
}

/// A note as bytes.
pub(crate) fn encode<T: Serialize>(note: &T) -> Vec<u8> {
    let versioned = Versioned {
        version: VERSION,
        note,
    };
    serde_json::to_vec(&versioned).expect("plain structs become JSON")
}

/// A note from bytes.
pub(crate) fn decode<T: for<'a> Deserialize<'a>>(bytes: &[u8]) -> Option<T> {
    let versioned: Versioned<T> = serde_json::from_slice(bytes).ok()?;
    (versioned.version == VERSION).then_some(versioned.note)
}

/// The version of a note, where that is later than this ghtok's.
pub(crate) fn later_version(bytes: &[u8]) -> Option<u32> {
    #[derive(Deserialize)]
    struct Any {
        version: u32,
    }
    let note: Any = serde_json::from_slice(bytes).ok()?;
    (note.version > VERSION).then_some(note.version)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::tests::awkward;

    #[test]
    fn notes_come_back_as_they_were() {
        let installed = Installed {
            scheduler: Scheduler::TaskScheduler,
            timer: awkward(),
            made: vec!["/a/b".into()],
        };
        let bytes = encode(&installed);
        assert_eq!(decode(&bytes), Some(installed));
        let later = String::from_utf8(bytes)
            .expect("text")
            .replace("\"version\":1", "\"version\":2");
        assert_eq!(decode::<Installed>(later.as_bytes()), None);
        assert_eq!(later_version(later.as_bytes()), Some(2));
        for none in [b"{".as_slice(), b"{\"version\":1}", b"{\"version\":0}"] {
            assert_eq!(decode::<Installed>(none), None);
            assert_eq!(later_version(none), None);
        }
    }
}
