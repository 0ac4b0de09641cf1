//! Markdown for a terminal: paragraphs and list items are filled to its width. Pure.

use super::drawing::wrap::wrapped;

/// The text in lines of at most so many columns. Code, tables and headings keep their lines.
pub(crate) fn fitted(text: &str, columns: usize) -> String {
    let mut fitted = String::new();
    let mut paragraph = String::new();
    let mut in_code = false;
    for line in text.lines() {
        let is_fence = line.starts_with("```");
        if !in_code && !is_fence && is_prose(line) {
            if starts_item(line) {
                flush(&mut paragraph, columns, &mut fitted);
            }
            if !paragraph.is_empty() {
                paragraph.push(' ');
            }
            paragraph.push_str(line.trim());
            continue;
        }
        in_code ^= is_fence;
        flush(&mut paragraph, columns, &mut fitted);
        fitted.push_str(line);
        fitted.push('\n');
    }
    flush(&mut paragraph, columns, &mut fitted);
    fitted
}

fn is_prose(line: &str) -> bool {
    !line.is_empty() && !line.starts_with(['#', '|', '[', '<', '!'])
}

fn starts_item(line: &str) -> bool {
    let line = line.trim_start();
    let number = line.trim_start_matches(|c: char| c.is_ascii_digit());
    line.starts_with("- ") || (number.len() < line.len() && number.starts_with(". "))
}

fn flush(paragraph: &mut String, columns: usize, fitted: &mut String) {
    if !paragraph.is_empty() {
        fitted.push_str(&wrapped(paragraph, columns));
        fitted.push('\n');
        paragraph.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::fitted;

    #[test]
    fn paragraphs_and_items_are_filled_and_the_rest_stays() {
        let text = "# A long heading here\n\none two\nthree four\n\n- an item\n  goes on\n- next\n\n```sh\na  long  command  line\n```\n| a | table that is wide |\n";
        assert_eq!(
            fitted(text, 14),
            "# A long heading here\n\none two three\nfour\n\n- an item goes\non\n- next\n\n```sh\na  long  command  line\n```\n| a | table that is wide |\n"
        );
        assert_eq!(fitted("a b\n", 80), "a b\n");
    }
}
