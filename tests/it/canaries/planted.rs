//! The test of the test: a leak planted in each place and in each form is found, and what stands
//! where it may stand is not.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::Scene;
use crate::support::sandbox::Run;

const HOUR: Duration = Duration::from_secs(3600);

fn scene() -> (Scene, String) {
    let mut scene = Scene::seeded(HOUR);
    scene.learn();
    let token = scene
        .sandbox
        .record()
        .tokens
        .access_token()
        .expose()
        .to_owned();
    (scene, token)
}

fn said(stdout: &str, stderr: &str) -> Run {
    Run {
        code: Some(0),
        stdout: stdout.into(),
        stderr: stderr.into(),
    }
}

#[track_caller]
fn assert_found(hits: &[String], place: &str, token: &str) {
    assert!(!hits.is_empty(), "not found: {place}");
    for hit in hits {
        assert!(hit.contains(place), "{hit} instead of {place}");
        assert!(!hit.contains(token), "the finder leaks: {hit}");
    }
}

#[test]
fn a_token_in_its_record_is_no_leak() {
    let (scene, token) = scene();
    let record = fs::read_to_string(scene.sandbox.record_file()).expect("a record");
    assert!(record.contains(&token));
    assert_eq!(scene.leaks(&[&said("", "")]), Vec::<String>::new());
}

#[test]
fn a_token_in_the_state_folder_is_found_in_every_form() {
    let written = |token: &str, each: fn(&u8) -> String| -> Vec<u8> {
        token
            .bytes()
            .map(|byte| each(&byte))
            .collect::<String>()
            .into()
    };
    for shift in 0..3 {
        let (scene, token) = scene();
        let basic = format!("{}{token}!", "x".repeat(shift));
        let forms: [Vec<u8>; 7] = [
            token.clone().into(),
            format!("half of it: {}", &token[token.len() / 2..]).into(),
            written(&token, |byte| format!("{byte:02x}")),
            written(&token, |byte| format!("%{byte:02X}")),
            token.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            encoded(basic.as_bytes(), *b"+/"),
            encoded(basic.as_bytes(), *b"-_"),
        ];
        for form in forms {
            let file = scene.sandbox.state_dir().join("a.log");
            fs::write(&file, [b"at 12:00: ", form.as_slice(), b"\n"].concat()).expect("a file");
            assert_found(&scene.leaks(&[]), "a.log", &token);
            fs::remove_file(&file).expect("a file");
        }
        assert_eq!(scene.leaks(&[]), Vec::<String>::new());
    }
}

/// Each form in each place: what is found in one would be found in all.
#[test]
fn a_token_is_found_in_every_place_in_every_form() {
    let forms: [fn(&str) -> String; 4] = [
        str::to_owned,
        |token| String::from_utf8(encoded(token.as_bytes(), *b"+/")).expect("letters"),
        |token| token.bytes().map(|byte| format!("%{byte:02x}")).collect(),
        |token| token.chars().flat_map(|c| [c, '\0']).collect(),
    ];
    for form in forms {
        let (scene, token) = scene();
        let text = format!("x {} y", form(&token));
        assert_found(&scene.leaks(&[&said("", &text)]), "standard error", &token);
        assert_found(&scene.leaks(&[&said(&text, "")]), "standard output", &token);
        let key = scene.sandbox.app().key();
        let log = scene.sandbox.state_folder().log(&key);
        for file in [log, scene.sandbox.config_dir().join("config.toml")] {
            fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
            fs::write(&file, &text).expect("a file");
            let name = file
                .file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            assert_found(&scene.leaks(&[]), &name, &token);
            fs::remove_file(&file).expect("a file");
        }
        let finder = scene.secrets.finder();
        for place in ["arguments", "environment", "a request line"] {
            assert_found(&finder.find(place, text.as_bytes()), place, &token);
        }
        assert_eq!(scene.leaks(&[&said("", "")]), Vec::<String>::new());
    }
}

/// Base64 as any other program writes it (RFC 4648 sections 4 and 5).
fn encoded(bytes: &[u8], last: [u8; 2]) -> Vec<u8> {
    let letters: Vec<u8> = (b'A'..=b'Z')
        .chain(b'a'..=b'z')
        .chain(b'0'..=b'9')
        .chain(last)
        .collect();
    let mut text = Vec::new();
    for group in bytes.chunks(3) {
        let byte = |at: usize| usize::from(group.get(at).copied().unwrap_or(0));
        let number = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..=group.len() {
            text.push(letters[number >> (18 - 6 * at) & 63]);
        }
    }
    text
}

#[test]
fn a_token_beside_the_records_in_the_configuration_or_in_a_name_is_found() {
    for (path, place) in [
        ("state/outcome", "outcome"),
        ("state/deep/er/core", "core"),
        ("config/config.toml", "config.toml"),
    ] {
        let (scene, token) = scene();
        let path = scene.sandbox.home().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, format!("x={token}")).expect("a file");
        assert_found(&scene.leaks(&[]), place, &token);
    }
    let (scene, token) = scene();
    fs::write(scene.sandbox.state_dir().join(&token), "").expect("a file");
    assert_eq!(scene.leaks(&[]).len(), 2, "as a whole and its second half");
}

#[test]
fn a_token_in_the_output_is_found() {
    let (scene, token) = scene();
    let line = format!("ghtok: error: {token} is no good\n");
    assert_found(&scene.leaks(&[&said("", &line)]), "standard error", &token);
    assert_found(&scene.leaks(&[&said(&line, "")]), "standard output", &token);
    // `get` may say it once.
    let twice = super::without_the_token(said(&format!("{token}\n{token}\n"), ""), &scene);
    assert_found(&scene.leaks(&[&twice]), "standard output", &token);
    let once = super::without_the_token(said(&format!("{token}\n"), ""), &scene);
    assert_eq!(scene.leaks(&[&once]), Vec::<String>::new());
}

#[test]
fn a_token_in_the_arguments_or_the_environment_of_a_process_is_found() {
    for in_arguments in [true, false] {
        let (scene, token) = scene();
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", "echo; read line", "sh"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .env_clear();
        if in_arguments {
            command.arg(&token);
        } else {
            command.env("TOKEN", &token);
        }
        let mut child = command.spawn().expect("a shell");
        // Before its first word it may have no arguments yet.
        let mut stdout = child.stdout.take().expect("a pipe");
        stdout.read_exact(&mut [0]).expect("a word");
        let (seen, hits) = scene
            .secrets
            .finder()
            .find_in_processes(child.id(), "no such host");
        drop(child.stdin.take());
        child.wait().expect("an end");
        assert_eq!(seen, 1);
        let place = if in_arguments {
            "arguments"
        } else {
            "environment"
        };
        assert_found(&hits, place, &token);
    }
}

#[test]
fn a_token_in_a_request_line_is_found() {
    for line in ["/login/device?token=", "/user/"] {
        let (scene, token) = scene();
        let mut stream = TcpStream::connect(scene.fake.host()).expect("a connection");
        write!(stream, "GET {line}{token} HTTP/1.1\r\nHost: x\r\n\r\n").expect("a request");
        let _ = stream.read(&mut [0; 16]).expect("an answer");
        assert_found(&scene.leaks(&[]), "a request line", &token);
    }
}

#[test]
fn a_rescue_key_and_a_device_code_are_looked_for_too() {
    let (mut scene, _) = scene();
    let (key, code) = ([0xa7_u8; 32], "0123456789abcdef0123456789abcdef01234567");
    scene.secrets.add(key.as_slice());
    scene.secrets.add(code);
    let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    for text in [hex.as_str(), code] {
        assert_found(&scene.leaks(&[&said("", text)]), "standard error", text);
    }
    fs::write(scene.sandbox.state_dir().join("raw"), key).expect("a file");
    assert_found(&scene.leaks(&[]), "raw", "a7a7a7a7");
}
