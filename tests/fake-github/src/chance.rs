//! Texts that no one can guess and that never repeat, from the random keys of
//! std's hasher: good enough for tokens that live as long as a test.

use std::hash::{BuildHasher, RandomState};

pub(crate) const ALPHANUMERIC: &str =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
pub(crate) const HEX: &str = "0123456789abcdef";
/// RFC 8628 section 6.1: no vowels, nothing that is mistaken for something else.
pub(crate) const CONSONANTS: &str = "BCDFGHJKLMNPQRSTVWXZ";
pub(crate) const BASE64_URL: &str =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

pub(crate) fn text(alphabet: &str, length: usize) -> String {
    let letters = alphabet.as_bytes();
    let count = u64::try_from(letters.len()).expect("an alphabet is short");
    // Each RandomState of a thread differs from the last one.
    let keys = RandomState::new();
    (0..length)
        .map(|at| {
            let drawn = usize::try_from(keys.hash_one(at) % count).expect("less than the count");
            char::from(letters[drawn])
        })
        .collect()
}
