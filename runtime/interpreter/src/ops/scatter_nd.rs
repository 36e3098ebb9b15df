//! SCATTER_ND: slices added into zeros.

use bytemuck::Pod;
use edgebench_kernels::Set;
use edgebench_kernels::reference::scatter_nd::{Accumulate, Truth, scatter_nd as kernel};

use super::gather::SliceIndices;
use super::moves::{check_moved, constant_shape};
use super::{Prepared, Site, Step};
use crate::error::Fault;
use crate::memory::Frame;
use crate::tensor::DType;

/// Types that LiteRT adds (`scatter_nd.cc`); booleans add up to "or".
const TYPES: &[DType] = &[DType::Float32, DType::UInt8, DType::Int8, DType::Int32, DType::Int64, DType::Bool];

struct Scatter {
    indices: SliceIndices,
    slice_len: usize,
    dtype: DType,
}

/// Prepares SCATTER_ND: the last axis of input 0 has indices of slices, input 1 the slices, constant input 2 the output's shape.
pub(crate) fn scatter_nd(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let (indices, updates, shape) = (site.input(0)?, site.input(1)?, site.input(2)?);
    let output = site.output(0)?;
    check_moved(site, TYPES, &updates, &output)?;
    shape.expect_dtype(DType::Int32)?;
    shape.expect_shape(&[shape.elements()])?;
    let dims = constant_shape(&shape, 2)?;
    output.expect_shape(&dims)?;
    let slices = SliceIndices::new(&indices, 0, &[DType::Int32], &dims)?;
    let inner = &dims[slices.depth()..];
    let lists = &indices.shape()[..indices.shape().len() - 1];
    updates.expect_shape(&[lists, inner].concat())?;
    if updates.shape().is_empty() {
        return Err(updates.fault("rank of at least 1", "a scalar"));
    }
    let step = Scatter { indices: slices, slice_len: inner.iter().product(), dtype: updates.dtype() };
    Ok(Prepared::run(Set::Reference.name(), step))
}

impl Step for Scatter {
    fn run(&self, frame: Frame<'_>) -> Result<(), Fault> {
        match self.dtype {
            DType::Float32 => self.scatter::<f32>(frame),
            DType::Int8 => self.scatter::<i8>(frame),
            DType::Int32 => self.scatter::<i32>(frame),
            DType::Int64 => self.scatter::<i64>(frame),
            DType::Bool => self.scatter::<Truth>(frame),
            _ => self.scatter::<u8>(frame),
        }
    }
}

impl Scatter {
    fn scatter<T: Accumulate + Pod>(&self, frame: Frame<'_>) -> Result<(), Fault> {
        let indices = self.indices.check(&frame.inputs)?;
        let start = |at: usize| self.indices.slice(indices, at) * self.slice_len;
        kernel::<T>(self.slice_len, start, frame.inputs.of(1), frame.outputs.of());
        Ok(())
    }
}
