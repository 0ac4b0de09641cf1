//! The same session with a real server twice, directly over HTTP and through the bridge: both clients read
//! the same lines.

use std::collections::{BTreeSet, HashMap};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use fake_github::FakeGitHub;
use serde_json::{Value, json};

use super::desk::{Bridge, HOUR, others};
use super::remote::PATIENCE;
use crate::mcp::client::{read, wait};
use crate::mcp::packages::{EVERYTHING, consumer, installed};
use crate::support::sandbox::Sandbox;

const REVISIONS: [&str; 4] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];
pub const MODERN: &str = "2026-07-28";

/// A real server, on a port of its own, until it is dropped.
pub struct Server {
    child: Child,
    pub url: String,
}

impl Server {
    /// Starts a server that listens on the port that its command is given.
    pub fn start(command: impl FnOnce(u16) -> Command) -> Self {
        let port = {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
            listener.local_addr().expect("its address").port()
        };
        let mut command = command(port);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let child = command.spawn().expect("the server starts");
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < deadline, "the server does not listen");
            std::thread::sleep(Duration::from_millis(50));
        }
        Self {
            child,
            url: format!("http://127.0.0.1:{port}/mcp"),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A client's way to a server: what is sent, and the lines that come.
pub struct Way {
    pub send: Box<dyn FnMut(&Value)>,
    pub lines: Receiver<String>,
}

/// A client over HTTP, as the specification has it, without a limit or a second try.
struct Direct {
    url: String,
    agent: ureq::Agent,
    session: Mutex<HashMap<&'static str, String>>,
    lines: Sender<String>,
}

impl Direct {
    fn way(url: &str) -> Way {
        let (lines, read) = channel();
        let config = ureq::Agent::config_builder().http_status_as_error(false);
        let direct = Arc::new(Self {
            url: url.to_owned(),
            agent: config.build().new_agent(),
            session: Mutex::default(),
            lines,
        });
        let send = move |message: &Value| direct.send(message);
        Way {
            send: Box::new(send),
            lines: read,
        }
    }

    fn send(self: &Arc<Self>, message: &Value) {
        let direct = Arc::clone(self);
        let sent = message.clone();
        let thread = std::thread::spawn(move || direct.post(&sent));
        let method = message["method"].as_str().unwrap_or_default();
        if method == "initialize" || method == "notifications/initialized" {
            thread.join().expect("no panic");
        }
        if method == "notifications/initialized" {
            let direct = Arc::clone(self);
            std::thread::spawn(move || direct.get());
        }
    }

    fn post(&self, message: &Value) {
        let mut request = self.agent.post(&self.url);
        request = request.header("Accept", "application/json, text/event-stream");
        request = request.header("Content-Type", "application/json");
        for (name, value) in self.headers(message) {
            request = request.header(name, value);
        }
        let response = request.send(message.to_string()).expect("an answer");
        if message["method"] == "initialize" {
            self.remember(&response);
        }
        self.read(response);
    }

    fn get(&self) {
        let mut request = self
            .agent
            .get(&self.url)
            .header("Accept", "text/event-stream");
        for (name, value) in self.headers(&Value::Null) {
            request = request.header(name, value);
        }
        if let Ok(response) = request.call() {
            self.read(response);
        }
    }

    fn headers(&self, message: &Value) -> Vec<(&'static str, String)> {
        let meta = &message["params"]["_meta"];
        if let Some(version) = meta["io.modelcontextprotocol/protocolVersion"].as_str() {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let params = &message["params"];
            let name = if params["name"].is_string() {
                &params["name"]
            } else {
                &params["uri"]
            };
            let mut headers = vec![
                ("MCP-Protocol-Version", version.to_owned()),
                ("Mcp-Method", text(&message["method"])),
            ];
            headers.extend(name.as_str().map(|name| ("Mcp-Name", name.to_owned())));
            return headers;
        }
        let session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        session
            .iter()
            .map(|(name, value)| (*name, value.clone()))
            .collect()
    }

    fn remember(&self, response: &ureq::http::Response<ureq::Body>) {
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        let id = response.headers().get("Mcp-Session-Id");
        let id = id.and_then(|id| id.to_str().ok());
        session.extend(id.map(|id| ("Mcp-Session-Id", id.to_owned())));
    }

    /// Passes on what a body says.
    fn read(&self, mut response: ureq::http::Response<ureq::Body>) {
        let kind = response.headers().get("Content-Type");
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let is_stream = kind.starts_with("text/event-stream");
        let mut reader = BufReader::new(response.body_mut().as_reader());
        if !is_stream {
            let mut text = String::new();
            let _ = reader.read_to_string(&mut text);
            self.told(text.trim());
            return;
        }
        for line in reader.lines().map_while(Result::ok) {
            self.told(line.strip_prefix("data:").unwrap_or_default().trim_start());
        }
    }

    fn told(&self, line: &str) {
        if line.is_empty() {
            return;
        }
        let message: Value = serde_json::from_str(line).unwrap_or_default();
        if let Some(version) = message["result"]["protocolVersion"].as_str() {
            let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
            session.insert("MCP-Protocol-Version", version.to_owned());
        }
        // The session may be over.
        let _ = self.lines.send(line.to_owned());
    }
}

/// What a client read in a session: the answers in order, and everything else, each once.
#[derive(Debug, PartialEq, Eq)]
pub struct Told {
    answers: Vec<String>,
    others: BTreeSet<String>,
}

/// A session of these requests: each is answered before the next one is sent.
pub fn session(mut way: Way, requests: &[Value]) -> Told {
    let mut told = Told {
        answers: Vec::new(),
        others: BTreeSet::new(),
    };
    for (id, request) in requests.iter().enumerate() {
        let mut request = request.clone();
        request["jsonrpc"] = json!("2.0");
        if request["method"]
            .as_str()
            .is_some_and(|method| method.starts_with("notifications/"))
        {
            (way.send)(&request);
            // What a server asks when a session has begun.
            told.listen(&mut way, None, Duration::from_secs(2));
            continue;
        }
        request["id"] = json!(id);
        (way.send)(&request);
        told.listen(&mut way, Some(id), PATIENCE);
    }
    told
}

impl Told {
    /// Reads until the answer to this request, or as long as this.
    fn listen(&mut self, way: &mut Way, id: Option<usize>, limit: Duration) {
        let deadline = Instant::now() + limit;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(line) = way.lines.recv_timeout(left) else {
                assert!(id.is_none(), "no answer to {id:?} after {self:#?}");
                return;
            };
            let message: Value = serde_json::from_str(&line).expect("JSON");
            let is_question = message.get("method").is_some() && message.get("id").is_some();
            if is_question {
                (way.send)(&answer(&message));
                // Its id is the bridge's.
                let id = format!("\"id\":{}", message["id"]);
                let asked = line.replacen(&id, "\"id\":ID", 1);
                self.others.insert(asked);
            } else if message.get("method").is_some() {
                self.others.insert(line);
            } else {
                self.answers.push(line);
                if message["id"] == json!(id) {
                    return;
                }
            }
        }
    }
}

/// What the client says to a server's question.
fn answer(question: &Value) -> Value {
    let result = match question["method"].as_str() {
        Some("elicitation/create") => json!({"action": "accept", "content": {"name": "Ann"}}),
        Some("roots/list") => json!({"roots": [{"uri": "file:///tmp/root", "name": "root"}]}),
        Some("sampling/createMessage") => {
            json!({"role": "assistant", "content": {"type": "text", "text": "hm"}, "model": "none"})
        }
        _ => json!({}),
    };
    json!({"jsonrpc": "2.0", "id": question["id"], "result": result})
}

/// A session's requests, in a revision with a handshake.
fn requests(version: &str, calls: &[(&str, Value)]) -> Vec<Value> {
    let capabilities = json!({"roots": {"listChanged": true}, "sampling": {}, "elicitation": {}});
    let client = json!({"name": "session", "version": "1"});
    let params =
        json!({"protocolVersion": version, "capabilities": capabilities, "clientInfo": client});
    let mut requests = vec![
        json!({"method": "initialize", "params": params}),
        json!({"method": "notifications/initialized"}),
        json!({"method": "logging/setLevel", "params": {"level": "debug"}}),
    ];
    requests.extend(common(calls, &json!({"progressToken": "p"})));
    requests
}

/// What all revisions have.
fn common(calls: &[(&str, Value)], meta: &Value) -> Vec<Value> {
    let mut requests = Vec::new();
    for method in [
        "tools/list",
        "resources/list",
        "resources/templates/list",
        "prompts/list",
    ] {
        requests.push(json!({"method": method, "params": {"_meta": meta}}));
    }
    for (name, arguments) in calls {
        let params = json!({"name": name, "arguments": arguments, "_meta": meta});
        requests.push(json!({"method": "tools/call", "params": params}));
    }
    for (method, params) in [
        ("tools/call", json!({"name": "no such tool"})),
        (
            "prompts/get",
            json!({"name": "greet", "arguments": {"name": "Ann"}}),
        ),
        ("prompts/get", json!({"name": "no such prompt"})),
        ("resources/read", json!({"uri": "note://one"})),
        ("resources/read", json!({"uri": "nothing://one"})),
        ("no/such", json!({})),
    ] {
        let mut params = params;
        params["_meta"] = meta.clone();
        requests.push(json!({"method": method, "params": params}));
    }
    requests
}

/// A session's requests in the revision without one.
fn stateless_requests(calls: &[(&str, Value)]) -> Vec<Value> {
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "session", "version": "1"},
    });
    let mut requests = vec![json!({"method": "server/discover", "params": {"_meta": meta}})];
    requests.extend(common(calls, &meta));
    requests
}

/// A client's way through ghtok to a server that checks no token.
fn bridged<T>(fake: &FakeGitHub, url: &str, work: impl FnOnce(Way) -> T) -> T {
    let sandbox = Sandbox::new(fake);
    let token = sandbox.seed(fake, HOUR).access_token;
    let mut command = Bridge::Ghtok.command(&sandbox, url, &token, &[]);
    command.stdin(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().expect("ghtok starts");
    let mut input = child.stdin.take().expect("stdin");
    let lines = read(child.stdout.take().expect("stdout"));
    let send = Box::new(move |message: &Value| {
        writeln!(input, "{message}").expect("ghtok reads");
    });
    let done = work(Way { send, lines });
    assert_eq!(wait(&mut child), Some(0));
    done
}

/// The same session by both ways, in each revision that the server may speak.
fn compare(server: &Server, calls: &[(&str, Value)], revisions: &[&str]) {
    let fake = FakeGitHub::start().expect("a fake");
    for version in revisions {
        let requests = if *version == MODERN {
            stateless_requests(calls)
        } else {
            requests(version, calls)
        };
        let direct = session(Direct::way(&server.url), &requests);
        let bridged = bridged(&fake, &server.url, |way| session(way, &requests));
        let count = direct.answers.len() + direct.others.len();
        assert!(count > 12, "{version}: {direct:#?}");
        for (one, other) in direct.answers.iter().zip(&bridged.answers) {
            assert_eq!(one, other, "{version}");
        }
        assert_eq!(direct, bridged, "{version}");
        println!("{version}: {count} lines the same");
    }
}

#[test]
fn a_session_with_server_everything_is_the_same_through_the_bridge() {
    if !installed() {
        return;
    }
    let server = Server::start(|port| {
        let mut command = Command::new("node");
        command
            .arg(consumer(EVERYTHING))
            .arg("streamableHttp")
            .env("PORT", port.to_string());
        command
    });
    let calls = [
        ("echo", json!({"message": "ü \u{2028} \u{1f980}"})),
        ("get-sum", json!({"a": 1, "b": 2})),
        ("get-tiny-image", json!({})),
        ("get-structured-content", json!({"location": "Chicago"})),
        ("get-roots-list", json!({})),
        (
            "trigger-long-running-operation",
            json!({"duration": 0.3, "steps": 3}),
        ),
        ("trigger-sampling-request", json!({"prompt": "?"})),
        ("trigger-elicitation-request", json!({})),
    ];
    compare(&server, &calls, &REVISIONS);
}

#[test]
#[ignore = "needs packages of PyPI in the folder GHTOK_TEST_BRIDGES: tests/bridges/run"]
fn sessions_with_servers_of_pypi_are_the_same_through_the_bridge() {
    let folder = others().expect("GHTOK_TEST_BRIDGES names a folder");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/bridges/server.py");
    let mut calls = vec![
        ("echo", json!({"message": "ü \u{2028} \u{1f980}"})),
        ("fail", json!({})),
        ("slow", json!({"steps": 3})),
        ("echo", json!({})),
    ];
    for kind in ["stateless", "stateful", "fastmcp"] {
        let server = Server::start(|port| {
            let mut command = Command::new(folder.join("venv/bin/python"));
            command.args([script, kind]).arg(port.to_string());
            command
        });
        println!("{kind}");
        if kind != "stateless" {
            calls.push(("ask", json!({})));
        }
        compare(&server, &calls, &REVISIONS);
        // Without a session nobody can be asked in the middle of a call.
        calls.retain(|(name, _)| *name != "ask");
        compare(&server, &calls, &[MODERN]);
    }
}
