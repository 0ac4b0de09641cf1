//! P4: no failure of the network or the server loses a sign-in, a token that still lives is served,
//! and one failure answers for everybody. The broker and the refresh in this process, on a fake clock;
//! only `together` runs real processes.

mod account;
mod answered;
mod not_sent;
mod odd_but_good;
mod open_question;
mod refresh_refused;
mod reported;
mod together;

use std::time::Duration;

use fake_github::{Endpoint, Failure, Fault, Pair};
use ghtok::testing::auth::broker::Served;
use ghtok::testing::auth::ports::Event;
use ghtok::testing::error::Error;
use ghtok::testing::limits::Limits;

use crate::support::bench::Bench;

/// Due, and still good.
const VALID: Duration = Duration::from_secs(60);
const OVER: Duration = Duration::ZERO;

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// A sign-in whose next refresh meets this fault.
fn failing(left: Duration, fault: &Fault) -> (Bench, Pair) {
    let mut bench = Bench::new();
    if fault.failure == Failure::Hang {
        bench.limits = Limits {
            answer: Duration::from_millis(150),
            ..Limits::STANDARD
        };
    }
    let pair = bench.seed(left);
    bench.fake.fail_next(Endpoint::Refresh, fault.clone());
    (bench, pair)
}

/// The old token was served although there was no refresh, and a person was told.
#[track_caller]
fn assert_served_anyway(bench: &Bench, pair: &Pair, result: Result<Served, Error>) {
    let served = result.expect("a token that still lives");
    assert_eq!(served.token.expose(), pair.access_token);
    let heard = bench.heard();
    assert!(
        matches!(heard.as_slice(), [Event::ServedAnyway { cause, .. }] if !cause.is_empty()),
        "{heard:?}"
    );
}

/// The next call gets a new pair, without another word.
#[track_caller]
fn assert_next_call_refreshes(bench: &Bench, pair: &Pair) {
    let served = bench.get().expect("a new token");
    assert_ne!(served.token.expose(), pair.access_token);
    assert!(bench.fake.is_alive(served.token.expose()));
    assert!(bench.is_kept());
    let record = bench.record();
    assert_eq!((record.generation, record.intent), (2, None));
    assert_eq!(bench.fake.generation(), 1);
    assert!(!bench.sandbox.rescue_file().exists());
    assert_eq!(bench.heard(), []);
}

/// Nothing was spent and nothing is left open.
#[track_caller]
fn assert_untouched(bench: &Bench) {
    let record = bench.record();
    assert_eq!(record.generation, 1);
    assert_eq!(record.intent, None);
    assert_eq!(record.refresh_rejected, None);
    assert!(bench.is_kept());
    assert!(!bench.sandbox.rescue_file().exists());
}
