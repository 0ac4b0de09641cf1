//! What is no JSON, or cannot be read: passed on, or shown, and nobody waits for it.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::AsFd;
use std::process::{Command, Stdio};
use std::time::Duration;

use fake_github::FakeGitHub;
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use serde_json::{Value, json};

use super::client::{Client, HOUR, LONG};
use crate::support::sandbox::{Program, Sandbox};

/// Starts the product around a shell script that is the server.
fn around(sandbox: &Sandbox, script: &str) -> Command {
    let mut command = sandbox.command(Program::Real, ["mcp", "--", "sh", "-c", script]);
    command
        .env("PATH", std::env::var("PATH").expect("a path"))
        .stdin(Stdio::piped());
    command
}

/// Writes all at once, and reads to the end.
fn passed(mut command: Command, input: &[u8]) -> (Vec<u8>, String) {
    let mut child = command.spawn().expect("ghtok starts");
    let mut stdin = child.stdin.take().expect("open");
    stdin.write_all(input).expect("the wrapper reads");
    drop(stdin);
    let output = child.wait_with_output().expect("an end");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.stdout, stderr)
}

/// Either way: `cat` sends back what it gets.
#[test]
fn bytes_that_cannot_be_read_are_passed_on() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sandbox.seed(&fake, HOUR);
    for input in [
        &b"{\"id\":1,\"result\":{\"text\":\"caf\xe9 \x97\"}}\n"[..],
        b"\xef\xbb\xbf{\"id\":1,\"result\":{}}\n",
        b"{\"id\":1,\"result\":{}}\r\n",
        b"\xef\xbb\xbf{\"id\":\"a\",\"error\":{\"message\":\"\xff\xfe\"}}\n{\"id\":2,\"result\":1}\n",
        b"{\"id\":1,\"result\":{\"last\":\"line without an end\"}}",
    ] {
        let (output, stderr) = passed(around(&sandbox, "cat"), input);
        let expected = [input, if input.ends_with(b"\n") { b"" } else { b"\n" }].concat();
        assert!(output == expected, "{:?} {stderr}", output.escape_ascii().to_string());
    }
}

/// A server's request gets an id of ours; the rest of it stays as it is.
#[test]
fn a_request_with_a_new_id_keeps_its_other_bytes() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sandbox.seed(&fake, HOUR);
    let script =
        r#"printf '\357\273\277{"id":0,"method":"roots/list","params":{"a":"\351"}}\n'; cat"#;
    let (output, stderr) = passed(around(&sandbox, script), b"{\"id\":1,\"result\":{}}\n");
    let expected = b"\xef\xbb\xbf{\"id\":\"ghtok:1:1\",\"method\":\"roots/list\",\"params\":{\"a\":\"\xe9\"}}\n{\"id\":1,\"result\":{}}\n";
    assert!(
        output == expected,
        "{:?} {stderr}",
        output.escape_ascii().to_string()
    );
}

/// The handshake behind a byte order mark is repeated to the next server too.
#[test]
fn a_client_that_begins_with_a_byte_order_mark_is_understood() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sandbox.seed(&fake, HOUR);
    let mut client = Client::start(&fake, &sandbox, Program::Real, &[], &[]);
    let input = client.input.as_mut().expect("open");
    input.write_all(b"\xef\xbb\xbf").expect("the wrapper reads");
    client.open("2025-11-25", &json!({}));
    sandbox.run(["refresh", "--force"]).expect_code(0);
    assert_eq!(client.text("write"), "ok");
    assert_eq!(client.known()["initialized"], 1);
}

#[test]
fn content_length_headers_get_one_note() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sandbox.seed(&fake, HOUR);
    let frame = b"Content-Length: 24\r\n\r\n{\"id\":1,\"result\":null}\n";
    let input = [&frame[..], frame].concat();
    let (_, stderr) = passed(around(&sandbox, "cat >/dev/null"), &input);
    let notes = |peer: &str| {
        stderr
            .matches(&format!("the {peer} sends Content-Length"))
            .count()
    };
    assert_eq!((notes("client"), notes("server")), (1, 0), "{stderr}");
    let script = "printf 'content-length: 24\\r\\n\\r\\n'; cat >/dev/null";
    let (_, stderr) = passed(around(&sandbox, script), b"");
    assert!(
        stderr.contains("the server sends Content-Length"),
        "{stderr}"
    );
}

/// The note about it is of no more importance than the noise: nobody waits for whoever does not read it.
#[test]
fn a_note_that_nobody_reads_delays_no_answer() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sandbox.seed(&fake, HOUR);
    // More than a pipe holds of the server's own standard error, and then a header.
    let script = "yes 2>/dev/null | head -c 200000 >&2 & sleep 0.5; printf 'Content-Length: 9\\n'; \
                  read line; echo '{\"id\":1,\"result\":{}}'; cat >/dev/null";
    let mut child = around(&sandbox, script)
        .stdin(Stdio::piped())
        .spawn()
        .expect("ghtok starts");
    let mut input = child.stdin.take().expect("open");
    let mut lines = BufReader::new(child.stdout.take().expect("open")).lines();
    writeln!(input, r#"{{"id":1,"method":"ping"}}"#).expect("the wrapper reads");
    let (sender, answer) = std::sync::mpsc::channel();
    std::thread::spawn(move || sender.send(lines.next()));
    let answer = answer.recv_timeout(LONG);
    drop(input);
    drop(child.stderr.take());
    child.wait().expect("an end");
    assert!(answer.is_ok(), "it waits for whoever reads standard error");
}

/// A client that does not read standard error is answered all the same; what was dropped is counted.
#[test]
fn noise_that_nobody_reads_delays_no_answer() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sandbox.seed(&fake, HOUR);
    let mut command = Client::command(&fake, &sandbox, Program::Real, &[], &[]);
    let mut child = command.stdin(Stdio::piped()).spawn().expect("ghtok starts");
    let mut input = child.stdin.take().expect("open");
    let mut lines = BufReader::new(child.stdout.take().expect("open")).lines();
    let mut get = |id: u32, method: &str, params: Value| {
        let request = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        writeln!(input, "{request}").expect("the wrapper reads");
        let line = lines.next().expect("a line").expect("text");
        let answer: Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(answer["id"], id, "{answer}");
    };
    get(
        1,
        "initialize",
        json!({"protocolVersion": "2025-11-25", "capabilities": {}}),
    );
    for id in 2..5 {
        let noise = json!({"name": "noise", "arguments": {"lines": 20_000}});
        get(id, "tools/call", noise);
    }
    drop(input);
    let mut stderr = String::new();
    let mut pipe = child.stderr.take().expect("open");
    pipe.read_to_string(&mut stderr).expect("text");
    assert!(stderr.contains("progress progress"), "what fits is shown");
    assert!(
        stderr.contains("that were no JSON are not shown"),
        "{}",
        stderr.len()
    );
    assert_eq!(child.wait().expect("an end").code(), Some(0));
}

/// The flag belongs to the open file: whoever shares it may have set it.
#[test]
fn pipes_that_do_not_block_lose_nothing() {
    const SIZE: usize = 3_000_000;
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sandbox.seed(&fake, HOUR);
    let does_not_block = |pipe: &dyn AsFd| {
        let flags = fcntl_getfl(pipe.as_fd()).expect("flags");
        fcntl_setfl(pipe.as_fd(), flags | OFlags::NONBLOCK).expect("flags");
    };
    let (stdin, mut input) = std::io::pipe().expect("a pipe");
    let (output, stdout) = std::io::pipe().expect("a pipe");
    does_not_block(&stdin);
    does_not_block(&stdout);
    let mut command = Client::command(&fake, &sandbox, Program::Real, &[], &[]);
    let mut child = command
        .stdin(stdin)
        .stdout(stdout)
        .spawn()
        .expect("ghtok starts");
    drop(command);
    // It finds nothing to read at first, and a full pipe later.
    std::thread::sleep(Duration::from_millis(300));
    let opening = json!({"protocolVersion": "2025-11-25", "capabilities": {}});
    let big = json!({"name": "big", "arguments": {"size": SIZE}});
    for (id, method, params) in [(1, "initialize", opening), (2, "tools/call", big)] {
        let request = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        writeln!(input, "{request}").expect("the wrapper reads");
    }
    std::thread::sleep(Duration::from_millis(500));
    let mut lines = BufReader::new(output).lines();
    for id in 1..3 {
        let line = lines.next().expect("a line").expect("text");
        let answer: Value = serde_json::from_str(&line).expect("a whole line");
        assert_eq!(answer["id"], id);
        assert!(id == 1 || line.len() > SIZE);
    }
    drop(input);
    assert_eq!(child.wait().expect("an end").code(), Some(0));
}
