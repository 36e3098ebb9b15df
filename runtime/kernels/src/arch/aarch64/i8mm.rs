//! NEON with matrix products: `smmla` multiplies two rows of eight bytes with two columns, exactly. Its intrinsics are not
//! stable, so it is written out.

#![expect(unsafe_code, reason = "vector intrinsics, loads through pointers, inline assembly")]

use alloc::boxed::Box;
use core::arch::aarch64::*;
use core::arch::asm;

use super::{dotprod, packers};
use crate::generic::conv_2d::{ConvInt, ConvMixed};
use crate::generic::fully_connected::{as_conv_hybrid, as_conv_i8};
use crate::generic::tile::{Tile, as_they_are};
use crate::isa::I8mm;
use crate::packed::Packed;
use crate::spec::{
    ConvHybrid, ConvI8, FilterScales, FullyConnectedHybrid, FullyConnectedI8, FullyConnectedRealI8,
};

/// 8 channels in four registers for two rows: `[row 0, channel 0], [0, 1], [1, 0], [1, 1]` and so on. A row without a
/// neighbour is its own.
pub(crate) struct Squares8;

impl Tile<8> for Squares8 {
    as_they_are!(i8, i32);

    type Isa = I8mm;

    const GROUP: usize = 8;
    const PANELS: usize = 2;

    #[inline(always)]
    fn sums<const M: usize, const P: usize>(
        _isa: I8mm,
        inputs: &[i8],
        stride: usize,
        panels: &[i8],
        depth: usize,
    ) -> [[[i32; 8]; P]; M] {
        assert!(M > 0 && inputs.len() >= (M - 1) * stride + depth);
        assert!(panels.len() >= P * depth * 8 && depth.is_multiple_of(Self::GROUP));
        let mut sums = [[[0; 8]; P]; M];
        let panels = panels.as_ptr();
        // SAFETY: the token proves the instructions. Rows are read at `m * stride + 0..depth`, `m` at most `M - 1`, and
        // panel `p` at `(p * depth + 0..depth) * 8`, which the assertions hold inside the slices.
        unsafe {
            let row = |m: usize| inputs.as_ptr().add(m.min(M - 1) * stride);
            let mut m = 0;
            while m + 4 <= M {
                let rows = [row(m), row(m + 1), row(m + 2), row(m + 3)];
                sums[m..m + 4].copy_from_slice(&squares::<4, 2, P>(rows, panels, depth));
                m += 4;
            }
            while m < M {
                let count = (M - m).min(2);
                let tile = squares::<2, 1, P>([row(m), row(m + 1)], panels, depth);
                sums[m..m + count].copy_from_slice(&tile[..count]);
                m += count;
            }
        }
        sums
    }
}

/// `R = 2 * PAIRS` rows times `P` panels.
///
/// # Safety
/// The CPU has matrix products, each row holds `depth` inputs, each panel `depth * 8` weights, and `depth` is a multiple of
/// 8.
#[inline(always)]
unsafe fn squares<const R: usize, const PAIRS: usize, const P: usize>(
    rows: [*const i8; R],
    panels: *const i8,
    depth: usize,
) -> [[[i32; 8]; P]; R] {
    // SAFETY: the caller's promise.
    unsafe {
        let mut registers = [[[vdupq_n_s32(0); 4]; P]; PAIRS];
        let mut k = 0;
        while k + 16 <= depth {
            let (mut first, mut second) = ([vdupq_n_s8(0); PAIRS], [vdupq_n_s8(0); PAIRS]);
            for pair in 0..PAIRS {
                let row = vreinterpretq_s64_s8(vld1q_s8(rows[2 * pair].add(k)));
                let next = vreinterpretq_s64_s8(vld1q_s8(rows[2 * pair + 1].add(k)));
                first[pair] = vreinterpretq_s8_s64(vzip1q_s64(row, next));
                second[pair] = vreinterpretq_s8_s64(vzip2q_s64(row, next));
            }
            step(&mut registers, &first, panels.add(k * 8), depth);
            step(&mut registers, &second, panels.add(k * 8 + 64), depth);
            k += 16;
        }
        if k < depth {
            let mut first = [vdupq_n_s8(0); PAIRS];
            for pair in 0..PAIRS {
                let row = vld1_s8(rows[2 * pair].add(k));
                first[pair] = vcombine_s8(row, vld1_s8(rows[2 * pair + 1].add(k)));
            }
            step(&mut registers, &first, panels.add(k * 8), depth);
        }
        let mut sums = [[[0; 8]; P]; R];
        for pair in 0..PAIRS {
            for p in 0..P {
                for half in 0..2 {
                    let first = vreinterpretq_s64_s32(registers[pair][p][2 * half]);
                    let second = vreinterpretq_s64_s32(registers[pair][p][2 * half + 1]);
                    let row = sums[2 * pair][p].as_mut_ptr().add(4 * half);
                    vst1q_s32(row, vreinterpretq_s32_s64(vzip1q_s64(first, second)));
                    let next = sums[2 * pair + 1][p].as_mut_ptr().add(4 * half);
                    vst1q_s32(next, vreinterpretq_s32_s64(vzip2q_s64(first, second)));
                }
            }
        }
        sums
    }
}

/// Eight steps of depth.
///
/// # Safety
/// The CPU has matrix products, and each panel, `depth * 8` behind the one before, holds 64 weights.
#[inline(always)]
unsafe fn step<const PAIRS: usize, const P: usize>(
    registers: &mut [[[int32x4_t; 4]; P]; PAIRS],
    rows: &[int8x16_t; PAIRS],
    panels: *const i8,
    depth: usize,
) {
    for p in 0..P {
        for columns in 0..4 {
            // SAFETY: the caller's promise.
            unsafe {
                let weights = vld1q_s8(panels.add(p * depth * 8 + columns * 16));
                for pair in 0..PAIRS {
                    registers[pair][p][columns] = smmla(registers[pair][p][columns], rows[pair], weights);
                }
            }
        }
    }
}

/// The 2 x 2 sums of two rows with two columns of eight.
///
/// # Safety
/// The CPU has matrix products.
#[inline(always)]
unsafe fn smmla(sum: int32x4_t, rows: int8x16_t, columns: int8x16_t) -> int32x4_t {
    let mut sum = sum;
    // SAFETY: the caller's promise; it reads and writes registers alone.
    unsafe {
        asm!(
            ".arch_extension i8mm",
            "smmla {sum:v}.4s, {rows:v}.16b, {columns:v}.16b",
            sum = inout(vreg) sum,
            rows = in(vreg) rows,
            columns = in(vreg) columns,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    sum
}

packers! { I8mm;
    /// CONV_2D on int8.
    conv_i8: ConvI8 -> i8, dotprod::conv_i8, |isa, spec| Box::new(ConvInt::<Squares8, _, 4, 8>::new(isa, spec));
    /// CONV_2D on floats with int8 weights.
    conv_hybrid: ConvHybrid -> f32, dotprod::conv_hybrid,
        |isa, spec| Box::new(ConvMixed::<Squares8, 4, 8>::new(isa, spec, matches!(spec.filter_scales, FilterScales::PerChannel(_))));
    /// FULLY_CONNECTED on int8.
    fully_connected_i8: FullyConnectedI8 -> i8, dotprod::fully_connected_i8,
        |isa, spec| Box::new(ConvInt::<Squares8, _, 4, 8>::new(isa, &as_conv_i8(spec)));
    /// FULLY_CONNECTED on int8, in double precision at the end.
    fully_connected_real_i8: FullyConnectedRealI8 -> i8, dotprod::fully_connected_real_i8,
        |isa, spec| Box::new(ConvInt::<Squares8, _, 4, 8>::fully_connected(isa, spec));
    /// FULLY_CONNECTED on floats with int8 weights.
    fully_connected_hybrid: FullyConnectedHybrid -> f32, dotprod::fully_connected_hybrid,
        |isa, spec| Box::new(ConvMixed::<Squares8, 4, 8>::new(isa, &as_conv_hybrid(spec), false));
}
