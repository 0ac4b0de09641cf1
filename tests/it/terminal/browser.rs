//! Enter opens the page in a browser, and nothing about a browser ever holds a sign-in up.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use fake_github::{Endpoint, FakeGitHub};
use rustix::process::{Pid, Signal, kill_process};

use super::{Desk, assert_clean};
use crate::support::pty::Terminal;
use crate::support::sandbox::Program;

const OFFER: &str = "Press Enter to open the page in your browser";

#[test]
fn p5_enter_and_nothing_else_opens_exactly_the_page() {
    let desk = Desk::new().with_noting_browser();
    let (mut terminal, code) = desk.see_the_code();
    let before = terminal.modes();
    terminal.wait_for(OFFER);
    terminal.types("something else ");
    assert_eq!(desk.noted(), Vec::<String>::new());
    terminal.types("\n");
    assert_eq!(desk.wait_for_notes(1), [desk.page()]);
    terminal.wait_for("Opening the page with sh …\nWaiting for your approval");
    desk.approve(&mut terminal, &code);
    let left = terminal.end();
    assert_eq!(left.code, Some(0), "{left:?}");
    assert_clean(&left, &before);
    assert!(!left.screen.contains("something else"), "{left:?}");
    assert_eq!(desk.noted(), [desk.page()], "once");
    assert_eq!(left.screen.matches("approval").count(), 0, "{left:?}");
}

#[test]
fn p5_what_was_typed_before_the_code_opens_nothing() {
    let desk = Desk::new().with_noting_browser();
    // The shell reads the first line alone; the others are there before the sign-in is.
    let mut terminal = desk.sit_down_at_a_shell("read -r line; exec \"$@\"");
    terminal.types("go\n\n\n");
    let code = desk.wait_for_the_code(&terminal);
    terminal.wait_for(OFFER);
    desk.approve(&mut terminal, &code);
    let left = terminal.end();
    assert_eq!(left.code, Some(0), "{left:?}");
    assert_eq!(desk.noted(), Vec::<String>::new(), "{left:?}");
}

/// It has no descriptor of ours, a group of its own, and outlives the sign-in.
#[test]
fn a_browser_that_blocks_for_a_minute_holds_nothing_up() {
    let desk = Desk::new();
    let notes = desk.notes();
    let desk = desk.with_browser(&format!(
        "for n in 0 1 2; do readlink /proc/$$/fd/$n; done > {0}
         cut -d' ' -f 5 /proc/$$/stat >> {0}; echo $$ >> {0}; exec sleep 60",
        notes.display()
    ));
    let (mut terminal, code) = desk.see_the_code();
    let (before, ghtok) = (terminal.modes(), terminal.pid());
    terminal.types("\n");
    let found = desk.wait_for_notes(5);
    let [stdin, _, stderr, group, pid] = found.as_slice() else {
        panic!("{found:?}")
    };
    assert_eq!(
        (stdin.as_str(), stderr.as_str()),
        ("/dev/null", "/dev/null")
    );
    assert_eq!(group, pid, "a group of its own");
    // Held down, the key opens no second one.
    terminal.types("\n\n\n");
    desk.approve(&mut terminal, &code);
    let left = terminal.end();
    assert_eq!(left.code, Some(0), "{left:?}");
    assert_clean(&left, &before);
    assert_eq!(
        left.screen.matches("Opening the page").count(),
        1,
        "{left:?}"
    );
    let pid: i32 = pid.parse().expect("a number");
    let pid = Pid::from_raw(pid).expect("a process");
    assert_ne!(pid, ghtok);
    kill_process(pid, Signal::KILL).expect("it lives on");
}

#[test]
fn a_browser_that_fails_is_told_and_may_be_tried_again() {
    let desk = Desk::new();
    let notes = desk.notes();
    let desk = desk.with_browser(&format!("echo x >> {}; exit 3", notes.display()));
    let (mut terminal, code) = desk.see_the_code();
    terminal.types("\n");
    terminal.wait_for("sh could not open the page (exit status: 3): open it yourself");
    terminal.types("\n");
    desk.wait_for_notes(2);
    desk.approve(&mut terminal, &code);
    let left = terminal.end();
    assert_eq!(left.code, Some(0), "{left:?}");
}

#[test]
fn a_browser_that_cannot_be_started_is_told() {
    let desk = Desk::new();
    let file = desk.sandbox.home().join("no-program");
    fs::write(&file, "\u{0}").expect("a file");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("mode");
    let desk = desk.with("BROWSER", file.display().to_string());
    let (mut terminal, code) = desk.see_the_code();
    terminal.types("\n");
    terminal.wait_for("no-program could not open the page (Permission denied");
    desk.approve(&mut terminal, &code);
    assert_eq!(terminal.end().code, Some(0));
}

#[test]
fn a_browser_that_is_not_there_is_not_offered() {
    for name in ["GHTOK_BROWSER", "BROWSER"] {
        let desk = Desk::new().with(name, "/nonexistent/browser:no-such-browser %s");
        let left = desk.sign_in();
        let why = format!("the program in {name} was not found");
        assert!(left.screen.contains(&why), "{left:?}");
        assert!(!left.screen.contains(OFFER), "{left:?}");
    }
}

#[test]
fn no_browser_is_offered_where_it_would_open_out_of_sight() {
    let ssh = "SSH_CONNECTION";
    for (desk, why) in [
        (
            Desk::new()
                .with(ssh, "1 2 3 4")
                .with("BROWSER", "/bin/true"),
            Some("no browser is opened over SSH"),
        ),
        (
            Desk::new().with("CI", "true").with("DISPLAY", ":9"),
            Some("no browser is opened in CI"),
        ),
        (Desk::new(), Some("no browser is opened without a display")),
        (
            Desk::new()
                .with(ssh, "1 2 3 4")
                .with("GHTOK_BROWSER", "/bin/true"),
            None,
        ),
        (
            Desk::new()
                .with(ssh, "1 2 3 4")
                .with("DISPLAY", ":9")
                .with("BROWSER", "/bin/true"),
            None,
        ),
    ] {
        let left = desk.sign_in();
        match why {
            Some(why) => assert!(left.screen.contains(why), "{why}: {left:?}"),
            None => assert!(left.screen.contains(OFFER), "{left:?}"),
        }
        assert_eq!(left.screen.contains(OFFER), why.is_none(), "{left:?}");
    }
}

#[test]
fn with_no_browser_there_is_no_word_of_one() {
    let desk = Desk::new().with_noting_browser().asking("--no-browser");
    let (mut terminal, code) = desk.see_the_code();
    terminal.types("\n\n");
    desk.approve(&mut terminal, &code);
    let left = terminal.end();
    assert_eq!(left.code, Some(0), "{left:?}");
    assert!(!left.screen.contains("browser"), "{left:?}");
    assert_eq!(desk.noted(), Vec::<String>::new());
}

/// Only `login` ever asks: no other command opens a browser, or reads a key, on a terminal.
#[test]
fn p5_no_other_command_opens_a_browser_on_a_terminal() {
    for command in [
        &["get"][..],
        &["status"],
        &["refresh", "--force"],
        &["headers"],
        &["logout"],
        &["exec", "--", "true"],
    ] {
        let desk = Desk::at(FakeGitHub::start().expect("a fake")).with_noting_browser();
        let login = desk.command(Program::Real);
        let mut other = Command::new(login.get_program());
        other.args(command).envs(
            login
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        let mut terminal = Terminal::start(&other, 24, 80);
        terminal.types("\n");
        let left = terminal.end();
        assert_eq!(desk.noted(), Vec::<String>::new(), "{command:?}: {left:?}");
        assert_eq!(
            desk.fake.count(Endpoint::DeviceCode),
            0,
            "{command:?}: {left:?}"
        );
    }
}
