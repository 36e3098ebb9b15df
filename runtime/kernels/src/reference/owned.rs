//! Copies of specs, for the reference kernels keep the constants in the file's own order.

use alloc::vec::Vec;

use crate::requantize::Multiplier;
use crate::shape::Clamp;
use crate::spec::{FilterScales, FloatWeights, InputQuantization, OutputStage, RealStage};

/// All weights as float32.
pub(super) fn floats(weights: &FloatWeights<'_>) -> Vec<f32> {
    (0..weights.len()).map(|index| weights.get(index)).collect()
}

/// The bias, zeros where there is none: adding 0 to a float sum changes at most the sign of a zero.
pub(super) fn float_bias(bias: Option<FloatWeights<'_>>, channels: usize) -> Vec<f32> {
    bias.map_or_else(|| alloc::vec![0.0; channels], |bias| floats(&bias))
}

/// The bias, zeros where there is none.
pub(super) fn bias_or_zeros<T: Copy + Default>(bias: Option<&[T]>, channels: usize) -> Vec<T> {
    bias.map_or_else(|| alloc::vec![T::default(); channels], <[T]>::to_vec)
}

/// An [`OutputStage`] that owns its multipliers.
pub(super) struct Output {
    multipliers: Vec<Multiplier>,
    zero_point: i32,
    activation: Clamp<i8>,
}

impl Output {
    pub(super) fn of(stage: &OutputStage<'_>) -> Self {
        Self {
            multipliers: stage.multipliers.to_vec(),
            zero_point: stage.zero_point,
            activation: stage.activation,
        }
    }
}

impl Stage for Output {
    fn store(&self, sum: i32, channel: usize) -> i8 {
        self.activation.apply(self.multipliers[channel].apply(sum).wrapping_add(self.zero_point))
    }

    fn bytes(&self) -> usize {
        size_of_val(&self.multipliers[..])
    }
}

/// A [`RealStage`] that owns its factors.
pub(super) struct RealOutput {
    factors: Vec<f64>,
    zero_point: i32,
    activation: Clamp<i8>,
}

impl RealOutput {
    pub(super) fn of(stage: &RealStage<'_>) -> Self {
        Self { factors: stage.factors.to_vec(), zero_point: stage.zero_point, activation: stage.activation }
    }
}

impl Stage for RealOutput {
    fn store(&self, sum: i32, channel: usize) -> i8 {
        let scaled = libm::round(f64::from(sum) * self.factors[channel]) as i32;
        self.activation.apply(scaled.saturating_add(self.zero_point))
    }

    fn bytes(&self) -> usize {
        size_of_val(&self.factors[..])
    }
}

/// From a sum to what is stored.
pub(super) trait Stage: Send + Sync {
    /// The stored value for a sum of channel `channel`.
    fn store(&self, sum: i32, channel: usize) -> i8;

    /// Bytes of its constants.
    fn bytes(&self) -> usize;
}

/// A hybrid kernel's constants.
pub(super) struct Hybrid {
    pub(super) filter: Vec<i8>,
    pub(super) scales: Vec<f32>,
    pub(super) per_channel: bool,
    pub(super) bias: Vec<f32>,
    pub(super) input: InputQuantization,
    pub(super) activation: Clamp<f32>,
}

impl Hybrid {
    pub(super) fn new(
        filter: &[i8],
        scales: &FilterScales<'_>,
        bias: Option<&[f32]>,
        input: InputQuantization,
        activation: Clamp<f32>,
        channels: usize,
    ) -> Self {
        Self {
            filter: filter.to_vec(),
            scales: (0..channels).map(|channel| scales.get(channel)).collect(),
            per_channel: matches!(scales, FilterScales::PerChannel(_)),
            bias: bias_or_zeros(bias, channels),
            input,
            activation,
        }
    }

    pub(super) fn bytes(&self) -> usize {
        size_of_val(&self.filter[..]) + size_of_val(&self.scales[..]) + size_of_val(&self.bias[..])
    }
}
