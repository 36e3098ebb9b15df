//! LOGISTIC and TANH in gemmlowp's 16-bit fixed point (`fixedpoint.h`), as the gates of an int8 LSTM compute them.
//! `Qm.n` has `m` bits before the point and `n = 15 - m` after it.

use crate::requantize::{
    rounding_divide_by_pot, saturating_left_shift_i16 as shift_left,
    saturating_rounding_doubling_high_mul_i16 as mul,
};

/// 1.0 as Q0.15, as near as it gets.
const ONE: i16 = i16::MAX;
/// 1.0 as Q2.13.
const ONE_Q2: i16 = 1 << 13;

/// `1 / (1 + e^-x)` of `x` as Q3.12, as Q0.15.
pub fn logistic(x: i16) -> i16 {
    if x == 0 {
        return 1 << 14;
    }
    let negative = if x > 0 { x.wrapping_neg() } else { x };
    // Q1.14 to Q0.15: half of twice the reciprocal.
    let of_magnitude = shift_left(reciprocal_of_half(half_denominator(exp_of_negative(negative, 3))), 1);
    if x > 0 { of_magnitude } else { ONE - of_magnitude }
}

/// `tanh x` of `x` with `integer_bits` (0 to 6) before the point, as Q0.15.
pub fn tanh(x: i16, integer_bits: u32) -> i16 {
    if x == 0 {
        return 0;
    }
    let negative = if x > 0 { x.wrapping_neg() } else { x };
    // The bits of `x` are those of `2 x` with the point one place further right.
    let exp = exp_of_negative(negative, integer_bits + 1);
    let of_magnitude = shift_left(reciprocal_of_half(half_denominator(exp)).wrapping_sub(ONE_Q2), 2);
    if x > 0 { of_magnitude } else { of_magnitude.wrapping_neg() }
}

/// The upper half of a 32-bit constant.
fn constant(wide: i32) -> i16 {
    rounding_divide_by_pot(wide, 16) as i16
}

/// `e^x` of `x <= 0` with `integer_bits` before the point, as Q0.15.
fn exp_of_negative(x: i16, integer_bits: u32) -> i16 {
    /// `e^-(2^k)` for `k` from -2, as Q0.31.
    const POWERS: [i32; 7] =
        [1_672_461_947, 1_302_514_674, 790_015_084, 290_630_308, 39_332_535, 720_401, 242];
    if x == 0 {
        return ONE;
    }
    let fraction_bits = 15 - integer_bits;
    let quarter = 1i16 << (fraction_bits - 2);
    // `x` is a number of quarters below one in [-1/4, 0).
    let rest = (x & (quarter - 1)) - quarter;
    let quarters = rest.wrapping_sub(x);
    let mut result = exp_near_zero(shift_left(rest, integer_bits));
    for (place, power) in POWERS.iter().enumerate().take(integer_bits as usize + 2) {
        if quarters & (quarter << place) != 0 {
            result = mul(result, constant(*power));
        }
    }
    // Below -32 nothing is left.
    let vanishes = integer_bits > 5 && x < -(1i16 << (20 - integer_bits));
    if vanishes { 0 } else { result }
}

/// `e^x` of `x` in [-1/4, 0), Q0.15: a Taylor series round -1/8.
fn exp_near_zero(x: i16) -> i16 {
    const EIGHTH: i16 = 1 << 12;
    let exp_of_eighth = constant(1_895_147_668);
    let third = constant(715_827_883);
    let x = x.wrapping_add(EIGHTH);
    let square = mul(x, x);
    let cube = mul(square, x);
    let divided = |value: i16, exponent| rounding_divide_by_pot(i32::from(value), exponent) as i16;
    let fourth = divided(mul(square, square), 2);
    let tail = divided(mul(fourth.wrapping_add(cube), third).wrapping_add(square), 1);
    exp_of_eighth.saturating_add(mul(exp_of_eighth, x.wrapping_add(tail)))
}

/// `(1 + a) / 2` of `a` as Q0.15.
fn half_denominator(a: i16) -> i16 {
    let sum = i32::from(a) + i32::from(ONE);
    let away = if sum >= 0 { 1 } else { -1 };
    ((sum + away) / 2) as i16
}

/// `1 / half`, as Q2.13, by three steps of Newton's method.
fn reciprocal_of_half(half: i16) -> i16 {
    let mut x = constant(1_515_870_810).wrapping_add(mul(half, constant(-1_010_580_540)));
    for _ in 0..3 {
        let error = ONE_Q2.wrapping_sub(mul(half, x));
        x = x.wrapping_add(shift_left(mul(x, error), 2));
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logistic_is_near_the_real_one_everywhere() {
        for raw in i16::MIN..=i16::MAX {
            let real = 1.0 / (1.0 + libm::exp(-f64::from(raw) / 4096.0));
            let found = f64::from(logistic(raw)) / 32768.0;
            assert!((found - real).abs() < 4e-4, "{raw}: {found} for {real}");
        }
    }

    #[test]
    fn tanh_is_near_the_real_one_everywhere() {
        for integer_bits in 0..=6 {
            for raw in (i16::MIN..=i16::MAX).step_by(7) {
                let real = libm::tanh(f64::from(raw) / libm::exp2(15.0 - f64::from(integer_bits)));
                let found = f64::from(tanh(raw, integer_bits)) / 32768.0;
                assert!((found - real).abs() < 1e-3, "{raw} with {integer_bits}: {found} for {real}");
            }
        }
    }
}
