//! The table of events: each must leave ghtok's client with an answer, and nothing done twice. The same
//! beside other bridges is run by `tests/bridges/run`, for docs/mcp.md.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use fake_github::FakeGitHub;

use super::desk::{Bridge, Desk};
use super::events::{EVENTS, Occurrence};
use crate::support::leaks::Secrets;

/// Trials at the same time.
const AT_ONCE: usize = 4;

/// Tries one event in a new home.
fn outcome(bridge: Bridge, event: &Occurrence) -> Result<(), String> {
    let fake = FakeGitHub::start().expect("a fake");
    let mut desk = Desk::new(bridge, fake);
    let tried = (event.try_it)(&mut desk);
    let said = desk.close();
    if bridge == Bridge::Ghtok {
        tried?;
        return without_a_trace(&desk, &said?);
    }
    tried
}

/// No token in what was said, and each request with one that the product had.
pub fn without_a_trace(desk: &Desk, said: &str) -> Result<(), String> {
    let mut secrets = Secrets::default();
    for rotation in desk.fake.refreshes() {
        secrets.add(&*rotation.old_access);
        secrets.add(&*rotation.new_access);
    }
    secrets.add(&*desk.pair.access_token);
    let finder = secrets.finder();
    let mut found = finder.find("what was said", said.as_bytes());
    for seen in &desk.remote.state().seen {
        found.extend(finder.find("an address", seen.request.path.as_bytes()));
        found.extend(finder.find("a body", &seen.request.body));
    }
    if found.is_empty() {
        Ok(())
    } else {
        Err(found.join(", "))
    }
}

/// Every event with this bridge, some at the same time; in the order of the table.
fn outcomes(bridge: Bridge) -> Vec<Result<(), String>> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(event) = EVENTS.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let at = EVENTS.iter().position(|one| std::ptr::eq(one, event));
                    let outcome = outcome(bridge, event);
                    let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
                    done.push((at, outcome));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, outcome)| outcome).collect()
}

/// P8: whatever happens, each call is answered, and nothing is done twice.
#[test]
fn p8_nothing_that_happens_to_a_remote_server_loses_a_call() {
    let outcomes = outcomes(Bridge::Ghtok);
    let lost = EVENTS.iter().zip(outcomes).filter_map(|(event, outcome)| {
        let why = outcome.err()?;
        Some(format!("{}: {why}", event.name))
    });
    let lost: Vec<String> = lost.collect();
    assert!(lost.is_empty(), "{lost:#?}");
}

#[test]
#[ignore = "needs other bridges in the folder GHTOK_TEST_BRIDGES: tests/bridges/run"]
fn beside_other_bridges() {
    let only = std::env::var("GHTOK_TEST_BRIDGE").unwrap_or_default();
    let bridges = [
        Bridge::Ghtok,
        Bridge::McpRemote,
        Bridge::Supergateway,
        Bridge::Fastmcp,
    ];
    let bridges = bridges
        .iter()
        .filter(|bridge| format!("{bridge:?}").contains(&only));
    let columns: Vec<_> = bridges.map(|bridge| (bridge, outcomes(*bridge))).collect();
    for (at, event) in EVENTS.iter().enumerate() {
        let cells = columns.iter().map(|(_, column)| match &column[at] {
            Ok(()) => " yes |".to_owned(),
            Err(_) => " **no** |".to_owned(),
        });
        println!("| {} |{}", event.name, cells.collect::<String>());
    }
    for (bridge, column) in columns {
        for (event, outcome) in EVENTS.iter().zip(column) {
            if let Err(why) = outcome {
                println!("{bridge:?}: {}: {why}", event.name);
            }
        }
    }
}
