//! Layers on int8 with int8 weights and an int16 cell state. Scales are combined in single precision and become fixed point
//! here (`PopulateQuantizedLstmParams8x8_16` of `unidirectional_sequence_lstm.cc`).

use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use edgebench_kernels::Multiplier;
use edgebench_kernels::reference::lstm_i8::{GateI8, LstmI8, MatrixI8, NormI16};

use super::{Extent, GateName, Layer, Settings, has_gate, has_norm, has_peephole, one_scale, prepared, slot};
use crate::error::Fault;
use crate::ops::filter::{bias_elements, int8_filter};
use crate::ops::{Prepared, Site};
use crate::quant::quantize_multiplier;
use crate::tensor::DType;

/// Gates are computed as Q3.12.
const GATE_SCALE: f32 = 1.0 / 4096.0;

/// Scales and zero points that the parts of a layer share.
#[derive(Clone, Copy)]
struct Scales {
    input: (f32, i32),
    output_state: (f32, i32),
    /// The exponent of the cell state's scale.
    cell_exponent: i32,
    hidden: (f32, i32),
}

pub(super) fn layer(site: &Site<'_, '_>, settings: Settings, extent: Extent) -> Result<Prepared, Fault> {
    let (output_state, cell_state) = (site.variable(slot::OUTPUT_STATE)?, site.variable(slot::CELL_STATE)?);
    output_state.expect_dtype(DType::Int8)?;
    cell_state.expect_dtype(DType::Int16)?;
    let cell_scale = one_scale(&cell_state)?;
    let cell_exponent = exponent(cell_scale).filter(|exponent| (-15..=-9).contains(exponent));
    let scales = Scales {
        input: site.input(0)?.per_tensor()?,
        output_state: output_state.per_tensor()?,
        cell_exponent: cell_exponent
            .ok_or_else(|| cell_state.fault("a scale of 2^-15 to 2^-9", format!("{cell_scale:?}")))?,
        hidden: hidden(site)?,
    };
    let input_gate = has_gate(site, GateName::Input)?.then(|| gate(site, GateName::Input, extent, scales));
    let unit = libm::exp2(-15.0);
    let lstm = LstmI8 {
        input_gate: input_gate.transpose()?,
        forget_gate: gate(site, GateName::Forget, extent, scales)?,
        cell_gate: gate(site, GateName::Cell, extent, scales)?,
        output_gate: gate(site, GateName::Output, extent, scales)?,
        projection: projection(site, extent, scales)?,
        cell_integer_bits: (15 + scales.cell_exponent) as u32,
        cell_clip: (settings.cell_clip / cell_scale).clamp(-32_768.0, 32_767.0) as i16,
        projection_clip: (settings.projection_clip / site.output(0)?.per_tensor()?.0).clamp(-128.0, 127.0)
            as i8,
        hidden: multiplier((unit / f64::from(scales.hidden.0) * unit) as f32),
        hidden_zero_point: match site.optional_input(slot::PROJECTION_WEIGHTS) {
            // The projection's bias takes the zero point in, with the other sign.
            Some(_) => -scales.hidden.1,
            None => scales.hidden.1,
        },
    };
    let scratch_bytes = LstmI8::scratch_shorts(extent.cells) * size_of::<i16>() + extent.cells;
    let gates = 3 + usize::from(lstm.input_gate.is_some());
    let projection = if lstm.projection.is_some() { extent.cells * extent.outputs } else { 0 };
    let weights = gates * extent.cells * (extent.inputs + extent.outputs) + projection;
    Ok(Prepared { packed_bytes: weights, ..prepared(extent, lstm, scratch_bytes, weights as u64) })
}

fn multiplier(real: f32) -> Multiplier {
    quantize_multiplier(f64::from(real))
}

/// The exponent of a power of two, as near as LiteRT asks for (`CheckedLog2`).
fn exponent(scale: f32) -> Option<i32> {
    let log2 = libm::log2f(scale);
    let rounded = libm::roundf(log2);
    ((log2 - rounded).abs() < 1e-3).then_some(rounded as i32)
}

/// Scale and zero point of the hidden values, which an intermediate tensor carries.
fn hidden(site: &Site<'_, '_>) -> Result<(f32, i32), Fault> {
    const HIDDEN: usize = 4;
    let pair = intermediate(site, HIDDEN);
    pair.ok_or_else(|| Fault::missing(site.place(), "scale of the hidden values (intermediate tensor 4)"))
}

/// Scale and zero point of an intermediate tensor.
fn intermediate(site: &Site<'_, '_>, number: usize) -> Option<(f32, i32)> {
    let list = site.node().table.intermediates().filter(|list| list.len() > number)?;
    let tensor = site.graph.graph.tensors.get(usize::try_from(list.get(number)).ok()?)?;
    tensor.quantization.as_ref()?.per_tensor()
}

/// The scale of a gate's sums: with layer normalization the file says it.
fn gate_scale(site: &Site<'_, '_>, index: usize) -> Result<f32, Fault> {
    if !has_norm(site) {
        return Ok(GATE_SCALE);
    }
    let scale = intermediate(site, index).map(|(scale, _)| scale);
    scale.ok_or_else(|| {
        Fault::missing(site.place(), "scale of the sums of a gate (intermediate tensors 0 to 3)")
    })
}

/// Layer normalization of one gate, which has its bias.
fn norm(site: &Site<'_, '_>, index: usize, cells: usize) -> Result<NormI16, Fault> {
    let operand = site.input(slot::NORM[index])?;
    let weights = bias_elements(Some(&operand), DType::Int16, cells, i16::from_le_bytes)?;
    let bias = site.input(slot::BIAS[index])?;
    let bias = bias_elements(Some(&bias), DType::Int32, cells, i32::from_le_bytes)?;
    let scale = one_scale(&operand)?;
    Ok(NormI16 {
        weights: weights.unwrap_or_default().into_owned(),
        bias: bias.unwrap_or_default().into_owned(),
        scale: multiplier(scale),
        least_variance: ((10_000.0 * scale) as i32).max(1),
    })
}

fn gate(site: &Site<'_, '_>, name: GateName, extent: Extent, scales: Scales) -> Result<GateI8, Fault> {
    let index = name as usize;
    let Extent { inputs, cells, outputs, .. } = extent;
    let to = gate_scale(site, index)?;
    let factor = |(scale, zero_point): (f32, i32)| Factor { scale, to, offset: -zero_point };
    let bias = (!has_norm(site)).then_some(slot::BIAS[index]);
    let peephole = slot::PEEPHOLE[index].filter(|_| has_peephole(site));
    Ok(GateI8 {
        input: matrix(site, (slot::INPUT_WEIGHTS[index], bias), [cells, inputs], factor(scales.input))?,
        recurrent: matrix(
            site,
            (slot::RECURRENT_WEIGHTS[index], None),
            [cells, outputs],
            factor(scales.output_state),
        )?,
        peephole: peephole.map(|slot| peephole_weights(site, slot, cells, scales, to)).transpose()?,
        norm: has_norm(site).then(|| norm(site, index, cells)).transpose()?,
    })
}

fn peephole_weights(
    site: &Site<'_, '_>,
    slot: usize,
    cells: usize,
    scales: Scales,
    to: f32,
) -> Result<(Vec<i16>, Multiplier), Fault> {
    let operand = site.input(slot)?;
    let weights = bias_elements(Some(&operand), DType::Int16, cells, i16::from_le_bytes)?;
    let cell_scale = libm::exp2(f64::from(scales.cell_exponent));
    let real = cell_scale * f64::from(one_scale(&operand)?) / f64::from(to);
    Ok((weights.unwrap_or_default().into_owned(), multiplier(real as f32)))
}

fn projection(site: &Site<'_, '_>, extent: Extent, scales: Scales) -> Result<Option<(MatrixI8, i32)>, Fault> {
    if site.optional_input(slot::PROJECTION_WEIGHTS).is_none() {
        return Ok(None);
    }
    let (scale, zero_point) = scales.hidden;
    let factor = Factor { scale, to: scales.output_state.0, offset: zero_point };
    let slots = (slot::PROJECTION_WEIGHTS, Some(slot::PROJECTION_BIAS));
    let weights = matrix(site, slots, [extent.outputs, extent.cells], factor)?;
    Ok(Some((weights, scales.output_state.1)))
}

/// How products with a vector are brought to other units.
struct Factor {
    /// Scale of the vector.
    scale: f32,
    /// Scale of the result.
    to: f32,
    /// Added to every element of the vector.
    offset: i32,
}

fn matrix(
    site: &Site<'_, '_>,
    (weights, bias): (usize, Option<usize>),
    [rows, columns]: [usize; 2],
    factor: Factor,
) -> Result<MatrixI8, Fault> {
    let operand = site.input(weights)?;
    operand.expect_shape(&[rows, columns])?;
    operand.expect_dtype(DType::Int8)?;
    let weights = int8_filter(&operand, 0)?.0.into_owned();
    let bias = bias.and_then(|slot| site.optional_input(slot));
    let bias = bias_elements(bias.as_ref(), DType::Int32, rows, i32::from_le_bytes)?;
    let mut sums = bias.map_or_else(|| vec![0; rows], |bias| bias.into_owned());
    for (sum, weights) in sums.iter_mut().zip(weights.chunks_exact(columns)) {
        let row = weights.iter().fold(0i32, |sum, weight| sum.wrapping_add(i32::from(*weight)));
        *sum = sum.wrapping_add(row.wrapping_mul(factor.offset));
    }
    let real = one_scale(&operand)? * factor.scale / factor.to;
    Ok(MatrixI8 { weights, bias: sums, multiplier: multiplier(real) })
}

impl Layer for LstmI8 {
    type Activation = i8;
    type Cell = i16;

    fn step(&self, input: &[i8], output_state: &mut [i8], cell_state: &mut [i16], scratch: &mut [u8]) {
        let cells = cell_state.len();
        let (shorts, hidden) = scratch.split_at_mut(Self::scratch_shorts(cells) * size_of::<i16>());
        let hidden = bytemuck::cast_slice_mut(&mut hidden[..cells]);
        Self::step(self, input, (output_state, cell_state), bytemuck::cast_slice_mut(shorts), hidden);
    }
}
