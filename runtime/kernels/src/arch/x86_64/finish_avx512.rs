//! From sums to outputs with AVX-512: what [`RequantizeLanes`] and [`RescaleLanes`] say.

#![expect(unsafe_code, reason = "vector intrinsics and loads through pointers")]

use core::arch::x86_64::*;

use super::finish_avx2;
use crate::isa::{Avx512, Body, Isa};
use crate::requantize::{FRACTION_BITS, RealLanes, RequantizeLanes, RescaleLanes};
use crate::rows::Rows;

/// [`RequantizeLanes::apply`], 16 lanes at a time; fewer lanes than that as AVX2 does it.
#[inline(always)]
pub(crate) fn requantize<const L: usize>(
    isa: Avx512,
    constants: &RequantizeLanes<'_, L>,
    sums: &[i32; L],
) -> [i8; L] {
    if !L.is_multiple_of(16) {
        return finish_avx2::requantize(isa.avx2(), constants, sums);
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

/// [`RequantizeLanes::apply`] of `M` pixels, 16 lanes at a time.
#[inline(always)]
pub(crate) fn requantize_rows<const M: usize, const L: usize>(
    isa: Avx512,
    constants: &RequantizeLanes<'_, L>,
    sums: &[&[i32; L]; M],
) -> [[i8; L]; M] {
    if !L.is_multiple_of(16) || !constants.shifts_right {
        let mut outputs = [[0; L]; M];
        for m in 0..M {
            outputs[m] = requantize(isa, constants, sums[m]);
        }
        return outputs;
    }
    let mut outputs = [[0; L]; M];
    for first in (0..L).step_by(16) {
        // SAFETY: the token proves the instructions; `first + 16 <= L`, the length of every array read and written.
        unsafe {
            let at = |lanes: &[i32; L]| _mm512_loadu_si512(lanes.as_ptr().add(first).cast());
            let shared = OneShift::new(
                at(constants.bias),
                at(constants.mantissa),
                at(constants.right),
                constants.zero_point,
            );
            let least = _mm_set1_epi8(constants.activation.min);
            let greatest = _mm_set1_epi8(constants.activation.max);
            for (sums, outputs) in sums.iter().zip(&mut outputs) {
                let bytes = _mm512_cvtsepi32_epi8(shared.apply(at(sums)));
                let clamped = _mm_min_epi8(_mm_max_epi8(bytes, least), greatest);
                _mm_storeu_si128(outputs.as_mut_ptr().add(first).cast(), clamped);
            }
        }
    }
    outputs
}

/// [`requantize_rows`], straight to where the outputs belong.
#[inline(always)]
pub(crate) fn requantize_to<const M: usize, const L: usize>(
    isa: Avx512,
    constants: &RequantizeLanes<'_, L>,
    sums: &[&[i32; L]; M],
    rows: Rows<'_, i8>,
) {
    match &constants.real {
        Some(real) if L == 16 => finish(constants, real, sums, rows),
        _ => {
            // Copies, so that what the usual way works with stays in registers.
            let (constants, mut copies) = (*constants, [[0; L]; M]);
            for m in 0..M {
                copies[m] = *sums[m];
            }
            let Rows { output, row_len, count, lanes } = rows;
            requantize_apart(isa, &constants, &copies, Rows { output, row_len, count, lanes });
        }
    }
}

/// [`requantize_to`] by [`requantize_rows`], for what is not usual.
#[cold]
#[inline(never)]
fn requantize_apart<const M: usize, const L: usize>(
    isa: Avx512,
    constants: &RequantizeLanes<'_, L>,
    sums: &[[i32; L]; M],
    rows: Rows<'_, i8>,
) {
    struct Apart<'a, 'b, const M: usize, const L: usize> {
        isa: Avx512,
        constants: &'a RequantizeLanes<'a, L>,
        sums: &'a [[i32; L]; M],
        rows: Rows<'b, i8>,
    }

    impl<const M: usize, const L: usize> Body for Apart<'_, '_, M, L> {
        type Output = ();

        #[inline(always)]
        fn run(mut self) {
            let mut sums = [&self.sums[0]; M];
            for (m, of_pixel) in self.sums.iter().enumerate() {
                sums[m] = of_pixel;
            }
            let outputs = requantize_rows(self.isa, self.constants, &sums);
            for (m, outputs) in outputs.iter().enumerate() {
                self.rows.put(m, outputs);
            }
        }
    }
    isa.vectorize(Apart { isa, constants, sums, rows });
}

/// 16 lanes of `M` pixels, see [`RealLanes`].
#[inline(always)]
fn finish<const M: usize, const L: usize>(
    constants: &RequantizeLanes<'_, L>,
    real: &RealLanes<'_, L>,
    sums: &[&[i32; L]; M],
    mut rows: Rows<'_, i8>,
) {
    assert!(L == 16 && M > 0);
    // SAFETY: the caller's token proves the instructions; all arrays have 16 lanes, and the output is asserted to hold 16
    // where as many are written to it.
    unsafe {
        let whole = |lanes: &[i32; L]| _mm512_loadu_si512(lanes.as_ptr().cast());
        let bias = whole(constants.bias);
        let (mut biased, mut fixed) = ([bias; M], [bias; M]);
        let mut least_fraction = _mm512_set1_epi32(-1);
        for m in 0..M {
            biased[m] = _mm512_add_epi32(whole(sums[m]), bias);
            let product = in_floats(biased[m], real);
            let fraction = _mm512_and_si512(product, _mm512_set1_epi32((1 << FRACTION_BITS) - 1));
            least_fraction = _mm512_min_epu32(least_fraction, fraction);
            fixed[m] = _mm512_srai_epi32::<FRACTION_BITS>(product);
        }
        if _mm512_testn_epi32_mask(least_fraction, least_fraction) != 0 {
            let exact = [whole(constants.mantissa), whole(constants.right)];
            for m in 0..M {
                fixed[m] = in_integers(exact, constants.zero_point, biased[m]);
            }
        }
        let least = _mm_set1_epi8(constants.activation.min);
        let greatest = _mm_set1_epi8(constants.activation.max);
        let clamped =
            |fixed: __m512i| _mm_min_epi8(_mm_max_epi8(_mm512_cvtsepi32_epi8(fixed), least), greatest);
        if rows.count >= M && rows.lanes >= L {
            assert!(rows.output.len() >= L && (rows.output.len() - L) >= (M - 1) * rows.row_len);
            for (m, &fixed) in fixed.iter().enumerate() {
                let place = rows.output.as_mut_ptr().add(m * rows.row_len);
                _mm_storeu_si128(place.cast(), clamped(fixed));
            }
        } else {
            for (m, &fixed) in fixed.iter().enumerate() {
                let mut outputs = [0i8; L];
                _mm_storeu_si128(outputs.as_mut_ptr().cast(), clamped(fixed));
                rows.put(m, &outputs);
            }
        }
    }
}

/// Outputs before the activation, to [`FRACTION_BITS`].
#[inline(always)]
fn in_floats<const L: usize>(biased: __m512i, real: &RealLanes<'_, L>) -> __m512i {
    assert!(L == 16);
    // SAFETY: the caller's token proves the instructions; all arrays have 16 lanes.
    unsafe {
        let lanes = |lanes: &[f32; L]| _mm512_loadu_ps(lanes.as_ptr());
        let positive = lanes(real.positive);
        let addend = if real.one_sided {
            positive
        } else {
            _mm512_mask_blend_ps(_mm512_movepi32_mask(biased), positive, lanes(real.negative))
        };
        let product = _mm512_fmadd_ps(_mm512_cvtepi32_ps(biased), lanes(real.scale), addend);
        _mm512_cvtps_epi32(_mm512_min_ps(product, _mm512_set1_ps(real.limit)))
    }
}

/// The same outputs without fraction, by [`OneShift`] with these mantissas and shifts.
#[cold]
#[inline(never)]
#[target_feature(enable = "avx512f,avx512dq")]
fn in_integers([mantissa, right]: [__m512i; 2], zero_point: i32, biased: __m512i) -> __m512i {
    OneShift::new(_mm512_setzero_si512(), mantissa, right, zero_point).apply(biased)
}

/// [`RescaleLanes::apply`] of `M` pixels, 16 lanes at a time.
#[inline(always)]
pub(crate) fn rescale_rows<const M: usize, const L: usize>(
    _isa: Avx512,
    constants: &RescaleLanes<'_, L>,
    sums: &[&[i32; L]; M],
) -> [[f32; L]; M] {
    if !L.is_multiple_of(16) {
        let mut outputs = [[0.0; L]; M];
        for m in 0..M {
            outputs[m] = constants.apply(sums[m]);
        }
        return outputs;
    }
    let mut outputs = [[0.0; L]; M];
    for first in (0..L).step_by(16) {
        // SAFETY: the token proves the instructions; `first + 16 <= L`, the length of every array read and written.
        unsafe {
            let whole = |lanes: &[i32; L]| _mm512_loadu_si512(lanes.as_ptr().add(first).cast());
            let real = |lanes: &[f32; L]| _mm512_loadu_ps(lanes.as_ptr().add(first));
            let excess = _mm512_mullo_epi32(_mm512_set1_epi32(constants.shift), whole(constants.weight_sums));
            let (scales, scale) = (real(constants.scales), _mm512_set1_ps(constants.scale));
            let both = _mm512_mul_ps(scales, scale);
            let bias = real(constants.bias);
            let least = _mm512_set1_ps(constants.activation.min);
            let greatest = _mm512_set1_ps(constants.activation.max);
            for (sums, outputs) in sums.iter().zip(&mut outputs) {
                let sum = _mm512_cvtepi32_ps(_mm512_sub_epi32(whole(sums), excess));
                let scaled = if constants.filter_first {
                    _mm512_mul_ps(_mm512_mul_ps(sum, scales), scale)
                } else {
                    _mm512_mul_ps(sum, both)
                };
                // Of a NaN and a limit, these give their second operand, so a NaN stays.
                let raised = _mm512_max_ps(least, _mm512_add_ps(scaled, bias));
                _mm512_storeu_ps(outputs.as_mut_ptr().add(first), _mm512_min_ps(greatest, raised));
            }
        }
    }
    outputs
}

/// Multiplier and zero point of 16 channels that shift right by `e`, 1 to 20, as one shift of a 64-bit product, even and odd
/// lanes by themselves. Both roundings of the source become one number to add: with `u = (x * m + 2^30) / 2^31` its result
/// is `floor((floor(u) + 2^(e-1) - s) / 2^e)`, where `s` is 1 below zero, and inner floors may be left out of a quotient by
/// a whole number. `s` may be taken from the sign of the product: where it differs from that of `floor(u)`, which is 0
/// then, both give 0.
struct OneShift {
    bias: __m512i,
    mantissa: [__m512i; 2],
    addend: [__m512i; 2],
    shift: [__m512i; 2],
}

impl OneShift {
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq")]
    fn new(bias: __m512i, mantissa: __m512i, right: __m512i, zero_point: i32) -> Self {
        let even = _mm512_and_si512(right, _mm512_set1_epi64(0xffff_ffff));
        let odd = _mm512_srli_epi64::<32>(right);
        let addend = |right: __m512i| {
            let one = _mm512_set1_epi64(1 << 30);
            let half = _mm512_sllv_epi64(one, right);
            let zero_point = _mm512_sllv_epi64(_mm512_set1_epi64(i64::from(zero_point) << 31), right);
            _mm512_add_epi64(_mm512_add_epi64(one, half), zero_point)
        };
        Self {
            bias,
            mantissa: [mantissa, _mm512_srli_epi64::<32>(mantissa)],
            addend: [addend(even), addend(odd)],
            // Odd lanes stay in the upper half of their place.
            shift: [
                _mm512_add_epi64(even, _mm512_set1_epi64(31)),
                _mm512_sub_epi64(odd, _mm512_set1_epi64(1)),
            ],
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512dq")]
    fn apply(&self, sums: __m512i) -> __m512i {
        let biased = _mm512_add_epi32(sums, self.bias);
        let half = |lanes: __m512i, which: usize| {
            let product = _mm512_mul_epi32(lanes, self.mantissa[which]);
            let negative = _mm512_movepi64_mask(product);
            let added = _mm512_add_epi64(product, self.addend[which]);
            let nudged = _mm512_mask_sub_epi64(added, negative, added, _mm512_set1_epi64(1 << 31));
            _mm512_srav_epi64(nudged, self.shift[which])
        };
        let (even, odd) = (half(biased, 0), half(_mm512_srli_epi64::<32>(biased), 1));
        _mm512_mask_blend_epi32(0xaaaa, even, odd)
    }
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
