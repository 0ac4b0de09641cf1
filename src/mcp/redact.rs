//! Removes the token from what a server writes to standard error, even if two reads split it.

use zeroize::Zeroizing;

use crate::token::SecretBuffer;

const REPLACEMENT: &[u8] = b"[token]";

/// Replaces one server's token in a stream.
pub(crate) struct Redactor {
    token: Zeroizing<Vec<u8>>,
    held: SecretBuffer,
}

impl Redactor {
    /// Replaces this token.
    pub(crate) fn new(token: &str) -> Self {
        Self {
            token: Zeroizing::new(token.as_bytes().to_vec()),
            held: SecretBuffer::default(),
        }
    }

    /// The part of the stream that can be shown now; the rest may be the beginning of a token.
    pub(crate) fn redact(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.held.push(bytes);
        let held = self.held.as_bytes();
        let mut shown = Vec::with_capacity(held.len());
        let mut from = 0;
        while let Some(at) = find(&held[from..], &self.token) {
            shown.extend_from_slice(&held[from..from + at]);
            shown.extend_from_slice(REPLACEMENT);
            from += at + self.token.len();
        }
        let rest = &held[from..];
        let done = rest.len() - prefix_at_end(rest, &self.token);
        shown.extend_from_slice(&rest[..done]);
        self.held.consume(from + done);
        shown
    }

    /// What is held back at the end of the stream.
    pub(crate) fn finish(&mut self) -> Vec<u8> {
        let rest = self.held.as_bytes().to_vec();
        self.held.consume(rest.len());
        rest
    }
}

fn find(text: &[u8], token: &[u8]) -> Option<usize> {
    if token.is_empty() {
        return None;
    }
    text.windows(token.len()).position(|part| part == token)
}

/// How many of the last bytes are the beginning of the token.
fn prefix_at_end(text: &[u8], token: &[u8]) -> usize {
    let longest = token.len().saturating_sub(1).min(text.len());
    (1..=longest)
        .rev()
        .find(|length| text.ends_with(&token[..*length]))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_redacted_wherever_a_read_splits_it() {
        let text = b"a ghu_secret b ghu_ghu_secret\nghu_sec";
        let expected = b"a [token] b ghu_[token]\nghu_sec";
        for size in 1..text.len() {
            let mut redactor = Redactor::new("ghu_secret");
            let mut shown: Vec<u8> = text
                .chunks(size)
                .flat_map(|part| redactor.redact(part))
                .collect();
            shown.extend(redactor.finish());
            assert_eq!(shown, expected, "{size}");
        }
    }
}
