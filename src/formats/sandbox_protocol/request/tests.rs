use super::*;

const HEADERS: &str = "Host: localhost\r\nGhtok-Request: 1\r\n";

/// What comes of these bytes, in one piece and byte by byte.
#[track_caller]
fn read(text: &str) -> Result<Option<SandboxRequest>, Refusal> {
    let whole = RequestReader::default().take(text.as_bytes());
    let mut reader = RequestReader::default();
    let mut bytes = text.as_bytes().iter();
    let by_byte = bytes.find_map(|byte| reader.take(&[*byte]).transpose());
    assert_eq!(
        format!("{whole:?}"),
        format!("{:?}", by_byte.transpose()),
        "{text}"
    );
    whole
}

fn get(target: &str) -> Result<Option<SandboxRequest>, Refusal> {
    read(&format!("GET {target} HTTP/1.1\r\n{HEADERS}\r\n"))
}

fn status(text: &str) -> Option<u16> {
    read(text).err().map(|refusal| refusal.status)
}

fn host_of(target: &str) -> String {
    match get(target) {
        Ok(Some(SandboxRequest::Token { host })) => host.unwrap_or_default(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_request_is_read() {
    assert_eq!(host_of("/v1/token"), "");
    assert_eq!(host_of("/v1/token?min_ttl=8h"), "");
    assert_eq!(
        host_of("/v1/token?min_ttl=8h&host=ghes.example%3A8443"),
        "ghes.example:8443"
    );
    assert!(matches!(
        get("/v1/status"),
        Ok(Some(SandboxRequest::Status))
    ));
    let hash = "0123456789abcdefABCDEF".repeat(3)[..64].to_owned();
    let reject = format!("POST /v1/reject HTTP/1.1\r\n{HEADERS}Content-Length: 65\r\n\r\n{hash}\n");
    match read(&reject) {
        Ok(Some(SandboxRequest::Reject { fingerprint })) => {
            assert_eq!(fingerprint, hash.to_lowercase());
        }
        other => panic!("{other:?}"),
    }
    let git = format!("POST /v1/git HTTP/1.1\r\n{HEADERS}content-length: 5\r\n\r\na=b\n\n");
    // A second request is not looked at.
    for more in ["", "GET /v1/status HTTP/1.1\r\n"] {
        match read(&format!("{git}{more}")) {
            Ok(Some(SandboxRequest::Git(lines))) => assert_eq!(lines.as_bytes(), b"a=b\n\n"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn p11_a_request_that_no_ghtok_makes_is_refused() {
    let with = |headers: &str| format!("GET /v1/token HTTP/1.1\r\n{headers}\r\n");
    let post = |headers: &str| format!("POST /v1/git HTTP/1.1\r\n{HEADERS}{headers}\r\nx");
    for (text, expected) in [
        (with(""), 403),
        (with("Host: localhost\r\n"), 403),
        (with("Host: localhost\r\nGhtok-Request: 2\r\n"), 403),
        (with("Ghtok-Request: 1\r\n"), 400),
        (with("Host: localhost:80\r\nGhtok-Request: 1\r\n"), 403),
        (with("Host: evil.example\r\nGhtok-Request: 1\r\n"), 403),
        (with(&format!("{HEADERS}Host: evil.example\r\n")), 400),
        (with(&format!("{HEADERS}Ghtok-Request: 1\r\n")), 400),
        (with(&format!("{HEADERS}Origin: null\r\n")), 403),
        (with(&format!("{HEADERS}Content-Length: 1\r\n")), 400),
        (
            with(&format!("{HEADERS}Transfer-Encoding: chunked\r\n")),
            501,
        ),
        (with(&format!("{HEADERS}{}", "A: b\r\n".repeat(64))), 431),
        (with("Host : localhost\r\n"), 400),
        (post(""), 411),
        (post("Content-Length: 1\r\nContent-Length: 1\r\n"), 400),
        (post("Content-Length: +1\r\n"), 400),
        (post("Content-Length: 0x1\r\n"), 400),
        (post("Content-Length: 65536\r\n"), 413),
        (post("Content-Length: 99999999999999999999999\r\n"), 413),
        (format!("GET /v1/status HTTP/1.0\r\n{HEADERS}\r\n"), 505),
        (format!("GET /v1/status HTTP/2.0\r\n{HEADERS}\r\n"), 400),
        (format!("HEAD /v1/token HTTP/1.1\r\n{HEADERS}\r\n"), 405),
        (format!("POST /v1/token HTTP/1.1\r\n{HEADERS}\r\n"), 405),
        (format!("GET /v1/git HTTP/1.1\r\n{HEADERS}\r\n"), 405),
        (format!("GET / HTTP/1.1\r\n{HEADERS}\r\n"), 404),
        (format!("GET /v1/token/ HTTP/1.1\r\n{HEADERS}\r\n"), 404),
        (format!("GET //v1/token HTTP/1.1\r\n{HEADERS}\r\n"), 404),
        (
            format!("GET http://localhost/v1/token HTTP/1.1\r\n{HEADERS}\r\n"),
            404,
        ),
        (
            format!("GET /v1/token?host=%zz HTTP/1.1\r\n{HEADERS}\r\n"),
            400,
        ),
        (
            format!("GET /v1/token?host=%ff HTTP/1.1\r\n{HEADERS}\r\n"),
            400,
        ),
        (
            format!("GET /v1/token?host=a&host=b HTTP/1.1\r\n{HEADERS}\r\n"),
            400,
        ),
        ("\u{16}\u{3}\u{1}\r\n\r\n".into(), 400),
        ("x".repeat(MOST_BYTES + 1), 413),
    ] {
        assert_eq!(status(&text), Some(expected), "{text}");
    }
    for body in [
        "",
        "g".repeat(64).as_str(),
        &"a".repeat(63),
        &"a".repeat(65),
    ] {
        let length = body.len();
        let reject =
            format!("POST /v1/reject HTTP/1.1\r\n{HEADERS}Content-Length: {length}\r\n\r\n{body}");
        assert_eq!(status(&reject), Some(400), "{body}");
    }
}

#[test]
fn what_is_not_complete_is_waited_for() {
    for text in [
        "",
        "GET /v1/token",
        "GET /v1/token HTTP/1.1\r\nHost: localhost\r\n",
        "\r\n\r",
    ] {
        assert!(matches!(read(text), Ok(None)), "{text}");
    }
    let post = format!("POST /v1/git HTTP/1.1\r\n{HEADERS}Content-Length: 3\r\n\r\nab");
    assert!(matches!(read(&post), Ok(None)));
}
