//! FULLY_CONNECTED: `reference_ops::FullyConnected`, `reference_integer_ops::FullyConnectedPerChannel` with and
//! without scales, and
//! `EvalHybrid` of `fully_connected.cc`.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::Range;

use super::hybrid::quantize_row;
use super::owned::{Hybrid, Output, RealOutput, Stage, bias_or_zeros, float_bias, floats};
use crate::packed::Packed;
use crate::shape::{Clamp, FullyConnectedShape};
use crate::spec::{FullyConnectedF32, FullyConnectedHybrid, FullyConnectedI8, FullyConnectedRealI8};

/// Keeps the constants as they are.
pub fn pack_f32(spec: &FullyConnectedF32<'_>) -> Box<dyn Packed<f32, f32>> {
    assert_eq!(spec.filter.len(), spec.shape.in_features * spec.shape.out_features);
    Box::new(F32 {
        shape: spec.shape,
        filter: floats(&spec.filter),
        bias: float_bias(spec.bias, spec.shape.out_features),
        activation: spec.activation,
    })
}

/// Keeps the constants as they are.
pub fn pack_i8(spec: &FullyConnectedI8<'_>) -> Box<dyn Packed<i8, i8>> {
    assert_eq!(spec.filter.len(), spec.shape.in_features * spec.shape.out_features);
    Box::new(I8 {
        shape: spec.shape,
        filter: spec.filter.to_vec(),
        bias: bias_or_zeros(spec.bias, spec.shape.out_features),
        input_zero_point: spec.input_zero_point,
        output: Output::of(&spec.output),
    })
}

/// Keeps the constants as they are.
pub fn pack_real_i8(spec: &FullyConnectedRealI8<'_>) -> Box<dyn Packed<i8, i8>> {
    assert_eq!(spec.filter.len(), spec.shape.in_features * spec.shape.out_features);
    assert_eq!(spec.output.factors.len(), spec.shape.out_features);
    Box::new(I8 {
        shape: spec.shape,
        filter: spec.filter.to_vec(),
        bias: bias_or_zeros(spec.bias, spec.shape.out_features),
        input_zero_point: spec.input_zero_point,
        output: RealOutput::of(&spec.output),
    })
}

/// Keeps the constants as they are.
pub fn pack_hybrid(spec: &FullyConnectedHybrid<'_>) -> Box<dyn Packed<f32, f32>> {
    assert_eq!(spec.filter.len(), spec.shape.in_features * spec.shape.out_features);
    let FullyConnectedHybrid { shape, filter, filter_scales, bias, input, activation } = spec;
    Box::new(HybridFullyConnected {
        shape: *shape,
        constants: Hybrid::new(filter, filter_scales, *bias, *input, *activation, shape.out_features),
    })
}

/// Input row `row`.
fn input_row<'a, T>(shape: &FullyConnectedShape, input: &'a [T], row: usize) -> &'a [T] {
    &input[row * shape.in_features..][..shape.in_features]
}

/// Weights of output feature `feature`.
fn weights<'a, T>(shape: &FullyConnectedShape, filter: &'a [T], feature: usize) -> &'a [T] {
    &filter[feature * shape.in_features..][..shape.in_features]
}

fn int_sum(inputs: &[i8], zero_point: i32, weights: &[i8]) -> i32 {
    inputs.iter().zip(weights).fold(0i32, |sum, (&value, &weight)| {
        sum.wrapping_add((i32::from(value) - zero_point) * i32::from(weight))
    })
}

struct F32 {
    shape: FullyConnectedShape,
    filter: Vec<f32>,
    bias: Vec<f32>,
    activation: Clamp<f32>,
}

impl Packed<f32, f32> for F32 {
    fn rows(&self) -> usize {
        self.shape.batch
    }

    fn row_len(&self) -> usize {
        self.shape.out_features
    }

    fn packed_bytes(&self) -> usize {
        size_of_val(&self.filter[..]) + size_of_val(&self.bias[..])
    }

    fn scratch_bytes(&self) -> usize {
        0
    }

    fn run(&self, input: &[f32], rows: Range<usize>, _scratch: &mut [u8], output: &mut [f32]) {
        assert_eq!(output.len(), rows.len() * self.shape.out_features);
        for (index, store) in output.iter_mut().enumerate() {
            let feature = index % self.shape.out_features;
            let inputs = input_row(&self.shape, input, rows.start + index / self.shape.out_features);
            let weights = weights(&self.shape, &self.filter, feature);
            let sum = inputs.iter().zip(weights).fold(0.0, |sum, (value, weight)| sum + value * weight);
            *store = self.activation.apply(sum + self.bias[feature]);
        }
    }
}

struct I8<S> {
    shape: FullyConnectedShape,
    filter: Vec<i8>,
    bias: Vec<i32>,
    input_zero_point: i32,
    output: S,
}

impl<S: Stage> Packed<i8, i8> for I8<S> {
    fn rows(&self) -> usize {
        self.shape.batch
    }

    fn row_len(&self) -> usize {
        self.shape.out_features
    }

    fn packed_bytes(&self) -> usize {
        self.filter.len() + size_of_val(&self.bias[..]) + self.output.bytes()
    }

    fn scratch_bytes(&self) -> usize {
        0
    }

    fn run(&self, input: &[i8], rows: Range<usize>, _scratch: &mut [u8], output: &mut [i8]) {
        assert_eq!(output.len(), rows.len() * self.shape.out_features);
        for (index, store) in output.iter_mut().enumerate() {
            let feature = index % self.shape.out_features;
            let inputs = input_row(&self.shape, input, rows.start + index / self.shape.out_features);
            let sum = int_sum(inputs, self.input_zero_point, weights(&self.shape, &self.filter, feature));
            *store = self.output.store(sum.wrapping_add(self.bias[feature]), feature);
        }
    }
}

struct HybridFullyConnected {
    shape: FullyConnectedShape,
    constants: Hybrid,
}

impl Packed<f32, f32> for HybridFullyConnected {
    fn rows(&self) -> usize {
        self.shape.batch
    }

    fn row_len(&self) -> usize {
        self.shape.out_features
    }

    fn packed_bytes(&self) -> usize {
        self.constants.bytes()
    }

    fn scratch_bytes(&self) -> usize {
        self.shape.in_features
    }

    fn run(&self, input: &[f32], rows: Range<usize>, scratch: &mut [u8], output: &mut [f32]) {
        let (shape, constants) = (&self.shape, &self.constants);
        assert_eq!(output.len(), rows.len() * shape.out_features);
        let quantized: &mut [i8] = bytemuck::cast_slice_mut(&mut scratch[..shape.in_features]);
        for (row, output) in rows.zip(output.chunks_exact_mut(shape.out_features.max(1))) {
            let how = quantize_row(input_row(shape, input, row), constants.input, quantized);
            for (feature, store) in output.iter_mut().enumerate() {
                let sum = int_sum(quantized, how.zero_point, weights(shape, &constants.filter, feature));
                let scaled = sum as f32 * (constants.scales[feature] * how.scale);
                *store = constants.activation.apply(scaled + constants.bias[feature]);
            }
        }
    }
}
