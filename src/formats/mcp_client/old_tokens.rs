//! Old tokens in a client's file: which line, and of which kind; never the token itself.

use crate::token::TOKEN_KINDS;

/// A token that stands in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OldToken {
    /// Counted from 1.
    pub(crate) line: usize,
    /// What people call its kind.
    pub(crate) kind: &'static str,
}

/// The shortest rest that is a token and no example such as `ghp_…` or `ghp_xxx`.
const SHORTEST: usize = 16;

/// The tokens in a file, one for each line at most.
pub(crate) fn old_tokens(text: &str) -> Vec<OldToken> {
    text.lines()
        .enumerate()
        .filter_map(|(at, line)| kind(line).map(|kind| OldToken { line: at + 1, kind }))
        .collect()
}

fn kind(line: &str) -> Option<&'static str> {
    TOKEN_KINDS
        .into_iter()
        .find(|(start, _)| {
            line.match_indices(start)
                .any(|(at, _)| is_token(line, at + start.len()))
        })
        .map(|(_, kind)| kind)
}

fn is_token(line: &str, rest: usize) -> bool {
    let rest = line.as_bytes()[rest..].iter();
    rest.take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_')
        .count()
        >= SHORTEST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_found_and_examples_are_not() {
        let text = "{\n \"env\": {\"GITHUB_PERSONAL_ACCESS_TOKEN\": \"ghp_0123456789abcdefABCDEF0123456789abcd\"},\n \
                    \"a\": \"ghp_xxxx\", \"b\": \"${input:github_pat_token}\",\n \
                    \"c\": \"Bearer github_pat_11AAAAAAA0123456789_abcdefghij\"\n}";
        let found = old_tokens(text);
        assert_eq!(
            found.iter().map(|found| found.line).collect::<Vec<_>>(),
            [2, 4]
        );
        assert_eq!(found[1].kind, "a fine-grained personal access token");
    }
}
