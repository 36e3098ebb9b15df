//! LSTM with its basic kernel, on floats (`reference_ops.h`, `LstmCell`): one matrix for all four gates.

use super::logistic::logistic;

/// Weights of the four gates, in the order input, new value, forget, output.
#[derive(Debug, Clone, Copy)]
pub struct BasicLstm<'w> {
    /// `[4 * units, inputs + units]`.
    pub weights: &'w [f32],
    /// `[4 * units]`.
    pub bias: &'w [f32],
}

impl BasicLstm<'_> {
    /// One step of one row: `seen` is the input and behind it the last activation `[inputs + units]`, `gates` gets the sums of
    /// the gates `[4 * units]`, `cell` the new state and `activation` the new activation `[units]`.
    pub fn step(&self, seen: &[f32], gates: &mut [f32], cell: &mut [f32], activation: &mut [f32]) {
        for ((gate, weights), bias) in
            gates.iter_mut().zip(self.weights.chunks_exact(seen.len())).zip(self.bias)
        {
            *gate = seen.iter().zip(weights).fold(0.0, |sum, (value, weight)| sum + value * weight) + bias;
        }
        let units = cell.len();
        for (unit, (cell, activation)) in cell.iter_mut().zip(activation).enumerate() {
            let gate = |kind: usize| gates[kind * units + unit];
            let new = logistic(gate(0)) * libm::tanhf(gate(1));
            *cell = new + logistic(gate(2)) * *cell;
            *activation = logistic(gate(3)) * libm::tanhf(*cell);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_gates_let_the_new_value_through() {
        let lstm = BasicLstm { weights: &[0.0; 8], bias: &[100.0, 1.0, -100.0, 100.0] };
        let (mut cell, mut activation) = ([5.0], [0.0]);
        lstm.step(&[3.0, 4.0], &mut [0.0; 4], &mut cell, &mut activation);
        assert!((cell[0] - libm::tanhf(1.0)).abs() < 1e-6, "{cell:?}");
        assert!((activation[0] - libm::tanhf(cell[0])).abs() < 1e-6);
    }
}
