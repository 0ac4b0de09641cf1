//! The timer in the report of `status`.

use serde::Serialize;

use crate::auth::ports::Clock;
use crate::formats::timestamps::rfc3339;
use crate::schedule::Scheduler;
use crate::schedule::notes::{Installed, LastRun};
use crate::token::Timestamp;

/// The timer that keeps sign-ins alive, as it is remembered: no scheduler is asked
/// (`ghtok schedule status` does that).
#[derive(Debug, Serialize)]
pub(super) struct TimerReport {
    scheduler: Scheduler,
    last_run_at: Option<String>,
    last_run_at_unix: Option<i64>,
    /// The same for people.
    #[serde(skip)]
    pub(super) line: String,
}

impl TimerReport {
    /// What is known of it.
    pub(super) fn of(installed: &Installed, last: Option<&LastRun>, clock: &dyn Clock) -> Self {
        let last = last.map(|run| Timestamp(run.at));
        let ran = last.map_or_else(
            || "did not run yet".into(),
            |at| format!("last run {}", clock.local_time(at)),
        );
        Self {
            scheduler: installed.scheduler,
            last_run_at: last.map(rfc3339),
            last_run_at_unix: last.map(|at| at.0),
            line: format!("{}, {ran}", installed.scheduler),
        }
    }
}
