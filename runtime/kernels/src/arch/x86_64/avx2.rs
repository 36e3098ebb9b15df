//! AVX2 with FMA.

#![expect(unsafe_code, reason = "vector intrinsics and loads through pointers")]

use alloc::boxed::Box;
use core::arch::x86_64::*;

use super::{elementwise, packers};
use crate::generic;
use crate::generic::conv_2d::{ConvFloat, ConvInt, ConvMixed};
use crate::generic::depthwise_conv_2d::DepthwiseFloat;
use crate::generic::depthwise_pairs::{self, BLOCK, PairTaps};
use crate::generic::fully_connected::{as_conv_f32, as_conv_hybrid, as_conv_i8};
use crate::generic::tile::{Tile, as_they_are, widened};
use crate::generic::wide::{self, Bytes};
use crate::generic::{binary, exponential, float_pairs, mean, pool_2d, resize};
use crate::isa::Avx2;
use crate::packed::Packed;
use crate::reference::binary::{AddI8, MulI8};
use crate::reference::integer::{ConvInteger, Sum};
use crate::reference::mean::MeanQuantized;
use crate::reference::resize::Resize;
use crate::shape::{Broadcast, Clamp, Pool2dShape};
use crate::spec::{
    ConvF32, ConvHybrid, ConvI8, FilterScales, FullyConnectedF32, FullyConnectedHybrid, FullyConnectedI8,
    FullyConnectedRealI8,
};

/// 8 floats a register, fused multiply-add.
pub(crate) struct Floats8;

impl Tile<8> for Floats8 {
    as_they_are!(f32, f32);

    type Isa = Avx2;

    const GROUP: usize = 1;
    const PANELS: usize = 2;

    #[inline(always)]
    fn sums<const M: usize, const P: usize>(
        _isa: Avx2,
        inputs: &[f32],
        stride: usize,
        panels: &[f32],
        depth: usize,
    ) -> [[[f32; 8]; P]; M] {
        assert!(M > 0 && inputs.len() >= (M - 1) * stride + depth);
        assert!(panels.len() >= P * depth * 8 && depth.is_multiple_of(Self::GROUP));
        let (inputs, panels) = (inputs.as_ptr(), panels.as_ptr());
        let mut sums = [[[0.0; 8]; P]; M];
        // SAFETY: the token proves the instructions. Row `m` is read at `m * stride + 0..depth` and panel `p` at
        // `(p * depth + 0..depth) * 8`, which the assertions hold inside the slices; `sums` holds 8 numbers a store.
        unsafe {
            let mut registers = [[_mm256_setzero_ps(); P]; M];
            for k in (0..depth).step_by(Self::GROUP) {
                let mut weights = [_mm256_setzero_ps(); P];
                for (p, weights) in weights.iter_mut().enumerate() {
                    *weights = _mm256_loadu_ps(panels.add((p * depth + k) * 8).cast());
                }
                for (m, registers) in registers.iter_mut().enumerate() {
                    let input = _mm256_set1_ps(*inputs.add(m * stride + k));
                    for (register, &weights) in registers.iter_mut().zip(&weights) {
                        *register = _mm256_fmadd_ps(input, weights, *register);
                    }
                }
            }
            for (registers, sums) in registers.iter().zip(&mut sums) {
                for (&register, sums) in registers.iter().zip(sums) {
                    _mm256_storeu_ps(sums.as_mut_ptr().cast(), register);
                }
            }
        }
        sums
    }
}

/// 8 sums a register; each instruction adds two neighbouring products of 16-bit numbers (`vpmaddwd`).
pub(crate) struct Pairs8;

impl Tile<8> for Pairs8 {
    widened!();

    type Isa = Avx2;

    const GROUP: usize = 2;
    const PANELS: usize = 2;

    #[inline(always)]
    fn sums<const M: usize, const P: usize>(
        _isa: Avx2,
        inputs: &[i16],
        stride: usize,
        panels: &[i16],
        depth: usize,
    ) -> [[[i32; 8]; P]; M] {
        assert!(M > 0 && inputs.len() >= (M - 1) * stride + depth);
        assert!(panels.len() >= P * depth * 8 && depth.is_multiple_of(Self::GROUP));
        let (inputs, panels) = (inputs.as_ptr(), panels.as_ptr());
        let mut sums = [[[0; 8]; P]; M];
        // SAFETY: the token proves the instructions. Row `m` is read at `m * stride + 0..depth` and panel `p` at
        // `(p * depth + 0..depth) * 8`, which the assertions hold inside the slices; `sums` holds 8 numbers a store.
        unsafe {
            let mut registers = [[_mm256_setzero_si256(); P]; M];
            for k in (0..depth).step_by(Self::GROUP) {
                let mut weights = [_mm256_setzero_si256(); P];
                for (p, weights) in weights.iter_mut().enumerate() {
                    *weights = _mm256_loadu_si256(panels.add((p * depth + k) * 8).cast());
                }
                for (m, registers) in registers.iter_mut().enumerate() {
                    let input = _mm256_set1_epi32(inputs.add(m * stride + k).cast::<i32>().read_unaligned());
                    for (register, &weights) in registers.iter_mut().zip(&weights) {
                        *register = _mm256_add_epi32(*register, _mm256_madd_epi16(input, weights));
                    }
                }
            }
            for (registers, sums) in registers.iter().zip(&mut sums) {
                for (&register, sums) in registers.iter().zip(sums) {
                    _mm256_storeu_si256(sums.as_mut_ptr().cast(), register);
                }
            }
        }
        sums
    }
}

packers! { Avx2;
    /// CONV_2D on floats.
    conv_f32: ConvF32 -> f32, generic::conv_2d::pack_f32, |isa, spec| Box::new(ConvFloat::<Floats8, 6, 8>::new(isa, spec));
    /// CONV_2D on int8.
    conv_i8: ConvI8 -> i8, generic::conv_2d::pack_i8, |isa, spec| Box::new(ConvInt::<Pairs8, _, 6, 8>::new(isa, spec));
    /// CONV_2D on floats with int8 weights.
    conv_hybrid: ConvHybrid -> f32, generic::conv_2d::pack_hybrid,
        |isa, spec| Box::new(ConvMixed::<Pairs8, 6, 8>::new(isa, spec, matches!(spec.filter_scales, FilterScales::PerChannel(_))));
    /// DEPTHWISE_CONV_2D on floats.
    depthwise_f32: ConvF32 -> f32, generic::depthwise_conv_2d::pack_f32, |isa, spec| Box::new(DepthwiseFloat::<_, 16>::new(isa, spec));
    /// DEPTHWISE_CONV_2D on int8.
    depthwise_i8: ConvI8 -> i8, generic::depthwise_conv_2d::pack_i8,
        |isa, spec| depthwise_pairs::pack_i8::<_, 16>(isa, spec);
    /// DEPTHWISE_CONV_2D on floats with int8 weights.
    depthwise_hybrid: ConvHybrid -> f32, generic::depthwise_conv_2d::pack_hybrid,
        |isa, spec| depthwise_pairs::pack_hybrid::<_, 16>(isa, spec);
    /// FULLY_CONNECTED on floats.
    fully_connected_f32: FullyConnectedF32 -> f32, generic::fully_connected::pack_f32,
        |isa, spec| Box::new(ConvFloat::<Floats8, 6, 8>::new(isa, &as_conv_f32(spec)));
    /// FULLY_CONNECTED on int8.
    fully_connected_i8: FullyConnectedI8 -> i8, generic::fully_connected::pack_i8,
        |isa, spec| Box::new(ConvInt::<Pairs8, _, 6, 8>::new(isa, &as_conv_i8(spec)));
    /// FULLY_CONNECTED on int8, in double precision at the end.
    fully_connected_real_i8: FullyConnectedRealI8 -> i8, generic::fully_connected::pack_real_i8,
        |isa, spec| Box::new(ConvInt::<Pairs8, _, 6, 8>::fully_connected(isa, spec));
    /// FULLY_CONNECTED on floats with int8 weights.
    fully_connected_hybrid: FullyConnectedHybrid -> f32, generic::fully_connected::pack_hybrid,
        |isa, spec| Box::new(ConvMixed::<Pairs8, 6, 8>::new(isa, &as_conv_hybrid(spec), false));
}

impl PairTaps for Avx2 {
    #[inline(always)]
    fn sums<const B: usize>(self, taps: &[&[i8]], channel: usize, weights: &[i16]) -> [[i32; BLOCK]; B] {
        let block_len = taps.len() * BLOCK;
        assert!(weights.len() >= B * block_len);
        let mut sums = [[0; BLOCK]; B];
        // SAFETY: the token proves the instructions. Each tap holds `B` blocks of 16 from `channel` on, which is asserted as
        // it is read; a pair of taps reads two registers of 16 weights a block, which is asserted above for all pairs; a
        // block of sums holds two registers.
        unsafe {
            let mut registers = [[_mm256_setzero_si256(); 2]; B];
            for (pair, taps) in taps.as_chunks::<2>().0.iter().enumerate() {
                assert!(taps.iter().all(|tap| tap.len() >= channel + B * BLOCK));
                for (b, registers) in registers.iter_mut().enumerate() {
                    let place = channel + b * BLOCK;
                    let [first, second] =
                        taps.map(|tap| _mm256_cvtepi8_epi16(_mm_loadu_si128(tap.as_ptr().add(place).cast())));
                    let halves = [_mm256_unpacklo_epi16(first, second), _mm256_unpackhi_epi16(first, second)];
                    let weights = weights.as_ptr().add(b * block_len + 2 * pair * BLOCK);
                    for (half, (sum, inputs)) in registers.iter_mut().zip(halves).enumerate() {
                        let weights = _mm256_loadu_si256(weights.add(half * BLOCK).cast());
                        *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(inputs, weights));
                    }
                }
            }
            for (&[low, high], sums) in registers.iter().zip(&mut sums) {
                let sums: *mut i32 = sums.as_mut_ptr();
                _mm256_storeu_si256(sums.cast(), _mm256_permute2x128_si256::<0x20>(low, high));
                _mm256_storeu_si256(sums.add(8).cast(), _mm256_permute2x128_si256::<0x31>(low, high));
            }
        }
        sums
    }
}

impl Bytes<8> for Pairs8 {
    #[inline(always)]
    fn bytes(value: i16) -> [i16; 2] {
        [value >> 8, value & 0xff]
    }
}

/// CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED on int16 with int8 weights.
pub(crate) fn conv_i16<S: Sum + Into<i64>>(spec: &ConvInteger<'_, i8, S>) -> Box<dyn Packed<i16, i16>> {
    match Avx2::detect() {
        Some(isa) => wide::pack_on::<Pairs8, S, 6, 8>(isa, spec),
        None => wide::pack(spec),
    }
}

elementwise! { Avx2;
    /// `left + right` on int8.
    add_i8(constants: &AddI8, walk: &Broadcast, left: &[i8], right: &[i8], output: &mut [i8]), generic::binary::add_i8, binary::add;
    /// `left - right` on int8.
    sub_i8(constants: &AddI8, walk: &Broadcast, left: &[i8], right: &[i8], output: &mut [i8]), generic::binary::sub_i8, binary::sub;
    /// `left * right` on int8.
    mul_i8(constants: &MulI8, walk: &Broadcast, left: &[i8], right: &[i8], output: &mut [i8]), generic::binary::mul_i8, binary::mul;
    /// `left + right` on floats.
    add_f32(activation: Clamp<f32>, walk: &Broadcast, left: &[f32], right: &[f32], output: &mut [f32]), generic::float_pairs::add, float_pairs::add_on;
    /// `left - right` on floats.
    sub_f32(activation: Clamp<f32>, walk: &Broadcast, left: &[f32], right: &[f32], output: &mut [f32]), generic::float_pairs::sub, float_pairs::sub_on;
    /// `left * right` on floats.
    mul_f32(activation: Clamp<f32>, walk: &Broadcast, left: &[f32], right: &[f32], output: &mut [f32]), generic::float_pairs::mul, float_pairs::mul_on;
    /// HARD_SWISH on floats.
    hard_swish_f32(input: &[f32], output: &mut [f32]), generic::float_pairs::hard_swish, float_pairs::hard_swish_on;
    /// AVERAGE_POOL_2D.
    average_f32(shape: &Pool2dShape, activation: Clamp<f32>, input: &[f32], output: &mut [f32]), generic::pool_2d::average_f32, pool_2d::average_f32_on;
    /// AVERAGE_POOL_2D.
    average_i8(shape: &Pool2dShape, activation: Clamp<i8>, input: &[i8], output: &mut [i8]), generic::pool_2d::average_i8, pool_2d::average_i8_on;
    /// MAX_POOL_2D.
    max_f32(shape: &Pool2dShape, activation: Clamp<f32>, input: &[f32], output: &mut [f32]), generic::pool_2d::max_f32, pool_2d::max_f32_on;
    /// MAX_POOL_2D.
    max_i8(shape: &Pool2dShape, activation: Clamp<i8>, input: &[i8], output: &mut [i8]), generic::pool_2d::max_i8, pool_2d::max_i8_on;
    /// LOGISTIC.
    logistic_f32(input: &[f32], output: &mut [f32]), generic::exponential::logistic, exponential::logistic_on;
    /// SOFTMAX.
    softmax_f32(beta: f32, depth: usize, input: &[f32], output: &mut [f32]), generic::exponential::softmax, exponential::softmax_on;
    /// RESIZE_BILINEAR.
    bilinear_f32(shape: &Resize, input: &[f32], output: &mut [f32]), generic::resize::bilinear_f32, resize::bilinear_f32_on;
    /// RESIZE_BILINEAR.
    bilinear_i8(shape: &Resize, input: &[i8], output: &mut [i8]), generic::resize::bilinear_i8, resize::bilinear_i8_on;
    /// MEAN.
    mean_f32(dims: &[usize], reduced: &[bool], input: &[f32], output: &mut [f32]), generic::mean::mean_f32, mean::mean_f32_on;
    /// MEAN.
    mean_i8(constants: &MeanQuantized, dims: &[usize], reduced: &[bool], input: &[i8], sums: &mut [i32], output: &mut [i8]), generic::mean::mean_i8, mean::mean_i8_on;
}
