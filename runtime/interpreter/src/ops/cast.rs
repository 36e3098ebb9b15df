//! CAST from any element type to any other, but for 4-bit integers.

use alloc::format;

use bytemuck::Pod;
use edgebench_kernels::reference::cast::{self, From, To};

use super::map::plain_unary;
use super::{Prepared, Site};
use crate::error::Fault;
use crate::tensor::DType;

/// Prepares CAST. The types are those of the tensors.
pub(crate) fn cast(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let (input, output) = (site.input(0)?, site.output(0)?);
    output.expect_shape(input.shape())?;
    let prepared = match input.dtype() {
        DType::Float32 => from::<f32>(output.dtype()),
        DType::Int8 => from::<i8>(output.dtype()),
        DType::UInt8 | DType::Bool => from::<u8>(output.dtype()),
        DType::Int16 => from::<i16>(output.dtype()),
        DType::Int32 => from::<i32>(output.dtype()),
        DType::Int64 => from::<i64>(output.dtype()),
        DType::Float16 => from::<u16>(output.dtype()),
        DType::Int2 | DType::Int4 | DType::Complex64 | DType::Resource | DType::Other => None,
    };
    prepared.ok_or_else(|| site.unsupported(format!("types {} to {}", input.dtype(), output.dtype())))
}

fn from<In: Pod + From>(output: DType) -> Option<Prepared> {
    Some(match output {
        DType::Float32 => between::<In, f32>(),
        DType::Float16 => between::<In, u16>(),
        DType::Int8 => between::<In, i8>(),
        DType::UInt8 => between::<In, u8>(),
        DType::Int16 => between::<In, i16>(),
        DType::Int32 => between::<In, i32>(),
        DType::Int64 => between::<In, i64>(),
        DType::Bool => plain_unary(cast::cast_to_bool::<In>),
        DType::Int2 | DType::Int4 | DType::Complex64 | DType::Resource | DType::Other => return None,
    })
}

fn between<In: Pod + From, Out: Pod + To>() -> Prepared {
    plain_unary(cast::cast::<In, Out>)
}
