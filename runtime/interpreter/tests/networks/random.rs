//! Reproducible numbers.

/// Marsaglia's xorshift64 ("Xorshift RNGs", 2003).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        (self.next() >> 33) % limit
    }

    pub(crate) fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * ((self.next() >> 40) as f32 / (1u64 << 24) as f32)
    }

    /// An arbitrary scale, spread over two orders of magnitude.
    pub(crate) fn scale(&mut self) -> f32 {
        let exponent = self.between(-8.0, -2.0);
        exponent.exp2()
    }

    /// The same with a zero point of int8.
    pub(crate) fn scale_zero_point(&mut self) -> (f32, i64) {
        (self.scale(), self.below(256) as i64 - 128)
    }
}
