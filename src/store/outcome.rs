//! The outcome's file: one line of JSON, overwritten in place, so that a full disk cannot stop it.

mod stored;

use std::fs::{self, File, Metadata};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use crate::app::RecordKey;
use crate::auth::outcome::{Happened, Outcome};
use crate::auth::ports::{OutcomeVersion, StoreError};
use crate::store::state_file::{self, failed, open_or_create};
use crate::store::state_folder::StateFolder;

/// Where a record's outcome is told.
#[derive(Debug)]
pub(crate) struct OutcomeFile(PathBuf);

/// The last outcome of a record, without its lock.
pub(crate) fn last(folder: &StateFolder, key: &RecordKey) -> Option<Outcome> {
    OutcomeFile::at(folder.outcome(key)).read()
}

impl OutcomeFile {
    pub(crate) fn at(path: PathBuf) -> Self {
        Self(path)
    }

    /// The last outcome; `None` if there is none, or it is being written this moment.
    pub(crate) fn read(&self) -> Option<Outcome> {
        let bytes = state_file::read(&self.0).ok()??;
        stored::decode(bytes.trim_ascii_end())
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
        let mut bytes = stored::encode(outcome);
        bytes.resize(stored::SIZE.max(bytes.len()), b' ');
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::Timestamp;

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
}
