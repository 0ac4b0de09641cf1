//! A frame around the few lines that matter.

use super::{Charset, width};

/// What stands left of the frame, and on each side between it and the lines.
const INDENT: usize = 2;
const PADDING: usize = 2;

/// Corners, from the upper left one clockwise, then the horizontal and the vertical line.
const UTF8: [char; 6] = ['┌', '┐', '┘', '└', '─', '│'];
const ASCII: [char; 6] = ['+', '+', '+', '+', '-', '|'];

/// The lines in a frame; `None` where that is wider than these columns, so that no terminal breaks it.
pub(crate) fn framed(lines: &[String], columns: usize, charset: Charset) -> Option<String> {
    let [
        upper_left,
        upper_right,
        lower_right,
        lower_left,
        across,
        down,
    ] = match charset {
        Charset::Utf8 => UTF8,
        Charset::Ascii => ASCII,
    };
    let inner = lines.iter().map(|line| width(line)).max()? + 2 * PADDING;
    if INDENT + inner + 2 > columns {
        return None;
    }
    let indent = " ".repeat(INDENT);
    let edge = |left, right| format!("{indent}{left}{}{right}", across.to_string().repeat(inner));
    let body = lines.iter().map(|line| {
        let before = " ".repeat(PADDING);
        let after = " ".repeat(inner - PADDING - width(line));
        format!("{indent}{down}{before}{line}{after}{down}")
    });
    let mut rows = vec![edge(upper_left, upper_right)];
    rows.extend(body);
    rows.push(edge(lower_left, lower_right));
    Some(rows.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines() -> Vec<String> {
        vec!["go to https://x".into(), "\u{1b}[1mAB-12\u{1b}[0m".into()]
    }

    #[test]
    fn the_lines_stand_in_a_frame_that_colours_do_not_widen() {
        let drawn = framed(&lines(), 80, Charset::Utf8).expect("it fits");
        assert_eq!(
            anstream::adapter::strip_str(&drawn).to_string(),
            "  ┌───────────────────┐\n  │  go to https://x  │\n  │  AB-12            │\n  └───────────────────┘"
        );
        let drawn = framed(&lines(), 80, Charset::Ascii).expect("it fits");
        assert!(drawn.is_ascii(), "{drawn}");
        assert!(drawn.starts_with("  +-------------------+\n  |  go to"));
    }

    #[test]
    fn a_frame_that_would_be_broken_is_not_drawn() {
        assert!(framed(&lines(), 23, Charset::Utf8).is_some());
        assert_eq!(framed(&lines(), 22, Charset::Utf8), None);
        assert_eq!(framed(&[], 80, Charset::Utf8), None);
    }
}
