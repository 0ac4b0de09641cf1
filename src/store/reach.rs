//! The installations of an App as GitHub reported them, stored in the state folder. No secret. A file
//! that cannot be read counts as missing.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::auth::ports::StoreError;
use crate::auth::reach::{Installation, Installations, Reach, Selection};
use crate::store::state_file;
use crate::token::Timestamp;

const VERSION: u64 = 1;
/// Below what is read of any file of ghtok's.
const LARGEST: usize = 60 * 1024;

/// The stored form. Times are seconds since 1970.
#[derive(Serialize, Deserialize)]
struct StoredReach {
    v: u64,
    asked_at: i64,
    user_id: Option<u64>,
    is_whole: bool,
    installations: Vec<StoredInstallation>,
}

#[derive(Serialize, Deserialize)]
struct StoredInstallation {
    owner: String,
    selection: StoredSelection,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    repositories: Vec<String>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredSelection {
    All,
    Selected,
    Unknown,
}

/// What is known; `None` if nothing is.
pub fn read(path: &Path) -> Option<Reach> {
    let bytes = state_file::read(path).ok()??;
    let document: StoredReach = serde_json::from_slice(&bytes).ok()?;
    (document.v == VERSION).then(|| document.into_reach())
}

/// Keeps what GitHub told. Where that is more than a file of ghtok's may hold, the longest lists of
/// repositories are left out.
///
/// # Errors
/// If it cannot be written; then the old content stands.
pub fn write(path: &Path, reach: &Reach) -> Result<(), StoreError> {
    let mut document = StoredReach::from_reach(reach);
    loop {
        let bytes = serde_json::to_vec(&document).unwrap_or_default();
        if bytes.len() <= LARGEST || !document.shorten() {
            // GitHub can be asked again.
            return state_file::replace_unsynced(path, &bytes);
        }
    }
}

/// Forgets it.
///
/// # Errors
/// If it is there and stays.
pub(crate) fn remove(path: &Path) -> Result<(), StoreError> {
    state_file::remove(path)
}

impl StoredReach {
    fn from_reach(reach: &Reach) -> Self {
        let line = |installed: &Installation| {
            let (selection, repositories) = match &installed.selection {
                Selection::All => (StoredSelection::All, Vec::new()),
                Selection::These(names) => (StoredSelection::Selected, names.clone()),
                Selection::Unknown => (StoredSelection::Unknown, Vec::new()),
            };
            StoredInstallation {
                owner: installed.owner.clone(),
                selection,
                repositories,
            }
        };
        Self {
            v: VERSION,
            asked_at: reach.asked_at.0,
            user_id: reach.user_id,
            is_whole: reach.installations.is_whole,
            installations: reach.installations.installed.iter().map(line).collect(),
        }
    }

    fn into_reach(self) -> Reach {
        let installed = |line: StoredInstallation| {
            let selection = match line.selection {
                StoredSelection::All => Selection::All,
                StoredSelection::Selected => Selection::These(line.repositories),
                StoredSelection::Unknown => Selection::Unknown,
            };
            Installation::new(line.owner, selection)
        };
        Reach {
            user_id: self.user_id,
            asked_at: Timestamp(self.asked_at),
            installations: Installations {
                installed: self.installations.into_iter().map(installed).collect(),
                is_whole: self.is_whole,
                ..Installations::default()
            },
        }
    }

    /// Leaves out the longest list of repositories; false if there is none.
    fn shorten(&mut self) -> bool {
        let lines = self.installations.iter_mut();
        let longest = lines.max_by_key(|line| line.repositories.len());
        match longest.filter(|line| !line.repositories.is_empty()) {
            Some(line) => {
                line.repositories = Vec::new();
                line.selection = StoredSelection::Unknown;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(installed: Vec<Installation>) -> Reach {
        Reach {
            user_id: Some(583_231),
            asked_at: Timestamp(1_795_381_200),
            installations: Installations {
                installed,
                is_whole: true,
                ..Installations::default()
            },
        }
    }

    fn installed(owner: &str, selection: Selection) -> Installation {
        Installation::new(owner, selection)
    }

    #[test]
    fn it_reads_back() {
        let known = reach(vec![
            installed("acme", Selection::These(vec!["a".into(), "b".into()])),
            installed("empty", Selection::These(vec![])),
            installed("octocat", Selection::All),
            installed("large", Selection::Unknown),
        ]);
        assert_eq!(StoredReach::from_reach(&known).into_reach(), known);
    }

    #[test]
    fn what_is_too_long_loses_names_and_no_owner() {
        let names = |count| (0..count).map(|n| format!("{n:0>100}")).collect();
        let known = reach(vec![
            installed("short", Selection::These(names(10))),
            installed("long", Selection::These(names(500))),
            installed("longer", Selection::These(names(501))),
        ]);
        let mut document = StoredReach::from_reach(&known);
        assert!(document.shorten());
        let left = document.into_reach().installations.installed;
        assert_eq!(left[2], installed("longer", Selection::Unknown));
        assert_eq!(left[..2], known.installations.installed[..2]);
        assert!(!StoredReach::from_reach(&reach(vec![])).shorten());
    }
}
