//! Takes the token out of what a server says on standard error, also where a read cuts it in two.

use zeroize::Zeroizing;

use crate::token::SecretBuffer;

/// What stands in the token's place.
const MASK: &[u8] = b"[token]";

/// Masks one server's token in a stream.
pub struct Mask {
    token: Zeroizing<Vec<u8>>,
    held: SecretBuffer,
}

impl Mask {
    /// For this token.
    pub fn new(token: &str) -> Self {
        Self {
            token: Zeroizing::new(token.as_bytes().to_vec()),
            held: SecretBuffer::default(),
        }
    }

    /// What of the stream may be shown now; the rest could be the token's beginning.
    pub fn pass(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.held.push(bytes);
        let held = self.held.as_bytes();
        let mut shown = Vec::with_capacity(held.len());
        let mut from = 0;
        while let Some(at) = find(&held[from..], &self.token) {
            shown.extend_from_slice(&held[from..from + at]);
            shown.extend_from_slice(MASK);
            from += at + self.token.len();
        }
        let rest = &held[from..];
        let done = rest.len() - beginning(rest, &self.token);
        shown.extend_from_slice(&rest[..done]);
        self.held.consume(from + done);
        shown
    }

    /// What is left at the stream's end.
    pub fn rest(&mut self) -> Vec<u8> {
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

/// How many of the last bytes are the token's first.
fn beginning(text: &[u8], token: &[u8]) -> usize {
    let most = token.len().saturating_sub(1).min(text.len());
    (1..=most)
        .rev()
        .find(|length| text.ends_with(&token[..*length]))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_masked_wherever_it_is_cut() {
        let text = b"a ghu_secret b ghu_ghu_secret\nghu_sec";
        let expected = b"a [token] b ghu_[token]\nghu_sec";
        for size in 1..text.len() {
            let mut mask = Mask::new("ghu_secret");
            let mut shown: Vec<u8> = text.chunks(size).flat_map(|part| mask.pass(part)).collect();
            shown.extend(mask.rest());
            assert_eq!(shown, expected, "{size}");
        }
    }
}
