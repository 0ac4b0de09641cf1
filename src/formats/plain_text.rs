//! Makes text from a server or a file safe to show on a terminal, in a log, or in one line.

/// One line of at most `longest` characters without control, bidirectional or invisible characters.
/// Each run of them, and of white space, becomes one blank.
pub(crate) fn one_line(text: &str, longest: usize) -> String {
    let mut line = String::new();
    for word in text.split(|c: char| c.is_whitespace() || is_treacherous(c)) {
        if !word.is_empty() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    if line.chars().count() > longest {
        line = line.chars().take(longest.saturating_sub(1)).collect();
        line.push('…');
    }
    line
}

/// The text as it is, but without what drives terminals or hides and reorders its neighbours.
pub(crate) fn without_tricks(text: &str) -> String {
    text.chars().filter(|c| !is_treacherous(*c)).collect()
}

/// The text with what cannot be seen, or drives terminals, spelled out: `\r`, `\u{200b}`. For texts in
/// which exactly that may be the fault.
pub(crate) fn escaped(text: &str) -> String {
    let spelled = |c: char| is_treacherous(c) || (c.is_whitespace() && c != ' ');
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if spelled(c) {
            match c {
                '\n' | '\r' | '\t' => shown.extend(c.escape_default()),
                c => shown.extend(c.escape_unicode()),
            }
        } else {
            shown.push(c);
        }
    }
    shown
}

/// A library's text with the names of Rust's values (`Other(OtherError(CaUsedAsEndEntity))`) as words.
/// Words with a dot, such as host names, stay as they are.
pub(crate) fn spelled_out(text: &str) -> String {
    const WRAPPERS: [&str; 3] = ["Other", "OtherError", "Some"];
    let words = text.split([' ', '(', ')', '[', ']', '{', '}']);
    let words = words.filter(|word| !word.is_empty() && !WRAPPERS.contains(word));
    words.map(spelled_word).collect::<Vec<_>>().join(" ")
}

fn spelled_word(word: &str) -> String {
    let pairs = || word.chars().zip(word.chars().skip(1));
    let has_hump = pairs().any(|(one, next)| one.is_lowercase() && next.is_uppercase());
    if !has_hump || word.contains('.') {
        return word.to_owned();
    }
    let mut spelled = String::new();
    let mut previous = ' ';
    for c in word.chars() {
        if previous.is_lowercase() && c.is_uppercase() {
            spelled.push(' ');
        }
        spelled.extend(c.to_lowercase());
        previous = c;
    }
    spelled
}

/// C0, C1 and DEL drive terminals; bidirectional and invisible characters make text read as what it
/// is not (Unicode TR 36, section 2.5). The one list of them.
pub fn is_treacherous(c: char) -> bool {
    c.is_control() || is_invisible(c)
}

/// Characters that reorder or hide their neighbours, or show nothing themselves.
pub(crate) fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::{escaped, one_line, spelled_out};

    #[test]
    fn the_names_of_rusts_values_become_words() {
        for (text, words) in [
            (
                "Other(OtherError(CaUsedAsEndEntity))",
                "ca used as end entity",
            ),
            (
                "received fatal alert: HandshakeFailure",
                "received fatal alert: handshake failure",
            ),
            (
                "not valid for name \"GitHub.example\"",
                "not valid for name \"GitHub.example\"",
            ),
            (
                "unexpected message: got Alert when expecting [ServerHello]",
                "unexpected message: got Alert when expecting server hello",
            ),
        ] {
            assert_eq!(spelled_out(text), words);
        }
    }

    #[test]
    fn what_cannot_be_seen_is_spelled_out() {
        assert_eq!(
            escaped("a b\r\n\tc\u{1b}\u{200b}\u{a0}\u{feff}é"),
            r"a b\r\n\tc\u{1b}\u{200b}\u{a0}\u{feff}é"
        );
    }

    #[test]
    fn what_drives_a_terminal_is_gone() {
        let hostile = "a\u{1b}]0;title\u{7}b\u{9b}31mc\r\nd\u{202e}e\u{200b}f\u{7f}";
        assert_eq!(one_line(hostile, 200), "a ]0;title b 31mc d e f");
    }

    #[test]
    fn long_text_is_cut() {
        assert_eq!(one_line(&"x".repeat(300), 5), "xxxx…");
    }
}
