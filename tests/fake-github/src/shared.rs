//! What all threads of one fake share: its state under one lock, and the one
//! condition on which every wait waits, so that stopping ends them all.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use rustls::ServerConfig;

use crate::authority::Authority;
use crate::builder::DateHeader;
use crate::faults::Faults;
use crate::http::date::http_date;
use crate::ledger::Ledger;
use crate::violation::Violation;

/// How a connection is received, before anything is read from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reception {
    Serve,
    /// Neither read nor answered: no TLS handshake, no HTTP.
    Silent,
    /// Reset (RST) at once.
    Reset,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) authority: Authority,
    pub(crate) faults: Faults,
    pub(crate) ledger: Ledger,
    pub(crate) violations: Vec<Violation>,
    pub(crate) reception: Reception,
    pub(crate) stopping: bool,
}

pub(crate) struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    pub(crate) base_url: String,
    pub(crate) date: DateHeader,
    pub(crate) git_root: Option<PathBuf>,
    pub(crate) tls: Option<Arc<ServerConfig>>,
}

/// The connection is over: the peer went away or the fake stops.
#[derive(Debug)]
pub(crate) struct Ended;

impl From<io::Error> for Ended {
    fn from(_: io::Error) -> Self {
        Self
    }
}

impl Shared {
    pub(crate) fn new(
        state: State,
        base_url: String,
        date: DateHeader,
        git_root: Option<PathBuf>,
        tls: Option<Arc<ServerConfig>>,
    ) -> Self {
        Self {
            state: Mutex::new(state),
            changed: Condvar::new(),
            base_url,
            date,
            git_root,
            tls,
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        // A test that panicked elsewhere must still be able to stop the server.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state and wakes whoever waits for a change.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let changed = change(&mut self.lock());
        self.changed.notify_all();
        changed
    }

    /// Waits until `done` gives a value; `None` after `limit` or once stopping.
    pub(crate) fn wait<T>(
        &self,
        limit: Duration,
        mut done: impl FnMut(&mut State) -> Option<T>,
    ) -> Option<T> {
        let start = Instant::now();
        let mut state = self.lock();
        loop {
            if let Some(value) = done(&mut state) {
                return Some(value);
            }
            let left = limit
                .checked_sub(start.elapsed())
                .filter(|left| !left.is_zero())?;
            if state.stopping {
                return None;
            }
            let waited = self.changed.wait_timeout(state, left);
            (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Lets time pass, unless the fake stops.
    pub(crate) fn pause(&self, duration: Duration) -> Result<(), Ended> {
        self.wait(duration, |state| state.stopping.then_some(()))
            .map_or(Ok(()), |()| Err(Ended))
    }

    /// Holds a request at its gate until it is released.
    pub(crate) fn hold(&self, sequence: usize, limit: Duration) -> Result<(), Ended> {
        self.change(|state| state.ledger.requests[sequence].held = true);
        let released = |state: &mut State| (!state.ledger.requests[sequence].held).then_some(());
        self.wait(limit, released).ok_or(Ended)
    }

    /// The time that the server's `Date` tells.
    pub(crate) fn server_time(&self) -> SystemTime {
        let now = SystemTime::now();
        match self.date {
            DateHeader::Real | DateHeader::Absent => now,
            DateHeader::Skewed(seconds) => {
                let skew = Duration::from_secs(seconds.unsigned_abs());
                let skewed = if seconds < 0 {
                    now.checked_sub(skew)
                } else {
                    now.checked_add(skew)
                };
                skewed.unwrap_or(SystemTime::UNIX_EPOCH)
            }
        }
    }

    pub(crate) fn date(&self) -> Option<String> {
        (self.date != DateHeader::Absent).then(|| http_date(self.server_time()))
    }
}
