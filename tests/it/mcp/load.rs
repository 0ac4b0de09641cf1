//! Many calls at once while tokens come and go.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use fake_github::{Endpoint, FakeGitHub};
use serde_json::json;

use super::client::{Client, text_of};
use crate::support::chance::Chance;
use crate::support::processes::in_full;
use crate::support::sandbox::{Program, Sandbox};

const AT_ONCE: u32 = 8;

/// P8: every call is answered exactly once, none with a dead token, none is lost, none doubled.
#[test]
fn p8_calls_in_parallel_go_on_while_tokens_come_and_go() {
    let (calls, life, time) = if in_full() {
        (500, 20, 180)
    } else {
        // A life of 10 s would leave running calls half a second before the renewal.
        (96, 20, 45)
    };
    let (life, time) = (Duration::from_secs(life), Duration::from_secs(time));
    let builder = FakeGitHub::builder().access_lifetime(life);
    let fake = builder.start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sandbox.seed(&fake, life);
    let mut client = Client::start(&fake, &sandbox, Program::Real, &[], &["threads"]);
    client.open("2025-11-25", &json!({}));
    client.get("tools/list", &json!({}));
    let (started, mut chance) = (Instant::now(), Chance::new(7));
    let mut n = 0;
    while n < calls {
        let mut left = BTreeMap::new();
        for _ in 0..AT_ONCE.min(calls - n) {
            let milliseconds = u32::try_from(chance.below(300)).expect("a small number");
            let seconds = f64::from(milliseconds) / 1000.0;
            let tool = if chance.below(4) == 0 {
                "look"
            } else {
                "write"
            };
            left.insert(client.begin(tool, &json!({"n": n, "seconds": seconds})), n);
            n += 1;
        }
        while !left.is_empty() {
            let message = client.receive();
            let Some(id) = message["id"].as_u64() else {
                continue;
            };
            let known = left.remove(&u32::try_from(id).expect("an id of ours"));
            assert!(known.is_some(), "answered twice: {message}");
            assert_eq!(text_of(&message), "ok", "{message}");
        }
        // What is left of the time is shared by what is left of the calls.
        let due = time * n / calls;
        std::thread::sleep(due.saturating_sub(started.elapsed()));
    }
    let deeds = client.deeds();
    let mut numbers: Vec<&str> = deeds
        .iter()
        .filter_map(|deed| deed.split(' ').nth(1))
        .collect();
    numbers.sort_unstable();
    let before = numbers.len();
    numbers.dedup();
    assert_eq!(
        (before, numbers.len()),
        (calls as usize, calls as usize),
        "{deeds:?}"
    );
    let refreshes = fake.count(Endpoint::Refresh);
    let least = usize::try_from(time.as_secs() / life.as_secs()).expect("a small number");
    assert!(refreshes >= least, "{refreshes} refreshes, not {least}");
    assert_eq!(fake.count(Endpoint::DeviceCode), 0);
    println!(
        "{calls} calls, {refreshes} refreshes in {:?}",
        started.elapsed()
    );
    let (code, stderr) = client.close();
    assert_eq!(code, Some(0), "{stderr}");
}
