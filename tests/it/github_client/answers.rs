//! What a refresh makes of its answer, whole, cut, late, odd or hostile.

use super::*;

/// A refresh that meets this failure, before GitHub acted on it.
fn met(failure: Fails) -> RequestFailure {
    let fake = FakeGitHub::start().expect("a fake GitHub");
    let shown = format!("{failure:?}");
    fake.fail_next(Endpoint::Refresh, Fault::before(failure));
    refresh(plain(fake.base_url())).expect_err(&shown)
}

#[test]
fn a_cut_answer_leaves_it_open() {
    for cut in [
        Cut::After(0),
        Cut::After(1),
        Cut::Half,
        Cut::HalfBody,
        Cut::AllButOne,
    ] {
        let failure = met(Fails::Cut(cut));
        assert!(
            matches!(failure, RequestFailure::Unknown(_)),
            "{cut:?}: {failure:?}"
        );
        assert_eq!(failure.code(), "cut_off", "{cut:?}");
    }
    let failure = met(Fails::Reset);
    assert!(matches!(failure, RequestFailure::Unknown(_)), "{failure:?}");
    assert_eq!(failure.code(), "cut_off");
}

#[test]
fn a_cut_answer_over_tls_leaves_it_open() {
    for cut in [Cut::After(0), Cut::Half, Cut::AllButOne] {
        let (fake, ca) = with_tls(TlsIdentity::Valid);
        fake.fail_next(Endpoint::Refresh, Fault::before(Fails::Cut(cut)));
        let github = patient(fake.base_url(), trusting(&ca.0));
        let connection = github.connect().expect("a connection");
        let failure = connection
            .refresh(&refresh_token(), permit())
            .expect_err("a cut answer");
        assert!(
            matches!(failure, RequestFailure::Unknown(_)),
            "{cut:?}: {failure:?}"
        );
        assert_eq!(failure.code(), "cut_off", "{cut:?}");
    }
}

#[test]
fn no_wait_is_longer_than_its_limit() {
    for (failure, code) in [
        (Fails::Hang, "answer_timeout"),
        (Fails::Drip(Duration::from_millis(30)), "answer_timeout"),
        (Fails::EndlessHeaders, "too_large"),
        (Fails::HugeBody(1 << 30), "too_large"),
        (Fails::DeepJson, "too_large"),
    ] {
        let shown = format!("{failure:?}");
        let failure = met(failure);
        assert!(
            matches!(failure, RequestFailure::Unknown(_)),
            "{shown}: {failure:?}"
        );
        assert_eq!(failure.code(), code, "{shown}");
    }
    for head in ["X-A: b\r\n", "HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n"] {
        let server = Scripted::start(move |mut stream| {
            read_request(&mut stream);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n");
            drip(stream, head.as_bytes());
        });
        let failure = refresh(plain(&server.host())).expect_err("no end");
        assert!(matches!(failure, RequestFailure::Unknown(_)), "{failure:?}");
    }
}

#[test]
fn a_whole_answer_without_sense_leaves_it_open() {
    for failure in [
        Fails::Empty,
        Fails::WrongType(WrongType::Array),
        Fails::WrongType(WrongType::String),
        Fails::WrongType(WrongType::Null),
        Fails::WrongType(WrongType::Number),
    ] {
        let shown = format!("{failure:?}");
        let failure = met(failure);
        assert!(
            matches!(failure, RequestFailure::Unknown(_)),
            "{shown}: {failure:?}"
        );
        assert_eq!(failure.code(), "malformed", "{shown}");
    }
}

#[test]
fn a_page_or_an_error_status_changed_nothing() {
    for failure in [
        Fails::Html,
        Fails::Status(403),
        Fails::Status(408),
        Fails::Status(429),
        Fails::Status(500),
        Fails::Status(502),
        Fails::Status(503),
        Fails::Status(504),
    ] {
        let shown = format!("{failure:?}");
        let failure = met(failure);
        assert!(
            matches!(failure, RequestFailure::Answered { .. }),
            "{shown}: {failure:?}"
        );
    }
    let failure = met(Fails::Status(404));
    assert_eq!(failure.code(), "not_found", "{failure:?}");
    let failure = met(Fails::OAuthError("incorrect_client_credentials".into()));
    assert_eq!(
        failure.code(),
        "incorrect_client_credentials",
        "{failure:?}"
    );
}

#[test]
fn a_pair_in_odd_clothes_is_kept() {
    for failure in [
        Fails::Bom,
        Fails::DuplicateKeys,
        Fails::NotANumber,
        Fails::FormBody,
        Fails::InterimFirst,
        Fails::Drip(Duration::ZERO),
    ] {
        let fake = FakeGitHub::start().expect("a fake GitHub");
        let token = fake.mint(CLIENT_ID).refresh_token.expect("a refresh token");
        fake.fail_next(Endpoint::Refresh, Fault::after(failure.clone()));
        let github = patient(fake.base_url(), Network::default());
        let refreshed = github
            .connect()
            .expect("a connection")
            .refresh(&RefreshToken::new(token), permit());
        let Ok(Refreshed::Granted(grant)) = refreshed else {
            panic!("{failure:?}: {refreshed:?}")
        };
        assert!(fake.is_alive(grant.access_token.expose()), "{failure:?}");
        let next = grant.refresh_token.expect("a refresh token");
        assert!(fake.refresh_is_alive(next.expose()), "{failure:?}");
    }
}

#[test]
fn long_tokens_and_quoted_numbers_are_read() {
    let fake = FakeGitHub::builder()
        .stateless_tokens()
        .numbers_as_strings()
        .start();
    let fake = fake.expect("a fake GitHub");
    let token = fake.mint(CLIENT_ID).refresh_token.expect("a refresh token");
    let github = patient(fake.base_url(), Network::default());
    let refreshed = github
        .connect()
        .expect("a connection")
        .refresh(&RefreshToken::new(token), permit());
    let Ok(Refreshed::Granted(grant)) = refreshed else {
        panic!("{refreshed:?}")
    };
    assert!(fake.is_alive(grant.access_token.expose()));
    assert_eq!(grant.expires_in, Some(Duration::from_secs(28_800)));
    assert_eq!(
        grant.refresh_token_expires_in,
        Some(Duration::from_secs(15_897_600))
    );
}

#[test]
fn a_redirect_is_named_and_not_followed() {
    let (sender, visited) = mpsc::channel();
    let elsewhere = Scripted::start(move |_| {
        let _ = sender.send(());
    });
    for status in [301, 302, 303, 307, 308] {
        let to = format!("http://user:pass@{}/login?token=x", elsewhere.address);
        let failure = met(Fails::Redirect(status, to));
        assert!(
            matches!(failure, RequestFailure::Answered { .. }),
            "{failure:?}"
        );
        let shown = format!("{failure:?} {failure}");
        assert!(
            failure.to_string().contains("redirected to 127.0.0.1,"),
            "{failure}"
        );
        assert!(
            !shown.contains("token") && !shown.contains("pass"),
            "{shown}"
        );
    }
    assert!(visited.try_recv().is_err(), "nobody went there");
}

#[test]
fn a_rate_limit_says_how_long_to_stay_away() {
    let limited = |status, retry_after, headers| {
        met(Fails::RateLimited {
            status,
            retry_after,
            headers,
        })
    };
    let cap = short().retry_after;
    for status in [403, 429] {
        let failure = limited(status, RetryAfter::Seconds(7), RateHeaders::Absent);
        assert_eq!(failure.code(), "rate_limited", "{failure:?}");
        assert_eq!(failure.retry_after(), Some(Duration::from_secs(7)));
        let far = limited(status, RetryAfter::Seconds(4000), RateHeaders::Absent);
        assert_eq!(far.retry_after(), Some(cap));
        let absurd = limited(status, RetryAfter::Absurd, RateHeaders::Absent);
        assert_eq!(absurd.retry_after(), Some(cap));
        let dated = RetryAfter::HttpDate(Duration::from_secs(9));
        let dated = limited(status, dated, RateHeaders::Absent).retry_after();
        assert!(
            dated.is_some_and(|wait| (8..=10).contains(&wait.as_secs())),
            "{dated:?}"
        );
        let reset = limited(status, RetryAfter::Absent, RateHeaders::Exhausted);
        assert_eq!(reset.code(), "rate_limited");
        assert!(reset.retry_after().is_some(), "{reset:?}");
    }
}

#[test]
fn no_secret_is_ever_shown() {
    let echo = |status: &'static str,
                kind: &'static str,
                before: &'static str,
                after: &'static str| {
        Scripted::start(move |mut stream| {
            let request = read_request(&mut stream);
            let body = request.split("\r\n\r\n").nth(1).unwrap_or_default();
            let body = format!("{before}{body}{after}");
            let _ = stream.write_all(
                format!(
                    "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nX-Echo: ghr_secret\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len()
                )
                .as_bytes(),
            );
        })
    };
    for server in [
        echo("200 OK", "application/json", r#"{"error":""#, r#""}"#),
        echo(
            "400 Bad Request",
            "application/json",
            r#"{"message":""#,
            r#""}"#,
        ),
        echo(
            "500 Oops",
            "application/json",
            r#"{"error_description":"token "#,
            r#""}"#,
        ),
        echo("502 Bad Gateway", "text/html", "<html>", ""),
        echo("200 OK", "application/x-www-form-urlencoded", "error=", ""),
        echo("200 ghr_secret", "application/json", "[", "]"),
        Scripted::answering("ghr_secret 200 OK\r\n\r\n"),
        Scripted::answering(
            "HTTP/1.1 302 Found\r\nLocation: https://ghr_secret@x/ghr_secret\r\n\r\n",
        ),
    ] {
        let failure = refresh(plain(&server.host())).expect_err("no pair");
        let shown = format!("{failure:?} {failure} {}", failure.code());
        assert!(!shown.contains("secret"), "{shown}");
    }
}

#[test]
fn a_chunked_answer_without_its_last_chunk_is_kept_if_the_json_is_whole() {
    let json = r#"{"access_token":"ghu_a","refresh_token":"ghr_r","expires_in":9}"#;
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let whole = format!("{chunked}{:x}\r\n{json}\r\n", json.len());
    let refreshed = refresh(plain(&Scripted::answering(whole).host()));
    assert!(
        matches!(refreshed, Ok(Refreshed::Granted(_))),
        "{refreshed:?}"
    );
    let half = format!("{chunked}{:x}\r\n{}\r\n", 20, &json[..20]);
    let refreshed = refresh(plain(&Scripted::answering(half).host()));
    assert!(
        matches!(refreshed, Err(RequestFailure::Unknown(_))),
        "{refreshed:?}"
    );
}

#[test]
fn hostile_http_never_ends_the_process() {
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n",
        "HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 000 Odd\r\n\r\n",
        "HTTP/2 200 OK\r\n\r\n",
        "HTTP/1.0 200 OK\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nA\u{0}B: c\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\n: x\r\n\r\n{}",
        "HTTP/1.1 302 Found\r\nLocation: \u{7f}\r\n\r\n",
        "\r\n\r\n\r\n",
        "SSH-2.0-OpenSSH_9.6\r\n",
        "\u{16}\u{3}\u{1}",
    ] {
        let refreshed = refresh(plain(&Scripted::answering(answer).host()));
        assert!(refreshed.is_err(), "{answer:?}: {refreshed:?}");
    }
    let head = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n{{}}", "y".repeat(40_000));
    let failure = refresh(plain(&Scripted::answering(head).host())).expect_err("a long head");
    assert_eq!(failure.code(), "too_large");
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n{{}}", "X: y\r\n".repeat(2000));
    assert!(refresh(plain(&Scripted::answering(many).host())).is_err());
}
