//! Lines in transit, and a limit on their bytes: a reader that is faster than the writer waits, and
//! nobody else does. Bytes that are no UTF-8 are passed on as they are.

use std::ops::Deref;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// The longest line that is passed on, and the most bytes in transit in one direction.
pub(crate) const MAX_BYTES: usize = 64 * 1024 * 1024;

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// A line with its line feed. It is read as UTF-8 without a byte order mark, and written as it came.
#[derive(Debug)]
pub struct Line {
    /// UTF-8, of the same length as `original`.
    bytes: Vec<u8>,
    /// What came, if that cannot be read as it is.
    original: Option<Vec<u8>>,
    /// Released when the line has been written or dropped.
    _permit: Option<Permit>,
}

/// How many bytes are in transit in one direction. Clones share one budget.
#[derive(Clone, Debug, Default)]
pub(crate) struct ByteBudget(Arc<(Mutex<usize>, Condvar)>);

/// One line's part of a budget.
#[derive(Debug)]
struct Permit {
    budget: ByteBudget,
    size: usize,
}

impl Line {
    /// A message of ghtok's own, which counts against no budget.
    pub fn own(mut bytes: Vec<u8>) -> Self {
        bytes.push(b'\n');
        Self::from(bytes)
    }

    /// The line with other bytes, and still with the permit of the old ones.
    #[must_use]
    pub fn with(self, bytes: Vec<u8>) -> Self {
        let original = self.original.as_ref();
        let original = original.map(|original| restored(&bytes, &self.bytes, original));
        Self {
            bytes,
            original,
            ..self
        }
    }

    /// What is written to the peer.
    pub(crate) fn as_written(&self) -> &[u8] {
        self.original.as_ref().unwrap_or(&self.bytes)
    }
}

impl Deref for Line {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl From<Vec<u8>> for Line {
    fn from(bytes: Vec<u8>) -> Self {
        let readable = readable(&bytes);
        let original = readable.is_some().then(|| bytes.clone());
        Self {
            bytes: readable.unwrap_or(bytes),
            original,
            _permit: None,
        }
    }
}

/// A copy in which each byte that cannot be read is another: a blank in the place of a byte order mark, a
/// question mark in that of invalid UTF-8. `None` if all can be read.
fn readable(bytes: &[u8]) -> Option<Vec<u8>> {
    let has_mark = bytes.starts_with(BYTE_ORDER_MARK);
    if !has_mark && std::str::from_utf8(bytes).is_ok() {
        return None;
    }
    let mut readable = Vec::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        readable.extend_from_slice(chunk.valid().as_bytes());
        readable.resize(readable.len() + chunk.invalid().len(), b'?');
    }
    if has_mark {
        readable[..BYTE_ORDER_MARK.len()].fill(b' ');
    }
    Some(readable)
}

/// `new`, which was made of `old`, with the bytes of `original` where it is still the same.
fn restored(new: &[u8], old: &[u8], original: &[u8]) -> Vec<u8> {
    let same = |pair: &(&u8, &u8)| pair.0 == pair.1;
    let before = new.iter().zip(old).take_while(same).count();
    let rest = new[before..].iter().rev().zip(old[before..].iter().rev());
    let after = rest.take_while(same).count();
    [
        &original[..before],
        &new[before..new.len() - after],
        &original[original.len() - after..],
    ]
    .concat()
}

impl ByteBudget {
    /// Waits until the budget has room for these bytes, and makes a line of them.
    pub(crate) fn acquire(&self, bytes: Vec<u8>) -> Line {
        let size = bytes.len();
        let (used, freed) = &*self.0;
        let mut used = used.lock().unwrap_or_else(PoisonError::into_inner);
        while *used > 0 && *used + size > MAX_BYTES {
            used = freed.wait(used).unwrap_or_else(PoisonError::into_inner);
        }
        *used += size;
        Line {
            _permit: Some(Permit {
                budget: self.clone(),
                size,
            }),
            ..Line::from(bytes)
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let (used, freed) = &*self.budget.0;
        *used.lock().unwrap_or_else(PoisonError::into_inner) -= self.size;
        freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_passed_on() {
        for (bytes, read) in [
            (
                &b"{\"a\":\"caf\xe9 \x97\"}\n"[..],
                &b"{\"a\":\"caf? ?\"}\n"[..],
            ),
            (b"\xef\xbb\xbf{}\n", b"   {}\n"),
            (b"\xe2\x82\n", b"??\n"),
            ("{\"é\":1}\n".as_bytes(), "{\"é\":1}\n".as_bytes()),
        ] {
            let line = Line::from(bytes.to_vec());
            assert_eq!((&*line, line.as_written()), (read, bytes));
        }
    }

    #[test]
    fn a_changed_line_keeps_what_cannot_be_read() {
        let line = Line::from(b"\xef\xbb\xbf{\"id\":7,\"x\":\"\xe9\"}\n".to_vec());
        let changed = line.with(b"   {\"id\":\"ghtok:1\",\"x\":\"?\"}\n".to_vec());
        let written = b"\xef\xbb\xbf{\"id\":\"ghtok:1\",\"x\":\"\xe9\"}\n";
        assert_eq!(changed.as_written(), written);
        let shorter = Line::from(b"\xe9\xe9\n".to_vec()).with(b"?\n".to_vec());
        assert_eq!(shorter.as_written(), b"\xe9\n");
    }

    #[test]
    fn a_full_budget_blocks_until_a_line_is_dropped() {
        let budget = ByteBudget::default();
        let first = budget.acquire(vec![0; MAX_BYTES]);
        let other = budget.clone();
        let late = std::thread::spawn(move || other.acquire(vec![1]).len());
        assert!(!late.is_finished());
        drop(first);
        assert_eq!(late.join().expect("a line"), 1);
        assert_eq!(*budget.0.0.lock().expect("unlocked"), 0);
    }
}
