//! Which server is in use, and how another one takes its place: running requests end, a token is
//! fetched, a new server starts, and the old one is stopped.

mod drain_limit;
mod outcomes;
mod phase;
mod remote;
mod start_times;

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

pub(super) use self::outcomes::{
    AfterDrain, AfterFailure, Exited, Flow, NextStep, Start, StartFailure,
};
use self::phase::Phase;
pub(super) use self::phase::Server;
use self::start_times::StartTimes;
use super::list_changes::ListChanges;
use super::{Now, Restarts, Settings, Timing, TokenInfo};

/// The wall clock may jump and machines sleep: it is read at least this often.
const CLOCK_INTERVAL: Duration = Duration::from_secs(30);

/// The servers of a conversation. They are numbered from 1.
#[derive(Debug)]
pub(super) struct ServerSwitch {
    phase: Phase,
    last_number: u32,
    /// Servers no longer in use whose processes are not all gone.
    ending: HashSet<u32>,
    /// A second server does not start while the first one runs: both need the same port, lock or profile.
    is_single: bool,
    start_times: StartTimes,
    /// No server is started before this: it would be of no more use than the last one was.
    blocked: Option<(Duration, StartFailure)>,
    crashes: VecDeque<Duration>,
    list_changes: Option<ListChanges>,
    restarts: Restarts,
    /// The server that stands in for a remote one while nobody is signed in.
    stand_in: Option<u32>,
    max_drain: Duration,
    timing: Timing,
}

impl ServerSwitch {
    /// The first server starts when a token is there, or soon without one.
    pub(super) fn new(settings: &Settings, now: Now) -> Self {
        Self {
            phase: Phase::AwaitingToken {
                server: None,
                is_check: false,
                until: Some(now.mono + settings.timing.first_token),
                drain_until: None,
            },
            last_number: 0,
            ending: HashSet::new(),
            is_single: false,
            start_times: StartTimes::new(settings.start_timeout),
            blocked: None,
            crashes: VecDeque::new(),
            list_changes: None,
            restarts: settings.restarts,
            stand_in: None,
            max_drain: settings.max_drain,
            timing: settings.timing,
        }
    }

    /// True once the first server was started.
    pub(super) fn has_started(&self) -> bool {
        self.last_number > 0
    }

    /// The server in use.
    pub(super) fn in_use(&self) -> Option<Server> {
        self.phase.server()
    }

    pub(super) fn number(&self) -> Option<u32> {
        self.in_use().map(|server| server.number)
    }

    /// The token of the server in use.
    pub(super) fn token(&self) -> Option<TokenInfo> {
        self.in_use().and_then(|server| server.token)
    }

    /// The server that goes through its handshake.
    pub(super) fn starting(&self) -> Option<u32> {
        match self.phase {
            Phase::Starting { new, .. } => Some(new.number),
            _ => None,
        }
    }

    pub(super) fn flow(&self) -> Flow {
        self.phase.flow()
    }

    pub(super) fn is_awaiting_token(&self) -> bool {
        matches!(self.phase, Phase::AwaitingToken { .. })
    }

    /// A request is sent to the server: the next token is fetched before a request needs it.
    pub(super) fn used(&mut self) {
        if let Phase::Serving { is_used, .. } = &mut self.phase {
            *is_used = true;
        }
    }

    /// True if the server was used since it took over.
    pub(super) fn is_used(&self) -> bool {
        matches!(self.phase, Phase::Serving { is_used: true, .. })
    }

    /// True if another server may take the place of the one in use.
    pub(super) fn may_replace(&self) -> bool {
        let Some(server) = self.in_use() else {
            return false;
        };
        let is_kept = match self.restarts {
            Restarts::Allowed => false,
            Restarts::Never => server.token.is_some(),
            Restarts::ForSessions => self.is_session(),
        };
        !is_kept && self.blocked.is_none()
    }

    /// True if a call that needs a token would fail. A server that is never replaced keeps the one it
    /// has.
    pub(super) fn lacks_token(&self, now: Now) -> bool {
        match (self.token(), self.restarts) {
            (None, _) => true,
            (Some(_), Restarts::Never) => false,
            // A newer token has ended this one's life.
            (Some(_), Restarts::Allowed) if self.blocked.is_some() => true,
            (Some(token), Restarts::Allowed | Restarts::ForSessions) => {
                token.expires_at.is_some_and(|end| now.wall >= end)
            }
        }
    }

    /// Why no server is to be started now; later another try may be made.
    pub(super) fn blocked(&mut self, now: Now) -> Option<&StartFailure> {
        self.blocked.take_if(|(until, _)| now.mono >= *until);
        self.blocked.as_ref().map(|(_, because)| because)
    }

    /// The token of the server in use is still the newest; its times may have changed. `None`: it is
    /// invalid.
    pub(super) fn set_token(&mut self, token: Option<TokenInfo>) {
        match &mut self.phase {
            Phase::Serving { server, .. } | Phase::Draining { server, .. } => server.token = token,
            Phase::AwaitingToken { server, .. } => {
                if let Some(server) = server {
                    server.token = token;
                }
            }
            Phase::Stopping { .. } | Phase::Starting { .. } | Phase::Ended => {}
        }
    }

    /// Lets running requests end first, never longer than the old token lives.
    pub(super) fn drain(&mut self, next: AfterDrain, now: Now) {
        let Some(server) = self.in_use() else {
            return;
        };
        let begun = match self.phase {
            Phase::AwaitingToken { drain_until, .. } => drain_until,
            Phase::Draining { until, .. } => Some(until),
            _ => None,
        };
        let until = begun.unwrap_or_else(|| now.mono + self.drain_limit(server, now));
        self.phase = Phase::Draining {
            server,
            next,
            until,
        };
    }

    /// A token is fetched, or checked; until then requests are held.
    pub(super) fn await_token(&mut self, is_check: bool) {
        let drain_until = match self.phase {
            Phase::Draining { until, .. } => Some(until),
            _ => None,
        };
        self.phase = Phase::AwaitingToken {
            server: self.in_use(),
            is_check,
            until: None,
            drain_until,
        };
    }

    /// Without a server, one starts after this time even if no token has come by then.
    pub(super) fn limit_wait(&mut self, now: Now) {
        if let Phase::AwaitingToken { until, .. } = &mut self.phase {
            *until = Some(now.mono + self.timing.first_token);
        }
    }

    /// Requests are sent to the server in use again.
    pub(super) fn resume(&mut self) {
        if let Some(server) = self.in_use() {
            self.phase = Phase::Serving {
                server,
                is_used: false,
            };
        }
    }

    /// What is to be done now.
    pub(super) fn next_step(&self, is_busy: bool, now: Now) -> Option<NextStep> {
        match self.phase {
            Phase::Draining { next, until, .. } if !is_busy || now.mono >= until => {
                Some(match next {
                    AfterDrain::FetchToken => NextStep::FetchToken,
                    AfterDrain::Start => NextStep::Start,
                })
            }
            Phase::AwaitingToken {
                until: Some(until), ..
            } if now.mono >= until => Some(NextStep::Start),
            Phase::Stopping { .. } if self.ending.is_empty() => Some(NextStep::Start),
            Phase::Starting { until, .. } if now.mono >= until => {
                Some(NextStep::StartTimedOut(self.start_times.limit()))
            }
            _ => None,
        }
    }

    /// When the time alone changes [`Self::next_step`], or makes a used server's token due.
    pub(super) fn next_timer(&self, now: Now) -> Option<Duration> {
        match self.phase {
            Phase::Draining { until, .. } | Phase::Starting { until, .. } => Some(until),
            Phase::AwaitingToken { until, .. } => until,
            Phase::Serving {
                server,
                is_used: true,
            } => {
                let left = now.wall.until(server.token?.due_at?);
                Some(now.mono + left.clamp(Duration::from_secs(1), CLOCK_INTERVAL))
            }
            Phase::Serving { .. } | Phase::Stopping { .. } | Phase::Ended => None,
        }
    }

    /// Starts a server with this token; where only one can run, once no other is left.
    pub(super) fn start(&mut self, token: Option<TokenInfo>, now: Now) -> Start {
        let old = self.in_use();
        if self.is_single {
            let running = old.filter(|old| self.ending.insert(old.number));
            if !self.ending.is_empty() {
                self.phase = Phase::Stopping { old };
                return Start::AfterStopping(running.map(|old| old.number));
            }
        }
        self.last_number += 1;
        self.start_times.started(now.mono);
        let new = Server {
            number: self.last_number,
            token,
        };
        if token.is_none() && self.is_remote() {
            self.stand_in = Some(new.number);
        }
        self.phase = Phase::Starting {
            old,
            new,
            until: now.mono + self.start_times.limit(),
        };
        Start::Now(new)
    }

    /// A server has responded: if that is its first response, it has started now.
    pub(super) fn responded(&mut self, now: Now) {
        self.start_times.responded(now.mono);
    }

    /// The new server takes over; the old one, if there is one, has to be stopped.
    pub(super) fn take_over(&mut self, now: Now) -> Option<u32> {
        let Phase::Starting { old, new, .. } = self.phase else {
            return None;
        };
        self.phase = Phase::Serving {
            server: new,
            is_used: false,
        };
        self.blocked = None;
        if new.number > 1 {
            let until = now.mono + self.timing.list_changes;
            self.list_changes = Some(ListChanges::until(until));
        }
        let old = old.map(|old| old.number);
        self.ending.extend(old);
        old
    }

    /// The new server is of no use. Its token has replaced the old server's, which is of little use
    /// either: where the new one may have failed because only one can run, the old one makes room.
    pub(super) fn start_failed(&mut self, failure: StartFailure, now: Now) -> Option<AfterFailure> {
        let Phase::Starting { old, new, .. } = self.phase else {
            return None;
        };
        self.ending.insert(new.number);
        Some(match (old, failure) {
            (
                Some(server),
                because @ (StartFailure::OtherRevision
                | StartFailure::NoSession
                | StartFailure::NotStarted(_)),
            ) => {
                self.blocked = Some((now.mono + self.timing.backoff, because));
                self.phase = Phase::Serving {
                    server,
                    is_used: false,
                };
                AfterFailure::KeepOld
            }
            (Some(server), _) => {
                self.is_single = true;
                self.ending.insert(server.number);
                self.phase = Phase::Stopping { old };
                AfterFailure::StopOldFirst(server.number)
            }
            (None, _) => {
                self.lost();
                AfterFailure::Crash(new)
            }
        })
    }

    /// A server's first process has exited.
    pub(super) fn exited(&mut self, number: u32) -> Exited {
        if self.starting() == Some(number) {
            return Exited::New;
        }
        let Some(server) = self.in_use().filter(|server| server.number == number) else {
            return Exited::Other;
        };
        self.ending.insert(number);
        match &mut self.phase {
            Phase::Stopping { old } => {
                *old = None;
                return Exited::Other;
            }
            Phase::Starting { old, .. } => *old = None,
            _ => self.lost(),
        }
        Exited::InUse(server)
    }

    /// No server is in use: the next one needs a token first.
    fn lost(&mut self) {
        self.phase = Phase::AwaitingToken {
            server: None,
            is_check: false,
            until: None,
            drain_until: None,
        };
    }

    /// All processes of a server are gone.
    pub(super) fn gone(&mut self, number: u32) {
        self.ending.remove(&number);
    }

    /// A server has ended by itself; true if it was one too many.
    pub(super) fn crashed_too_often(&mut self, now: Now) -> bool {
        let (window, most) = self.timing.crashes;
        let since = now.mono.saturating_sub(window);
        self.crashes.retain(|at| *at >= since);
        self.crashes.push_back(now.mono);
        self.crashes.len() > most
    }

    /// No server will follow.
    pub(super) fn end(&mut self) {
        self.phase = Phase::Ended;
    }

    /// True for a new server's `list_changed` that repeats one of the same kind.
    pub(super) fn is_repeated_list_change(&mut self, method: &str, now: Now) -> bool {
        let changes = self.list_changes.as_mut();
        changes.is_some_and(|changes| changes.is_repeated(method, now.mono))
    }
}

#[cfg(test)]
mod tests;
