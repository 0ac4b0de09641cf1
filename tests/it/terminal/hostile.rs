//! A server that plays with the terminal: whatever text of it `login` shows, no byte of it drives
//! anything.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::{Value, json};

use super::{Desk, answer_whose_account_it_is};
use crate::support::canned::{Asked, Canned};
use crate::support::processes::in_full;
use crate::support::pty::Left;

/// Control sequences by their kinds, each with every one of its introducers.
fn corpus() -> Vec<String> {
    let mut sequences = Vec::new();
    // ECMA-48 control functions: erasing, moving, colours, modes, reports, scrolling.
    for body in [
        "2J", "3J", "K", "1;1H", "10A", "31m", "8m", "7m", "38;5;1m", "?25l", "?1049h", "?2004h",
        "?1000h", "6n", "c", ">c", "5i", "4i", "20h", "12l", "!p", "1;5r", "5S", "3T", "2L", "2M",
        "s", "u", "21t", "?1;2$y", "0 q", "=1u",
    ] {
        sequences.push(format!("\u{1b}[{body}"));
        sequences.push(format!("\u{9b}{body}"));
    }
    // Titles, links, clipboards, colours of the palette, notes on the desktop.
    for body in [
        "0;title",
        "2;title",
        "8;;https://evil.example",
        "52;c;ZXZpbA==",
        "4;1;rgb:00/00/00",
        "10;?",
        "7;file://evil/",
        "9;note",
        "777;notify;a;b",
        "1337;File=inline=1:AAAA",
    ] {
        sequences.push(format!("\u{1b}]{body}\u{7}"));
        sequences.push(format!("\u{9d}{body}\u{9c}"));
        sequences.push(format!("\u{1b}]{body}\u{1b}\\"));
    }
    // Strings of devices, of applications, of privacy; character sets; single controls.
    for lone in [
        "\u{1b}P$q\"p\u{1b}\\",
        "\u{90}+q544e\u{9c}",
        "\u{1b}_G\u{1b}\\",
        "\u{1b}^x\u{1b}\\",
        "\u{1b}Xx\u{1b}\\",
        "\u{1b}c",
        "\u{1b}7\u{1b}8",
        "\u{1b}(0",
        "\u{1b})B",
        "\u{1b}#8",
        "\u{1b}=",
        "\u{1b}M",
        "\u{1b}D",
        "\u{1b}E",
        "\u{1b}%G",
        "\r",
        "\n",
        "\r\n",
        "\u{8}\u{8}",
        "\u{b}",
        "\u{c}",
        "\u{7}",
        "\u{0}",
        "\u{5}",
        "\u{e}",
        "\u{f}",
        "\u{7f}",
        "\u{85}",
        "\u{84}",
        "\u{8d}",
        "\u{1b}",
        "\u{9b}",
    ] {
        sequences.push(lone.to_owned());
    }
    // Text that reads as what it is not.
    for lone in [
        "\u{202e}", "\u{202d}", "\u{2066}", "\u{2069}", "\u{200b}", "\u{feff}", "\u{2028}",
    ] {
        sequences.push(lone.to_owned());
    }
    sequences
}

/// Where the server puts it.
#[derive(Clone, Copy, Debug)]
enum Place {
    UserCode,
    Page,
    Login,
    /// A failure of the code request, before anybody waits.
    NoCode(Failure),
    /// A failure of a poll, after a wait.
    NoToken(Failure),
}

/// How the server fails, with the text in it.
#[derive(Clone, Copy, Debug)]
enum Failure {
    Error,
    Description,
    Message,
    Title,
}

const FAILURES: [Failure; 4] = [
    Failure::Error,
    Failure::Description,
    Failure::Message,
    Failure::Title,
];

impl Place {
    fn answer(self, asked: &Asked, text: &str) -> (u16, String) {
        match (asked.path.as_str(), self) {
            ("/login/device/code", Self::NoCode(failure)) => failure.answer(text),
            ("/login/device/code", place) => (200, place.codes(text).to_string()),
            ("/login/oauth/access_token", Self::Login) => {
                let pair = json!({"access_token": "ghu_x", "token_type": "bearer"});
                (200, pair.to_string())
            }
            ("/login/oauth/access_token", Self::NoToken(failure)) if asked.before == 0 => {
                failure.answer(text)
            }
            ("/login/oauth/access_token", _) => refusal("access_denied", "x"),
            (_, _) => (200, json!({"login": text, "id": 1}).to_string()),
        }
    }

    fn codes(self, text: &str) -> Value {
        let mut codes = json!({
            "device_code": "d", "user_code": "AB-12", "expires_in": 900, "interval": 5,
            "verification_uri": "/login/device",
        });
        match self {
            Self::UserCode => codes["user_code"] = json!(text),
            Self::Page => codes["verification_uri"] = json!(format!("http://127.0.0.1/{text}")),
            Self::Login | Self::NoCode(_) | Self::NoToken(_) => {}
        }
        codes
    }
}

impl Failure {
    fn answer(self, text: &str) -> (u16, String) {
        match self {
            Self::Error => refusal(text, "x"),
            Self::Description => refusal("unknown", text),
            Self::Message => (403, json!({"message": text}).to_string()),
            Self::Title => (502, title(text)),
        }
    }
}

fn refusal(error: &str, description: &str) -> (u16, String) {
    let told = json!({"error": error, "error_description": description});
    (400, told.to_string())
}

fn title(text: &str) -> String {
    format!("<html><title>{text}</title><h1>{text}</h1></html>")
}

#[test]
fn no_text_of_a_server_drives_the_terminal() {
    let sequences = corpus();
    assert!(sequences.len() >= 100, "{}", sequences.len());
    let mut trials: Vec<(Place, String)> = Vec::new();
    let mut put = |place: Place, together: usize| {
        let texts = sequences.chunks(together).map(|some| some.join("x"));
        trials.extend(texts.map(|text| (place, format!("AB{text}12"))));
    };
    // A code is taken or refused whole: one sequence must not hide behind another.
    put(Place::UserCode, 1);
    put(Place::Page, 12);
    put(Place::Login, 12);
    for failure in FAILURES {
        put(Place::NoCode(failure), if in_full() { 1 } else { 4 });
        put(Place::NoToken(failure), 12);
    }
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                while let Some((place, text)) = trials.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let left = shown(*place, text.clone());
                    assert_tame(&left, &format!("{place:?} {text:?}"));
                }
            });
        }
    });
}

/// What a sign-in at this server leaves on a terminal with colours.
fn shown(place: Place, text: String) -> Left {
    let server = Canned::start(move |asked| place.answer(asked, &text));
    let desk = Desk::new();
    std::fs::remove_dir_all(desk.sandbox.config_dir()).expect("a folder");
    let desk = desk
        .with("GHTOK_CLIENT_ID", fake_github::CLIENT_ID)
        .with("GHTOK_HOST", server.host())
        .with("GHTOK_STORE", "file");
    let mut terminal = desk.sit_down();
    if matches!(place, Place::Login) {
        answer_whose_account_it_is(&mut terminal);
    }
    terminal.end()
}

#[track_caller]
fn assert_tame(left: &Left, what: &str) {
    let written = String::from_utf8(left.bytes.clone()).expect(what);
    assert!(!written.is_empty(), "{what}");
    let mut rest = written.replace("\r\n", "\n");
    for ours in OURS {
        rest = rest.replace(ours, "");
    }
    let wild = |c: char| (c.is_control() && c != '\n') || is_deceptive(c);
    assert!(!rest.contains(wild), "{what}: {rest:?}");
    assert!(
        !written.contains("evil.example\u{7}"),
        "{what}: {written:?}"
    );
}

/// Everything that `login` itself writes to drive a terminal.
const OURS: [&str; 8] = [
    "\u{1b}[1m\u{1b}[31merror:\u{1b}[0m",
    "\r\u{1b}[K",
    "\u{1b}[A",
    "\u{1b}[4m",
    "\u{1b}[36m",
    "\u{1b}[1m",
    "\u{1b}[32m",
    "\u{1b}[0m",
];

fn is_deceptive(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// The check itself sees what it looks for.
#[test]
fn the_check_sees_a_sequence() {
    for sequence in corpus() {
        let bytes = format!("AB{sequence}12\r\n")
            .replace("\r\n\r\n", "\r\n")
            .into_bytes();
        let left = Left {
            code: None,
            signal: None,
            screen: String::new(),
            bytes,
            cursor_is_hidden: false,
            modes: String::new(),
        };
        let seen = std::panic::catch_unwind(|| assert_tame(&left, "planted")).is_err();
        // A new line is no control byte here: whether a server can make one, other tests say.
        assert_eq!(
            seen,
            !matches!(sequence.as_str(), "\n" | "\r\n"),
            "{sequence:?}"
        );
    }
}
