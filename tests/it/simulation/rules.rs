//! The invariants. docs/protocol.md has them in words, under the same names.

use std::time::Duration;

use ghtok::testing::auth::outcome::{Happened, Outcome};
use ghtok::testing::auth::record::{Decision, Record, Want};

use super::process::{Ended, Own, Process};
use super::world::{Pid, Rescue, World, pair_of};

/// A caller waits 45 s, and for its last pause, and for slow reads.
const CALLER: Duration = Duration::from_secs(45 + 5);
/// A process that refreshes, signs in or creates a scoped token may do several such things one after another.
const OTHERS: Duration = Duration::from_secs(300);

/// Before a process writes the record.
pub fn before_a_write(world: &mut World, own: &Own<'_>, record: &Record) {
    let Some(pair) = pair_of(record) else {
        return;
    };
    let is_loose = world.scenario.locks_exclude_nobody;
    let stored = world.record.clone();
    let saw_it = own.read_version.get() == world.record_version;
    if let Some(stored) = &stored
        && stored.generation > record.generation
        && (!is_loose || saw_it)
    {
        world.violated(
            "a newer pair is never overwritten",
            super::store::words(record),
        );
    }
    let sign_in = world.server.pairs[pair].sign_in;
    let is_first = !world.server.pairs.iter().any(|it| it.next == Some(pair));
    if is_first && !world.server.pairs[pair].was_durable {
        world.server.active = sign_in;
        world.is_signed_out = false;
    } else if !is_loose && world.is_signed_out {
        world.violated("a sign-out is final", super::store::words(record));
    } else if !is_loose && sign_in != world.server.active {
        world.violated("a sign-in is never undone", super::store::words(record));
    }
    let key = |record: &Record| record.intent.as_ref().map(|intent| intent.key.clone());
    let old_key = stored.as_ref().and_then(key);
    if key(record).is_some() && key(record) != old_key {
        if !is_loose && !world.connected.contains(&own.pid) {
            world.violated("connected before anything is written", "");
        }
        world.server.pairs[pair].intent_at = Some(world.step);
    }
    let replaced = stored.as_ref().and_then(pair_of);
    if replaced.is_some_and(|old| world.server.pairs[old].next == Some(pair)) {
        let is_sealed =
            matches!(&world.rescue, Rescue::Sealed { record, .. } if pair_of(record) == Some(pair));
        if !is_loose && !is_sealed && !world.sealed_or_tried.contains(&own.pid) {
            world.violated("sealed before it is saved", "");
        }
    }
    if record.refresh_rejected.is_some() && !world.server.pairs[pair].is_known_dead {
        if world.server.pairs[pair].is_refresh_alive && !is_loose {
            world.violated("no refusal is invented", "");
        }
        world.server.pairs[pair].is_known_dead = true;
    }
}

/// After a process wrote something.
pub fn after_a_write(world: &mut World) {
    for pair in 0..world.server.pairs.len() {
        if world.is_durable(pair) {
            world.server.pairs[pair].was_durable = true;
            world.server.pairs[pair].holder = None;
        }
    }
}

/// Before a process reports an outcome.
pub fn before_a_report(world: &mut World, pid: Pid, outcome: &Outcome) {
    if world.scenario.locks_exclude_nobody {
        return;
    }
    let stored = world.record.as_ref().map(|record| record.generation);
    match outcome.what {
        Happened::Saved if stored != Some(outcome.generation) => {
            world.violated("saved before it is reported", format!("by p{pid}"));
        }
        Happened::Sent => {
            let intent = world
                .record
                .as_ref()
                .and_then(|record| record.intent.as_ref());
            if intent.is_none_or(|intent| intent.generation != outcome.generation) {
                world.violated("the intent is stored before anything is sent", "");
            }
            if world.rescue == Rescue::Absent {
                world.violated("room for the new pair before anything is sent", "");
            }
        }
        _ => {}
    }
}

pub fn before_a_rescue_is_reserved(world: &mut World) {
    if let Rescue::Sealed { record, .. } = &world.rescue
        && let Some(pair) = pair_of(record)
        && world.server.current() == Some(pair)
        && world.stored_pair() != Some(pair)
        && !world.scenario.locks_exclude_nobody
    {
        world.violated("a sealed pair is saved before its file is used again", "");
    }
}

/// The pair is in no rescue file: it may be lost if it cannot be stored either.
pub fn a_seal_failed(world: &mut World, pid: Pid) {
    for pair in world
        .server
        .pairs
        .iter_mut()
        .filter(|pair| pair.holder == Some(pid))
    {
        pair.may_be_lost = true;
    }
}

/// Before a refresh token is sent.
pub fn before_a_send(world: &mut World, pid: Pid, pair: usize, want: Want) {
    let next = world.server.pairs[pair].next;
    if world.scenario.locks_exclude_nobody {
        return;
    }
    if world.server.pairs[pair].is_known_dead
        || next.is_some_and(|it| world.server.pairs[it].was_durable)
    {
        world.violated(
            "a spent refresh token is never sent again",
            format!("ghr_{pair}"),
        );
    }
    if !world.holders.contains(&pid) {
        world.violated(
            "one refresher at a time, with the lock",
            format!("p{pid} has no lock"),
        );
    }
    let Some(stored) = world.record.clone() else {
        return;
    };
    let is_told = |outcome: &Outcome| {
        outcome.what == Happened::Sent && outcome.generation == stored.generation + 1
    };
    if stored.intent.is_none() {
        world.violated("the intent is stored before anything is sent", "");
    }
    if !world.outcome.as_ref().is_some_and(is_told) {
        world.violated("sent is reported before it is sent", "");
    }
    let was_interrupted = stored.interrupted_at().is_some();
    let unmarked = Record {
        intent: None,
        ..stored
    };
    let is_due = matches!(unmarked.decide(world.wall(), want), Decision::Refresh);
    // The clock may have been set back since it was due.
    if !was_interrupted && !is_due && world.scenario.budget.jumps == 0 {
        world.violated("no pair is replaced that is not due", format!("ghu_{pair}"));
    }
}

/// A process was killed.
pub fn killed(world: &mut World, pid: Pid) {
    let wrote = world.sealed_or_tried.contains(&pid);
    for pair in world
        .server
        .pairs
        .iter_mut()
        .filter(|pair| pair.holder == Some(pid))
    {
        pair.may_be_lost |= !wrote;
        pair.holder = None;
    }
}

/// After each step.
pub fn after_a_step(world: &mut World) {
    after_a_write(world);
    if world.scenario.locks_exclude_nobody {
        return;
    }
    if let Some(pair) = world.server.current() {
        let state = &world.server.pairs[pair];
        let is_safe = state.holder.is_some() || world.is_durable(pair);
        if !is_safe && !state.may_be_lost && !world.is_signed_out {
            world.violated("no sign-in is lost", format!("ghr_{pair}"));
        }
    }
    if world
        .holders
        .iter()
        .filter(|pid| world.alive.contains(pid))
        .count()
        > 1
    {
        world.violated("one refresher at a time, with the lock", "two hold it");
    }
    if world.is_signed_out && world.record.is_some() {
        world.violated("a sign-out is final", "");
    }
    for (number, token) in world.server.scoped.clone().iter().enumerate() {
        let text = format!("ghu_scoped{number}");
        let mut listed = world
            .scoped
            .entries
            .iter()
            .filter_map(|entry| entry.token());
        // A clock that is set ahead ends every token of the list.
        let is_kept = world.scenario.budget.jumps == 0;
        if is_kept && token.is_alive && token.is_handed_out && !listed.any(|it| it.expose() == text)
        {
            world.violated("no scoped token is forgotten", text);
        }
    }
}

/// After a caller has ended.
pub fn after_an_end(world: &mut World, process: &Process, ended: &Ended) {
    let is_plain = ["get", "timer", "force"].contains(&process.name);
    let limit = if is_plain && world.faults == 0 {
        CALLER
    } else {
        OTHERS
    };
    if process.slept() > limit {
        let took = process.slept().as_secs();
        world.violated(
            "every caller ends within its limit",
            format!("p{} took {took} s", process.pid),
        );
    }
    if let Ended::Served(pair) = *ended {
        let state = &world.server.pairs[pair];
        let is_late = process.began > state.doomed_at;
        if state.doomed_at.is_some() && is_late && !world.scenario.locks_exclude_nobody {
            let words = format!("p{} got ghu_{pair}", process.pid);
            world.violated(
                "nobody who began after the intent gets the old token",
                words,
            );
        }
    }
    if let Ended::ServedScoped(number) = *ended {
        world.server.scoped[number].is_handed_out = true;
    }
}
