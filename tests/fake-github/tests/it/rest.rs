//! The REST calls around a sign-in.

use std::time::{Duration, SystemTime};

use fake_github::{App, CLIENT_ID, DateHeader, FakeGitHub, Installation, Installed, ViolationKind};

use crate::client::{Reply, TestClock, get, send, signed_in};

fn revoke(fake: &FakeGitHub, body: &str, more: &str) -> Reply {
    send(
        fake,
        &format!(
            "POST /api/v3/credentials/revoke HTTP/1.1\r\nUser-Agent: t\r\n{more}\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ),
    )
}

#[test]
fn user_says_whose_token_it_is() {
    let fake = FakeGitHub::start().expect("a fake");
    let (access, _) = signed_in(&fake);
    let reply = get(&fake, "/api/v3/user", &access);
    assert_eq!((reply.status, reply.get("login")), (200, "octocat".into()));
    assert_eq!(reply.json()["id"], 583_231);
}

#[test]
fn all_bad_credentials_get_the_same_words() {
    let fake = FakeGitHub::start().expect("a fake");
    let (access, _) = signed_in(&fake);
    fake.revoke(&access);
    let expected = r#"{"documentation_url":"https://docs.github.com/rest","message":"Bad credentials","status":"401"}"#;
    for token in [access.as_str(), "ghu_invented", "nonsense"] {
        let reply = get(&fake, "/api/v3/user", token);
        assert_eq!((reply.status, reply.text().as_str()), (401, expected));
    }
    let request = "GET /api/v3/user HTTP/1.1\r\nUser-Agent: t\r\n\r\n";
    assert_eq!(
        send(&fake, request).get("message"),
        "Requires authentication"
    );
    assert!(fake.violations().is_empty());
}

#[test]
fn a_user_agent_is_demanded() {
    let fake = FakeGitHub::start().expect("a fake");
    let (access, _) = signed_in(&fake);
    let request = format!("GET /api/v3/user HTTP/1.1\r\nAuthorization: Bearer {access}\r\n\r\n");
    assert_eq!(send(&fake, &request).status, 403);
    assert_eq!(fake.violations()[0].kind, ViolationKind::MissingUserAgent);
}

#[test]
fn a_refresh_token_is_no_bearer() {
    let fake = FakeGitHub::start().expect("a fake");
    let (_, refresh_token) = signed_in(&fake);
    assert_eq!(get(&fake, "/api/v3/user", &refresh_token).status, 401);
    assert_eq!(
        fake.violations()[0].kind,
        ViolationKind::RefreshTokenMisdirected
    );
}

#[test]
fn installations_are_listed() {
    let elsewhere = App::new("Iv1.other").installation(Installation::Nowhere);
    let fake = FakeGitHub::builder()
        .app(App::new(CLIENT_ID))
        .app(elsewhere)
        .start()
        .expect("a fake");
    let count = |client_id| {
        let access = fake.mint(client_id).access_token;
        get(&fake, "/api/v3/user/installations", &access).json()["total_count"].clone()
    };
    assert_eq!((count(CLIENT_ID), count("Iv1.other")), (1.into(), 0.into()));
    assert_eq!(
        get(&fake, "/api/v3/user/installations", "ghu_x").status,
        401
    );
}

#[test]
fn installations_and_their_repositories_come_in_pages() {
    let names = (0..250).map(|n| format!("r{n}"));
    let mut installed = vec![Installed::on("acme").selected(names)];
    installed.extend((0..34).map(|n| Installed::on(format!("org{n}"))));
    installed.push(Installed::on("gone").suspended());
    let app = App::new(CLIENT_ID).installation(Installation::On(installed));
    let fake = FakeGitHub::builder().app(app).start().expect("a fake");
    let (access, _) = signed_in(&fake);
    let list = |query: &str, name: &str| {
        let reply = get(
            &fake,
            &format!("/api/v3/user/installations{query}"),
            &access,
        )
        .json();
        let shown = reply[name].as_array().expect("a list").len();
        (reply["total_count"].as_u64().expect("a number"), shown)
    };
    assert_eq!(list("", "installations"), (36, 30));
    assert_eq!(list("?page=2", "installations"), (36, 6));
    assert_eq!(list("?per_page=100&page=1", "installations"), (36, 36));
    assert_eq!(
        list("/1/repositories?per_page=100&page=3", "repositories"),
        (250, 50)
    );
    assert_eq!(
        list("/1/repositories?per_page=100&page=4", "repositories"),
        (250, 0)
    );
    assert!(fake.violations().is_empty());
    for odd in ["?per_page=101", "?page=0", "?cursor=1"] {
        list(odd, "installations");
    }
    let kinds: Vec<_> = fake.violations().iter().map(|found| found.kind).collect();
    assert_eq!(kinds, [ViolationKind::BadParameter; 3]);
    for none in [
        "/37/repositories",
        "/36/repositories",
        "/0/repositories",
        "/1",
    ] {
        let path = format!("/api/v3/user/installations{none}");
        assert_eq!(get(&fake, &path, &access).status, 404, "{none}");
    }
}

#[test]
fn a_repository_out_of_reach_does_not_exist() {
    let installed = vec![
        Installed::on("acme").selected(["app"]),
        Installed::on("octocat"),
    ];
    let app = App::new(CLIENT_ID).installation(Installation::On(installed));
    let fake = FakeGitHub::builder()
        .app(app)
        .public_repository("else/open")
        .start()
        .expect("a fake");
    let (access, _) = signed_in(&fake);
    let status = |name: &str| get(&fake, &format!("/api/v3/repos/{name}"), &access).status;
    let statuses = [
        "acme/app",
        "ACME/App",
        "octocat/x",
        "else/open",
        "acme/x",
        "else/app",
    ];
    assert_eq!(statuses.map(status), [200, 200, 200, 200, 404, 404]);
    let open = get(&fake, "/api/v3/repos/else/open", &access).json();
    assert_eq!(open["permissions"]["push"], false);
    // What is installed later is reached by what is made later.
    fake.install(CLIENT_ID, &Installation::On(vec![Installed::on("else")]));
    assert_eq!(status("else/app"), 404);
    let newer = fake.mint(CLIENT_ID).access_token;
    assert_eq!(get(&fake, "/api/v3/repos/else/app", &newer).status, 200);
    let request = "GET /api/v3/repos/else/open HTTP/1.1\r\nUser-Agent: t\r\n\r\n";
    assert_eq!(send(&fake, request).status, 200);
    assert_eq!(send(&fake, &request.replace("open", "app")).status, 404);
}

#[test]
fn revocation_takes_no_authorization_and_a_thousand_credentials() {
    let fake = FakeGitHub::start().expect("a fake");
    let (access, refresh_token) = signed_in(&fake);
    let both = format!(r#"{{"credentials":["{access}","{refresh_token}"]}}"#);
    assert_eq!(
        revoke(&fake, &both, "Authorization: Bearer x\r\n").status,
        403
    );
    assert!(fake.is_alive(&access));
    assert_eq!(revoke(&fake, r#"{"credentials":[]}"#, "").status, 422);
    assert_eq!(revoke(&fake, "", "").status, 422);
    let many = |count| {
        format!(
            r#"{{"credentials":[{}]}}"#,
            vec![r#""ghu_x""#; count].join(",")
        )
    };
    assert_eq!(revoke(&fake, &many(1001), "").status, 422);
    assert_eq!(revoke(&fake, &many(1000), "").status, 202);
    assert_eq!(revoke(&fake, &both, "").status, 202);
    assert!(!fake.is_alive(&access) && !fake.refresh_is_alive(&refresh_token));
}

#[test]
fn rate_limit_works_without_a_token_but_not_with_a_dead_one() {
    let fake = FakeGitHub::start().expect("a fake");
    let (access, _) = signed_in(&fake);
    assert_eq!(
        get(&fake, "/api/v3/rate_limit", &access).json()["rate"]["limit"],
        5000
    );
    assert_eq!(get(&fake, "/api/v3/rate_limit", "ghu_x").status, 401);
    assert_eq!(
        send(
            &fake,
            "GET /api/v3/rate_limit HTTP/1.1\r\nUser-Agent: t\r\n\r\n"
        )
        .status,
        200
    );
}

#[test]
fn other_paths_do_not_exist() {
    let fake = FakeGitHub::start().expect("a fake");
    for path in [
        "/user",
        "/",
        "/api/v3/zen",
        "/login/oauth/authorize",
        "/o/r.git/info/refs",
    ] {
        assert_eq!(get(&fake, path, "ghu_x").status, 404, "{path}");
    }
    assert_eq!(fake.violations().len(), 5);
}

#[test]
fn a_new_token_can_be_unknown_for_a_while() {
    let clock = TestClock::default();
    let lag = Duration::from_secs(3);
    let fake = FakeGitHub::builder()
        .clock(clock.reader())
        .replica_lag(lag)
        .start()
        .expect("a fake");
    let (access, _) = signed_in(&fake);
    clock.advance(2);
    assert_eq!(get(&fake, "/api/v3/user", &access).status, 401);
    assert!(fake.is_alive(&access));
    clock.advance(1);
    assert_eq!(get(&fake, "/api/v3/user", &access).status, 200);
}

#[test]
fn too_many_bad_credentials_lock_good_ones_out() {
    let fake = FakeGitHub::builder()
        .bad_credentials_limit(2)
        .start()
        .expect("a fake");
    let (access, _) = signed_in(&fake);
    let statuses: Vec<u16> = ["ghu_x", "ghu_y", &access, "ghu_z"]
        .map(|token| get(&fake, "/api/v3/user", token).status)
        .into();
    assert_eq!(statuses, [401, 401, 403, 403]);
}

#[test]
fn the_date_can_lie_or_be_silent() {
    let date = |date| {
        let fake = FakeGitHub::builder()
            .date_header(date)
            .start()
            .expect("a fake");
        get(&fake, "/", "x").header("date").map(str::to_owned)
    };
    assert_eq!(date(DateHeader::Absent), None);
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .expect("after 1970");
    let since_1971 = i64::try_from(now.as_secs()).expect("small") - 31_536_000;
    let skewed = date(DateHeader::Skewed(-since_1971)).expect("a date");
    assert!(skewed.starts_with("Fri, 01 Jan 1971 00:00:"), "{skewed}");
}
