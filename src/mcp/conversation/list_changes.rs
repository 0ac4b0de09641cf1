//! The `list_changed` notifications of a new server: some send several for each list when they start.

use std::collections::HashSet;
use std::time::Duration;

/// Each kind is passed on once, until then.
#[derive(Debug)]
pub(super) struct ListChanges {
    until: Duration,
    seen: HashSet<String>,
}

impl ListChanges {
    pub(super) fn until(until: Duration) -> Self {
        Self {
            until,
            seen: HashSet::new(),
        }
    }

    /// True for a notification that repeats one of the same kind.
    pub(super) fn is_repeated(&mut self, method: &str, now: Duration) -> bool {
        now < self.until
            && method.ends_with("/list_changed")
            && !self.seen.insert(method.to_owned())
    }
}
