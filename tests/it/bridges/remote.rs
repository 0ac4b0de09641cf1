//! A remote MCP server that is told how to misbehave. It takes a request only with a bearer that the fake
//! GitHub's ledger says is alive at that moment, and keeps what every request carried.

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use fake_github::FakeGitHub;
use serde_json::{Value, json};

use super::http::{HttpRequest, HttpServer, Wire};

/// What is waited for happens within this.
pub const PATIENCE: Duration = Duration::from_secs(20);

const JSON: &str = "Content-Type: application/json\r\n";
pub const HTML: &str = "Content-Type: text/html\r\n";
const VERSION: &str = "io.modelcontextprotocol/protocolVersion";

/// What happens to one request instead of its answer.
pub type Trouble = Box<dyn FnOnce(&mut Exchange<'_>) -> io::Result<()> + Send>;

/// What a request carried, and how it was answered.
#[derive(Clone, Debug)]
pub struct Seen {
    pub request: HttpRequest,
    /// Of JSON-RPC; empty for an answer, and for what is no POST.
    pub rpc: String,
    /// Its bearer was alive.
    pub is_live: bool,
    /// When it had been read.
    pub at: Instant,
}

impl Seen {
    pub fn bearer(&self) -> Option<&str> {
        self.request
            .header("Authorization")?
            .strip_prefix("Bearer ")
    }
}

pub struct Remote {
    pub http: HttpServer,
    core: Arc<Core>,
}

struct Core {
    fake: Arc<FakeGitHub>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
pub struct State {
    pub seen: Vec<Seen>,
    /// The calls that were carried out.
    pub deeds: Vec<String>,
    /// What the sessions of now were told by `logging/setLevel`.
    pub level: Option<String>,
    /// What the client answered to questions, by the question's id.
    pub answers: HashMap<String, Value>,
    /// The status of a request whose session is gone; 404 if none is set.
    pub gone: Option<u16>,
    /// The status of every GET; none: a stream.
    pub get: Option<u16>,
    /// What `initialize` agrees to; none: what the client asks for.
    pub version: Option<String>,
    sessions: HashSet<String>,
    minted: usize,
    planned: Vec<(String, Trouble)>,
    streams: Vec<Sender<Vec<u8>>>,
    /// What a stream that is resumed after this event goes on with.
    kept: HashMap<String, Vec<u8>>,
}

impl Remote {
    pub fn start(fake: &Arc<FakeGitHub>) -> Self {
        let core = Arc::new(Core {
            fake: Arc::clone(fake),
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let served = Arc::clone(&core);
        let http = HttpServer::start(move |request, wire| served.serve(request, wire));
        Self { http, core }
    }

    pub fn url(&self) -> String {
        format!("http://{}/mcp", self.http.host())
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.core.state()
    }

    /// The next request of this kind (a method of JSON-RPC, GET or DELETE) meets this.
    pub fn plan(
        &self,
        kind: &str,
        trouble: impl FnOnce(&mut Exchange<'_>) -> io::Result<()> + Send + 'static,
    ) {
        let trouble = Box::new(trouble) as Trouble;
        self.state().planned.push((kind.to_owned(), trouble));
    }

    /// Forgets all sessions and closes all streams, as a process that is started anew.
    pub fn restart(&self) {
        let mut state = self.state();
        state.sessions.clear();
        state.streams.clear();
        state.level = None;
        drop(state);
        self.http.hang_up();
    }

    /// Says this on the streams that are open.
    pub fn say(&self, event: &str) {
        let streams = &mut self.state().streams;
        streams.retain(|stream| stream.send(event.into()).is_ok());
    }

    /// Cuts the streams that are open; one that is resumed after this event goes on with this.
    pub fn cut_streams(&self, event_id: &str, rest: &str) {
        let mut state = self.state();
        state.kept.insert(event_id.to_owned(), rest.into());
        state.streams.clear();
    }

    /// Waits until the state is as wanted.
    pub fn wait(&self, what: &str, wanted: impl Fn(&State) -> bool) -> Result<(), String> {
        let found = self.core.wait(|state| wanted(state).then_some(()));
        found.ok_or_else(|| format!("not within {} s: {what}", PATIENCE.as_secs()))
    }
}

impl State {
    /// How many requests of this HTTP method came.
    pub fn count(&self, method: &str) -> usize {
        let seen = self.seen.iter();
        seen.filter(|seen| seen.request.method == method).count()
    }

    /// The requests of this method of JSON-RPC.
    pub fn of<'a>(&'a self, rpc: &'a str) -> impl Iterator<Item = &'a Seen> {
        self.seen.iter().filter(move |seen| seen.rpc == rpc)
    }

    pub fn has_stream(&self) -> bool {
        !self.streams.is_empty()
    }
}

impl Core {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        let done = work(&mut self.state());
        self.changed.notify_all();
        done
    }

    fn wait<T>(&self, look: impl Fn(&State) -> Option<T>) -> Option<T> {
        let deadline = Instant::now() + PATIENCE;
        let mut state = self.state();
        loop {
            if let Some(found) = look(&state) {
                return Some(found);
            }
            let left = deadline.checked_duration_since(Instant::now())?;
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn serve(&self, request: HttpRequest, wire: &mut Wire) -> io::Result<()> {
        let message: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let rpc = message["method"].as_str().unwrap_or_default().to_owned();
        let at = Instant::now();
        let bearer = request.header("Authorization");
        let bearer = bearer.and_then(|value| value.strip_prefix("Bearer "));
        let is_live = bearer.is_some_and(|bearer| self.fake.is_alive(bearer));
        let kind = if request.method == "POST" {
            &rpc
        } else {
            &request.method
        };
        let planned = self.change(|state| {
            let planned = state.planned.iter().position(|(of, _)| of == kind);
            state.seen.push(Seen {
                request: request.clone(),
                rpc: rpc.clone(),
                is_live,
                at,
            });
            planned.map(|planned| state.planned.remove(planned).1)
        });
        let mut exchange = Exchange {
            core: self,
            request,
            message,
            rpc,
            wire,
        };
        match planned {
            Some(trouble) => trouble(&mut exchange),
            None if is_live => exchange.usual(),
            None => exchange.unauthorized(),
        }
    }
}

/// One request, while it is answered.
pub struct Exchange<'a> {
    core: &'a Core,
    pub request: HttpRequest,
    pub message: Value,
    rpc: String,
    pub wire: &'a mut Wire,
}

impl Exchange<'_> {
    pub fn unauthorized(&mut self) -> io::Result<()> {
        let header = "WWW-Authenticate: Bearer error=\"invalid_token\"\r\n";
        self.wire.answer(401, &format!("{header}{JSON}"), b"{}")
    }

    /// Waits until the bearer is dead.
    pub fn wait_for_a_dead_bearer(&self) {
        let seen = self.core.state().seen.last().cloned();
        let bearer = seen.and_then(|seen| seen.bearer().map(str::to_owned));
        let bearer = bearer.unwrap_or_default();
        let deadline = Instant::now() + PATIENCE;
        while self.core.fake.is_alive(&bearer) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// What a server without trouble does.
    pub fn usual(&mut self) -> io::Result<()> {
        let is_modern = self.message["params"]["_meta"].get(VERSION).is_some();
        if self.rpc != "initialize" && !is_modern && !self.has_session() {
            return self.no_session();
        }
        match self.request.method.as_str() {
            "GET" => return self.listen(),
            "DELETE" => return self.wire.answer(200, "", b""),
            _ => {}
        }
        if self.message.get("id").is_none() || self.rpc.is_empty() {
            if let (None, Some(id)) = (self.message.get("method"), self.message["id"].as_str()) {
                let answer = self.message.clone();
                self.core
                    .change(|state| state.answers.insert(id.to_owned(), answer));
            }
            return self.wire.answer(202, "", b"");
        }
        match self.rpc.as_str() {
            "initialize" => self.initialize(),
            "tools/call" if self.message["params"]["name"] == "ask" => self.ask(),
            "tools/call" => {
                let result = self.act();
                self.result(&result)
            }
            _ => {
                let result = self.other();
                self.result(&result)
            }
        }
    }

    fn has_session(&self) -> bool {
        let session = self.request.header("Mcp-Session-Id").unwrap_or_default();
        self.core.state().sessions.contains(session)
    }

    fn no_session(&mut self) -> io::Result<()> {
        let status = self.core.state().gone.unwrap_or(404);
        let error = json!({"code": -32000, "message": "Bad Request: No valid session ID provided"});
        let body = json!({"jsonrpc": "2.0", "id": null, "error": error});
        self.wire.answer(status, JSON, body.to_string().as_bytes())
    }

    fn initialize(&mut self) -> io::Result<()> {
        let (session, agreed) = self.core.change(|state| {
            state.minted += 1;
            let session = format!("session-{}", state.minted);
            state.sessions.insert(session.clone());
            (session, state.version.clone())
        });
        let asked = self.message["params"]["protocolVersion"].clone();
        let result = json!({
            "protocolVersion": agreed.map_or(asked, Value::from),
            "capabilities": {"tools": {"listChanged": true}, "logging": {}},
            "serverInfo": {"name": "remote", "version": "1"},
        });
        let answer = self.answer_with("result", &result);
        let headers = format!("{JSON}Mcp-Session-Id: {session}\r\n");
        self.wire.answer(200, &headers, answer.as_bytes())
    }

    /// Carries a call out.
    pub fn act(&mut self) -> Value {
        let name = self.message["params"]["name"].as_str().unwrap_or_default();
        let arguments = &self.message["params"]["arguments"];
        let time = Duration::from_millis(arguments["milliseconds"].as_u64().unwrap_or(0));
        std::thread::sleep(time);
        let number = arguments["n"].as_u64();
        let deed = number.map_or(name.to_owned(), |number| format!("{name} {number}"));
        self.core.change(|state| state.deeds.push(deed));
        json!({"content": [{"type": "text", "text": format!("did {name}")}], "isError": false, "resultType": "complete"})
    }

    fn other(&mut self) -> Value {
        match self.rpc.as_str() {
            "server/discover" => json!({
                "resultType": "complete",
                "supportedVersions": ["2026-07-28"],
                "capabilities": {"tools": {}},
                "ttlMs": 0,
                "cacheScope": "private",
            }),
            "tools/list" => {
                let tool = |name: &str| {
                    json!({
                        "name": name,
                        "inputSchema": {"type": "object", "properties": {}},
                        "annotations": {"readOnlyHint": name == "read"},
                    })
                };
                let tools = ["read", "write", "ask"].map(tool);
                json!({"tools": tools, "resultType": "complete"})
            }
            "logging/setLevel" => {
                let level = self.message["params"]["level"].as_str().map(str::to_owned);
                self.core.change(|state| state.level = level);
                json!({})
            }
            _ => json!({}),
        }
    }

    fn answer_with(&self, member: &str, value: &Value) -> String {
        json!({"jsonrpc": "2.0", "id": self.message["id"], member: value}).to_string()
    }

    /// An answer of JSON.
    pub fn result(&mut self, result: &Value) -> io::Result<()> {
        let answer = self.answer_with("result", result);
        self.wire.answer(200, JSON, answer.as_bytes())
    }

    /// The text of an event with this result.
    pub fn event(&self, result: &Value) -> String {
        format!("data: {}\n\n", self.answer_with("result", result))
    }

    pub fn error(&mut self, status: u16, code: i64) -> io::Result<()> {
        let error = json!({"code": code, "message": "no"});
        let answer = self.answer_with("error", &error);
        self.wire.answer(status, JSON, answer.as_bytes())
    }

    /// Carries the call out, and loses its answer; who resumes the stream gets it.
    pub fn cut_after_event(&mut self, id: &str, is_kept: bool) -> io::Result<()> {
        let result = self.act();
        let event = self.event(&result).into_bytes();
        if is_kept {
            self.core
                .change(|state| state.kept.insert(id.to_owned(), event));
        }
        self.wire.begin("")?;
        self.wire
            .piece(format!("id: {id}\nretry: 50\ndata:\n\n").as_bytes())?;
        self.wire.cut()
    }

    /// Asks the person by the stream of the call.
    fn ask(&mut self) -> io::Result<()> {
        self.wire.begin("")?;
        let question = question("by-the-call");
        self.wire.piece(question.as_bytes())?;
        let answered = |state: &State| state.answers.get("by-the-call").cloned();
        let answer = self.core.wait(answered).unwrap_or_default();
        let mut result = self.act();
        result["content"][0]["text"] = json!(answer["result"]["action"]);
        let event = self.event(&result);
        self.wire.piece(event.as_bytes())?;
        self.wire.end()
    }

    fn listen(&mut self) -> io::Result<()> {
        if let Some(status) = self.core.state().get {
            return self.wire.answer(status, "Retry-After: 1\r\n", b"");
        }
        let last = self.request.header("Last-Event-ID").unwrap_or_default();
        let kept = self.core.state().kept.remove(last);
        self.wire.begin("")?;
        if let Some(rest) = kept {
            self.wire.piece(&rest)?;
        }
        let (sender, events) = channel();
        self.core.change(|state| state.streams.push(sender));
        for event in events {
            self.wire.piece(&event)?;
        }
        self.wire.cut()
    }
}

/// An event with a question to the person.
pub fn question(id: &str) -> String {
    let params = json!({"message": "?", "requestedSchema": {"type": "object", "properties": {}}});
    let question =
        json!({"jsonrpc": "2.0", "id": id, "method": "elicitation/create", "params": params});
    format!("data: {question}\n\n")
}
