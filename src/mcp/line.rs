//! Lines in transit, and a limit on their bytes: a reader that is faster than the writer waits, and
//! nobody else does.

use std::ops::Deref;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// The longest line that is passed on, and the most bytes in transit in one direction.
pub(crate) const MAX_BYTES: usize = 64 * 1024 * 1024;

/// A line with its line feed.
#[derive(Debug)]
pub struct Line {
    bytes: Vec<u8>,
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
        Self { bytes, ..self }
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
        Self {
            bytes,
            _permit: None,
        }
    }
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
            bytes,
            _permit: Some(Permit {
                budget: self.clone(),
                size,
            }),
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
