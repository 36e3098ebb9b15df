//! FULLY_CONNECTED on floats with 4-bit weights that have a scale for each block of a row. The input is quantized row by row,
//! with a zero point, as XNNPACK's `qd8_f32_qb4w` has it; sums of a block are integers, all else is float.

use alloc::vec::Vec;

use super::hybrid::quantize_row;
use crate::shape::{Clamp, FullyConnectedShape};
use crate::spec::InputQuantization;

/// A layer with its weights.
#[derive(Debug, Clone)]
pub struct Blockwise {
    /// Sizes.
    pub shape: FullyConnectedShape,
    /// `[out_features, in_features]`, each from -8 to 7.
    pub filter: Vec<i8>,
    /// Elements of a row that share a scale; divides `in_features`.
    pub block: usize,
    /// `[out_features, in_features / block]`.
    pub scales: Vec<f32>,
    /// `[out_features]`.
    pub bias: Vec<f32>,
    /// Fused activation.
    pub activation: Clamp<f32>,
}

impl Blockwise {
    /// `input` is `[batch, in_features]`, `output` `[batch, out_features]`; `quantized` is scratch for one row.
    pub fn run(&self, input: &[f32], quantized: &mut [i8], output: &mut [f32]) {
        let FullyConnectedShape { in_features, out_features, .. } = self.shape;
        let rows = input.chunks_exact(in_features).zip(output.chunks_exact_mut(out_features));
        for (values, stores) in rows {
            let row = quantize_row(values, InputQuantization::Asymmetric, quantized);
            let filters = self.filter.chunks_exact(in_features);
            let scales = self.scales.chunks_exact(in_features / self.block);
            for (((store, weights), scales), bias) in
                stores.iter_mut().zip(filters).zip(scales).zip(&self.bias)
            {
                let blocks = quantized.chunks_exact(self.block).zip(weights.chunks_exact(self.block));
                let sum = blocks.zip(scales).fold(0.0, |sum: f32, ((values, weights), scale)| {
                    sum + products(values, weights, row.zero_point) as f32 * scale
                });
                *store = self.activation.apply(sum * row.scale + bias);
            }
        }
    }
}

fn products(values: &[i8], weights: &[i8], zero_point: i32) -> i32 {
    let products = values.iter().zip(weights);
    let product = |(value, weight): (&i8, &i8)| (i32::from(*value) - zero_point) * i32::from(*weight);
    products.map(product).fold(0, i32::wrapping_add)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn each_block_has_its_scale() {
        let layer = Blockwise {
            shape: FullyConnectedShape { batch: 1, in_features: 4, out_features: 1 },
            filter: vec![1, 2, 1, -8],
            block: 2,
            scales: vec![1.0, 0.5],
            bias: vec![0.25],
            activation: Clamp { min: f32::MIN, max: f32::MAX },
        };
        let mut output = [0.0];
        // A range of 255 steps of 1.
        layer.run(&[-128.0, 127.0, 3.0, 1.0], &mut [0; 4], &mut output);
        assert_eq!(output, [126.0 + 0.5 * (3.0 - 8.0) + 0.25]);
    }
}
