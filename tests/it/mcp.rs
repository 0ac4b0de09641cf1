//! `ghtok mcp` around a real server process, with a client that is these tests.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use fake_github::{Endpoint, FakeGitHub};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::{Value, json};

use crate::support::sandbox::{Program, Sandbox};
use crate::support::signing_in::hurried_fake;

const HOUR: Duration = Duration::from_secs(3600);
const LONG: Duration = Duration::from_secs(30);

/// A client with a wrapped server.
struct Client {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    stderr: Receiver<String>,
    deeds: PathBuf,
    next: u32,
}

impl Client {
    fn start(
        fake: &FakeGitHub,
        sandbox: &Sandbox,
        program: Program,
        flags: &[&str],
        options: &[&str],
    ) -> Self {
        let deeds = sandbox.home().join("deeds");
        let mut arguments: Vec<String> = vec!["mcp".into()];
        arguments.extend(flags.iter().map(|flag| (*flag).to_owned()));
        let server = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/mcp_server.py");
        let api = format!("{}/api/v3", fake.base_url());
        arguments.extend(
            ["--", "python3", server, &deeds.display().to_string(), &api].map(str::to_owned),
        );
        arguments.extend(options.iter().map(|option| (*option).to_owned()));
        let mut command = sandbox.command(program, &arguments);
        command.env("PATH", std::env::var("PATH").expect("a path"));
        Self::of(command, deeds)
    }

    fn of(mut command: Command, deeds: PathBuf) -> Self {
        let mut child = command.stdin(Stdio::piped()).spawn().expect("ghtok starts");
        let input = child.stdin.take();
        let stdout = child.stdout.take().expect("stdout");
        let stderr = child.stderr.take().expect("stderr");
        Self {
            child,
            input,
            lines: read(stdout),
            stderr: read(stderr),
            deeds,
            next: 0,
        }
    }

    fn send(&mut self, message: &Value) {
        let input = self.input.as_mut().expect("open");
        writeln!(input, "{message}").expect("the wrapper reads");
    }

    fn receive(&self) -> Value {
        let line = self.lines.recv_timeout(LONG).expect("a line in time");
        serde_json::from_str(&line).expect("JSON on standard output, and nothing else")
    }

    fn ask(&mut self, method: &str, params: &Value) -> u32 {
        self.next += 1;
        let id = self.next;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        id
    }

    /// Asks, and waits for the answer to that; what comes before it must be notifications.
    fn get(&mut self, method: &str, params: &Value) -> Value {
        let id = self.ask(method, params);
        self.answer_to(id)
    }

    fn answer_to(&self, id: u32) -> Value {
        loop {
            let message = self.receive();
            if message["id"] == json!(id) {
                return message;
            }
            assert!(message.get("id").is_none(), "{message}");
        }
    }

    fn open(&mut self, version: &str, capabilities: &Value) {
        let client = json!({"name": "test", "version": "1"});
        let params =
            json!({"protocolVersion": version, "capabilities": capabilities, "clientInfo": client});
        let answer = self.get("initialize", &params);
        assert_eq!(answer["result"]["protocolVersion"], version, "{answer}");
        self.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    }

    fn call(&mut self, tool: &str, arguments: &Value) -> Value {
        let params = json!({"name": tool, "arguments": arguments});
        self.get("tools/call", &params)["result"].take()
    }

    fn text(&mut self, tool: &str) -> String {
        let result = self.call(tool, &json!({}));
        result["content"][0]["text"]
            .as_str()
            .expect("a text")
            .to_owned()
    }

    fn deeds(&self) -> Vec<String> {
        let text = fs::read_to_string(&self.deeds).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Closes standard input; the exit code, and all that was said on standard error.
    fn close(mut self) -> (Option<i32>, String) {
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

fn read(stream: impl Read + Send + 'static) -> Receiver<String> {
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

fn wait(child: &mut Child) -> Option<i32> {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("a status") {
            return status.code();
        }
        assert!(started.elapsed() < LONG, "it does not end");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn is_alive(pid: &str) -> bool {
    let pid = Pid::from_raw(pid.parse().expect("a number")).expect("a process");
    test_kill_process(pid).is_ok()
        && !fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()))
            .is_ok_and(|stat| stat.contains(") Z "))
}

fn soon(what: &str, mut so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !so() {
        assert!(started.elapsed() < LONG, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_server_has_the_token_and_nothing_else_has() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let token = sandbox.seed(&fake, HOUR).access_token;
    let mut client = Client::start(&fake, &sandbox, Program::Real, &[], &["junk"]);
    client.open("2025-11-25", &json!({}));
    assert_eq!(client.text("look"), "ok");
    assert_eq!(client.text("token"), token);
    let argv = fs::read(format!("/proc/{}/cmdline", client.child.id())).expect("argv");
    assert!(!String::from_utf8_lossy(&argv).contains(&token));
    let (code, stderr) = client.close();
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stderr.contains("starting with [token]"), "{stderr}");
    assert!(stderr.contains("this is no JSON"), "{stderr}");
    assert!(!stderr.contains(&token), "{stderr}");
}

/// P8: the conversation goes on when the token ends, and no call is lost, doubled or refused.
#[test]
fn p8_calls_go_on_while_tokens_come_and_go() {
    let fake = FakeGitHub::builder()
        .access_lifetime(Duration::from_secs(6))
        .start()
        .expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sandbox.seed(&fake, Duration::from_secs(6));
    let mut client = Client::start(&fake, &sandbox, Program::Real, &[], &[]);
    client.open("2025-11-25", &json!({}));
    client.get("tools/list", &json!({}));
    let started = Instant::now();
    let mut done = 0;
    while started.elapsed() < Duration::from_secs(20) {
        let ids: Vec<u32> = (0..4)
            .map(|at| {
                let arguments = json!({"n": done + at});
                client.ask(
                    "tools/call",
                    &json!({"name": "write", "arguments": arguments}),
                )
            })
            .collect();
        let mut left = ids.clone();
        while !left.is_empty() {
            let message = client.receive();
            let Some(id) = message["id"].as_u64() else {
                continue;
            };
            let at = left.iter().position(|known| u64::from(*known) == id);
            left.remove(at.expect("each call is answered once"));
            assert_eq!(message["result"]["content"][0]["text"], "ok", "{message}");
        }
        done += ids.len();
        std::thread::sleep(Duration::from_millis(50));
    }
    let deeds = client.deeds();
    assert_eq!(deeds.len(), done, "none lost, none doubled");
    assert!(
        fake.count(Endpoint::Refresh) >= 3,
        "{}",
        fake.count(Endpoint::Refresh)
    );
    assert_eq!(fake.count(Endpoint::DeviceCode), 0);
    let (code, stderr) = client.close();
    assert_eq!(code, Some(0), "{stderr}");
}

/// P7: a token that was revoked costs one look at the API, and the call is made again.
#[test]
fn p7_a_refused_token_is_checked_once_and_healed() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let pair = sandbox.seed(&fake, HOUR);
    let mut client = Client::start(&fake, &sandbox, Program::Real, &[], &[]);
    client.open("2025-06-18", &json!({}));
    client.get("tools/list", &json!({}));
    assert_eq!(client.text("look"), "ok");
    fake.revoke(&pair.access_token);
    assert_eq!(client.text("look"), "ok", "made again: it only reads");
    assert_eq!(fake.count(Endpoint::Refresh), 1);
}

/// P8: a token that another process refreshed is adopted before the next call.
#[test]
fn a_refresh_of_another_process_is_noticed_before_the_next_call() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sandbox.seed(&fake, HOUR);
    let mut client = Client::start(&fake, &sandbox, Program::Real, &[], &[]);
    client.open("2025-11-25", &json!({}));
    assert_eq!(client.text("look"), "ok");
    sandbox.run(["refresh", "--force"]).expect_code(0);
    assert_eq!(client.text("write"), "ok");
    let token = sandbox.run(["get"]).expect_code(0).token().to_owned();
    assert_eq!(client.text("token"), token);
    assert_eq!(fake.count(Endpoint::Refresh), 1);
}

/// P5: nothing is asked before a tool is called, and then only once for two clients.
#[test]
fn p5_two_clients_sign_in_with_one_code_by_their_own_dialogs() {
    let fake = hurried_fake().start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let start = || Client::start(&fake, &sandbox, Program::Hurried, &[], &[]);
    let (mut pages, mut forms) = (start(), start());
    pages.open(
        "2025-11-25",
        &json!({"elicitation": {"url": {}, "form": {}}}),
    );
    forms.open("2025-06-18", &json!({"elicitation": {}}));
    for client in [&mut pages, &mut forms] {
        let tools = client.get("tools/list", &json!({}));
        assert!(tools["result"]["tools"].is_array(), "{tools}");
    }
    assert_eq!(fake.count(Endpoint::DeviceCode), 0);
    let call = json!({"name": "write", "arguments": {}});
    let first = pages.ask("tools/call", &call);
    let page = pages.receive();
    assert_eq!(page["method"], "elicitation/create", "{page}");
    assert_eq!(page["params"]["mode"], "url");
    let second = forms.ask("tools/call", &call);
    let form = forms.receive();
    assert!(form["params"]["requestedSchema"].is_object(), "{form}");
    let code = fake.pending_codes().pop().expect("a code");
    for dialog in [&page, &form] {
        assert!(
            dialog["params"]["message"]
                .as_str()
                .expect("a text")
                .contains(&code)
        );
    }
    pages.send(&json!({"jsonrpc": "2.0", "id": page["id"], "result": {"action": "accept"}}));
    fake.approve(&code);
    for (client, id) in [(&pages, first), (&forms, second)] {
        let answer = client.answer_to(id);
        assert_eq!(answer["result"]["content"][0]["text"], "ok", "{answer}");
    }
    assert_eq!(fake.count(Endpoint::DeviceCode), 1);
}

#[test]
fn a_client_without_dialogs_reads_the_code_in_the_tools_result() {
    let fake = hurried_fake().start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let mut client = Client::start(&fake, &sandbox, Program::Hurried, &[], &[]);
    client.open("2024-11-05", &json!({}));
    let result = client.call("write", &json!({}));
    assert_eq!(result["isError"], true);
    let code = fake.pending_codes().pop().expect("a code");
    assert!(
        result["content"][0]["text"]
            .as_str()
            .expect("a text")
            .contains(&code)
    );
    fake.approve(&code);
    soon("the approval is noticed", || client.text("write") == "ok");
    assert_eq!(fake.count(Endpoint::DeviceCode), 1);
}

/// P5: `--no-prompt` forbids it, and a no is a no for a minute.
#[test]
fn p5_who_may_not_be_asked_is_told_the_command() {
    let fake = hurried_fake().start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let mut client = Client::start(&fake, &sandbox, Program::Real, &["--no-prompt"], &[]);
    client.open("2025-06-18", &json!({"elicitation": {}}));
    let result = client.call("write", &json!({}));
    let text = result["content"][0]["text"].as_str().expect("a text");
    assert!(text.contains("ghtok login"), "{text}");
    assert_eq!(fake.count(Endpoint::DeviceCode), 0);

    let mut client = Client::start(&fake, &sandbox, Program::Real, &[], &[]);
    client.open("2025-06-18", &json!({"elicitation": {}}));
    let id = client.ask("tools/call", &json!({"name": "write", "arguments": {}}));
    let dialog = client.receive();
    std::thread::sleep(Duration::from_millis(600));
    client.send(&json!({"jsonrpc": "2.0", "id": dialog["id"], "result": {"action": "decline"}}));
    let answer = client.answer_to(id);
    assert!(
        answer["result"]["content"][0]["text"]
            .as_str()
            .expect("a text")
            .contains("declined")
    );
    assert_eq!(client.call("write", &json!({}))["isError"], true);
    assert_eq!(fake.count(Endpoint::DeviceCode), 1);
    assert!(client.deeds().is_empty(), "nothing reached the server");
}

/// The stateless revision: the dialog is the answer, and the call comes back.
#[test]
fn p5_a_modern_client_is_asked_by_the_answer() {
    let fake = hurried_fake().start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let mut client = Client::start(&fake, &sandbox, Program::Hurried, &[], &[]);
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {"elicitation": {"url": {}}},
    });
    let mut params = json!({"name": "write", "arguments": {"n": 1.50}, "_meta": meta});
    let asked = client.get("tools/call", &params)["result"].take();
    assert_eq!(asked["resultType"], "input_required", "{asked}");
    let request = &asked["inputRequests"]["ghtok.login"];
    assert_eq!(request["params"]["mode"], "url");
    let code = fake.pending_codes().pop().expect("a code");
    params["inputResponses"] = json!({"ghtok.login": {"action": "accept"}});
    params["requestState"] = asked["requestState"].clone();
    let id = client.ask("tools/call", &params);
    fake.approve(&code);
    let answer = client.answer_to(id);
    assert_eq!(answer["result"]["content"][0]["text"], "ok", "{answer}");
    assert_eq!(client.deeds(), ["write 1.5"]);
}

#[test]
fn a_server_that_dies_is_started_again_and_its_call_is_not_repeated() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sandbox.seed(&fake, HOUR);
    let mut client = Client::start(&fake, &sandbox, Program::Real, &[], &[]);
    client.open("2025-11-25", &json!({}));
    let before = client.text("pid");
    let result = client.call("die", &json!({}));
    assert_eq!(result["isError"], true, "{result}");
    assert_ne!(client.text("pid"), before);
    assert_eq!(
        client
            .deeds()
            .iter()
            .filter(|deed| deed.starts_with("die"))
            .count(),
        1
    );
    for _ in 0..3 {
        client.call("die", &json!({}));
    }
    assert_ne!(
        wait(&mut client.child),
        Some(0),
        "four deaths in a minute are the end"
    );
}

/// No server is left behind: not a stubborn one, and not when the wrapper is killed.
#[test]
fn no_server_outlives_its_wrapper() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sandbox.seed(&fake, HOUR);
    for end in ["close", "term", "kill"] {
        let mut client = Client::start(&fake, &sandbox, Program::Real, &[], &["stubborn"]);
        client.open("2025-11-25", &json!({}));
        let server = client.text("pid");
        let own = Pid::from_child(&client.child);
        match end {
            "close" => drop(client.input.take()),
            "term" => kill_process(own, Signal::TERM).expect("a signal"),
            _ => kill_process(own, Signal::KILL).expect("a signal"),
        }
        wait(&mut client.child);
        soon("the server ends", || !is_alive(&server));
    }
}

#[test]
fn long_lines_and_odd_json_pass_untouched() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sandbox.seed(&fake, HOUR);
    let echo = sandbox.home().join("echo.py");
    fs::write(&echo, "import sys\nfor line in sys.stdin.buffer:\n    sys.stdout.buffer.write(line); sys.stdout.buffer.flush()\n").expect("a server");
    let mut command = sandbox.command(
        Program::Real,
        ["mcp", "--", "python3", &echo.display().to_string()],
    );
    command.env("PATH", std::env::var("PATH").expect("a path"));
    let mut client = Client::of(command, echo);
    let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
    for line in [
        r#"{"jsonrpc":"2.0","method":"a","params":{"n":12345678901234567890123,"e":1.50E+02,"e":-0.0}}"#.to_owned(),
        "{\"method\" : \"\\u0061\\/b\" ,\"x\":\"\\ud83d\\ude00 é \u{2028}\" }".to_owned(),
        format!("{{\"method\":\"d\",\"params\":{{\"deep\":{deep}}}}}"),
        format!("{{\"method\":\"l\",\"params\":{{\"long\":\"{}\"}}}}", "x".repeat(8 * 1024 * 1024)),
    ] {
        let input = client.input.as_mut().expect("open");
        writeln!(input, "{line}").expect("the wrapper reads");
        let back = client.lines.recv_timeout(LONG).expect("a line");
        assert!(back == line, "{} bytes came back as {}", line.len(), back.len());
    }
}

#[test]
fn a_command_that_is_not_there_is_named() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let mut command = sandbox.command(Program::Real, ["mcp", "--", "no-such-server"]);
    let mut child = command.stdin(Stdio::piped()).spawn().expect("ghtok starts");
    assert_eq!(wait(&mut child), Some(127));
    sandbox.run(["mcp", "no-such-server"]).expect_code(125);
}

/// P5: a code that ran out is told, and the next call has a new one.
#[test]
fn p5_a_code_that_expires_ends_the_wait_and_the_next_call_asks_anew() {
    let fake = hurried_fake().start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let mut client = Client::start(&fake, &sandbox, Program::Hurried, &[], &[]);
    client.open("2025-06-18", &json!({"elicitation": {}}));
    let call = json!({"name": "write", "arguments": {}});
    let id = client.ask("tools/call", &call);
    let dialog = client.receive();
    client.send(&json!({"jsonrpc": "2.0", "id": dialog["id"], "result": {"action": "accept", "content": {}}}));
    let code = fake.pending_codes().pop().expect("a code");
    fake.expire(&code);
    let answer = client.answer_to(id);
    let text = answer["result"]["content"][0]["text"].as_str();
    assert!(text.expect("a text").contains("expired"), "{answer}");
    client.ask("tools/call", &call);
    let dialog = client.receive();
    let newer = fake.pending_codes().pop().expect("a new code");
    assert!(
        newer != code
            && dialog["params"]["message"]
                .as_str()
                .expect("a text")
                .contains(&newer)
    );
    assert_eq!(fake.count(Endpoint::DeviceCode), 2);
}

/// Who cancels the held call may still approve: the next call goes through, and no answer comes twice.
#[test]
fn an_approval_after_the_client_gave_up_counts() {
    let fake = hurried_fake().start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let mut client = Client::start(&fake, &sandbox, Program::Hurried, &[], &[]);
    client.open("2025-11-25", &json!({"elicitation": {"url": {}}}));
    let id = client.ask("tools/call", &json!({"name": "write", "arguments": {}}));
    assert_eq!(client.receive()["method"], "elicitation/create");
    client.send(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}}));
    let closed = client.receive();
    assert_eq!(closed["method"], "notifications/cancelled", "{closed}");
    fake.approve(&fake.pending_codes().pop().expect("a code"));
    soon("the sign-in is told", || sandbox.outcome().is_some());
    assert_eq!(client.text("write"), "ok");
    assert_eq!(client.deeds().len(), 1, "the cancelled call was not made");
    assert_eq!(fake.count(Endpoint::DeviceCode), 1);
}

/// P8: a call that outlives the drain is answered once, as unknown, and is not made again.
#[test]
fn p8_a_call_across_the_drain_limit_is_not_repeated() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sandbox.seed(&fake, HOUR);
    let flags = ["--max-drain", "1s"];
    let mut client = Client::start(&fake, &sandbox, Program::Real, &flags, &[]);
    client.open("2025-11-25", &json!({}));
    let slow = json!({"name": "slow", "arguments": {"seconds": 20}});
    let slow = client.ask("tools/call", &slow);
    soon("the call is under way", || client.deeds().len() == 1);
    sandbox.run(["refresh", "--force"]).expect_code(0);
    let next = client.ask("tools/call", &json!({"name": "write", "arguments": {}}));
    let answer = client.answer_to(slow);
    let text = answer["result"]["content"][0]["text"].as_str();
    assert!(text.expect("a text").contains("unknown"), "{answer}");
    assert_eq!(client.answer_to(next)["result"]["content"][0]["text"], "ok");
    assert_eq!(client.deeds(), ["slow ", "write "]);
}

/// A server that never answers the handshake does not keep the wrapper from ending.
#[test]
fn a_silent_server_is_ended_with_the_client() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sandbox.seed(&fake, HOUR);
    let mut client = Client::start(&fake, &sandbox, Program::Real, &[], &["silent"]);
    client.ask(
        "initialize",
        &json!({"protocolVersion": "2025-11-25", "capabilities": {}}),
    );
    let started = Instant::now();
    client.close();
    assert!(started.elapsed() < Duration::from_secs(10));
}
