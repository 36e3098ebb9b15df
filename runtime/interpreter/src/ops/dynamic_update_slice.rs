//! DYNAMIC_UPDATE_SLICE: a tensor with a part of it replaced.

use alloc::vec::Vec;

use edgebench_kernels::Set;
use edgebench_kernels::reference::strided_copy::{CopyAxis, StridedCopy, steps};

use super::moves::{ANY_TYPE, Integers, check_moved};
use super::{Prepared, Site, Step};
use crate::error::Fault;
use crate::memory::Frame;
use crate::tensor::DType;

struct Update {
    dims: Vec<usize>,
    part: Vec<usize>,
    starts: Integers,
    element_bytes: usize,
}

/// Prepares DYNAMIC_UPDATE_SLICE: input 1 goes where input 2 says, moved so that it lies inside input 0.
pub(crate) fn dynamic_update_slice(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let (input, update, starts) = (site.input(0)?, site.input(1)?, site.input(2)?);
    let output = site.output(0)?;
    check_moved(site, ANY_TYPE, &input, &output)?;
    check_moved(site, ANY_TYPE, &update, &output)?;
    output.expect_shape(input.shape())?;
    starts.expect_shape(&[input.shape().len()])?;
    let dims = input.shape().iter().zip(update.shape());
    if update.shape().len() != input.shape().len() || dims.clone().any(|(dim, part)| part > dim) {
        let expected = alloc::format!("a part of shape {:?}", input.shape());
        return Err(update.fault(expected, alloc::format!("shape {:?}", update.shape())));
    }
    let step = Update {
        dims: input.shape().to_vec(),
        part: update.shape().to_vec(),
        starts: Integers::new(&starts, 2, &[DType::Int32, DType::Int64])?,
        element_bytes: input.dtype().size_bytes(),
    };
    Ok(Prepared::run(Set::Reference.name(), step))
}

impl Step for Update {
    fn run(&self, frame: Frame<'_>) -> Result<(), Fault> {
        let starts = self.starts.bytes(&frame.inputs);
        let (from, to) = (steps(&self.part), steps(&self.dims));
        let mut first = 0;
        let mut axes = Vec::with_capacity(self.dims.len());
        for (axis, (dim, len)) in self.dims.iter().zip(&self.part).enumerate() {
            let start = self.starts.get(starts, axis).clamp(0, (dim - len) as i64) as usize;
            first += start * to[axis] as usize;
            axes.push(CopyAxis { len: *len, from: from[axis], to: to[axis] });
        }
        let output = frame.outputs.bytes();
        output.copy_from_slice(frame.inputs.bytes(0));
        StridedCopy::new(&axes, 0, first, self.element_bytes).run(frame.inputs.bytes(1), output);
        Ok(())
    }
}
