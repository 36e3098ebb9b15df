//! The one definition of how real scales become integer arithmetic: (multiplier, shift) pairs, activation ranges,
//! rounding. Everything here happens at preparation, in double precision, as LiteRT's `quantization_util.cc` has it.

use edgebench_kernels::Multiplier;
use edgebench_schema::tflite::ActivationFunctionType;

/// `real`, which is not negative, as a fixed-point multiplier (LiteRT `QuantizeMultiplier`). Numbers below
/// 2^-32 become 0.
pub(crate) fn quantize_multiplier(real: f64) -> Multiplier {
    const ZERO: Multiplier = Multiplier { mantissa: 0, shift: 0 };
    /// The largest left shift that the arithmetic of the kernels holds is 30.
    const LARGEST: Multiplier = Multiplier { mantissa: i32::MAX, shift: 30 };
    if real == 0.0 {
        return ZERO;
    }
    if !real.is_finite() {
        return LARGEST;
    }
    let (fraction, mut shift) = libm::frexp(real);
    let mut fixed = libm::round(fraction * (1i64 << 31) as f64) as i64;
    if fixed == 1 << 31 {
        fixed /= 2;
        shift += 1;
    }
    if shift < -31 {
        return ZERO;
    }
    if shift > 30 {
        return LARGEST;
    }
    Multiplier { mantissa: fixed as i32, shift }
}

/// The exponent of a scale that is a power of two, or within a thousandth of one in its logarithm (LiteRT `CheckedLog2`).
pub(crate) fn power_of_two(scale: f32) -> Option<i32> {
    let log = libm::logf(scale) * (1.0 / core::f32::consts::LN_2);
    let rounded = libm::roundf(log);
    ((log - rounded).abs() < 1e-3).then_some(rounded as i32)
}

/// The upper 16 bits of a fixed-point mantissa, rounded (LiteRT `DownScaleInt32ToInt16Multiplier`).
pub(crate) fn narrow_multiplier(mantissa: i32) -> i16 {
    const HALF: i32 = 1 << 15;
    // The sum overflows exactly where the source returns the largest number.
    mantissa.checked_add(HALF).map_or(i16::MAX, |rounded| (rounded >> 16) as i16)
}

/// The smallest and the largest float that a fused activation lets through; none for one that is not a clamp.
pub(crate) fn float_activation(kind: ActivationFunctionType) -> Option<(f32, f32)> {
    match kind {
        ActivationFunctionType::NONE => Some((f32::NEG_INFINITY, f32::INFINITY)),
        ActivationFunctionType::RELU => Some((0.0, f32::INFINITY)),
        ActivationFunctionType::RELU6 => Some((0.0, 6.0)),
        ActivationFunctionType::RELU_N1_TO_1 => Some((-1.0, 1.0)),
        _ => None,
    }
}

/// The same on stored integers of `lowest..=highest`; none for an activation that is not a clamp.
pub(crate) fn integer_activation(
    kind: ActivationFunctionType,
    scale: f32,
    zero_point: i32,
    limits: (i32, i32),
) -> Option<(i32, i32)> {
    Some(integer_range(float_activation(kind)?, (scale, zero_point), limits))
}

/// A range of real values as stored integers of `lowest..=highest`.
pub(crate) fn integer_range(
    (low, high): (f32, f32),
    (scale, zero_point): (f32, i32),
    (lowest, highest): (i32, i32),
) -> (i32, i32) {
    // A bound without limit leaves the type's own end; the saturating cast keeps tiny scales from wrapping.
    let stored = |real: f32| zero_point.saturating_add(libm::roundf(real / scale) as i32);
    let low = if low.is_finite() { stored(low).max(lowest) } else { lowest };
    let high = if high.is_finite() { stored(high).min(highest) } else { highest };
    // A zero point at the type's end can push a bound over the other one; the range stays a range.
    (low.min(highest), high.max(low.min(highest)))
}

/// The stored integer of a real value (LiteRT `QUANTIZE`): division in single precision, halves away from zero, clamped.
/// NaN becomes the zero point.
pub(crate) fn quantize(value: f32, scale: f32, zero_point: i32, (lowest, highest): (i32, i32)) -> i32 {
    (libm::roundf(value / scale) as i32).saturating_add(zero_point).clamp(lowest, highest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn real(multiplier: Multiplier) -> f64 {
        f64::from(multiplier.mantissa) * libm::exp2(f64::from(multiplier.shift - 31))
    }

    #[test]
    fn known_multipliers() {
        assert_eq!(quantize_multiplier(1.0), Multiplier { mantissa: 1 << 30, shift: 1 });
        assert_eq!(quantize_multiplier(0.5), Multiplier { mantissa: 1 << 30, shift: 0 });
        assert_eq!(quantize_multiplier(0.0), Multiplier { mantissa: 0, shift: 0 });
        // Rounds up to a power of two, which is then halved.
        let below_one = f64::from_bits(1.0f64.to_bits() - 1);
        assert_eq!(quantize_multiplier(below_one), Multiplier { mantissa: 1 << 30, shift: 1 });
    }

    #[test]
    fn multipliers_beyond_the_arithmetic_end_at_its_ends() {
        assert_eq!(quantize_multiplier(1e-12), Multiplier { mantissa: 0, shift: 0 });
        assert_eq!(quantize_multiplier(1e30), Multiplier { mantissa: i32::MAX, shift: 30 });
        assert_eq!(quantize_multiplier(f64::INFINITY), Multiplier { mantissa: i32::MAX, shift: 30 });
        assert_eq!(quantize_multiplier(f64::MIN_POSITIVE), Multiplier { mantissa: 0, shift: 0 });
    }

    #[test]
    fn powers_of_two_need_not_be_exact() {
        assert_eq!(power_of_two(1.0 / 32768.0), Some(-15));
        assert_eq!(power_of_two(1.0 / 32767.0), Some(-15));
        assert_eq!(power_of_two(0.3), None);
    }

    #[test]
    fn activations_on_stored_values() {
        let int8 = (-128, 127);
        let of = |kind, scale, zero_point| integer_activation(kind, scale, zero_point, int8);
        assert_eq!(of(ActivationFunctionType::NONE, 0.1, 3), Some((-128, 127)));
        assert_eq!(of(ActivationFunctionType::RELU6, 6.0 / 255.0, -128), Some((-128, 127)));
        assert_eq!(of(ActivationFunctionType::RELU6, 0.1, -10), Some((-10, 50)));
        assert_eq!(of(ActivationFunctionType::RELU_N1_TO_1, 0.1, 0), Some((-10, 10)));
        assert_eq!(of(ActivationFunctionType::RELU, 1e-38, 0), Some((0, 127)));
        assert_eq!(of(ActivationFunctionType::TANH, 0.1, 0), None);
    }

    proptest! {
        #[test]
        fn multiplier_is_the_number_to_thirty_bits(exponent in -31.0f64..30.0) {
            let wanted = libm::exp2(exponent);
            let got = real(quantize_multiplier(wanted));
            prop_assert!((got - wanted).abs() <= wanted * libm::exp2(-31.0), "{wanted} became {got}");
        }

        #[test]
        fn activation_range_is_a_range_of_the_type(
            scale in 1e-30f32..1e30, zero_point in -128i32..128, kind in 0i8..4,
        ) {
            let range = integer_activation(ActivationFunctionType(kind), scale, zero_point, (-128, 127));
            let (low, high) = range.expect("a clamp");
            prop_assert!(-128 <= low && low <= high && high <= 127);
        }
    }
}
