//! Many calls at once while tokens come and go: none is lost, none is done twice, and no token is used
//! after its replacement.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use fake_github::{Endpoint, FakeGitHub};
use serde_json::json;

use super::desk::{Bridge, Desk, good};
use super::table::without_a_trace;
use crate::support::processes::in_full;

const LIFE: Duration = Duration::from_secs(20);
const AT_ONCE: u32 = 32;

#[test]
fn p8_calls_to_a_remote_server_go_on_while_tokens_come_and_go() {
    let (calls, seconds) = if in_full() { (3000, 100) } else { (300, 25) };
    let time = Duration::from_secs(seconds);
    let builder = FakeGitHub::builder().access_lifetime(LIFE);
    let mut desk = Desk::seeded(Bridge::Ghtok, builder.start().expect("a fake"), LIFE);
    desk.start(&["-vv"]);
    desk.shake_hands().expect("a session");
    let (started, mut sent) = (Instant::now(), 0);
    while sent < calls {
        let mut left = BTreeMap::new();
        for _ in 0..AT_ONCE.min(calls - sent) {
            let arguments = json!({"n": sent, "milliseconds": sent % 7 * 40});
            let params = json!({"name": "write", "arguments": arguments});
            left.insert(desk.ask("tools/call", &params), sent);
            sent += 1;
        }
        while !left.is_empty() {
            let message = desk.receive(super::remote::PATIENCE).expect("an answer");
            let Some(id) = message["id"].as_u64() else {
                continue;
            };
            let known = left.remove(&u32::try_from(id).expect("an id of ours"));
            assert!(known.is_some(), "answered twice: {message}");
            good(&message).expect("a call that went well");
        }
        // What is left of the time is shared by what is left of the calls.
        let due = time * sent / calls;
        std::thread::sleep(due.saturating_sub(started.elapsed()));
    }
    let said = desk.close().expect("an end");
    assert!(said.contains("tools/call"), "-vv says nothing: {said}");
    without_a_trace(&desk, &said).expect("no token where none may be");
    check_deeds(&desk, calls);
    check_tokens(&desk, seconds);
}

/// Each call was carried out once.
fn check_deeds(desk: &Desk, calls: u32) {
    let mut deeds = desk.remote.state().deeds.clone();
    deeds.sort_unstable();
    let before = deeds.len();
    deeds.dedup();
    let calls = calls as usize;
    assert_eq!((before, deeds.len()), (calls, calls), "{deeds:?}");
}

/// Each request had a token that was alive, by the fake's ledger.
fn check_tokens(desk: &Desk, seconds: u64) {
    let mut ends = BTreeMap::new();
    for request in desk.fake.requests(Endpoint::Refresh) {
        let replaced = request.rotated.zip(request.processed);
        ends.extend(replaced.map(|(rotation, at)| (rotation.old_access, at.instant)));
    }
    let least = usize::try_from(seconds / 25).expect("a small number");
    assert!(ends.len() >= least, "{} refreshes", ends.len());
    let seen = desk.remote.state().seen.clone();
    for one in &seen {
        let bearer = one.bearer().expect("a bearer on each request");
        assert!(one.is_live, "refused: {}", one.rpc);
        assert!(
            ends.get(bearer).is_none_or(|end| one.at <= *end),
            "accepted after its end"
        );
    }
    println!("{} requests, {} refreshes", seen.len(), ends.len());
    assert_eq!(desk.fake.count(Endpoint::DeviceCode), 0);
}
