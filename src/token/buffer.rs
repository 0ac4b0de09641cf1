//! Text that contains a secret while it is put together.

use std::fmt;
use std::io;

use zeroize::{Zeroize, Zeroizing};

/// A growing buffer whose content is wiped when it is dropped, and whenever it moves to larger memory:
/// a plain `String` or `Vec` leaves a copy behind each time it grows.
#[derive(Default)]
pub(crate) struct SecretBuffer(Zeroizing<Vec<u8>>);

impl SecretBuffer {
    /// An empty buffer with this capacity.
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self(Zeroizing::new(Vec::with_capacity(bytes)))
    }

    /// Appends bytes.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let needed = self.0.len() + bytes.len();
        if needed > self.0.capacity() {
            let mut larger = Zeroizing::new(Vec::with_capacity(needed.max(2 * self.0.capacity())));
            larger.extend_from_slice(&self.0);
            // The smaller one is wiped here.
            self.0 = larger;
        }
        self.0.extend_from_slice(bytes);
    }

    /// Appends text.
    pub(crate) fn push_str(&mut self, text: &str) {
        self.push(text.as_bytes());
    }

    /// Removes the first bytes.
    pub(crate) fn consume(&mut self, count: usize) {
        let left = self.0.len() - count;
        self.0.copy_within(count.., 0);
        self.0[left..].zeroize();
        self.0.truncate(left);
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SecretBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBuffer(…)")
    }
}

impl fmt::Write for SecretBuffer {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push_str(text);
        Ok(())
    }
}

impl io::Write for SecretBuffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.push(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::SecretBuffer;

    #[test]
    fn it_grows_and_is_consumed_from_the_front() {
        let mut buffer = SecretBuffer::with_capacity(1);
        for _ in 0..100 {
            buffer.push_str("ghu_x ");
        }
        assert_eq!(buffer.as_bytes(), "ghu_x ".repeat(100).as_bytes());
        buffer.consume(599);
        assert_eq!(buffer.as_bytes(), b" ");
        buffer.push(b"a");
        assert_eq!(buffer.as_bytes(), b" a");
        buffer.consume(2);
        assert_eq!(buffer.as_bytes(), b"");
    }
}
