//! What ends the polling, and what does not.

use fake_github::{App, CLIENT_ID, DeviceFlow, Endpoint, Failure, FakeGitHub, Fault};
use ghtok::testing::auth::device_flow;
use ghtok::testing::github::{GitHub, Network};
use ghtok::testing::permits::DeviceFlowPermit;
use ghtok::testing::token::AccessToken;

use super::{SignIn, app, assert_pauses, seconds};

#[test]
fn an_approval_brings_a_pair_that_lives() {
    let flow = SignIn::new();
    let grant = flow.approved_in_pause(1).expect("a grant");
    assert!(flow.fake.is_alive(grant.access_token.expose()));
    let refresh = grant.refresh_token.expect("a refresh token");
    assert!(flow.fake.refresh_is_alive(refresh.expose()));
    assert_eq!(flow.polls(), 1);
    flow.expect_no_violation();
}

#[test]
fn a_person_who_says_no_ends_it() {
    let flow = SignIn::new();
    let error = flow
        .run(|_| flow.fake.deny(&flow.code()))
        .expect_err("denied");
    assert_eq!((error.exit_code(), error.code()), (1, "access_denied"));
    assert_eq!(flow.polls(), 1);
    flow.expect_no_violation();
}

#[test]
fn a_code_that_the_server_calls_expired_ends_it() {
    let flow = SignIn::new();
    let error = flow
        .run(|_| flow.fake.expire(&flow.code()))
        .expect_err("expired");
    assert_eq!((error.exit_code(), error.code()), (1, "expired_token"));
    assert_eq!(flow.polls(), 1);
    flow.expect_no_violation();
}

#[test]
fn an_app_without_the_device_flow_is_told_which_box_to_tick() {
    let app = App::new(CLIENT_ID).device_flow(DeviceFlow::Disabled);
    let flow = SignIn::at(FakeGitHub::builder().app(app));
    let error = flow.run(|_| {}).expect_err("no code is given");
    assert_eq!((error.exit_code(), error.code()), (1, "refused"));
    assert!(error.hint().expect("a fix").contains("Enable Device Flow"));
    assert_eq!(flow.clock.sleeps(), Vec::<f64>::new());
    assert!(flow.person.borrow().shown.is_none());
}

/// RFC 8628 section 3.5: any error that is not known ends the polling.
#[test]
fn an_error_that_asking_again_does_not_change_ends_it_at_once() {
    for (error, exit_code, code) in [
        ("device_flow_disabled", 1, "refused"),
        ("incorrect_client_credentials", 1, "refused"),
        ("unsupported_grant_type", 1, "refused"),
        ("bad_verification_code", 1, "refused"),
        ("unverified_user_email", 1, "refused"),
        ("unauthorized_client", 1, "refused"),
        ("brand_new_error", 1, "refused"),
        ("access_denied", 1, "access_denied"),
        ("expired_token", 1, "expired_token"),
        ("token_expired", 1, "expired_token"),
    ] {
        let flow = SignIn::new();
        let fault = Fault::before(Failure::OAuthError(error.into()));
        flow.fake.fail_always(Endpoint::Poll, fault);
        let found = flow.run(|_| {}).expect_err(error);
        assert_eq!(
            (found.exit_code(), found.code()),
            (exit_code, code),
            "{error}"
        );
        assert_eq!(flow.polls(), 1, "{error}");
        assert_eq!(flow.troubles(), 0, "{error}");
    }
}

#[test]
fn incorrect_device_code_passes_twice_right_after_the_approval() {
    for times in [1, 2] {
        let flow = SignIn::new();
        flow.fake.incorrect_device_code_after_approval(times);
        flow.approved_in_pause(2).expect("a grant");
        assert_eq!(flow.polls(), 2 + times as usize);
        assert_pauses(&flow.clock.sleeps(), &vec![6.0; flow.polls()]);
        flow.expect_no_violation();
    }
}

#[test]
fn incorrect_device_code_ends_it_the_third_time() {
    let flow = SignIn::new();
    flow.fake.incorrect_device_code_after_approval(3);
    let error = flow.approved_in_pause(2).expect_err("it does not pass");
    assert_eq!((error.exit_code(), error.code()), (1, "refused"));
    assert!(
        error.to_string().contains("incorrect_device_code"),
        "{error}"
    );
    assert_eq!(flow.polls(), 4);
    flow.expect_no_violation();
}

fn account(flow: &SignIn, token: &AccessToken) -> Option<String> {
    let app = app(&flow.fake.host());
    let github = GitHub::new(&app.host, &app.client_id, Network::default(), flow.limits);
    let permit = DeviceFlowPermit::asked_for();
    device_flow::DeviceFlow::new(permit, &app, "ghtok login", &github, &flow.clock)
        .account(token)
        .map(|account| account.login)
}

/// coder/coder#8956: replicas that lag answer a new token with 401 for some seconds.
#[test]
fn a_new_token_that_is_not_known_everywhere_yet_is_asked_about_three_times() {
    for (lag, expected, pauses) in [
        (0, Some("octocat"), [].as_slice()),
        (1, Some("octocat"), &[1.0]),
        (3, Some("octocat"), &[1.0, 2.0]),
        (4, None, &[1.0, 2.0]),
    ] {
        let flow = SignIn::at(FakeGitHub::builder().replica_lag(seconds(lag)));
        let token = AccessToken::new(flow.fake.mint(CLIENT_ID).access_token);
        assert_eq!(account(&flow, &token).as_deref(), expected, "lag {lag}");
        assert_pauses(&flow.clock.sleeps(), pauses);
    }
}
