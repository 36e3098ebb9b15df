//! From sums to outputs with AVX2: what [`RequantizeLanes`] says.

#![expect(unsafe_code, reason = "vector intrinsics and loads through pointers")]

use core::arch::x86_64::*;

use crate::isa::Avx2;
use crate::requantize::{FRACTION_BITS, RealLanes, RequantizeLanes};

/// [`RequantizeLanes::apply`], 8 lanes at a time; fewer lanes than that one by one.
#[inline(always)]
pub(crate) fn requantize<const L: usize>(
    _isa: Avx2,
    constants: &RequantizeLanes<'_, L>,
    sums: &[i32; L],
) -> [i8; L] {
    if !L.is_multiple_of(8) {
        return constants.apply(sums);
    }
    let mut outputs = [0; L];
    for first in (0..L).step_by(8) {
        // SAFETY: the token proves the instructions; `first + 8 <= L`, the length of every array read and written.
        unsafe {
            let at = |lanes: &[i32; L]| _mm256_loadu_si256(lanes.as_ptr().add(first).cast());
            let biased = _mm256_add_epi32(at(sums), at(constants.bias));
            let exact = [at(constants.mantissa), at(constants.left), at(constants.right)];
            let moved = match &constants.real {
                Some(real) => match in_floats(biased, real, first) {
                    (outputs, true) => outputs,
                    (_, false) => in_integers(exact, constants.zero_point, biased),
                },
                None => in_integers(exact, constants.zero_point, biased),
            };
            let words = _mm_packs_epi32(_mm256_castsi256_si128(moved), _mm256_extracti128_si256::<1>(moved));
            let bytes = _mm_packs_epi16(words, words);
            let raised = _mm_max_epi8(bytes, _mm_set1_epi8(constants.activation.min));
            let clamped = _mm_min_epi8(raised, _mm_set1_epi8(constants.activation.max));
            _mm_storel_epi64(outputs.as_mut_ptr().add(first).cast(), clamped);
        }
    }
    outputs
}

/// Outputs of 8 lanes from `first` on before the activation, see [`RealLanes`], and whether they are all sure.
#[inline(always)]
fn in_floats<const L: usize>(biased: __m256i, real: &RealLanes<'_, L>, first: usize) -> (__m256i, bool) {
    assert!(first + 8 <= L);
    // SAFETY: the caller's token proves the instructions; arrays hold 8 lanes from `first` on, which is asserted.
    unsafe {
        let lanes = |lanes: &[f32; L]| _mm256_loadu_ps(lanes.as_ptr().add(first));
        let sign = _mm256_castsi256_ps(biased);
        let addend = _mm256_blendv_ps(lanes(real.positive), lanes(real.negative), sign);
        let product = _mm256_fmadd_ps(_mm256_cvtepi32_ps(biased), lanes(real.scale), addend);
        let fixed = _mm256_cvtps_epi32(_mm256_min_ps(product, _mm256_set1_ps(real.limit)));
        let fraction = _mm256_and_si256(fixed, _mm256_set1_epi32((1 << FRACTION_BITS) - 1));
        let whole = _mm256_cmpeq_epi32(fraction, _mm256_setzero_si256());
        (_mm256_srai_epi32::<{ FRACTION_BITS as i32 }>(fixed), _mm256_testz_si256(whole, whole) == 1)
    }
}

/// The same in fixed point, with these mantissas, shifts to the left and to the right.
#[inline]
#[target_feature(enable = "avx2")]
fn in_integers([mantissa, left, right]: [__m256i; 3], zero_point: i32, biased: __m256i) -> __m256i {
    let high = high_mul(_mm256_sllv_epi32(biased, left), mantissa);
    _mm256_add_epi32(rounding_divide(high, right), _mm256_set1_epi32(zero_point))
}

/// `(a * b + 2^30) >> 31` in each lane: even lanes and odd lanes by themselves, each as 64 bits.
#[inline]
#[target_feature(enable = "avx2")]
fn high_mul(a: __m256i, b: __m256i) -> __m256i {
    let half = _mm256_set1_epi64x(1 << 30);
    let even = _mm256_add_epi64(_mm256_mul_epi32(a, b), half);
    let odd = _mm256_mul_epi32(_mm256_srli_epi64::<32>(a), _mm256_srli_epi64::<32>(b));
    let odd = _mm256_add_epi64(odd, half);
    // Bits 31..63 of the odd products belong in the upper half of their place.
    _mm256_blend_epi32::<0b1010_1010>(_mm256_srli_epi64::<31>(even), _mm256_add_epi64(odd, odd))
}

/// `rounding_divide_by_pot` in each lane.
#[inline]
#[target_feature(enable = "avx2")]
fn rounding_divide(value: __m256i, exponent: __m256i) -> __m256i {
    let zero = _mm256_setzero_si256();
    let one = _mm256_set1_epi32(1);
    let mask = _mm256_sub_epi32(_mm256_sllv_epi32(one, exponent), one);
    let negative = _mm256_cmpgt_epi32(zero, value);
    let threshold = _mm256_sub_epi32(_mm256_srli_epi32::<1>(mask), negative);
    let up = _mm256_cmpgt_epi32(_mm256_and_si256(value, mask), threshold);
    _mm256_sub_epi32(_mm256_srav_epi32(value, exponent), up)
}
