//! The sign-in itself, to each of its ends.

use std::time::Duration;

use fake_github::{App, CLIENT_ID, DeviceFlow, Endpoint, Failure, FakeGitHub, Fault, Tokens};

use super::{COLUMNS, Desk, ROWS, assert_clean};
use crate::support::deadline::run_command;
use crate::support::processes::eventually;
use crate::support::pty::Terminal;
use crate::support::sandbox::{Program, as_configured};
use crate::support::signing_in::hurried_fake;
use crate::support::words::plain;

#[test]
fn a_person_signs_in_and_sees_who_they_are_how_long_and_what_comes_next() {
    let desk = Desk::new().with_noting_browser();
    let (mut terminal, code) = desk.see_the_code();
    let before = terminal.modes();
    let shown = terminal.screen();
    desk.approve(&mut terminal, &code);
    let left = terminal.end();
    assert_eq!(left.code, Some(0), "{left:?}");
    assert_clean(&left, &before);
    let host = desk.fake.host();
    let page = desk.page();
    let width = "1. Open   ".len() + page.len();
    let across = "─".repeat(width + 4);
    let expected = format!(
        "Sign in to {host} as a user of the App \"work\":

  ┌{across}┐
  │  1. Open   {page}  │
  │  {:width$}  │
  └{across}┘

Go on only if you started this yourself. If somebody sent you here or gave you
a code, stop: they would get access to your account.

Press Enter to open the page in your browser, or open it anywhere.
",
        format!("2. Enter  {code}")
    );
    assert!(shown.starts_with(&expected), "{shown}");
    assert!(shown.contains(" left (Ctrl-C cancels)"), "{shown}");
    assert!(left.screen.starts_with(&expected), "{}", left.screen);
    // The record's path may need a row of its own.
    let said = left.screen[expected.len()..]
        .replace("stored in\n", "stored in ")
        .replace("[Y/n] \n", "[Y/n]\n");
    let said = plain(&said, &desk.sandbox, &desk.fake);
    assert_eq!(
        said.trim_end(),
        format!(
            "
You are signed in as octocat, right? [Y/n]

Signed in to HOST as octocat.
The token is valid until TIME and stored in HOME/state/records/HOST%2F{CLIENT_ID}.
It is refreshed silently until TIME, longer if it is used.

Next steps:
  ghtok setup git          git clones and pushes with it
  ghtok setup mcp          MCP servers run with it
  ghtok exec -- sh         a shell whose commands have it
  ghtok schedule install   keeps the sign-in alive while it is not used
  ghtok get                prints the token"
        )
    );
    assert_eq!(desk.noted(), Vec::<String>::new(), "nobody pressed Enter");
    assert_eq!(desk.fake.violations(), []);
}

/// Who approved is asked before the first sign-in of any App is stored, however the App was named.
#[test]
fn the_first_sign_in_is_stored_once_the_person_says_that_the_account_is_theirs() {
    for flags in [&[][..], &["--client-id", CLIENT_ID, "--no-save"]] {
        for (answer, code) in [("\n", 0), ("yes\n", 0), ("n\n", 1), ("what?\n", 1)] {
            let desk = flags
                .iter()
                .fold(Desk::new(), |desk, flag| desk.asking(flag));
            let (mut terminal, user_code) = desk.see_the_code();
            let before = terminal.modes();
            desk.fake.approve(&user_code);
            terminal.wait_for("You are signed in as octocat, right? [Y/n]");
            assert!(!desk.sandbox.record_file().exists());
            terminal.types(answer);
            let left = terminal.end();
            assert_eq!(left.code, Some(code), "{answer:?}: {left:?}");
            assert_clean(&left, &before);
            assert_eq!(desk.sandbox.record_file().exists(), code == 0);
            assert_eq!(desk.fake.count(Endpoint::Revoke), usize::from(code == 1));
            assert_eq!(desk.fake.violations(), []);
        }
    }
}

#[test]
fn nobody_is_asked_who_they_are_again_nor_where_the_configuration_says_it() {
    let again = Desk::new().asking("--force");
    again.sandbox.seed(&again.fake, Duration::from_secs(3600));
    let known = Desk::new();
    known.configure("account = \"octocat\"\n");
    for desk in [again, known] {
        let (terminal, code) = desk.see_the_code();
        desk.fake.approve(&code);
        let left = terminal.end();
        assert_eq!(left.code, Some(0), "{left:?}");
        assert!(!left.screen.contains("[Y/n]"), "{left:?}");
    }
}

#[test]
fn p5_a_denial_and_an_expiry_end_it_with_the_next_command() {
    for (deed, text) in [
        (
            FakeGitHub::deny as fn(&FakeGitHub, &str),
            "denied on the page",
        ),
        (FakeGitHub::expire, "expired before it was approved"),
    ] {
        let desk = Desk::new();
        let (terminal, code) = desk.see_the_code();
        let before = terminal.modes();
        deed(&desk.fake, &code);
        let left = terminal.end();
        assert_eq!(left.code, Some(1), "{left:?}");
        assert!(left.screen.contains(text), "{left:?}");
        assert!(left.screen.contains("ghtok login work"), "{left:?}");
        assert_clean(&left, &before);
        assert!(!desk.sandbox.record_file().exists());
    }
}

#[test]
fn a_code_that_the_clock_ends_counts_down_to_nothing() {
    let lifetime = std::time::Duration::from_secs(20);
    let desk = Desk::at(
        hurried_fake()
            .code_lifetime(lifetime)
            .start()
            .expect("a fake"),
    );
    let (terminal, _) = desk.see_the_code();
    let left = terminal.end();
    assert_eq!(left.code, Some(1), "{left:?}");
    assert!(left.screen.contains("expired"), "{left:?}");
    let written = String::from_utf8(left.bytes).expect("UTF-8");
    assert!(written.contains("approval, 0:"), "{written}");
}

#[test]
fn another_account_than_the_configured_one_is_refused_and_nothing_is_kept() {
    let desk = Desk::new();
    desk.configure("account = \"hubot\"\n");
    let (terminal, code) = desk.see_the_code();
    let before = terminal.modes();
    desk.fake.approve(&code);
    let left = terminal.end();
    assert_eq!(left.code, Some(1), "{left:?}");
    let told = left.screen.replace('\n', " ");
    assert!(told.contains("signed in as octocat, but"), "{left:?}");
    assert!(told.contains("nothing was saved"), "{left:?}");
    assert_clean(&left, &before);
    let mut get = desk.sandbox.command(Program::Real, ["get"]);
    as_configured(&mut get);
    assert_eq!(run_command(&mut get).code, Some(4));
}

/// A person is asked before another account takes the place of the stored one.
#[test]
fn another_account_than_the_stored_one_is_asked_about() {
    for (answer, code) in [("y\n", 0), ("\n", 1)] {
        let fake = hurried_fake()
            .user("octocat", 583_231)
            .user("mallory", 666)
            .start()
            .expect("a fake");
        let desk = Desk::at(fake).asking("--force");
        desk.sandbox.seed(&desk.fake, Duration::from_secs(3600));
        let (mut terminal, user_code) = desk.see_the_code();
        let before = terminal.modes();
        desk.fake.approve_as(&user_code, "mallory");
        terminal.wait_for("Replace that sign-in? [y/N]");
        let question = "You approved this as mallory, and octocat is signed in.";
        assert!(
            terminal.screen().contains(question),
            "{}",
            terminal.screen()
        );
        terminal.types(answer);
        let left = terminal.end();
        assert_eq!(left.code, Some(code), "{left:?}");
        assert_clean(&left, &before);
        let account = desk.sandbox.record().account.expect("one");
        let expected = if code == 0 { "mallory" } else { "octocat" };
        assert_eq!(account.login, expected);
        assert_eq!(desk.fake.count(Endpoint::Revoke), usize::from(code == 1));
    }
}

#[test]
fn an_app_that_opted_out_of_expiry_gets_a_token_for_good_and_says_so() {
    let app = App::new(CLIENT_ID).tokens(Tokens::Permanent);
    let desk = Desk::at(hurried_fake().app(app).start().expect("a fake"));
    let left = desk.sign_in();
    assert!(left.screen.contains("valid without expiry"), "{left:?}");
    assert!(left.screen.contains("this token never expires"), "{left:?}");
}

#[test]
fn an_app_without_the_device_flow_shows_no_code_and_names_the_box_to_tick() {
    let app = App::new(CLIENT_ID).device_flow(DeviceFlow::Disabled);
    let desk = Desk::at(hurried_fake().app(app).start().expect("a fake"));
    let terminal = desk.sit_down();
    let before = terminal.modes();
    let left = terminal.end();
    assert_eq!(left.code, Some(1), "{left:?}");
    assert!(left.screen.contains("Enable Device Flow"), "{left:?}");
    assert!(!left.screen.contains("Open "), "{left:?}");
    assert_clean(&left, &before);
}

#[test]
fn an_oauth_app_is_told_apart() {
    const OAUTH_APP: &str = "Ov23liTESTCLIENT0001";
    let app = App::new(OAUTH_APP).tokens(Tokens::Permanent);
    let desk = Desk::at(hurried_fake().app(app).start().expect("a fake"));
    desk.sandbox.configure(&format!(
        "store = \"file\"\n[[app]]\nname = \"old\"\nclient_id = \"{OAUTH_APP}\"\nhost = \"{}\"\n",
        desk.fake.host()
    ));
    let left = desk.sign_in();
    assert!(
        left.screen
            .contains("Ov23liTESTCLIENT0001 is the client ID of an OAuth App"),
        "{left:?}"
    );
    assert!(left.screen.contains("copy the \"Client ID\""), "{left:?}");
}

#[test]
fn trouble_is_told_above_the_line_that_counts_down() {
    let desk = Desk::new();
    desk.fake
        .fail_next(Endpoint::Poll, Fault::before(Failure::Status(502)));
    let (mut terminal, code) = desk.see_the_code();
    terminal.wait_for("trying\nWaiting for your approval");
    desk.approve(&mut terminal, &code);
    let left = terminal.end();
    assert_eq!(left.code, Some(0), "{left:?}");
    assert_eq!(left.screen.matches("HTTP 502").count(), 1, "{left:?}");
}

/// Nothing that a person does or sees waits for the server. In usual time, where it may take 30 s.
#[test]
fn a_server_that_hangs_stops_neither_the_count_nor_the_browser() {
    let desk = Desk::at(FakeGitHub::start().expect("a fake")).with_noting_browser();
    desk.fake
        .fail_always(Endpoint::Poll, Fault::before(Failure::Hang));
    let mut terminal = Terminal::start(&desk.command(Program::Real), ROWS, COLUMNS);
    desk.wait_for_the_code(&terminal);
    eventually("a poll", || {
        (desk.fake.count(Endpoint::Poll) > 0).then_some(())
    });
    let shown = terminal.screen();
    eventually("another second", || {
        (terminal.screen() != shown).then_some(())
    });
    terminal.types("\n");
    assert_eq!(desk.wait_for_notes(1), [desk.page()]);
    assert_eq!(desk.fake.count(Endpoint::Poll), 1, "it still hangs");
}
