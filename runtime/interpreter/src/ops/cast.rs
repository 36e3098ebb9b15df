//! CAST from any element type to any other.

use alloc::format;

use bytemuck::Pod;
use edgebench_kernels::reference::cast::{self, From, To};

use super::map::plain_unary;
use super::{Operand, Prepared, Site};
use crate::error::Fault;
use crate::tensor::DType;

/// Prepares CAST. The types are those of the tensors.
pub(crate) fn cast(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let (input, output) = (site.input(0)?, site.output(0)?);
    output.expect_shape(input.shape())?;
    match input.dtype() {
        DType::Float32 => from::<f32>(site, &output),
        DType::Int8 => from::<i8>(site, &output),
        DType::UInt8 | DType::Bool => from::<u8>(site, &output),
        DType::Int16 => from::<i16>(site, &output),
        DType::Int32 => from::<i32>(site, &output),
        DType::Int64 => from::<i64>(site, &output),
        DType::Float16 => from::<u16>(site, &output),
    }
}

fn from<In: Pod + From>(site: &Site<'_, '_>, output: &Operand<'_>) -> Result<Prepared, Fault> {
    match output.dtype() {
        DType::Float32 => Ok(between::<In, f32>()),
        DType::Int8 => Ok(between::<In, i8>()),
        DType::UInt8 => Ok(between::<In, u8>()),
        DType::Int16 => Ok(between::<In, i16>()),
        DType::Int32 => Ok(between::<In, i32>()),
        DType::Int64 => Ok(between::<In, i64>()),
        DType::Float16 => Ok(between::<In, u16>()),
        DType::Bool => Ok(plain_unary(cast::cast_to_bool::<In>)),
    }
}

fn between<In: Pod + From, Out: Pod + To>() -> Prepared {
    plain_unary(cast::cast::<In, Out>)
}
