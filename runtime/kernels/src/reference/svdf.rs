//! SVDF (`reference/svdf.h`): a fully connected layer as `rank` pairs of filters over features and over time. The state has,
//! for every filter, its responses to the last `memory` inputs, oldest first.

use super::hybrid::quantize_row;
use crate::requantize::Multiplier;
use crate::spec::InputQuantization;

/// Input `[batch, features]`, feature weights `[filters, features]`, time weights `[filters, memory]`, state
/// `[batch, filters, memory]`, output `[batch, filters / rank]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SvdfShape {
    /// Rows of the input.
    pub batch: usize,
    /// Elements of an input row.
    pub features: usize,
    /// Filters; a multiple of `rank`.
    pub filters: usize,
    /// Filters that are summed into one output.
    pub rank: usize,
    /// Inputs that the state remembers.
    pub memory: usize,
}

impl SvdfShape {
    /// Elements of an output row.
    pub fn units(&self) -> usize {
        self.filters / self.rank
    }

    /// Multiply-accumulates.
    pub fn macs(&self) -> u64 {
        (self.batch * self.filters) as u64 * (self.features + self.memory) as u64
    }
}

/// Moves every filter's memory one step towards the past; the newest places keep what was next to them.
fn shift<T: Copy>(state: &mut [T]) {
    state.copy_within(1.., 0);
}

/// Feature weights of a float SVDF.
#[derive(Debug, Clone, Copy)]
pub enum FeatureWeights<'a> {
    /// As they are.
    F32(&'a [f32]),
    /// Int8 with their scale; inputs are quantized.
    I8(&'a [i8], f32, InputQuantization),
}

/// Floats, and floats with int8 weights. `activation` is applied to every output, `quantized` has `features` elements for
/// int8 weights and may be empty otherwise.
pub fn svdf_f32(
    shape: &SvdfShape,
    (features, time, bias): (FeatureWeights<'_>, &[f32], &[f32]),
    activation: impl Fn(f32) -> f32,
    input: &[f32],
    (state, quantized): (&mut [f32], &mut [i8]),
    output: &mut [f32],
) {
    shift(state);
    let rows = input.chunks_exact(shape.features).zip(state.chunks_exact_mut(shape.filters * shape.memory));
    for ((row, state), output) in rows.zip(output.chunks_exact_mut(shape.units())) {
        respond(shape, features, row, state, quantized);
        output.copy_from_slice(bias);
        let filters = state.chunks_exact(shape.memory).zip(time.chunks_exact(shape.memory));
        let responses = filters.map(|(memory, time)| dot(memory, time));
        for (index, response) in responses.enumerate() {
            output[index / shape.rank] += response;
        }
        output.iter_mut().for_each(|value| *value = activation(*value));
    }
}

fn dot(left: &[f32], right: &[f32]) -> f32 {
    left.iter().zip(right).fold(0.0, |sum, (a, b)| sum + a * b)
}

/// Writes the filters' responses to one input row into the newest places.
fn respond(
    shape: &SvdfShape,
    features: FeatureWeights<'_>,
    row: &[f32],
    state: &mut [f32],
    quantized: &mut [i8],
) {
    let newest = state.iter_mut().skip(shape.memory - 1).step_by(shape.memory);
    match features {
        FeatureWeights::F32(weights) => {
            let weights = weights.chunks_exact(shape.features);
            newest.zip(weights).for_each(|(place, weights)| *place = dot(row, weights));
        }
        FeatureWeights::I8(weights, scale, input) => {
            let how = quantize_row(row, input, quantized);
            let scale = how.scale * scale;
            for (place, weights) in newest.zip(weights.chunks_exact(shape.features)) {
                let sum = quantized.iter().zip(weights).fold(0i32, |sum, (value, weight)| {
                    sum.wrapping_add((i32::from(*value) - how.zero_point) * i32::from(*weight))
                });
                *place = sum as f32 * scale;
            }
        }
    }
}

/// Constants of an int8 SVDF, whose state and time weights are int16.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SvdfI8 {
    /// Zero point of the input.
    pub input_zero_point: i32,
    /// `scale_in * scale_features / scale_state`.
    pub to_state: Multiplier,
    /// `scale_state * scale_time / scale_out`.
    pub to_output: Multiplier,
    /// Zero point of the output.
    pub output_zero_point: i32,
}

/// On int8: feature weights int8, time weights int16, bias int32.
pub fn svdf_i8(
    constants: &SvdfI8,
    shape: &SvdfShape,
    (features, time, bias): (&[i8], &[i16], &[i32]),
    input: &[i8],
    state: &mut [i16],
    output: &mut [i8],
) {
    shift(state);
    let rows = input.chunks_exact(shape.features).zip(state.chunks_exact_mut(shape.filters * shape.memory));
    for ((row, state), output) in rows.zip(output.chunks_exact_mut(shape.units())) {
        let newest = state.iter_mut().skip(shape.memory - 1).step_by(shape.memory);
        for (place, weights) in newest.zip(features.chunks_exact(shape.features)) {
            let sum = row.iter().zip(weights).fold(0i32, |sum, (value, weight)| {
                sum.wrapping_add((i32::from(*value) - constants.input_zero_point) * i32::from(*weight))
            });
            let scaled = constants.to_state.apply(sum);
            *place = scaled.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16;
        }
        for (unit, (store, bias)) in output.iter_mut().zip(bias).enumerate() {
            let filters = unit * shape.rank..(unit + 1) * shape.rank;
            let part = filters.start * shape.memory..filters.end * shape.memory;
            let sum = state[part.clone()]
                .iter()
                .zip(&time[part])
                .fold(*bias, |sum, (value, weight)| sum.wrapping_add(i32::from(*value) * i32::from(*weight)));
            let scaled = constants.to_output.apply(sum).wrapping_add(constants.output_zero_point);
            *store = scaled.clamp(-128, 127) as i8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: SvdfShape = SvdfShape { batch: 1, features: 2, filters: 2, rank: 2, memory: 2 };

    #[test]
    fn the_state_remembers_the_last_input() {
        let (features, time, bias) = ([1.0, 0.0, 0.0, 1.0], [10.0, 1.0, 0.0, 1.0], [0.5]);
        let mut state = [0.0; 4];
        let mut output = [0.0];
        let mut run = |input: [f32; 2]| {
            let weights = (FeatureWeights::F32(&features), &time[..], &bias[..]);
            svdf_f32(&SHAPE, weights, |value| value, &input, (&mut state, &mut []), &mut output);
            output[0]
        };
        assert_eq!(run([1.0, 2.0]), 3.5);
        // Ten times the first filter's last response comes on top.
        assert_eq!(run([0.0, 0.0]), 10.5);
        assert_eq!(run([0.0, 0.0]), 0.5);
    }

    #[test]
    fn integers_saturate_in_the_state() {
        let one = Multiplier { mantissa: 1 << 30, shift: 1 };
        let constants =
            SvdfI8 { input_zero_point: -128, to_state: one, to_output: one, output_zero_point: 3 };
        let mut state = [0i16; 4];
        let mut output = [0i8];
        let weights = (&[127i8, 127, 1, 0][..], &[0i16, 0, 0, 1][..], &[-250][..]);
        svdf_i8(&constants, &SHAPE, weights, &[127, 127], &mut state, &mut output);
        assert_eq!((state, output), ([0, 32_767, 0, 255], [8]));
    }
}
