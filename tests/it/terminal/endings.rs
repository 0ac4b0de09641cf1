//! However it ends, the terminal is left as it was, and nothing that was typed is left for the shell.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use rustix::termios::{Action, tcflow};

use super::{Desk, assert_clean};
use crate::support::chance::Chance;
use crate::support::deadline::LIMIT;
use crate::support::processes::{eventually, in_full};

const INTERRUPTED: &str = "ghtok: interrupted; nothing was changed";

#[test]
fn ctrl_c_ends_it_by_the_signal_itself_with_a_word_and_a_clean_terminal() {
    let desk = Desk::new().with_noting_browser();
    let (mut terminal, _) = desk.see_the_code();
    let before = terminal.modes();
    terminal.types("abc\u{3}");
    let left = terminal.end();
    assert_eq!((left.code, left.signal), (None, Some(2)), "{left:?}");
    assert!(left.screen.trim_end().ends_with(INTERRUPTED), "{left:?}");
    assert_clean(&left, &before);
    assert!(!desk.sandbox.record_file().exists());
}

#[test]
fn a_shell_sees_130_and_gets_nothing_that_was_typed() {
    let desk = Desk::new().with_noting_browser();
    // A shell that was not ended by the same Ctrl-C, as an interactive one would not be.
    let script = "trap : INT; \"$@\"; echo \"code $?\"; read -r line; echo \"typed [$line]\"";
    let mut terminal = desk.sit_down_at_a_shell(script);
    desk.wait_for_the_code(&terminal);
    let before = terminal.modes();
    terminal.types("rm -rf x\u{3}");
    terminal.wait_for("code 130");
    terminal.types("\n");
    let left = terminal.end();
    assert!(left.screen.contains("typed []"), "{left:?}");
    assert_clean(&left, &before);
}

#[test]
fn nothing_typed_before_or_after_enter_reaches_the_shell() {
    let desk = Desk::new().with_noting_browser();
    let script = "\"$@\"; echo \"code $?\"; read -r line; echo \"typed [$line]\"";
    let mut terminal = desk.sit_down_at_a_shell(script);
    let code = desk.wait_for_the_code(&terminal);
    let before = terminal.modes();
    terminal.types("before\nafter");
    desk.wait_for_notes(1);
    desk.approve(&mut terminal, &code);
    terminal.wait_for("code 0");
    terminal.types("\n");
    let left = terminal.end();
    assert!(left.screen.contains("typed []"), "{left:?}");
    assert!(!left.screen.contains("before\n"), "{left:?}");
    assert_clean(&left, &before);
}

#[test]
fn a_new_app_is_written_down_without_a_question_about_it() {
    let desk = Desk::new();
    std::fs::remove_dir_all(desk.sandbox.config_dir()).expect("a folder");
    let host = desk.fake.host();
    let desk = desk
        .with("GHTOK_CLIENT_ID", fake_github::CLIENT_ID)
        .with("GHTOK_HOST", host)
        .with("GHTOK_STORE", "file");
    let left = desk.sign_in();
    assert!(!left.screen.contains("[y/N]"), "{left:?}");
    assert!(left.screen.contains("The App is now in"), "{left:?}");
    assert!(desk.sandbox.config_dir().join("config.toml").exists());
}

#[test]
fn a_signal_at_any_moment_leaves_a_clean_terminal_within_a_moment() {
    let mut chance = Chance::new(3);
    for round in 0..if in_full() { 50 } else { 9 } {
        let (signal, number) = [(Signal::INT, 2), (Signal::TERM, 15), (Signal::HUP, 1)][round % 3];
        let desk = Desk::new().with_noting_browser();
        let (mut terminal, _) = desk.see_the_code();
        let before = terminal.modes();
        if round % 2 == 0 {
            terminal.types("typed\n");
        }
        std::thread::sleep(Duration::from_millis(chance.below(1200) as u64));
        let sent = Instant::now();
        terminal.signal(signal);
        let left = terminal.end();
        assert!(sent.elapsed() < Duration::from_secs(5), "{left:?}");
        assert_eq!(left.signal, Some(number), "{left:?}");
        assert!(left.screen.trim_end().ends_with(INTERRUPTED), "{left:?}");
        assert_clean(&left, &before);
    }
}

/// Ctrl-S: the terminal takes nothing, for as long as the person likes.
#[test]
fn a_terminal_that_takes_nothing_keeps_it_neither_from_ending_nor_from_saving() {
    let desk = Desk::new();
    let (terminal, _) = desk.see_the_code();
    tcflow(terminal.line(), Action::OOff).expect("stopped");
    std::thread::sleep(Duration::from_millis(1500));
    terminal.signal(Signal::TERM);
    let sent = Instant::now();
    let left = terminal.end();
    assert_eq!(left.signal, Some(15), "{left:?}");
    assert!(sent.elapsed() < Duration::from_secs(5), "{left:?}");

    let desk = Desk::new();
    desk.configure("account = \"octocat\"\n");
    let (terminal, code) = desk.see_the_code();
    tcflow(terminal.line(), Action::OOff).expect("stopped");
    desk.fake.approve(&code);
    let _written = eventually("a record", || {
        desk.sandbox
            .state_folder()
            .records()
            .read_dir()
            .ok()?
            .next()
    });
    tcflow(terminal.line(), Action::OOn).expect("goes on");
    let left = terminal.end();
    assert_eq!(left.code, Some(0), "{left:?}");
    assert!(left.screen.contains("Signed in to"), "{left:?}");
}

#[test]
fn a_terminal_that_goes_away_ends_it() {
    let desk = Desk::new();
    let (terminal, _) = desk.see_the_code();
    let end = terminal.hang_up();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&end), Some(1));
    assert!(!desk.sandbox.record_file().exists());
}

/// Sent to the background it neither reads nor draws, and it goes on polling.
#[test]
fn in_the_background_it_keeps_away_from_the_terminal_and_still_signs_in() {
    let desk = Desk::new().with_noting_browser();
    let script = "set -m; \"$@\" & wait; echo \"code $?\"";
    let mut terminal = desk.sit_down_at_a_shell(script);
    let code = desk.fake.wait_for_code(LIMIT).expect("a code");
    terminal.wait_for(&code);
    terminal.types("\n");
    std::thread::sleep(Duration::from_millis(1200));
    assert!(
        !terminal.screen().contains(" left"),
        "{}",
        terminal.screen()
    );
    desk.fake.approve(&code);
    terminal.wait_for("code 0");
    let left = terminal.end();
    assert!(left.screen.contains("Signed in to"), "{left:?}");
    assert_eq!(desk.noted(), Vec::<String>::new());
}

/// As in some containers: a terminal that sends no Ctrl-C, and knows no jobs.
#[test]
fn a_terminal_without_jobs_has_its_enter_too() {
    let desk = Desk::new().with_noting_browser();
    let mut terminal = desk.sit_down_at_a_shell("exec setsid --wait \"$@\"");
    let code = desk.wait_for_the_code(&terminal);
    terminal.types("\n");
    assert_eq!(desk.wait_for_notes(1), [desk.page()]);
    desk.approve(&mut terminal, &code);
    let left = terminal.end();
    assert_eq!(left.code, Some(0), "{left:?}");
}

/// Ctrl-Z gives the shell its terminal back as it was; `fg` goes on.
#[test]
fn a_stopped_sign_in_goes_on() {
    let desk = Desk::new();
    let script = "set -m; \"$@\"; stty -a > \"$HOME/modes\"; echo stopped; read -r line; fg; echo \"code $?\"";
    let mut terminal = desk.sit_down_at_a_shell(script);
    let code = desk.wait_for_the_code(&terminal);
    terminal.types("\u{1a}");
    terminal.wait_for("stopped");
    let modes = std::fs::read_to_string(desk.sandbox.home().join("modes")).expect("modes");
    let modes: Vec<&str> = modes.split_whitespace().collect();
    for mode in ["icanon", "isig", "echo"] {
        assert!(modes.contains(&mode), "{mode}: {modes:?}");
    }
    desk.fake.approve(&code);
    terminal.types("\n");
    terminal.wait_for("right? [Y/n]");
    terminal.types("\n");
    terminal.wait_for("code 0");
    let left = terminal.end();
    assert!(left.screen.contains("Signed in to"), "{left:?}");
}
