//! Failures that answer something else, and which request meets which.

use std::time::Duration;

use fake_github::{
    Endpoint, Failure, FakeGitHub, Fault, RateHeaders, RetryAfter, ViolationKind, WrongType,
};

use crate::broken::{after, before};
use crate::client::{ask_code, get, post, refresh, send, signed_in};

#[test]
fn statuses_come_with_plausible_bodies() {
    for status in [500, 502, 503, 504, 407, 408] {
        let reply = before(Failure::Status(status));
        assert_eq!(reply.status, status);
        assert_eq!(
            reply.header("content-type"),
            Some("text/html; charset=utf-8")
        );
        assert!(reply.text().contains("went wrong"));
    }
    for status in [401, 403, 404, 429] {
        let reply = before(Failure::Status(status));
        assert_eq!(
            (reply.status, reply.get("status")),
            (status, status.to_string())
        );
    }
    for status in [204, 304] {
        let (reply, _) = after(Failure::Status(status));
        assert_eq!(
            (reply.status, reply.header("content-length")),
            (status, None)
        );
        assert!(reply.body.is_empty());
    }
}

#[test]
fn a_200_can_be_anything_but_an_answer() {
    let html = before(Failure::Html);
    assert!(html.status == 200 && html.text().starts_with("<!DOCTYPE html>"));
    let empty = before(Failure::Empty);
    assert!(empty.status == 200 && empty.body.is_empty());
    assert!(
        before(Failure::WrongType(WrongType::Array))
            .json()
            .is_array()
    );
    assert!(
        before(Failure::WrongType(WrongType::String))
            .json()
            .is_string()
    );
    assert!(
        before(Failure::WrongType(WrongType::Number))
            .json()
            .is_number()
    );
    assert!(before(Failure::WrongType(WrongType::Null)).json().is_null());
    let deep = before(Failure::DeepJson);
    assert!(deep.body.len() == 200_000 && deep.text().contains("[]"));
}

#[test]
fn a_true_answer_can_be_spoiled() {
    let (reply, issued) = after(Failure::DuplicateKeys);
    assert_eq!(reply.text().matches(&issued).count(), 2);
    assert_eq!(reply.get("access_token"), issued);
    let (reply, issued) = after(Failure::NotANumber);
    assert!(reply.text().contains("\"expires_in\":NaN") && reply.text().contains(&issued));
    let (reply, issued) = after(Failure::Bom);
    assert!(reply.body.starts_with(b"\xef\xbb\xbf{") && reply.text().contains(&issued));
    let (reply, issued) = after(Failure::FormBody);
    assert!(reply.text().contains(&format!("access_token={issued}&")));
    let kind = reply.header("content-type");
    assert_eq!(
        kind,
        Some("application/x-www-form-urlencoded; charset=utf-8")
    );
    let reply = before(Failure::Bom);
    assert!(reply.status == 503 && reply.text().contains("server_error"));
}

#[test]
fn redirects_name_their_place() {
    for status in [301, 302, 303, 307, 308] {
        let reply = before(Failure::Redirect(
            status,
            "http://evil.example/x".to_owned(),
        ));
        assert_eq!(
            (reply.status, reply.header("location")),
            (status, Some("http://evil.example/x"))
        );
    }
}

#[test]
fn rate_limits_come_in_github_s_forms() {
    let limited = |status, retry_after, headers| {
        before(Failure::RateLimited {
            status,
            retry_after,
            headers,
        })
    };
    let primary = limited(403, RetryAfter::Absent, RateHeaders::Exhausted);
    assert_eq!(
        (primary.status, primary.header("x-ratelimit-remaining")),
        (403, Some("0"))
    );
    assert_eq!(primary.header("retry-after"), None);
    let secondary = limited(429, RetryAfter::Seconds(7), RateHeaders::Absent);
    assert_eq!(
        (secondary.status, secondary.header("retry-after")),
        (429, Some("7"))
    );
    assert_eq!(secondary.header("x-ratelimit-remaining"), None);
    let minute = Duration::from_secs(60);
    let dated = limited(429, RetryAfter::HttpDate(minute), RateHeaders::Absent);
    let (date, retry) = (dated.header("date"), dated.header("retry-after"));
    assert!(retry.is_some_and(|retry| retry.ends_with(" GMT")) && retry != date);
    let absurd = limited(429, RetryAfter::Absurd, RateHeaders::Absent);
    assert!(
        absurd
            .header("retry-after")
            .is_some_and(|text| text.parse::<u128>().is_err())
    );
}

#[test]
fn any_oauth_error_can_be_had() {
    for code in [
        "bad_verification_code",
        "unverified_user_email",
        "token_expired",
        "made_up",
    ] {
        let reply = before(Failure::OAuthError(code.to_owned()));
        assert_eq!((reply.status, reply.get("error")), (200, code.to_owned()));
        assert!(!reply.get("error_description").is_empty() && !reply.get("error_uri").is_empty());
    }
}

#[test]
fn faults_are_used_in_order_then_for_ever_until_healed() {
    let fake = FakeGitHub::start().expect("a fake");
    let status = |code| Fault::before(Failure::Status(code));
    fake.fail_always(Endpoint::DeviceCode, status(500));
    fake.fail_next(Endpoint::DeviceCode, status(501));
    fake.fail_times(Endpoint::DeviceCode, 2, status(502));
    let seen: Vec<u16> = (0..5).map(|_| ask_code(&fake).status).collect();
    assert_eq!(seen, [501, 502, 502, 500, 500]);
    fake.heal(Endpoint::DeviceCode);
    assert_eq!(ask_code(&fake).status, 200);
    assert_eq!(
        fake.requests(Endpoint::DeviceCode)[0].fault,
        Some(status(501))
    );
    assert_eq!(fake.pending_codes().len(), 1, "what failed issued nothing");
}

#[test]
fn every_endpoint_has_its_own_faults() {
    let fake = FakeGitHub::start().expect("a fake");
    let (access, refresh_token) = signed_in(&fake);
    let all = [
        Endpoint::DeviceCode,
        Endpoint::Poll,
        Endpoint::Refresh,
        Endpoint::Page,
        Endpoint::User,
        Endpoint::Revoke,
        Endpoint::Api,
        Endpoint::Git,
        Endpoint::Other,
    ];
    for (code, endpoint) in (520..).zip(all) {
        fake.fail_always(endpoint, Fault::before(Failure::Status(code)));
    }
    let seen = [
        ask_code(&fake).status,
        post(&fake, "/login/oauth/access_token", &[]).status,
        refresh(&fake, &refresh_token).status,
        get(&fake, "/login/device", "x").status,
        get(&fake, "/api/v3/user", &access).status,
        post(&fake, "/api/v3/credentials/revoke", &[]).status,
        get(&fake, "/api/v3/rate_limit", "x").status,
        get(&fake, "/o/r.git/info/refs", "x").status,
        send(&fake, "GET /nowhere HTTP/1.1\r\n\r\n").status,
    ];
    assert_eq!(seen.to_vec(), (520..529).collect::<Vec<u16>>());
    let reused = |kind: &ViolationKind| *kind == ViolationKind::RefreshTokenReused;
    assert!(!fake.violations().iter().any(|found| reused(&found.kind)));
}
