//! Sparse constants, as pruned networks store them: the values that are not zero, and for each dimension, or block within
//! one, where they are (`SparsityParameters` of the schema; TACO's formats). They become dense once, at load.

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use edgebench_schema::tflite::{DimensionMetadata, DimensionType, SparsityParameters};

use super::TensorInfo;
use crate::error::Fault;
use crate::tensor::DType;

/// Dimensions and blocks together; twice as many as dimensions can be.
const MAX_LEVELS: usize = 16;

/// One level of the traversal.
struct Level {
    /// Positions in the dense tensor from one step to the next.
    stride: usize,
    /// Steps.
    size: usize,
    form: Form,
}

enum Form {
    Dense,
    /// Where the steps of each parent begin among the indices, with the end of the last; and the indices.
    Sparse {
        segments: Vec<usize>,
        indices: Vec<usize>,
    },
}

/// A place that the traversal has reached: its number in its level, and its position in the dense tensor.
#[derive(Clone, Copy)]
struct Reached {
    number: usize,
    position: usize,
}

/// The dense bytes of a tensor with `stored` values.
///
/// # Errors
/// When the levels do not fit the shape or each other, or the number of values is not theirs.
pub(super) fn expand(
    tensor: &TensorInfo,
    stored: &[u8],
    parameters: &SparsityParameters,
    place: &str,
) -> Result<Vec<u8>, Fault> {
    if tensor.dtype == DType::Int4 {
        return Err(Fault::unsupported(place, "sparse int4"));
    }
    let size = tensor.dtype.size_bytes();
    if !stored.len().is_multiple_of(size) {
        let expected = format!("whole values of {size} bytes");
        return Err(Fault::mismatch(place, expected, format!("{} bytes", stored.len())));
    }
    let levels = levels(tensor, parameters, place)?;
    let positions = positions(&levels, stored.len() / size, place)?;
    let mut dense = vec![0; tensor.bytes()];
    for (value, position) in stored.chunks_exact(size).zip(positions) {
        // The levels' sizes multiply to the shape, so every position is inside.
        if let Some(store) = dense.get_mut(position * size..(position + 1) * size) {
            store.copy_from_slice(value);
        }
    }
    Ok(dense)
}

/// Positions of the values in the order in which they are stored.
fn positions(levels: &[Level], values: usize, place: &str) -> Result<Vec<usize>, Fault> {
    let mut reached = vec![Reached { number: 0, position: 0 }];
    let segments = |level: &Level| match &level.form {
        Form::Dense => 0,
        Form::Sparse { segments, .. } => segments.len(),
    };
    // Every place leads to a value or has a segment, so there are no more places than the file has of both.
    let most = levels.iter().map(segments).fold(values, usize::max);
    for level in levels {
        reached = match &level.form {
            Form::Dense if reached.len().saturating_mul(level.size) > most => {
                return Err(Fault::mismatch(place, format!("at most {most} sparse places"), "more"));
            }
            Form::Dense => {
                let steps = |parent: Reached| {
                    (0..level.size).map(move |step| Reached {
                        number: parent.number * level.size + step,
                        position: parent.position + step * level.stride,
                    })
                };
                reached.into_iter().flat_map(steps).collect()
            }
            Form::Sparse { segments, indices } => {
                if segments.len() != reached.len() + 1 || segments.last() != Some(&indices.len()) {
                    let expected = format!("{} segments over {} indices", reached.len() + 1, indices.len());
                    return Err(Fault::mismatch(place, expected, format!("{}", segments.len())));
                }
                let steps = |parent: Reached| {
                    (segments[parent.number]..segments[parent.number + 1]).map(move |number| Reached {
                        number,
                        position: parent.position + indices[number] * level.stride,
                    })
                };
                reached.into_iter().flat_map(steps).collect()
            }
        };
    }
    if reached.len() == values {
        return Ok(reached.into_iter().map(|reached| reached.position).collect());
    }
    Err(Fault::mismatch(place, format!("{} sparse values", reached.len()), format!("{values}")))
}

/// The levels in the order of traversal, checked: the dimensions first, then the blocks in them.
fn levels(tensor: &TensorInfo, parameters: &SparsityParameters, place: &str) -> Result<Vec<Level>, Fault> {
    let fault = |expected: String| Fault::mismatch(place, expected, "others");
    let rank = tensor.shape.len();
    let order: Vec<i32> = parameters.traversal_order().into_iter().flatten().collect();
    let block_map: Vec<i32> = parameters.block_map().into_iter().flatten().collect();
    let metadata = parameters.dim_metadata().ok_or_else(|| Fault::missing(place, "sparse dimensions"))?;
    let count = rank + block_map.len();
    if count > MAX_LEVELS || order.len() != count || metadata.len() != count {
        return Err(fault(format!("sparse dimensions for rank {rank} and {} blocks", block_map.len())));
    }
    let order = permutation(&order, rank).ok_or_else(|| fault(format!("a traversal order of {count}")))?;
    let mut blocks = vec![1; rank];
    let mut block_dims = Vec::with_capacity(block_map.len());
    for (index, dim) in block_map.iter().enumerate() {
        let dim = usize::try_from(*dim).ok().filter(|dim| *dim < rank && blocks[*dim] == 1);
        let dim = dim.ok_or_else(|| fault(format!("blocks in different dimensions below {rank}")))?;
        // Blocks come after the dimensions, in an order of their own.
        let level = order.iter().position(|axis| *axis == rank + index);
        let size = level.and_then(|level| usize::try_from(metadata.get(level).dense_size()).ok());
        let size = size.filter(|size| *size > 0 && tensor.shape[dim].is_multiple_of(*size));
        blocks[dim] = size.ok_or_else(|| fault(format!("blocks that divide {:?}", tensor.shape)))?;
        block_dims.push(dim);
    }
    let inner = |dim: usize| tensor.shape[dim + 1..].iter().product::<usize>();
    let level = |(axis, metadata): (&usize, DimensionMetadata<'_>)| {
        let (stride, size) = match axis.checked_sub(rank) {
            None => (inner(*axis) * blocks[*axis], tensor.shape[*axis] / blocks[*axis]),
            Some(block) => (inner(block_dims[block]), blocks[block_dims[block]]),
        };
        Ok(Level { stride, size, form: form(&metadata, size, place)? })
    };
    order.iter().zip(metadata.iter()).map(level).collect()
}

/// `order` as axes, when it has every dimension once, in front, and then every block once.
fn permutation(order: &[i32], rank: usize) -> Option<Vec<usize>> {
    let axes: Vec<usize> = order.iter().map(|axis| usize::try_from(*axis).ok()).collect::<Option<_>>()?;
    let mut seen = vec![false; axes.len()];
    for (place, axis) in axes.iter().enumerate() {
        let fresh = !core::mem::replace(seen.get_mut(*axis)?, true);
        if !fresh || (place < rank) != (*axis < rank) {
            return None;
        }
    }
    Some(axes)
}

fn form(metadata: &DimensionMetadata, size: usize, place: &str) -> Result<Form, Fault> {
    match metadata.format() {
        DimensionType::DENSE if usize::try_from(metadata.dense_size()) == Ok(size) => Ok(Form::Dense),
        DimensionType::DENSE => {
            Err(Fault::mismatch(place, format!("dense size {size}"), format!("{}", metadata.dense_size())))
        }
        DimensionType::SPARSE_CSR => {
            let (segments, indices) = (segments(metadata), indices(metadata));
            let (Some(segments), Some(indices)) = (segments, indices) else {
                return Err(Fault::missing(place, "sparse segments or indices"));
            };
            let ascending = segments.first() == Some(&0) && segments.is_sorted();
            if !ascending || indices.iter().any(|index| *index >= size) {
                let expected = format!("ascending segments from 0, and indices below {size}");
                return Err(Fault::mismatch(place, expected, "others"));
            }
            Ok(Form::Sparse { segments, indices })
        }
        other => Err(Fault::unsupported(place, format!("sparse format {}", other.0))),
    }
}

fn numbers<T>(values: impl Iterator<Item = T>) -> Option<Vec<usize>>
where
    usize: TryFrom<T>,
{
    values.map(|value| usize::try_from(value).ok()).collect()
}

fn segments(metadata: &DimensionMetadata) -> Option<Vec<usize>> {
    if let Some(list) = metadata.array_segments_as_int_32_vector() {
        return numbers(list.values()?.iter());
    }
    if let Some(list) = metadata.array_segments_as_uint_16_vector() {
        return numbers(list.values()?.iter());
    }
    numbers(metadata.array_segments_as_uint_8_vector()?.values()?.iter())
}

fn indices(metadata: &DimensionMetadata) -> Option<Vec<usize>> {
    if let Some(list) = metadata.array_indices_as_int_32_vector() {
        return numbers(list.values()?.iter());
    }
    if let Some(list) = metadata.array_indices_as_uint_16_vector() {
        return numbers(list.values()?.iter());
    }
    numbers(metadata.array_indices_as_uint_8_vector()?.values()?.iter())
}
