//! Which schedules are tried: random ones by their seed, or all; and the shortest one that shows a violation.

use std::collections::HashSet;

use super::process::Verdict;
use super::run::{Move, Run};
use super::scenario::Scenario;
use crate::support::chance::Chance;

/// A schedule that violates a rule.
#[derive(Clone, Debug)]
pub struct Found {
    pub scenario: Scenario,
    pub moves: Vec<Move>,
    pub violation: String,
}

impl Found {
    /// The rule, without the details.
    pub fn rule(&self) -> &str {
        self.violation.split(':').next().unwrap_or_default()
    }

    /// What happened, step by step.
    pub fn trace(&self) -> String {
        let run = replay(&self.scenario, &self.moves, true);
        format!("{}\n{:#?}\n{}", self.violation, self.scenario, run.log())
    }

    /// The same violation with fewer callers and fewer moves.
    pub fn shrunk(self) -> Self {
        let mut best = self;
        let mut size = best.moves.len().div_ceil(2);
        while size > 0 {
            let mut at = 0;
            while at < best.moves.len() {
                let mut moves = best.moves.clone();
                moves.drain(at..(at + size).min(moves.len()));
                match best.same_with(moves) {
                    Some(smaller) => best = smaller,
                    None => at += size,
                }
            }
            size /= 2;
        }
        best
    }

    fn same_with(&self, moves: Vec<Move>) -> Option<Self> {
        let run = replay(&self.scenario, &moves, false);
        let violation = run.violation()?;
        let found = Self {
            scenario: self.scenario.clone(),
            moves,
            violation,
        };
        (found.rule() == self.rule()).then_some(found)
    }
}

/// The schedule again. What is not possible any more is left out.
pub fn replay(scenario: &Scenario, moves: &[Move], is_traced: bool) -> Run {
    let mut run = Run::new(scenario, is_traced);
    for what in moves {
        run.apply(*what);
        if run.violation().is_some() {
            return run;
        }
    }
    run.finish();
    run
}

/// How a random schedule went.
pub struct Tried {
    pub steps: usize,
    pub found: Option<Found>,
}

/// One random schedule.
pub fn random(scenario: &Scenario, chance: &mut Chance) -> Tried {
    let mut run = Run::new(scenario, false);
    // Some schedules change the process often, others seldom.
    let steadiness = [0, 2, 8, 30][chance.below(4)];
    let trouble = [10, 40, 120][chance.below(3)];
    let mut last = 0;
    for _ in 0..2_000 {
        let runnable = run.runnable();
        if runnable.is_empty() || run.violation().is_some() {
            break;
        }
        let what = if chance.below(trouble) == 0 {
            let moves = run.moves();
            moves[chance.below(moves.len())]
        } else {
            let stays = runnable.iter().find(|(pid, _)| *pid == last);
            let stays = stays.filter(|_| chance.below(steadiness + 1) > 0);
            let (pid, call) = *stays.unwrap_or(&runnable[chance.below(runnable.len())]);
            last = pid;
            let faults = call.kind.faults();
            if run.left.faults > 0 && !faults.is_empty() && chance.below(12) == 0 {
                Move::Step(pid, faults[chance.below(faults.len())])
            } else {
                Move::Step(pid, Verdict::Done)
            }
        };
        run.apply(what);
    }
    let moves = run.done.clone();
    if run.violation().is_none() {
        run.finish();
    }
    Tried {
        steps: run.done.len(),
        found: run.violation().map(|violation| Found {
            scenario: scenario.clone(),
            moves,
            violation,
        }),
    }
}

/// What an exhaustive search has seen.
#[derive(Default)]
pub struct Explored {
    pub states: usize,
    pub schedules: usize,
    pub found: Option<Found>,
}

/// Every schedule of this scenario, depth first; a state that was seen before is not gone on from.
pub fn exhaustive(scenario: &Scenario) -> Explored {
    let mut seen = HashSet::new();
    let mut explored = Explored::default();
    // Each entry is the moves to a state, of which the last is still to be made.
    let mut open: Vec<Vec<Move>> = vec![vec![]];
    while let Some(path) = open.pop() {
        let mut run = Run::new(scenario, false);
        for what in &path {
            run.apply(*what);
        }
        explored.schedules += 1;
        loop {
            let violation = run.violation();
            if violation.is_none() && !seen.insert(run.digest()) {
                break;
            }
            let moves = if violation.is_none() {
                run.moves()
            } else {
                vec![]
            };
            let Some((first, others)) = moves.split_first() else {
                let moves = run.done.clone();
                if run.violation().is_none() {
                    run.finish();
                }
                if let Some(violation) = run.violation() {
                    explored.found = Some(Found {
                        scenario: scenario.clone(),
                        moves,
                        violation,
                    });
                    explored.states = seen.len();
                    return explored;
                }
                break;
            };
            for other in others {
                let mut path = run.done.clone();
                path.push(*other);
                open.push(path);
            }
            run.apply(*first);
        }
    }
    explored.states = seen.len();
    explored
}
