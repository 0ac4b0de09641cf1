//! Runs a refresh in a separate process, so that Ctrl-C, a closed terminal or a killed caller does not
//! interrupt it. On Unix that process inherits the lock as its stdin, so there is only one refresher.

use std::cell::{Cell, RefCell};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use crate::auth::ports::{Clock, LockedStore, Refresher};
use crate::auth::record::Want;
use crate::error::Result;
use crate::github::GitHub;
use crate::system::process::{Detached, spawn_detached};
use crate::system::signals::BlockedSignals;

/// Starts the refresh command of this program.
pub(crate) struct DetachedRefresher<'a> {
    /// Finds this program; called only when a refresh is due.
    pub program: fn() -> Option<PathBuf>,
    /// The arguments that name the record and the wanted token.
    pub arguments: &'a dyn Fn(Want) -> Vec<OsString>,
    /// The server of the refresh.
    pub github: &'a dyn Fn() -> GitHub,
    /// Runs the refresh here, if no process can be started.
    pub otherwise: &'a dyn Fn(Box<dyn LockedStore + '_>, Want),
    /// The last process started, until its end was seen.
    pub running: RefCell<Option<Detached>>,
}

impl Refresher for DetachedRefresher<'_> {
    fn check_settings(&self) -> Result<()> {
        (self.github)().check_settings()
    }

    /// The process may outlive this one; its result is in the outcome. If the lock cannot be inherited,
    /// the process takes it after this function has released it.
    fn start(&self, locked: Box<dyn LockedStore + '_>, want: Want) {
        let started = (self.program)().and_then(|program| {
            spawn_detached(&program, &(self.arguments)(want), locked.lock_file()).ok()
        });
        if let Some(process) = started {
            log::info!("refresher started: process {}", process.id());
            self.running.replace(Some(process));
        } else {
            log::info!("no refresher could be started: refreshing here");
            let _blocked = BlockedSignals::block();
            (self.otherwise)(locked, want);
        }
    }

    /// The outcome exists when the process ends, and its end is noticed before the next check of the file.
    fn pause(&self, pause: Duration, clock: &dyn Clock) {
        let Some(process) = self.running.take() else {
            return clock.sleep(pause);
        };
        let ended = Cell::new(false);
        clock.sleep_unless(pause, &|limit| ended.set(process.ends_within(limit)));
        if !ended.get() {
            self.running.replace(Some(process));
        }
    }
}
