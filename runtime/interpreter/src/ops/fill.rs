//! FILL, RANGE, SHAPE, RANK and ONE_HOT: tensors made from few numbers.

use alloc::format;
use alloc::vec::Vec;

use bytemuck::Pod;
use edgebench_kernels::Set;
use edgebench_kernels::reference::one_hot::{OneHot, one_hot as one_hot_kernel};
use edgebench_kernels::reference::range::{self, Number};
use edgebench_schema::tflite::TensorType;

use super::moves::{ANY_TYPE, Integers, by_size, check_moved, constant_list, constant_shape};
use super::{ConstantData, Operand, Prepared, Reads, Site, Step};
use crate::error::Fault;
use crate::memory::Frame;
use crate::tensor::DType;

/// Types of FILL (`fill.cc`).
const FILL_TYPES: &[DType] = ANY_TYPE;
/// Types of ONE_HOT (`one_hot.cc`).
const ONE_HOT_TYPES: &[DType] =
    &[DType::Float32, DType::Int16, DType::Int32, DType::Int64, DType::Int8, DType::UInt8, DType::Bool];

/// The only element of input 1, everywhere.
struct Fill;

/// Prepares FILL: input 0 is the constant shape of the output, input 1 the element.
pub(crate) fn fill(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let (shape, value, output) = (site.input(0)?, site.input(1)?, site.output(0)?);
    check_moved(site, FILL_TYPES, &value, &output)?;
    shape.expect_shape(&[shape.elements()])?;
    value.expect_shape(&[])?;
    output.expect_shape(&constant_shape(&shape, 0)?)?;
    Ok(Prepared { reads: Reads::Only(&[1]), ..Prepared::run(Set::Reference.name(), Fill) })
}

impl Step for Fill {
    fn run(&self, frame: Frame<'_>) -> Result<(), Fault> {
        let value = frame.inputs.bytes(1);
        let elements = frame.outputs.bytes().chunks_exact_mut(value.len().max(1));
        elements.for_each(|store| store.copy_from_slice(value));
        Ok(())
    }
}

/// Integers that are known at preparation.
struct Known {
    values: Vec<i64>,
    dtype: DType,
}

/// Prepares SHAPE: the dimensions of input 0.
pub(crate) fn shape(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let options = site.options(|table| table.builtin_options_as_shape_options())?;
    let (input, output) = (site.input(0)?, site.output(0)?);
    let dtype = match TensorType(options.out_type()) {
        TensorType::INT32 => DType::Int32,
        TensorType::INT64 => DType::Int64,
        other => return Err(site.unsupported(format!("output type {}", other.0))),
    };
    output.expect_dtype(dtype)?;
    output.expect_shape(&[input.shape().len()])?;
    Ok(known(input.shape().iter().map(|dim| *dim as i64).collect(), dtype))
}

/// Prepares RANK: the number of dimensions of input 0.
pub(crate) fn rank(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let (input, output) = (site.input(0)?, site.output(0)?);
    output.expect_dtype(DType::Int32)?;
    output.expect_shape(&[])?;
    Ok(known([input.shape().len() as i64].to_vec(), DType::Int32))
}

fn known(values: Vec<i64>, dtype: DType) -> Prepared {
    Prepared { reads: Reads::Only(&[]), ..Prepared::run(Set::Reference.name(), Known { values, dtype }) }
}

impl Step for Known {
    fn run(&self, frame: Frame<'_>) -> Result<(), Fault> {
        let elements = frame.outputs.bytes().chunks_exact_mut(self.dtype.size_bytes());
        for (store, value) in elements.zip(&self.values) {
            store.copy_from_slice(&value.to_le_bytes()[..store.len()]);
        }
        Ok(())
    }
}

struct Range<T> {
    start: T,
    delta: T,
}

/// Prepares RANGE: constant inputs 0 to 2 are the first number, the limit and the step.
pub(crate) fn range(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    match site.output(0)?.dtype() {
        DType::Float32 => range_of(site, f32::from_le_bytes),
        DType::Int32 => range_of(site, i32::from_le_bytes),
        DType::Int64 => range_of(site, i64::from_le_bytes),
        dtype => Err(site.unsupported(format!("type {dtype}"))),
    }
}

fn range_of<T: Number + Pod + Send + Sync, const SIZE: usize>(
    site: &Site<'_, '_>,
    read: fn([u8; SIZE]) -> T,
) -> Result<Prepared, Fault> {
    let output = site.output(0)?;
    let number = |slot: usize| {
        let operand = site.input(slot)?;
        operand.expect_dtype(output.dtype())?;
        operand.expect_shape(&[])?;
        first(&operand, operand.expect_constant()?, read)
    };
    let (start, limit, delta) = (number(0)?, number(1)?, number(2)?);
    let count = range::count(start, limit, delta);
    let count = count.ok_or_else(|| {
        Fault::mismatch(site.place(), "a step that leads to the limit", "one that does not")
    })?;
    output.expect_shape(&[count])?;
    Ok(Prepared { reads: Reads::Only(&[]), ..Prepared::run(Set::Reference.name(), Range { start, delta }) })
}

fn first<T, const SIZE: usize>(
    operand: &Operand<'_>,
    constant: ConstantData<'_>,
    read: fn([u8; SIZE]) -> T,
) -> Result<T, Fault> {
    let bytes = constant.bytes.first_chunk::<SIZE>().filter(|_| constant.dtype == operand.dtype());
    bytes
        .map(|bytes| read(*bytes))
        .ok_or_else(|| operand.fault(operand.dtype().name(), constant.dtype.name()))
}

impl<T: Number + Pod + Send + Sync> Step for Range<T> {
    fn run(&self, frame: Frame<'_>) -> Result<(), Fault> {
        range::range(self.start, self.delta, frame.outputs.of());
        Ok(())
    }
}

struct Marks {
    shape: OneHot,
    indices: Integers,
    dtype: DType,
}

/// Prepares ONE_HOT: input 0 has indices, constant input 1 the length of the new axis; elements are input 2 where the index
/// says so and input 3 elsewhere.
pub(crate) fn one_hot(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let options = site.options(|table| table.builtin_options_as_one_hot_options())?;
    let (indices, depth, output) = (site.input(0)?, site.input(1)?, site.output(0)?);
    for slot in [2, 3] {
        let value = site.input(slot)?;
        value.expect_elements(1)?;
        check_moved(site, ONE_HOT_TYPES, &value, &output)?;
    }
    depth.expect_elements(1)?;
    depth.expect_dtype(DType::Int32)?;
    let length = constant_list(&depth, 1)?.first().and_then(|depth| usize::try_from(*depth).ok());
    let length = length.ok_or_else(|| depth.fault("a length of at least 0", "a negative one"))?;
    let dims = indices.shape();
    // The only negative axis is the last one.
    let axis = if options.axis() == -1 { Some(dims.len()) } else { usize::try_from(options.axis()).ok() };
    let axis = axis.filter(|axis| *axis <= dims.len()).ok_or_else(|| {
        Fault::mismatch(site.place(), format!("an axis up to {}", dims.len()), format!("{}", options.axis()))
    })?;
    let mut shape = dims.to_vec();
    shape.insert(axis, length);
    output.expect_shape(&shape)?;
    let step = Marks {
        shape: OneHot { depth: length, inner: dims[axis..].iter().product() },
        indices: Integers::new(&indices, 0, &[DType::Int32, DType::Int64])?,
        dtype: output.dtype(),
    };
    Ok(Prepared { reads: Reads::Only(&[0, 2, 3]), ..Prepared::run(Set::Reference.name(), step) })
}

impl Step for Marks {
    fn run(&self, frame: Frame<'_>) -> Result<(), Fault> {
        let bytes = self.indices.bytes(&frame.inputs);
        let index = |at: usize| self.indices.get(bytes, at);
        by_size!(self.dtype, Element => {
            let value = |slot: usize| frame.inputs.of::<Element>(slot).first().copied().unwrap_or_default();
            one_hot_kernel::<Element>(&self.shape, index, value(2), value(3), frame.outputs.of());
        });
        Ok(())
    }
}
