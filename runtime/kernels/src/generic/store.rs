//! From sums to outputs: bias, requantization or scale, activation. Constants are one an output channel, and go on for
//! [`MAX_LANES`] past the last channel, so that a store may read a whole vector of them.

use alloc::vec::Vec;

use crate::isa::Isa;
use crate::reference::hybrid::RowQuantization;
use crate::requantize::{FRACTION_BITS, RealLanes, RequantizeLanes, RescaleLanes, in_floats};
use crate::round::round_clamped_f64;
use crate::rows::Rows;
use crate::shape::Clamp;
use crate::spec::{FilterScales, FloatWeights, OutputStage, RealStage};

/// No tile has more lanes than this.
pub(super) const MAX_LANES: usize = 64;

/// What is done with the sums of `L` neighbouring output channels of one pixel.
pub(crate) trait Store<Sum: Copy>: Send + Sync {
    /// Element of the output.
    type Output: Copy;

    /// The outputs of channels `channel..channel + L`. Lanes past the last channel mean nothing.
    fn outputs<I: Isa, const L: usize>(&self, isa: I, channel: usize, sums: &[Sum; L]) -> [Self::Output; L];

    /// [`outputs`](Store::outputs) of `M` pixels at once, so that constants are read once.
    #[inline(always)]
    fn outputs_of_rows<I: Isa, const M: usize, const L: usize>(
        &self,
        isa: I,
        channel: usize,
        sums: &[&[Sum; L]; M],
    ) -> [[Self::Output; L]; M] {
        let mut outputs = [self.outputs(isa, channel, sums[0]); M];
        for m in 1..M {
            outputs[m] = self.outputs(isa, channel, sums[m]);
        }
        outputs
    }

    /// [`outputs_of_rows`](Store::outputs_of_rows), straight to where they belong.
    #[inline(always)]
    fn keep<I: Isa, const M: usize, const L: usize>(
        &self,
        isa: I,
        channel: usize,
        sums: &[&[Sum; L]; M],
        mut rows: Rows<'_, Self::Output>,
    ) {
        let outputs = self.outputs_of_rows(isa, channel, sums);
        for (m, outputs) in outputs.iter().enumerate() {
            rows.put(m, outputs);
        }
    }

    /// Bytes of its constants; 0 if it does not own them.
    fn bytes(&self) -> usize;
}

/// `values`, and then from the first on again: enough for a vector to start at the last one, and for a vector that spans
/// several pixels of few channels.
pub(super) fn padded<T: Copy>(values: impl ExactSizeIterator<Item = T>) -> Vec<T> {
    let count = values.len();
    let mut padded: Vec<T> = values.collect();
    padded.extend_from_within(..count.min(MAX_LANES));
    while count > 0 && padded.len() < count + MAX_LANES {
        padded.push(padded[padded.len() - count]);
    }
    padded
}

#[inline(always)]
pub(super) fn lanes<T, const L: usize>(values: &[T], first: usize) -> &[T; L] {
    let (chunks, _) = values[first..first + L].as_chunks::<L>();
    &chunks[0]
}

/// Bias and activation of a float kernel.
pub(super) struct FloatStore {
    bias: Vec<f32>,
    activation: Clamp<f32>,
}

impl FloatStore {
    pub(super) fn new(channels: usize, bias: Option<FloatWeights<'_>>, activation: Clamp<f32>) -> Self {
        let bias = padded((0..channels).map(|channel| bias.map_or(0.0, |bias| bias.get(channel))));
        Self { bias, activation }
    }
}

impl Store<f32> for FloatStore {
    type Output = f32;

    #[inline(always)]
    fn outputs<I: Isa, const L: usize>(&self, _isa: I, channel: usize, sums: &[f32; L]) -> [f32; L] {
        let bias: &[f32; L] = lanes(&self.bias, channel);
        let mut outputs = [0.0; L];
        for l in 0..L {
            outputs[l] = self.activation.apply(sums[l] + bias[l]);
        }
        outputs
    }

    fn bytes(&self) -> usize {
        size_of_val(&self.bias[..])
    }
}

/// Bias, requantization and activation of an int8 kernel: [`RequantizeLanes`] for all channels.
pub(crate) struct RequantizeStore {
    bias: Vec<i32>,
    mantissa: Vec<i32>,
    left: Vec<i32>,
    right: Vec<i32>,
    zero_point: i32,
    activation: Clamp<i8>,
    shifts_right: bool,
    real: Option<Real>,
}

/// [`RealLanes`] for all channels.
struct Real {
    scale: Vec<f32>,
    positive: Vec<f32>,
    negative: Vec<f32>,
}

impl Real {
    /// None where a factor is beyond what floats can do.
    fn new(stage: &OutputStage<'_>) -> Option<Self> {
        let constants = stage.multipliers.iter().map(|factor| in_floats(*factor, stage.zero_point));
        let constants: Vec<_> = constants.collect::<Option<_>>()?;
        let of = |part: fn(&(f32, f32, f32)) -> f32| padded(constants.iter().map(part));
        Some(Self { scale: of(|all| all.0), positive: of(|all| all.1), negative: of(|all| all.2) })
    }

    fn bytes(&self) -> usize {
        3 * size_of_val(&self.scale[..])
    }
}

impl RequantizeStore {
    /// `correction(channel)` is added to the bias.
    pub(crate) fn new(
        channels: usize,
        bias: Option<&[i32]>,
        stage: &OutputStage<'_>,
        correction: impl Fn(usize) -> i32,
    ) -> Self {
        assert_eq!(stage.multipliers.len(), channels);
        let multipliers = || stage.multipliers.iter();
        Self {
            bias: corrected(channels, bias, correction),
            mantissa: padded(multipliers().map(|multiplier| multiplier.mantissa)),
            left: padded(multipliers().map(|multiplier| multiplier.shift.clamp(0, 31))),
            right: padded(multipliers().map(|multiplier| (-multiplier.shift).clamp(0, 31))),
            zero_point: stage.zero_point,
            activation: stage.activation,
            shifts_right: multipliers().all(|multiplier| (-20..=-1).contains(&multiplier.shift)),
            real: Real::new(stage),
        }
    }

    /// The constants of channels `channel..channel + L`.
    #[inline(always)]
    fn lanes<const L: usize>(&self, channel: usize) -> RequantizeLanes<'_, L> {
        RequantizeLanes {
            bias: lanes(&self.bias, channel),
            mantissa: lanes(&self.mantissa, channel),
            left: lanes(&self.left, channel),
            right: lanes(&self.right, channel),
            zero_point: self.zero_point,
            activation: self.activation,
            shifts_right: self.shifts_right,
            real: self.real.as_ref().map(|real| RealLanes {
                scale: lanes(&real.scale, channel),
                positive: lanes(&real.positive, channel),
                negative: lanes(&real.negative, channel),
                limit: (f32::from(self.activation.max) + 0.5) * (1 << FRACTION_BITS) as f32,
                one_sided: i32::from(self.activation.min) >= self.zero_point,
            }),
        }
    }
}

impl Store<i32> for RequantizeStore {
    type Output = i8;

    #[inline(always)]
    fn outputs<I: Isa, const L: usize>(&self, isa: I, channel: usize, sums: &[i32; L]) -> [i8; L] {
        isa.requantize(&self.lanes(channel), sums)
    }

    #[inline(always)]
    fn outputs_of_rows<I: Isa, const M: usize, const L: usize>(
        &self,
        isa: I,
        channel: usize,
        sums: &[&[i32; L]; M],
    ) -> [[i8; L]; M] {
        isa.requantize_rows(&self.lanes(channel), sums)
    }

    #[inline(always)]
    fn keep<I: Isa, const M: usize, const L: usize>(
        &self,
        isa: I,
        channel: usize,
        sums: &[&[i32; L]; M],
        rows: Rows<'_, i8>,
    ) {
        isa.requantize_to(&self.lanes(channel), sums, rows);
    }

    fn bytes(&self) -> usize {
        4 * size_of_val(&self.bias[..]) + self.real.as_ref().map_or(0, Real::bytes)
    }
}

/// Bias, one product in double precision and activation of an int8 kernel ([`RealStage`]).
pub(crate) struct RealStore {
    bias: Vec<i32>,
    factors: Vec<f64>,
    zero_point: i32,
    activation: Clamp<i8>,
}

impl RealStore {
    /// `correction(channel)` is added to the bias.
    pub(crate) fn new(
        channels: usize,
        bias: Option<&[i32]>,
        stage: &RealStage<'_>,
        correction: impl Fn(usize) -> i32,
    ) -> Self {
        assert_eq!(stage.factors.len(), channels);
        Self {
            bias: corrected(channels, bias, correction),
            factors: padded(stage.factors.iter().copied()),
            zero_point: stage.zero_point,
            activation: stage.activation,
        }
    }
}

impl Store<i32> for RealStore {
    type Output = i8;

    #[inline(always)]
    fn outputs<I: Isa, const L: usize>(&self, _isa: I, channel: usize, sums: &[i32; L]) -> [i8; L] {
        let bias: &[i32; L] = lanes(&self.bias, channel);
        let factors: &[f64; L] = lanes(&self.factors, channel);
        // Clamped before the zero point is added, which is the same and cannot overflow.
        let least = i32::from(self.activation.min) - self.zero_point;
        let greatest = i32::from(self.activation.max) - self.zero_point;
        let mut outputs = [0; L];
        for l in 0..L {
            let real = f64::from(sums[l].wrapping_add(bias[l])) * factors[l];
            outputs[l] = (round_clamped_f64(real, least, greatest) + self.zero_point) as i8;
        }
        outputs
    }

    fn bytes(&self) -> usize {
        size_of_val(&self.bias[..]) + size_of_val(&self.factors[..])
    }
}

/// The bias with what else is added to the sums, padded.
fn corrected(channels: usize, bias: Option<&[i32]>, correction: impl Fn(usize) -> i32) -> Vec<i32> {
    padded(
        (0..channels).map(|channel| bias.map_or(0, |bias| bias[channel]).wrapping_add(correction(channel))),
    )
}

/// Scales, bias and activation of a hybrid kernel.
pub(super) struct HybridConstants {
    /// Sums of each channel's weights: what a step of the input's zero point is worth.
    weight_sums: Vec<i32>,
    scales: Vec<f32>,
    bias: Vec<f32>,
    activation: Clamp<f32>,
    /// Whether the filter's scale comes into the product before the input's (CONV_2D, scale per channel).
    filter_first: bool,
}

impl HybridConstants {
    pub(super) fn new(
        channels: usize,
        scales: &FilterScales<'_>,
        bias: Option<&[f32]>,
        activation: Clamp<f32>,
        filter_first: bool,
        weight_sum: impl Fn(usize) -> i32,
    ) -> Self {
        Self {
            weight_sums: padded((0..channels).map(weight_sum)),
            scales: padded((0..channels).map(|channel| scales.get(channel))),
            bias: padded((0..channels).map(|channel| bias.map_or(0.0, |bias| bias[channel]))),
            activation,
            filter_first,
        }
    }

    /// The store for an image or row that was quantized like this. `offset` is what the tile adds to inputs.
    pub(super) fn store(&self, how: RowQuantization, offset: i32) -> HybridStore<'_> {
        HybridStore { constants: self, scale: how.scale, shift: how.zero_point + offset }
    }

    pub(super) fn bytes(&self) -> usize {
        3 * size_of_val(&self.bias[..])
    }
}

/// [`HybridConstants`] for one image or row.
pub(super) struct HybridStore<'a> {
    constants: &'a HybridConstants,
    /// Scale of the quantized input.
    scale: f32,
    /// What the tile's inputs are too large by.
    shift: i32,
}

impl HybridStore<'_> {
    /// The constants of channels `channel..channel + L`.
    #[inline(always)]
    fn lanes<const L: usize>(&self, channel: usize) -> RescaleLanes<'_, L> {
        let constants = self.constants;
        RescaleLanes {
            weight_sums: lanes(&constants.weight_sums, channel),
            shift: self.shift,
            scales: lanes(&constants.scales, channel),
            scale: self.scale,
            filter_first: constants.filter_first,
            bias: lanes(&constants.bias, channel),
            activation: constants.activation,
        }
    }
}

impl Store<i32> for HybridStore<'_> {
    type Output = f32;

    #[inline(always)]
    fn outputs<I: Isa, const L: usize>(&self, isa: I, channel: usize, sums: &[i32; L]) -> [f32; L] {
        let [outputs] = isa.rescale_rows(&self.lanes(channel), &[sums]);
        outputs
    }

    #[inline(always)]
    fn outputs_of_rows<I: Isa, const M: usize, const L: usize>(
        &self,
        isa: I,
        channel: usize,
        sums: &[&[i32; L]; M],
    ) -> [[f32; L]; M] {
        isa.rescale_rows(&self.lanes(channel), sums)
    }

    fn bytes(&self) -> usize {
        0
    }
}
