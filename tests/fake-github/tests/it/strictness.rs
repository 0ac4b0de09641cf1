//! What a strict server minds about requests, and the formats it answers in.

use fake_github::{CLIENT_ID, FakeGitHub, ViolationKind};

use crate::client::{exchange, form_request, post, refresh_request, send, signed_in};

fn kinds(fake: &FakeGitHub) -> Vec<ViolationKind> {
    fake.violations().iter().map(|found| found.kind).collect()
}

#[test]
fn answers_are_forms_unless_something_else_is_asked_for() {
    let fake = FakeGitHub::start().expect("a fake");
    let asked = |accept: &str| {
        let request = form_request("/login/device/code", &[("client_id", CLIENT_ID)]);
        send(
            &fake,
            &request.replace("Accept: application/json\r\n", accept),
        )
    };
    for accept in ["", "Accept: */*\r\n"] {
        let form = asked(accept);
        let kind = form.header("content-type");
        assert_eq!(
            kind,
            Some("application/x-www-form-urlencoded; charset=utf-8")
        );
        assert!(form.text().starts_with("device_code="), "{}", form.text());
        assert!(
            form.text()
                .contains("%2Flogin%2Fdevice&expires_in=900&interval=5")
        );
    }
    let xml = asked("Accept: application/xml\r\n");
    assert!(xml.text().contains("<OAuth>\n  <device_code>"));
    let json = asked("Accept: text/html, application/json;q=0.9\r\n");
    assert_eq!(
        json.header("content-type"),
        Some("application/json; charset=utf-8")
    );
    assert_eq!(
        json.header("cache-control"),
        Some("max-age=0, private, must-revalidate")
    );
    assert!(
        json.header("date")
            .is_some_and(|date| date.ends_with(" GMT"))
    );
}

#[test]
fn json_bodies_and_a_client_id_in_the_query_are_taken() {
    let fake = FakeGitHub::start().expect("a fake");
    let body = format!(r#"{{"client_id":"{CLIENT_ID}"}}"#);
    let json = format!(
        "POST /login/device/code HTTP/1.1\r\nUser-Agent: t\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    assert_eq!(send(&fake, &json).status, 200);
    assert_eq!(
        post(
            &fake,
            &format!("/login/device/code?client_id={CLIENT_ID}"),
            &[]
        )
        .status,
        200
    );
    assert_eq!(kinds(&fake), []);
}

#[test]
fn secrets_in_the_request_line_are_refused_and_nothing_happens() {
    let fake = FakeGitHub::start().expect("a fake");
    let (access, refresh_token) = signed_in(&fake);
    let query =
        format!("client_id={CLIENT_ID}&grant_type=refresh_token&refresh_token={refresh_token}");
    let reply = post(&fake, &format!("/login/oauth/access_token?{query}"), &[]);
    assert_eq!(reply.status, 400);
    assert!(fake.refresh_is_alive(&refresh_token));
    for path in [
        format!("/api/v3/user?x={access}"),
        format!("/{access}"),
        "/api/v3/user?access_token=x".into(),
    ] {
        assert_eq!(post(&fake, &path, &[]).status, 400);
    }
    assert_eq!(kinds(&fake), [ViolationKind::SecretInUrl; 4]);
}

#[test]
fn a_client_secret_is_wrong_whatever_it_is() {
    let fake = FakeGitHub::start().expect("a fake");
    let (_, refresh_token) = signed_in(&fake);
    let params = [
        ("client_id", CLIENT_ID),
        ("client_secret", "s"),
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh_token.as_str()),
    ];
    let reply = post(&fake, "/login/oauth/access_token", &params);
    assert_eq!(reply.get("error"), "incorrect_client_credentials");
    assert!(fake.refresh_is_alive(&refresh_token));
    assert_eq!(kinds(&fake), [ViolationKind::ClientSecretSent]);
}

#[test]
fn methods_and_media_types_must_be_right() {
    let fake = FakeGitHub::start().expect("a fake");
    let (_, refresh_token) = signed_in(&fake);
    let request = refresh_request(&refresh_token);
    let get = send(&fake, &request.replace("POST", "GET"));
    assert_eq!((get.status, get.header("allow")), (405, Some("POST")));
    let typed = |kind| request.replace("application/x-www-form-urlencoded", kind);
    assert_eq!(send(&fake, &typed("text/plain")).status, 415);
    assert!(fake.refresh_is_alive(&refresh_token));
    assert_eq!(
        kinds(&fake),
        [ViolationKind::WrongMethod, ViolationKind::WrongContentType]
    );
}

#[test]
fn lesser_faults_are_noted_but_answered() {
    let fake = FakeGitHub::start().expect("a fake");
    let request = form_request(
        "/login/device/code",
        &[("client_id", CLIENT_ID), ("client_id", CLIENT_ID)],
    );
    let request = request.replace("User-Agent: test", "Authorization: Basic eA==");
    assert_eq!(send(&fake, &request).status, 200);
    let minded = [
        ViolationKind::AuthorizationHeader,
        ViolationKind::MissingUserAgent,
        ViolationKind::DuplicateParameter,
    ];
    assert_eq!(kinds(&fake), minded);
}

#[test]
fn what_is_not_http_is_answered_400_and_noted() {
    let fake = FakeGitHub::start().expect("a fake");
    assert_eq!(send(&fake, "hello\r\n\r\n").status, 400);
    assert_eq!(
        send(
            &fake,
            &format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(70_000))
        )
        .status,
        431
    );
    assert_eq!(kinds(&fake), [ViolationKind::MalformedRequest; 2]);
    // A peer that goes away half-way is no violation.
    let stream = crate::client::connect(&fake);
    drop(stream);
    assert!(exchange(&fake, "GET / HTTP/1.1\r\n\r\n").is_ok());
    assert_eq!(kinds(&fake)[2], ViolationKind::UnknownPath);
}

#[test]
fn large_bodies_may_ask_to_continue() {
    let fake = FakeGitHub::start().expect("a fake");
    let request = form_request("/login/device/code", &[("client_id", CLIENT_ID)]);
    let asking = request.replace("Host: x", "Host: x\r\nExpect: 100-continue");
    let raw = exchange(&fake, &asking).expect("an answer");
    let rest = raw
        .strip_prefix(b"HTTP/1.1 100 Continue\r\n\r\n")
        .expect("100 comes first");
    assert!(rest.starts_with(b"HTTP/1.1 200 OK"));
}
