//! How a text of the configuration is shown in an error: on one line, short, and without what may be
//! a secret. Pure.

use crate::formats::plain_text::escaped;
use crate::token::{has_token_prefix, is_like_a_client_secret, token_prefix};

/// The longest value that is shown whole, in characters.
const SHOWN: usize = 60;

/// From this length on, a value in the shape of a GitHub token is not shown.
const TOKEN_LENGTH: usize = 24;

/// A value between quotation marks, as [`shown`].
pub(super) fn quoted(value: &str) -> String {
    format!("\"{}\"", shown(value))
}

/// A value with what cannot be seen spelled out, without what stands before an `@` (a user and a password), and without whatever looks like a
/// GitHub token or a client secret.
pub(super) fn shown(value: &str) -> String {
    if let Some(prefix) = token_prefix(value) {
        return format!("{prefix}…");
    }
    if looks_like_a_token(value) {
        return "…".into();
    }
    let (hidden, rest) = match value.rsplit_once('@') {
        Some((_, rest)) => ("…@", rest),
        None => ("", value),
    };
    let line = escaped(rest);
    let mut short: String = line.chars().take(SHOWN).collect();
    if short.len() < line.len() {
        short.push('…');
    }
    format!("{hidden}{short}")
}

fn looks_like_a_token(value: &str) -> bool {
    // A JSON Web Token begins so: the encoded form of `{"`.
    let is_jwt = value.starts_with("eyJ");
    is_like_a_client_secret(value)
        || value.len() >= TOKEN_LENGTH && (is_jwt || has_token_prefix(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_shown_on_one_line_and_cut() {
        assert_eq!(
            quoted("a\nb\u{1b}[31m\u{202e}c\u{9b}"),
            r#""a\nb\u{1b}[31m\u{202e}c\u{9b}""#
        );
        assert_eq!(quoted(&"é".repeat(61)), format!("\"{}…\"", "é".repeat(60)));
        assert_eq!(quoted(&"é".repeat(60)), format!("\"{}\"", "é".repeat(60)));
    }

    #[test]
    fn passwords_and_tokens_are_not_shown() {
        assert_eq!(quoted("http://octo:pass@word@ghes"), "\"…@ghes\"");
        for token in [
            "ghu_0123456789abcdef0123456789abcdef0123",
            "github_pat_0123456789abcdef",
            "x ghr_0123456789abcdef0123456789abcdef",
            "0123456789abcdef0123456789abcdef01234567",
            "eyJ0123456789abcdef0123456789",
        ] {
            assert!(!quoted(token).contains("0123"), "{token}");
        }
        assert_eq!(quoted("ghs_runner"), "\"ghs_…\"");
        assert_eq!(quoted("my-ghs_runner"), "\"my-ghs_runner\"");
    }
}
