//! SPLIT, SPLIT_V and UNPACK: one input cut along an axis.

use alloc::format;
use alloc::vec::Vec;

use edgebench_kernels::reference::strided_copy::{CopyAxis, StridedCopy, steps};

use super::moves::{axis_operand, axis_option, check_moved, constant_list, moves, moves_of_second};
use super::{Operand, Prepared, Site};
use crate::error::Fault;
use crate::tensor::DType;

/// Types that SPLIT and SPLIT_V take (`split.cc`, `split_v.cc`).
const SPLIT_TYPES: &[DType] =
    &[DType::Float32, DType::UInt8, DType::Int8, DType::Int16, DType::Int32, DType::Int64];
/// Types that UNPACK takes (`unpack.cc`).
const UNPACK_TYPES: &[DType] =
    &[DType::Float32, DType::UInt8, DType::Int8, DType::Int16, DType::Int32, DType::Bool];

/// Prepares SPLIT: input 0 is the constant axis, input 1 is cut into as many equal parts as there are outputs.
pub(crate) fn split(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let options = site.options(|table| table.builtin_options_as_split_options())?;
    let (axis, input) = (site.input(0)?, site.input(1)?);
    check_count(site, options.num_splits())?;
    let axis = constant_axis(&axis, 0, &input)?;
    let (dim, count) = (input.shape()[axis], site.node().outputs.len());
    if dim % count != 0 {
        let expected = format!("axis {axis} to be a multiple of {count}");
        return Err(input.fault(expected, format!("shape {:?}", input.shape())));
    }
    Ok(moves_of_second(cuts(site, &input, axis, &alloc::vec![dim / count; count])?))
}

/// Prepares SPLIT_V: input 1 is a constant list of lengths, one of which may be -1 for what is left; input 2 the axis.
pub(crate) fn split_v(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let options = site.options(|table| table.builtin_options_as_split_voptions())?;
    let (input, lengths, axis) = (site.input(0)?, site.input(1)?, site.input(2)?);
    check_count(site, options.num_splits())?;
    let axis = constant_axis(&axis, 2, &input)?;
    lengths.expect_shape(&[site.node().outputs.len()])?;
    let list = constant_list(&lengths, 1)?;
    let known = list
        .iter()
        .filter(|length| **length != -1)
        .try_fold(0i64, |sum, length| (*length >= 0).then(|| sum.checked_add(*length)).flatten());
    let fault =
        || lengths.fault(format!("lengths of axis {axis} of shape {:?}", input.shape()), format!("{list:?}"));
    let left = known.and_then(|known| usize::try_from(input.shape()[axis] as i64 - known).ok());
    let left = left.ok_or_else(fault)?;
    match list.iter().filter(|length| **length == -1).count() {
        0 if left == 0 => {}
        1 => {}
        _ => return Err(fault()),
    }
    let length = |length: &i64| usize::try_from(*length).unwrap_or(left);
    let parts: Vec<usize> = list.iter().map(length).collect();
    Ok(moves(cuts(site, &input, axis, &parts)?))
}

/// Prepares UNPACK: each step along an axis becomes an output without that axis.
pub(crate) fn unpack(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let options = site.options(|table| table.builtin_options_as_unpack_options())?;
    let input = site.input(0)?;
    check_count(site, options.num())?;
    let axis = axis_option(site, options.axis(), input.shape().len())?;
    let count = site.node().outputs.len();
    if input.shape()[axis] != count {
        return Err(input.fault(format!("{count} along axis {axis}"), format!("shape {:?}", input.shape())));
    }
    let mut shape = input.shape().to_vec();
    shape.remove(axis);
    let part = |slot: usize| {
        let output = site.output(slot)?;
        check_moved(site, UNPACK_TYPES, &input, &output)?;
        output.expect_shape(&shape)?;
        Ok(cut(&input, axis, slot, 1))
    };
    Ok(moves((0..count).map(part).collect::<Result<_, _>>()?))
}

fn check_count(site: &Site<'_, '_>, stated: i32) -> Result<(), Fault> {
    let outputs = site.node().outputs.len();
    if usize::try_from(stated) == Ok(outputs) {
        return Ok(());
    }
    Err(Fault::mismatch(site.place(), format!("{stated} outputs"), format!("{outputs}")))
}

fn constant_axis(operand: &Operand<'_>, slot: usize, input: &Operand<'_>) -> Result<usize, Fault> {
    operand.expect_elements(1)?;
    operand.expect_dtype(DType::Int32)?;
    let value = constant_list(operand, slot)?.first().copied().unwrap_or(0);
    axis_operand(operand, value, input.shape().len())
}

/// The copies of parts that follow each other along `axis` and together are the whole axis.
fn cuts(
    site: &Site<'_, '_>,
    input: &Operand<'_>,
    axis: usize,
    lengths: &[usize],
) -> Result<Vec<StridedCopy>, Fault> {
    let mut first = 0;
    let mut copies = Vec::with_capacity(lengths.len());
    for (slot, length) in lengths.iter().enumerate() {
        let output = site.output(slot)?;
        check_moved(site, SPLIT_TYPES, input, &output)?;
        let mut shape = input.shape().to_vec();
        shape[axis] = *length;
        output.expect_shape(&shape)?;
        copies.push(cut(input, axis, first, *length));
        first += length;
    }
    Ok(copies)
}

/// `length` steps along `axis` from `first` on.
fn cut(input: &Operand<'_>, axis: usize, first: usize, length: usize) -> StridedCopy {
    let mut shape = input.shape().to_vec();
    let from = steps(&shape);
    shape[axis] = length;
    let axes = shape.iter().zip(&from).zip(steps(&shape));
    let axes: Vec<CopyAxis> = axes.map(|((len, from), to)| CopyAxis { len: *len, from: *from, to }).collect();
    StridedCopy::new(&axes, first * from[axis] as usize, 0, input.dtype().size_bytes())
}
