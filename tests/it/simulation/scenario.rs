//! What is simulated: which processes, from which beginning, and how much may go wrong.

use std::time::Duration;

use ghtok::testing::auth::outcome::{Happened, Outcome};
use ghtok::testing::auth::record::{Account, Record};
use ghtok::testing::token::Timestamp;

use super::breaks::Break;
use super::callers::Task;
use super::server::{LIFE, granted};
use super::world::{START, World};
use crate::support::chance::Chance;

/// The stored sign-in at the beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Beginning {
    /// The token is due and valid for two more minutes.
    Due,
    Expired,
    Fresh,
    SignedOut,
}

/// How often each thing may happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Budget {
    pub kills: u8,
    pub stops: u8,
    pub faults: u8,
    pub jumps: u8,
    pub conditions: u8,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    pub callers: Vec<Caller>,
    pub beginning: Beginning,
    pub budget: Budget,
    /// As on some network file systems.
    pub locks_exclude_nobody: bool,
    /// A reader may see a half-written outcome.
    pub tears_outcomes: bool,
    pub broken: Option<Break>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    pub task: Task,
    pub has_network: bool,
}

impl Caller {
    pub fn online(task: Task) -> Self {
        Self {
            task,
            has_network: true,
        }
    }
}

impl Scenario {
    pub fn of(callers: Vec<Caller>, beginning: Beginning, budget: Budget) -> Self {
        Self {
            callers,
            beginning,
            budget,
            locks_exclude_nobody: false,
            tears_outcomes: false,
            broken: None,
        }
    }

    /// Up to this many callers, mostly such that need a refresh.
    pub fn random(chance: &mut Chance, most: usize) -> Self {
        let count = 1 + chance.below(most);
        let is_healthy = chance.below(3) == 0;
        let callers = (0..count).map(|_| Caller {
            task: match chance.below(12) {
                0..=4 => Task::Get,
                number => Task::ALL[number - 5],
            },
            has_network: chance.below(6) > 0,
        });
        let callers = callers.collect();
        let mut upto = |most: usize| u8::try_from(chance.below(most + 1)).unwrap_or(0);
        let budget = Budget {
            kills: upto(3),
            stops: if is_healthy { 0 } else { upto(2) },
            faults: if is_healthy { 0 } else { upto(3) },
            jumps: if is_healthy { 0 } else { upto(1) },
            conditions: if is_healthy { 0 } else { upto(2) },
        };
        let beginning = match chance.below(8) {
            0..=3 => Beginning::Due,
            4 | 5 => Beginning::Expired,
            6 => Beginning::Fresh,
            _ => Beginning::SignedOut,
        };
        Self {
            tears_outcomes: chance.below(2) == 0,
            ..Self::of(callers, beginning, budget)
        }
    }

    /// True if nothing but a kill or a process without network can trouble anybody.
    pub fn is_calm(&self) -> bool {
        let Budget {
            stops,
            faults,
            jumps,
            conditions,
            ..
        } = self.budget;
        stops == 0 && faults == 0 && jumps == 0 && conditions == 0
    }

    pub fn has(&self, task: Task) -> bool {
        self.callers.iter().any(|caller| caller.task == task)
    }
}

/// What a sign-in has left before the schedule begins.
pub fn sign_in_at_start(world: &mut World) {
    let age = match world.scenario.beginning {
        Beginning::SignedOut => {
            world.is_signed_out = true;
            return;
        }
        Beginning::Due => LIFE.saturating_sub(Duration::from_secs(120)),
        Beginning::Expired => LIFE + Duration::from_secs(60),
        Beginning::Fresh => Duration::from_secs(60),
    };
    let pair = world.server.sign_in();
    world.server.active = world.server.pairs[pair].sign_in;
    let obtained_at = Timestamp(START.0 - i64::try_from(age.as_secs()).unwrap_or(0));
    let account = Account {
        login: "octocat".into(),
        id: 1,
    };
    world.record = Some(Record::granted(
        1,
        granted(pair).into_token_set(obtained_at),
        obtained_at,
        Some(account),
    ));
    world.server.pairs[pair].was_durable = true;
    world.outcome = Some(Outcome {
        generation: 1,
        at: obtained_at,
        what: Happened::Saved,
    });
    world.is_noted = true;
}
