//! REVERSE_V2 and REVERSE_SEQUENCE: elements in the opposite order along an axis.

use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use edgebench_kernels::Set;
use edgebench_kernels::reference::reverse_sequence::{ReverseSequence, reverse_sequence as kernel};
use edgebench_kernels::reference::strided_copy::{CopyAxis, StridedCopy, steps};

use super::moves::{
    ANY_TYPE, Integers, axis_operand, axis_option, by_size, check_moved, constant_list, moves,
};
use super::{Prepared, Site, Step};
use crate::error::Fault;
use crate::memory::Frame;
use crate::tensor::DType;

/// Types of REVERSE_SEQUENCE (`reverse_sequence.cc`).
const SEQUENCE_TYPES: &[DType] = &[DType::Float32, DType::UInt8, DType::Int16, DType::Int32, DType::Int64];

/// Prepares REVERSE_V2: input 1 is a constant list of axes.
pub(crate) fn reverse_v2(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let (input, axes, output) = (site.input(0)?, site.input(1)?, site.output(0)?);
    check_moved(site, ANY_TYPE, &input, &output)?;
    output.expect_shape(input.shape())?;
    axes.expect_dtype(DType::Int32)?;
    axes.expect_shape(&[axes.elements()])?;
    let mut reversed = vec![false; input.shape().len()];
    for value in constant_list(&axes, 1)? {
        let axis = axis_operand(&axes, value, reversed.len())?;
        if core::mem::replace(&mut reversed[axis], true) {
            return Err(axes.fault("every axis once", format!("{value} again")));
        }
    }
    let step = steps(input.shape());
    let (mut start, mut copied) = (0, Vec::with_capacity(reversed.len()));
    for (axis, len) in input.shape().iter().enumerate() {
        let (to, is_reversed) = (step[axis], reversed[axis]);
        start += if is_reversed { len.saturating_sub(1) * to as usize } else { 0 };
        copied.push(CopyAxis { len: *len, from: if is_reversed { -to } else { to }, to });
    }
    Ok(moves(vec![StridedCopy::new(&copied, start, 0, input.dtype().size_bytes())]))
}

struct Sequences {
    dims: Vec<usize>,
    sequence_axis: usize,
    batch_axis: usize,
    lengths: Integers,
    dtype: DType,
}

/// Prepares REVERSE_SEQUENCE: input 1 has a length for each step along the batch axis.
pub(crate) fn reverse_sequence(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let options = site.options(|table| table.builtin_options_as_reverse_sequence_options())?;
    let (input, lengths, output) = (site.input(0)?, site.input(1)?, site.output(0)?);
    check_moved(site, SEQUENCE_TYPES, &input, &output)?;
    output.expect_shape(input.shape())?;
    let rank = input.shape().len();
    let sequence_axis = axis_option(site, options.seq_dim(), rank)?;
    let batch_axis = axis_option(site, options.batch_dim(), rank)?;
    if sequence_axis == batch_axis {
        return Err(Fault::mismatch(site.place(), "two axes", format!("{sequence_axis} twice")));
    }
    lengths.expect_shape(&[input.shape()[batch_axis]])?;
    let step = Sequences {
        dims: input.shape().to_vec(),
        sequence_axis,
        batch_axis,
        lengths: Integers::new(&lengths, 1, &[DType::Int32, DType::Int64])?,
        dtype: input.dtype(),
    };
    Ok(Prepared::run(Set::Reference.name(), step))
}

impl Step for Sequences {
    fn run(&self, frame: Frame<'_>) -> Result<(), Fault> {
        let lengths = self.lengths.bytes(&frame.inputs);
        self.lengths.check_below(lengths, self.dims[self.sequence_axis] + 1)?;
        let length = |batch: usize| self.lengths.get(lengths, batch) as usize;
        let shape = ReverseSequence {
            dims: &self.dims,
            sequence_axis: self.sequence_axis,
            batch_axis: self.batch_axis,
        };
        by_size!(self.dtype, Element => {
            kernel::<Element>(&shape, length, frame.inputs.of(0), frame.outputs.of());
        });
        Ok(())
    }
}
