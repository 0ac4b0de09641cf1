//! `ghtok status` on a terminal: a word in colour, and nothing cut in the middle.

use std::time::Duration;

use super::Desk;
use crate::support::pty::Terminal;
use crate::support::sandbox::Program;

const HOUR: Duration = Duration::from_secs(3600);

/// The rows of a status at this width, and the colour of the first letter of its word.
fn shown(desk: &Desk, columns: u16) -> (String, vt100::Color) {
    let terminal = Terminal::start(&desk.command(Program::Real), 60, columns);
    terminal.wait_for("timer:");
    let colour = terminal.look(|screen| {
        let cell = screen.cell(0, 6).expect("after \"work: \"");
        cell.fgcolor()
    });
    let left = terminal.end();
    assert_eq!(left.code, Some(0), "{left:?}");
    (left.screen, colour)
}

fn desk() -> Desk {
    let desk = Desk::new();
    Desk {
        arguments: vec!["status"],
        ..desk
    }
}

#[test]
fn a_word_in_colour_and_whole_words_at_every_width() {
    let desk = desk();
    let wide = |rows: &str| {
        rows.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let (signed_out, red) = shown(&desk, 200);
    assert_eq!(red, vt100::Color::Idx(1), "{signed_out}");
    assert!(signed_out.starts_with("work: signed out\n"), "{signed_out}");
    assert!(
        signed_out.contains("sign in with:\n                   ghtok login work"),
        "{signed_out}"
    );
    for columns in [45, 80, 120] {
        let (rows, _) = shown(&desk, columns);
        // The path of a record is longer than a row.
        let without_paths = |words: Vec<String>| -> Vec<String> {
            words
                .into_iter()
                .filter(|word| !word.contains('/') && !word.contains('%'))
                .collect()
        };
        let narrow = without_paths(wide(&rows));
        let cut: Vec<&String> = narrow
            .iter()
            .filter(|word| !signed_out.contains(word.as_str()))
            .collect();
        assert!(cut.is_empty(), "{columns}: {cut:?} in {rows}");
        assert!(
            rows.lines().any(|row| row.trim() == "ghtok login work"),
            "{rows}"
        );
    }
}

#[test]
fn a_good_sign_in_is_green_and_no_colour_is_written_where_none_is_wanted() {
    let desk = desk();
    desk.sandbox.seed(&desk.fake, HOUR);
    let (rows, colour) = shown(&desk, 80);
    assert!(rows.starts_with("work: signed in\n"), "{rows}");
    assert_eq!(colour, vt100::Color::Idx(2));
    let desk = desk.with("NO_COLOR", "1");
    assert_eq!(shown(&desk, 80).1, vt100::Color::Default);
}
