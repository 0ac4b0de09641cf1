//! A deterministic simulator of the refresh protocol: the code of `auth` on simulated ports, where one scheduler
//! decides which process goes on, what fails and who is killed. docs/protocol.md has the rules that are checked.
//!
//! `GHTOK_TEST_SEED=N` runs the random schedule with this seed alone, and prints it.

mod breaks;
mod callers;
mod ports;
mod process;
mod rules;
mod run;
mod scenario;
mod search;
mod server;
mod store;
mod world;

use std::collections::BTreeMap;
use std::time::Instant;

use crate::support::chance::Chance;
use breaks::Break;
use callers::Task;
use scenario::{Beginning, Budget, Caller, Scenario};
use search::{Found, exhaustive, random};

/// How many random schedules are tried, and with `--full`.
const SCHEDULES: u64 = 20_000;
const SCHEDULES_IN_FULL: u64 = 1_000_000;

fn schedules() -> u64 {
    match std::env::var_os("GHTOK_TEST_FULL") {
        Some(_) => SCHEDULES_IN_FULL,
        None => SCHEDULES,
    }
}

/// Scenario and schedule of a seed.
fn of_seed(seed: u64, adapt: impl Fn(&mut Scenario)) -> (usize, Option<Found>) {
    let mut chance = Chance::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    chance.next();
    let mut scenario = Scenario::random(&mut chance, 8);
    adapt(&mut scenario);
    let tried = random(&scenario, &mut chance);
    (tried.steps, tried.found)
}

#[track_caller]
fn show(seed: Option<u64>, found: Found) -> ! {
    let shrunk = found.shrunk();
    panic!("GHTOK_TEST_SEED={}\n{}", seed.unwrap_or(0), shrunk.trace());
}

#[test]
fn p2_p3_p4_random_schedules_of_up_to_eight_processes_break_no_rule() {
    if let Ok(seed) = std::env::var("GHTOK_TEST_SEED") {
        let seed = seed.parse().expect("a number");
        if let (_, Some(found)) = of_seed(seed, |_| {}) {
            show(Some(seed), found);
        }
        return;
    }
    let began = Instant::now();
    let mut steps = 0;
    for seed in 1..=schedules() {
        let (taken, found) = of_seed(seed, |_| {});
        steps += taken;
        if let Some(found) = found {
            show(Some(seed), found);
        }
    }
    let took = began.elapsed().as_secs_f64();
    println!(
        "{} random schedules, {steps} steps, {took:.1} s",
        schedules()
    );
}

#[test]
fn a_lock_that_excludes_nobody_leads_to_no_loop_and_overwrites_nothing_that_is_seen() {
    for seed in 1..=schedules() / 4 {
        let loose = |scenario: &mut Scenario| scenario.locks_exclude_nobody = true;
        if let (_, Some(found)) = of_seed(seed, loose) {
            show(Some(seed), found);
        }
    }
}

#[test]
fn each_deliberate_error_is_found() {
    let mut found_by = BTreeMap::new();
    for broken in Break::ALL {
        let began = Instant::now();
        let found = (1..=20_000).find_map(|seed| {
            let (_, found) = of_seed(seed, |scenario| scenario.broken = Some(broken));
            found.map(|found| (seed, found))
        });
        match found {
            Some((seed, found)) => {
                let rule = found.rule().to_owned();
                println!(
                    "{broken:?}: schedule {seed}, {:.1} s: {rule}",
                    began.elapsed().as_secs_f64()
                );
                found_by.insert(broken, rule);
            }
            None => println!("{broken:?}: NOT FOUND"),
        }
    }
    let missed: Vec<Break> = Break::ALL
        .into_iter()
        .filter(|broken| !found_by.contains_key(broken))
        .collect();
    assert!(missed.is_empty(), "not found: {missed:?}");
}

/// Pairs of processes, of which every order of their steps is tried; more of them with `--full`.
#[test]
fn p2_p3_every_schedule_of_two_processes_breaks_no_rule() {
    let others = match std::env::var_os("GHTOK_TEST_FULL") {
        Some(_) => &Task::ALL[..],
        None => &[Task::Get],
    };
    for other in others {
        let began = Instant::now();
        let callers = vec![Caller::online(Task::Get), Caller::online(*other)];
        let scenario = Scenario::of(callers, Beginning::Due, Budget::default());
        let explored = exhaustive(&scenario);
        if let Some(found) = explored.found {
            show(None, found);
        }
        println!(
            "get and {}: {} states, {} schedules, {:.1} s",
            other.name(),
            explored.states,
            explored.schedules,
            began.elapsed().as_secs_f64()
        );
    }
}
