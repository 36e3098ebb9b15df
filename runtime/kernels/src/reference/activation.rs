//! RELU, RELU6, RELU_N1_TO_1: floats are clamped; quantized values are rescaled and clamped
//! (`reference_ops::ReluX` of `activations.cc`).

use super::quantize::Requantize;
use crate::shape::Clamp;

/// Clamps every element. `input` and `output` have the same length.
pub fn clamp_f32(range: Clamp<f32>, input: &[f32], output: &mut [f32]) {
    assert_eq!(input.len(), output.len());
    for (store, &value) in output.iter_mut().zip(input) {
        *store = range.apply(value);
    }
}

/// Rescales every element and clamps it to `range`, which is in the output's units.
pub fn clamp_i8(rescale: &Requantize, range: Clamp<i8>, input: &[i8], output: &mut [i8]) {
    assert_eq!(input.len(), output.len());
    for (store, &value) in output.iter_mut().zip(input) {
        *store = range.apply(rescale.apply(i32::from(value)));
    }
}
