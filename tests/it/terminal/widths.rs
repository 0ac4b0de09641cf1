//! Everything of the first hour at 45, 80 and 120 columns, with and without colours: no row is longer than
//! the terminal, but for what has no blank and for commands, which are to be copied whole.

use std::time::Duration;

use fake_github::{App, CLIENT_ID, Installation};

use super::{Desk, answer_whose_account_it_is};
use crate::support::pty::{Left, Terminal};
use crate::support::sandbox::Program;
use crate::support::signing_in::hurried_fake;

const WIDTHS: [u16; 3] = [45, 80, 120];

/// What ends by itself.
const CALLS: [&[&str]; 19] = [
    &["--help"],
    &["help", "login"],
    &["help", "setup", "mcp"],
    &["help", "doctor"],
    &["doctor"],
    &["doctor", "--online", "--full"],
    &["doctor", "octocat/hello"],
    &["status"],
    &["status", "--online"],
    &["setup", "git", "--print"],
    &["setup", "git", "--yes"],
    &["setup", "git", "--undo"],
    &["setup", "status"],
    &["setup", "mcp"],
    &["setup", "mcp", "codex"],
    &["setup", "mcp", "codex", "--write"],
    &["setup", "remove", "--all", "--yes"],
    &["app", "list"],
    &["schedule", "status"],
];

/// Rows that were cut although they have a blank, but for commands and lines of files.
#[track_caller]
fn assert_whole(what: &str, left: &Left, columns: u16) {
    let text = String::from_utf8(left.bytes.clone()).expect("UTF-8");
    let plain = anstream::adapter::strip_str(&text).to_string();
    for line in plain.split(['\n', '\r']) {
        let fits = line.chars().count() <= columns.into();
        let words: Vec<&str> = line.split_whitespace().collect();
        // A command, a setting of a file, or one word too long for any row.
        let is_one_piece = words.len() < 2
            || ["ghtok", "codex"].contains(&words[0])
            || line.contains(" = ")
            || line.contains('"')
            || words
                .iter()
                .any(|word| word.chars().count() > usize::from(columns) - 12);
        assert!(fits || is_one_piece, "{what} at {columns}: {line:?}");
    }
}

#[track_caller]
fn assert_colours(what: &str, left: &Left, no_colour: bool) {
    let text = String::from_utf8_lossy(&left.bytes);
    let has_any =
        text.contains("\u{1b}[3") || text.contains("\u{1b}[1m") || text.contains("\u{1b}[4m");
    assert!(!(no_colour && has_any), "{what}: {text:?}");
}

fn desk(columns: u16, no_colour: bool) -> Desk {
    let nowhere = App::new(CLIENT_ID)
        .registered("A tool with a rather long name", "octocat")
        .installation(Installation::Nowhere);
    let desk = Desk::at(hurried_fake().app(nowhere).start().expect("a fake")).sized(100, columns);
    if no_colour {
        desk.with("NO_COLOR", "1")
    } else {
        desk
    }
}

#[test]
fn no_word_is_cut_in_setup_doctor_status_and_help() {
    for columns in WIDTHS {
        for no_colour in [false, true] {
            let mut desk = desk(columns, no_colour);
            desk.sandbox.seed(&desk.fake, Duration::from_secs(3600));
            for arguments in CALLS {
                desk.arguments = arguments.to_vec();
                let left = Terminal::start(&desk.command(Program::Real), 100, columns).end();
                let what = arguments.join(" ");
                assert!(
                    left.signal.is_none() && !left.screen.is_empty(),
                    "{what}: {left:?}"
                );
                assert_whole(&what, &left, columns);
                assert_colours(&what, &left, no_colour);
            }
        }
    }
}

#[test]
fn no_word_is_cut_in_a_sign_in_nor_in_what_follows_it() {
    for columns in WIDTHS {
        for no_colour in [false, true] {
            let new = ["app", "new", "--client-id", CLIENT_ID];
            for arguments in [&["login"][..], &new] {
                let desk = Desk {
                    arguments: arguments.to_vec(),
                    ..desk(columns, no_colour)
                };
                let host = desk.fake.host();
                let desk = desk.with("GHTOK_HOST", host);
                let (mut terminal, code) = desk.see_the_code();
                desk.fake.approve(&code);
                answer_whose_account_it_is(&mut terminal);
                let left = terminal.end();
                let what = arguments.join(" ");
                assert_eq!(left.code, Some(0), "{what}: {left:?}");
                assert_whole(&what, &left, columns);
                assert_colours(&what, &left, no_colour);
            }
        }
    }
}
