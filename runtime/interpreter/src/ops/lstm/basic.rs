//! LSTM with its basic kernel, on floats.

use alloc::format;

use edgebench_kernels::Set;
use edgebench_kernels::reference::lstm_basic::BasicLstm;
use edgebench_schema::tflite::{ActivationFunctionType, LSTMOptions};

use crate::error::Fault;
use crate::memory::Frame;
use crate::ops::{Prepared, Site, Step};
use crate::tensor::DType;

const INPUT: usize = 0;
const LAST_ACTIVATION: usize = 1;
const WEIGHTS: usize = 2;
const BIAS: usize = 3;
const LAST_STATE: usize = 4;

struct Basic {
    inputs: usize,
    units: usize,
}

/// Prepares the operator: input `[batch, inputs]`, last activation `[batch, units]`, weights `[4 * units, inputs + units]`, bias
/// `[4 * units]`, last state `[batch, units]`. Outputs are activation, state, and what the gates saw and summed up.
pub(super) fn layer(site: &Site<'_, '_>, options: &LSTMOptions<'_>) -> Result<Prepared, Fault> {
    if options.fused_activation_function() != ActivationFunctionType::TANH {
        return Err(site.unsupported("the basic kernel without TANH"));
    }
    if options.cell_clip() != 0.0 || options.proj_clip() != 0.0 {
        return Err(site.unsupported("clips of the basic kernel"));
    }
    let outputs = site.node().outputs.len();
    if outputs != 4 {
        return Err(Fault::mismatch(site.place(), "4 outputs", format!("{outputs}")));
    }
    let [batch, inputs] = site.input(INPUT)?.dims()?;
    let [_, units] = site.input(LAST_ACTIVATION)?.dims()?;
    site.input(WEIGHTS)?.expect_shape(&[4 * units, inputs + units])?;
    site.input(BIAS)?.expect_shape(&[4 * units])?;
    for slot in [LAST_ACTIVATION, LAST_STATE] {
        site.variable(slot)?.expect_shape(&[batch, units])?;
    }
    for slot in INPUT..=LAST_STATE {
        site.input(slot)?.expect_dtype(DType::Float32)?;
    }
    for (slot, columns) in [units, units, inputs + units, 4 * units].into_iter().enumerate() {
        site.output(slot)?.expect_dtype(DType::Float32)?;
        site.output(slot)?.expect_shape(&[batch, columns])?;
    }
    Ok(Prepared {
        states: &[LAST_ACTIVATION, LAST_STATE],
        macs: (batch * 4 * units) as u64 * (inputs + units) as u64,
        ..Prepared::run(Set::Reference.name(), Basic { inputs, units })
    })
}

impl Step for Basic {
    fn run(&self, mut frame: Frame<'_>) -> Result<(), Fault> {
        let [last, state] = frame.states.as_mut_slice() else { return Ok(()) };
        let (last, state): (&mut [f32], &mut [f32]) =
            (bytemuck::cast_slice_mut(last), bytemuck::cast_slice_mut(state));
        let lstm = BasicLstm { weights: frame.inputs.of(WEIGHTS), bias: frame.inputs.of(BIAS) };
        let input = frame.inputs.of::<f32>(INPUT).chunks_exact(self.inputs);
        let mut outputs = frame.outputs.all().map(bytemuck::cast_slice_mut::<u8, f32>);
        let mut rows = |columns: usize| outputs.next().unwrap_or_default().chunks_exact_mut(columns);
        let (activations, cells) = (rows(self.units), rows(self.units));
        let (seen, gates) = (rows(self.inputs + self.units), rows(4 * self.units));
        let states = last.chunks_exact_mut(self.units).zip(state.chunks_exact_mut(self.units));
        let rows = input.zip(activations.zip(cells)).zip(seen.zip(gates)).zip(states);
        for (((input, (activation, cell)), (seen, gates)), (last, state)) in rows {
            seen[..self.inputs].copy_from_slice(input);
            seen[self.inputs..].copy_from_slice(last);
            lstm.step(seen, gates, state, last);
            cell.copy_from_slice(state);
            activation.copy_from_slice(last);
        }
        Ok(())
    }
}
