//! NEON with dot products: `sdot` adds four neighbouring products of bytes, all of them exact. Its intrinsics are not stable,
//! so it is written out.

#![expect(unsafe_code, reason = "vector intrinsics, loads through pointers, inline assembly")]

use alloc::boxed::Box;
use core::arch::aarch64::*;
use core::arch::asm;

use super::{neon, packers};
use crate::generic::conv_2d::{ConvInt, ConvMixed};
use crate::generic::fully_connected::{as_conv_hybrid, as_conv_i8};
use crate::generic::tile::{Tile, as_they_are};
use crate::isa::Dotprod;
use crate::packed::Packed;
use crate::spec::{
    ConvHybrid, ConvI8, FilterScales, FullyConnectedHybrid, FullyConnectedI8, FullyConnectedRealI8,
};

/// 8 channels in two registers, 16 steps of depth at once.
pub(crate) struct Quads8;

impl Tile<8> for Quads8 {
    as_they_are!(i8, i32);

    type Isa = Dotprod;

    const GROUP: usize = 4;
    const PANELS: usize = 2;

    #[inline(always)]
    fn sums<const M: usize, const P: usize>(
        _isa: Dotprod,
        inputs: &[i8],
        stride: usize,
        panels: &[i8],
        depth: usize,
    ) -> [[[i32; 8]; P]; M] {
        assert!(M > 0 && inputs.len() >= (M - 1) * stride + depth);
        assert!(panels.len() >= P * depth * 8 && depth.is_multiple_of(Self::GROUP));
        let mut sums = [[[0; 8]; P]; M];
        // SAFETY: the token proves the instructions. Row `m` is read at `m * stride + 0..depth` and panel `p` at
        // `(p * depth + 0..depth) * 8`, which the assertions hold inside the slices; `sums` holds 8 numbers a store.
        unsafe {
            let mut registers = [[[vdupq_n_s32(0); 2]; P]; M];
            let mut k = 0;
            while k + 16 <= depth {
                let mut rows = [vdupq_n_s8(0); M];
                for m in 0..M {
                    rows[m] = vld1q_s8(inputs.as_ptr().add(m * stride + k));
                }
                let panels = panels.as_ptr().add(k * 8);
                step::<0, M, P>(&mut registers, &rows, panels, depth);
                step::<1, M, P>(&mut registers, &rows, panels, depth);
                step::<2, M, P>(&mut registers, &rows, panels, depth);
                step::<3, M, P>(&mut registers, &rows, panels, depth);
                k += 16;
            }
            while k < depth {
                let mut rows = [vdupq_n_s8(0); M];
                for m in 0..M {
                    let quad = inputs.as_ptr().add(m * stride + k);
                    rows[m] = vreinterpretq_s8_s32(vld1q_dup_s32(quad.cast()));
                }
                step::<0, M, P>(&mut registers, &rows, panels.as_ptr().add(k * 8), depth);
                k += 4;
            }
            for m in 0..M {
                for p in 0..P {
                    let sums = sums[m][p].as_mut_ptr();
                    vst1q_s32(sums, registers[m][p][0]);
                    vst1q_s32(sums.add(4), registers[m][p][1]);
                }
            }
        }
        sums
    }
}

/// Four steps of depth: quad `QUAD` of each row times the weights `QUAD` quads behind `panels`.
///
/// # Safety
/// The CPU has dot products, and each panel, `depth * 8` behind the one before, holds 32 weights there.
#[inline(always)]
unsafe fn step<const QUAD: usize, const M: usize, const P: usize>(
    registers: &mut [[[int32x4_t; 2]; P]; M],
    rows: &[int8x16_t; M],
    panels: *const i8,
    depth: usize,
) {
    for p in 0..P {
        // SAFETY: the caller's promise.
        unsafe {
            let weights = panels.add(p * depth * 8 + QUAD * 32);
            let (low, high) = (vld1q_s8(weights), vld1q_s8(weights.add(16)));
            for m in 0..M {
                registers[m][p][0] = sdot::<QUAD>(registers[m][p][0], low, rows[m]);
                registers[m][p][1] = sdot::<QUAD>(registers[m][p][1], high, rows[m]);
            }
        }
    }
}

/// `sum[l] + weights[4 l..][..4] * inputs[4 QUAD..][..4]`.
///
/// # Safety
/// The CPU has dot products.
#[inline(always)]
unsafe fn sdot<const QUAD: usize>(sum: int32x4_t, weights: int8x16_t, inputs: int8x16_t) -> int32x4_t {
    let mut sum = sum;
    // SAFETY: the caller's promise; it reads and writes registers alone.
    unsafe {
        asm!(
            ".arch_extension dotprod",
            "sdot {sum:v}.4s, {weights:v}.16b, {inputs:v}.4b[{quad}]",
            sum = inout(vreg) sum,
            weights = in(vreg) weights,
            inputs = in(vreg) inputs,
            quad = const QUAD,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    sum
}

packers! { Dotprod;
    /// CONV_2D on int8.
    conv_i8: ConvI8 -> i8, neon::conv_i8, |isa, spec| Box::new(ConvInt::<Quads8, _, 4, 8>::new(isa, spec));
    /// CONV_2D on floats with int8 weights.
    conv_hybrid: ConvHybrid -> f32, neon::conv_hybrid,
        |isa, spec| Box::new(ConvMixed::<Quads8, 4, 8>::new(isa, spec, matches!(spec.filter_scales, FilterScales::PerChannel(_))));
    /// FULLY_CONNECTED on int8.
    fully_connected_i8: FullyConnectedI8 -> i8, neon::fully_connected_i8,
        |isa, spec| Box::new(ConvInt::<Quads8, _, 4, 8>::new(isa, &as_conv_i8(spec)));
    /// FULLY_CONNECTED on int8, in double precision at the end.
    fully_connected_real_i8: FullyConnectedRealI8 -> i8, neon::fully_connected_real_i8,
        |isa, spec| Box::new(ConvInt::<Quads8, _, 4, 8>::fully_connected(isa, spec));
    /// FULLY_CONNECTED on floats with int8 weights.
    fully_connected_hybrid: FullyConnectedHybrid -> f32, neon::fully_connected_hybrid,
        |isa, spec| Box::new(ConvMixed::<Quads8, 4, 8>::new(isa, &as_conv_hybrid(spec), false));
}
