//! The other questions: device flow, account, revocation.

use super::*;

#[test]
fn the_device_flow_goes_from_codes_to_tokens() {
    let fake = FakeGitHub::builder()
        .clock(|| Duration::ZERO)
        .start()
        .expect("a fake GitHub");
    let github = patient(fake.base_url(), Network::default());
    let codes = github
        .request_device_code(&DeviceFlowPermit::asked_for())
        .expect("two codes");
    assert_eq!(
        codes.verification_uri,
        format!("{}/login/device", fake.base_url())
    );
    assert_eq!(
        (codes.expires_in.as_secs(), codes.interval.as_secs()),
        (900, 5)
    );
    let _first = github.poll(&codes.device_code);
    let early = github.poll(&codes.device_code);
    assert_eq!(
        early,
        Ok(Poll::SlowDown(Some(Duration::from_secs(10)))),
        "no time has passed"
    );
    let wrong = github.poll(&ghtok::testing::token::DeviceCode::new("0".repeat(40)));
    assert_eq!(wrong, Ok(Poll::IncorrectDeviceCode));
}

#[test]
fn each_decision_of_a_person_is_heard() {
    let fake = FakeGitHub::builder()
        .interval(0)
        .start()
        .expect("a fake GitHub");
    let github = patient(fake.base_url(), Network::default());
    let codes = || {
        github
            .request_device_code(&DeviceFlowPermit::asked_for())
            .expect("two codes")
    };

    let approved = codes();
    assert_eq!(github.poll(&approved.device_code), Ok(Poll::Pending));
    fake.approve(&approved.user_code);
    let Ok(Poll::Granted(grant)) = github.poll(&approved.device_code) else {
        panic!("a grant")
    };
    let account = UserAnswer::Account {
        login: "octocat".into(),
        id: 583_231,
    };
    assert_eq!(github.user(&grant.access_token), Ok(account));

    let denied = codes();
    fake.deny(&denied.user_code);
    assert_eq!(github.poll(&denied.device_code), Ok(Poll::Denied));
    let expired = codes();
    fake.expire(&expired.user_code);
    assert_eq!(github.poll(&expired.device_code), Ok(Poll::Expired));
    assert_eq!(fake.violations(), []);
}

#[test]
fn a_client_id_nobody_knows_is_refused() {
    let fake = FakeGitHub::start().expect("a fake GitHub");
    let host = Host::parse(fake.base_url()).expect("a host");
    let id = ClientId::parse("Iv23liNOBODY").expect("a client ID");
    let github = GitHub::new(&host, &id, Network::default(), Limits::STANDARD);
    let failure = github
        .request_device_code(&DeviceFlowPermit::asked_for())
        .expect_err("no such App");
    let RequestFailure::Refused { code } = &failure else {
        panic!("{failure:?}")
    };
    let fix = code.fix(&host, &id, "ghtok login");
    assert!(
        fix.contains("Iv23liNOBODY") && fix.contains(fake.base_url()),
        "{fix}"
    );
}

#[test]
fn a_dead_token_is_told_from_a_dead_network() {
    let fake = FakeGitHub::start().expect("a fake GitHub");
    let token = AccessToken::new(fake.mint(CLIENT_ID).access_token);
    let github = patient(fake.base_url(), Network::default());
    assert!(matches!(
        github.user(&token),
        Ok(UserAnswer::Account { .. })
    ));
    fake.revoke(token.expose());
    assert_eq!(github.user(&token), Ok(UserAnswer::Unauthorized));
    for failure in [
        Fails::Html,
        Fails::Status(407),
        Fails::Status(403),
        Fails::Status(502),
    ] {
        fake.fail_next(Endpoint::User, Fault::before(failure.clone()));
        assert!(github.user(&token).is_err(), "{failure:?}");
    }
}

#[test]
fn the_check_of_a_token_has_one_limit_for_all_of_it() {
    let fake = FakeGitHub::start().expect("a fake GitHub");
    fake.fail_next(Endpoint::User, Fault::before(Fails::Hang));
    let github = plain(fake.base_url());
    let answer = within(short().check, move || {
        github.user(&AccessToken::new("ghu_x"))
    });
    assert_eq!(answer.expect_err("no answer").code(), "answer_timeout");
}

#[test]
fn a_revocation_kills_both_tokens_and_is_not_signed() {
    let fake = FakeGitHub::start().expect("a fake GitHub");
    let pair = fake.mint(CLIENT_ID);
    let refresh = RefreshToken::new(pair.refresh_token.expect("a refresh token"));
    let access = AccessToken::new(pair.access_token);
    let github = patient(fake.base_url(), Network::default());
    assert_eq!(github.revoke(&access, Some(&refresh)), Ok(()));
    assert!(!fake.is_alive(access.expose()) && !fake.refresh_is_alive(refresh.expose()));
    assert_eq!(fake.violations(), []);
    fake.fail_next(Endpoint::Revoke, Fault::before(Fails::Html));
    assert!(github.revoke(&access, None).is_err());
}

#[test]
fn the_headers_are_those_that_github_asks_for() {
    let (sender, seen) = mpsc::channel();
    let server = Scripted::start(move |mut stream| {
        let _ = sender.send(read_request(&mut stream));
        let _ = stream.write_all(json_answer("401 Unauthorized", r#"{"message":"x"}"#).as_bytes());
    });
    let github = patient(&server.host(), Network::default());
    let _ = github.user(&AccessToken::new("ghu_secret"));
    let user = seen.recv().expect("a request").to_ascii_lowercase();
    let _ = github.poll(&ghtok::testing::token::DeviceCode::new("a b&c"));
    let poll = seen.recv().expect("a request");
    let agent = format!("user-agent: ghtok/{}\r\n", env!("CARGO_PKG_VERSION"));
    for (request, wanted) in [
        (&user, "get /api/v3/user http/1.1\r\n"),
        (&user, agent.as_str()),
        (&user, "authorization: bearer ghu_secret\r\n"),
        (&user, "accept: application/vnd.github+json\r\n"),
        (&user, "x-github-api-version: 2022-11-28\r\n"),
        (&user, "accept-encoding: identity\r\n"),
        (&poll, "POST /login/oauth/access_token HTTP/1.1\r\n"),
        (
            &poll,
            "client_id=Iv23liTESTCLIENT0001&device_code=a%20b%26c&grant_type=urn%3Aietf",
        ),
    ] {
        assert!(request.contains(wanted), "{wanted} in {request}");
    }
    let poll = poll.to_ascii_lowercase();
    assert!(poll.contains("accept: application/json\r\n"), "{poll}");
    assert!(
        !poll.contains("authorization") && !user.contains("content-length"),
        "{poll}"
    );
}
