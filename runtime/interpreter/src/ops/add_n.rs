//! ADD_N, the sum of any number of operands of one shape, and ZEROS_LIKE.

use alloc::format;

use bytemuck::Pod;
use edgebench_kernels::reference::number::Number;

use super::map::plain;
use super::unary::same_shape;
use super::{Prepared, Reads, Site};
use crate::error::Fault;
use crate::tensor::DType;

/// Prepares ADD_N.
pub(crate) fn add_n(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let (first, _) = same_shape(site)?;
    let count = site.node().inputs.len();
    for slot in 1..count {
        let input = site.input(slot)?;
        input.expect_shape(first.shape())?;
        input.expect_dtype(first.dtype())?;
    }
    match first.dtype() {
        DType::Float32 => Ok(sum::<f32>(count)),
        DType::Int32 => Ok(sum::<i32>(count)),
        dtype => Err(site.unsupported(format!("type {dtype}"))),
    }
}

fn sum<T: Pod + Number>(count: usize) -> Prepared {
    plain(move |frame| {
        let output = frame.outputs.of::<T>();
        output.copy_from_slice(frame.inputs.of(0));
        for slot in 1..count {
            for (sum, value) in output.iter_mut().zip(frame.inputs.of::<T>(slot)) {
                *sum = sum.plus(*value);
            }
        }
        Ok(())
    })
}

/// Prepares ZEROS_LIKE.
pub(crate) fn zeros_like(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let (input, _) = same_shape(site)?;
    match input.dtype() {
        DType::Float32 | DType::Int32 | DType::Int64 => {
            let zeros = plain(|frame| {
                frame.outputs.bytes().fill(0);
                Ok(())
            });
            Ok(Prepared { reads: Reads::Only(&[]), ..zeros })
        }
        dtype => Err(site.unsupported(format!("type {dtype}"))),
    }
}
