//! UNIDIRECTIONAL_SEQUENCE_LSTM and LSTM: one layer over a sequence, or one step of it. Floats, floats with
//! int8 weights, and int8 with a 16-bit cell state.

mod basic;
mod float;
mod int8;

use alloc::format;

use edgebench_kernels::Set;
use edgebench_kernels::spec::InputQuantization;
use edgebench_schema::tflite::{ActivationFunctionType, LSTMKernelType};

use super::{Operand, Prepared, Reads, Site, Step};
use crate::error::Fault;
use crate::memory::Frame;
use crate::tensor::DType;

/// Slots of the input, by gate where there are several.
mod slot {
    pub(super) const INPUT_WEIGHTS: [usize; 4] = [1, 2, 3, 4];
    pub(super) const RECURRENT_WEIGHTS: [usize; 4] = [5, 6, 7, 8];
    /// The cell gate does not see the cell.
    pub(super) const PEEPHOLE: [Option<usize>; 4] = [Some(9), Some(10), None, Some(11)];
    pub(super) const BIAS: [usize; 4] = [12, 13, 14, 15];
    pub(super) const PROJECTION_WEIGHTS: usize = 16;
    pub(super) const PROJECTION_BIAS: usize = 17;
    pub(super) const OUTPUT_STATE: usize = 18;
    pub(super) const CELL_STATE: usize = 19;
    pub(super) const NORM: [usize; 4] = [20, 21, 22, 23];
}

/// Inputs of the full kernel, those for layer normalization apart.
const FULL_INPUTS: usize = 20;

/// The gates in the order of their slots.
#[derive(Clone, Copy, PartialEq, Eq)]
enum GateName {
    Input,
    Forget,
    Cell,
    Output,
}

/// A function of one value.
pub(super) type Activation = fn(f32) -> f32;

/// What both operators say in their options.
#[derive(Clone, Copy)]
struct Settings {
    activation: ActivationFunctionType,
    cell_clip: f32,
    projection_clip: f32,
    quantization: InputQuantization,
}

/// Sizes of a layer and of what it runs over.
#[derive(Clone, Copy)]
struct Extent {
    batch: usize,
    time: usize,
    /// Whether steps are the outermost dimension.
    time_major: bool,
    inputs: usize,
    cells: usize,
    outputs: usize,
}

/// Prepares UNIDIRECTIONAL_SEQUENCE_LSTM: input `[batch, time, inputs]`, or `[time, batch, inputs]`.
pub(crate) fn unidirectional_sequence_lstm(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let options = site.options(|table| table.builtin_options_as_unidirectional_sequence_lstmoptions())?;
    let [outer, inner, inputs] = site.input(0)?.dims()?;
    let time_major = options.time_major();
    let (time, batch) = if time_major { (outer, inner) } else { (inner, outer) };
    let settings = Settings {
        activation: options.fused_activation_function(),
        cell_clip: options.cell_clip(),
        projection_clip: options.proj_clip(),
        quantization: quantization(options.asymmetric_quantize_inputs()),
    };
    let extent = extent(site, batch, time, time_major, inputs)?;
    site.output(0)?.expect_shape(&[outer, inner, extent.outputs])?;
    layer(site, settings, extent)
}

/// Prepares LSTM: input `[batch, inputs]`, one step.
pub(crate) fn lstm(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let options = site.options(|table| table.builtin_options_as_lstmoptions())?;
    if options.kernel_type() == LSTMKernelType::BASIC {
        return basic::layer(site, &options);
    }
    let (inputs, outputs) = (site.node().inputs.len(), site.node().outputs.len());
    if inputs < FULL_INPUTS || outputs != 1 {
        let expected = format!("{FULL_INPUTS} inputs or more and 1 output");
        return Err(Fault::mismatch(site.place(), expected, format!("{inputs} and {outputs}")));
    }
    let [batch, inputs] = site.input(0)?.dims()?;
    let settings = Settings {
        activation: options.fused_activation_function(),
        cell_clip: options.cell_clip(),
        projection_clip: options.proj_clip(),
        quantization: quantization(options.asymmetric_quantize_inputs()),
    };
    let extent = extent(site, batch, 1, true, inputs)?;
    site.output(0)?.expect_shape(&[batch, extent.outputs])?;
    layer(site, settings, extent)
}

fn quantization(asymmetric: bool) -> InputQuantization {
    if asymmetric { InputQuantization::Asymmetric } else { InputQuantization::Symmetric }
}

fn extent(
    site: &Site<'_, '_>,
    batch: usize,
    time: usize,
    time_major: bool,
    inputs: usize,
) -> Result<Extent, Fault> {
    let recurrent = site.input(slot::RECURRENT_WEIGHTS[GateName::Output as usize])?;
    let [cells, outputs] = recurrent.dims()?;
    site.variable(slot::OUTPUT_STATE)?.expect_elements(batch.saturating_mul(outputs))?;
    site.variable(slot::CELL_STATE)?.expect_elements(batch.saturating_mul(cells))?;
    if site.optional_input(slot::PROJECTION_WEIGHTS).is_none() {
        if outputs != cells {
            return Err(
                recurrent.fault(format!("{cells} outputs without a projection"), format!("{outputs}"))
            );
        }
        if let Some(bias) = site.optional_input(slot::PROJECTION_BIAS) {
            return Err(bias.fault("no bias without a projection", "one"));
        }
    }
    Ok(Extent { batch, time, time_major, inputs, cells, outputs })
}

fn layer(site: &Site<'_, '_>, settings: Settings, extent: Extent) -> Result<Prepared, Fault> {
    for clip in [settings.cell_clip, settings.projection_clip] {
        if !clip.is_finite() || clip < 0.0 {
            return Err(Fault::mismatch(site.place(), "clips of at least 0", format!("{clip:?}")));
        }
    }
    let input = site.input(0)?;
    site.output(0)?.expect_dtype(input.dtype())?;
    match input.dtype() {
        DType::Float32 => float::layer(site, settings, extent),
        DType::Int8 => int8::layer(site, settings, extent),
        other => Err(site.unsupported(format!("type {other}"))),
    }
}

/// Whether a gate is there; only the input gate may be absent, with everything that belongs to it.
fn has_gate(site: &Site<'_, '_>, gate: GateName) -> Result<bool, Fault> {
    if gate != GateName::Input {
        return Ok(true);
    }
    let index = gate as usize;
    let slots = [slot::INPUT_WEIGHTS[index], slot::RECURRENT_WEIGHTS[index], slot::BIAS[index]];
    let there = slots.map(|slot| site.optional_input(slot).is_some());
    match there {
        [true, true, true] => Ok(true),
        [false, false, false] => Ok(false),
        _ => Err(Fault::mismatch(site.place(), "all or nothing of the input gate", "a part")),
    }
}

/// Whether the gates see the cell state.
fn has_peephole(site: &Site<'_, '_>) -> bool {
    site.optional_input(11).is_some()
}

/// Whether the gates' sums are normalized.
fn has_norm(site: &Site<'_, '_>) -> bool {
    site.optional_input(slot::NORM[GateName::Forget as usize]).is_some()
}

/// A layer as a step: `shape` says what is where, `run` computes one row.
struct Sequence<L> {
    extent: Extent,
    layer: L,
}

/// Computes one step of one row: `(input, output state, cell state, scratch)`.
trait Layer: Send + Sync {
    type Activation: bytemuck::Pod;
    type Cell: bytemuck::Pod;

    fn step(
        &self,
        input: &[Self::Activation],
        output_state: &mut [Self::Activation],
        cell_state: &mut [Self::Cell],
        scratch: &mut [u8],
    );
}

impl<L: Layer> Step for Sequence<L> {
    fn run(&self, mut frame: Frame<'_>) -> Result<(), Fault> {
        let [output_state, cell_state] = frame.states.as_mut_slice() else { return Ok(()) };
        let output_state: &mut [L::Activation] = bytemuck::cast_slice_mut(output_state);
        let cell_state: &mut [L::Cell] = bytemuck::cast_slice_mut(cell_state);
        let (input, output) = (frame.inputs.of::<L::Activation>(0), frame.outputs.of::<L::Activation>());
        let Extent { batch, time, time_major, inputs, cells, outputs } = self.extent;
        for step in 0..time {
            for row in 0..batch {
                let place = if time_major { step * batch + row } else { row * time + step };
                let state = &mut output_state[row * outputs..][..outputs];
                let cells = &mut cell_state[row * cells..][..cells];
                self.layer.step(&input[place * inputs..][..inputs], state, cells, frame.scratch);
                output[place * outputs..][..outputs].copy_from_slice(state);
            }
        }
        Ok(())
    }
}

fn prepared<L: Layer + 'static>(extent: Extent, layer: L, scratch_bytes: usize, step_macs: u64) -> Prepared {
    Prepared {
        scratch_bytes,
        reads: Reads::Only(&[0]),
        states: &[slot::OUTPUT_STATE, slot::CELL_STATE],
        macs: step_macs * (extent.batch * extent.time) as u64,
        ..Prepared::run(Set::Reference.name(), Sequence { extent, layer })
    }
}

/// The function of an activation.
pub(super) fn activation(kind: ActivationFunctionType, site: &Site<'_, '_>) -> Result<Activation, Fault> {
    match kind {
        ActivationFunctionType::NONE => Ok(|x| x),
        ActivationFunctionType::RELU => Ok(|x| x.max(0.0)),
        ActivationFunctionType::RELU_N1_TO_1 => Ok(|x| x.clamp(-1.0, 1.0)),
        ActivationFunctionType::RELU6 => Ok(|x| x.clamp(0.0, 6.0)),
        ActivationFunctionType::TANH => Ok(libm::tanhf),
        other => {
            Err(site.unsupported(format!("fused activation {}", other.variant_name().unwrap_or("UNKNOWN"))))
        }
    }
}

/// The one scale of a symmetric tensor.
pub(super) fn one_scale(operand: &Operand<'_>) -> Result<f32, Fault> {
    match operand.per_tensor()? {
        (scale, 0) => Ok(scale),
        (_, zero_point) => Err(operand.fault("zero point 0", format!("{zero_point}"))),
    }
}
