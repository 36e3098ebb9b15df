//! Sparse constants, as pruned networks store them: the values that are not zero, and for each dimension, or block within
//! one, where they are (`SparsityParameters` of the schema; TACO's formats). They become dense once, at load.

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use edgebench_schema::Vector;
use edgebench_schema::tflite::{DimensionMetadata, DimensionType, SparsityParameters};

use super::{Spot, TensorInfo};
use crate::error::Fault;
use crate::tensor::DType;

/// Dimensions and blocks together; twice as many as dimensions can be.
const MAX_LEVELS: usize = 16;

/// One level of the traversal.
struct Level<'b> {
    /// Positions in the dense tensor from one step to the next.
    stride: usize,
    /// Steps.
    size: usize,
    form: Form<'b>,
}

enum Form<'b> {
    Dense,
    /// Where the steps of each parent begin among the indices, with the end of the last; and the indices.
    Sparse {
        segments: Numbers<'b>,
        indices: Numbers<'b>,
    },
}

/// Numbers where the file has them: a copy of those of a hostile file would take many times its size.
enum Numbers<'b> {
    Bytes(Vector<'b, u8>),
    Shorts(Vector<'b, u16>),
    Ints(Vector<'b, i32>),
}

/// The dense bytes of a tensor with `stored` values.
///
/// # Errors
/// When the levels do not fit the shape or each other, or the number of values is not theirs.
pub(super) fn expand(
    tensor: &TensorInfo,
    stored: &[u8],
    parameters: &SparsityParameters,
    place: Spot<'_>,
) -> Result<Vec<u8>, Fault> {
    if matches!(tensor.dtype, DType::Int2 | DType::Int4) {
        return Err(Fault::unsupported(place, "sparse int4"));
    }
    let size = tensor.dtype.size_bytes();
    if !stored.len().is_multiple_of(size) {
        let expected = format!("whole values of {size} bytes");
        return Err(Fault::mismatch(place, expected, format!("{} bytes", stored.len())));
    }
    let levels = levels(tensor, parameters, place)?;
    check_counts(&levels, stored.len() / size, place)?;
    let mut dense = vec![0; tensor.bytes()];
    let mut values = stored.chunks_exact(size);
    visit(&levels, 0, 0, &mut |position| {
        // The levels' sizes multiply to the shape, so every position is inside.
        let store = dense.get_mut(position * size..(position + 1) * size);
        if let (Some(store), Some(value)) = (store, values.next()) {
            store.copy_from_slice(value);
        }
    });
    Ok(dense)
}

/// Checks that the levels fit each other, and that they lead to as many places as there are values.
fn check_counts(levels: &[Level<'_>], values: usize, place: Spot<'_>) -> Result<(), Fault> {
    let segments = |level: &Level<'_>| match &level.form {
        Form::Dense => 0,
        Form::Sparse { segments, .. } => segments.len(),
    };
    // Every place leads to a value or has a segment, so there are no more places than the file has of both.
    let most = levels.iter().map(segments).fold(values, usize::max);
    let mut reached = 1usize;
    for level in levels {
        reached = match &level.form {
            Form::Dense => {
                let places = reached.checked_mul(level.size).filter(|places| *places <= most);
                let expected = || format!("at most {most} sparse places");
                places.ok_or_else(|| Fault::mismatch(place, expected(), "more"))?
            }
            Form::Sparse { segments, indices } => {
                if segments.len() != reached + 1 || segments.last() != Some(indices.len()) {
                    let expected = format!("{} segments over {} indices", reached + 1, indices.len());
                    return Err(Fault::mismatch(place, expected, format!("{}", segments.len())));
                }
                indices.len()
            }
        };
    }
    if reached == values {
        return Ok(());
    }
    Err(Fault::mismatch(place, format!("{reached} sparse values"), format!("{values}")))
}

/// Calls `leaf` with the position of every value, in the order in which they are stored. `number` and `position` are
/// those of the place that the levels before have led to. It goes no deeper than [`MAX_LEVELS`].
fn visit(levels: &[Level<'_>], number: usize, position: usize, leaf: &mut impl FnMut(usize)) {
    let Some((level, rest)) = levels.split_first() else { return leaf(position) };
    match &level.form {
        Form::Dense => {
            for step in 0..level.size {
                visit(rest, number * level.size + step, position + step * level.stride, leaf);
            }
        }
        Form::Sparse { segments, indices } => {
            for number in segments.get(number)..segments.get(number + 1) {
                visit(rest, number, position + indices.get(number) * level.stride, leaf);
            }
        }
    }
}

/// The levels in the order of traversal, checked: the dimensions first, then the blocks in them.
fn levels<'b>(
    tensor: &TensorInfo,
    parameters: &SparsityParameters<'b>,
    place: Spot<'_>,
) -> Result<Vec<Level<'b>>, Fault> {
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
    let level = |(axis, metadata): (&usize, DimensionMetadata<'b>)| {
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

fn form<'b>(metadata: &DimensionMetadata<'b>, size: usize, place: Spot<'_>) -> Result<Form<'b>, Fault> {
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
            let ascending = segments.iter().next() == Some(0) && segments.iter().is_sorted();
            if !ascending || indices.iter().any(|index| index >= size) {
                let expected = format!("ascending segments from 0, and indices below {size}");
                return Err(Fault::mismatch(place, expected, "others"));
            }
            Ok(Form::Sparse { segments, indices })
        }
        other => Err(Fault::unsupported(place, format!("sparse format {}", other.0))),
    }
}

/// The numbers of one of the three forms that the file may have them in; none when one is negative.
fn segments<'b>(metadata: &DimensionMetadata<'b>) -> Option<Numbers<'b>> {
    if let Some(list) = metadata.array_segments_as_int_32_vector() {
        return Numbers::ints(list.values()?);
    }
    if let Some(list) = metadata.array_segments_as_uint_16_vector() {
        return Some(Numbers::Shorts(list.values()?));
    }
    Some(Numbers::Bytes(metadata.array_segments_as_uint_8_vector()?.values()?))
}

fn indices<'b>(metadata: &DimensionMetadata<'b>) -> Option<Numbers<'b>> {
    if let Some(list) = metadata.array_indices_as_int_32_vector() {
        return Numbers::ints(list.values()?);
    }
    if let Some(list) = metadata.array_indices_as_uint_16_vector() {
        return Some(Numbers::Shorts(list.values()?));
    }
    Some(Numbers::Bytes(metadata.array_indices_as_uint_8_vector()?.values()?))
}

impl<'b> Numbers<'b> {
    fn ints(numbers: Vector<'b, i32>) -> Option<Self> {
        numbers.iter().all(|number| number >= 0).then_some(Self::Ints(numbers))
    }

    fn len(&self) -> usize {
        match self {
            Self::Bytes(numbers) => numbers.len(),
            Self::Shorts(numbers) => numbers.len(),
            Self::Ints(numbers) => numbers.len(),
        }
    }

    /// The number at `index`, which is below [`len`](Self::len).
    fn get(&self, index: usize) -> usize {
        match self {
            Self::Bytes(numbers) => usize::from(numbers.get(index)),
            Self::Shorts(numbers) => usize::from(numbers.get(index)),
            // None is negative.
            Self::Ints(numbers) => numbers.get(index) as usize,
        }
    }

    fn last(&self) -> Option<usize> {
        self.len().checked_sub(1).map(|last| self.get(last))
    }

    fn iter(&self) -> impl Iterator<Item = usize> {
        (0..self.len()).map(|index| self.get(index))
    }
}
