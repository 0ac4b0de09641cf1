//! A line on its way, and how much of them may be on its way at once: who reads faster than another
//! writes has to wait, and nobody else does.

use std::ops::Deref;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// The longest line that is passed on, and how much may be on its way in one direction.
pub const LONGEST: usize = 64 * 1024 * 1024;

/// A line with its end.
#[derive(Debug)]
pub struct Line {
    bytes: Vec<u8>,
    /// Given back when the line is written or dropped.
    _share: Option<Share>,
}

/// What is on its way in one direction.
#[derive(Clone, Debug, Default)]
pub struct Road(Arc<(Mutex<usize>, Condvar)>);

/// A line's part of it.
#[derive(Debug)]
struct Share {
    road: Road,
    size: usize,
}

impl Line {
    /// A line of our own.
    pub fn own(mut bytes: Vec<u8>) -> Self {
        bytes.push(b'\n');
        Self {
            bytes,
            _share: None,
        }
    }

    /// The same way, with other bytes.
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
            _share: None,
        }
    }
}

impl Road {
    /// Puts a line on the road, once there is room for it.
    pub fn admit(&self, bytes: Vec<u8>) -> Line {
        let size = bytes.len();
        let (used, freed) = &*self.0;
        let mut used = used.lock().unwrap_or_else(PoisonError::into_inner);
        while *used > 0 && *used + size > LONGEST {
            used = freed.wait(used).unwrap_or_else(PoisonError::into_inner);
        }
        *used += size;
        Line {
            bytes,
            _share: Some(Share {
                road: self.clone(),
                size,
            }),
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let (used, freed) = &*self.road.0;
        *used.lock().unwrap_or_else(PoisonError::into_inner) -= self.size;
        freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_road_lets_nobody_on_until_a_line_has_left() {
        let road = Road::default();
        let first = road.admit(vec![0; LONGEST]);
        let other = road.clone();
        let late = std::thread::spawn(move || other.admit(vec![1]).len());
        assert!(!late.is_finished());
        drop(first);
        assert_eq!(late.join().expect("a line"), 1);
        assert_eq!(*road.0.0.lock().expect("unlocked"), 0);
    }
}
