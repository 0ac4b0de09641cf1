//! Which request meets which fault, and which answers are late.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::{Fault, Stage};
use crate::ledger::Endpoint;

#[derive(Debug, Default)]
pub(crate) struct Faults {
    planned: HashMap<Endpoint, Plan>,
}

#[derive(Debug, Default)]
struct Plan {
    next: VecDeque<Fault>,
    always: Option<Fault>,
    delays: Vec<(Stage, Duration)>,
}

impl Faults {
    pub(crate) fn plan_next(&mut self, endpoint: Endpoint, times: usize, fault: Fault) {
        let plan = self.planned.entry(endpoint).or_default();
        plan.next.extend(std::iter::repeat_n(fault, times));
    }

    pub(crate) fn plan_always(&mut self, endpoint: Endpoint, fault: Fault) {
        self.planned.entry(endpoint).or_default().always = Some(fault);
    }

    /// Replaces the delay of this stage.
    pub(crate) fn plan_delay(&mut self, endpoint: Endpoint, stage: Stage, delay: Duration) {
        let plan = self.planned.entry(endpoint).or_default();
        plan.delays.retain(|(planned, _)| *planned != stage);
        plan.delays.push((stage, delay));
    }

    pub(crate) fn heal(&mut self, endpoint: Endpoint) {
        self.planned.remove(&endpoint);
    }

    /// The fault of the request that just came: the queued ones first.
    pub(crate) fn take(&mut self, endpoint: Endpoint) -> Option<Fault> {
        let plan = self.planned.get_mut(&endpoint)?;
        plan.next.pop_front().or_else(|| plan.always.clone())
    }

    pub(crate) fn delay(&self, endpoint: Endpoint, stage: Stage) -> Option<Duration> {
        let delays = &self.planned.get(&endpoint)?.delays;
        delays
            .iter()
            .find(|(planned, _)| *planned == stage)
            .map(|(_, delay)| *delay)
    }
}
