//! Texts of a server on a terminal: whatever stands in them, nothing that drives a terminal or deceives
//! a reader is shown. What `login` shows is tried with it.

use std::fs;
use std::time::Duration;

use fake_github::{CLIENT_ID, FakeGitHub};
use ghtok::testing::app::App;
use ghtok::testing::auth::record::Record;
use ghtok::testing::formats::plain_text::is_treacherous;
use ghtok::testing::host::Host;
use ghtok::testing::store::Slot;
use ghtok::testing::store::file::FileSlot;
use ghtok::testing::store::record::{decode, encode};
use serde_json::{Value, json};

use crate::support::canned::{Asked, Canned};
use crate::support::deadline::run_command;
use crate::support::processes::in_full;
use crate::support::sandbox::{ANSWER, Program, Run, Sandbox, record_of};

/// What drives a terminal (ECMA-48; xterm's control sequences), and what deceives a reader.
fn escapes() -> Vec<String> {
    let mut all: Vec<String> = (0..0x20)
        .chain(0x7f..0xa0)
        .map(|code| char::from(u8::try_from(code).expect("a byte")).to_string())
        .collect();
    // ESC and each final byte of its own: resets, charsets, keypads.
    all.extend(
        "78=>cDEHMNOPVWXZ\\^_nlo|}~"
            .chars()
            .map(|end| format!("\u{1b}{end}")),
    );
    let sequences = [
        "[2J",
        "[3J",
        "[H",
        "[1;1H",
        "[31m",
        "[38;5;1m",
        "[8m",
        "[0m",
        "[6n",
        "[5n",
        "[c",
        "[>c",
        "[?25l",
        "[?1049h",
        "[?2004h",
        "[?1000h",
        "[20t",
        "[21t",
        "[14t",
        "[!p",
        "[4h",
        "[1;5r",
        "[1A",
        "[1K",
        "[1P",
        "[1@",
        "[1S",
        "[1T",
        "[1X",
        "[1Z",
        "[1b",
        "[1g",
        "[1i",
        "[5i",
        "[1q",
        "]0;title\u{7}",
        "]2;title\u{1b}\\",
        "]52;c;aGVsbG8=\u{7}",
        "]8;;https://evil.example\u{7}",
        "]4;1;rgb:0/0/0\u{7}",
        "]10;?\u{7}",
        "]1337;File=:AA==\u{7}",
        "]777;notify;a;b\u{7}",
        "P$q\"p\u{1b}\\",
        "P+q544e\u{1b}\\",
        "_Gf=100;AA\u{1b}\\",
        "^x\u{1b}\\",
        "(0",
        "#8",
        "%G",
    ];
    all.extend(sequences.iter().map(|sequence| format!("\u{1b}{sequence}")));
    // The same by C1 alone, and what Unicode has to turn text round or to hide it.
    all.extend(["2J", "31m", "6n"].map(|rest| format!("\u{9b}{rest}")));
    all.extend(
        [
            "\u{9d}0;t\u{9c}",
            "\u{90}$q\u{9c}",
            "\r\nghtok: all is well",
            "\u{85}",
            "\u{2028}",
        ]
        .map(str::to_owned),
    );
    let deceivers = "\u{ad}\u{61c}\u{200b}\u{200e}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2060}\u{2066}\u{2067}\u{2068}\u{2069}\u{feff}\u{fff9}\u{e0041}";
    all.extend(deceivers.chars().map(String::from));
    all
}

/// Which of a server's texts is hostile.
#[derive(Clone, Copy, Debug)]
enum Where {
    Error,
    Description,
    ErrorUri,
    Message,
    Reason,
    Location,
    Header,
    Body,
    Login,
    TokenType,
    Token,
}

const PLACES: [Where; 11] = [
    Where::Error,
    Where::Description,
    Where::ErrorUri,
    Where::Message,
    Where::Reason,
    Where::Location,
    Where::Header,
    Where::Body,
    Where::Login,
    Where::TokenType,
    Where::Token,
];

/// A server whose answers all have this text there.
fn hostile(place: Where, text: String) -> Canned {
    Canned::raw(move |asked| answer(asked, place, &text))
}

fn answer(asked: &Asked, place: Where, text: &str) -> Vec<u8> {
    let words = format!("before{text}after");
    // No header holds a line's end; without it the rest is still there.
    let in_head = words.replace(['\r', '\n', '\0'], "");
    let is_user = asked.path.ends_with("/user");
    let (status, document): (u16, Value) = match place {
        Where::Error => (200, json!({"error": words})),
        Where::Description => (
            200,
            json!({"error": "new_error", "error_description": words}),
        ),
        Where::ErrorUri => (200, json!({"error": "new_error", "error_uri": words})),
        Where::Message => (503, json!({"message": words})),
        Where::Login if is_user => (200, json!({"login": words, "id": 1})),
        Where::TokenType => (200, grant("ghu_new", &words)),
        Where::Token => (200, grant(&format!("ghu_{words}"), "bearer")),
        Where::Login => (200, grant("ghu_new", "bearer")),
        Where::Location => (302, json!({})),
        Where::Reason | Where::Header => (503, json!({"message": "no"})),
        Where::Body => (503, Value::String(words.clone())),
    };
    let reason = if matches!(place, Where::Reason) {
        &in_head
    } else {
        "Whatever"
    };
    let header = match place {
        Where::Location => format!("Location: https://{in_head}.example/{in_head}\r\n"),
        Where::Header => format!("X-GitHub-Request-Id: {in_head}\r\nRetry-After: {in_head}\r\n"),
        _ => String::new(),
    };
    let body = if matches!(place, Where::Body) {
        words
    } else {
        document.to_string()
    };
    format!(
        "HTTP/1.1 {status} {reason}\r\nContent-Type: application/json\r\n{header}\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
    .into()
}

fn grant(access: &str, kind: &str) -> Value {
    json!({
        "access_token": access, "token_type": kind, "expires_in": 28800,
        "refresh_token": "ghr_new", "refresh_token_expires_in": 15_897_600, "scope": "",
    })
}

/// A sign-in at that server that is over, and whose account nobody knows yet.
fn signed_in(server: &Canned) -> Sandbox {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let record = Record {
        account: None,
        ..record_of(&fake.mint(CLIENT_ID), Duration::ZERO)
    };
    slot(&sandbox, server)
        .write(&encode(&record))
        .expect("a record");
    sandbox
}

fn slot(sandbox: &Sandbox, server: &Canned) -> FileSlot {
    let app = App {
        host: Host::parse(&server.host()).expect("a host"),
        ..sandbox.app()
    };
    FileSlot::new(&sandbox.state_folder(), &app.key())
}

fn run(sandbox: &Sandbox, server: &Canned, arguments: &[&str]) -> Run {
    let call =
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"x\"}}\n";
    let input = sandbox.home().join("input");
    fs::write(&input, if arguments[0] == "mcp" { call } else { "" }).expect("an input");
    let mut command = sandbox.command(Program::Real, arguments);
    command
        .env("GHTOK_HOST", server.host())
        .env("PATH", "/usr/bin:/bin")
        .stdin(fs::File::open(input).expect("an input"));
    run_command(&mut command)
}

/// Nothing treacherous is in a text but the ends of its lines; in JSON not behind an escape either.
#[track_caller]
fn expect_harmless(what: &str, run: &Run) {
    for text in [&run.stdout, &run.stderr] {
        let bad = text.chars().find(|c| *c != '\n' && is_treacherous(*c));
        assert_eq!(bad, None, "{what}: {run:?}");
        for value in text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
        {
            expect_harmless_json(what, &value);
        }
        // A forged line of ours.
        assert!(!text.contains("\nghtok: all is well"), "{what}: {run:?}");
    }
}

fn expect_harmless_json(what: &str, value: &Value) {
    match value {
        Value::String(text) => {
            let bad = text.chars().find(|c| *c != '\n' && is_treacherous(*c));
            assert_eq!(bad, None, "{what}: {text:?}");
        }
        Value::Array(all) => all
            .iter()
            .for_each(|value| expect_harmless_json(what, value)),
        Value::Object(all) => all
            .values()
            .for_each(|value| expect_harmless_json(what, value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The commands that show what a server said, first those that ask it.
const COMMANDS: [&[&str]; 7] = [
    &["-vv", "get"],
    &["refresh", "--force", "--json"],
    &["status"],
    &["status", "--json"],
    &["exec", "--", "true"],
    &["mcp", "--no-prompt", "--", "sed", "-u", ANSWER],
    &["logout", "--revoke"],
];

#[test]
fn there_are_a_hundred_escapes_and_more() {
    let escapes = escapes();
    assert!(escapes.len() >= 100, "{}", escapes.len());
    for escape in escapes {
        assert!(escape.chars().any(is_treacherous), "{escape:?}");
    }
}

/// All escapes at once in each of a server's texts, at every command.
#[test]
fn no_text_of_a_server_drives_a_terminal() {
    let all = escapes().concat();
    for place in PLACES {
        for arguments in COMMANDS {
            let server = hostile(place, all.clone());
            let sandbox = signed_in(&server);
            for arguments in [arguments, &["status"], &["status", "--json"]] {
                let run = run(&sandbox, &server, arguments);
                expect_harmless(&format!("{place:?} {arguments:?}"), &run);
            }
        }
    }
}

/// Each by itself too, where a server's words are shown: one that is taken for the end of the text, or
/// for a part of another, must not hide behind the rest.
#[test]
fn no_escape_by_itself_drives_a_terminal() {
    for place in [Where::Error, Where::Message, Where::Location] {
        for escape in escapes() {
            let server = hostile(place, escape.clone());
            let sandbox = signed_in(&server);
            // It shows the answer as it came; the others take it from the outcome's one line.
            let mut commands = vec![&["logout", "--revoke"][..]];
            if in_full() {
                commands.push(&["get"]);
            }
            for arguments in commands {
                let run = run(&sandbox, &server, arguments);
                expect_harmless(&format!("{place:?} {escape:?}"), &run);
            }
        }
    }
}

/// What is stored of a hostile answer can be shown later: the account's name above all.
#[test]
fn a_name_that_is_none_is_not_stored() {
    for escape in escapes() {
        let server = hostile(Where::Login, escape.clone());
        let sandbox = signed_in(&server);
        let run = run(&sandbox, &server, &["get"]);
        assert_eq!(run.code, Some(0), "{escape:?}: {run:?}");
        let bytes = slot(&sandbox, &server)
            .read()
            .expect("readable")
            .expect("it");
        assert_eq!(decode(&bytes).expect("whole").account, None, "{escape:?}");
    }
}
