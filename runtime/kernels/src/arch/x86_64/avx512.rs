//! AVX-512 with VNNI.

#![expect(unsafe_code, reason = "vector intrinsics and loads through pointers")]

use alloc::boxed::Box;
use core::arch::x86_64::*;

use super::{avx2, elementwise, packers};
use crate::generic;
use crate::generic::conv_2d::{ConvFloat, ConvInt, ConvMixed};
use crate::generic::depthwise_floats::{DepthwiseTaps, FloatTaps};
use crate::generic::depthwise_pairs::{BLOCK, PairTaps};
use crate::generic::depthwise_quads::{self, BLOCK as BLOCK_64, PART, QUAD, QuadTaps, Taps};
use crate::generic::fully_connected::{as_conv_f32, as_conv_hybrid, as_conv_i8};
use crate::generic::tile::{Tile, as_they_are};
use crate::generic::wide::{self, Bytes};
use crate::generic::{binary, exponential, float_pairs, mean, pool_2d, resize};
use crate::isa::{Avx512, Avx512Vbmi};
use crate::packed::Packed;
use crate::reference::binary::{AddI8, MulI8};
use crate::reference::hard_swish::HardSwish;
use crate::reference::integer::{ConvInteger, Sum};
use crate::reference::lookup::{self, Table256};
use crate::reference::mean::MeanQuantized;
use crate::reference::resize::Resize;
use crate::shape::{Broadcast, Clamp, Pool2dShape};
use crate::spec::{
    ConvF32, ConvHybrid, ConvI8, FilterScales, FullyConnectedF32, FullyConnectedHybrid, FullyConnectedI8,
    FullyConnectedRealI8,
};

/// 16 floats a register, fused multiply-add.
pub(crate) struct Floats16;

impl Tile<16> for Floats16 {
    as_they_are!(f32, f32);

    type Isa = Avx512;

    const GROUP: usize = 1;
    const PANELS: usize = 2;

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
    depthwise_f32: ConvF32 -> f32, avx2::depthwise_f32, |isa, spec| DepthwiseTaps::pack(isa, spec);
    /// DEPTHWISE_CONV_2D on int8.
    depthwise_i8: ConvI8 -> i8, avx2::depthwise_i8,
        |isa, spec| depthwise_quads::pack_i8::<_, 32>(isa, spec);
    /// DEPTHWISE_CONV_2D on floats with int8 weights.
    depthwise_hybrid: ConvHybrid -> f32, avx2::depthwise_hybrid,
        |isa, spec| depthwise_quads::pack_hybrid::<_, 32>(isa, spec);
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

impl FloatTaps for Avx512 {
    #[inline(always)]
    fn sums<const M: usize, const P: usize>(
        self,
        input: &[f32],
        step: usize,
        taps: &[(usize, usize)],
        weights: &[f32],
    ) -> [[[f32; 16]; P]; M] {
        let (input_room, weight_room) = (input.len(), weights.len());
        let mut sums = [[[0.0; 16]; P]; M];
        // SAFETY: the token proves the instructions. Each tap is asserted to hold `P` registers in the weights, and in the
        // input as many at the last pixel, which reads furthest; `sums` holds 16 numbers a store.
        unsafe {
            let mut registers = [[_mm512_setzero_ps(); P]; M];
            for &(place, weight) in taps {
                assert!(
                    M > 0 && place + (M - 1) * step + 16 * P <= input_room && weight + 16 * P <= weight_room
                );
                for p in 0..P {
                    let weight = _mm512_loadu_ps(weights.as_ptr().add(weight + 16 * p));
                    for (m, registers) in registers.iter_mut().enumerate() {
                        let input = _mm512_loadu_ps(input.as_ptr().add(place + m * step + 16 * p));
                        registers[p] = _mm512_fmadd_ps(input, weight, registers[p]);
                    }
                }
            }
            for (registers, sums) in registers.iter().zip(&mut sums) {
                for (&register, sums) in registers.iter().zip(sums) {
                    _mm512_storeu_ps(sums.as_mut_ptr(), register);
                }
            }
        }
        sums
    }
}

impl QuadTaps for Avx512 {
    #[inline(always)]
    fn interleave<const P: usize>(self, rows: [&[i8; BLOCK_64]; 4], quad: &mut [u8; QUAD]) {
        // SAFETY: the token proves the instructions; rows are 64 bytes, a quad four registers.
        unsafe {
            // Four bytes of each quarter come together in one lane of 16 bytes, so that the four registers that the
            // unpacks give hold 16 channels each, in order.
            let order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
            let unsigned = _mm512_set1_epi8(-128);
            let mut ordered = [unsigned; 4];
            for (ordered, row) in ordered.iter_mut().zip(rows) {
                let row = _mm512_loadu_si512(row.as_ptr().cast());
                *ordered = _mm512_xor_si512(_mm512_permutexvar_epi32(order, row), unsigned);
            }
            let [a, b, c, d] = ordered;
            let (low, high) = (_mm512_unpacklo_epi8(a, b), _mm512_unpackhi_epi8(a, b));
            let (low_below, high_below) = (_mm512_unpacklo_epi8(c, d), _mm512_unpackhi_epi8(c, d));
            let parts = [
                _mm512_unpacklo_epi16(low, low_below),
                _mm512_unpackhi_epi16(low, low_below),
                _mm512_unpacklo_epi16(high, high_below),
                _mm512_unpackhi_epi16(high, high_below),
            ];
            for (index, part) in parts.into_iter().enumerate().take(P) {
                _mm512_storeu_si512(quad.as_mut_ptr().add(64 * index).cast(), part);
            }
        }
    }

    #[inline(always)]
    fn sums<const M: usize, const P: usize>(
        self,
        columns: &[u8],
        pixel_step: usize,
        taps: Taps,
        weights: &[i8],
    ) -> [[[i32; PART]; P]; M] {
        let tap_len = taps.quads * QUAD;
        assert!(P <= 4 && M > 0 && taps.count > 0 && weights.len() >= taps.count * tap_len);
        assert!(columns.len() >= (M - 1) * pixel_step + (taps.count - 1) * taps.step + tap_len);
        let mut sums = [[[0; PART]; P]; M];
        // SAFETY: the token proves the instructions. Quads are read at offsets that the assertions hold inside the slices;
        // `sums` holds 16 numbers a store.
        unsafe {
            let mut registers = [[_mm512_setzero_si512(); P]; M];
            for tap in 0..taps.count {
                for quad in 0..taps.quads {
                    let place = quad * QUAD;
                    for p in 0..P {
                        let weight = weights.as_ptr().add(tap * tap_len + place + 64 * p);
                        let weight = _mm512_loadu_si512(weight.cast());
                        for (m, registers) in registers.iter_mut().enumerate() {
                            let input =
                                columns.as_ptr().add(m * pixel_step + tap * taps.step + place + 64 * p);
                            let input = _mm512_loadu_si512(input.cast());
                            registers[p] = _mm512_dpbusd_epi32(registers[p], input, weight);
                        }
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

impl Bytes<16> for Quads16 {
    #[inline(always)]
    fn bytes(value: i16) -> [u8; 2] {
        [((value >> 8) as u8) ^ 0x80, value as u8]
    }
}

/// CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED on int16 with int8 weights.
pub(crate) fn conv_i16<S: Sum + Into<i64>>(spec: &ConvInteger<'_, i8, S>) -> Box<dyn Packed<i16, i16>> {
    match Avx512::detect() {
        Some(isa) => wide::pack_on::<Quads16, S, 8, 16>(isa, spec),
        None => avx2::conv_i16(spec),
    }
}

elementwise! { Avx512;
    /// `left + right` on int8.
    add_i8(constants: &AddI8, walk: &Broadcast, left: &[i8], right: &[i8], output: &mut [i8]), avx2::add_i8, binary::add;
    /// `left - right` on int8.
    sub_i8(constants: &AddI8, walk: &Broadcast, left: &[i8], right: &[i8], output: &mut [i8]), avx2::sub_i8, binary::sub;
    /// `left * right` on int8.
    mul_i8(constants: &MulI8, walk: &Broadcast, left: &[i8], right: &[i8], output: &mut [i8]), avx2::mul_i8, binary::mul;
    /// `left + right` on floats.
    add_f32(activation: Clamp<f32>, walk: &Broadcast, left: &[f32], right: &[f32], output: &mut [f32]), avx2::add_f32, float_pairs::add_on;
    /// `left - right` on floats.
    sub_f32(activation: Clamp<f32>, walk: &Broadcast, left: &[f32], right: &[f32], output: &mut [f32]), avx2::sub_f32, float_pairs::sub_on;
    /// `left * right` on floats.
    mul_f32(activation: Clamp<f32>, walk: &Broadcast, left: &[f32], right: &[f32], output: &mut [f32]), avx2::mul_f32, float_pairs::mul_on;
    /// HARD_SWISH on floats.
    hard_swish_f32(input: &[f32], output: &mut [f32]), avx2::hard_swish_f32, float_pairs::hard_swish_on;
    /// AVERAGE_POOL_2D.
    average_f32(shape: &Pool2dShape, activation: Clamp<f32>, input: &[f32], output: &mut [f32]), avx2::average_f32, pool_2d::average_f32_on;
    /// AVERAGE_POOL_2D.
    average_i8(shape: &Pool2dShape, activation: Clamp<i8>, input: &[i8], output: &mut [i8]), avx2::average_i8, pool_2d::average_i8_on;
    /// MAX_POOL_2D.
    max_f32(shape: &Pool2dShape, activation: Clamp<f32>, input: &[f32], output: &mut [f32]), avx2::max_f32, pool_2d::max_f32_on;
    /// MAX_POOL_2D.
    max_i8(shape: &Pool2dShape, activation: Clamp<i8>, input: &[i8], output: &mut [i8]), avx2::max_i8, pool_2d::max_i8_on;
    /// LOGISTIC.
    logistic_f32(input: &[f32], output: &mut [f32]), avx2::logistic_f32, exponential::logistic_on;
    /// SOFTMAX.
    softmax_f32(beta: f32, depth: usize, input: &[f32], output: &mut [f32]), avx2::softmax_f32, exponential::softmax_on;
    /// RESIZE_BILINEAR.
    bilinear_f32(shape: &Resize, input: &[f32], output: &mut [f32]), avx2::bilinear_f32, resize::bilinear_f32_on;
    /// RESIZE_BILINEAR.
    bilinear_i8(shape: &Resize, input: &[i8], output: &mut [i8]), avx2::bilinear_i8, resize::bilinear_i8_on;
    /// MEAN.
    mean_f32(dims: &[usize], reduced: &[bool], input: &[f32], output: &mut [f32]), avx2::mean_f32, mean::mean_f32_on;
    /// MEAN.
    mean_i8(constants: &MeanQuantized, dims: &[usize], reduced: &[bool], input: &[i8], sums: &mut [i32], output: &mut [i8]), avx2::mean_i8, mean::mean_i8_on;
}

/// Looks every element up: 64 at a time where the CPU permutes bytes.
pub(crate) fn look_up_i8(table: &Table256<i8>, input: &[i8], output: &mut [i8]) {
    match Avx512Vbmi::detect() {
        // SAFETY: the token proves the instructions.
        Some(_) => unsafe { permute(table, input, output) },
        None => lookup::look_up(table, input, output),
    }
}

/// HARD_SWISH by a table.
pub(crate) fn hard_swish_i8(constants: &HardSwish, input: &[i8], output: &mut [i8]) {
    generic::lookup::hard_swish(constants, input, output, look_up_i8);
}

/// The table is held in four registers: two permutes of 128 entries, and the upper bit chooses.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn permute(table: &Table256<i8>, input: &[i8], output: &mut [i8]) {
    assert_eq!(input.len(), output.len());
    // SAFETY: the table has 256 bytes.
    let quarters: [__m512i; 4] =
        core::array::from_fn(|index| unsafe { _mm512_loadu_si512(table.0.as_ptr().add(64 * index).cast()) });
    let (chunks, rest) = output.as_chunks_mut::<64>();
    let (inputs, rest_of_input) = input.as_chunks::<64>();
    for (output, input) in chunks.iter_mut().zip(inputs) {
        // SAFETY: both are 64 bytes.
        unsafe {
            let index = _mm512_loadu_si512(input.as_ptr().cast());
            let lower = _mm512_permutex2var_epi8(quarters[0], index, quarters[1]);
            let upper = _mm512_permutex2var_epi8(quarters[2], index, quarters[3]);
            let found = _mm512_mask_blend_epi8(_mm512_movepi8_mask(index), lower, upper);
            _mm512_storeu_si512(output.as_mut_ptr().cast(), found);
        }
    }
    lookup::look_up(table, rest_of_input, rest);
}
