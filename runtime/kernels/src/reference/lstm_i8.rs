//! UNIDIRECTIONAL_SEQUENCE_LSTM and LSTM on int8 with a 16-bit cell state (`lstm_eval.cc`, the `Integer8x8_16` functions):
//! one step of one row of the batch.

use alloc::vec::Vec;

use super::fixed_point::{logistic, tanh};
use super::inverse_sqrt::inverse_sqrt;
use crate::requantize::{Multiplier, rounding_divide_by_pot};

/// `[rows, columns]` weights with what their sums need.
#[derive(Debug, Clone)]
pub struct MatrixI8 {
    /// Zero point 0.
    pub weights: Vec<i8>,
    /// `[rows]`: the bias, less the zero point of the vector times the sum of the row's weights.
    pub bias: Vec<i32>,
    /// From sums to the result's units.
    pub multiplier: Multiplier,
}

impl MatrixI8 {
    /// The product with `vector`, rescaled, without a zero point.
    fn product(&self, vector: &[i8], row: usize) -> i32 {
        let weights = &self.weights[row * vector.len()..][..vector.len()];
        let sum = vector.iter().zip(weights).fold(self.bias[row], |sum, (value, weight)| {
            sum.wrapping_add(i32::from(*value) * i32::from(*weight))
        });
        self.multiplier.apply(sum)
    }
}

/// One gate, computed as Q3.12.
#[derive(Debug, Clone)]
pub struct GateI8 {
    /// `[cells, inputs]`.
    pub input: MatrixI8,
    /// `[cells, outputs]`.
    pub recurrent: MatrixI8,
    /// Weights of the cell state, `[cells]`, with the factor of their products.
    pub peephole: Option<(Vec<i16>, Multiplier)>,
    /// Layer normalization of the sums.
    pub norm: Option<NormI16>,
}

/// Layer normalization of one gate's sums (`PortableApplyLayerNorm` of `portable_tensor_utils.cc`). With it, the bias comes
/// here and not to the sums.
#[derive(Debug, Clone)]
pub struct NormI16 {
    /// `[cells]`.
    pub weights: Vec<i16>,
    /// `[cells]`, in units of 2^-10 of a weight's.
    pub bias: Vec<i32>,
    /// The scale of the weights.
    pub scale: Multiplier,
    /// What a variance below 1 counts as.
    pub least_variance: i32,
}

impl NormI16 {
    /// Sums of all cells to normalized ones in Q3.12.
    fn apply(&self, sums: &mut [i16]) {
        /// Fraction bits of the mean, and of what comes of the weights.
        const ONE: i64 = 1 << 10;
        let count = sums.len() as i64;
        let (sum, squares) = sums.iter().fold((0i64, 0i64), |(sum, squares), value| {
            let value = i64::from(*value);
            (sum + value, squares + value * value)
        });
        let mean = (sum * ONE / count) as i32;
        // The source divides first, which is exact for powers of two only.
        let part = (ONE * ONE / count) as i32;
        let variance = squares * i64::from(part) - i64::from(mean) * i64::from(mean);
        let variance = (variance / (ONE * ONE)) as i32;
        let deviation = inverse_sqrt(if variance < 1 { self.least_variance } else { variance });
        // Q3.12.
        let scale = Multiplier { shift: self.scale.shift + 12, ..self.scale };
        for ((store, weight), bias) in sums.iter_mut().zip(&self.weights).zip(&self.bias) {
            let shifted = (i32::from(*store) << 10).wrapping_sub(mean);
            let weighted = deviation.apply(shifted).wrapping_mul(i32::from(*weight)).wrapping_add(*bias);
            let half = if weighted > 0 { ONE / 2 } else { -ONE / 2 };
            let rounded = ((i64::from(weighted) + half) / ONE) as i32;
            *store = saturate(scale.apply(rounded)) as i16;
        }
    }
}

/// A layer.
#[derive(Debug, Clone)]
pub struct LstmI8 {
    /// None: one minus the forget gate (CIFG).
    pub input_gate: Option<GateI8>,
    /// What stays of the cell state.
    pub forget_gate: GateI8,
    /// What comes to the cell state.
    pub cell_gate: GateI8,
    /// What is seen of the cell state.
    pub output_gate: GateI8,
    /// `[outputs, cells]`, with the zero point of the output.
    pub projection: Option<(MatrixI8, i32)>,
    /// Bits before the point of the cell state, 0 to 6.
    pub cell_integer_bits: u32,
    /// Limit of the cell state; 0 for none.
    pub cell_clip: i16,
    /// Limit of the projection; 0 for none.
    pub projection_clip: i8,
    /// From the product of output gate and cell state (Q0.30) to the hidden values.
    pub hidden: Multiplier,
    /// Added to the hidden values.
    pub hidden_zero_point: i32,
}

impl LstmI8 {
    /// Elements of int16 scratch for `cells` cells.
    pub fn scratch_shorts(cells: usize) -> usize {
        3 * cells
    }

    /// One step: output state `[outputs]`, which is the output, and cell state `[cells]` are updated.
    ///
    /// `shorts` (three times the cells) and `hidden` (as many as cells) are scratch.
    pub fn step(
        &self,
        input: &[i8],
        (output_state, cell_state): (&mut [i8], &mut [i16]),
        shorts: &mut [i16],
        hidden: &mut [i8],
    ) {
        let cells = cell_state.len();
        let (forget, rest) = shorts.split_at_mut(cells);
        let (cell, other) = rest.split_at_mut(cells);
        let other = &mut other[..cells];
        gate(&self.forget_gate, logistic, (input, output_state, cell_state), forget);
        gate(&self.cell_gate, |x| tanh(x, 3), (input, output_state, cell_state), cell);
        match &self.input_gate {
            Some(own) => gate(own, logistic, (input, output_state, cell_state), other),
            None => other.iter_mut().zip(&*forget).for_each(|(gate, forget)| *gate = i16::MAX - forget),
        }
        for (index, value) in cell_state.iter_mut().enumerate() {
            let kept = scaled_product(forget[index], *value, 15);
            let new = scaled_product(other[index], cell[index], 15 + self.cell_integer_bits);
            *value = clip_i16(kept.saturating_add(new), self.cell_clip);
        }
        gate(&self.output_gate, logistic, (input, output_state, cell_state), other);
        for ((store, gate), value) in hidden.iter_mut().zip(&*other).zip(&*cell_state) {
            let product = i32::from(*gate) * i32::from(tanh(*value, self.cell_integer_bits));
            *store = narrow(self.hidden.apply(product).wrapping_add(self.hidden_zero_point));
        }
        self.project(hidden, output_state);
    }

    fn project(&self, hidden: &[i8], output_state: &mut [i8]) {
        let Some((weights, zero_point)) = &self.projection else {
            output_state.copy_from_slice(hidden);
            return;
        };
        for (row, store) in output_state.iter_mut().enumerate() {
            let value = narrow(weights.product(hidden, row).wrapping_add(*zero_point));
            let limit = self.projection_clip;
            *store = if limit > 0 { value.clamp(-limit, limit) } else { value };
        }
    }
}

fn gate(
    gate: &GateI8,
    activation: impl Fn(i16) -> i16,
    (input, output_state, cell_state): (&[i8], &[i8], &[i16]),
    values: &mut [i16],
) {
    for (row, store) in values.iter_mut().enumerate() {
        // Every part is brought to 16 bits before the next one comes.
        let mut sum = saturate(gate.input.product(input, row));
        sum = saturate(gate.recurrent.product(output_state, row).wrapping_add(sum));
        if let Some((weights, multiplier)) = &gate.peephole {
            let product = i32::from(weights[row]) * i32::from(cell_state[row]);
            sum = saturate(multiplier.apply(product).wrapping_add(sum));
        }
        *store = sum as i16;
    }
    if let Some(norm) = &gate.norm {
        norm.apply(values);
    }
    values.iter_mut().for_each(|value| *value = activation(*value));
}

fn saturate(value: i32) -> i32 {
    value.clamp(i32::from(i16::MIN), i32::from(i16::MAX))
}

fn narrow(value: i32) -> i8 {
    value.clamp(-128, 127) as i8
}

fn scaled_product(a: i16, b: i16, shift: u32) -> i16 {
    rounding_divide_by_pot(i32::from(a) * i32::from(b), shift) as i16
}

fn clip_i16(value: i16, limit: i16) -> i16 {
    if limit > 0 { value.clamp(-limit, limit) } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    const ONE: Multiplier = Multiplier { mantissa: 1 << 30, shift: 1 };

    fn gate_of(weight: i8, bias: i32) -> GateI8 {
        GateI8 {
            input: MatrixI8 { weights: vec![weight], bias: vec![bias], multiplier: ONE },
            recurrent: MatrixI8 { weights: vec![0], bias: vec![0], multiplier: ONE },
            peephole: None,
            norm: None,
        }
    }

    #[test]
    fn open_gates_let_the_cell_through() {
        // Biases of 8 (Q3.12) open a gate; the cell gate sees tanh(4096 / 4096).
        let open = || gate_of(0, 32_767);
        let layer = LstmI8 {
            input_gate: Some(open()),
            forget_gate: open(),
            cell_gate: gate_of(64, 0),
            output_gate: open(),
            projection: None,
            cell_integer_bits: 4,
            cell_clip: 0,
            projection_clip: 0,
            hidden: Multiplier { mantissa: 1 << 30, shift: -22 },
            hidden_zero_point: 0,
        };
        let (mut output, mut cell) = ([0i8], [0i16]);
        layer.step(&[64], (&mut output, &mut cell), &mut [0; 3], &mut [0]);
        // tanh 1 = 0.7616 as Q4.11 is 1560, and tanh of that 0.642, as Q0.7 82.
        assert!((cell[0] - 1560).abs() <= 2, "{cell:?}");
        assert!((i32::from(output[0]) - 82).abs() <= 1, "{output:?}");
    }
}
