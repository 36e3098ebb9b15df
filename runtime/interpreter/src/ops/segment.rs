//! SEGMENT_SUM and UNSORTED_SEGMENT_SUM, PROD, MIN and MAX: rows gathered by the numbers of their segments.

use alloc::format;

use bytemuck::Pod;
use edgebench_kernels::Set;
use edgebench_kernels::reference::number::Number;
use edgebench_kernels::reference::segment::Gathering;

use super::moves::{Integers, constant_list};
use super::{Operand, Prepared, Site, Step};
use crate::error::Fault;
use crate::memory::Frame;
use crate::tensor::DType;

struct Rows<T> {
    gathering: Gathering<T>,
    numbers: Integers,
    row_len: usize,
    segments: usize,
}

/// Prepares SEGMENT_SUM: input 1 numbers the rows of input 0, from 0 and without gaps.
pub(crate) fn segment_sum(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let (input, numbers) = (site.input(0)?, site.input(1)?);
    numbers.expect_shape(&[numbers.elements()])?;
    let list = constant_list(&numbers, 1)?;
    let steps = core::iter::once(&0).chain(&list).zip(&list);
    if let Some((before, number)) =
        steps.into_iter().find(|(before, number)| !(0..=1).contains(&(*number - *before)))
    {
        return Err(numbers.fault(format!("{before} or the next number"), format!("{number}")));
    }
    if list.first().is_some_and(|first| *first != 0) {
        return Err(numbers.fault("0 as the first number", format!("{}", list[0])));
    }
    let segments = list.last().map_or(0, |last| *last as usize + 1);
    match input.dtype() {
        DType::Float32 => rows(site, &input, &numbers, segments, Gathering::<f32>::SUM),
        DType::Int32 => rows(site, &input, &numbers, segments, Gathering::<i32>::SUM),
        dtype => Err(site.unsupported(format!("type {dtype}"))),
    }
}

/// Prepares UNSORTED_SEGMENT_SUM.
pub(crate) fn unsorted_segment_sum(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    unsorted(site, Gathering::SUM, Gathering::SUM)
}

/// Prepares UNSORTED_SEGMENT_PROD.
pub(crate) fn unsorted_segment_prod(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    unsorted(site, Gathering::PRODUCT, Gathering::PRODUCT)
}

/// Prepares UNSORTED_SEGMENT_MIN.
pub(crate) fn unsorted_segment_min(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    unsorted(site, Gathering::LEAST, Gathering::LEAST)
}

/// Prepares UNSORTED_SEGMENT_MAX.
pub(crate) fn unsorted_segment_max(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    unsorted(site, Gathering::GREATEST, Gathering::GREATEST)
}

/// Input 1 numbers the rows of input 0; negative numbers leave out; input 2 is the number of segments.
fn unsorted(
    site: &Site<'_, '_>,
    floats: Gathering<f32>,
    integers: Gathering<i32>,
) -> Result<Prepared, Fault> {
    let (input, numbers, count) = (site.input(0)?, site.input(1)?, site.input(2)?);
    count.expect_elements(1)?;
    count.expect_dtype(DType::Int32)?;
    let segments = constant_list(&count, 2)?.first().and_then(|count| usize::try_from(*count).ok());
    let segments = segments.ok_or_else(|| count.fault("a number of at least 0", "a negative one"))?;
    match input.dtype() {
        DType::Float32 => rows(site, &input, &numbers, segments, floats),
        DType::Int32 => rows(site, &input, &numbers, segments, integers),
        dtype => Err(site.unsupported(format!("type {dtype}"))),
    }
}

fn rows<T: Number + Pod + Send + Sync>(
    site: &Site<'_, '_>,
    input: &Operand<'_>,
    numbers: &Operand<'_>,
    segments: usize,
    gathering: Gathering<T>,
) -> Result<Prepared, Fault> {
    let output = site.output(0)?;
    output.expect_dtype(input.dtype())?;
    let own = numbers.shape().len();
    let row = input.shape().get(own..).filter(|_| input.shape().starts_with(numbers.shape()));
    let row = row.ok_or_else(|| {
        numbers
            .fault(format!("first dimensions of {:?}", input.shape()), format!("shape {:?}", numbers.shape()))
    })?;
    output.expect_shape(&[&[segments], row].concat())?;
    let numbers = Integers::new(numbers, 1, &[DType::Int32])?;
    let step = Rows { gathering, numbers, row_len: row.iter().product(), segments };
    Ok(Prepared::run(Set::Reference.name(), step))
}

impl<T: Number + Pod + Send + Sync> Step for Rows<T> {
    fn run(&self, frame: Frame<'_>) -> Result<(), Fault> {
        let bytes = self.numbers.bytes(&frame.inputs);
        let limit = i64::try_from(self.segments).unwrap_or(i64::MAX);
        if let Some(number) = self.numbers.values(bytes).find(|number| *number >= limit) {
            return Err(self.numbers.fault(format!("segments below {limit}"), format!("{number}")));
        }
        let segment = |row: usize| usize::try_from(self.numbers.get(bytes, row)).ok();
        self.gathering.gather(self.row_len, segment, frame.inputs.of(0), frame.outputs.of());
        Ok(())
    }
}
