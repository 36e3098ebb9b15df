//! Layers on floats, with float or int8 weights.

use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use edgebench_kernels::reference::lstm::{Gate, Lstm, Matrix, Projection};

use super::{
    Extent, GateName, Layer, Settings, activation, has_gate, has_norm, has_peephole, one_scale, prepared,
    slot,
};
use crate::error::Fault;
use crate::ops::filter::{FloatConstant, int8_filter};
use crate::ops::{Operand, Prepared, Site};
use crate::tensor::DType;

pub(super) fn layer(site: &Site<'_, '_>, settings: Settings, extent: Extent) -> Result<Prepared, Fault> {
    for state in [slot::OUTPUT_STATE, slot::CELL_STATE] {
        site.variable(state)?.expect_dtype(DType::Float32)?;
    }
    let input_gate = has_gate(site, GateName::Input)?.then(|| gate(site, GateName::Input, extent));
    let lstm = Lstm {
        inputs: extent.inputs,
        cells: extent.cells,
        outputs: extent.outputs,
        input_gate: input_gate.transpose()?,
        forget_gate: gate(site, GateName::Forget, extent)?,
        cell_gate: gate(site, GateName::Cell, extent)?,
        output_gate: gate(site, GateName::Output, extent)?,
        projection: projection(site, extent)?,
        activation: activation(settings.activation, site)?,
        cell_clip: settings.cell_clip,
        projection_clip: settings.projection_clip,
        quantization: settings.quantization,
    };
    let scratch_bytes = lstm.scratch_floats() * size_of::<f32>() + lstm.scratch_bytes();
    let (macs, packed_bytes) = (lstm.macs(), lstm.bytes());
    Ok(Prepared { packed_bytes, ..prepared(extent, lstm, scratch_bytes, macs) })
}

fn gate(site: &Site<'_, '_>, name: GateName, extent: Extent) -> Result<Gate, Fault> {
    let index = name as usize;
    let Extent { inputs, cells, outputs, .. } = extent;
    let peephole = slot::PEEPHOLE[index].filter(|_| has_peephole(site));
    let norm = has_norm(site).then(|| floats(&site.input(slot::NORM[index])?, cells));
    Ok(Gate {
        input: matrix(site, slot::INPUT_WEIGHTS[index], [cells, inputs])?,
        recurrent: matrix(site, slot::RECURRENT_WEIGHTS[index], [cells, outputs])?,
        peephole: peephole.map(|slot| peephole_weights(&site.input(slot)?, cells)).transpose()?,
        norm: norm.transpose()?,
        bias: floats(&site.input(slot::BIAS[index])?, cells)?,
    })
}

fn projection(site: &Site<'_, '_>, extent: Extent) -> Result<Option<Projection>, Fault> {
    if site.optional_input(slot::PROJECTION_WEIGHTS).is_none() {
        return Ok(None);
    }
    let weights = matrix(site, slot::PROJECTION_WEIGHTS, [extent.outputs, extent.cells])?;
    let bias = match site.optional_input(slot::PROJECTION_BIAS) {
        Some(bias) => floats(&bias, extent.outputs)?,
        None => vec![0.0; extent.outputs],
    };
    Ok(Some(Projection { weights, bias }))
}

/// Weights in the type that all of the layer's have.
fn matrix(site: &Site<'_, '_>, slot: usize, shape: [usize; 2]) -> Result<Matrix, Fault> {
    let operand = site.input(slot)?;
    operand.expect_shape(&shape)?;
    let first = site.input(slot::INPUT_WEIGHTS[GateName::Forget as usize])?;
    operand.expect_dtype(first.dtype())?;
    match operand.dtype() {
        DType::Float32 | DType::Float16 => Ok(Matrix::F32(FloatConstant::of(&operand)?.wide().into_owned())),
        DType::Int8 => Ok(Matrix::I8(int8_filter(&operand, 0)?.0.into_owned(), one_scale(&operand)?)),
        other => Err(operand.fault("float32 or int8", format!("{other}"))),
    }
}

fn floats(operand: &Operand<'_>, count: usize) -> Result<Vec<f32>, Fault> {
    operand.expect_elements(count)?;
    Ok(FloatConstant::of(operand)?.wide().into_owned())
}

/// Int8 ones become floats, as the source recovers them in every step.
fn peephole_weights(operand: &Operand<'_>, cells: usize) -> Result<Vec<f32>, Fault> {
    if operand.dtype() != DType::Int8 {
        return floats(operand, cells);
    }
    operand.expect_elements(cells)?;
    let (weights, scale) = (int8_filter(operand, 0)?.0, one_scale(operand)?);
    Ok(weights.iter().map(|weight| scale * f32::from(*weight)).collect())
}

impl Layer for Lstm {
    type Activation = f32;
    type Cell = f32;

    fn step(&self, input: &[f32], output_state: &mut [f32], cell_state: &mut [f32], scratch: &mut [u8]) {
        let (floats, bytes) = scratch.split_at_mut(self.scratch_floats() * size_of::<f32>());
        let bytes = &mut bytes[..self.scratch_bytes()];
        let (floats, bytes) = (bytemuck::cast_slice_mut(floats), bytemuck::cast_slice_mut(bytes));
        Self::step(self, input, (output_state, cell_state), floats, bytes);
    }
}
