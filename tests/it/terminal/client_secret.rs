//! `ghtok app secret set`: what is typed is not shown, and `app remove` takes it away again.

use std::path::PathBuf;

use crate::support::git::files_with;
use crate::support::pty::Terminal;
use crate::support::sandbox::Program;

use super::{Desk, assert_clean};

const SECRET: &str = "0123456789abcdef0123456789abcdef01234567";

fn at(desk: &mut Desk, arguments: &[&'static str]) -> Terminal {
    desk.arguments = arguments.to_vec();
    Terminal::start(&desk.command(Program::Real), 40, 80)
}

fn holders(desk: &Desk) -> Vec<PathBuf> {
    files_with(desk.sandbox.home(), SECRET)
}

#[test]
fn a_secret_is_typed_unseen_stored_and_removed_with_its_app() {
    let mut desk = Desk::new();
    let mut terminal = at(&mut desk, &["app", "secret", "set", "--store", "file"]);
    let before = terminal.modes();
    terminal.wait_for("Client secret of work (");
    terminal.types(&format!("{SECRET}\n"));
    let left = terminal.end();
    assert_eq!(left.code, Some(0), "{left:?}");
    assert!(
        left.screen.contains("the client secret is stored"),
        "{left:?}"
    );
    let written = String::from_utf8(left.bytes.clone()).expect("UTF-8");
    assert!(!written.contains(&SECRET[..8]), "{written}");
    assert_clean(&left, &before);
    assert_eq!(holders(&desk).len(), 1);

    let left = at(&mut desk, &["app", "remove", "work"]).end();
    assert_eq!(left.code, Some(0), "{left:?}");
    assert!(
        left.screen.contains("work: its client secret was removed"),
        "{left:?}"
    );
    assert_eq!(holders(&desk), Vec::<PathBuf>::new());
}

#[test]
fn ctrl_c_and_a_token_in_its_place_store_nothing_and_leave_the_terminal_as_it_was() {
    for (typed, code) in [
        ("01234\u{3}", 130),
        ("ghp_0123456789abcdefghijklmnopqrstuvwxyz\n", 2),
        ("\n", 2),
    ] {
        let mut desk = Desk::new();
        let mut terminal = at(&mut desk, &["app", "secret", "set", "--store", "file"]);
        let before = terminal.modes();
        terminal.wait_for("Client secret of work (");
        terminal.types(typed);
        let left = terminal.end();
        assert_eq!(left.code, Some(code), "{left:?}");
        let written = String::from_utf8(left.bytes.clone()).expect("UTF-8");
        assert!(!written.contains("01234"), "{written}");
        assert_clean(&left, &before);
        assert_eq!(holders(&desk), Vec::<PathBuf>::new());
    }
}
