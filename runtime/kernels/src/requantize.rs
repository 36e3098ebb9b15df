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
    /// The same in floats, where that can be told to be exact.
    pub real: Option<RealLanes<'a, L>>,
}

/// Bits of fraction that [`RealLanes`] computes with.
pub const FRACTION_BITS: u32 = 14;

/// How to get most outputs of [`RequantizeLanes`] from one float product, and to know which ones.
///
/// With `real = sum * mantissa / 2^(31 + right)` the two roundings of the source amount to
/// `floor(real + 1/2 + d)`, where `d` is `2^-(right + 1)`, with the sign of the sum: by the first rounding the
/// sum counts half a unit more, and the second rounds halves away from zero. So the output changes where
/// `real + 1/2 + d` is a whole number. Computed as `sum * scale + addend`, to [`FRACTION_BITS`] and rounded to an integer
/// `fixed`, it is wrong by less than one unit: 1/4 from the scale (24 bits of at most 2^22), 1/8 from the float sum (24 bits
/// of at most 2^21 and a half), 1/2 from rounding; the sum itself is exact, being below 2^24 wherever the output is not yet
/// clamped. So `fixed >> FRACTION_BITS` is the output unless `fixed` itself is a whole number, which happens once in 2^14
/// times and is to be computed in integers. Beyond the clamp, both only grow.
#[derive(Debug, Clone, Copy)]
pub struct RealLanes<'a, const L: usize> {
    /// The multipliers, times `2^FRACTION_BITS`.
    pub scale: &'a [f32; L],
    /// Zero point, half and `d` for sums from 0 on, times `2^FRACTION_BITS`.
    pub positive: &'a [f32; L],
    /// The same for sums below 0.
    pub negative: &'a [f32; L],
    /// The product's upper limit: between what gives the greatest output and the next one.
    pub limit: f32,
    /// Whether the activation clamps all outputs of negative sums, so that `positive` serves for them too.
    pub one_sided: bool,
}

/// Scale and addends of [`RealLanes`] for a multiplier that shifts right by 1 to 15, and not to the left.
pub fn in_floats(multiplier: Multiplier, zero_point: i32) -> Option<(f32, f32, f32)> {
    if !(-15..=-1).contains(&multiplier.shift) {
        return None;
    }
    let unit = f64::from(1u32 << FRACTION_BITS);
    let power = f64::from(1u32 << (1 - multiplier.shift));
    let scale = f64::from(multiplier.mantissa) / f64::from(1u32 << 30) / power * unit;
    let (middle, step) = ((f64::from(zero_point) + 0.5) * unit, unit / power);
    Some((scale as f32, (middle + step) as f32, (middle - step) as f32))
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

    /// What a set's instructions do with [`RealLanes`]; none where that is to be computed in integers.
    fn by_floats(sum: i32, multiplier: Multiplier, zero_point: i32, clamp: Clamp<i8>) -> Option<i8> {
        let (scale, positive, negative) = in_floats(multiplier, zero_point)?;
        let one_sided = i32::from(clamp.min) >= zero_point;
        let addend = if sum >= 0 || one_sided { positive } else { negative };
        let limit = (f32::from(clamp.max) + 0.5) * (1 << FRACTION_BITS) as f32;
        let product = (sum as f32).mul_add(scale, addend).min(limit);
        // Too small a product is the least integer, in the instruction as here.
        let fixed = product.round_ties_even() as i32;
        (fixed % (1 << FRACTION_BITS) != 0).then(|| clamp.apply(fixed >> FRACTION_BITS))
    }

    /// Sums at and beside those at which the output changes, and any others.
    fn sums_near(multiplier: Multiplier, zero_point: i32, output: i32, near: i32, any: i32) -> [i32; 3] {
        let factor = f64::from(multiplier.mantissa) * 2f64.powi(multiplier.shift - 31);
        let change = (f64::from(output - zero_point) - 0.5) / factor;
        [change.floor() as i32 + near, any, any >> 12]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60_000))]

        #[test]
        fn floats_give_what_integers_give(
            mantissa in prop_oneof![(1i32 << 30)..=i32::MAX, Just(1 << 30), Just(i32::MAX), Just(3 << 29)],
            shift in -15i32..=-1, zero_point in -128i32..=127, output in -140i32..=140, near in -3i32..=3,
            any in interesting(), ends in (any::<i8>(), any::<i8>(), any::<bool>()),
        ) {
            let multiplier = Multiplier { mantissa, shift };
            let (a, b, clamps) = ends;
            let clamp = if clamps { Clamp { min: a.min(b), max: a.max(b) } } else { Clamp::<i8>::NONE };
            for sum in sums_near(multiplier, zero_point, output, near, any) {
                let expected = clamp.apply(multiplier.apply(sum).wrapping_add(zero_point));
                if let Some(found) = by_floats(sum, multiplier, zero_point, clamp) {
                    prop_assert_eq!(found, expected, "sum {}", sum);
                }
            }
        }
    }

    #[test]
    fn floats_seldom_leave_it_to_integers() {
        let multiplier = Multiplier { mantissa: 1_518_500_250, shift: -8 };
        let left = |sum: &i32| by_floats(*sum, multiplier, 7, Clamp::<i8>::NONE).is_none();
        assert!((-40_000..40_000).filter(left).count() < 40);
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
