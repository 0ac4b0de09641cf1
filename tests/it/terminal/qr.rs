//! `--qr`: what stands on the screen is read back by another program's eye.

use super::Desk;
use crate::support::pty::Terminal;

/// A module is so many pixels wide.
const ZOOM: usize = 4;

/// What a camera reads off the screen, whose cells are two pixels high.
fn read(terminal: &Terminal) -> Option<String> {
    let (rows, columns) = terminal.look(vt100::Screen::size);
    let (rows, columns) = (usize::from(rows.get()), usize::from(columns.get()));
    let size = (columns * ZOOM, 2 * rows * ZOOM);
    let mut image = terminal.look(|screen| {
        rqrr::PreparedImage::prepare_from_bitmap(size.0, size.1, |x, y| {
            !is_light(screen, y / ZOOM, x / ZOOM)
        })
    });
    let codes = image.detect_grids();
    codes
        .first()
        .and_then(|code| code.decode().ok())
        .map(|(_, text)| text)
}

fn is_light(screen: &vt100::Screen, half_row: usize, column: usize) -> bool {
    let number = |count: usize| u16::try_from(count).expect("a small screen");
    let Some(cell) = screen.cell(number(half_row / 2), number(column)) else {
        return false;
    };
    let upper = half_row.is_multiple_of(2);
    let is_white = |colour| colour == vt100::Color::Idx(15);
    match (cell.contents(), upper) {
        ("▀", true) if cell.fgcolor() != vt100::Color::Default => is_white(cell.fgcolor()),
        ("▀", false) if cell.bgcolor() != vt100::Color::Default => is_white(cell.bgcolor()),
        ("▀", upper) => upper,
        ("▄", upper) => !upper,
        ("█", _) => true,
        _ => is_white(cell.bgcolor()),
    }
}

/// The code's cells alone are as wide as high only where one character is two modules; for pairs of
/// characters see the unit tests of the drawing.
#[test]
fn the_page_is_read_off_the_screen_with_and_without_colours() {
    for desk in [Desk::new(), Desk::new().with("NO_COLOR", "1")] {
        let desk = desk.asking("--qr");
        let (mut terminal, code) = desk.see_the_code();
        assert_eq!(
            read(&terminal).as_deref(),
            Some(&*desk.page()),
            "{}",
            terminal.screen()
        );
        desk.approve(&mut terminal, &code);
        assert_eq!(terminal.end().code, Some(0));
    }
}

#[test]
fn unasked_there_is_none() {
    let desk = Desk::new();
    let (mut terminal, code) = desk.see_the_code();
    assert_eq!(read(&terminal), None);
    desk.approve(&mut terminal, &code);
    let left = terminal.end();
    assert!(!left.screen.contains('▀'), "{left:?}");
}

#[test]
fn a_terminal_that_is_too_narrow_is_told_so() {
    let desk = Desk::new().asking("--qr").sized(50, 30);
    let left = desk.sign_in();
    let said = left.screen.replace('\n', " ");
    assert!(
        said.contains("no QR code: the terminal is too narrow"),
        "{said}"
    );
    assert!(!left.screen.contains('▀'), "{left:?}");
}
