//! TFLite's fixed-point arithmetic with double rounding, the default of LiteRT's reference kernels
//! (`tflite/kernels/internal/common.cc`, gemmlowp `fixedpoint.h`). How a real scale becomes a [`Multiplier`] is not
//! decided here.

use crate::shape::Clamp;

/// A positive real factor `mantissa * 2^(shift - 31)`.
///
/// `mantissa` is 0 or in `2^30..=2^31 - 1`, never negative; `shift` in -31..=30.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Multiplier {
    /// Fraction bits, Q0.31.
    pub mantissa: i32,
    /// Exponent: positive shifts left before the product, negative right after it.
    pub shift: i32,
}

impl Multiplier {
    /// `MultiplyByQuantizedMultiplier`: the product of `value` with the factor, rounded twice, once for the high
    /// half of the product and once for the right shift. The left shift wraps, as it does there.
    #[inline(always)]
    pub fn apply(self, value: i32) -> i32 {
        let left = self.shift.clamp(0, 31) as u32;
        let right = (-self.shift).clamp(0, 31) as u32;
        rounding_divide_by_pot(high_mul(value.wrapping_shl(left), self.mantissa), right)
    }
}

impl Multiplier {
    /// The upper 16 bits of the mantissa, rounded (`DownScaleInt32ToInt16Multiplier`).
    #[inline(always)]
    pub fn narrow_mantissa(self) -> i16 {
        const HALF: i32 = 1 << 15;
        // The sum overflows exactly where the source returns the largest number.
        self.mantissa.checked_add(HALF).map_or(i16::MAX, |rounded| (rounded >> 16) as i16)
    }

    /// `MultiplyByQuantizedMultiplier` of a 64-bit sum below 2^47: 16 bits of mantissa, rounded once, halves up. The shift
    /// must be below 15; larger ones count as 14.
    #[inline(always)]
    pub fn apply_i64(self, value: i64) -> i32 {
        let total_shift = (15 - self.shift).clamp(1, 62) as u32;
        let product = value.wrapping_mul(i64::from(self.narrow_mantissa()));
        (product.wrapping_add(1i64 << (total_shift - 1)) >> total_shift) as i32
    }
}

/// `round(a * b / 2^31)`, halves up; saturates in the one case that does not fit.
#[inline(always)]
pub fn saturating_rounding_doubling_high_mul(a: i32, b: i32) -> i32 {
    let product = i64::from(a) * i64::from(b);
    // The source nudges by 2^30 or, below zero, by 1 - 2^30, and truncates. With a shift, which rounds down, both
    // become the same nudge: trunc((p + 1 - 2^30) / 2^31) = floor((p + 2^30) / 2^31) for p < 0.
    let rounded = (product + (1i64 << 30)) >> 31;
    rounded.min(i64::from(i32::MAX)) as i32
}

/// [`saturating_rounding_doubling_high_mul`] for `b >= 0`, where nothing can saturate.
#[inline(always)]
fn high_mul(a: i32, b: i32) -> i32 {
    ((i64::from(a) * i64::from(b) + (1i64 << 30)) >> 31) as i32
}

/// `value / 2^exponent` to nearest, halves away from zero. `exponent` in 0..=31.
#[inline(always)]
pub fn rounding_divide_by_pot(value: i32, exponent: u32) -> i32 {
    let mask = ((1i64 << exponent) - 1) as i32;
    let remainder = value & mask;
    let threshold = (mask >> 1) + i32::from(value < 0);
    (value >> exponent) + i32::from(remainder > threshold)
}

/// `round(a * b / 2^15)` on 16 bits, halves up; saturates in the one case that does not fit.
#[inline(always)]
pub fn saturating_rounding_doubling_high_mul_i16(a: i16, b: i16) -> i16 {
    let product = i32::from(a) * i32::from(b);
    ((product + (1 << 14)) >> 15).min(i32::from(i16::MAX)) as i16
}

/// `a * b / 2^15` on 16 bits, truncated towards zero; saturates in the one case that does not fit.
#[inline(always)]
pub fn saturating_doubling_high_mul_i16(a: i16, b: i16) -> i16 {
    (i32::from(a) * i32::from(b) / (1 << 15)).min(i32::from(i16::MAX)) as i16
}

/// `value * 2^shift` on 16 bits, saturating.
#[inline(always)]
pub fn saturating_left_shift_i16(value: i16, shift: u32) -> i16 {
    let wide = i64::from(value) << shift.min(32);
    wide.clamp(i64::from(i16::MIN), i64::from(i16::MAX)) as i16
}

/// `value * 2^exponent` on 32 bits, saturating. `exponent` in 0..=31.
#[inline(always)]
pub fn saturating_left_shift_i32(value: i32, exponent: u32) -> i32 {
    let wide = i64::from(value) << exponent;
    wide.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32
}

/// Constants that bring the sums of `L` neighbouring output channels to int8. The multiplier is taken apart, so that all
/// channels take the same steps: add the bias, shift left, multiply, round, shift right, round, add the zero point, clamp.
#[derive(Debug, Clone, Copy)]
pub struct RequantizeLanes<'a, const L: usize> {
    /// Added to the sums.
    pub bias: &'a [i32; L],
    /// Mantissas of the multipliers.
    pub mantissa: &'a [i32; L],
    /// Shifts to the left, in 0..=31.
    pub left: &'a [i32; L],
    /// Shifts to the right, in 0..=31.
    pub right: &'a [i32; L],
    /// Zero point of the output.
    pub zero_point: i32,
    /// Fused activation.
    pub activation: Clamp<i8>,
    /// Whether all channels shift by 1 to 20 to the right and not to the left: what nearly every layer does.
    pub shifts_right: bool,
}

impl<const L: usize> RequantizeLanes<'_, L> {
    /// [`Multiplier::apply`] in every lane, then zero point and activation.
    #[inline(always)]
    pub fn apply(&self, sums: &[i32; L]) -> [i8; L] {
        let mut outputs = [0; L];
        for l in 0..L {
            let shifted = sums[l].wrapping_add(self.bias[l]).wrapping_shl(self.left[l] as u32);
            let scaled = rounding_divide_by_pot(high_mul(shifted, self.mantissa[l]), self.right[l] as u32);
            outputs[l] = self.activation.apply(scaled.wrapping_add(self.zero_point));
        }
        outputs
    }
}

/// Constants that bring the sums of `L` neighbouring output channels of a hybrid kernel to floats.
#[derive(Debug, Clone, Copy)]
pub struct RescaleLanes<'a, const L: usize> {
    /// Sums of each channel's weights.
    pub weight_sums: &'a [i32; L],
    /// What the inputs are too large by: so many weight sums are taken off.
    pub shift: i32,
    /// Scales of the filter.
    pub scales: &'a [f32; L],
    /// Scale of the quantized input.
    pub scale: f32,
    /// Whether the filter's scale comes into the product first, or the product of both scales.
    pub filter_first: bool,
    /// Added at the end.
    pub bias: &'a [f32; L],
    /// Fused activation.
    pub activation: Clamp<f32>,
}

impl<const L: usize> RescaleLanes<'_, L> {
    /// The outputs of one pixel.
    #[inline(always)]
    pub fn apply(&self, sums: &[i32; L]) -> [f32; L] {
        let mut outputs = [0.0; L];
        for l in 0..L {
            let sum = sums[l].wrapping_sub(self.shift.wrapping_mul(self.weight_sums[l])) as f32;
            let scaled = if self.filter_first {
                sum * self.scales[l] * self.scale
            } else {
                sum * (self.scales[l] * self.scale)
            };
            outputs[l] = self.activation.apply(scaled + self.bias[l]);
        }
        outputs
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The text of the source: truncating division with a nudge that has the product's sign.
    fn high_mul_by_source(a: i32, b: i32) -> i32 {
        if a == i32::MIN && b == i32::MIN {
            return i32::MAX;
        }
        let product = i64::from(a) * i64::from(b);
        let nudge = if product >= 0 { 1i64 << 30 } else { 1 - (1i64 << 30) };
        ((product + nudge) / (1i64 << 31)) as i32
    }

    fn interesting() -> impl Strategy<Value = i32> {
        prop_oneof![
            any::<i32>(),
            (0u32..31, -2i32..=2, any::<bool>()).prop_map(|(bit, near, negative)| {
                let value = (1i32 << bit).wrapping_add(near);
                if negative { value.wrapping_neg() } else { value }
            }),
            Just(i32::MIN),
            Just(i32::MAX),
            -300i32..300,
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn high_mul_is_the_sources(a in interesting(), b in interesting()) {
            prop_assert_eq!(saturating_rounding_doubling_high_mul(a, b), high_mul_by_source(a, b));
        }

        #[test]
        fn divide_by_pot_rounds_halves_away(value in interesting(), exponent in 0u32..=31) {
            let divisor = 1i128 << exponent;
            let magnitude = i128::from(value).abs();
            let rounded = (magnitude + divisor / 2) / divisor;
            let expected = if value < 0 { -rounded } else { rounded };
            prop_assert_eq!(i128::from(rounding_divide_by_pot(value, exponent)), expected);
        }

        #[test]
        fn a_multiplier_is_within_one_of_the_real_product(
            value in -(1i32 << 24)..(1 << 24), mantissa in (1i32 << 30)..=i32::MAX, shift in -20i32..=6
        ) {
            let multiplier = Multiplier { mantissa, shift };
            let real = f64::from(value) * f64::from(mantissa) / 2f64.powi(31 - shift);
            prop_assert!((f64::from(multiplier.apply(value)) - real).abs() <= 1.0);
        }
    }

    #[test]
    fn both_roundings_are_seen() {
        let half = Multiplier { mantissa: 1 << 30, shift: 0 };
        assert_eq!([-3, -1, 1, 3].map(|value| half.apply(value)), [-1, 0, 1, 2]);
        let eighth = Multiplier { mantissa: 1 << 30, shift: -2 };
        // 3 / 2 is 2, and 2 / 4 is 1, though 3 / 8 is nearer to 0. Below zero 5 / 2 is 2, and half of that 1.
        assert_eq!([-5, -3, 3].map(|value| eighth.apply(value)), [-1, 0, 1]);
    }

    #[test]
    fn the_one_overflow_saturates() {
        assert_eq!(saturating_rounding_doubling_high_mul(i32::MIN, i32::MIN), i32::MAX);
        assert_eq!(saturating_rounding_doubling_high_mul_i16(i16::MIN, i16::MIN), i16::MAX);
        assert_eq!(saturating_doubling_high_mul_i16(i16::MIN, i16::MIN), i16::MAX);
    }
}
