//! LOGICAL_AND, LOGICAL_OR and LOGICAL_NOT.

use edgebench_kernels::reference::binary::for_each_pair;
use edgebench_kernels::reference::unary::for_each;

use super::map::{plain_binary, plain_unary};
use super::pair::Pair;
use super::{Prepared, Site};
use crate::error::Fault;
use crate::tensor::DType;

/// Prepares LOGICAL_AND.
pub(crate) fn logical_and(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    logical(site, |left, right| u8::from(left != 0 && right != 0))
}

/// Prepares LOGICAL_OR.
pub(crate) fn logical_or(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    logical(site, |left, right| u8::from(left != 0 || right != 0))
}

fn logical(site: &Site<'_, '_>, compute: fn(u8, u8) -> u8) -> Result<Prepared, Fault> {
    let pair = Pair::to_bools(site)?;
    pair.left.expect_dtype(DType::Bool)?;
    let walk = pair.walk;
    Ok(plain_binary(move |left, right, output| for_each_pair(&walk, left, right, output, compute)))
}

/// Prepares LOGICAL_NOT.
pub(crate) fn logical_not(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let (input, output) = (site.input(0)?, site.output(0)?);
    input.expect_dtype(DType::Bool)?;
    output.expect_dtype(DType::Bool)?;
    output.expect_shape(input.shape())?;
    Ok(plain_unary(|input, output| for_each(input, output, |value: u8| u8::from(value == 0))))
}
