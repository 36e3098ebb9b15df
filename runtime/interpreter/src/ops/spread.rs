//! DILATE and SPARSE_TO_DENSE: elements spread over a background.

use alloc::format;
use alloc::vec::Vec;

use edgebench_kernels::Set;
use edgebench_kernels::reference::strided_copy::{CopyAxis, StridedCopy, steps};

use super::moves::{ANY_TYPE, Integers, check_moved, constant_list, constant_shape};
use super::{Prepared, Reads, Site, Step};
use crate::error::Fault;
use crate::memory::Frame;
use crate::tensor::DType;

/// Types of SPARSE_TO_DENSE (`sparse_to_dense.cc`).
const SPARSE_TYPES: &[DType] = &[DType::Float32, DType::Int32, DType::Int64, DType::Int8, DType::UInt8];

/// Input 0 over a background of input 2.
struct Apart(StridedCopy);

/// Prepares DILATE: input 1 is the distance of elements along each axis, input 2 what stands between them.
pub(crate) fn dilate(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let (input, distances, between, output) =
        (site.input(0)?, site.input(1)?, site.input(2)?, site.output(0)?);
    check_moved(site, ANY_TYPE, &input, &output)?;
    between.expect_dtype(input.dtype())?;
    between.expect_elements(1)?;
    distances.expect_dtype(DType::Int32)?;
    distances.expect_shape(&[input.shape().len()])?;
    let mut list = Vec::new();
    for distance in constant_list(&distances, 1)? {
        let valid = usize::try_from(distance).ok().filter(|distance| *distance > 0);
        list.push(valid.ok_or_else(|| distances.fault("distances of at least 1", format!("{distance}")))?);
    }
    let side = |(dim, distance): (&usize, &usize)| match dim.checked_sub(1) {
        Some(gaps) => gaps.saturating_mul(*distance).saturating_add(1),
        None => 0,
    };
    let sides: Vec<usize> = input.shape().iter().zip(&list).map(side).collect();
    output.expect_shape(&sides)?;
    let strides = steps(input.shape()).into_iter().zip(steps(&sides)).zip(input.shape()).zip(&list);
    let axes: Vec<CopyAxis> = strides
        .map(|(((from, to), len), distance)| CopyAxis { len: *len, from, to: to * *distance as isize })
        .collect();
    let copy = StridedCopy::new(&axes, 0, 0, input.dtype().size_bytes());
    Ok(Prepared { reads: Reads::Only(&[0, 2]), ..Prepared::run(Set::Reference.name(), Apart(copy)) })
}

impl Step for Apart {
    fn run(&self, frame: Frame<'_>) -> Result<(), Fault> {
        let output = frame.outputs.bytes();
        background(frame.inputs.bytes(2), output);
        self.0.run(frame.inputs.bytes(0), output);
        Ok(())
    }
}

fn background(element: &[u8], output: &mut [u8]) {
    output.chunks_exact_mut(element.len().max(1)).for_each(|store| store.copy_from_slice(element));
}

/// Values at places.
struct Places {
    indices: Integers,
    /// Of the output.
    shape: Vec<usize>,
    /// Elements of `indices` that make a place.
    depth: usize,
    element_bytes: usize,
    /// Whether all values are one.
    is_one: bool,
}

/// Prepares SPARSE_TO_DENSE: input 0 has places, one a row (a list is of places along the only axis), input 1 the output's
/// shape, input 2 a value for each place or one for all, input 3 what stands elsewhere.
pub(crate) fn sparse_to_dense(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let (indices, sides, values, elsewhere) =
        (site.input(0)?, site.input(1)?, site.input(2)?, site.input(3)?);
    let output = site.output(0)?;
    check_moved(site, SPARSE_TYPES, &values, &output)?;
    elsewhere.expect_dtype(values.dtype())?;
    elsewhere.expect_elements(1)?;
    sides.expect_shape(&[sides.elements()])?;
    let shape = constant_shape(&sides, 1)?;
    output.expect_shape(&shape)?;
    let (count, depth) = match *indices.shape() {
        [] => (1, 1),
        [count] => (count, 1),
        [count, depth] => (count, depth),
        _ => return Err(indices.fault("rank of at most 2", format!("shape {:?}", indices.shape()))),
    };
    if depth != shape.len() {
        return Err(indices.fault(format!("{} numbers a place", shape.len()), format!("{depth}")));
    }
    let is_one = values.shape().is_empty();
    if !is_one {
        values.expect_shape(&[count])?;
    }
    let indices = Integers::new(&indices, 0, &[DType::Int32, DType::Int64])?;
    let element_bytes = values.dtype().size_bytes();
    let step = Places { indices, shape, depth, element_bytes, is_one };
    Ok(Prepared { reads: Reads::Only(&[0, 2, 3]), ..Prepared::run(Set::Reference.name(), step) })
}

impl Step for Places {
    fn run(&self, frame: Frame<'_>) -> Result<(), Fault> {
        let (bytes, values) = (self.indices.bytes(&frame.inputs), frame.inputs.bytes(2));
        let output = frame.outputs.bytes();
        background(frame.inputs.bytes(3), output);
        let numbers: Vec<i64> = self.indices.list(bytes);
        for (row, place) in numbers.chunks_exact(self.depth.max(1)).enumerate() {
            let at = self.place(place).ok_or_else(|| {
                self.indices.fault(format!("places within {:?}", self.shape), format!("{place:?}"))
            })?;
            let from = if self.is_one { 0 } else { row * self.element_bytes };
            let value = &values[from..from + self.element_bytes];
            output[at * self.element_bytes..][..self.element_bytes].copy_from_slice(value);
        }
        Ok(())
    }
}

impl Places {
    /// The number of the element at a place; none when it lies outside.
    fn place(&self, place: &[i64]) -> Option<usize> {
        place.iter().zip(&self.shape).try_fold(0, |at, (number, dim)| {
            let number = usize::try_from(*number).ok().filter(|number| number < dim)?;
            Some(at * dim + number)
        })
    }
}
