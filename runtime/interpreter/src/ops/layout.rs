//! Operators that move elements and compute nothing: PAD and CONCATENATION.

use alloc::format;
use alloc::vec::Vec;

use bytemuck::Pod;
use edgebench_kernels::Row;
use edgebench_kernels::table::{self, PadFn};
use edgebench_schema::tflite::ActivationFunctionType;

use super::map::unary;
use super::{Operand, Prepared, Site, Step};
use crate::error::Fault;
use crate::memory::Frame;
use crate::tensor::DType;

/// Prepares PAD: input 1 is a constant `[rank, 2]` of elements before and after each axis. What is added stands for 0.
pub(crate) fn pad(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let (input, paddings, output) = (site.input(0)?, site.input(1)?, site.output(0)?);
    let paddings = read_paddings(&input, &paddings)?;
    let grown =
        |(dim, [before, after]): (&usize, &[usize; 2])| dim.saturating_add(*before).saturating_add(*after);
    let padded: Vec<usize> = input.shape().iter().zip(&paddings).map(grown).collect();
    output.expect_shape(&padded)?;
    output.expect_dtype(input.dtype())?;
    match input.dtype() {
        DType::Float32 => {
            let row = table::PAD_F32.select(site.choice());
            Ok(padding(row, &input, &paddings, padded, 0.0))
        }
        DType::Int8 => {
            output.expect_same_quantization(&input)?;
            let (_, zero_point) = output.per_tensor()?;
            let row = table::PAD_I8.select(site.choice());
            Ok(padding(row, &input, &paddings, padded, zero_point as i8))
        }
        dtype => Err(site.unsupported(format!("type {dtype}"))),
    }
}

fn padding<T: Pod + Send + Sync>(
    row: &'static Row<PadFn<T>>,
    input: &Operand<'_>,
    paddings: &[[usize; 2]],
    padded: Vec<usize>,
    value: T,
) -> Prepared {
    let dims = input.shape().to_vec();
    let before: Vec<usize> = paddings.iter().map(|[before, _]| *before).collect();
    unary(row, move |kernel, input, output| kernel(&dims, &before, &padded, value, input, output))
}

fn read_paddings(input: &Operand<'_>, paddings: &Operand<'_>) -> Result<Vec<[usize; 2]>, Fault> {
    paddings.expect_shape(&[input.shape().len(), 2])?;
    let constant = paddings.expect_constant()?;
    let values: Vec<i64> = match constant.dtype {
        DType::Int32 => {
            constant.bytes.as_chunks().0.iter().map(|v| i64::from(i32::from_le_bytes(*v))).collect()
        }
        DType::Int64 => constant.bytes.as_chunks().0.iter().map(|v| i64::from_le_bytes(*v)).collect(),
        other => return Err(paddings.fault("int32 or int64", other.name())),
    };
    let count = |value: i64| {
        let count = usize::try_from(value);
        count.map_err(|_| paddings.fault("paddings of at least 0", format!("{value}")))
    };
    values.as_chunks().0.iter().map(|[before, after]| Ok([count(*before)?, count(*after)?])).collect()
}

/// Runs of bytes, one from each input in turn.
struct Concatenation {
    /// Bytes of each input from one step along the outer axes to the next.
    runs: Vec<usize>,
    outer: usize,
}

/// Prepares CONCATENATION along one axis.
pub(crate) fn concatenation(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let options = site.options(|table| table.builtin_options_as_concatenation_options())?;
    if options.fused_activation_function() != ActivationFunctionType::NONE {
        return Err(site.unsupported("fused activation"));
    }
    let output = site.output(0)?;
    let rank = output.shape().len();
    let axis = super::axis(options.axis(), rank);
    let axis = axis.ok_or_else(|| {
        Fault::mismatch(site.place(), format!("an axis within rank {rank}"), format!("{}", options.axis()))
    })?;
    let mut along = 0usize;
    let mut runs = Vec::with_capacity(site.node().inputs.len());
    for slot in 0..site.node().inputs.len() {
        let input = site.input(slot)?;
        input.expect_dtype(output.dtype())?;
        input.expect_same_quantization(&output)?;
        let length = input.shape().get(axis).copied().unwrap_or(0);
        let mut expected = output.shape().to_vec();
        expected[axis] = length;
        input.expect_shape(&expected)?;
        along = along.saturating_add(length);
        runs.push(expected[axis..].iter().product::<usize>() * output.dtype().size_bytes());
    }
    if along != output.shape()[axis] {
        let expected = format!("{along} along axis {axis}");
        return Err(output.fault(expected, format!("shape {:?}", output.shape())));
    }
    let outer = output.shape()[..axis].iter().product();
    Ok(Prepared::run("copy", Concatenation { runs, outer }))
}

impl Step for Concatenation {
    fn run(&self, frame: Frame<'_>) -> Result<(), Fault> {
        let mut output = frame.outputs.bytes();
        for index in 0..self.outer {
            for (slot, run) in self.runs.iter().enumerate() {
                let (piece, rest) = output.split_at_mut(*run);
                piece.copy_from_slice(&frame.inputs.bytes(slot)[index * run..][..*run]);
                output = rest;
            }
        }
        Ok(())
    }
}
