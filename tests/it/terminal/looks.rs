//! Every kind of terminal, and none: still right, still to be copied.

use std::time::Duration;

use super::{Desk, assert_clean};
use crate::support::deadline::LIMIT;
use crate::support::processes::eventually;
use crate::support::pty::Left;

/// Bytes that only a terminal with control sequences may get.
fn has_escapes(left: &Left) -> bool {
    left.bytes.contains(&0x1b)
}

#[test]
fn colours_are_there_and_gone_with_no_color() {
    let colours = |desk: Desk| {
        let left = desk.sign_in();
        let text = String::from_utf8(left.bytes).expect("UTF-8");
        (
            text.contains("\u{1b}[36m") || text.contains("\u{1b}[4m"),
            text.contains("\u{1b}[K"),
        )
    };
    assert_eq!(colours(Desk::new()), (true, true));
    assert_eq!(colours(Desk::new().with("NO_COLOR", "1")), (false, true));
    assert_eq!(colours(Desk::new().with("NO_COLOR", "")), (true, true));
}

#[test]
fn another_locale_gets_ascii_alone() {
    for desk in [
        Desk::new().with("LANG", "C"),
        Desk::new().without("LANG"),
        Desk::new().with("LC_ALL", "POSIX"),
        Desk::new().with("LC_CTYPE", "de_DE.ISO-8859-1"),
    ] {
        let desk = desk.with_noting_browser().asking("--qr").asking("--copy");
        let (mut terminal, code) = desk.see_the_code();
        terminal.types("\n");
        desk.wait_for_notes(1);
        desk.approve(&mut terminal, &code);
        let left = terminal.end();
        assert_eq!(left.code, Some(0), "{left:?}");
        assert!(left.bytes.is_ascii(), "{left:?}");
        assert!(left.screen.contains("+------"), "{left:?}");
        assert!(
            left.screen.contains("Opening the page with sh ..."),
            "{left:?}"
        );
    }
}

#[test]
fn a_dumb_terminal_gets_plain_lines_and_enter_still_opens_the_browser() {
    for desk in [
        Desk::new().with("TERM", "dumb"),
        Desk::new().without("TERM"),
    ] {
        let desk = desk.with_noting_browser();
        let mut terminal = desk.sit_down();
        let code = desk.fake.wait_for_code(LIMIT).expect("a code");
        terminal.wait_for("Waiting for the approval, for 15 min at most");
        terminal.types("\n");
        assert_eq!(desk.wait_for_notes(1), [desk.page()]);
        let before = terminal.modes();
        desk.approve(&mut terminal, &code);
        let left = terminal.end();
        assert_eq!(left.code, Some(0), "{left:?}");
        assert!(!has_escapes(&left), "{left:?}");
        let lone = left
            .bytes
            .windows(2)
            .filter(|pair| pair[0] == b'\r' && pair[1] != b'\n');
        assert_eq!(lone.count(), 0, "nothing is written over: {left:?}");
        let plain = format!("  1. Open   {}\n  2. Enter  {code}\n", desk.page());
        assert!(left.screen.contains(&plain), "{left:?}");
        assert_clean(&left, &before);
    }
}

/// Steps are told a line each, and a line that is written over would run into them.
#[test]
fn with_steps_told_no_line_is_written_over() {
    let desk = Desk::new().asking("-v");
    let mut terminal = desk.sit_down();
    let code = desk.fake.wait_for_code(LIMIT).expect("a code");
    terminal.wait_for("Waiting for the approval");
    desk.approve(&mut terminal, &code);
    let left = terminal.end();
    assert_eq!(left.code, Some(0), "{left:?}");
    assert!(!has_escapes(&left), "{left:?}");
    let mut told = left.screen.lines().filter(|line| line.contains(" ms "));
    assert!(told.all(|line| line.starts_with("ghtok: [")), "{left:?}");
}

#[test]
fn twenty_columns_are_enough_and_the_page_stays_in_one_piece() {
    let desk = Desk::new().with_noting_browser().sized(60, 20);
    let (mut terminal, code) = desk.see_the_code();
    let before = terminal.modes();
    terminal.wait_for("Waiting, 1");
    terminal.types("\n");
    desk.wait_for_notes(1);
    desk.approve(&mut terminal, &code);
    let left = terminal.end();
    assert_eq!(left.code, Some(0), "{left:?}");
    assert_clean(&left, &before);
    let written = String::from_utf8(left.bytes).expect("UTF-8");
    let words = anstream::adapter::strip_str(&written).to_string();
    assert!(words.contains(&format!("\n{}\r\n", desk.page())), "{words}");
    assert!(
        words.contains(&format!("2. Enter {code}\r\n"))
            || words.contains(&format!("2. Enter  {code}\r\n")),
        "{words}"
    );
    assert!(!words.contains('│'), "{words}");
    // What the terminal itself broke is one row for whoever copies it.
    assert!(left.screen.contains(&desk.page()), "{}", left.screen);
    for line in words.split("\r\n").filter(|line| !line.contains('/')) {
        let longest = line.split('\r').map(|part| part.chars().count()).max();
        assert!(longest <= Some(20), "{line:?}");
    }
}

#[test]
fn every_width_is_right() {
    for columns in [1, 2, 5, 10, 30, 45, 60, 79, 80, 200] {
        let desk = Desk::new().sized(200, columns);
        let mut terminal = desk.sit_down();
        let code = desk.fake.wait_for_code(LIMIT).expect("a code");
        desk.approve(&mut terminal, &code);
        let left = terminal.end();
        assert_eq!(left.code, Some(0), "{columns}: {left:?}");
        let written = String::from_utf8(left.bytes).expect("UTF-8");
        assert!(written.contains(&desk.page()), "{columns}: {written}");
        assert!(written.contains(&code), "{columns}: {written}");
        if columns > 20 {
            assert!(left.screen.contains(&code), "{columns}: {}", left.screen);
        }
    }
}

#[test]
fn a_window_that_is_made_smaller_and_larger_gets_a_line_that_fits() {
    let desk = Desk::new();
    let (mut terminal, code) = desk.see_the_code();
    let before = terminal.modes();
    terminal.wait_for("left (Ctrl-C cancels)");
    for (columns, expected, too_long) in [
        (45, "Waiting for your approval, 1", "(Ctrl-C"),
        (20, "\nWaiting, 1", "your"),
        (90, "left (Ctrl-C cancels)", "nothing at all"),
    ] {
        let seen = terminal.bytes().len();
        terminal.resize(40, columns);
        eventually(expected, || {
            let drawn = terminal.bytes().split_off(seen);
            let drawn = String::from_utf8(drawn).expect("UTF-8");
            let last = drawn.rsplit("\u{1b}[K").next()?.to_owned();
            let fits = last.contains(expected.trim()) && !last.contains(too_long);
            (fits && last.len() < columns.into()).then_some(())
        });
    }
    desk.approve(&mut terminal, &code);
    let left = terminal.end();
    assert_eq!(left.code, Some(0), "{left:?}");
    assert_clean(&left, &before);
}

/// The frame, the browser and the count are for a person who is there.
#[test]
fn without_a_standard_input_that_answers_no_key_is_asked_for() {
    for redirection in ["< /dev/null", "<&-", "< /etc/hostname"] {
        let desk = Desk::new().with_noting_browser();
        let terminal = desk.sit_down_at_a_shell(&format!("exec \"$@\" {redirection}"));
        let code = desk.wait_for_the_code(&terminal);
        let before = terminal.modes();
        desk.fake.approve(&code);
        let left = terminal.end();
        assert_eq!(left.code, Some(0), "{redirection}: {left:?}");
        assert!(
            !left.screen.contains("Press Enter"),
            "{redirection}: {left:?}"
        );
        assert!(left.screen.contains('┌'), "{redirection}: {left:?}");
        assert_clean(&left, &before);
        assert_eq!(desk.noted(), Vec::<String>::new(), "{redirection}");
    }
}

#[test]
fn where_nobody_sees_it_nothing_is_drawn_and_no_key_is_read() {
    for redirection in ["2> \"$HOME/said\"", "2> \"$HOME/said\" < /dev/null", "2>&-"] {
        let desk = Desk::new().with_noting_browser().asking("--qr");
        let mut terminal = desk.sit_down_at_a_shell(&format!("exec \"$@\" {redirection}"));
        terminal.types("\n");
        let code = desk.fake.wait_for_code(LIMIT).expect("a code");
        desk.fake.approve(&code);
        let left = terminal.end();
        assert_eq!(left.code, Some(0), "{redirection}: {left:?}");
        assert_eq!(left.screen.trim(), "", "{redirection}: {left:?}");
        let said = std::fs::read_to_string(desk.sandbox.home().join("said")).unwrap_or_default();
        assert!(!said.contains(['\u{1b}', '\r', '┌', '▀']), "{said}");
        assert_eq!(said.contains(&code), !redirection.contains("&-"), "{said}");
        assert_eq!(desk.noted(), Vec::<String>::new(), "{redirection}");
    }
}

#[test]
fn events_are_never_drawn_not_on_a_terminal_either() {
    let desk = Desk::new()
        .with_noting_browser()
        .asking("--json")
        .asking("--qr")
        .asking("--copy");
    let mut terminal = desk.sit_down();
    let code = desk.fake.wait_for_code(LIMIT).expect("a code");
    terminal.wait_for(&code);
    terminal.types("\n");
    std::thread::sleep(Duration::from_millis(300));
    desk.fake.approve(&code);
    let left = terminal.end();
    assert_eq!(left.code, Some(0), "{left:?}");
    assert!(!has_escapes(&left) && left.bytes.is_ascii(), "{left:?}");
    let written = String::from_utf8(left.bytes).expect("UTF-8");
    let events: Vec<serde_json::Value> = written
        .lines()
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(events.len(), 2, "{written}");
    assert_eq!(desk.noted(), Vec::<String>::new());
}
