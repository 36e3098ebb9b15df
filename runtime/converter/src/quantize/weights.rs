//! Symmetric int8 for weights, one scale an output channel, and int32 for biases.

use crate::graph::Quantization;

/// Largest weight; -128 is not used, so that products stay symmetric.
const WEIGHT_MAX: f32 = 127.0;

/// Weights of a smaller scale count as zeros: its product with the scale of an input could leave the normal numbers,
/// which XNNPACK refuses.
const SMALLEST_SCALE: f32 = 1e-24;

/// Scale of the channels of a tensor that is zero throughout; any positive one represents it exactly.
const SCALE_OF_ZEROS: f32 = 1.0;

/// How the channels of a tensor lie in memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Channels {
    count: usize,
    /// Elements between two channels.
    inner: usize,
}

impl Channels {
    /// The channels of `shape` along `axis`; none when the axis is not there or a dimension is not positive.
    pub(super) fn new(shape: &[i32], axis: usize) -> Option<Self> {
        let dims: Vec<usize> = shape.iter().map(|dim| usize::try_from(*dim).unwrap_or(0)).collect();
        let inner =
            dims.get(axis + 1..)?.iter().try_fold(1usize, |product, dim| product.checked_mul(*dim))?;
        let count = *dims.get(axis)?;
        (count > 0 && inner > 0).then_some(Self { count, inner })
    }

    pub(super) fn count(self) -> usize {
        self.count
    }

    fn of(self, index: usize) -> usize {
        index / self.inner % self.count
    }
}

/// The largest magnitude of each channel; values that are not finite do not count.
pub(super) fn magnitudes(values: &[f32], channels: Channels) -> Vec<f32> {
    let mut largest = vec![0.0f32; channels.count];
    for (index, value) in values.iter().enumerate().filter(|(_, value)| value.is_finite()) {
        let slot = &mut largest[channels.of(index)];
        *slot = slot.max(value.abs());
    }
    largest
}

/// Quantized weights.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Int8Weights {
    pub(super) scales: Vec<f32>,
    pub(super) data: Vec<u8>,
    /// Values that are no number or infinite.
    pub(super) unrepresentable: u64,
}

impl Int8Weights {
    pub(super) fn quantization(&self, axis: usize) -> Quantization {
        Quantization::symmetric(self.scales.clone(), axis)
    }
}

/// Quantizes `values` so that each channel's magnitude becomes 127. The product with 127 / magnitude is rounded half
/// away from zero, as the TFLite quantizer does.
pub(super) fn symmetric(values: &[f32], channels: Channels, magnitudes: &[f32]) -> Int8Weights {
    let unrepresentable = values.iter().filter(|value| !value.is_finite()).count() as u64;
    let inverse: Vec<f32> = magnitudes.iter().map(|largest| inverse_scale(*largest)).collect();
    let quantized = values.iter().enumerate().map(|(index, value)| {
        let exact = (value * inverse[channels.of(index)]).round();
        // A NaN becomes 0, the only value that does not spread.
        exact.clamp(-WEIGHT_MAX, WEIGHT_MAX) as i8 as u8
    });
    Int8Weights { data: quantized.collect(), scales: scales(magnitudes), unrepresentable }
}

fn inverse_scale(magnitude: f32) -> f32 {
    if usable(magnitude) { WEIGHT_MAX / magnitude } else { 0.0 }
}

/// Whether a channel of this magnitude has weights to speak of.
fn usable(magnitude: f32) -> bool {
    magnitude / WEIGHT_MAX >= SMALLEST_SCALE
}

/// A scale a channel. A channel without weights takes the largest of the others: a scale of zero would take its bias
/// away too, and XNNPACK refuses it.
fn scales(magnitudes: &[f32]) -> Vec<f32> {
    let largest = magnitudes.iter().copied().filter(|magnitude| usable(*magnitude)).fold(0.0, f32::max);
    let of_zeros = if largest > 0.0 { largest / WEIGHT_MAX } else { SCALE_OF_ZEROS };
    magnitudes
        .iter()
        .map(|magnitude| if usable(*magnitude) { magnitude / WEIGHT_MAX } else { of_zeros })
        .collect()
}

/// Raises the magnitudes of channels whose bias would leave half of int32's range (TFLite quantizer,
/// `AdjustWeightsForBiasScale`, in its precision: the same bits come out), and tells how many it raised. A channel
/// without weights gets the scale at which its bias is finest.
pub(super) fn guard_bias(magnitudes: &mut [f32], bias: &[f32], input_scale: f32) -> usize {
    let accumulator_max = f64::from(i32::MAX);
    let mut raised = 0;
    for (magnitude, bias) in magnitudes.iter_mut().zip(bias) {
        let bias = f64::from(bias.abs());
        let half = 0.5 * f64::from(input_scale) * f64::from(*magnitude / WEIGHT_MAX) * accumulator_max;
        if bias.is_finite() && bias > 0.0 && bias >= half {
            *magnitude = (2.0 * bias / accumulator_max * f64::from(WEIGHT_MAX / input_scale)) as f32;
            raised += 1;
        }
    }
    raised
}

/// A quantized bias.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Int32Bias {
    pub(super) values: Vec<i32>,
    /// Input scale times weight scale, a channel.
    pub(super) scales: Vec<f32>,
    /// Values that did not fit.
    pub(super) unrepresentable: u64,
}

/// The int32 bias with scale `input_scale * weight_scales[c]`. The product with the scale's reciprocal is taken in f32,
/// as the TFLite quantizer does.
pub(super) fn quantize_bias(bias: &[f32], input_scale: f32, weight_scales: &[f32]) -> Int32Bias {
    let scales: Vec<f32> = weight_scales.iter().map(|scale| input_scale * scale).collect();
    let limit = f64::from(i32::MAX);
    let mut unrepresentable = 0;
    let values = bias.iter().zip(&scales).map(|(value, scale)| {
        let exact = f64::from((value * (1.0 / scale)).round());
        unrepresentable += u64::from(!(-limit..=limit).contains(&exact));
        exact.clamp(-limit, limit) as i32
    });
    let values = values.collect();
    Int32Bias { values, scales, unrepresentable }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn weights(values: &[f32], shape: &[i32], axis: usize) -> Int8Weights {
        let channels = Channels::new(shape, axis).unwrap();
        symmetric(values, channels, &magnitudes(values, channels))
    }

    #[test]
    fn each_channel_has_its_own_scale() {
        let conv = weights(&[1.27, -0.5, 0.0, 12.7], &[2, 1, 1, 2], 0);
        assert_eq!(conv.scales, [0.01, 0.1]);
        assert_eq!(conv.data, [127, (-50i8) as u8, 0, 127]);
        let depthwise = weights(&[1.27, 2.54, -0.01, 0.02], &[1, 2, 1, 2], 3);
        assert_eq!(depthwise.scales, [0.01, 0.02]);
        assert_eq!(depthwise.data, [127, 127, 0xff, 1]);
    }

    #[test]
    fn halves_round_away_from_zero() {
        let row = weights(&[127.0, 0.5, -0.5, 1.5, -2.5], &[1, 5], 0);
        assert_eq!(row.data, [127, 1, 0xff, 2, (-3i8) as u8]);
    }

    #[test]
    fn channel_without_weights_takes_the_largest_scale() {
        assert_eq!(weights(&[0.0, 254.0, 127.0], &[3, 1], 0).scales, [2.0, 2.0, 1.0]);
        assert_eq!(weights(&[0.0, 0.0], &[2, 1], 0).scales, [1.0, 1.0]);
        assert_eq!(weights(&[1e-44, 127.0], &[2, 1], 0).data, [0, 127]);
    }

    #[test]
    fn values_that_are_not_finite_are_counted() {
        let row = weights(&[f32::NAN, f32::INFINITY, 1.0], &[1, 3], 0);
        assert_eq!((row.unrepresentable, row.data), (2, vec![0, 127, 127]));
    }

    #[test]
    fn large_bias_raises_its_channel_and_then_fits() {
        let (input_scale, bias) = (0.02, [3000.0, 0.1]);
        let mut raised = [1e-4, 1e-2];
        assert_eq!(guard_bias(&mut raised, &bias, input_scale), 1);
        assert!(raised[0] > 1e-4 && raised[1] == 1e-2);
        let quantized = quantize_bias(&bias, input_scale, &scales(&raised));
        assert_eq!(quantized.unrepresentable, 0);
        assert!((f64::from(quantized.values[0]) / f64::from(i32::MAX) - 0.5).abs() < 1e-3);
    }

    #[test]
    fn axis_outside_the_shape_is_no_channels() {
        assert_eq!(Channels::new(&[2, 3], 2), None);
        assert_eq!(Channels::new(&[0, 3], 0), None);
        assert_eq!(Channels::new(&[2, -1], 0), None);
    }

    proptest! {
        #[test]
        fn weights_stay_in_range_and_within_half_a_step(
            values in prop::collection::vec(-1e4f32..1e4, 12), axis in 0usize..3,
        ) {
            let channels = Channels::new(&[2, 3, 2], axis).unwrap();
            let quantized = weights(&values, &[2, 3, 2], axis);
            for (index, (value, byte)) in values.iter().zip(&quantized.data).enumerate() {
                let stored = f32::from(*byte as i8);
                let scale = quantized.scales[channels.of(index)];
                prop_assert!(stored >= -127.0);
                prop_assert!((stored * scale - value).abs() <= scale * 0.5001, "{value} as {stored} * {scale}");
            }
        }

        #[test]
        fn guarded_bias_never_leaves_int32(
            largest in prop::collection::vec(0.0f32..10.0, 4),
            bias in prop::collection::vec(-1e6f32..1e6, 4),
            input_exponent in -12i32..2,
        ) {
            let input_scale = 2.0f32.powi(input_exponent) * 1.37;
            let mut guarded = largest.clone();
            guard_bias(&mut guarded, &bias, input_scale);
            prop_assert!(guarded.iter().zip(&largest).all(|(after, before)| after >= before));
            let scales = scales(&guarded);
            let quantized = quantize_bias(&bias, input_scale, &scales);
            prop_assert_eq!(quantized.unrepresentable, 0);
            for ((stored, scale), value) in quantized.values.iter().zip(quantized.scales).zip(&bias) {
                let back = f64::from(*stored) * f64::from(scale);
                let step = f64::from(scale);
                prop_assert!((back - f64::from(*value)).abs() <= 0.5 * step + f64::from(value.abs()) * 1e-6);
            }
        }
    }
}
