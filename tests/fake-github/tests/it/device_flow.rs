//! The device flow: codes, polls, decisions, and every error that a poll can give.

use std::time::Duration;

use fake_github::{App, Builder, CLIENT_ID, FakeGitHub, Tokens, ViolationKind};

use crate::client::{DEVICE_GRANT, Reply, TestClock, ask_code, get, poll, post};

struct Flow {
    fake: FakeGitHub,
    clock: TestClock,
    device_code: String,
    user_code: String,
}

impl Flow {
    fn begin() -> Self {
        Self::begin_with(FakeGitHub::builder())
    }

    fn begin_with(builder: Builder) -> Self {
        let clock = TestClock::default();
        let fake = builder.clock(clock.reader()).start().expect("a fake");
        let code = ask_code(&fake);
        assert_eq!(code.status, 200);
        let (device_code, user_code) = (code.get("device_code"), code.get("user_code"));
        Self {
            fake,
            clock,
            device_code,
            user_code,
        }
    }

    /// Waits as long as asked, then polls.
    fn poll_after(&self, seconds: u64) -> Reply {
        self.clock.advance(seconds);
        let reply = poll(&self.fake, &self.device_code);
        assert_eq!(reply.status, 200, "all answers to polls are 200");
        reply
    }

    #[track_caller]
    fn expect_error(&self, seconds: u64, error: &str) {
        assert_eq!(self.poll_after(seconds).get("error"), error);
    }
}

#[test]
fn the_code_answer_has_github_s_five_members() {
    let fake = FakeGitHub::start().expect("a fake");
    let reply = ask_code(&fake);
    let json = reply.json();
    let mut members: Vec<&String> = json.as_object().expect("an object").keys().collect();
    members.sort();
    assert_eq!(
        members,
        [
            "device_code",
            "expires_in",
            "interval",
            "user_code",
            "verification_uri"
        ]
    );
    assert_eq!(reply.get("device_code").len(), 40);
    assert_eq!(reply.get("user_code").len(), 9);
    assert_eq!(
        reply.get("verification_uri"),
        format!("{}/login/device", fake.base_url())
    );
    assert_eq!(
        (json["expires_in"].as_u64(), json["interval"].as_u64()),
        (Some(900), Some(5))
    );
    assert_eq!(fake.pending_codes(), [reply.get("user_code")]);
}

#[test]
fn an_approved_code_gives_one_token() {
    let flow = Flow::begin();
    flow.expect_error(5, "authorization_pending");
    flow.fake.approve(&flow.user_code);
    let token = flow.poll_after(5);
    let json = token.json();
    assert_eq!(json["expires_in"], 28_800);
    assert_eq!(json["refresh_token_expires_in"], 15_897_600);
    assert_eq!(
        (token.get("scope"), token.get("token_type")),
        (String::new(), "bearer".into())
    );
    let access = token.get("access_token");
    assert!(access.starts_with("ghu_") && access.len() == 40);
    assert!(token.get("refresh_token").starts_with("ghr_"));
    assert_eq!(token.get("refresh_token").len(), 80);
    assert_eq!(
        get(&flow.fake, "/api/v3/user", &access).get("login"),
        "octocat"
    );
    assert!(flow.fake.violations().is_empty());

    flow.expect_error(5, "incorrect_device_code");
    assert_eq!(
        flow.fake.violations()[0].kind,
        ViolationKind::PollAfterTheEnd
    );
}

#[test]
fn early_polls_escalate_and_hide_the_approval() {
    let flow = Flow::begin();
    flow.expect_error(0, "authorization_pending");
    flow.fake.approve(&flow.user_code);
    for (waited, demanded) in [(4, 10), (9, 15), (14, 20)] {
        let reply = flow.poll_after(waited);
        assert_eq!(reply.get("error"), "slow_down");
        assert_eq!(reply.json()["interval"], demanded);
    }
    assert!(flow.poll_after(20).get("access_token").starts_with("ghu_"));
    let kinds: Vec<ViolationKind> = flow
        .fake
        .violations()
        .iter()
        .map(|found| found.kind)
        .collect();
    assert_eq!(kinds, [ViolationKind::EarlyPoll; 3]);
}

#[test]
fn a_cancelled_code_is_denied() {
    let flow = Flow::begin();
    flow.fake.deny(&flow.user_code);
    flow.expect_error(5, "access_denied");
    flow.expect_error(5, "access_denied");
    assert_eq!(
        flow.fake.violations()[0].kind,
        ViolationKind::PollAfterTheEnd
    );
}

#[test]
fn codes_expire_by_the_clock_and_by_command() {
    let flow = Flow::begin();
    flow.expect_error(899, "authorization_pending");
    flow.clock.advance(1);
    assert!(flow.fake.pending_codes().is_empty());
    flow.expect_error(5, "expired_token");

    let flow = Flow::begin();
    flow.expect_error(900, "expired_token");

    let flow = Flow::begin();
    flow.fake.approve(&flow.user_code);
    flow.fake.expire(&flow.user_code);
    flow.expect_error(5, "expired_token");
}

#[test]
fn incorrect_device_code_can_be_transient() {
    let flow = Flow::begin();
    flow.fake.incorrect_device_code_after_approval(2);
    flow.expect_error(5, "authorization_pending");
    flow.fake.approve(&flow.user_code);
    flow.expect_error(5, "incorrect_device_code");
    flow.expect_error(5, "incorrect_device_code");
    assert!(flow.poll_after(5).get("access_token").starts_with("ghu_"));
    assert!(flow.fake.violations().is_empty());
}

#[test]
fn foreign_device_codes_are_incorrect() {
    let builder = FakeGitHub::builder()
        .app(App::new(CLIENT_ID))
        .app(App::new("Iv1.other"));
    let flow = Flow::begin_with(builder);
    assert_eq!(
        poll(&flow.fake, "0000").get("error"),
        "incorrect_device_code"
    );
    let params = [
        ("client_id", "Iv1.other"),
        ("device_code", flow.device_code.as_str()),
        ("grant_type", DEVICE_GRANT),
    ];
    let reply = post(&flow.fake, "/login/oauth/access_token", &params);
    assert_eq!(reply.get("error"), "incorrect_device_code");
    assert_eq!(
        reply.get("error_description"),
        "The device_code provided is not valid."
    );
}

#[test]
fn tokens_of_an_app_without_expiry_have_no_lifetimes() {
    let app = App::new(CLIENT_ID).tokens(Tokens::Permanent);
    let flow = Flow::begin_with(FakeGitHub::builder().app(app));
    flow.fake.approve(&flow.user_code);
    let json = flow.poll_after(5).json();
    let mut members: Vec<&String> = json.as_object().expect("an object").keys().collect();
    members.sort();
    assert_eq!(members, ["access_token", "scope", "token_type"]);
    flow.clock.advance(u64::from(u32::MAX));
    assert!(
        flow.fake
            .is_alive(json["access_token"].as_str().expect("a token"))
    );
    assert_eq!(flow.fake.mint(CLIENT_ID).refresh_token, None);
}

#[test]
fn numbers_can_be_strings_and_tokens_long() {
    let flow = Flow::begin_with(
        FakeGitHub::builder()
            .numbers_as_strings()
            .stateless_tokens(),
    );
    flow.expect_error(5, "authorization_pending");
    assert_eq!(flow.poll_after(1).json()["interval"], "10");
    flow.fake.approve(&flow.user_code);
    let token = flow.poll_after(10);
    assert_eq!(token.json()["expires_in"], "28800");
    for (name, start) in [("access_token", "ghu_"), ("refresh_token", "ghr_")] {
        let text = token.get(name);
        assert!(
            text.starts_with(start) && (510..=530).contains(&text.len()),
            "{}",
            text.len()
        );
        assert!(text.matches('.').count() == 2 && text.contains('-') && text.contains('_'));
    }
}

#[test]
fn another_person_can_approve() {
    let flow = Flow::begin_with(FakeGitHub::builder().user("octocat", 1).user("hubot", 2));
    flow.fake.approve_as(&flow.user_code, "hubot");
    let access = flow.poll_after(5).get("access_token");
    assert_eq!(get(&flow.fake, "/api/v3/user", &access).json()["id"], 2);
}

#[test]
fn scaled_time_hurries_polls_and_codes_but_not_tokens() {
    let flow = Flow::begin_with(
        FakeGitHub::builder()
            .time_scale(100)
            .access_lifetime(Duration::from_secs(60)),
    );
    flow.expect_error(0, "authorization_pending");
    flow.expect_error(0, "slow_down");
    flow.fake.approve(&flow.user_code);
    let access = flow.poll_after(1).get("access_token");
    flow.clock.advance(9);
    assert!(flow.fake.is_alive(&access));
    assert_eq!(ask_code(&flow.fake).json()["expires_in"], 900);
    flow.clock.advance(9);
    assert!(flow.fake.pending_codes().is_empty());
}

#[test]
#[should_panic(expected = "waits for a decision")]
fn approving_what_no_one_asked_for_is_a_mistake_of_the_test() {
    FakeGitHub::start().expect("a fake").approve("AAAA-AAAA");
}
