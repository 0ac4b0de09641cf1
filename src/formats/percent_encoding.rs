//! Strict percent-decoding (RFC 3986 section 2.1).

use percent_encoding::percent_decode;
use zeroize::Zeroizing;

/// The decoded bytes, which may be a password; `None` where a `%` has no two hexadecimal digits
/// behind it, which [`percent_decode`] would leave as it is.
pub(crate) fn decode(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let is_complete = |at: usize| {
        let digits = text.get(at + 1..at + 3);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    let mut escapes = (0..text.len()).filter(|at| text[*at] == b'%');
    if !escapes.all(is_complete) {
        return None;
    }
    // Room for all of it at once: a buffer that grows leaves copies behind.
    let mut decoded = Zeroizing::new(Vec::with_capacity(text.len()));
    decoded.extend(percent_decode(text));
    Some(decoded)
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn broken_escapes_are_not_decoded() {
        let decoded = decode(b"a%20b%2fc%FF").expect("whole escapes");
        assert_eq!(decoded.as_slice(), b"a b/c\xff");
        for broken in ["%", "a%2", "%zz", "%+2", "%%20", "%20%é"] {
            assert!(decode(broken.as_bytes()).is_none(), "{broken}");
        }
    }
}
