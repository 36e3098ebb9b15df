//! Asymmetric int8 for activations: real = scale * (q - zero point), q in [-128, 127].

use crate::graph::Quantization;

const INT8_MIN: f32 = -128.0;
const INT8_MAX: f32 = 127.0;

/// Scale of a tensor that is zero throughout; any positive one represents it exactly.
const SCALE_OF_ZEROS: f32 = 1.0;

/// Scale and zero point for values between `min` and `max`. The range is widened to include 0, which then has an exact
/// representation, as padding and ReLU need. Computed in f32 like the TFLite quantizer, so that both give the same bits.
pub(super) fn asymmetric(min: f32, max: f32) -> Quantization {
    let (min, max) = (min.min(0.0), max.max(0.0));
    // Dividing before subtracting keeps a range wider than f32's from overflowing; else the plain difference is used.
    let span =
        if (max - min).is_finite() { (max - min) / (INT8_MAX - INT8_MIN) } else { max / 255.0 - min / 255.0 };
    if !span.is_normal() {
        return Quantization::per_tensor(SCALE_OF_ZEROS, if min < 0.0 { 0 } else { INT8_MIN as i64 });
    }
    let zero_point = (INT8_MIN - min / span).clamp(INT8_MIN, INT8_MAX).round();
    Quantization::per_tensor(span, zero_point as i64)
}

/// Int8 values of a constant that takes part as an activation, and how many lay outside the range.
pub(super) fn quantize(values: &[f32], scale: f32, zero_point: i64) -> (Vec<u8>, u64) {
    let mut outside = 0;
    let bytes = values.iter().map(|value| {
        let exact = (value / scale).round() + zero_point as f32;
        outside += u64::from(!(INT8_MIN..=INT8_MAX).contains(&exact));
        exact.clamp(INT8_MIN, INT8_MAX) as i8 as u8
    });
    let bytes = bytes.collect();
    (bytes, outside)
}

/// Smallest and largest finite value of a constant.
pub(super) fn range_of(values: &[f32]) -> (f32, f32) {
    let finite = values.iter().copied().filter(|value| value.is_finite());
    finite.fold((0.0, 0.0), |(min, max), value| (f32::min(min, value), f32::max(max, value)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parameters(min: f32, max: f32) -> (f32, i64) {
        let quantization = asymmetric(min, max);
        (quantization.scales[0], quantization.zero_points[0])
    }

    #[test]
    fn known_ranges() {
        assert_eq!(parameters(0.0, 6.0), (6.0 / 255.0, -128));
        assert_eq!(parameters(-1.0, 1.0), (2.0 / 255.0, -1));
        assert_eq!(parameters(-2.55, 0.0), (0.01, 127));
    }

    #[test]
    fn range_that_misses_zero_is_widened() {
        assert_eq!(parameters(2.0, 5.1), parameters(0.0, 5.1));
        assert_eq!(parameters(-5.1, -2.0), parameters(-5.1, 0.0));
    }

    #[test]
    fn zeros_and_the_widest_range_have_a_positive_finite_scale() {
        for (min, max) in [(0.0, 0.0), (f32::MIN, f32::MAX), (0.0, 1e-45), (-1e-45, 0.0)] {
            let (scale, zero_point) = parameters(min, max);
            assert!(scale.is_normal() && scale > 0.0, "[{min}, {max}] gave {scale}");
            assert!((-128..=127).contains(&zero_point));
        }
    }

    #[test]
    fn constants_round_half_away_and_clamp() {
        assert_eq!(quantize(&[0.5, -0.5, 1.5, 200.0, -200.0], 1.0, 0), (vec![1, 0xff, 2, 127, 0x80], 2));
    }

    proptest! {
        #[test]
        fn zero_is_exact_and_values_stay_within_half_a_step(
            low in -1e3f32..0.0, high in 0.0f32..1e3, share in 0.0f32..1.0,
        ) {
            prop_assume!(high - low > 1e-3);
            let (scale, zero_point) = parameters(low, high);
            prop_assert_eq!(i64::from(quantize(&[0.0], scale, zero_point).0[0] as i8), zero_point);
            let value = low + share * (high - low);
            let (bytes, _) = quantize(&[value], scale, zero_point);
            let back = scale * (i64::from(bytes[0] as i8) - zero_point) as f32;
            // The zero point is rounded, so an end of the range may lie half a step outside.
            prop_assert!((back - value).abs() <= scale * 1.001, "{value} came back as {back}");
        }
    }
}
