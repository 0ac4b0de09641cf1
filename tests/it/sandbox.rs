//! `ghtok sandbox`: what a sandbox gets through its socket, and what ends it.

mod ends;
mod hostile;
mod inside;
mod run;
mod serve;

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use fake_github::{Builder, FakeGitHub};
use ring::digest::{SHA256, digest};
use serde_json::Value;

use crate::scoped::{SECRET, fake};
use crate::support::bench::LIFE;
use crate::support::git::feed;
use crate::support::processes::Caller;
use crate::support::sandbox::{Program, Sandbox};

/// A home that is signed in, with the App's secret.
pub fn start_at(builder: Builder) -> (FakeGitHub, Sandbox) {
    let fake = builder.start().expect("a fake");
    let home = Sandbox::new(&fake);
    home.seed(&fake, LIFE);
    let mut set = home.command(Program::Real, ["app", "secret", "set", "--store", "file"]);
    feed(&mut set, SECRET.as_bytes()).expect_code(0);
    (fake, home)
}

/// The same, where GitHub counts scoped tokens as any others.
pub fn start() -> (FakeGitHub, Sandbox) {
    start_at(fake().scoped_tokens_count())
}

/// ghtok where the session has a folder for sockets.
pub fn command(home: &Sandbox, arguments: &[&str]) -> Command {
    let runtime = home.home().join("runtime");
    fs::create_dir_all(&runtime).expect("a folder");
    let mut command = home.command(Program::Real, arguments);
    command.env("XDG_RUNTIME_DIR", runtime);
    command
}

/// A sandbox that is served by a process of its own.
pub struct Served {
    pub process: Caller,
    pub socket: PathBuf,
}

impl Served {
    pub fn new(home: &Sandbox, name: &str, flags: &[&str]) -> Self {
        let arguments = [&["sandbox", "serve", name], flags].concat();
        let process = Caller::start(home, &mut command(home, &arguments));
        let socket = match flags.iter().position(|flag| *flag == "--socket") {
            Some(place) => flags[place + 1].into(),
            None => home.home().join(format!("runtime/ghtok/{name}.sock")),
        };
        process.wait_to_say("serving");
        Self { process, socket }
    }

    pub fn ask(&self, request: &str) -> Answer {
        ask(&self.socket, request.as_bytes()).expect("an answer")
    }

    /// The token, which there must be.
    #[track_caller]
    pub fn token(&self) -> String {
        let answer = self.ask(&get("/v1/token"));
        assert_eq!(answer.status, 200, "{answer:?}");
        let json = answer.json();
        json["token"].as_str().expect("a token").to_owned()
    }

    pub fn reject(&self, token: &str) {
        let answer = self.ask(&post("/v1/reject", &sha256(token)));
        assert_eq!((answer.status, answer.body.as_str()), (202, ""));
    }
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }
}

/// A GET as ghtok makes it.
pub fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nGhtok-Request: 1\r\n\r\n")
}

/// A POST as ghtok makes it.
pub fn post(target: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {target} HTTP/1.1\r\nHost: localhost\r\nGhtok-Request: 1\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

/// The answer to these bytes; `None` if the connection ends without one.
pub fn ask(socket: &Path, request: &[u8]) -> Option<Answer> {
    let mut stream = UnixStream::connect(socket).ok()?;
    // A request that is refused early is not read to its end.
    let _ = stream.write_all(request);
    answer(&mut stream)
}

/// The answer that comes through a connection.
pub fn answer(stream: &mut UnixStream) -> Option<Answer> {
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .expect("a time-out");
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    let text = String::from_utf8(bytes).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Answer {
        status,
        body: body.to_owned(),
    })
}

pub fn sha256(token: &str) -> String {
    let hash = digest(&SHA256, token.as_bytes());
    hash.as_ref().iter().map(|b| format!("{b:02x}")).collect()
}
