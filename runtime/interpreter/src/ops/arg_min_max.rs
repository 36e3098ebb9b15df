//! ARG_MAX and ARG_MIN along one axis, and CUMSUM, which walks in the same way.

use alloc::format;
use alloc::vec::Vec;

use bytemuck::Pod;
use edgebench_kernels::reference::arg_min_max::arg_best;
use edgebench_kernels::reference::cumulative_sum::cumulative_sum;
use edgebench_kernels::reference::number::Number;

use super::map::plain_unary;
use super::{Operand, Prepared, Site};
use crate::error::Fault;
use crate::tensor::DType;

/// Prepares ARG_MAX: input 1 is a constant axis, a negative one counted from the last.
pub(crate) fn arg_max(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    arg(site, true)
}

/// Prepares ARG_MIN: input 1 is a constant axis, a negative one counted from the last.
pub(crate) fn arg_min(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    arg(site, false)
}

fn arg(site: &Site<'_, '_>, is_greatest: bool) -> Result<Prepared, Fault> {
    let (input, axis, output) = (site.input(0)?, site.input(1)?, site.output(0)?);
    let at = read_axis(&input, &axis)?;
    if input.shape()[at] == 0 {
        return Err(input.fault(format!("elements along axis {at}"), format!("shape {:?}", input.shape())));
    }
    let mut left: Vec<usize> = input.shape().to_vec();
    left.remove(at);
    output.expect_shape(&left)?;
    let parts = parts(input.shape(), at);
    match input.dtype() {
        DType::Float32 => to::<f32>(site, &output, parts, is_greatest),
        DType::Int8 => to::<i8>(site, &output, parts, is_greatest),
        DType::UInt8 | DType::Bool => to::<u8>(site, &output, parts, is_greatest),
        DType::Int32 => to::<i32>(site, &output, parts, is_greatest),
        dtype => Err(site.unsupported(format!("type {dtype}"))),
    }
}

fn to<T: Pod + PartialOrd>(
    site: &Site<'_, '_>,
    output: &Operand<'_>,
    parts: [usize; 3],
    is_greatest: bool,
) -> Result<Prepared, Fault> {
    let is_better: fn(&T, &T) -> bool = if is_greatest { T::gt } else { T::lt };
    match output.dtype() {
        DType::Int32 => Ok(plain_unary(move |input: &[T], output: &mut [i32]| {
            arg_best(parts, input, is_better, |row, best| output[row] = best as i32);
        })),
        DType::Int64 => Ok(plain_unary(move |input: &[T], output: &mut [i64]| {
            arg_best(parts, input, is_better, |row, best| output[row] = best as i64);
        })),
        dtype => Err(site.unsupported(format!("output type {dtype}"))),
    }
}

/// The one axis that a constant operand names.
fn read_axis(input: &Operand<'_>, axis: &Operand<'_>) -> Result<usize, Fault> {
    axis.expect_elements(1)?;
    let constant = axis.expect_constant()?;
    let value = match (constant.dtype, constant.bytes) {
        (DType::Int32, bytes) => {
            bytes.as_chunks().0.first().map(|bytes| i64::from(i32::from_le_bytes(*bytes)))
        }
        (DType::Int64, bytes) => bytes.as_chunks().0.first().map(|bytes| i64::from_le_bytes(*bytes)),
        (other, _) => return Err(axis.fault("int32 or int64", other.name())),
    };
    let value = value.unwrap_or_default();
    let rank = input.shape().len();
    let own = i32::try_from(value).ok().and_then(|value| super::axis(value, rank));
    own.ok_or_else(|| axis.fault(format!("an axis within rank {rank}"), format!("{value}")))
}

/// Elements before, along and after an axis.
fn parts(dims: &[usize], axis: usize) -> [usize; 3] {
    [dims[..axis].iter().product(), dims[axis], dims[axis + 1..].iter().product()]
}

/// Prepares CUMSUM: input 1 is a constant axis, a negative one counted from the last.
pub(crate) fn cumsum(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let options = site.options(|table| table.builtin_options_as_cumsum_options())?;
    let (is_exclusive, is_reverse) = (options.exclusive(), options.reverse());
    let (input, axis, output) = (site.input(0)?, site.input(1)?, site.output(0)?);
    output.expect_shape(input.shape())?;
    output.expect_dtype(input.dtype())?;
    axis.expect_dtype(DType::Int32)?;
    let parts = parts(input.shape(), read_axis(&input, &axis)?);
    match input.dtype() {
        DType::Float32 => Ok(sums::<f32>(parts, is_exclusive, is_reverse)),
        DType::Int32 => Ok(sums::<i32>(parts, is_exclusive, is_reverse)),
        DType::Int64 => Ok(sums::<i64>(parts, is_exclusive, is_reverse)),
        dtype => Err(site.unsupported(format!("type {dtype}"))),
    }
}

fn sums<T: Pod + Number>(parts: [usize; 3], is_exclusive: bool, is_reverse: bool) -> Prepared {
    plain_unary(move |input: &[T], output| cumulative_sum(parts, is_exclusive, is_reverse, input, output))
}
