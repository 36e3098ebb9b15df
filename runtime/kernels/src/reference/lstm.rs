//! LSTM and UNIDIRECTIONAL_SEQUENCE_LSTM on floats, and on floats with int8 weights (`lstm_eval.cc`): one step of one row of
//! the batch. Rows do not see each other.

use alloc::vec::Vec;

use super::hybrid::{RowQuantization, quantize_row};
use crate::spec::InputQuantization;

/// `[rows, columns]` weights.
#[derive(Debug, Clone)]
pub enum Matrix {
    /// Floats.
    F32(Vec<f32>),
    /// Int8 with zero point 0 and one scale.
    I8(Vec<i8>, f32),
}

/// A row of activations, as it is and, where there are int8 weights, quantized.
#[derive(Debug, Clone, Copy)]
pub(super) struct Vector<'a> {
    real: &'a [f32],
    quantized: &'a [i8],
    how: RowQuantization,
}

impl<'a> Vector<'a> {
    /// Quantizes a row where weights like `weights` are int8; `quantized` has as many elements.
    pub(super) fn of(
        weights: &Matrix,
        real: &'a [f32],
        quantization: InputQuantization,
        quantized: &'a mut [i8],
    ) -> Self {
        let how = match weights {
            Matrix::F32(_) => RowQuantization { scale: 1.0, zero_point: 0 },
            Matrix::I8(..) => quantize_row(real, quantization, quantized),
        };
        Self { real, quantized, how }
    }
}

impl Matrix {
    /// Adds the product with `vector` to `sums`.
    pub(super) fn accumulate(&self, vector: Vector<'_>, sums: &mut [f32]) {
        let columns = vector.real.len();
        match self {
            Self::F32(weights) => {
                for (sum, weights) in sums.iter_mut().zip(weights.chunks_exact(columns)) {
                    *sum += vector.real.iter().zip(weights).fold(0.0, |sum, (a, b)| sum + a * b);
                }
            }
            Self::I8(weights, scale) => {
                let scale = scale * vector.how.scale;
                for (sum, weights) in sums.iter_mut().zip(weights.chunks_exact(columns)) {
                    let products = vector.quantized.iter().zip(weights);
                    let product = products.fold(0i32, |sum, (value, weight)| {
                        sum.wrapping_add((i32::from(*value) - vector.how.zero_point) * i32::from(*weight))
                    });
                    *sum += product as f32 * scale;
                }
            }
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::F32(weights) => size_of_val(&weights[..]),
            Self::I8(weights, _) => weights.len(),
        }
    }
}

/// One gate. Vectors have an element a cell.
#[derive(Debug, Clone)]
pub struct Gate {
    /// `[cells, inputs]`.
    pub input: Matrix,
    /// `[cells, outputs]`.
    pub recurrent: Matrix,
    /// Weights of the cell state.
    pub peephole: Option<Vec<f32>>,
    /// Coefficients of layer normalization.
    pub norm: Option<Vec<f32>>,
    /// Added to the sums, or after normalization.
    pub bias: Vec<f32>,
}

/// From cells to outputs.
#[derive(Debug, Clone)]
pub struct Projection {
    /// `[outputs, cells]`.
    pub weights: Matrix,
    /// `[outputs]`.
    pub bias: Vec<f32>,
}

/// A layer.
#[derive(Debug, Clone)]
pub struct Lstm {
    /// Elements of an input row.
    pub inputs: usize,
    /// Cells.
    pub cells: usize,
    /// Elements of an output row; as many as cells without a projection.
    pub outputs: usize,
    /// None: one minus the forget gate (CIFG).
    pub input_gate: Option<Gate>,
    /// What stays of the cell state.
    pub forget_gate: Gate,
    /// What comes to the cell state.
    pub cell_gate: Gate,
    /// What is seen of the cell state.
    pub output_gate: Gate,
    /// Makes outputs smaller than cells.
    pub projection: Option<Projection>,
    /// Activation of the cell gate and of the cell state.
    pub activation: fn(f32) -> f32,
    /// Limit of the cell state; 0 for none.
    pub cell_clip: f32,
    /// Limit of the projection; 0 for none.
    pub projection_clip: f32,
    /// How rows are quantized for int8 weights.
    pub quantization: InputQuantization,
}

/// `1 / (1 + e^-x)`.
pub fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + libm::expf(-x))
}

impl Lstm {
    /// Multiply-accumulates of one step of one row.
    pub fn macs(&self) -> u64 {
        let gates = 3 + u64::from(self.input_gate.is_some());
        let projection = if self.projection.is_some() { self.cells * self.outputs } else { 0 };
        gates * (self.cells * (self.inputs + self.outputs)) as u64 + projection as u64
    }

    /// Bytes of the weights.
    pub fn bytes(&self) -> usize {
        let gates = self.input_gate.iter().chain([&self.forget_gate, &self.cell_gate, &self.output_gate]);
        let projection = self.projection.as_ref().map_or(0, |projection| projection.weights.bytes());
        gates.map(|gate| gate.input.bytes() + gate.recurrent.bytes()).sum::<usize>() + projection
    }

    /// Floats that a step needs as scratch.
    pub fn scratch_floats(&self) -> usize {
        4 * self.cells
    }

    /// Int8 elements that a step needs as scratch.
    pub fn scratch_bytes(&self) -> usize {
        self.inputs + self.outputs + self.cells
    }

    /// One step: input `[inputs]`, output state `[outputs]` and cell state `[cells]` are updated, the output state is the
    /// output. `floats` and `bytes` are scratch.
    pub fn step(
        &self,
        input: &[f32],
        (output_state, cell_state): (&mut [f32], &mut [f32]),
        floats: &mut [f32],
        bytes: &mut [i8],
    ) {
        let (input_bytes, rest) = bytes.split_at_mut(self.inputs);
        let (state_bytes, cell_bytes) = rest.split_at_mut(self.outputs);
        let (forget, rest) = floats.split_at_mut(self.cells);
        let (cell, rest) = rest.split_at_mut(self.cells);
        let (other, hidden) = rest.split_at_mut(self.cells);
        let hidden = &mut hidden[..self.cells];
        {
            let input = self.vector(input, input_bytes);
            let state = self.vector(output_state, state_bytes);
            self.gate(&self.forget_gate, sigmoid, (input, state, cell_state), forget);
            self.gate(&self.cell_gate, self.activation, (input, state, cell_state), cell);
            match &self.input_gate {
                Some(gate) => self.gate(gate, sigmoid, (input, state, cell_state), other),
                None => other.iter_mut().zip(&*forget).for_each(|(gate, forget)| *gate = 1.0 - forget),
            }
            for (index, value) in cell_state.iter_mut().enumerate() {
                *value = clip(forget[index] * *value + cell[index] * other[index], self.cell_clip);
            }
            self.gate(&self.output_gate, sigmoid, (input, state, cell_state), other);
        }
        for ((hidden, gate), value) in hidden.iter_mut().zip(&*other).zip(&*cell_state) {
            *hidden = gate * (self.activation)(*value);
        }
        match &self.projection {
            None => output_state.copy_from_slice(hidden),
            Some(projection) => {
                output_state.copy_from_slice(&projection.bias);
                projection.weights.accumulate(self.vector(hidden, cell_bytes), output_state);
                output_state.iter_mut().for_each(|value| *value = clip(*value, self.projection_clip));
            }
        }
    }

    /// Quantizes a row where weights are int8.
    fn vector<'a>(&self, real: &'a [f32], quantized: &'a mut [i8]) -> Vector<'a> {
        Vector::of(&self.forget_gate.input, real, self.quantization, quantized)
    }

    fn gate(
        &self,
        gate: &Gate,
        activation: fn(f32) -> f32,
        (input, state, cell_state): (Vector<'_>, Vector<'_>, &[f32]),
        sums: &mut [f32],
    ) {
        match gate.norm {
            None => sums.copy_from_slice(&gate.bias),
            Some(_) => sums.fill(0.0),
        }
        gate.input.accumulate(input, sums);
        gate.recurrent.accumulate(state, sums);
        if let Some(weights) = &gate.peephole {
            for ((sum, weight), value) in sums.iter_mut().zip(weights).zip(cell_state) {
                *sum += weight * value;
            }
        }
        if let Some(coefficients) = &gate.norm {
            normalize(sums);
            for ((sum, coefficient), bias) in sums.iter_mut().zip(coefficients).zip(&gate.bias) {
                *sum = *sum * coefficient + bias;
            }
        }
        sums.iter_mut().for_each(|sum| *sum = activation(*sum));
    }
}

/// Takes off the mean and divides by the standard deviation.
fn normalize(values: &mut [f32]) {
    /// Keeps equal values from a division by zero (`MeanStddevNormalization`).
    const LEAST_VARIANCE: f32 = 1e-8;
    let count = values.len() as f32;
    let mean = values.iter().sum::<f32>() / count;
    let squares = values.iter().fold(0.0, |sum, value| sum + (value - mean) * (value - mean));
    let inverse = 1.0 / libm::sqrtf(squares / count + LEAST_VARIANCE);
    values.iter_mut().for_each(|value| *value = (*value - mean) * inverse);
}

fn clip(value: f32, limit: f32) -> f32 {
    if limit > 0.0 { value.min(limit).max(-limit) } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn gate(input: f32, recurrent: f32) -> Gate {
        Gate {
            input: Matrix::F32(vec![input]),
            recurrent: Matrix::F32(vec![recurrent]),
            peephole: None,
            norm: None,
            bias: vec![0.0],
        }
    }

    #[test]
    fn two_steps_of_one_cell() {
        let layer = Lstm {
            inputs: 1,
            cells: 1,
            outputs: 1,
            input_gate: Some(gate(0.0, 0.0)),
            forget_gate: gate(0.0, 0.0),
            cell_gate: gate(1.0, 1.0),
            output_gate: gate(0.0, 0.0),
            projection: None,
            activation: |x| x,
            cell_clip: 0.0,
            projection_clip: 0.0,
            quantization: InputQuantization::Symmetric,
        };
        let (mut output, mut cell) = ([0.0], [0.0]);
        let mut step = || layer.step(&[4.0], (&mut output, &mut cell), &mut [0.0; 4], &mut [0; 3]);
        // Gates are 1/2: the cell is 4/2, the output half of it; then 2/2 + (4 + 1)/2, and half of that.
        step();
        step();
        assert_eq!((output, cell), ([1.75], [3.5]));
    }
}
