//! Takes the token out of what a server says on standard error, also where a read cuts it in two.

/// What stands in the token's place.
const MASK: &[u8] = b"[token]";

/// Masks one server's token in a stream.
pub struct Mask {
    token: Vec<u8>,
    held: Vec<u8>,
}

impl Mask {
    /// For this token.
    pub fn new(token: &str) -> Self {
        Self {
            token: token.as_bytes().to_vec(),
            held: Vec::new(),
        }
    }

    /// What of the stream may be shown now; the rest could be the token's beginning.
    pub fn pass(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.held.extend_from_slice(bytes);
        let mut shown = Vec::with_capacity(self.held.len());
        let mut from = 0;
        while let Some(at) = find(&self.held[from..], &self.token) {
            shown.extend_from_slice(&self.held[from..from + at]);
            shown.extend_from_slice(MASK);
            from += at + self.token.len();
        }
        let rest = &self.held[from..];
        let kept = beginning(rest, &self.token);
        shown.extend_from_slice(&rest[..rest.len() - kept]);
        self.held = rest[rest.len() - kept..].to_vec();
        shown
    }

    /// What is left at the stream's end.
    pub fn rest(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.held)
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
