//! Runs a refresh in a process of its own, so that no Ctrl-C, closed terminal or killed caller cuts
//! it in half. On Unix that process inherits the lock as its standard input: no gap, one refresher.

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
    /// Where this program is; asked only when a refresh is due.
    pub program: fn() -> Option<PathBuf>,
    /// The arguments that name the record and what is wanted of it.
    pub arguments: &'a dyn Fn(Want) -> Vec<OsString>,
    /// Where the refresh leads.
    pub github: &'a GitHub,
    /// Runs the refresh here, if no process can be started.
    pub otherwise: &'a dyn Refresher,
    /// The process that was started last, until its end was seen.
    pub running: RefCell<Option<Detached>>,
}

impl Refresher for DetachedRefresher<'_> {
    fn check_settings(&self) -> Result<()> {
        self.github.check_settings()
    }

    /// The process outlives this one, and its outcome tells what came of it: nobody waits for it.
    /// Where the lock cannot be handed on, it takes the lock itself once this function gives it up.
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
            self.otherwise.start(locked, want);
        }
    }

    /// Its outcome is there at its end, which is seen sooner than the outcome's file is looked at again.
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
