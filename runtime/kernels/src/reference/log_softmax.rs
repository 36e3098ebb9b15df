//! LOG_SOFTMAX over the last axis (`reference/log_softmax.h`, `integer_ops/log_softmax.h`). On 8 bits in fixed point, with a
//! rational approximation of the logarithm.

use super::quantize::Quantized;
use super::softmax::{SoftmaxQuantized, one_over_one_plus};
use crate::requantize::{
    Multiplier, rounding_divide_by_pot, saturating_left_shift_i32,
    saturating_rounding_doubling_high_mul as mul,
};

/// `x - max - ln(sum of e^(x - max))` in each row of `depth` elements.
pub fn log_softmax_f32(depth: usize, input: &[f32], output: &mut [f32]) {
    assert_eq!(input.len(), output.len());
    for (row, output) in input.chunks_exact(depth).zip(output.chunks_exact_mut(depth)) {
        let greatest = row.iter().fold(f32::MIN, |greatest, &value| greatest.max(value));
        let sum = row.iter().fold(0.0, |sum, &value| sum + libm::expf(value - greatest));
        let log_sum = libm::logf(sum);
        for (store, &value) in output.iter_mut().zip(row) {
            *store = value - greatest - log_sum;
        }
    }
}

/// Constants of LOG_SOFTMAX on int8 and uint8. The output's scale is 1/16 and its zero point the greatest value of its
/// type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogSoftmaxQuantized {
    /// As for SOFTMAX with beta 1.
    pub softmax: SoftmaxQuantized,
    /// From Q5.26 back to steps of the input.
    pub to_steps: Multiplier,
}

/// On int8 and uint8, each row of `depth` elements.
pub fn log_softmax_quantized<T: Quantized>(
    constants: &LogSoftmaxQuantized,
    depth: usize,
    input: &[T],
    output: &mut [T],
) {
    /// From Q5.26 to steps of 1/16.
    const RIGHT_SHIFT: u32 = 31 - 5 - 4;
    assert_eq!(input.len(), output.len());
    let softmax = &constants.softmax;
    for (row, output) in input.chunks_exact(depth).zip(output.chunks_exact_mut(depth)) {
        let greatest = row.iter().fold(T::MIN, |greatest, &value| greatest.max(value.into()));
        let diffs = row.iter().map(|&value| value.into() - greatest);
        let log_sum = log_of_at_least_one(softmax.sum_of_exps(diffs.clone()));
        let least = constants.to_steps.apply(log_sum.wrapping_add(i32::MIN)).max(softmax.diff_min - 1);
        for (store, diff) in output.iter_mut().zip(diffs) {
            *store = if diff > least {
                let log = softmax.scaled(diff).wrapping_sub(log_sum);
                T::saturate(rounding_divide_by_pot(log, RIGHT_SHIFT) + T::MAX)
            } else {
                T::narrow(T::MIN)
            };
        }
    }
}

/// The natural logarithm of `x`, which is Q12.19 and at least 1, as Q5.26 (LiteRT `internal/common.h`,
/// `log_x_for_x_greater_than_or_equal_to_1_impl`): `x = 2^n * r` with `r` near sqrt(sqrt(1/2)), and a quotient of
/// polynomials in `r`.
fn log_of_at_least_one(x: i32) -> i32 {
    const INPUT_INTEGER_BITS: i32 = 12;
    /// One bit more than the output has, for sums.
    const SUM_INTEGER_BITS: i32 = 6;
    /// A quarter as Q6.25.
    const QUARTER: i32 = 1 << 23;
    /// ln 2, sqrt(sqrt(1/2)) and sqrt(1/2) as Q0.31.
    const LN_2: i32 = 1_488_522_236;
    const FOURTH_ROOT_OF_HALF: i32 = 1_805_811_301;
    const SQRT_HALF: i32 = 1_518_500_250;
    /// Coefficients, each with powers of the fourth root of 2: 11/240, 1/20, 2/2^(1/4) - 2^(1/4), 1/4.
    const ALPHA_N: i32 = 117_049_297;
    const ALPHA_D: i32 = 127_690_142;
    const ALPHA_I: i32 = 1_057_819_769;
    const ALPHA_F: i32 = 638_450_708;
    let exponent = |bits: i32| by_power(bits, 31 - SUM_INTEGER_BITS);

    let headroom_plus_one = x.leading_zeros() as i32;
    let r_a = by_power(mul(by_power(x, headroom_plus_one - 1), SQRT_HALF), 1);
    let power_a = exponent(INPUT_INTEGER_BITS - headroom_plus_one).saturating_add(QUARTER);
    let headroom_b = mul(x, SQRT_HALF).leading_zeros() as i32 - 1;
    let r_b = by_power(x, headroom_b);
    let power_b = exponent(INPUT_INTEGER_BITS - headroom_b).saturating_sub(QUARTER);

    let (r, power) = (r_a.min(r_b), power_a.max(power_b));
    let p = rounding_half_sum(r, FOURTH_ROOT_OF_HALF);
    let q = r.wrapping_sub(FOURTH_ROOT_OF_HALF);
    let q = q.wrapping_add(q);
    let square = mul(q, q);
    let numerator = mul(q, r).wrapping_add(mul(mul(q, square), ALPHA_N));
    let inner = ALPHA_I.wrapping_add(q).wrapping_add(mul(ALPHA_D, square));
    let denominator_minus_one = mul(p, inner).wrapping_add(mul(ALPHA_F, q));
    let numerator = rounding_divide_by_pot(numerator, SUM_INTEGER_BITS as u32);
    let quotient = mul(numerator, one_over_one_plus(denominator_minus_one));
    by_power(mul(power, LN_2).wrapping_add(quotient), 1)
}

/// `value * 2^exponent`: saturating to the left, rounding to the right.
fn by_power(value: i32, exponent: i32) -> i32 {
    if exponent >= 0 {
        saturating_left_shift_i32(value, exponent.min(31) as u32)
    } else {
        rounding_divide_by_pot(value, exponent.unsigned_abs().min(31))
    }
}

/// Half of the sum, halves away from zero.
fn rounding_half_sum(a: i32, b: i32) -> i32 {
    let sum = i64::from(a) + i64::from(b);
    let sign = if sum >= 0 { 1 } else { -1 };
    ((sum + sign) / 2) as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_logarithm_is_close() {
        for step in 0..4000 {
            let x = (1 << 19) + step * 536_000;
            let exact = (f64::from(x) / f64::from(1 << 19)).ln();
            let found = f64::from(log_of_at_least_one(x)) / f64::from(1 << 26);
            assert!((found - exact).abs() < 1e-6, "{x}: {found} {exact}");
        }
    }

    #[test]
    fn floats_are_logarithms_of_probabilities() {
        let mut output = [0.0; 3];
        log_softmax_f32(3, &[0.0, 1.0, 2.0], &mut output);
        assert!((output.iter().map(|value| value.exp()).sum::<f32>() - 1.0).abs() < 1e-6);
        assert!((output[2] + 0.407_606).abs() < 1e-5);
    }
}
