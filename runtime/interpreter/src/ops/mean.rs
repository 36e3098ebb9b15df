//! MEAN over any axes, on floats and on int8.

use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use edgebench_kernels::reference::mean::MeanI8;
use edgebench_kernels::table;

use super::map::{unary, unary_with_scratch};
use super::{Operand, Prepared, Site};
use crate::error::Fault;
use crate::quant::quantize_multiplier;
use crate::tensor::DType;

/// Prepares MEAN: input 1 is a constant list of axes, negative ones counted from the last.
pub(crate) fn mean(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let options = site.options(|table| table.builtin_options_as_reducer_options())?;
    let (input, axes, output) = (site.input(0)?, site.input(1)?, site.output(0)?);
    input.expect_some()?;
    let reduced = reduced_axes(&input, &axes)?;
    output.expect_shape(&output_shape(input.shape(), &reduced, options.keep_dims()))?;
    output.expect_dtype(input.dtype())?;
    let dims = input.shape().to_vec();
    match input.dtype() {
        DType::Float32 => {
            let row = table::MEAN_F32.select(site.choice());
            Ok(unary(row, move |kernel, input, output| kernel(&dims, &reduced, input, output)))
        }
        DType::Int8 => {
            let constants = constants(&input, &output)?;
            let sums = output.elements();
            let row = table::MEAN_I8.select(site.choice());
            Ok(unary_with_scratch(row, sums, move |kernel, input, sums, output| {
                kernel(&constants, &dims, &reduced, input, sums, output);
            }))
        }
        dtype => Err(site.unsupported(format!("type {dtype}"))),
    }
}

fn constants(input: &Operand<'_>, output: &Operand<'_>) -> Result<MeanI8, Fault> {
    let (input, output) = (input.per_tensor()?, output.per_tensor()?);
    Ok(MeanI8 {
        input_zero_point: input.1,
        output_zero_point: output.1,
        rescale: quantize_multiplier(f64::from(input.0) / f64::from(output.0)),
    })
}

/// For each axis of the input whether it is averaged over.
fn reduced_axes(input: &Operand<'_>, axes: &Operand<'_>) -> Result<Vec<bool>, Fault> {
    axes.expect_dtype(DType::Int32)?;
    let rank = input.shape().len();
    let mut reduced = vec![false; rank];
    for axis in axes.expect_constant()?.bytes.as_chunks::<4>().0 {
        let axis = i32::from_le_bytes(*axis);
        let own = super::axis(axis, rank).and_then(|axis| reduced.get_mut(axis));
        *own.ok_or_else(|| axes.fault(format!("axes within rank {rank}"), format!("{axis}")))? = true;
    }
    Ok(reduced)
}

fn output_shape(dims: &[usize], reduced: &[bool], keep_dims: bool) -> Vec<usize> {
    let dims = dims.iter().zip(reduced);
    if keep_dims {
        dims.map(|(dim, reduced)| if *reduced { 1 } else { *dim }).collect()
    } else {
        dims.filter(|(_, reduced)| !**reduced).map(|(dim, _)| *dim).collect()
    }
}
