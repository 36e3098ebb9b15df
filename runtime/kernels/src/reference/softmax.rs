//! SOFTMAX over the last axis (`reference/softmax.h`). On 8 bits in gemmlowp's fixed point (`fixedpoint.h`): exponentials as
//! Q0.31, their sum as Q12.19, the reciprocal by three Newton steps. On 16 bits by two tables of straight lines.

use super::lookup::Table513;
use super::quantize::Quantized;
use crate::requantize::{
    Multiplier, rounding_divide_by_pot, saturating_left_shift_i32,
    saturating_rounding_doubling_high_mul as mul,
};

/// `e^(beta * (x - max)) / sum` in each row of `depth` elements.
pub fn softmax_f32(beta: f32, depth: usize, input: &[f32], output: &mut [f32]) {
    assert_eq!(input.len(), output.len());
    for (row, output) in input.chunks_exact(depth).zip(output.chunks_exact_mut(depth)) {
        let greatest = row.iter().fold(f32::MIN, |greatest, &value| greatest.max(value));
        let mut sum = 0.0;
        for (store, &value) in output.iter_mut().zip(row) {
            *store = libm::expf((value - greatest) * beta);
            sum += *store;
        }
        for value in output {
            *value /= sum;
        }
    }
}

/// Constants of SOFTMAX on int8 and uint8. The output's scale is 1/256, or 1/65536 on int16, and its zero point the
/// least value of its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SoftmaxQuantized {
    /// `min(beta * scale_input * 2^26, 2^31 - 1)` as a factor above 1: Q0.31 mantissa.
    pub input_mantissa: i32,
    /// Its exponent, in 0..=31.
    pub input_left_shift: u32,
    /// Differences from the greatest element below this (it is negative) count as zero.
    pub diff_min: i32,
}

impl SoftmaxQuantized {
    /// `e^(beta * scale * diff)` as Q0.31; `None` where it counts as zero.
    fn exp(&self, diff: i32) -> Option<i32> {
        (diff >= self.diff_min).then(|| exp_of_negative(self.scaled(diff)))
    }

    /// `beta * scale * diff` as Q5.26.
    pub(super) fn scaled(&self, diff: i32) -> i32 {
        mul(diff.wrapping_shl(self.input_left_shift), self.input_mantissa)
    }

    /// The sum of the exponentials of a row as Q12.19.
    pub(super) fn sum_of_exps(&self, diffs: impl Iterator<Item = i32>) -> i32 {
        diffs.fold(0i32, |sum, diff| {
            let exp = self.exp(diff).unwrap_or(0);
            sum.wrapping_add(rounding_divide_by_pot(exp, SUM_INTEGER_BITS as u32))
        })
    }
}

/// On int8 and uint8, each row of `depth` elements.
pub fn softmax_quantized<In: Quantized, Out: Quantized>(
    constants: &SoftmaxQuantized,
    depth: usize,
    input: &[In],
    output: &mut [Out],
) {
    assert_eq!(input.len(), output.len());
    let out_bits = 8 * size_of::<Out>() as i32;
    for (row, output) in input.chunks_exact(depth).zip(output.chunks_exact_mut(depth)) {
        let greatest = row.iter().fold(In::MIN, |greatest, &value| greatest.max(value.into()));
        let diffs = row.iter().map(|&value| value.into() - greatest);
        let (reciprocal, bits_over_unit) = reciprocal(constants.sum_of_exps(diffs.clone()));
        let shift = (bits_over_unit + 31 - out_bits).clamp(0, 31) as u32;
        for (store, diff) in output.iter_mut().zip(diffs) {
            *store = match constants.exp(diff) {
                Some(exp) => Out::saturate(rounding_divide_by_pot(mul(reciprocal, exp), shift) + Out::MIN),
                None => Out::narrow(Out::MIN),
            };
        }
    }
}

/// Constants of SOFTMAX on int16. The output's scale is 1/32768 and its zero point 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SoftmaxI16 {
    /// `beta * scale_input` in steps of 10/65535.
    rescale: Multiplier,
    exp: Table513,
    one_over_one_plus: Table513,
}

impl SoftmaxI16 {
    /// `rescale` is `scale_input * beta / (10 / 65535)`.
    pub fn new(rescale: Multiplier) -> Self {
        const RANGE: f64 = 65535.0;
        let (least, greatest) = (i32::from(i16::MIN), i32::from(i16::MAX));
        Self {
            rescale,
            exp: Table513::of((10.0 / RANGE, greatest), (2.0 / RANGE, 0), libm::exp),
            one_over_one_plus: Table513::of((1.0 / RANGE, least), (2.0 / RANGE, 0), |x| 1.0 / (1.0 + x)),
        }
    }

    /// `e^(beta * scale * diff)` as Q0.15.
    fn exp(&self, diff: i32) -> i16 {
        self.exp.look_up(i16::saturate(self.rescale.apply(diff).saturating_add(i32::from(i16::MAX))))
    }
}

/// On int16, each row of `depth` elements.
pub fn softmax_i16(constants: &SoftmaxI16, depth: usize, input: &[i16], output: &mut [i16]) {
    assert_eq!(input.len(), output.len());
    for (row, output) in input.chunks_exact(depth).zip(output.chunks_exact_mut(depth)) {
        let greatest = row.iter().fold(i16::MIN, |greatest, &value| greatest.max(value));
        let mut sum = 0i32;
        for (exp, &value) in output.iter_mut().zip(row) {
            *exp = constants.exp(i32::from(value) - i32::from(greatest));
            sum = sum.wrapping_add(i32::from(*exp));
        }
        // The sum is Q16.15 and at least 1/2, for the greatest element has the exponential 1.
        let headroom_plus_one = sum.leading_zeros().max(1);
        let shifted = ((i64::from(sum) << (headroom_plus_one - 1)) + (1 << 13)) >> 14;
        let position = i16::saturate(shifted as i32 - ((1 << 15) + (1 << 16)));
        let reciprocal = i64::from(constants.one_over_one_plus.look_up(position));
        let right = 31u32.saturating_sub(headroom_plus_one).max(1);
        for value in output {
            let product = i64::from(*value) * reciprocal + (1 << (right - 1));
            *value = (product >> right).clamp(0, i64::from(i16::MAX)) as i16;
        }
    }
}

/// The sum of exponentials is Q12.19.
const SUM_INTEGER_BITS: i32 = 12;

/// `1 / sum` as a Q0.31 fraction and the power of two to divide it by, `sum` as Q12.19.
fn reciprocal(sum: i32) -> (i32, i32) {
    reciprocal_of(sum, SUM_INTEGER_BITS)
}

/// `1 / x` as a Q0.31 fraction and the power of two to divide it by, for an `x > 0` with `integer_bits` bits before the point.
pub(super) fn reciprocal_of(x: i32, integer_bits: i32) -> (i32, i32) {
    let headroom_plus_one = x.leading_zeros();
    let fraction = (x as u32).wrapping_shl(headroom_plus_one).wrapping_sub(1 << 31) as i32;
    (one_over_one_plus(fraction), integer_bits - headroom_plus_one as i32)
}

/// `1 / (1 + x)` for `x` in 0..1, both Q0.31: Newton's method on the halved denominator, in Q2.29.
pub(super) fn one_over_one_plus(x: i32) -> i32 {
    /// 48/17 as Q2.29.
    const CONSTANT_48_OVER_17: i32 = 1_515_870_810;
    /// -32/17 as Q2.29.
    const CONSTANT_NEG_32_OVER_17: i32 = -1_010_580_540;
    const ONE_Q2: i32 = 1 << 29;
    let half_denominator = ((i64::from(x) + i64::from(i32::MAX) + 1) / 2) as i32;
    let mut estimate = CONSTANT_48_OVER_17.wrapping_add(mul(half_denominator, CONSTANT_NEG_32_OVER_17));
    for _ in 0..3 {
        let error = ONE_Q2.wrapping_sub(mul(half_denominator, estimate));
        // The product of two Q2.29 is Q4.27.
        estimate = estimate.wrapping_add(saturating_left_shift_i32(mul(estimate, error), 2));
    }
    // Half of Q2.29 is the same bits as Q1.30, which one shift makes Q0.31.
    saturating_left_shift_i32(estimate, 1)
}

/// `e^a` for `a <= 0` as Q5.26; the result is Q0.31. The part of `a` in -1/4..0 goes through a polynomial, every other bit
/// of it through one product with a constant.
fn exp_of_negative(a: i32) -> i32 {
    const FRACTION_BITS: i32 = 26;
    const QUARTER: i32 = 1 << (FRACTION_BITS - 2);
    /// Exponent of the bit, and `e^-(2^exponent)` as Q0.31.
    const FACTORS: [(i32, i32); 7] = [
        (-2, 1_672_461_947),
        (-1, 1_302_514_674),
        (0, 790_015_084),
        (1, 290_630_308),
        (2, 39_332_535),
        (3, 720_401),
        (4, 242),
    ];
    if a == 0 {
        return i32::MAX;
    }
    let low = (a & (QUARTER - 1)) - QUARTER;
    let mut result = exp_of_last_quarter(saturating_left_shift_i32(low, 5));
    let rest = low.wrapping_sub(a);
    for (exponent, factor) in FACTORS {
        if rest & (1 << (FRACTION_BITS + exponent)) != 0 {
            result = mul(result, factor);
        }
    }
    result
}

/// `e^a` for `a` in -1/4..0, both Q0.31: the Taylor polynomial of degree 4 round -1/8.
fn exp_of_last_quarter(a: i32) -> i32 {
    /// `e^(-1/8)`.
    const EXP_OF_MINUS_EIGHTH: i32 = 1_895_147_668;
    /// 1/3.
    const THIRD: i32 = 715_827_883;
    let x = a.wrapping_add(1 << 28);
    let x2 = mul(x, x);
    let x3 = mul(x2, x);
    let x4 = mul(x2, x2);
    let x4_over_4 = rounding_divide_by_pot(x4, 2);
    let tail = rounding_divide_by_pot(mul(x4_over_4.wrapping_add(x3), THIRD).wrapping_add(x2), 1);
    EXP_OF_MINUS_EIGHTH.wrapping_add(mul(EXP_OF_MINUS_EIGHTH, x.wrapping_add(tail)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const Q31: f64 = 2_147_483_648.0;

    #[test]
    fn the_exponential_is_close() {
        for step in 0..4000 {
            let a = -step * 536_871;
            let exact = (f64::from(a) / f64::from(1 << 26)).exp();
            assert!((f64::from(exp_of_negative(a)) / Q31 - exact).abs() < 5e-7, "{a}");
        }
    }

    #[test]
    fn the_reciprocal_is_close() {
        for step in 0..1000 {
            let x = step * 2_147_483;
            let exact = 1.0 / (1.0 + f64::from(x) / Q31);
            assert!((f64::from(one_over_one_plus(x)) / Q31 - exact).abs() < 1e-7, "{x}");
        }
    }

    proptest! {
        /// With scale 1/16: mantissa 1/2, and 2^23 in all.
        #[test]
        fn int8_is_within_one_step_of_the_exact_softmax(row in proptest::collection::vec(any::<i8>(), 1..40)) {
            let constants = SoftmaxQuantized { input_mantissa: 1 << 30, input_left_shift: 23, diff_min: -248 };
            let mut output = std::vec![0i8; row.len()];
            softmax_quantized(&constants, row.len(), &row, &mut output);
            let greatest = f64::from(*row.iter().max().unwrap());
            let exps: std::vec::Vec<f64> = row.iter().map(|&q| ((f64::from(q) - greatest) / 16.0).exp()).collect();
            let sum: f64 = exps.iter().sum();
            for (exp, &found) in exps.iter().zip(&output) {
                let exact = (exp / sum * 256.0 - 128.0).min(127.0);
                prop_assert!((exact - f64::from(found)).abs() <= 1.0, "{} {}", exact, found);
            }
        }

        #[test]
        fn floats_sum_to_one(row in proptest::collection::vec(-80.0f32..80.0, 1..40)) {
            let mut output = std::vec![0.0; row.len()];
            softmax_f32(1.0, row.len(), &row, &mut output);
            prop_assert!((output.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        }
    }
}
