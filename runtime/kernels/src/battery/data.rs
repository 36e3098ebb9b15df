//! Numbers to test with, from a seed, and memory that holds garbage until a kernel writes it.

use std::vec::Vec;

use crate::packed::{Packed, SCRATCH_ALIGN};
use crate::requantize::Multiplier;
use crate::shape::Clamp;

/// SplitMix64 (Steele, Lea and Flood 2014): small, and the same everywhere.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// One of `0..limit`.
    pub(super) fn below(&mut self, limit: usize) -> usize {
        (self.bits() % limit as u64) as usize
    }

    pub(super) fn int(&mut self, least: i32, greatest: i32) -> i32 {
        let span = (i64::from(greatest) - i64::from(least) + 1) as u64;
        (i64::from(least) + (self.bits() % span) as i64) as i32
    }

    /// Uniform in -1..1.
    pub(super) fn float(&mut self) -> f32 {
        (self.bits() >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }

    pub(super) fn floats(&mut self, len: usize) -> Vec<f32> {
        (0..len).map(|_| self.float()).collect()
    }

    /// Any int8; in every third call nothing but the extremes.
    pub(super) fn int8s(&mut self, len: usize) -> Vec<i8> {
        let extremes = self.below(3) == 0;
        (0..len)
            .map(|_| {
                let bits = self.bits() as i8;
                if extremes { [-128, 127, -127][usize::from(bits as u8) % 3] } else { bits }
            })
            .collect()
    }

    /// Weights: any int8, but in half of the calls none is -128, which no converter writes and which some kernels leave to
    /// slower ones.
    pub(super) fn weights(&mut self, len: usize) -> Vec<i8> {
        let least = if self.below(2) == 0 { -127 } else { -128 };
        self.int8s(len).into_iter().map(|weight| weight.max(least)).collect()
    }

    /// Small biases; in every fourth call any int32, so that sums wrap.
    pub(super) fn biases(&mut self, len: usize) -> Vec<i32> {
        let any = self.below(4) == 0;
        (0..len).map(|_| if any { self.bits() as i32 } else { self.int(-20_000, 20_000) }).collect()
    }

    /// Factors as QuantizeMultiplier makes them: any mantissa, mostly between 2^-14 and 1/8; in half of the calls some above
    /// 1, some 0.
    pub(super) fn multipliers(&mut self, len: usize) -> Vec<Multiplier> {
        let kinds = if self.below(2) == 0 { 16 } else { 1 };
        (0..len)
            .map(|_| match 15 - self.below(kinds) {
                0 => Multiplier { mantissa: 0, shift: 0 },
                1 => Multiplier { mantissa: self.int(1 << 30, i32::MAX), shift: self.int(-31, 30) },
                _ => Multiplier { mantissa: self.int(1 << 30, i32::MAX), shift: self.int(-14, -3) },
            })
            .collect()
    }

    pub(super) fn clamp_i8(&mut self) -> Clamp<i8> {
        let (a, b) = (self.int(-128, 127), self.int(-128, 127));
        if self.below(2) == 0 {
            Clamp::<i8>::NONE
        } else {
            Clamp { min: a.min(b) as i8, max: a.max(b) as i8 }
        }
    }

    pub(super) fn clamp_f32(&mut self) -> Clamp<f32> {
        match self.below(3) {
            0 => Clamp::<f32>::NONE,
            1 => Clamp { min: 0.0, max: f32::INFINITY },
            _ => Clamp { min: 0.0, max: 6.0 },
        }
    }
}

/// Runs all rows in one call and again in random shares, each time over garbage, and gives the output if both agree.
pub(super) fn run<In, Out: Copy + PartialEq + core::fmt::Debug>(
    kernel: &dyn Packed<In, Out>,
    input: &[In],
    garbage: Out,
    random: &mut Random,
) -> Vec<Out> {
    let mut memory = std::vec![0xff_u8; kernel.scratch_bytes() + SCRATCH_ALIGN];
    let start = memory.as_ptr().align_offset(SCRATCH_ALIGN);
    let scratch = &mut memory[start..start + kernel.scratch_bytes()];
    let mut whole = std::vec![garbage; kernel.rows() * kernel.row_len()];
    kernel.run(input, 0..kernel.rows(), scratch, &mut whole);

    scratch.fill(0xff);
    let mut shared = std::vec![garbage; whole.len()];
    let mut rest = &mut shared[..];
    let mut row = 0;
    while row < kernel.rows() {
        let end = (row + 1 + random.below(3)).min(kernel.rows());
        let (share, after) = rest.split_at_mut((end - row) * kernel.row_len());
        kernel.run(input, row..end, scratch, share);
        (rest, row) = (after, end);
    }
    assert_eq!(whole, shared, "rows computed alone differ from rows computed together");
    whole
}
