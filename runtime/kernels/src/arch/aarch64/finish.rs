//! From sums to outputs in NEON's own fixed-point instructions, which are TFLite's but for one rounding.

#![expect(unsafe_code, reason = "vector intrinsics and loads through pointers")]

use core::arch::aarch64::*;

use crate::isa::Neon;
use crate::requantize::RequantizeLanes;

/// [`RequantizeLanes::apply`] of `M` pixels, 8 lanes at a time; fewer lanes than that one by one.
#[inline(always)]
pub(crate) fn requantize_rows<const M: usize, const L: usize>(
    _isa: Neon,
    constants: &RequantizeLanes<'_, L>,
    sums: &[&[i32; L]; M],
) -> [[i8; L]; M] {
    let mut outputs = [[0; L]; M];
    if !L.is_multiple_of(8) {
        for m in 0..M {
            outputs[m] = constants.apply(sums[m]);
        }
        return outputs;
    }
    for first in (0..L).step_by(8) {
        // SAFETY: the token proves the instructions; `first + 8 <= L`, the length of every array read and written.
        unsafe {
            let shared = Lanes::new(constants, first);
            for (sums, outputs) in sums.iter().zip(&mut outputs) {
                let sums = load(*sums, first);
                let bytes =
                    if constants.shifts_right { shared.shifted_right(sums) } else { shared.shifted(sums) };
                vst1_s8(outputs.as_mut_ptr().add(first), bytes);
            }
        }
    }
    outputs
}

/// Lanes `first..first + 8`.
///
/// # Safety
/// `first + 8 <= L`, and the CPU has NEON.
#[inline(always)]
unsafe fn load<const L: usize>(lanes: &[i32; L], first: usize) -> [int32x4_t; 2] {
    // SAFETY: the caller's promise.
    unsafe { [vld1q_s32(lanes.as_ptr().add(first)), vld1q_s32(lanes.as_ptr().add(first + 4))] }
}

/// Constants of 8 channels.
struct Lanes {
    bias: [int32x4_t; 2],
    mantissa: [int32x4_t; 2],
    left: [int32x4_t; 2],
    /// Negative: a shift to the left by less than nothing.
    right: [int32x4_t; 2],
    zero_point: i32,
    least: int8x8_t,
    greatest: int8x8_t,
}

impl Lanes {
    /// # Safety
    /// `first + 8 <= L`, and the CPU has NEON.
    #[inline(always)]
    unsafe fn new<const L: usize>(constants: &RequantizeLanes<'_, L>, first: usize) -> Self {
        // SAFETY: the caller's promise.
        unsafe {
            let [low, high] = load(constants.right, first);
            Self {
                bias: load(constants.bias, first),
                mantissa: load(constants.mantissa, first),
                left: load(constants.left, first),
                right: [vnegq_s32(low), vnegq_s32(high)],
                zero_point: constants.zero_point,
                least: vdup_n_s8(constants.activation.min),
                greatest: vdup_n_s8(constants.activation.max),
            }
        }
    }

    /// Any shifts. The zero point is added in 32 bits, where it wraps as it does in the reference.
    ///
    /// # Safety
    /// The CPU has NEON.
    #[inline(always)]
    unsafe fn shifted(&self, sums: [int32x4_t; 2]) -> int8x8_t {
        // SAFETY: the caller's promise.
        unsafe {
            let half = |which: usize| {
                let biased = vshlq_s32(vaddq_s32(sums[which], self.bias[which]), self.left[which]);
                let scaled = scale(biased, self.mantissa[which], self.right[which]);
                vaddq_s32(scaled, vdupq_n_s32(self.zero_point))
            };
            self.clamp(vqmovn_high_s32(vqmovn_s32(half(0)), half(1)))
        }
    }

    /// Shifts to the right alone: what is left has at most 31 bits, so the zero point may be added in 16, saturating.
    ///
    /// # Safety
    /// The CPU has NEON.
    #[inline(always)]
    unsafe fn shifted_right(&self, sums: [int32x4_t; 2]) -> int8x8_t {
        // SAFETY: the caller's promise.
        unsafe {
            let half = |which: usize| {
                scale(vaddq_s32(sums[which], self.bias[which]), self.mantissa[which], self.right[which])
            };
            let words = vqmovn_high_s32(vqmovn_s32(half(0)), half(1));
            self.clamp(vqaddq_s16(words, vdupq_n_s16(self.zero_point as i16)))
        }
    }

    /// # Safety
    /// The CPU has NEON.
    #[inline(always)]
    unsafe fn clamp(&self, words: int16x8_t) -> int8x8_t {
        // SAFETY: the caller's promise.
        unsafe { vmin_s8(vmax_s8(vqmovn_s16(words), self.least), self.greatest) }
    }
}

/// [`Multiplier::apply`](crate::Multiplier::apply) after the left shift, in each lane. `right` is 0 or negative.
///
/// `vqrdmulh` is `(value * mantissa + 2^30) >> 31`, and can saturate only for a negative mantissa. `vrshl` rounds halves up,
/// and TFLite away from zero: below zero, one less before the shift. Nothing wraps there, for a mantissa below 2^31 makes no
/// product of -2^31.
///
/// # Safety
/// The CPU has NEON.
#[inline(always)]
unsafe fn scale(value: int32x4_t, mantissa: int32x4_t, right: int32x4_t) -> int32x4_t {
    // SAFETY: the caller's promise.
    unsafe {
        let high = vqrdmulhq_s32(value, mantissa);
        let nudged = vsraq_n_s32::<31>(high, vandq_s32(high, right));
        vrshlq_s32(nudged, right)
    }
}
