//! The commands as a person meets them, on a fake GitHub and the file store.

use std::time::Duration;

use fake_github::{Endpoint, FakeGitHub};

use crate::support::sandbox::Sandbox;

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn a_cached_token_costs_no_request_at_all() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let pair = sandbox.seed(&fake, HOUR);
    let run = sandbox.run(["get"]);
    assert_eq!(run.token(), pair.access_token);
    assert_eq!(run.stderr, "");
    assert_eq!(fake.connections(), 0);
}

#[test]
fn a_due_token_is_refreshed_silently() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let pair = sandbox.seed(&fake, Duration::from_secs(60));
    let run = sandbox.run(["get"]);
    assert_ne!(run.token(), pair.access_token);
    assert!(fake.is_alive(run.token()));
    assert_eq!(run.stderr, "");
    assert_eq!(fake.count(Endpoint::Refresh), 1);
    assert_eq!(sandbox.record().generation, 2);
}
