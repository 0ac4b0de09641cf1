//! A client with a bridge to a remote server, at which one event is tried.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use fake_github::{FakeGitHub, Pair};
use serde_json::{Value, json};

use super::remote::{PATIENCE, Remote};
use crate::mcp::client::read;
use crate::support::sandbox::{Program, Sandbox};

pub const HOUR: Duration = Duration::from_secs(3600);

/// What stands between a client and a remote server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bridge {
    Ghtok,
    McpRemote,
    Supergateway,
    Fastmcp,
}

/// Where `tests/bridges/run` has installed the others.
pub fn others() -> Option<PathBuf> {
    std::env::var_os("GHTOK_TEST_BRIDGES").map(PathBuf::from)
}

/// A proxy by the package's own way, with a header.
const FASTMCP: &str = "
import os, sys
from fastmcp.client.transports import StreamableHttpTransport
from fastmcp.server import create_proxy
transport = StreamableHttpTransport(sys.argv[1], headers={'Authorization': 'Bearer ' + os.environ['TOKEN']})
create_proxy(transport).run(show_banner=False)
";

impl Bridge {
    pub fn command(self, desk: &Sandbox, url: &str, token: &str, flags: &[&str]) -> Command {
        if self == Self::Ghtok {
            let host = url.split('/').nth(2).unwrap_or_default();
            let mut arguments = vec!["mcp", "--url", url, "--allow-host", host];
            arguments.extend(flags);
            return desk.command(Program::Real, &arguments);
        }
        let folder = others().expect("GHTOK_TEST_BRIDGES names a folder");
        let modules = folder.join("node_modules");
        let node = |path: &str| {
            let mut command = Command::new("node");
            command.arg(modules.join(path));
            command
        };
        let header = format!("Authorization: Bearer {token}");
        let mut command = match self {
            Self::McpRemote => {
                let mut command = node("mcp-remote/dist/proxy.js");
                command.args([url, "--header", &header]);
                command
            }
            Self::Supergateway => {
                let mut command = node("supergateway/dist/index.js");
                command.args(["--streamableHttp", url, "--oauth2Bearer", token]);
                command
            }
            _ => {
                let mut command = Command::new(folder.join("venv/bin/python"));
                command.args(["-c", FASTMCP, url]);
                command
            }
        };
        command
            .env("HOME", desk.home())
            .env("MCP_REMOTE_CONFIG_DIR", desk.home())
            .env("TOKEN", token);
        command
    }
}

/// The machine of one trial.
pub struct Desk {
    pub bridge: Bridge,
    pub fake: Arc<FakeGitHub>,
    pub sandbox: Sandbox,
    pub remote: Remote,
    pub pair: Pair,
    client: Option<RemoteClient>,
}

struct RemoteClient {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    errors: Receiver<String>,
    next: u32,
}

impl Desk {
    /// Signed in, and nothing started yet.
    pub fn new(bridge: Bridge, fake: FakeGitHub) -> Self {
        Self::seeded(bridge, fake, HOUR)
    }

    /// The same with a token that lives as long as this.
    pub fn seeded(bridge: Bridge, fake: FakeGitHub, life: Duration) -> Self {
        let fake = Arc::new(fake);
        let sandbox = Sandbox::new(&fake);
        Self {
            bridge,
            pair: sandbox.seed(&fake, life),
            remote: Remote::start(&fake),
            fake,
            sandbox,
            client: None,
        }
    }

    pub fn start(&mut self, flags: &[&str]) {
        let token = &self.pair.access_token;
        let mut command = self
            .bridge
            .command(&self.sandbox, &self.remote.url(), token, flags);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("the bridge starts");
        self.client = Some(RemoteClient {
            input: child.stdin.take(),
            lines: read(child.stdout.take().expect("stdout")),
            errors: read(child.stderr.take().expect("stderr")),
            child,
            next: 0,
        });
    }

    /// Starts the bridge, and shakes hands in the revision that most clients speak.
    pub fn open(&mut self) -> Result<(), String> {
        self.start(&[]);
        self.shake_hands()
    }

    pub fn shake_hands(&mut self) -> Result<(), String> {
        let answer = self.initialize()?;
        if answer.get("result").is_none() {
            return Err(format!("no session: {answer}"));
        }
        self.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        self.get("tools/list", &json!({})).map(|_| ())
    }

    pub fn initialize(&mut self) -> Result<Value, String> {
        let capabilities = json!({"elicitation": {}, "sampling": {}});
        let client = json!({"name": "desk", "version": "1"});
        let params = json!({"protocolVersion": "2025-11-25", "capabilities": capabilities, "clientInfo": client});
        self.get("initialize", &params)
    }

    fn client(&mut self) -> &mut RemoteClient {
        self.client.as_mut().expect("started")
    }

    pub fn send(&mut self, message: &Value) {
        // A bridge that has ended is noticed by whoever waits for its answer.
        let input = self.client().input.as_mut().expect("open");
        let _ = writeln!(input, "{message}");
    }

    /// Asks, without waiting.
    pub fn ask(&mut self, method: &str, params: &Value) -> u32 {
        let client = self.client();
        client.next += 1;
        let id = client.next;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        id
    }

    pub fn get(&mut self, method: &str, params: &Value) -> Result<Value, String> {
        let id = self.ask(method, params);
        self.answer_to(id)
    }

    /// The next message, whatever it is.
    pub fn receive(&mut self, limit: Duration) -> Result<Value, String> {
        let lines = &self.client().lines;
        let line = lines.recv_timeout(limit).map_err(|error| match error {
            RecvTimeoutError::Timeout => format!("no answer in {} s", limit.as_secs()),
            RecvTimeoutError::Disconnected => "the bridge has ended".to_owned(),
        })?;
        serde_json::from_str(&line).map_err(|_| format!("no JSON: {}", cut(&line)))
    }

    /// The answer to this request; questions on the way are accepted.
    pub fn answer_to(&mut self, id: u32) -> Result<Value, String> {
        self.answer_within(id, PATIENCE)
    }

    pub fn answer_within(&mut self, id: u32, limit: Duration) -> Result<Value, String> {
        let deadline = Instant::now() + limit;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let message = self.receive(left)?;
            match message["method"].as_str() {
                None if message["id"] == json!(id) => return Ok(message),
                Some("elicitation/create") => self.accept(&message),
                _ => {}
            }
        }
    }

    pub fn accept(&mut self, question: &Value) {
        // Nobody is faster.
        std::thread::sleep(Duration::from_millis(500));
        let result = json!({"action": "accept", "content": {}});
        self.send(&json!({"jsonrpc": "2.0", "id": question["id"], "result": result}));
    }

    /// A call's whole answer, good or bad.
    pub fn try_call(&mut self, tool: &str) -> Result<Value, String> {
        self.get("tools/call", &json!({"name": tool, "arguments": {}}))
    }

    /// A call that must go well: its text.
    pub fn call(&mut self, tool: &str) -> Result<String, String> {
        let answer = self.try_call(tool)?;
        good(&answer)
    }

    /// A call that must be answered, with an error.
    pub fn fails(&mut self, tool: &str) -> Result<String, String> {
        let answer = self.try_call(tool)?;
        match good(&answer) {
            Err(_) => Ok(answer.to_string()),
            Ok(text) => Err(format!("this should fail: {}", cut(&text))),
        }
    }

    /// How often a tool was carried out.
    pub fn expect_deeds(&self, tool: &str, count: usize) -> Result<(), String> {
        let deeds = self.remote.state().deeds.clone();
        let done = deeds.iter().filter(|deed| *deed == tool).count();
        check(done == count, || {
            format!("carried out {done} times, not {count}")
        })
    }

    /// Closes the client's side: what was said on standard error.
    pub fn close(&mut self) -> Result<String, String> {
        let Some(mut client) = self.client.take() else {
            return Ok(String::new());
        };
        drop(client.input.take());
        let deadline = Instant::now() + PATIENCE;
        while client.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            if Instant::now() > deadline {
                let _ = client.child.kill();
                let _ = client.child.wait();
                return Err("does not end with its client".into());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let said: Vec<String> = client.errors.iter().chain(client.lines.iter()).collect();
        Ok(said.join("\n"))
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        if let Some(client) = &mut self.client {
            let _ = client.child.kill();
            let _ = client.child.wait();
        }
    }
}

/// The text of a call that went well.
pub fn good(answer: &Value) -> Result<String, String> {
    let result = &answer["result"];
    match result["content"][0]["text"].as_str() {
        Some(text) if result["isError"] != true => Ok(text.to_owned()),
        _ => Err(cut(&answer.to_string())),
    }
}

pub fn check(is_so: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if is_so { Ok(()) } else { Err(otherwise()) }
}

/// As much of a text as a person reads.
pub fn cut(text: &str) -> String {
    text.chars().take(300).collect()
}
