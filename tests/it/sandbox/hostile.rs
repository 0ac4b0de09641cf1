//! A hostile sandbox: whatever it sends, it gets what its policy allows and nothing else, GitHub is asked nothing
//! for it, and the host goes on working.

use std::collections::HashMap;
use std::io::Write;
use std::os::unix::net::UnixStream;

use fake_github::{Endpoint, FakeGitHub};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};

use super::{Answer, Served, answer, ask, get, post, sha256, start};
use crate::support::chance::Chance;
use crate::support::sandbox::Sandbox;

const HEADERS: &str = "Host: localhost\r\nGhtok-Request: 1\r\n";

/// Requests, each with the statuses that it may be answered; 0 stands for no answer.
type Table = Vec<(String, &'static [u16])>;

fn methods_and_paths() -> Table {
    let mut table = Table::new();
    let methods = [
        "GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE", "CONNECT", "get",
        "LOCK", "STOP", "REVOKE",
    ];
    let paths = [
        "/v1/refresh",
        "/v1/login",
        "/v1/logout",
        "/v1/revoke",
        "/v1/secret",
        "/v1/stop",
        "/v1/list",
        "/v1/log",
        "/",
        "/v1",
        "/v1/",
        "/v2/token",
        "/v1/token/",
        "//v1/token",
        "/v1/token/..",
        "/v1/../v1/token",
        "/v1/%74oken",
        "/V1/TOKEN",
        "*",
        "http://localhost/v1/token",
        "/v1/token;x",
        "/v1/status/x",
    ];
    for method in methods {
        for path in paths {
            let request = format!("{method} {path} HTTP/1.1\r\n{HEADERS}Content-Length: 0\r\n\r\n");
            table.push((request, &[400, 404, 405]));
        }
    }
    for (path, right) in [
        ("/v1/token", "GET"),
        ("/v1/status", "GET"),
        ("/v1/git", "POST"),
        ("/v1/reject", "POST"),
    ] {
        for method in methods.into_iter().filter(|method| *method != right) {
            let request = format!("{method} {path} HTTP/1.1\r\n{HEADERS}Content-Length: 0\r\n\r\n");
            table.push((request, &[400, 405]));
        }
    }
    table
}

fn headers() -> Table {
    let with = |headers: &str| format!("GET /v1/token HTTP/1.1\r\n{headers}\r\n");
    let mut table: Table = [
        "",
        "Host: localhost\r\n",
        "Ghtok-Request: 1\r\n",
        "Host: localhost\r\nGhtok-Request: true\r\n",
        "Host: localhost\r\nGhtok-Request: 1, 1\r\n",
        "Host: localhost\r\nGhtok-Request:\r\n",
    ]
    .iter()
    .map(|headers| (with(headers), &[400_u16, 403][..]))
    .collect();
    for host in [
        "evil.example",
        "localhost.evil.example",
        "github.com",
        "127.0.0.1",
        "[::1]",
        "localhost:80",
        "LOCALHOST.",
        "",
        "localhost, evil.example",
        "user@localhost",
    ] {
        table.push((
            with(&format!("Host: {host}\r\nGhtok-Request: 1\r\n")),
            &[403],
        ));
    }
    for origin in [
        "null",
        "https://evil.example",
        "http://localhost",
        "",
        "file://",
    ] {
        table.push((with(&format!("{HEADERS}Origin: {origin}\r\n")), &[403]));
        table.push((with(&format!("{HEADERS}origin: {origin}\r\n")), &[403]));
    }
    for more in [
        "Transfer-Encoding: chunked\r\n",
        "Transfer-Encoding: identity\r\n",
        "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length: 1\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: 0, 0\r\n",
        "Content-Length: 18446744073709551616\r\n",
        "Content-Length : 0\r\n",
        " folded: 1\r\n",
        "Bad\u{0}Name: 1\r\n",
        "Host: localhost\r\n",
        "Ghtok-Request: 1\r\n",
    ] {
        table.push((with(&format!("{HEADERS}{more}")), &[400, 413, 501]));
    }
    table.push((
        with(&format!("{HEADERS}{}", "A: b\r\n".repeat(100))),
        &[431],
    ));
    for version in ["HTTP/1.0", "HTTP/0.9", "HTTP/2", "HTTP/1.2", "HTTP/11", ""] {
        let request = format!("GET /v1/token {version}\r\n{HEADERS}\r\n");
        table.push((request, &[400, 505]));
    }
    table
}

fn sizes() -> Table {
    let mut table = Table::new();
    for size in [65_537, 70_000, 1_000_000] {
        let long = "x".repeat(size);
        table.push((
            format!("GET /v1/token?{long} HTTP/1.1\r\n{HEADERS}\r\n"),
            &[400, 413],
        ));
        table.push((
            format!("GET /v1/token HTTP/1.1\r\n{HEADERS}A: {long}\r\n\r\n"),
            &[413],
        ));
        table.push((long.clone(), &[413]));
        table.push((post("/v1/git", &long), &[413]));
        table.push((post("/v1/reject", &long), &[413]));
    }
    // Large, and allowed: a body that says nothing to git, and a long query.
    table.push((
        post("/v1/git", &format!("x={}\n\n", "y".repeat(30_000))),
        &[200],
    ));
    table.push((get(&format!("/v1/token?x={}", "y".repeat(8_000))), &[200]));
    table
}

/// Every `min_ttl` and other wishes: the token is the same.
fn wishes() -> Table {
    let times = [
        "0",
        "1",
        "1s",
        "5m",
        "4h",
        "7h59m",
        "8h",
        "28799",
        "28800",
        "100000h",
        "-1",
        "x",
        "",
        "99999999999999999999",
    ];
    let mut table: Table = times
        .iter()
        .map(|time| (get(&format!("/v1/token?min_ttl={time}")), &[200_u16][..]))
        .collect();
    for wish in [
        "force=1",
        "repo=acme/two",
        "permission=contents=write",
        "full_token=true",
        "app=other",
        "store=keychain",
        "account=root",
    ] {
        table.push((get(&format!("/v1/token?{wish}")), &[200]));
    }
    for host in [
        "github.com",
        "evil.example",
        "%00",
        "%zz",
        "a&host=b",
        "https%3A%2F%2Fgithub.com",
        "",
    ] {
        table.push((get(&format!("/v1/token?host={host}")), &[400, 403]));
    }
    table
}

fn guesses() -> Table {
    let mut chance = Chance::new(11);
    let mut table = Table::new();
    for _ in 0..40 {
        let guessed: String = chance
            .bytes(32)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let guessed = format!("{guessed:0>64}");
        table.push((post("/v1/reject", &guessed), &[202]));
    }
    for body in [
        "",
        "ghu_",
        "0",
        &"0".repeat(63),
        &"0".repeat(65),
        &"g".repeat(64),
        "*",
        "%",
    ] {
        table.push((post("/v1/reject", body), &[400]));
    }
    table.push((post("/v1/reject", &sha256("")), &[202]));
    for lines in [
        "",
        "\n",
        "protocol=https\nhost=github.com\npath=acme/one\n\n",
        "url=\n",
        "host=a\nhost=b\n\n",
        "protocol=http\n",
        "\u{0}",
        "quit=1\n\n",
    ] {
        table.push((post("/v1/git", lines), &[200, 400]));
    }
    table
}

/// Every secret of the host that no answer may contain.
fn secrets(home: &Sandbox) -> Vec<String> {
    let record = home.record();
    let refresh = record.tokens.refresh_token().expect("a refresh token");
    vec![
        record.tokens.access_token().expose().to_owned(),
        refresh.expose().to_owned(),
        crate::scoped::SECRET.to_owned(),
    ]
}

/// How often GitHub was asked what a sandbox must not cause.
fn asked(fake: &FakeGitHub) -> HashMap<&'static str, usize> {
    HashMap::from([
        ("refresh", fake.count(Endpoint::Refresh)),
        ("created", fake.count(Endpoint::CreateScoped)),
        ("deleted", fake.count(Endpoint::DeleteToken)),
        ("revoked", fake.count(Endpoint::Revoke)),
        ("user", fake.count(Endpoint::User)),
    ])
}

#[test]
fn p11_hostile_requests_get_nothing_beyond_the_policy() {
    let (fake, home) = start();
    let served = Served::new(&home, "box", &["--repo", "acme/one", "--read-only"]);
    let token = served.token();
    let (secrets, before) = (secrets(&home), asked(&fake));
    let record = home.record();
    let tables = [methods_and_paths(), headers(), sizes(), wishes(), guesses()].concat();
    assert!(tables.len() >= 300, "{}", tables.len());
    for (request, allowed) in &tables {
        let answer = ask(&served.socket, request.as_bytes());
        let Answer { status, body } = answer.unwrap_or(Answer {
            status: 0,
            body: String::new(),
        });
        let shown: String = request.chars().take(200).collect();
        assert!(allowed.contains(&status), "{status} {body} to {shown}");
        assert!(
            !secrets.iter().any(|secret| body.contains(secret)),
            "{shown}"
        );
        let is_token = body.contains("ghu_");
        assert!(
            !is_token || (status == 200 && body.contains(&token)),
            "{shown}"
        );
    }
    assert_eq!(asked(&fake), before);
    assert_eq!(home.record(), record);
    assert_eq!(served.token(), token);
    assert_log_is_small_and_has(&token, &home);
    assert_memory_is_small(&served);
}

#[test]
fn p11_slow_half_and_pipelined_requests_hold_nobody_up_for_long() {
    let (fake, home) = start();
    let served = Served::new(&home, "box", &["--repo", "acme/one"]);
    let token = served.token();
    let before = asked(&fake);
    let open = |bytes: &[u8]| {
        let mut stream = UnixStream::connect(&served.socket).expect("a connection");
        stream.write_all(bytes).expect("written");
        stream
    };
    // Nothing, a part of the head, and a part of the body: each is told after 5 s that it was too slow.
    let half = post("/v1/git", "protocol=http\n\n");
    let mut slow: Vec<UnixStream> = (0..30)
        .map(|number| open(&half.as_bytes()[..number * half.len() / 30]))
        .collect();
    // Two at once: the first is answered.
    let mut two = open(format!("{}{}", get("/v1/status"), get("/v1/token")).as_bytes());
    let first = answer(&mut two).expect("an answer");
    assert_eq!(first.json()["name"], "box");
    assert!(!first.body.contains("ghu_"));
    // Others are served meanwhile, and the host's own `get` as ever.
    assert_eq!(served.token(), token);
    home.run(["get"]).token();
    for stream in &mut slow {
        assert_eq!(answer(stream).map(|answer| answer.status), Some(408));
    }
    assert_eq!(asked(&fake), before);
    assert_eq!(served.token(), token);
}

#[test]
fn p11_a_thousand_connections_cost_little_and_end() {
    let (fake, home) = start();
    let served = Served::new(&home, "box", &["--repo", "acme/one"]);
    let token = served.token();
    let before = asked(&fake);
    let address = SocketAddrUnix::new(&served.socket).expect("an address");
    let mut connected = Vec::new();
    for _ in 0..1000 {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None);
        let socket = socket.expect("a socket");
        if connect(&socket, &address).is_ok() {
            connected.push(socket);
        }
    }
    // Those that are served, and a short queue; the others are turned away by the system.
    assert!((33..=80).contains(&connected.len()), "{}", connected.len());
    home.run(["get"]).token();
    assert_memory_is_small(&served);
    drop(connected);
    assert_eq!(served.token(), token);
    assert_eq!(asked(&fake), before);
}

/// The first token is still in the log, which a flood of requests has not filled.
fn assert_log_is_small_and_has(token: &str, home: &Sandbox) {
    let log = home.run(["sandbox", "log"]).expect_code(0).stdout;
    assert!(log.contains(&sha256(token)[..8]));
    let count = log.lines().count();
    assert!(count < 200, "{count} lines");
    assert!(log.chars().all(|c| c == '\n' || !c.is_control()));
}

/// The most memory that the process ever had. A debug build needs more than the product, which has 12 MB.
fn assert_memory_is_small(served: &Served) {
    let pid = served.process.pid().as_raw_nonzero();
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("its status");
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kilobytes: u64 = line
        .and_then(|line| line.split_whitespace().nth(1)?.parse().ok())
        .expect("a number");
    let most = if cfg!(debug_assertions) {
        40_000
    } else {
        12_000
    };
    assert!(kilobytes < most, "{kilobytes} kB");
}
