//! Lines for a narrow terminal.

use super::width;

/// The text with each line that is wider than the columns broken at blanks, its indent kept. What
/// has no blank, an address say, stays in one piece: the terminal goes on in its next row, and it can
/// still be copied whole.
pub(crate) fn wrapped(text: &str, columns: usize) -> String {
    let lines: Vec<String> = text.split('\n').map(|line| broken(line, columns)).collect();
    lines.join("\n")
}

/// As [`wrapped`], for a message. Its indented lines are commands, which are to be copied: they are not
/// broken, and lose their indent where they are too wide with it.
pub(crate) fn wrapped_message(text: &str, columns: usize) -> String {
    let fit = |line: &str| match line.strip_prefix("  ") {
        Some(command) if width(line) > columns => command.to_owned(),
        Some(_) => line.to_owned(),
        None => broken(line, columns),
    };
    let lines: Vec<String> = text.split('\n').map(fit).collect();
    lines.join("\n")
}

/// As [`wrapped`], for a report, whose indented lines are text. A command on a line of its own is not
/// broken, and stands at the left where it is too wide.
pub(crate) fn wrapped_report(text: &str, columns: usize) -> String {
    let fit = |line: &str| match line.trim_start() {
        command if command.starts_with("ghtok ") && width(line) > columns => command.to_owned(),
        _ => broken(line, columns),
    };
    let lines: Vec<String> = text.split('\n').map(fit).collect();
    lines.join("\n")
}

/// The rows of a line. Below the number of a list's item, the next rows begin where its text begins.
fn broken(line: &str, columns: usize) -> String {
    if width(line) <= columns {
        return line.to_owned();
    }
    let (start, text) = line.split_at(text_start(line));
    let indent = " ".repeat(start.len());
    let mut rows: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        match rows.last_mut() {
            Some(row) if width(row) + 1 + width(word) <= columns => {
                row.push(' ');
                row.push_str(word);
            }
            None if !start.trim().is_empty() => rows.push(format!("{start}{word}")),
            // A word that is too long gets all the room there is.
            _ if indent.len() + width(word) > columns => rows.push(word.to_owned()),
            _ => rows.push(format!("{indent}{word}")),
        }
    }
    rows.join("\n")
}

/// Behind the blanks that a line begins with and the number of a list's item (`1.`, or `1` and two blanks).
fn text_start(line: &str) -> usize {
    let blanks = line.len() - line.trim_start_matches(' ').len();
    let after = line[blanks..].trim_start_matches(|c: char| c.is_ascii_digit());
    let is_number = after.len() < line.len() - blanks;
    let rest = after.strip_prefix('.').unwrap_or(after);
    let text = rest.trim_start_matches(' ');
    let is_item = is_number && (rest.len() < after.len() || rest.starts_with("  "));
    if is_item && text.len() < rest.len() {
        line.len() - text.len()
    } else {
        blanks
    }
}

#[cfg(test)]
mod tests {
    use super::{wrapped, wrapped_message, wrapped_report};

    #[test]
    fn lines_break_at_blanks_and_keep_their_indent() {
        assert_eq!(wrapped("  one two three", 9), "  one two\n  three");
        assert_eq!(wrapped("short\n\n  a  b", 9), "short\n\n  a  b");
    }

    #[test]
    fn an_address_stays_in_one_piece() {
        let page = "https://github.com/login/device";
        assert_eq!(
            wrapped(&format!("  1. Open   {page}"), 20),
            format!("  1. Open\n{page}")
        );
    }

    #[test]
    fn a_command_in_a_message_is_not_broken() {
        let text = "sign in with:\n  ghtok login work";
        assert_eq!(wrapped_message(text, 18), text);
        assert_eq!(
            wrapped_message(text, 12),
            "sign in\nwith:\nghtok login work"
        );
    }

    #[test]
    fn a_report_breaks_its_text_and_no_command() {
        let text = "  next      sign in with:\n            ghtok login work --store file";
        assert_eq!(
            wrapped_report(text, 20),
            "  next sign in with:\nghtok login work --store file"
        );
        assert_eq!(wrapped_report(text, 80), text);
    }

    #[test]
    fn colours_do_not_count() {
        let text = "\u{1b}[1mone\u{1b}[0m two";
        assert_eq!(wrapped(text, 7), text);
    }

    #[test]
    fn the_items_of_a_list_hang_behind_their_numbers() {
        for (line, rows) in [
            ("  1  one two three", "  1  one\n     two\n     three"),
            ("1. one two three", "1. one two\n   three"),
            ("10 one two three", "10 one two\nthree"),
            ("  2. a-long-word two", "  2. a-long-word\n     two"),
        ] {
            assert_eq!(wrapped(line, 10), rows);
        }
    }
}
