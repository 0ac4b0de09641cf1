//! What a test asks a running fake: the ledger, what is alive, what was wrong; and
//! the waits for what has yet to happen.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::ledger::{Endpoint, Request, Rotation};
use crate::server::FakeGitHub;
use crate::violation::Violation;

/// What was waited for did not happen in time; its text says what did.
#[derive(Clone, Debug)]
pub struct TimedOut(String);

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for TimedOut {}

impl FakeGitHub {
    pub fn ledger(&self) -> Vec<Request> {
        self.shared.lock().ledger.requests.clone()
    }

    pub fn requests(&self, endpoint: Endpoint) -> Vec<Request> {
        let state = self.shared.lock();
        let requests = state.ledger.requests.iter();
        requests
            .filter(|request| request.endpoint == endpoint)
            .cloned()
            .collect()
    }

    pub fn count(&self, endpoint: Endpoint) -> usize {
        let state = self.shared.lock();
        state
            .ledger
            .requests
            .iter()
            .filter(|request| request.endpoint == endpoint)
            .count()
    }

    /// All connections that were made, also those without a request.
    pub fn connections(&self) -> usize {
        self.shared.lock().ledger.connections
    }

    /// The successful refreshes, whether or not their answers arrived.
    pub fn refreshes(&self) -> Vec<Rotation> {
        let state = self.shared.lock();
        state
            .ledger
            .requests
            .iter()
            .filter_map(|request| request.rotated.clone())
            .collect()
    }

    /// How many refreshes succeeded.
    pub fn generation(&self) -> u64 {
        self.shared.lock().authority.rotations()
    }

    pub fn violations(&self) -> Vec<Violation> {
        self.shared.lock().violations.clone()
    }

    pub fn is_alive(&self, access_token: &str) -> bool {
        self.shared.lock().authority.is_alive(access_token)
    }

    pub fn refresh_is_alive(&self, refresh_token: &str) -> bool {
        self.shared.lock().authority.refresh_is_alive(refresh_token)
    }

    /// Every scoped token that was created, in order.
    pub fn scoped_tokens(&self) -> Vec<String> {
        self.shared.lock().authority.scoped_tokens().to_vec()
    }

    /// The scoped tokens that live now.
    pub fn live_scoped_tokens(&self) -> Vec<String> {
        let state = self.shared.lock();
        let tokens = state.authority.scoped_tokens().iter();
        tokens
            .filter(|token| state.authority.is_alive(token))
            .cloned()
            .collect()
    }

    /// The largest number of scoped tokens that lived at the same time.
    pub fn most_live_scoped_tokens(&self) -> usize {
        self.shared.lock().authority.most_live_scoped()
    }

    /// The oldest user code that waits for a person, as soon as there is one.
    pub fn wait_for_code(&self, limit: Duration) -> Result<String, TimedOut> {
        let code = self.shared.wait(limit, |state| {
            state.authority.pending_codes().into_iter().next()
        });
        code.ok_or_else(|| self.timed_out(&format!("no code is pending after {limit:?}")))
    }

    /// Waits until `count` requests have arrived, answered or not.
    pub fn wait_for(
        &self,
        endpoint: Endpoint,
        count: usize,
        limit: Duration,
    ) -> Result<(), TimedOut> {
        self.wait_for_each(endpoint, count, limit, "arrived", |_| true)
    }

    /// Waits until `count` requests stand at a gate.
    pub fn wait_for_held(
        &self,
        endpoint: Endpoint,
        count: usize,
        limit: Duration,
    ) -> Result<(), TimedOut> {
        self.wait_for_each(endpoint, count, limit, "held", |request| request.held)
    }

    /// Waits until `count` requests have been acted upon, answered or not.
    pub fn wait_for_processed(
        &self,
        endpoint: Endpoint,
        count: usize,
        limit: Duration,
    ) -> Result<(), TimedOut> {
        self.wait_for_each(endpoint, count, limit, "processed", |request| {
            request.processed.is_some()
        })
    }

    /// Waits until the ledger is as wanted. `wanted` must not call the fake.
    pub fn wait_until(
        &self,
        limit: Duration,
        wanted: impl Fn(&[Request]) -> bool,
    ) -> Result<(), TimedOut> {
        let seen = self
            .shared
            .wait(limit, |state| wanted(&state.ledger.requests).then_some(()));
        seen.ok_or_else(|| self.timed_out(&format!("the ledger is not as wanted after {limit:?}")))
    }

    fn wait_for_each(
        &self,
        endpoint: Endpoint,
        count: usize,
        limit: Duration,
        what: &str,
        counts: impl Fn(&Request) -> bool,
    ) -> Result<(), TimedOut> {
        let enough = |requests: &[Request]| {
            let here = requests
                .iter()
                .filter(|request| request.endpoint == endpoint);
            here.filter(|request| counts(request)).count() >= count
        };
        self.wait_until(limit, enough).map_err(|_| {
            self.timed_out(&format!(
                "not {count} {what} at {endpoint:?} after {limit:?}"
            ))
        })
    }

    fn timed_out(&self, what: &str) -> TimedOut {
        let line = |request: &Request| {
            let Request {
                sequence,
                endpoint,
                status,
                fault,
                ..
            } = request;
            format!("\n  {sequence} {endpoint:?} status {status:?} fault {fault:?}")
        };
        let seen: String = self
            .shared
            .lock()
            .ledger
            .requests
            .iter()
            .map(line)
            .collect();
        TimedOut(format!("{what}; the ledger:{seen}"))
    }
}
