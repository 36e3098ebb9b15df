//! SPACE_TO_DEPTH, DEPTH_TO_SPACE, SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND: blocks of pixels become channels or images, and
//! back.

use alloc::format;
use alloc::vec::Vec;

use edgebench_kernels::reference::strided_copy::{CopyAxis, StridedCopy, steps};

use super::moves::{ANY_TYPE, Assembly, assembly, check_moved, constant_list, moves, zero_element};
use super::{Operand, Prepared, Site};
use crate::error::Fault;
use crate::tensor::DType;

/// Types of SPACE_TO_DEPTH and DEPTH_TO_SPACE (`space_to_depth.cc`, `depth_to_space.cc`).
const DEPTH_TYPES: &[DType] = &[DType::Float32, DType::UInt8, DType::Int8, DType::Int32, DType::Int64];

/// Prepares SPACE_TO_DEPTH on NHWC: each block of pixels becomes one pixel with all their channels.
pub(crate) fn space_to_depth(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let options = site.options(|table| table.builtin_options_as_space_to_depth_options())?;
    let (input, output) = (site.input(0)?, site.output(0)?);
    check_moved(site, DEPTH_TYPES, &input, &output)?;
    let block = block_size(site, options.block_size())?;
    let [batch, height, width, channels] = input.dims()?;
    if height % block != 0 || width % block != 0 {
        let expected = format!("height and width in multiples of {block}");
        return Err(input.fault(expected, format!("shape {:?}", input.shape())));
    }
    let (rows, columns) = (height / block, width / block);
    // Both fit: the block divides the dimensions, so the product of all is the number of elements.
    output.expect_shape(&[batch, rows, columns, block * block * channels])?;
    let space = steps(&[batch, rows, block, columns, block, channels]);
    let depth = steps(&[batch, rows, columns, block, block, channels]);
    let lengths = [batch, rows, columns, block, block, channels];
    let from = [space[0], space[1], space[3], space[2], space[4], space[5]];
    Ok(one_copy(&input, &lengths, &from, &depth))
}

/// Prepares DEPTH_TO_SPACE on NHWC: the channels of each pixel become a block of pixels.
pub(crate) fn depth_to_space(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let options = site.options(|table| table.builtin_options_as_depth_to_space_options())?;
    let (input, output) = (site.input(0)?, site.output(0)?);
    check_moved(site, DEPTH_TYPES, &input, &output)?;
    let block = block_size(site, options.block_size())?;
    let [batch, rows, columns, depth] = input.dims()?;
    let pixels = block.checked_mul(block).filter(|pixels| depth % pixels == 0);
    let pixels = pixels.ok_or_else(|| {
        input.fault(
            format!("channels in multiples of {block} x {block}"),
            format!("shape {:?}", input.shape()),
        )
    })?;
    let channels = depth / pixels;
    output.expect_shape(&[batch, rows * block, columns * block, channels])?;
    let from = steps(&[batch, rows, columns, block, block, channels]);
    let lengths = [batch, rows, block, columns, block, channels];
    let from = [from[0], from[1], from[3], from[2], from[4], from[5]];
    Ok(one_copy(&input, &lengths, &from, &steps(&lengths)))
}

fn one_copy(input: &Operand<'_>, lengths: &[usize], from: &[isize], to: &[isize]) -> Prepared {
    let axes = lengths.iter().zip(from).zip(to);
    let axes: Vec<CopyAxis> =
        axes.map(|((len, from), to)| CopyAxis { len: *len, from: *from, to: *to }).collect();
    moves(alloc::vec![StridedCopy::new(&axes, 0, 0, input.dtype().size_bytes())])
}

fn block_size(site: &Site<'_, '_>, value: i32) -> Result<usize, Fault> {
    let block = usize::try_from(value).ok().filter(|block| *block > 0);
    block.ok_or_else(|| Fault::mismatch(site.place(), "a block size of at least 1", format!("{value}")))
}

/// Blocks in one or two dimensions between the batch and the innermost axis.
struct Blocks {
    /// Height and width of a block; the second is 1 where there is only one dimension.
    size: [usize; 2],
    /// Pixels before and after each dimension: padding, or what is cut off.
    edges: [[usize; 2]; 2],
    /// Batch, height, width and channels of the tensor in space, without edges.
    space: [usize; 4],
}

/// Prepares SPACE_TO_BATCH_ND: constant inputs 1 and 2 are the block's shape and the padding around the image.
pub(crate) fn space_to_batch_nd(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let (input, output) = (site.input(0)?, site.output(0)?);
    check_moved(site, ANY_TYPE, &input, &output)?;
    let blocks = read_blocks(site, &input, input.shape())?;
    let grown = |axis: usize| {
        let [before, after] = blocks.edges[axis];
        let padded = blocks.space[axis + 1].saturating_add(before).saturating_add(after);
        (padded % blocks.size[axis] == 0).then_some(padded / blocks.size[axis])
    };
    let (Some(rows), Some(columns)) = (grown(0), grown(1)) else {
        let expected = format!("padded dimensions in multiples of {:?}", blocks.size);
        return Err(input.fault(expected, format!("shape {:?}", input.shape())));
    };
    let batch = blocks.space[0].saturating_mul(blocks.size[0]).saturating_mul(blocks.size[1]);
    output.expect_shape(&image_shape(input.shape().len(), [batch, rows, columns, blocks.space[3]]))?;
    let background = zero_element(&output)?;
    let copies = blocks.copies([rows, columns], input.dtype().size_bytes(), Direction::ToBatch);
    Ok(assembly(Assembly { background: Some(background), copies }))
}

/// Prepares BATCH_TO_SPACE_ND: constant inputs 1 and 2 are the block's shape and what is cut off the image.
pub(crate) fn batch_to_space_nd(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let (input, output) = (site.input(0)?, site.output(0)?);
    check_moved(site, ANY_TYPE, &input, &output)?;
    let mut blocks = read_blocks(site, &input, input.shape())?;
    let [batch, rows, columns, channels] = blocks.space;
    let shrunk = |axis: usize, dim: usize| {
        let [before, after] = blocks.edges[axis];
        dim.saturating_mul(blocks.size[axis]).checked_sub(before.saturating_add(after))
    };
    let pixels = blocks.size[0].saturating_mul(blocks.size[1]);
    let (Some(height), Some(width), 0) = (shrunk(0, rows), shrunk(1, columns), batch % pixels) else {
        let expected = format!("a batch in multiples of {:?} and more than {:?}", blocks.size, blocks.edges);
        return Err(input.fault(expected, format!("shape {:?}", input.shape())));
    };
    blocks.space = [batch / pixels, height, width, channels];
    output.expect_shape(&image_shape(input.shape().len(), blocks.space))?;
    let copies = blocks.copies([rows, columns], input.dtype().size_bytes(), Direction::ToSpace);
    Ok(assembly(Assembly { background: None, copies }))
}

fn image_shape(rank: usize, [batch, height, width, channels]: [usize; 4]) -> Vec<usize> {
    if rank == 3 { [batch, height, channels].to_vec() } else { [batch, height, width, channels].to_vec() }
}

fn read_blocks(site: &Site<'_, '_>, input: &Operand<'_>, shape: &[usize]) -> Result<Blocks, Fault> {
    let space = match *shape {
        [batch, height, channels] => [batch, height, 1, channels],
        [batch, height, width, channels] => [batch, height, width, channels],
        _ => return Err(input.fault("rank 3 or 4", format!("shape {shape:?}"))),
    };
    let dimensions = shape.len() - 2;
    let (sizes, edges) = (site.input(1)?, site.input(2)?);
    sizes.expect_dtype(DType::Int32)?;
    sizes.expect_shape(&[dimensions])?;
    edges.expect_dtype(DType::Int32)?;
    edges.expect_shape(&[dimensions, 2])?;
    let mut blocks = Blocks { size: [1, 1], edges: [[0, 0]; 2], space };
    for (store, value) in blocks.size.iter_mut().zip(constant_list(&sizes, 1)?) {
        let size = usize::try_from(value).ok().filter(|size| *size > 0);
        *store = size.ok_or_else(|| sizes.fault("block sizes of at least 1", format!("{value}")))?;
    }
    for (store, value) in blocks.edges.as_flattened_mut().iter_mut().zip(constant_list(&edges, 2)?) {
        let edge = usize::try_from(value);
        *store = edge.map_err(|_| edges.fault("at least 0", format!("{value}")))?;
    }
    Ok(blocks)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    ToBatch,
    ToSpace,
}

impl Blocks {
    /// One copy for each pixel of a block: the pixels that have its place in their block are an image of their own.
    /// `grid` is the number of blocks along each dimension.
    fn copies(&self, grid: [usize; 2], element_bytes: usize, direction: Direction) -> Vec<StridedCopy> {
        let [batch, height, width, channels] = self.space;
        let in_space = steps(&[batch, height, width, channels]);
        let in_batch = steps(&[self.size[0], self.size[1], batch, grid[0], grid[1], channels]);
        let mut copies = Vec::new();
        for (y, x) in (0..self.size[0]).flat_map(|y| (0..self.size[1]).map(move |x| (y, x))) {
            let (rows, columns) = (self.inside(0, y, grid[0]), self.inside(1, x, grid[1]));
            let lengths = [batch, rows.count, columns.count, channels];
            let space =
                [in_space[0], in_space[1] * self.size[0] as isize, in_space[2] * self.size[1] as isize, 1];
            let depth = [in_batch[2], in_batch[3], in_batch[4], 1];
            let space_start = rows.pixel as isize * in_space[1] + columns.pixel as isize * in_space[2];
            let depth_start = y as isize * in_batch[0]
                + x as isize * in_batch[1]
                + rows.block as isize * in_batch[3]
                + columns.block as isize * in_batch[4];
            let (from, to, starts) = match direction {
                Direction::ToBatch => (space, depth, [space_start, depth_start]),
                Direction::ToSpace => (depth, space, [depth_start, space_start]),
            };
            let axes: Vec<CopyAxis> =
                (0..4).map(|axis| CopyAxis { len: lengths[axis], from: from[axis], to: to[axis] }).collect();
            copies.push(StridedCopy::new(&axes, starts[0] as usize, starts[1] as usize, element_bytes));
        }
        copies
    }

    /// Where, along a dimension, the pixels at `offset` of their block lie inside the image.
    fn inside(&self, dimension: usize, offset: usize, blocks: usize) -> Inside {
        let (size, before, len) = (self.size[dimension], self.edges[dimension][0], self.space[dimension + 1]);
        // The first block whose pixel is not in the edge, and the first behind it whose pixel is behind the image.
        let first = before.saturating_sub(offset).div_ceil(size).min(blocks);
        let end = (before + len).saturating_sub(offset).div_ceil(size).min(blocks);
        let pixel = (first * size + offset).saturating_sub(before);
        Inside { block: first, pixel, count: end.saturating_sub(first) }
    }
}

/// Pixels of an image that have one place in their blocks, along one dimension.
struct Inside {
    /// Block of the first one.
    block: usize,
    /// The first one.
    pixel: usize,
    count: usize,
}
