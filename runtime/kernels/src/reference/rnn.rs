//! UNIDIRECTIONAL_SEQUENCE_RNN (`kernel_utils.cc`, `RnnBatchStep`): one step of one row of the batch.

use alloc::vec::Vec;

use super::lstm::{Matrix, Vector};
use crate::spec::InputQuantization;

/// A layer whose state is its output.
#[derive(Debug, Clone)]
pub struct Rnn {
    /// `[units, inputs]`.
    pub input: Matrix,
    /// `[units, units]`.
    pub recurrent: Matrix,
    /// `[units]`.
    pub bias: Vec<f32>,
    /// Activation of the sums.
    pub activation: fn(f32) -> f32,
    /// How rows are quantized for int8 weights.
    pub quantization: InputQuantization,
}

impl Rnn {
    /// One step: the state `[units]` is updated and is the output. `sums` has as many elements, `bytes` as many as input
    /// and state together; both are scratch.
    pub fn step(&self, input: &[f32], state: &mut [f32], sums: &mut [f32], bytes: &mut [i8]) {
        let (input_bytes, state_bytes) = bytes.split_at_mut(input.len());
        sums.copy_from_slice(&self.bias);
        self.input.accumulate(Vector::of(&self.input, input, self.quantization, input_bytes), sums);
        self.recurrent.accumulate(Vector::of(&self.input, state, self.quantization, state_bytes), sums);
        state.iter_mut().zip(&*sums).for_each(|(store, sum)| *store = (self.activation)(*sum));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn the_last_output_comes_back() {
        let rnn = Rnn {
            input: Matrix::F32(vec![1.0, 2.0]),
            recurrent: Matrix::F32(vec![10.0]),
            bias: vec![0.5],
            activation: |x| x,
            quantization: InputQuantization::Symmetric,
        };
        let mut state = [0.0];
        for expected in [3.5, 38.5] {
            rnn.step(&[1.0, 1.0], &mut state, &mut [0.0], &mut [0; 3]);
            assert_eq!(state, [expected]);
        }
    }
}
