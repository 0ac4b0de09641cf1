//! The exchange of servers while calls go on.

use fake_github::{Endpoint, FakeGitHub};
use serde_json::json;

use super::client::{Client, HOUR, soon};
use crate::support::sandbox::{Program, Sandbox};

/// P7: a token that was revoked costs one look at the API, and the call is made again.
#[test]
fn p7_a_refused_token_is_checked_once_and_healed() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let pair = sandbox.seed(&fake, HOUR);
    let mut client = Client::start(&fake, &sandbox, Program::Real, &[], &[]);
    client.open("2025-06-18", &json!({}));
    client.get("tools/list", &json!({}));
    assert_eq!(client.text("look"), "ok");
    fake.revoke(&pair.access_token);
    assert_eq!(client.text("look"), "ok", "made again: it only reads");
    assert_eq!(fake.count(Endpoint::Refresh), 1);
}

/// P8: a token that another process refreshed is adopted before the next call.
#[test]
fn a_refresh_of_another_process_is_noticed_before_the_next_call() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sandbox.seed(&fake, HOUR);
    let mut client = Client::start(&fake, &sandbox, Program::Real, &[], &[]);
    client.open("2025-11-25", &json!({}));
    assert_eq!(client.text("look"), "ok");
    sandbox.run(["refresh", "--force"]).expect_code(0);
    assert_eq!(client.text("write"), "ok");
    let token = sandbox.run(["get"]).expect_code(0).token().to_owned();
    assert_eq!(client.text("token"), token);
    assert_eq!(fake.count(Endpoint::Refresh), 1);
}

/// P8: a call that outlives the drain is answered once, as unknown, and is not made again.
#[test]
fn p8_a_call_across_the_drain_limit_is_not_repeated() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sandbox.seed(&fake, HOUR);
    let flags = ["--max-drain", "1s"];
    let mut client = Client::start(&fake, &sandbox, Program::Real, &flags, &[]);
    client.open("2025-11-25", &json!({}));
    let slow = json!({"name": "slow", "arguments": {"seconds": 20}});
    let slow = client.ask("tools/call", &slow);
    soon("the call is under way", || client.deeds().len() == 1);
    sandbox.run(["refresh", "--force"]).expect_code(0);
    let next = client.ask("tools/call", &json!({"name": "write", "arguments": {}}));
    let answer = client.answer_to(slow);
    let text = answer["result"]["content"][0]["text"].as_str();
    assert!(text.expect("a text").contains("unknown"), "{answer}");
    assert_eq!(client.answer_to(next)["result"]["content"][0]["text"], "ok");
    assert_eq!(client.deeds(), ["slow", "write"]);
}
