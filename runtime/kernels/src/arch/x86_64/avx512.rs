//! AVX-512 with VNNI.

#![expect(unsafe_code, reason = "vector intrinsics and loads through pointers")]

use alloc::boxed::Box;
use core::arch::x86_64::*;

use super::{avx2, packers};
use crate::generic::binary;
use crate::generic::conv_2d::{ConvFloat, ConvInt, ConvMixed};
use crate::generic::depthwise_conv_2d::DepthwiseFloat;
use crate::generic::depthwise_pairs::{self, BLOCK, PairTaps};
use crate::generic::fully_connected::{as_conv_f32, as_conv_hybrid, as_conv_i8};
use crate::generic::tile::Tile;
use crate::isa::Avx512;
use crate::packed::Packed;
use crate::reference::binary::{AddI8, MulI8};
use crate::requantize::RequantizeLanes;
use crate::shape::Broadcast;
use crate::spec::{
    ConvF32, ConvHybrid, ConvI8, FilterScales, FullyConnectedF32, FullyConnectedHybrid, FullyConnectedI8,
    FullyConnectedRealI8,
};

/// 16 floats a register, fused multiply-add.
pub(crate) struct Floats16;

impl Tile<16> for Floats16 {
    type Isa = Avx512;
    type Element = f32;
    type Input = f32;
    type Weight = f32;
    type Sum = f32;

    const GROUP: usize = 1;
    const OFFSET: i32 = 0;
    const PANELS: usize = 2;

    #[inline(always)]
    fn input(value: f32) -> f32 {
        value
    }

    #[inline(always)]
    fn weight(value: f32) -> f32 {
        value
    }

    #[inline(always)]
    fn in_place(inputs: &[f32]) -> Option<&[f32]> {
        Some(inputs)
    }

    #[inline(always)]
    fn sums<const M: usize, const P: usize>(
        _isa: Avx512,
        inputs: &[f32],
        stride: usize,
        panels: &[f32],
        depth: usize,
    ) -> [[[f32; 16]; P]; M] {
        assert!(M > 0 && inputs.len() >= (M - 1) * stride + depth);
        assert!(panels.len() >= P * depth * 16 && depth.is_multiple_of(Self::GROUP));
        let (inputs, panels) = (inputs.as_ptr(), panels.as_ptr());
        let mut sums = [[[0.0; 16]; P]; M];
        // SAFETY: the token proves the instructions. Row `m` is read at `m * stride + 0..depth` and panel `p` at
        // `(p * depth + 0..depth) * 16`, which the assertions hold inside the slices; `sums` holds 16 numbers a store.
        unsafe {
            let mut registers = [[_mm512_setzero_ps(); P]; M];
            for k in (0..depth).step_by(Self::GROUP) {
                let mut weights = [_mm512_setzero_ps(); P];
                for (p, weights) in weights.iter_mut().enumerate() {
                    *weights = _mm512_loadu_ps(panels.add((p * depth + k) * 16).cast());
                }
                for (m, registers) in registers.iter_mut().enumerate() {
                    let input = _mm512_set1_ps(*inputs.add(m * stride + k));
                    for (register, &weights) in registers.iter_mut().zip(&weights) {
                        *register = _mm512_fmadd_ps(input, weights, *register);
                    }
                }
            }
            for (registers, sums) in registers.iter().zip(&mut sums) {
                for (&register, sums) in registers.iter().zip(sums) {
                    _mm512_storeu_ps(sums.as_mut_ptr().cast(), register);
                }
            }
        }
        sums
    }
}

/// 16 sums a register; each instruction adds four neighbouring products of an unsigned with a signed byte
/// (`vpdpbusd`, which wraps). Inputs are made unsigned by adding 128.
pub(crate) struct Quads16;

impl Tile<16> for Quads16 {
    type Isa = Avx512;
    type Element = i8;
    type Input = u8;
    type Weight = i8;
    type Sum = i32;

    const GROUP: usize = 4;
    const OFFSET: i32 = 128;
    const PANELS: usize = 2;

    #[inline(always)]
    fn input(value: i8) -> u8 {
        (value as u8) ^ 0x80
    }

    #[inline(always)]
    fn weight(value: i8) -> i8 {
        value
    }

    #[inline(always)]
    fn in_place(_inputs: &[i8]) -> Option<&[u8]> {
        None
    }

    #[inline(always)]
    fn sums<const M: usize, const P: usize>(
        _isa: Avx512,
        inputs: &[u8],
        stride: usize,
        panels: &[i8],
        depth: usize,
    ) -> [[[i32; 16]; P]; M] {
        assert!(M > 0 && inputs.len() >= (M - 1) * stride + depth);
        assert!(panels.len() >= P * depth * 16 && depth.is_multiple_of(Self::GROUP));
        let (inputs, panels) = (inputs.as_ptr(), panels.as_ptr());
        let mut sums = [[[0; 16]; P]; M];
        // SAFETY: the token proves the instructions. Row `m` is read at `m * stride + 0..depth` and panel `p` at
        // `(p * depth + 0..depth) * 16`, which the assertions hold inside the slices; `sums` holds 16 numbers a store.
        unsafe {
            let mut registers = [[_mm512_setzero_si512(); P]; M];
            for k in (0..depth).step_by(Self::GROUP) {
                let mut weights = [_mm512_setzero_si512(); P];
                for (p, weights) in weights.iter_mut().enumerate() {
                    *weights = _mm512_loadu_si512(panels.add((p * depth + k) * 16).cast());
                }
                for (m, registers) in registers.iter_mut().enumerate() {
                    let input = _mm512_set1_epi32(inputs.add(m * stride + k).cast::<i32>().read_unaligned());
                    for (register, &weights) in registers.iter_mut().zip(&weights) {
                        *register = _mm512_dpbusd_epi32(*register, input, weights);
                    }
                }
            }
            for (registers, sums) in registers.iter().zip(&mut sums) {
                for (&register, sums) in registers.iter().zip(sums) {
                    _mm512_storeu_si512(sums.as_mut_ptr().cast(), register);
                }
            }
        }
        sums
    }
}

packers! { Avx512;
    /// CONV_2D on floats.
    conv_f32: ConvF32 -> f32, avx2::conv_f32, |isa, spec| match spec.shape.group_out_channels() {
        // One register of 8 instead of half a register of 16.
        0..=8 => avx2::conv_f32(spec),
        _ => Box::new(ConvFloat::<Floats16, 8, 16>::new(isa, spec)),
    };
    /// CONV_2D on int8.
    conv_i8: ConvI8 -> i8, avx2::conv_i8, |isa, spec| Box::new(ConvInt::<Quads16, _, 8, 16>::new(isa, spec));
    /// CONV_2D on floats with int8 weights.
    conv_hybrid: ConvHybrid -> f32, avx2::conv_hybrid,
        |isa, spec| Box::new(ConvMixed::<Quads16, 8, 16>::new(isa, spec, matches!(spec.filter_scales, FilterScales::PerChannel(_))));
    /// DEPTHWISE_CONV_2D on floats.
    depthwise_f32: ConvF32 -> f32, avx2::depthwise_f32, |isa, spec| Box::new(DepthwiseFloat::<_, 32>::new(isa, spec));
    /// DEPTHWISE_CONV_2D on int8.
    depthwise_i8: ConvI8 -> i8, avx2::depthwise_i8,
        |isa, spec| depthwise_pairs::pack_i8::<_, 32>(isa, spec);
    /// DEPTHWISE_CONV_2D on floats with int8 weights.
    depthwise_hybrid: ConvHybrid -> f32, avx2::depthwise_hybrid,
        |isa, spec| depthwise_pairs::pack_hybrid::<_, 32>(isa, spec);
    /// FULLY_CONNECTED on floats.
    fully_connected_f32: FullyConnectedF32 -> f32, avx2::fully_connected_f32,
        |isa, spec| Box::new(ConvFloat::<Floats16, 8, 16>::new(isa, &as_conv_f32(spec)));
    /// FULLY_CONNECTED on int8.
    fully_connected_i8: FullyConnectedI8 -> i8, avx2::fully_connected_i8,
        |isa, spec| Box::new(ConvInt::<Quads16, _, 8, 16>::new(isa, &as_conv_i8(spec)));
    /// FULLY_CONNECTED on int8, in double precision at the end.
    fully_connected_real_i8: FullyConnectedRealI8 -> i8, avx2::fully_connected_real_i8,
        |isa, spec| Box::new(ConvInt::<Quads16, _, 8, 16>::fully_connected(isa, spec));
    /// FULLY_CONNECTED on floats with int8 weights.
    fully_connected_hybrid: FullyConnectedHybrid -> f32, avx2::fully_connected_hybrid,
        |isa, spec| Box::new(ConvMixed::<Quads16, 8, 16>::new(isa, &as_conv_hybrid(spec), false));
}

impl PairTaps for Avx512 {
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
                        *sum = _mm256_dpwssd_epi32(*sum, inputs, weights);
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

/// `left + right`.
pub(crate) fn add_i8(constants: &AddI8, walk: &Broadcast, left: &[i8], right: &[i8], output: &mut [i8]) {
    match Avx512::detect() {
        Some(isa) => binary::add(isa, constants, walk, left, right, output),
        None => avx2::add_i8(constants, walk, left, right, output),
    }
}

/// `left - right`.
pub(crate) fn sub_i8(constants: &AddI8, walk: &Broadcast, left: &[i8], right: &[i8], output: &mut [i8]) {
    match Avx512::detect() {
        Some(isa) => binary::sub(isa, constants, walk, left, right, output),
        None => avx2::sub_i8(constants, walk, left, right, output),
    }
}

/// `left * right`.
pub(crate) fn mul_i8(constants: &MulI8, walk: &Broadcast, left: &[i8], right: &[i8], output: &mut [i8]) {
    match Avx512::detect() {
        Some(isa) => binary::mul(isa, constants, walk, left, right, output),
        None => avx2::mul_i8(constants, walk, left, right, output),
    }
}

/// [`RequantizeLanes::apply`], 16 lanes at a time; fewer lanes than that as AVX2 does it.
#[inline(always)]
pub(crate) fn requantize<const L: usize>(
    isa: Avx512,
    constants: &RequantizeLanes<'_, L>,
    sums: &[i32; L],
) -> [i8; L] {
    if !L.is_multiple_of(16) {
        return avx2::requantize(isa.avx2(), constants, sums);
    }
    let mut outputs = [0; L];
    for first in (0..L).step_by(16) {
        // SAFETY: the token proves the instructions; `first + 16 <= L`, the length of every array read and written.
        unsafe {
            let at = |lanes: &[i32; L]| _mm512_loadu_si512(lanes.as_ptr().add(first).cast());
            let biased = _mm512_add_epi32(at(sums), at(constants.bias));
            let shifted = _mm512_sllv_epi32(biased, at(constants.left));
            let high = high_mul(shifted, at(constants.mantissa));
            let scaled = rounding_divide(high, at(constants.right));
            let moved = _mm512_add_epi32(scaled, _mm512_set1_epi32(constants.zero_point));
            let bytes = _mm512_cvtsepi32_epi8(moved);
            let raised = _mm_max_epi8(bytes, _mm_set1_epi8(constants.activation.min));
            let clamped = _mm_min_epi8(raised, _mm_set1_epi8(constants.activation.max));
            _mm_storeu_si128(outputs.as_mut_ptr().add(first).cast(), clamped);
        }
    }
    outputs
}

/// `(a * b + 2^30) >> 31` in each lane: even lanes and odd lanes by themselves, each as 64 bits.
#[inline]
#[target_feature(enable = "avx512f")]
fn high_mul(a: __m512i, b: __m512i) -> __m512i {
    let half = _mm512_set1_epi64(1 << 30);
    let even = _mm512_add_epi64(_mm512_mul_epi32(a, b), half);
    let odd = _mm512_mul_epi32(_mm512_srli_epi64::<32>(a), _mm512_srli_epi64::<32>(b));
    let odd = _mm512_add_epi64(odd, half);
    // Bits 31..63 of the odd products belong in the upper half of their place.
    _mm512_mask_blend_epi32(0xaaaa, _mm512_srli_epi64::<31>(even), _mm512_add_epi64(odd, odd))
}

/// `rounding_divide_by_pot` in each lane.
#[inline]
#[target_feature(enable = "avx512f")]
fn rounding_divide(value: __m512i, exponent: __m512i) -> __m512i {
    let one = _mm512_set1_epi32(1);
    let mask = _mm512_sub_epi32(_mm512_sllv_epi32(one, exponent), one);
    let sign = _mm512_srli_epi32::<31>(value);
    let threshold = _mm512_add_epi32(_mm512_srli_epi32::<1>(mask), sign);
    let up = _mm512_cmpgt_epi32_mask(_mm512_and_si512(value, mask), threshold);
    let shifted = _mm512_srav_epi32(value, exponent);
    _mm512_mask_add_epi32(shifted, up, shifted, one)
}
