//! The tile of bytes for every aarch64 CPU: eight steps of depth side by side in a register, products of two steps added in
//! 16 bits, and pairs of neighbours of these in 32.

#![expect(unsafe_code, reason = "vector intrinsics and loads through pointers")]

use core::arch::aarch64::*;

use crate::generic::tile::{Tile, as_they_are};
use crate::isa::Neon;

/// 8 channels, each with a register of four partial sums for each row. Two products are added before they are widened
/// (`smull`, `smlal`), and `2 * 128 * 128` would not fit: weights must be above -128, see [`fits`].
pub(crate) struct Octets8;

/// Whether [`Octets8`] may multiply with these weights.
pub(crate) fn fits(weights: &[i8]) -> bool {
    !weights.contains(&i8::MIN)
}

impl Tile<8> for Octets8 {
    as_they_are!(i8, i32);

    type Isa = Neon;

    const GROUP: usize = 8;
    const PANELS: usize = 1;

    #[inline(always)]
    fn sums<const M: usize, const P: usize>(
        _isa: Neon,
        inputs: &[i8],
        stride: usize,
        panels: &[i8],
        depth: usize,
    ) -> [[[i32; 8]; P]; M] {
        assert!(M > 0 && inputs.len() >= (M - 1) * stride + depth);
        assert!(panels.len() >= P * depth * 8 && depth.is_multiple_of(Self::GROUP));
        let mut sums = [[[0; 8]; P]; M];
        for p in 0..P {
            // SAFETY: the token proves the instructions. Rows `m` and `m + 1` are read at `m * stride + 0..depth` and one
            // stride on, and panel `p` at `(p * depth + 0..depth) * 8`, which the assertions hold inside the slices.
            unsafe {
                let panel = panels.as_ptr().add(p * depth * 8);
                // Two rows of sums fill half of the registers.
                for m in (0..M / 2 * 2).step_by(2) {
                    let pair = rows::<2>(inputs.as_ptr().add(m * stride), stride, panel, depth);
                    sums[m][p] = pair[0];
                    sums[m + 1][p] = pair[1];
                }
                if M % 2 == 1 {
                    [sums[M - 1][p]] = rows::<1>(inputs.as_ptr().add((M - 1) * stride), stride, panel, depth);
                }
            }
        }
        sums
    }
}

/// `R` rows times one panel.
///
/// # Safety
/// The CPU has NEON, each row holds `depth` inputs, the panel `depth * 8` weights, and `depth` is a multiple of 8.
#[inline(always)]
unsafe fn rows<const R: usize>(
    inputs: *const i8,
    stride: usize,
    panel: *const i8,
    depth: usize,
) -> [[i32; 8]; R] {
    // SAFETY: the caller's promise; 16 steps of depth are 128 weights, 8 are 64.
    unsafe {
        let mut registers = [[vdupq_n_s32(0); 8]; R];
        let mut k = 0;
        while k + 16 <= depth {
            let (first, second) =
                (octets::<R>(inputs.add(k), stride), octets::<R>(inputs.add(k + 8), stride));
            for pair in 0..4 {
                let weights = vld1q_s8(panel.add(k * 8 + pair * 16));
                let more = vld1q_s8(panel.add(k * 8 + 64 + pair * 16));
                for r in 0..R {
                    let low = vmull_s8(vget_low_s8(weights), vget_low_s8(first[r]));
                    let low = vmlal_s8(low, vget_low_s8(more), vget_low_s8(second[r]));
                    registers[r][2 * pair] = vpadalq_s16(registers[r][2 * pair], low);
                    let high = vmlal_high_s8(vmull_high_s8(weights, first[r]), more, second[r]);
                    registers[r][2 * pair + 1] = vpadalq_s16(registers[r][2 * pair + 1], high);
                }
            }
            k += 16;
        }
        if k < depth {
            let first = octets::<R>(inputs.add(k), stride);
            for pair in 0..4 {
                let weights = vld1q_s8(panel.add(k * 8 + pair * 16));
                for r in 0..R {
                    let low = vmull_s8(vget_low_s8(weights), vget_low_s8(first[r]));
                    registers[r][2 * pair] = vpadalq_s16(registers[r][2 * pair], low);
                    let high = vmull_high_s8(weights, first[r]);
                    registers[r][2 * pair + 1] = vpadalq_s16(registers[r][2 * pair + 1], high);
                }
            }
        }
        let mut sums = [[0; 8]; R];
        for r in 0..R {
            let [a, b, c, d, e, f, g, h] = registers[r];
            vst1q_s32(sums[r].as_mut_ptr(), vpaddq_s32(vpaddq_s32(a, b), vpaddq_s32(c, d)));
            vst1q_s32(sums[r].as_mut_ptr().add(4), vpaddq_s32(vpaddq_s32(e, f), vpaddq_s32(g, h)));
        }
        sums
    }
}

/// 8 inputs of each row, in both halves of a register.
///
/// # Safety
/// The CPU has NEON, and each row holds 8 inputs.
#[inline(always)]
unsafe fn octets<const R: usize>(inputs: *const i8, stride: usize) -> [int8x16_t; R] {
    // SAFETY: the caller's promise.
    unsafe {
        let mut octets = [vdupq_n_s8(0); R];
        for r in 0..R {
            octets[r] = vreinterpretq_s8_s64(vld1q_dup_s64(inputs.add(r * stride).cast()));
        }
        octets
    }
}
