//! Messages on terminals of several widths: no word is cut, commands can be copied whole, and colours are
//! clap's.

use super::Desk;
use crate::support::deadline::LIMIT;
use crate::support::pty::{Left, Terminal};
use crate::support::sandbox::Program;

const WIDTHS: [u16; 3] = [45, 80, 120];

/// Calls that fail, with long and short messages and hints.
const CALLS: [&[&str]; 10] = [
    &["get"],
    &["get", "wrok"],
    &["get", "--nonsense"],
    &["get", "--format", "yaml"],
    &["get", "--client-id", "123456"],
    &["get", "--host", "http://ghes.example", "--client-id", "Iv1"],
    &["exec", "--min-ttl", "1h", "gh", "repo", "list"],
    &["schedule", "install", "--scheduler", "cron"],
    &["get", "-vv"],
    &["doctor"],
];

fn told(arguments: &[&'static str], columns: u16, no_color: bool) -> Left {
    let mut desk = Desk::new().sized(60, columns);
    if no_color {
        desk = desk.with("NO_COLOR", "1");
    }
    desk.arguments = arguments.to_vec();
    let (rows, columns) = desk.size;
    Terminal::start(&desk.command(Program::Real), rows, columns).end()
}

/// The lines that the terminal had to cut although they have a blank, but for commands.
fn cut_lines(left: &Left, columns: u16) -> Vec<String> {
    let text = String::from_utf8(left.bytes.clone()).expect("UTF-8");
    let plain = anstream::adapter::strip_str(&text).to_string();
    let too_long = |line: &&str| line.chars().count() > columns.into();
    let is_command = |line: &str| line.trim_start().starts_with("ghtok ");
    let lines = plain.lines().filter(too_long);
    lines
        .filter(|line| line.trim().contains(' ') && !is_command(line))
        .map(str::to_owned)
        .collect()
}

#[test]
fn no_word_is_cut_at_any_width() {
    for columns in WIDTHS {
        for arguments in CALLS {
            for no_color in [false, true] {
                let left = told(arguments, columns, no_color);
                assert_ne!(left.code, Some(0), "{arguments:?}: {left:?}");
                let cut = cut_lines(&left, columns);
                assert!(cut.is_empty(), "{columns}: {arguments:?}: {cut:#?}");
            }
        }
    }
}

#[test]
fn error_and_hint_are_coloured_as_clap_colours_them() {
    let text = |no_color| {
        let left = told(&["get"], 80, no_color);
        String::from_utf8(left.bytes).expect("UTF-8")
    };
    let coloured = text(false);
    let red = "ghtok: \u{1b}[1m\u{1b}[31merror:\u{1b}[0m work: not signed in\r\n";
    assert!(coloured.contains(red), "{coloured:?}");
    let green = "ghtok: \u{1b}[32mhint:\u{1b}[0m sign in with:\r\n  ghtok login work\r\n";
    assert!(coloured.contains(green), "{coloured:?}");
    assert_eq!(
        text(true),
        "ghtok: error: work: not signed in\r\nghtok: hint: sign in with:\r\n  ghtok login work\r\n"
    );
}

#[test]
fn a_plain_sign_in_draws_nothing_and_writes_nothing_over() {
    for desk in [
        Desk::new().with("GHTOK_PLAIN", "1"),
        Desk::new().asking("--plain"),
    ] {
        let desk = desk.with_noting_browser();
        let mut terminal = desk.sit_down();
        let code = desk.fake.wait_for_code(LIMIT).expect("a code");
        terminal.wait_for("Waiting for the approval");
        desk.approve(&mut terminal, &code);
        let left = terminal.end();
        assert_eq!(left.code, Some(0), "{left:?}");
        let text = String::from_utf8(left.bytes).expect("UTF-8");
        assert!(!text.contains(['\u{1b}', '┌', '│']), "{text:?}");
        assert!(!text.replace("\r\n", "").contains('\r'), "{text:?}");
        assert!(text.contains("Press Enter"), "{text:?}");
    }
}

#[test]
fn a_plain_error_has_no_colours() {
    for (name, is_plain) in [("1", true), ("0", false), ("", false)] {
        for arguments in [["get", "work"], ["get", "--nonsense"]] {
            let mut desk = Desk::new().with("GHTOK_PLAIN", name);
            desk.arguments = arguments.to_vec();
            let left = Terminal::start(&desk.command(Program::Real), 40, 80).end();
            assert_eq!(!left.bytes.contains(&0x1b), is_plain, "{name}: {left:?}");
        }
    }
}
