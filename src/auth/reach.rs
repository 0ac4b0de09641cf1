//! Which repositories an App's token reaches: those on which the App is installed, as far as GitHub has
//! told. Pure.

use std::time::Duration;

pub use crate::github::{Installation, Installations, Selection};
use crate::token::Timestamp;

/// After a refresh it is asked for again once it is older than this.
const GOOD_FOR: Duration = Duration::from_secs(24 * 3600);

/// GitHub's answer at one time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Whose token asked, by the number that stays when the login changes.
    pub user_id: Option<u64>,
    /// Local clock when GitHub answered.
    pub asked_at: Timestamp,
    /// Where the App is installed.
    pub installations: Installations,
}

/// What is known of one repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coverage {
    /// The App is installed on it.
    Reached,
    NotReached,
    /// Nobody knows.
    Unknown,
}

impl Reach {
    /// Whether a token reaches this owner's repository, or without one anything of this owner.
    pub fn covers(&self, owner: &str, repository: Option<&str>) -> Coverage {
        let Installations {
            installed,
            is_whole,
            ..
        } = &self.installations;
        let mut of_owner = installed
            .iter()
            .filter(|installed| installed.owner.eq_ignore_ascii_case(owner))
            .map(|installed| covered(installed, repository))
            .peekable();
        if of_owner.peek().is_none() {
            return if *is_whole {
                Coverage::NotReached
            } else {
                Coverage::Unknown
            };
        }
        of_owner
            .min_by_key(|coverage| match coverage {
                Coverage::Reached => 0,
                Coverage::Unknown => 1,
                Coverage::NotReached => 2,
            })
            .unwrap_or(Coverage::Unknown)
    }

    /// What tokens may do with repositories of this owner, as `contents: write, metadata: read`; empty
    /// where GitHub did not say it.
    pub fn permissions(&self, owner: &str) -> String {
        let permissions = self.installation(owner).map(Installation::permissions_text);
        permissions.unwrap_or_default()
    }

    /// The page where the repositories of this owner's installation are selected.
    pub fn installation_page(&self, owner: &str) -> Option<String> {
        self.installation(owner)?.page.clone()
    }

    fn installation(&self, owner: &str) -> Option<&Installation> {
        let mut installed = self.installations.installed.iter();
        installed.find(|installed| installed.owner.eq_ignore_ascii_case(owner))
    }

    /// True once it is time to ask again: also after the clock was set back.
    pub fn is_due(&self, now: Timestamp) -> bool {
        now.0 < self.asked_at.0 || self.asked_at.until(now) >= GOOD_FOR
    }

    /// True if the App is installed nowhere.
    pub fn is_empty(&self) -> bool {
        self.installations.installed.is_empty() && self.installations.is_whole
    }
}

fn covered(installed: &Installation, repository: Option<&str>) -> Coverage {
    match (&installed.selection, repository) {
        (Selection::All, _) | (Selection::These(_), None) => Coverage::Reached,
        (Selection::Unknown, _) => Coverage::Unknown,
        (Selection::These(names), Some(repository)) => {
            let is = |name: &str| names.iter().any(|known| known.eq_ignore_ascii_case(name));
            // A wiki is a repository beside its own.
            let with_wiki = repository.strip_suffix(".wiki");
            if is(repository) || with_wiki.is_some_and(is) {
                Coverage::Reached
            } else {
                Coverage::NotReached
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(installed: Vec<Installation>, is_whole: bool) -> Reach {
        Reach {
            user_id: Some(1),
            asked_at: Timestamp(1_000_000),
            installations: Installations {
                installed,
                is_whole,
                ..Installations::default()
            },
        }
    }

    fn installed(owner: &str, selection: Selection) -> Installation {
        Installation::new(owner, selection)
    }

    #[test]
    fn an_owner_and_a_selected_repository_are_reached_whatever_their_case() {
        let these = Selection::These(vec!["App".into(), "x.wiki".into()]);
        let known = reach(
            vec![
                installed("Acme", these),
                installed("octocat", Selection::All),
            ],
            true,
        );
        for (owner, repository, expected) in [
            ("acme", Some("app"), Coverage::Reached),
            ("ACME", Some("APP.wiki"), Coverage::Reached),
            ("acme", Some("x.wiki"), Coverage::Reached),
            ("acme", Some("x"), Coverage::NotReached),
            ("acme", Some("app2"), Coverage::NotReached),
            ("acme", None, Coverage::Reached),
            ("OctoCat", Some("anything"), Coverage::Reached),
            ("acme2", Some("app"), Coverage::NotReached),
            ("", None, Coverage::NotReached),
        ] {
            assert_eq!(
                known.covers(owner, repository),
                expected,
                "{owner} {repository:?}"
            );
        }
    }

    #[test]
    fn what_github_did_not_tell_is_unknown_and_not_out_of_reach() {
        let part = reach(vec![installed("acme", Selection::Unknown)], false);
        assert_eq!(part.covers("acme", Some("x")), Coverage::Unknown);
        assert_eq!(part.covers("other", Some("x")), Coverage::Unknown);
        assert!(!part.is_empty() && reach(vec![], true).is_empty());
        assert!(!reach(vec![], false).is_empty());
    }

    #[test]
    fn it_is_asked_for_once_a_day() {
        let known = reach(vec![], true);
        let due = |after: i64| known.is_due(Timestamp(1_000_000 + after));
        assert_eq!([0, 86_399, 86_400, -1].map(due), [false, false, true, true]);
    }
}
