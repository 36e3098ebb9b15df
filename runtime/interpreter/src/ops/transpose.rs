//! TRANSPOSE: the axes of a tensor in another order.

use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use edgebench_kernels::reference::strided_copy::{CopyAxis, StridedCopy, steps};

use super::moves::{ANY_TYPE, axis_operand, check_moved, check_rank, constant_list, moves};
use super::{Prepared, Site};
use crate::error::Fault;

/// The largest rank that LiteRT transposes (`transpose.cc`).
const MAX_RANK: usize = 6;

/// Prepares TRANSPOSE: input 1 is a constant list of the input's axes in the order of the output.
pub(crate) fn transpose(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let (input, order, output) = (site.input(0)?, site.input(1)?, site.output(0)?);
    check_moved(site, ANY_TYPE, &input, &output)?;
    let rank = check_rank(&input, MAX_RANK)?;
    order.expect_shape(&[rank])?;
    order.expect_dtype(crate::tensor::DType::Int32)?;
    let list = constant_list(&order, 1)?;
    let mut seen = vec![false; rank];
    for value in &list {
        let axis = axis_operand(&order, *value, rank)?;
        if core::mem::replace(&mut seen[axis], true) {
            return Err(order.fault("every axis once", format!("{list:?}")));
        }
    }
    let axes: Vec<usize> =
        list.iter().map(|value| axis_operand(&order, *value, rank)).collect::<Result<_, _>>()?;
    let shape: Vec<usize> = axes.iter().map(|axis| input.shape()[*axis]).collect();
    output.expect_shape(&shape)?;
    let (from, to) = (steps(input.shape()), steps(&shape));
    let copy_axis = |(at, axis): (usize, &usize)| CopyAxis { len: shape[at], from: from[*axis], to: to[at] };
    let copied: Vec<CopyAxis> = axes.iter().enumerate().map(copy_axis).collect();
    Ok(moves(vec![StridedCopy::new(&copied, 0, 0, input.dtype().size_bytes())]))
}
