//! Two operands that broadcast to the output.

use alloc::format;
use alloc::vec::Vec;

use edgebench_kernels::Broadcast;

use super::{Operand, Site};
use crate::error::Fault;
use crate::tensor::DType;

/// Inputs 0 and 1 of one type, and output 0 with the shape that both broadcast to.
pub(super) struct Pair<'m> {
    pub(super) left: Operand<'m>,
    pub(super) right: Operand<'m>,
    pub(super) output: Operand<'m>,
    pub(super) walk: Broadcast,
}

impl<'m> Pair<'m> {
    /// The output has the type of the operands.
    pub(super) fn of(site: &Site<'_, 'm>) -> Result<Self, Fault> {
        let pair = Self::to_any(site)?;
        pair.output.expect_dtype(pair.left.dtype())?;
        Ok(pair)
    }

    /// The output has one byte an element, 0 or 1.
    pub(super) fn to_bools(site: &Site<'_, 'm>) -> Result<Self, Fault> {
        let pair = Self::to_any(site)?;
        pair.output.expect_dtype(DType::Bool)?;
        Ok(pair)
    }

    fn to_any(site: &Site<'_, 'm>) -> Result<Self, Fault> {
        let (left, right, output) = (site.input(0)?, site.input(1)?, site.output(0)?);
        right.expect_dtype(left.dtype())?;
        let walk = Broadcast::new(left.shape(), right.shape()).ok_or_else(|| {
            let expected = format!("a shape that broadcasts with {:?}", left.shape());
            right.fault(expected, format!("shape {:?}", right.shape()))
        })?;
        output.expect_shape(&broadcast_shape(left.shape(), right.shape()))?;
        Ok(Self { left, right, output, walk })
    }

    pub(super) fn dtype(&self) -> DType {
        self.left.dtype()
    }

    pub(super) fn expect_no_zero_points(&self) -> Result<(), Fault> {
        [&self.left, &self.right, &self.output].into_iter().try_for_each(Operand::expect_no_zero_point)
    }

    /// Scales and zero points of both operands and the output.
    pub(super) fn quantizations(&self) -> Result<[(f32, i32); 3], Fault> {
        Ok([self.left.per_tensor()?, self.right.per_tensor()?, self.output.per_tensor()?])
    }
}

/// The larger dimension of each axis, aligned at the last one.
pub(super) fn broadcast_shape(left: &[usize], right: &[usize]) -> Vec<usize> {
    let rank = left.len().max(right.len());
    let dim = |shape: &[usize], axis: usize| match (axis + shape.len()).checked_sub(rank) {
        Some(own) => shape.get(own).copied().unwrap_or(1),
        None => 1,
    };
    (0..rank).map(|axis| if dim(left, axis) == 1 { dim(right, axis) } else { dim(left, axis) }).collect()
}
