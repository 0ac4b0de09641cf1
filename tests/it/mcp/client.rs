//! `ghtok mcp` around a server of ours, and the client's end of it.

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use fake_github::FakeGitHub;
use rustix::process::{Pid, test_kill_process};
use serde_json::{Value, json};

use crate::support::sandbox::{Program, Sandbox};

pub const HOUR: Duration = Duration::from_secs(3600);
/// More than anything takes on a busy machine.
pub const LONG: Duration = Duration::from_secs(30);

/// A client with a wrapped server.
pub struct Client {
    pub child: Child,
    pub input: Option<ChildStdin>,
    pub lines: Receiver<String>,
    /// Standard output, while it is not read.
    unread: Option<ChildStdout>,
    pub stderr: Receiver<String>,
    deeds: PathBuf,
    next: u32,
}

impl Client {
    pub fn start(
        fake: &FakeGitHub,
        sandbox: &Sandbox,
        program: Program,
        flags: &[&str],
        options: &[&str],
    ) -> Self {
        Self::of(Self::command(fake, sandbox, program, flags, options))
    }

    /// With a server that a shell starts, by a script that ends with `exec "$@"`.
    pub fn start_by(fake: &FakeGitHub, sandbox: &Sandbox, script: &str) -> Self {
        let usual = Self::command(fake, sandbox, Program::Real, &[], &[]);
        let server = usual.get_args().skip(2).map(ToOwned::to_owned);
        let mut arguments: Vec<OsString> = ["mcp", "--", "sh", "-c", script, "sh"]
            .map(OsString::from)
            .into();
        arguments.extend(server);
        let mut command = sandbox.command(Program::Real, arguments);
        command.env("PATH", std::env::var("PATH").expect("a path"));
        Self::of(command)
    }

    /// How the product is started with a server of ours.
    pub fn command(
        fake: &FakeGitHub,
        sandbox: &Sandbox,
        program: Program,
        flags: &[&str],
        options: &[&str],
    ) -> Command {
        let deeds = sandbox.home().join("deeds").display().to_string();
        let server = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/mcp/server.py");
        let api = format!("{}/api/v3", fake.base_url());
        let mut arguments = vec!["mcp"];
        arguments.extend(flags);
        arguments.extend(["--", "python3", server, &deeds, &api]);
        arguments.extend(options);
        let mut command = sandbox.command(program, &arguments);
        command.env("PATH", std::env::var("PATH").expect("a path"));
        command
    }

    /// The usual: the product, signed in, with a client of this revision and these capabilities.
    pub fn signed_in(
        fake: &FakeGitHub,
        sandbox: &Sandbox,
        flags: &[&str],
        capabilities: &Value,
    ) -> Self {
        sandbox.seed(fake, HOUR);
        let mut client = Self::start(fake, sandbox, Program::Real, flags, &[]);
        client.open("2025-11-25", capabilities);
        client
    }

    /// A client that does not read before [`Self::read`].
    pub fn unread(fake: &FakeGitHub, sandbox: &Sandbox) -> Self {
        Self::spawn(Self::command(fake, sandbox, Program::Real, &[], &[]))
    }

    /// A wrapper by this command.
    pub fn of(command: Command) -> Self {
        let mut client = Self::spawn(command);
        client.read();
        client
    }

    fn spawn(mut command: Command) -> Self {
        let home = command.get_envs().find(|(name, _)| *name == "HOME");
        let home = home.and_then(|(_, home)| home).expect("a home");
        let deeds = PathBuf::from(home).join("deeds");
        let mut child = command.stdin(Stdio::piped()).spawn().expect("ghtok starts");
        Self {
            input: child.stdin.take(),
            unread: child.stdout.take(),
            lines: channel().1,
            stderr: read(child.stderr.take().expect("stderr")),
            child,
            deeds,
            next: 0,
        }
    }

    /// Reads standard output from now on.
    pub fn read(&mut self) {
        self.lines = read(self.unread.take().expect("not read before"));
    }

    pub fn send(&mut self, message: &Value) {
        let input = self.input.as_mut().expect("open");
        writeln!(input, "{message}").expect("the wrapper reads");
    }

    pub fn receive(&self) -> Value {
        let line = self.lines.recv_timeout(LONG).expect("a line in time");
        serde_json::from_str(&line).expect("JSON on standard output, and nothing else")
    }

    pub fn ask(&mut self, method: &str, params: &Value) -> u32 {
        self.next += 1;
        let id = self.next;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        id
    }

    /// Asks, and waits for the answer to that; what comes before it must be notifications.
    pub fn get(&mut self, method: &str, params: &Value) -> Value {
        let id = self.ask(method, params);
        self.answer_to(id)
    }

    pub fn answer_to(&self, id: u32) -> Value {
        loop {
            let message = self.receive();
            if message["id"] == json!(id) {
                return message;
            }
            assert!(message.get("id").is_none(), "{message}");
        }
    }

    pub fn open(&mut self, version: &str, capabilities: &Value) {
        let client = json!({"name": "test", "version": "1"});
        let params =
            json!({"protocolVersion": version, "capabilities": capabilities, "clientInfo": client});
        let answer = self.get("initialize", &params);
        assert_eq!(answer["result"]["protocolVersion"], version, "{answer}");
        self.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    }

    pub fn notify(&mut self, method: &str, params: &Value) {
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    /// Answers a request of the server's.
    pub fn answer(&mut self, request: &Value, result: &Value) {
        self.send(&json!({"jsonrpc": "2.0", "id": request["id"], "result": result}));
    }

    /// Asks for a tool, without waiting.
    pub fn begin(&mut self, tool: &str, arguments: &Value) -> u32 {
        self.ask("tools/call", &json!({"name": tool, "arguments": arguments}))
    }

    pub fn call(&mut self, tool: &str, arguments: &Value) -> Value {
        let params = json!({"name": tool, "arguments": arguments});
        self.get("tools/call", &params)["result"].take()
    }

    pub fn text(&mut self, tool: &str) -> String {
        self.text_with(tool, &json!({}))
    }

    pub fn text_with(&mut self, tool: &str, arguments: &Value) -> String {
        let result = self.call(tool, arguments);
        result["content"][0]["text"]
            .as_str()
            .expect("a text")
            .to_owned()
    }

    /// What the server in use says that it was told.
    pub fn known(&mut self) -> Value {
        serde_json::from_str(&self.text("known")).expect("JSON")
    }

    /// What all servers did, a line each.
    pub fn deeds(&self) -> Vec<String> {
        let text = fs::read_to_string(&self.deeds).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// How often a server that counts it was started.
    pub fn starts(&self) -> usize {
        let starts = fs::read_to_string(self.deeds.with_extension("starts"));
        starts.unwrap_or_default().lines().count()
    }

    /// Closes standard input; the exit code, and all that was said on standard error.
    pub fn close(mut self) -> (Option<i32>, String) {
        drop(self.input.take());
        let code = wait(&mut self.child);
        (code, self.stderr.try_iter().collect::<Vec<_>>().join("\n"))
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The lines of a stream, as they come.
pub fn read(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    lines
}

/// The text of a call's answer.
#[track_caller]
pub fn text_of(answer: &Value) -> &str {
    let text = answer["result"]["content"][0]["text"].as_str();
    text.unwrap_or_else(|| panic!("no text: {answer}"))
}

/// Waits for a process's end: its exit code.
pub fn wait(child: &mut Child) -> Option<i32> {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("a status") {
            return status.code();
        }
        assert!(started.elapsed() < LONG, "it does not end");
        std::thread::sleep(Duration::from_millis(10));
    }
}

pub fn is_alive(pid: &str) -> bool {
    let pid = Pid::from_raw(pid.parse().expect("a number")).expect("a process");
    test_kill_process(pid).is_ok()
        && !fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()))
            .is_ok_and(|stat| stat.contains(") Z "))
}

pub fn soon(what: &str, mut so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !so() {
        assert!(started.elapsed() < LONG, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
