//! Two sign-ins of the same App at the same time: the one that is approved first ends both.

use std::cell::RefCell;
use std::time::SystemTime;

use super::Present;
use crate::auth::outcome::{Happened, Outcome};
use crate::auth::ports::Prompt;
use crate::auth::record::Record;
use crate::error::Result;
use crate::github::DeviceAuthorization;
use crate::session::Call;

/// Which sign-in ended first.
pub(super) enum First<T> {
    Own(T),
    /// That of another process, which stored this record.
    Another(Box<Record>),
}

/// Runs the device flow, unless another sign-in is stored before its code is approved.
///
/// # Errors
/// Those of the device flow.
pub(super) fn unless_another_is_first<T>(
    present: Present,
    prompt: &mut dyn Prompt,
    call: &Call<'_>,
    device_flow: impl FnOnce(&mut dyn Prompt) -> Result<T>,
) -> Result<First<T>> {
    let mut watch = Watch {
        prompt,
        present,
        call,
        before: call.store.last_sign_in(),
        seen: RefCell::new(None),
        found: RefCell::new(None),
    };
    let ended = device_flow(&mut watch);
    match (watch.found.into_inner(), ended) {
        (Some(record), Err(_)) => Ok(First::Another(Box::new(record))),
        (_, ended) => ended.map(First::Own),
    }
}

/// A prompt that also checks for another sign-in between two polls.
struct Watch<'a, 'c> {
    prompt: &'a mut dyn Prompt,
    present: Present,
    call: &'a Call<'c>,
    /// When the last sign-in was stored before this one began.
    before: Option<SystemTime>,
    /// The version of the outcome that was read last.
    seen: RefCell<Option<Outcome>>,
    found: RefCell<Option<Record>>,
}

impl Watch<'_, '_> {
    /// A changed outcome costs one read of the store.
    fn finds_another(&self) -> bool {
        let store = self.call.store;
        let outcome = store.outcome();
        let is_saved = |outcome: &Outcome| outcome.what == Happened::Saved;
        if outcome == *self.seen.borrow() || !outcome.as_ref().is_some_and(is_saved) {
            return false;
        }
        // A refresh of the old sign-in is not a new sign-in.
        if self.present == Present::Replace && store.last_sign_in() == self.before {
            return false;
        }
        let Ok(Some(record)) = store.load() else {
            // It may be readable the next time.
            return false;
        };
        self.seen.replace(outcome);
        if self.call.broker.sign_in_reason(&record).is_some() {
            return false;
        }
        self.found.replace(Some(record));
        true
    }
}

impl Prompt for Watch<'_, '_> {
    fn show(&mut self, authorization: &DeviceAuthorization) -> Result<()> {
        self.prompt.show(authorization)
    }

    fn trouble(&mut self, cause: &str) {
        self.prompt.trouble(cause);
    }

    fn approved(&mut self) {
        self.prompt.approved();
    }

    fn given_up(&self) -> bool {
        self.prompt.given_up() || self.finds_another()
    }
}
