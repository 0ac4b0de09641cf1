//! Lines: untouched, however long, at whatever pace they are read.

use std::fs;
use std::io::Write;

use fake_github::FakeGitHub;
use serde_json::json;

use super::client::{Client, HOUR, LONG, soon, text_of, wait};
use crate::support::sandbox::{Program, Sandbox};

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
    let mut client = Client::of(command);
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

/// A line of 64 MiB passes either way, and one that is longer ends the conversation.
#[test]
fn the_longest_line_passes_and_a_longer_one_ends_the_conversation() {
    const LONGEST: usize = 64 * 1024 * 1024;
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let mut client = Client::signed_in(&fake, &sandbox, &[], &json!({}));
    let around = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call",
        "params": {"name": "length", "arguments": {"text": ""}}});
    let text = LONGEST - around.to_string().len();
    assert_eq!(
        client.text_with("length", &json!({"text": "x".repeat(text)})),
        text.to_string()
    );
    // What stands around the text in the answer that Python writes.
    let around = client.text_with("big", &json!({"size": 10_000_000})).len();
    assert_eq!(around, 10_000_000);
    let frame = r#"{"jsonrpc": "2.0", "id": 4, "result": {"content": [{"type": "text", "text": ""}], "isError": false}}"#;
    let size = LONGEST - frame.len();
    assert_eq!(client.text_with("big", &json!({"size": size})).len(), size);
    let call = client.begin("big", &json!({"size": size + 1}));
    let answer = client.answer_to(call);
    assert!(
        answer.to_string().contains("unknown"),
        "the server is started again"
    );
    assert_eq!(client.text("write"), "ok");
    let line = json!({"id": 9, "method": "ping", "params": {"text": "x".repeat(LONGEST)}});
    let input = client.input.as_mut().expect("open");
    let _ = writeln!(input, "{line}");
    assert_eq!(wait(&mut client.child), Some(0));
    let stderr: Vec<String> = client.stderr.iter().collect();
    assert!(
        stderr.iter().any(|line| line.contains("64 MiB")),
        "{stderr:?}"
    );
}

/// A client that does not read makes the server wait, not the wrapper's memory grow; nothing is lost.
#[test]
fn a_slow_reader_costs_bounded_memory_and_loses_nothing() {
    const SIZE: usize = 1024 * 1024;
    const MANY: u32 = 200;
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sandbox.seed(&fake, HOUR);
    let mut client = Client::unread(&fake, &sandbox);
    let first = client.begin("big", &json!({"size": SIZE}));
    for _ in 1..MANY {
        client.begin("big", &json!({"size": SIZE}));
    }
    soon("the server waits", || {
        let before = client.deeds().len();
        std::thread::sleep(std::time::Duration::from_millis(700));
        before > 0 && client.deeds().len() == before
    });
    let done = client.deeds().len();
    assert!(done < 10, "{done} calls were made though nobody reads");
    let memory = memory_of(client.child.id());
    assert!(memory < 20 * 1024, "{memory} KiB");
    client.read();
    for id in first..first + MANY {
        let answer = client.receive();
        assert_eq!(answer["id"], id, "in order");
        assert_eq!(text_of(&answer).len(), SIZE);
    }
}

/// What a process has had in memory at most, in KiB (proc(5), `VmHWM`).
fn memory_of(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("a process");
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .expect("a line");
    line.split_whitespace()
        .nth(1)
        .and_then(|text| text.parse().ok())
        .expect("a number")
}

/// As `printf … | ghtok mcp -- CMD` has it.
#[test]
fn a_client_that_writes_all_at_once_and_closes_is_answered() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sandbox.seed(&fake, HOUR);
    let mut client = Client::start(&fake, &sandbox, Program::Real, &[], &[]);
    let params = json!({"protocolVersion": "2025-11-25", "capabilities": {}});
    let opened = client.ask("initialize", &params);
    let called = client.begin("write", &json!({}));
    drop(client.input.take());
    client.answer_to(opened);
    assert_eq!(text_of(&client.answer_to(called)), "ok");
    assert_eq!(wait(&mut client.child), Some(0));
}
