//! DIV, FLOOR_DIV, FLOOR_MOD and POW (`reference/div.h`, `floor_div.h`, `floor_mod.h`). Callers refuse divisors of 0 where
//! the type is an integer.

use super::binary::for_each_pair;
use super::quantize::Quantized;
use super::softmax::reciprocal_of;
use crate::requantize::{
    Multiplier, rounding_divide_by_pot, saturating_rounding_doubling_high_mul as high_mul,
};
use crate::shape::{Broadcast, Clamp};

/// Constants of DIV on quantized values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DivQuantized<T> {
    /// Zero point of the first operand.
    pub left_zero_point: i32,
    /// Zero point of the second operand.
    pub right_zero_point: i32,
    /// Zero point of the output.
    pub output_zero_point: i32,
    /// `scale_left / (scale_right * scale_output)`.
    pub output: Multiplier,
    /// Fused activation.
    pub activation: Clamp<T>,
}

impl<T: Quantized> DivQuantized<T> {
    fn apply(&self, left: T, right: T) -> T {
        let left = left.into() - self.left_zero_point;
        let right = right.into() - self.right_zero_point;
        let (left, right) = if right < 0 { (-left, -right) } else { (left, right) };
        let (reciprocal, reciprocal_shift) = reciprocal_of(right, 31);
        let headroom = leading_sign_bits(left);
        let quotient = high_mul(left.wrapping_shl(headroom), reciprocal);
        let right_shift = reciprocal_shift + headroom as i32 - self.output.shift;
        let scaled = high_mul(quotient, self.output.mantissa);
        // Beyond 31 bits the source's shift has no defined result; what remains of the value is 0.
        let shifted = match right_shift {
            ..0 => scaled.wrapping_shl(right_shift.unsigned_abs()),
            0..=31 => rounding_divide_by_pot(scaled, right_shift as u32),
            _ => 0,
        };
        T::hold(self.activation, shifted.wrapping_add(self.output_zero_point))
    }
}

/// Bits below the sign that are the same as it.
fn leading_sign_bits(value: i32) -> u32 {
    let magnitude = if value < 0 { !value } else { value };
    magnitude.leading_zeros() - 1
}

/// `left / right`.
pub fn div_quantized<T: Quantized>(
    constants: &DivQuantized<T>,
    walk: &Broadcast,
    left: &[T],
    right: &[T],
    output: &mut [T],
) {
    for_each_pair(walk, left, right, output, |l, r| constants.apply(l, r));
}

/// DIV on int16 without broadcasting, which LiteRT computes in floats.
pub fn div_i16(
    [left_scale, right_scale, output_scale]: [f32; 3],
    constants: &DivQuantized<i16>,
    left: &[i16],
    right: &[i16],
    output: &mut [i16],
) {
    let walk = Broadcast::new(&[left.len()], &[right.len()]);
    let Some(walk) = walk else { return };
    for_each_pair(&walk, left, right, output, |l, r| {
        let left = (i32::from(l) - constants.left_zero_point) as f32 * left_scale;
        let right = (i32::from(r) - constants.right_zero_point) as f32 * right_scale;
        let steps = libm::roundf(left / right / output_scale) as i32;
        i16::hold(constants.activation, steps.saturating_add(constants.output_zero_point))
    });
}

/// The quotient, rounded down.
pub fn floor_div_f32(left: f32, right: f32) -> f32 {
    libm::floorf(left / right)
}

/// What is left of `left` after whole multiples of `right`; it has the sign of `right`.
pub fn floor_mod_f32(left: f32, right: f32) -> f32 {
    let rest = libm::fmodf(left, right);
    if rest != 0.0 && (right < 0.0) != (rest < 0.0) { rest + right } else { rest }
}

/// An integer that can be divided.
pub trait Divisible: Copy {
    /// The quotient, rounded down; the one that does not fit wraps.
    fn floor_div(self, divisor: Self) -> Self;
    /// What is left after whole multiples of the divisor; it has the divisor's sign.
    fn floor_mod(self, divisor: Self) -> Self;
}

macro_rules! divisible {
    ($($integer:ty),*) => {$(
        impl Divisible for $integer {
            fn floor_div(self, divisor: Self) -> Self {
                let is_inexact = self.wrapping_rem(divisor) != 0;
                let is_negative = (self < 0) != (divisor < 0);
                self.wrapping_div(divisor) - <$integer>::from(is_inexact && is_negative)
            }

            fn floor_mod(self, divisor: Self) -> Self {
                let rest = self.wrapping_rem(divisor);
                if rest != 0 && (divisor < 0) != (rest < 0) { rest + divisor } else { rest }
            }
        }
    )*};
}

divisible!(i8, i16, i32, i64);

/// `base ^ exponent` for an exponent that is not negative, as LiteRT has it: in double precision. What does not fit ends at
/// the type's ends.
pub fn pow_i32(base: i32, exponent: i32) -> i32 {
    libm::pow(f64::from(base), f64::from(exponent)) as i32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn quotients_are_rounded_down() {
        assert_eq!(
            [7i32.floor_div(2), (-7i32).floor_div(2), 7i32.floor_div(-2), 6i32.floor_div(-2)],
            [3, -4, -4, -3]
        );
        assert_eq!(
            [7i32.floor_mod(2), (-7i32).floor_mod(2), 7i32.floor_mod(-2), 6i32.floor_mod(-2)],
            [1, 1, -1, 0]
        );
        assert_eq!(i8::MIN.floor_div(-1), i8::MIN);
        assert_eq!(
            [floor_mod_f32(7.5, 2.0), floor_mod_f32(-7.5, 2.0), floor_mod_f32(7.5, -2.0)],
            [1.5, 0.5, -0.5]
        );
    }

    #[test]
    fn powers_end_at_the_types_ends() {
        assert_eq!(
            [pow_i32(-3, 3), pow_i32(2, 0), pow_i32(10, 30), pow_i32(-10, 31)],
            [-27, 1, i32::MAX, i32::MIN]
        );
    }

    proptest! {
        /// Scales 0.5, 0.25 and 0.1: the factor is 20.
        #[test]
        fn quantized_quotients_are_within_one_step(l in any::<i8>(), r in any::<i8>(), zero_points in (-9i32..9, -9i32..9)) {
            prop_assume!(i32::from(r) != zero_points.1);
            let constants = DivQuantized {
                left_zero_point: zero_points.0,
                right_zero_point: zero_points.1,
                output_zero_point: 3,
                output: Multiplier { mantissa: 5 << 28, shift: 5 },
                activation: Clamp { min: -128, max: 127 },
            };
            let mut output = [0];
            div_quantized(&constants, &Broadcast::new(&[], &[]).unwrap(), &[l], &[r], &mut output);
            let quotient = f64::from(i32::from(l) - zero_points.0) / f64::from(i32::from(r) - zero_points.1);
            let expected = (quotient * 20.0 + 3.0).clamp(-128.0, 127.0);
            prop_assert!((expected - f64::from(output[0])).abs() <= 1.0, "{} {}", expected, output[0]);
        }
    }
}
