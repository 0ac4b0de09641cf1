//! A raw HTTP client, and a clock that only moves when a test says so.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fake_github::{CLIENT_ID, FakeGitHub};
use serde_json::Value;

pub(crate) const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Clone, Default)]
pub(crate) struct TestClock(Arc<AtomicU64>);

impl TestClock {
    pub(crate) fn advance(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }

    pub(crate) fn reader(&self) -> impl Fn() -> Duration + Send + Sync + 'static {
        let seconds = Arc::clone(&self.0);
        move || Duration::from_secs(seconds.load(Ordering::SeqCst))
    }
}

#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn parse(raw: &[u8]) -> Self {
        let end = raw
            .windows(4)
            .position(|window| window == b"\r\n\r\n")
            .expect("a whole head");
        let head = String::from_utf8(raw[..end].to_vec()).expect("a head in UTF-8");
        let status = head[9..12].parse().expect("a status");
        let reply = Self {
            status,
            head,
            body: raw[end + 4..].to_vec(),
        };
        if let Some(length) = reply.header("content-length") {
            assert_eq!(
                length,
                reply.body.len().to_string(),
                "Content-Length is true"
            );
        }
        reply
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self
            .head
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(": "));
        lines
            .find(|(have, _)| have.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a JSON body")
    }

    /// The member as text; empty when absent.
    pub(crate) fn get(&self, name: &str) -> String {
        let value = &self.json()[name];
        value
            .as_str()
            .map_or_else(|| value.to_string().replace("null", ""), str::to_owned)
    }
}

pub(crate) fn connect(fake: &FakeGitHub) -> TcpStream {
    let stream = TcpStream::connect(fake.host()).expect("the fake listens");
    stream
        .set_read_timeout(Some(PATIENCE))
        .expect("a socket option");
    stream
}

/// Sends these bytes and reads to the end.
pub(crate) fn exchange(fake: &FakeGitHub, request: &str) -> io::Result<Vec<u8>> {
    let mut stream = connect(fake);
    stream.write_all(request.as_bytes())?;
    let mut raw = Vec::new();
    stream.read_to_end(&mut raw)?;
    Ok(raw)
}

pub(crate) fn send(fake: &FakeGitHub, request: &str) -> Reply {
    Reply::parse(&exchange(fake, request).expect("an answer"))
}

/// A POST with a form body that asks for JSON.
pub(crate) fn form_request(path: &str, params: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = params
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let body = pairs.join("&");
    format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nUser-Agent: test\r\nAccept: application/json\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

pub(crate) fn post(fake: &FakeGitHub, path: &str, params: &[(&str, &str)]) -> Reply {
    send(fake, &form_request(path, params))
}

pub(crate) fn get(fake: &FakeGitHub, path: &str, token: &str) -> Reply {
    send(
        fake,
        &format!(
            "GET {path} HTTP/1.1\r\nHost: x\r\nUser-Agent: test\r\nAuthorization: Bearer {token}\r\n\r\n"
        ),
    )
}

pub(crate) fn ask_code(fake: &FakeGitHub) -> Reply {
    post(fake, "/login/device/code", &[("client_id", CLIENT_ID)])
}

pub(crate) fn poll(fake: &FakeGitHub, device_code: &str) -> Reply {
    let params = [
        ("client_id", CLIENT_ID),
        ("device_code", device_code),
        ("grant_type", DEVICE_GRANT),
    ];
    post(fake, "/login/oauth/access_token", &params)
}

pub(crate) fn refresh_request(refresh_token: &str) -> String {
    let params = [
        ("client_id", CLIENT_ID),
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh_token),
    ];
    form_request("/login/oauth/access_token", &params)
}

pub(crate) fn refresh(fake: &FakeGitHub, refresh_token: &str) -> Reply {
    send(fake, &refresh_request(refresh_token))
}

/// A sign-in through `mint`: access token and refresh token.
pub(crate) fn signed_in(fake: &FakeGitHub) -> (String, String) {
    let pair = fake.mint(CLIENT_ID);
    (
        pair.access_token,
        pair.refresh_token.expect("an expiring App"),
    )
}
