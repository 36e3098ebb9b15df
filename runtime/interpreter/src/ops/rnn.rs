//! RNN and UNIDIRECTIONAL_SEQUENCE_RNN on floats, and on floats with int8 weights.

use alloc::format;

use edgebench_kernels::Set;
use edgebench_kernels::reference::lstm::Matrix;
use edgebench_kernels::reference::rnn::Rnn;
use edgebench_kernels::spec::InputQuantization;
use edgebench_schema::tflite::ActivationFunctionType;

use super::filter::{FloatConstant, int8_filter};
use super::lstm::{activation, one_scale};
use super::{Operand, Prepared, Reads, Site, Step};
use crate::error::Fault;
use crate::memory::Frame;
use crate::tensor::DType;

/// Slot of the state.
const STATE: usize = 4;

/// A layer over a sequence.
struct Sequence {
    rnn: Rnn,
    batch: usize,
    time: usize,
    time_major: bool,
    inputs: usize,
    units: usize,
}

/// Prepares the operator: input `[batch, time, inputs]` or `[time, batch, inputs]`, weights `[units, inputs]` and
/// `[units, units]`, bias `[units]`, state `[batch, units]`.
pub(crate) fn unidirectional_sequence_rnn(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let options = site.options(|table| table.builtin_options_as_sequence_rnnoptions())?;
    let [outer, inner, inputs] = site.input(0)?.dims()?;
    let [units, _] = site.input(1)?.dims()?;
    let time_major = options.time_major();
    let (time, batch) = if time_major { (outer, inner) } else { (inner, outer) };
    site.output(0)?.expect_shape(&[outer, inner, units])?;
    let asymmetric = options.asymmetric_quantize_inputs();
    layer(site, [batch, time, inputs, units], time_major, (options.fused_activation_function(), asymmetric))
}

/// Prepares RNN: input `[batch, inputs]`, one step; weights, bias and state as above.
pub(crate) fn rnn(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let options = site.options(|table| table.builtin_options_as_rnnoptions())?;
    let [batch, inputs] = site.input(0)?.dims()?;
    let [units, _] = site.input(1)?.dims()?;
    site.output(0)?.expect_shape(&[batch, units])?;
    let asymmetric = options.asymmetric_quantize_inputs();
    layer(site, [batch, 1, inputs, units], true, (options.fused_activation_function(), asymmetric))
}

fn layer(
    site: &Site<'_, '_>,
    [batch, time, inputs, units]: [usize; 4],
    time_major: bool,
    (kind, asymmetric): (ActivationFunctionType, bool),
) -> Result<Prepared, Fault> {
    let (input, weights, bias) = (site.input(0)?, site.input(1)?, site.input(3)?);
    site.variable(STATE)?.expect_shape(&[batch, units])?;
    for operand in [&input, &site.output(0)?, &site.variable(STATE)?] {
        operand.expect_dtype(DType::Float32)?;
    }
    bias.expect_elements(units)?;
    site.input(2)?.expect_dtype(weights.dtype())?;
    let rnn = Rnn {
        input: matrix(&weights, [units, inputs])?,
        recurrent: matrix(&site.input(2)?, [units, units])?,
        bias: FloatConstant::of(&bias)?.wide().into_owned(),
        activation: activation(kind, site)?,
        quantization: if asymmetric { InputQuantization::Asymmetric } else { InputQuantization::Symmetric },
    };
    let weights = units * (inputs + units);
    let packed_bytes = match rnn.input {
        Matrix::F32(_) => weights * size_of::<f32>(),
        Matrix::I8(..) => weights,
    };
    let step = Sequence { rnn, batch, time, time_major, inputs, units };
    Ok(Prepared {
        scratch_bytes: units * size_of::<f32>() + inputs + units,
        packed_bytes,
        reads: Reads::Only(&[0]),
        states: &[STATE],
        macs: (batch * time) as u64 * weights as u64,
        ..Prepared::run(Set::Reference.name(), step)
    })
}

fn matrix(operand: &Operand<'_>, shape: [usize; 2]) -> Result<Matrix, Fault> {
    operand.expect_shape(&shape)?;
    match operand.dtype() {
        DType::Float32 | DType::Float16 => Ok(Matrix::F32(FloatConstant::of(operand)?.wide().into_owned())),
        DType::Int8 => Ok(Matrix::I8(int8_filter(operand, 0)?.0.into_owned(), one_scale(operand)?)),
        other => Err(operand.fault("float32 or int8", format!("{other}"))),
    }
}

impl Step for Sequence {
    fn run(&self, mut frame: Frame<'_>) -> Result<(), Fault> {
        let [state] = frame.states.as_mut_slice() else { return Ok(()) };
        let state: &mut [f32] = bytemuck::cast_slice_mut(state);
        let (input, output) = (frame.inputs.of::<f32>(0), frame.outputs.of::<f32>());
        let (sums, bytes) = frame.scratch.split_at_mut(self.units * size_of::<f32>());
        let (sums, bytes) = (bytemuck::cast_slice_mut(sums), &mut bytes[..self.inputs + self.units]);
        let bytes: &mut [i8] = bytemuck::cast_slice_mut(bytes);
        for step in 0..self.time {
            for row in 0..self.batch {
                let place = if self.time_major { step * self.batch + row } else { row * self.time + step };
                let state = &mut state[row * self.units..][..self.units];
                self.rnn.step(&input[place * self.inputs..][..self.inputs], state, sums, bytes);
                output[place * self.units..][..self.units].copy_from_slice(state);
            }
        }
        Ok(())
    }
}
