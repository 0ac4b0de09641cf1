//! The same chance at every run (xorshift64*), so that what it finds is found again.

pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(seed.max(1))
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number from 0 to `end`, which is not among them.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() >> 33).unwrap_or(0) % end
    }

    /// Up to `most` bytes, with those that end lines and keys in plenty.
    pub fn bytes(&mut self, most: usize) -> Vec<u8> {
        const TELLING: [u8; 8] = *b"=\n\r\0[]:%";
        let count = self.below(most + 1);
        (0..count)
            .map(|_| match self.below(4) {
                0 => TELLING[self.below(TELLING.len())],
                1 => u8::try_from(self.below(256)).unwrap_or(0),
                _ => b'a' + u8::try_from(self.below(26)).unwrap_or(0),
            })
            .collect()
    }
}
