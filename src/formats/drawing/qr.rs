//! A page's address as a QR code (ISO/IEC 18004) that a telephone reads off a terminal.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use fast_qr::{ECL, QRBuilder};

use super::{Charset, Looks};

/// The light border that a reader needs (ISO/IEC 18004, "Quiet zone").
const QUIET: usize = 4;

/// The address as a QR code; `None` where it is wider than these columns, or too long for one.
///
/// Where colours are allowed, dark is dark in every theme. Where they are not, it is drawn for light
/// letters on a dark ground; many readers take the inverse too.
pub(crate) fn qr_code(address: &str, columns: usize, looks: Looks) -> Option<String> {
    let picture = Picture::of(address)?;
    let drawn = match looks.charset {
        Charset::Utf8 => picture.in_halves(looks.coloured),
        Charset::Ascii => picture.in_pairs(looks.coloured),
    };
    let width = match looks.charset {
        Charset::Utf8 => picture.size,
        Charset::Ascii => 2 * picture.size,
    };
    (width <= columns).then_some(drawn)
}

/// The modules with their quiet zone.
struct Picture {
    dark: Vec<bool>,
    size: usize,
}

impl Picture {
    fn of(address: &str) -> Option<Self> {
        let code = QRBuilder::new(address).ecl(ECL::L).build().ok()?;
        let size = code.size + 2 * QUIET;
        let mut dark = vec![false; size * size];
        for row in 0..code.size {
            for column in 0..code.size {
                dark[(row + QUIET) * size + column + QUIET] = code[row][column].value();
            }
        }
        Some(Self { dark, size })
    }

    fn is_dark(&self, row: usize, column: usize) -> bool {
        // An odd height leaves half a row below, which is light.
        self.dark
            .get(row * self.size + column)
            .is_some_and(|dark| *dark)
    }

    /// Two modules in a character, one above the other.
    fn in_halves(&self, coloured: bool) -> String {
        self.rows(2, |row, column| {
            let (upper, lower) = (self.is_dark(row, column), self.is_dark(row + 1, column));
            if coloured {
                return (Some(style(upper, lower)), "▀");
            }
            let light = match (upper, lower) {
                (false, false) => "█",
                (false, true) => "▀",
                (true, false) => "▄",
                (true, true) => " ",
            };
            (None, light)
        })
    }

    /// A module in two characters, which are about as wide as high.
    fn in_pairs(&self, coloured: bool) -> String {
        self.rows(1, |row, column| {
            let dark = self.is_dark(row, column);
            match (coloured, dark) {
                (true, dark) => (Some(style(dark, dark)), "  "),
                (false, true) => (None, "  "),
                (false, false) => (None, "##"),
            }
        })
    }

    fn rows(
        &self,
        step: usize,
        cell: impl Fn(usize, usize) -> (Option<Style>, &'static str),
    ) -> String {
        let row = |row| {
            let mut line = String::new();
            let mut present = None;
            for column in 0..self.size {
                let (style, text) = cell(row, column);
                if style != present
                    && let Some(style) = style
                {
                    let _ = write!(line, "{style}");
                }
                present = style;
                line.push_str(text);
            }
            if let Some(style) = present {
                let _ = write!(line, "{style:#}");
            }
            line
        };
        let rows: Vec<String> = (0..self.size).step_by(step).map(row).collect();
        rows.join("\n")
    }
}

fn style(upper_is_dark: bool, lower_is_dark: bool) -> Style {
    let colour = |dark| {
        if dark {
            AnsiColor::Black
        } else {
            AnsiColor::BrightWhite
        }
    };
    colour(upper_is_dark).on(colour(lower_is_dark))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "https://github.com/login/device";

    fn looks(charset: Charset) -> Looks {
        Looks {
            charset,
            coloured: false,
            dumb: false,
        }
    }

    /// What a reader makes of a picture whose modules are light where this says so.
    fn read(size: usize, is_light: impl Fn(usize, usize) -> bool) -> String {
        const ZOOM: usize = 4;
        let mut image =
            rqrr::PreparedImage::prepare_from_bitmap(size * ZOOM, size * ZOOM, |x, y| {
                !is_light(x / ZOOM, y / ZOOM)
            });
        let [code] = image
            .detect_grids()
            .try_into()
            .map_err(|_| ())
            .expect("a code");
        code.decode().expect("readable").1
    }

    #[test]
    fn half_blocks_are_read_back() {
        let drawn = qr_code(PAGE, 80, looks(Charset::Utf8)).expect("it fits");
        let rows: Vec<Vec<char>> = drawn.lines().map(|row| row.chars().collect()).collect();
        let size = rows[0].len();
        assert_eq!((size, rows.len()), (33, 17));
        let found = read(size, |x, y| match rows[y / 2][x] {
            '█' => true,
            '▀' => y % 2 == 0,
            '▄' => y % 2 == 1,
            _ => false,
        });
        assert_eq!(found, PAGE);
    }

    #[test]
    fn pairs_of_ascii_are_read_back() {
        let drawn = qr_code(PAGE, 80, looks(Charset::Ascii)).expect("it fits");
        assert!(drawn.is_ascii());
        let rows: Vec<&[u8]> = drawn.lines().map(str::as_bytes).collect();
        assert_eq!(read(rows.len(), |x, y| rows[y][2 * x] == b'#'), PAGE);
    }

    #[test]
    fn what_does_not_fit_is_not_drawn() {
        assert!(qr_code(PAGE, 33, looks(Charset::Utf8)).is_some());
        assert_eq!(qr_code(PAGE, 32, looks(Charset::Utf8)), None);
        assert_eq!(qr_code(PAGE, 65, looks(Charset::Ascii)), None);
        assert_eq!(qr_code(&"x".repeat(5000), 9999, looks(Charset::Utf8)), None);
    }
}
