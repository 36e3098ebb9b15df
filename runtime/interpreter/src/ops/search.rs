//! WHERE, UNIQUE and BUCKETIZE: where values stand. How much the first two give is known only once they have seen their input.

use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use bytemuck::Pod;
use edgebench_kernels::Set;
use edgebench_schema::tflite::TensorType;

use super::map::plain_unary;
use super::{Operand, Prepared, Reads, Site, Step};
use crate::error::Fault;
use crate::memory::Frame;
use crate::tensor::DType;

/// Types of WHERE (`where.cc`).
const WHERE_TYPES: &[DType] =
    &[DType::Bool, DType::Float32, DType::Int64, DType::Int32, DType::Int8, DType::UInt8];

/// The coordinates of the true elements.
struct Coordinates {
    shape: Vec<usize>,
    dtype: DType,
}

/// Prepares WHERE: one row of coordinates for each element of input 0 that is not 0.
pub(crate) fn where_true(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let (input, output) = (site.input(0)?, site.output(0)?);
    if !WHERE_TYPES.contains(&input.dtype()) {
        return Err(site.unsupported(format!("type {}", input.dtype())));
    }
    if input.shape().is_empty() {
        return Err(input.fault("rank of at least 1", "a scalar"));
    }
    output.expect_dtype(DType::Int64)?;
    let step = Coordinates { shape: input.shape().to_vec(), dtype: input.dtype() };
    let bytes = input.expect_constant()?.bytes;
    output.expect_shape(&[step.true_places(bytes).count(), input.shape().len()])?;
    Ok(Prepared::run(Set::Reference.name(), step))
}

impl Coordinates {
    fn true_places(&self, bytes: &[u8]) -> impl Iterator<Item = usize> {
        let is_true = |element: &[u8]| match self.dtype {
            // Of floats, -0 is 0.
            DType::Float32 => element.iter().enumerate().any(|(at, byte)| byte & [0xFF, 0x7F][at / 3] != 0),
            _ => element.iter().any(|byte| *byte != 0),
        };
        let elements = bytes.chunks_exact(self.dtype.size_bytes()).enumerate();
        elements.filter(move |(_, element)| is_true(element)).map(|(place, _)| place)
    }
}

impl Step for Coordinates {
    fn run(&self, frame: Frame<'_>) -> Result<(), Fault> {
        let places = self.true_places(frame.inputs.bytes(0));
        let rows = frame.outputs.of::<i64>().chunks_exact_mut(self.shape.len());
        for (mut place, row) in places.zip(rows) {
            for (store, dim) in row.iter_mut().zip(&self.shape).rev() {
                *store = (place % dim) as i64;
                place /= dim;
            }
        }
        Ok(())
    }
}

/// The first of each of the different elements, and for each element the number of its like.
struct Different {
    firsts: Vec<usize>,
    numbers: Vec<usize>,
    dtype: DType,
    number_type: DType,
}

/// Prepares UNIQUE: the different elements of a list in the order in which they come, and for each element of the list the
/// place of its like among them.
pub(crate) fn unique(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let options = site.options(|table| table.builtin_options_as_unique_options())?;
    let (input, values, numbers) = (site.input(0)?, site.output(0)?, site.output(1)?);
    input.expect_shape(&[input.elements()])?;
    values.expect_dtype(input.dtype())?;
    let number_type = match options.idx_out_type() {
        TensorType::INT32 => DType::Int32,
        TensorType::INT64 => DType::Int64,
        other => return Err(site.unsupported(format!("output type {}", other.0))),
    };
    numbers.expect_dtype(number_type)?;
    numbers.expect_shape(input.shape())?;
    let different = match input.dtype() {
        DType::Float32 => different(&input, |bytes| Some(ordered(f32::from_le_bytes(*bytes.first_chunk()?)))),
        DType::Int8 => different(&input, |bytes| Some(*bytes.first()? as i8)),
        DType::UInt8 => different(&input, |bytes| bytes.first().copied()),
        DType::Int16 => {
            different(&input, |bytes| bytes.first_chunk().map(|bytes| i16::from_le_bytes(*bytes)))
        }
        DType::Int32 => {
            different(&input, |bytes| bytes.first_chunk().map(|bytes| i32::from_le_bytes(*bytes)))
        }
        DType::Int64 => {
            different(&input, |bytes| bytes.first_chunk().map(|bytes| i64::from_le_bytes(*bytes)))
        }
        dtype => Err(site.unsupported(format!("type {dtype}"))),
    }?;
    values.expect_shape(&[different.firsts.len()])?;
    let step = Different { number_type, ..different };
    Ok(Prepared { reads: Reads::Only(&[0]), ..Prepared::run(Set::Reference.name(), step) })
}

/// Floats as integers of the same order; both zeros are one.
fn ordered(value: f32) -> i32 {
    let bits = (value + 0.0).to_bits() as i32;
    bits ^ ((bits >> 31) as u32 >> 1) as i32
}

fn different<T: Ord>(input: &Operand<'_>, read: impl Fn(&[u8]) -> Option<T>) -> Result<Different, Fault> {
    let dtype = input.dtype();
    let constant = input.expect_constant()?;
    if constant.dtype != dtype {
        return Err(input.fault(dtype.name(), constant.dtype.name()));
    }
    let elements = constant.bytes.chunks_exact(dtype.size_bytes());
    let elements: Vec<Option<T>> = elements.map(read).collect();
    let mut order: Vec<usize> = (0..elements.len()).collect();
    order.sort_by_key(|place| (&elements[*place], *place));
    // By element: the first of its like.
    let mut first_of = vec![0; elements.len()];
    for pair in 0..order.len() {
        let place = order[pair];
        let like =
            pair.checked_sub(1).map(|before| order[before]).filter(|like| elements[*like] == elements[place]);
        first_of[place] = like.map_or(place, |like| first_of[like]);
    }
    let mut numbers = vec![0; elements.len()];
    let mut firsts = Vec::new();
    for (place, first) in first_of.into_iter().enumerate() {
        if first == place {
            numbers[place] = firsts.len();
            firsts.push(place);
        } else {
            numbers[place] = numbers[first];
        }
    }
    Ok(Different { firsts, numbers, dtype, number_type: DType::Int32 })
}

impl Step for Different {
    fn run(&self, frame: Frame<'_>) -> Result<(), Fault> {
        let (input, size) = (frame.inputs.bytes(0), self.dtype.size_bytes());
        let mut outputs = frame.outputs.all();
        let (Some(values), Some(numbers)) = (outputs.next(), outputs.next()) else { return Ok(()) };
        for (store, first) in values.chunks_exact_mut(size).zip(&self.firsts) {
            store.copy_from_slice(&input[first * size..][..size]);
        }
        let number_size = self.number_type.size_bytes();
        for (store, number) in numbers.chunks_exact_mut(number_size).zip(&self.numbers) {
            store.copy_from_slice(&(*number as u64).to_le_bytes()[..number_size]);
        }
        Ok(())
    }
}

/// Prepares BUCKETIZE: for each element, how many of the options' ascending boundaries are not above it.
pub(crate) fn bucketize(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let options = site.options(|table| table.builtin_options_as_bucketize_options())?;
    let boundaries: Vec<f32> = options.boundaries().into_iter().flatten().collect();
    if !boundaries.is_sorted() {
        return Err(Fault::mismatch(site.place(), "ascending boundaries", format!("{boundaries:?}")));
    }
    let (input, output) = (site.input(0)?, site.output(0)?);
    output.expect_dtype(DType::Int32)?;
    output.expect_shape(input.shape())?;
    match input.dtype() {
        DType::Float32 => Ok(buckets(boundaries, |value: f32| value)),
        DType::Int32 => Ok(buckets(boundaries, |value: i32| value as f32)),
        DType::Int64 => Ok(buckets(boundaries, |value: i64| value as f32)),
        dtype => Err(site.unsupported(format!("type {dtype}"))),
    }
}

fn buckets<T: Pod>(boundaries: Vec<f32>, float: fn(T) -> f32) -> Prepared {
    plain_unary(move |input: &[T], output: &mut [i32]| {
        for (store, value) in output.iter_mut().zip(input) {
            let value = float(*value);
            let is_below =
                |boundary: &f32| matches!(value.partial_cmp(boundary), Some(core::cmp::Ordering::Less));
            *store = boundaries.partition_point(|boundary| !is_below(boundary)) as i32;
        }
    })
}
