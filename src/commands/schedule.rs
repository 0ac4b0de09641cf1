//! `ghtok schedule`: a timer that keeps sign-ins alive and warns in time.

pub mod install;
pub mod program;
pub mod remove;
pub mod run;
pub mod status;

use crate::auth::ports::Clock;
use crate::error::Error;
use crate::schedule::Scheduler;
use crate::schedule::installer::Installer;
use crate::schedule::notes::Notes;
use crate::system::terminal::Terminal;

/// What `install`, `remove` and `status` work with.
pub struct Desk<'a> {
    /// The machine's schedulers.
    pub scheduler: &'a dyn Fn(Scheduler) -> Box<dyn Installer>,
    /// What is remembered.
    pub notes: &'a dyn Notes,
    /// Time.
    pub clock: &'a dyn Clock,
    /// The standard streams.
    pub terminal: Terminal,
}

impl Desk<'_> {
    /// Takes the timer away from every scheduler that may have it, but for one that keeps it. True if
    /// any had it. The one that is known to have it must let go of it.
    fn clear(&self, known: Option<Scheduler>, but: Option<Scheduler>) -> Result<bool, Error> {
        let mut found = false;
        for scheduler in Scheduler::ALL {
            if but == Some(scheduler) {
                continue;
            }
            let adapter = (self.scheduler)(scheduler);
            let is_unknown = known != Some(scheduler);
            if is_unknown && (adapter.foreign().is_some() || adapter.probe().is_err()) {
                continue;
            }
            match adapter.remove() {
                Ok(was_there) => found |= was_there,
                Err(cause) if known == Some(scheduler) => {
                    return Err(Error::Timer {
                        doing: "take the timer away",
                        cause: format!("{scheduler}: {cause}"),
                        cure: "correct that and run again: ghtok schedule remove".into(),
                    });
                }
                Err(_) => {}
            }
        }
        Ok(found)
    }
}
