//! Text that a server chose, made fit to be shown: one line, no terminal tricks, no token.

use crate::formats::plain_text::is_invisible;
use crate::token::has_token_prefix;

/// The most characters that a message of a server may have when it is shown.
const LONGEST: usize = 200;

/// A run of token characters from this length on is shown as `…`: tokens have 40 characters and
/// more, words of a language do not.
const TOKEN_LIKE: usize = 24;

/// The text without control, bidirectional and invisible characters, without anything that could
/// be a token, on one line, cut at 200 characters.
pub(crate) fn shown(text: &str) -> String {
    let visible: String = text
        .chars()
        .map(|c| {
            if c.is_control() || c.is_whitespace() {
                ' '
            } else {
                c
            }
        })
        .filter(|c| !is_invisible(*c))
        .collect();
    let mut line = String::new();
    for word in visible.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        push_without_tokens(&mut line, word);
    }
    if line.chars().count() > LONGEST {
        line = line.chars().take(LONGEST - 1).collect();
        line.push('…');
    }
    line
}

fn push_without_tokens(line: &mut String, word: &str) {
    let in_token = |c: char| c.is_ascii_alphanumeric() || "_-.~+/=%".contains(c);
    let mut rest = word;
    while !rest.is_empty() {
        let run = rest.find(|c| !in_token(c)).unwrap_or(rest.len());
        if run >= TOKEN_LIKE || has_token_prefix(&rest[..run]) {
            line.push('…');
        } else {
            line.push_str(&rest[..run]);
        }
        let other = rest[run..].find(in_token).map_or(rest.len(), |at| run + at);
        line.push_str(&rest[run..other]);
        rest = &rest[other..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_and_bidi_tricks_are_removed() {
        let hostile = "a\u{1b}[31mb\u{202e}c\r\nd\u{0}\u{9b}2Je\u{200b}f\u{2028}g\u{e0041}";
        let shown = shown(hostile);
        assert_eq!(shown, "a [31mbc d 2Jef g");
    }

    #[test]
    fn nothing_that_could_be_a_token_is_shown() {
        for secret in [
            "ghu_x",
            "ghr_0123",
            "GHU_abcdef",
            "github_pat_1",
            "0123456789abcdef0123456789abcdef01234567",
            "token=ghu_16C7e42F292c6912E7710c838347Ae178B4a",
            "a.b-c_d.e-f_g.h-i_j.k-l_m.n-o",
        ] {
            let shown = shown(&format!("bad '{secret}', sorry"));
            assert!(!shown.contains(secret), "{shown}");
            assert!(
                shown.starts_with("bad '") && shown.ends_with("', sorry"),
                "{shown}"
            );
        }
    }

    #[test]
    fn ordinary_words_stay_and_long_text_is_cut() {
        let text = "The device_code provided is not valid.";
        assert_eq!(shown(text), text);
        let long = shown(&"wörter ".repeat(100));
        assert_eq!(long.chars().count(), 200);
        assert!(long.ends_with('…'));
    }
}
