//! The program for people.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use crate::client::form_request;

const PROGRAM: &str = env!("CARGO_BIN_EXE_fake-github");

#[test]
#[cfg(unix)]
fn it_says_how_to_begin_reports_requests_and_stops_with_its_input() {
    let mut program = Command::new(PROGRAM)
        .args([
            "--client-id",
            "Iv1.one",
            "--client-id",
            "Iv1.two",
            "--interval",
            "1",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut lines = BufReader::new(program.stdout.take().expect("piped")).lines();
    let mut next = || lines.next().expect("a line").expect("text");
    let first = next();
    let host = first
        .split("http://")
        .nth(1)
        .and_then(|rest| rest.split(';').next())
        .expect("a host");
    assert_eq!(next(), "try:");
    assert!(next().contains("GHTOK_STATE_DIR"));
    for client_id in ["Iv1.one", "Iv1.two"] {
        let line = next();
        assert_eq!(
            line.trim(),
            format!("ghtok login --host {host} --client-id {client_id} --store file")
        );
    }
    let mut stream = TcpStream::connect(host).expect("it listens");
    let request = form_request("/login/device/code", &[("client_id", "Iv1.two")]);
    stream.write_all(request.as_bytes()).expect("sent");
    stream.read_to_end(&mut Vec::new()).expect("an answer");
    assert_eq!(next(), "DeviceCode: POST /login/device/code -> 200");
    drop(program.stdin.take());
    assert!(program.wait().expect("it ends").success());
}

#[test]
fn it_stops_after_its_time_and_explains_its_arguments() {
    let run = |arguments: &[&str]| {
        Command::new(PROGRAM)
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .expect("it runs")
    };
    assert!(run(&["--for", "0"]).status.success());
    for wrong in [&["--port"][..], &["--port", "x"], &["--what", "1"]] {
        let output = run(wrong);
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).contains("usage: fake-github"));
    }
}
