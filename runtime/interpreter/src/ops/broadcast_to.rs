//! BROADCAST_TO, BROADCAST_ARGS and TILE: a tensor repeated along its axes.

use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use edgebench_kernels::Set;
use edgebench_kernels::reference::strided_copy::{CopyAxis, StridedCopy, steps};

use super::moves::{ANY_TYPE, Integers, check_moved, check_rank, constant_list, constant_shape, moves};
use super::{Operand, Prepared, Site, Step};
use crate::error::Fault;
use crate::memory::Frame;
use crate::tensor::DType;

/// The largest rank that LiteRT broadcasts to (`broadcast_to.cc`).
const MAX_RANK: usize = 8;

/// Prepares BROADCAST_TO: input 1 is the constant shape of the output.
pub(crate) fn broadcast_to(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let (input, shape, output) = (site.input(0)?, site.input(1)?, site.output(0)?);
    check_moved(site, ANY_TYPE, &input, &output)?;
    let shape = constant_shape(&shape, 1)?;
    output.expect_shape(&shape)?;
    check_rank(&output, MAX_RANK)?;
    let fault =
        || input.fault(format!("a shape that broadcasts to {shape:?}"), format!("shape {:?}", input.shape()));
    let added = shape.len().checked_sub(input.shape().len()).ok_or_else(fault)?;
    let from = steps(input.shape());
    let to = steps(&shape);
    let axis = |(at, len): (usize, &usize)| {
        let own = at.checked_sub(added);
        let from = match own.map(|own| (input.shape()[own], from[own])) {
            None | Some((1, _)) => 0,
            Some((dim, step)) if dim == *len => step,
            Some(_) => return Err(fault()),
        };
        Ok(CopyAxis { len: *len, from, to: to[at] })
    };
    let axes: Vec<CopyAxis> = shape.iter().enumerate().map(axis).collect::<Result<_, _>>()?;
    Ok(moves(vec![StridedCopy::new(&axes, 0, 0, input.dtype().size_bytes())]))
}

/// Prepares TILE: input 1 is a constant list of how often the input is repeated along each axis.
pub(crate) fn tile(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let (input, multiples, output) = (site.input(0)?, site.input(1)?, site.output(0)?);
    check_moved(site, ANY_TYPE, &input, &output)?;
    let rank = input.shape().len();
    multiples.expect_shape(&[rank])?;
    let counts = constant_list(&multiples, 1)?;
    let count = |count: &i64| {
        let count = usize::try_from(*count).ok();
        count.ok_or_else(|| multiples.fault("multiples of at least 0", format!("{counts:?}")))
    };
    let counts: Vec<usize> = counts.iter().map(count).collect::<Result<_, _>>()?;
    let dims = input.shape().iter().zip(&counts);
    let shape: Vec<usize> = dims.map(|(dim, count)| dim.saturating_mul(*count)).collect();
    output.expect_shape(&shape)?;
    let (from, to) = (steps(input.shape()), steps(&shape));
    let axes = (0..rank).flat_map(|axis| {
        let dim = input.shape()[axis];
        let repeats = CopyAxis { len: counts[axis], from: 0, to: dim as isize * to[axis] };
        [repeats, CopyAxis { len: dim, from: from[axis], to: to[axis] }]
    });
    let axes: Vec<CopyAxis> = axes.collect();
    Ok(moves(vec![StridedCopy::new(&axes, 0, 0, input.dtype().size_bytes())]))
}

/// The shape that two shapes broadcast to.
struct BroadcastArgs {
    operands: [Integers; 2],
    /// Dimensions that each operand has.
    ranks: [usize; 2],
}

/// Prepares BROADCAST_ARGS.
pub(crate) fn broadcast_args(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let (left, right, output) = (site.input(0)?, site.input(1)?, site.output(0)?);
    let types = &[DType::Int32, DType::Int64];
    let operands = [Integers::new(&left, 0, types)?, Integers::new(&right, 1, types)?];
    right.expect_dtype(left.dtype())?;
    output.expect_dtype(left.dtype())?;
    let rank_of =
        |operand: &Operand<'_>| operand.expect_shape(&[operand.elements()]).map(|()| operand.elements());
    let ranks = [rank_of(&left)?, rank_of(&right)?];
    output.expect_shape(&[ranks[0].max(ranks[1])])?;
    Ok(Prepared::run(Set::Reference.name(), BroadcastArgs { operands, ranks }))
}

impl Step for BroadcastArgs {
    fn run(&self, frame: Frame<'_>) -> Result<(), Fault> {
        let rank = self.ranks[0].max(self.ranks[1]);
        let dim = |operand: usize, axis: usize| {
            let own = (axis + self.ranks[operand]).checked_sub(rank);
            let integers = &self.operands[operand];
            own.map_or(1, |own| integers.get(integers.bytes(&frame.inputs), own))
        };
        let output = frame.outputs.bytes();
        let bytes = output.len() / rank.max(1);
        for (axis, store) in output.chunks_exact_mut(bytes.max(1)).enumerate() {
            let (left, right) = (dim(0, axis), dim(1, axis));
            let size = match (left, right) {
                (1, _) => right,
                (_, 1) => left,
                _ if left == right => left,
                _ => {
                    let expected = format!("{left} or 1 along axis {axis}");
                    return Err(self.operands[1].fault(expected, format!("{right}")));
                }
            };
            store.copy_from_slice(&size.to_le_bytes()[..bytes]);
        }
        Ok(())
    }
}
