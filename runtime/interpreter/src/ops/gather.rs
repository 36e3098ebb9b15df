//! GATHER, GATHER_ND and EMBEDDING_LOOKUP: parts of a tensor, picked by indices that are checked in each run.

use alloc::format;
use alloc::vec::Vec;

use edgebench_kernels::Set;
use edgebench_kernels::reference::gather::{Gather, dequantized_rows, gather as kernel, gather_runs};

use super::filter::int8_filter;
use super::moves::{ANY_TYPE, Integers, axis_option, check_moved};
use super::{Operand, Prepared, Site, Step};
use crate::error::Fault;
use crate::memory::{Frame, Inputs};
use crate::tensor::DType;

/// Types of indices.
const INDEX_TYPES: &[DType] = &[DType::Int16, DType::Int32, DType::Int64];

struct Picks {
    shape: Gather,
    indices: Integers,
}

/// Prepares GATHER: input 1 has indices along one axis of input 0.
pub(crate) fn gather(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let options = site.options(|table| table.builtin_options_as_gather_options())?;
    let (input, indices, output) = (site.input(0)?, site.input(1)?, site.output(0)?);
    check_moved(site, ANY_TYPE, &input, &output)?;
    let (dims, picks) = (input.shape(), indices.shape());
    let axis = axis_option(site, options.axis(), dims.len())?;
    let shared = shared_axes(site, options.batch_dims(), picks.len(), axis)?;
    if dims[..shared] != picks[..shared] {
        return Err(
            indices.fault(format!("shape {:?} in front", &dims[..shared]), format!("shape {picks:?}"))
        );
    }
    let expected: Vec<usize> = [&dims[..axis], &picks[shared..], &dims[axis + 1..]].concat();
    output.expect_shape(&expected)?;
    let product = |dims: &[usize]| dims.iter().product::<usize>();
    let shape = Gather {
        batch: product(&dims[..shared]),
        outer: product(&dims[shared..axis]),
        axis_len: dims[axis],
        picks: product(&picks[shared..]),
        run_bytes: product(&dims[axis + 1..]) * input.dtype().size_bytes(),
    };
    let indices = Integers::new(&indices, 1, INDEX_TYPES)?;
    Ok(Prepared::run(Set::Reference.name(), Picks { shape, indices }))
}

/// The number of leading axes that input and indices share; a negative one counts from the indices' rank.
fn shared_axes(site: &Site<'_, '_>, value: i32, index_rank: usize, axis: usize) -> Result<usize, Fault> {
    let from_last = if value < 0 { i64::from(value) + index_rank as i64 } else { i64::from(value) };
    let most = axis.min(index_rank);
    let shared = usize::try_from(from_last).ok().filter(|shared| *shared <= most);
    shared.ok_or_else(|| {
        Fault::mismatch(site.place(), format!("batch dimensions of at most {most}"), format!("{value}"))
    })
}

impl Step for Picks {
    fn run(&self, frame: Frame<'_>) -> Result<(), Fault> {
        let indices = self.indices.bytes(&frame.inputs);
        self.indices.check_below(indices, self.shape.axis_len)?;
        let index = |at: usize| self.indices.get(indices, at) as usize;
        kernel(&self.shape, index, frame.inputs.bytes(0), frame.outputs.bytes());
        Ok(())
    }
}

/// Indices of several axes each, that together pick a slice.
pub(super) struct SliceIndices {
    integers: Integers,
    /// Lengths of the axes that are indexed.
    dims: Vec<usize>,
}

impl SliceIndices {
    /// The last axis of `indices` has one index for each of the first axes of a tensor of shape `dims`.
    pub(super) fn new(
        indices: &Operand<'_>,
        slot: usize,
        types: &[DType],
        dims: &[usize],
    ) -> Result<Self, Fault> {
        let integers = Integers::new(indices, slot, types)?;
        let depth = indices.shape().last().copied().filter(|depth| *depth <= dims.len());
        let depth = depth.ok_or_else(|| {
            indices.fault(
                format!("at most {} indices in the last axis", dims.len()),
                format!("shape {:?}", indices.shape()),
            )
        })?;
        Ok(Self { integers, dims: dims[..depth].to_vec() })
    }

    /// Axes that are indexed.
    pub(super) fn depth(&self) -> usize {
        self.dims.len()
    }

    /// Checks every index against its axis.
    pub(super) fn check<'a>(&self, inputs: &Inputs<'a>) -> Result<&'a [u8], Fault> {
        let bytes = self.integers.bytes(inputs);
        for (at, value) in self.integers.values(bytes).enumerate() {
            let limit = self.dims[at % self.dims.len()];
            if !usize::try_from(value).is_ok_and(|value| value < limit) {
                return Err(self
                    .integers
                    .fault(format!("indices below {:?}", self.dims), format!("{value}")));
            }
        }
        Ok(bytes)
    }

    /// The number of the slice that the `at`-th list of indices picks.
    pub(super) fn slice(&self, bytes: &[u8], at: usize) -> usize {
        let first = at * self.dims.len();
        let add = |slice: usize, (axis, dim): (usize, &usize)| {
            slice * dim + self.integers.get(bytes, first + axis) as usize
        };
        self.dims.iter().enumerate().fold(0, add)
    }
}

struct PickedSlices {
    indices: SliceIndices,
    count: usize,
    slice_bytes: usize,
}

/// Prepares GATHER_ND: the last axis of input 1 has an index for each of the first axes of input 0.
pub(crate) fn gather_nd(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let (input, indices, output) = (site.input(0)?, site.input(1)?, site.output(0)?);
    check_moved(site, ANY_TYPE, &input, &output)?;
    let slices = SliceIndices::new(&indices, 1, INDEX_TYPES, input.shape())?;
    let inner = &input.shape()[slices.depth()..];
    let lists = &indices.shape()[..indices.shape().len() - 1];
    output.expect_shape(&[lists, inner].concat())?;
    let slice_bytes = inner.iter().product::<usize>() * input.dtype().size_bytes();
    let count = lists.iter().product();
    Ok(Prepared::run(Set::Reference.name(), PickedSlices { indices: slices, count, slice_bytes }))
}

impl Step for PickedSlices {
    fn run(&self, frame: Frame<'_>) -> Result<(), Fault> {
        let indices = self.indices.check(&frame.inputs)?;
        let slice = |at: usize| self.indices.slice(indices, at);
        gather_runs(self.count, self.slice_bytes, slice, frame.inputs.bytes(0), frame.outputs.bytes());
        Ok(())
    }
}

struct Lookup {
    ids: Integers,
    rows: usize,
    count: usize,
    row_len: usize,
    table: TableKind,
}

/// How rows of the table become rows of the output.
enum TableKind {
    /// As they are, this many bytes each.
    Same(usize),
    /// Signed bytes with one scale, or one for each row. LiteRT reads unsigned ones as if they were signed.
    Scaled(Vec<f32>),
    /// Small integers, unpacked, with the same scales.
    Unpacked(Vec<i8>, Vec<f32>),
}

/// Prepares EMBEDDING_LOOKUP: input 0 has row numbers of the table that is input 1. A quantized table (zero points 0) may give
/// real rows.
pub(crate) fn embedding_lookup(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let (ids, table, output) = (site.input(0)?, site.input(1)?, site.output(0)?);
    ids.expect_shape(&[ids.elements()])?;
    let Some((rows, inner)) = table.shape().split_first().filter(|(_, inner)| !inner.is_empty()) else {
        return Err(table.fault("rank of at least 2", format!("shape {:?}", table.shape())));
    };
    output.expect_shape(&[&[ids.elements()], inner].concat())?;
    let row_len = inner.iter().product();
    let step = Lookup {
        ids: Integers::new(&ids, 0, &[DType::Int32])?,
        rows: *rows,
        count: ids.elements(),
        row_len,
        table: table_kind(site, &table, &output, row_len)?,
    };
    Ok(Prepared::run(Set::Reference.name(), step))
}

fn table_kind(
    site: &Site<'_, '_>,
    table: &Operand<'_>,
    output: &Operand<'_>,
    row_len: usize,
) -> Result<TableKind, Fault> {
    match (table.dtype(), output.dtype()) {
        (DType::Int8 | DType::UInt8, DType::Float32) => {
            let quantization = table.quantization()?;
            if quantization.axis != 0 || quantization.zero_points.iter().any(|zero_point| *zero_point != 0) {
                return Err(table.fault("zero points 0 and scales along axis 0", "others"));
            }
            Ok(TableKind::Scaled(quantization.scales.clone()))
        }
        (DType::Int4 | DType::Int2, DType::Float32) => {
            let (weights, quantization) = int8_filter(table, 0)?;
            Ok(TableKind::Unpacked(weights.into_owned(), quantization.scales.clone()))
        }
        _ => {
            check_moved(site, ANY_TYPE, table, output)?;
            Ok(TableKind::Same(row_len * table.dtype().size_bytes()))
        }
    }
}

impl Step for Lookup {
    fn run(&self, frame: Frame<'_>) -> Result<(), Fault> {
        let ids = self.ids.bytes(&frame.inputs);
        self.ids.check_below(ids, self.rows)?;
        let row = |at: usize| self.ids.get(ids, at) as usize;
        match &self.table {
            TableKind::Same(bytes) => {
                gather_runs(self.count, *bytes, row, frame.inputs.bytes(1), frame.outputs.bytes());
            }
            TableKind::Scaled(scales) => {
                let scale = |row: usize| *scales.get(row).unwrap_or(&scales[0]);
                let rows = (0..self.count).map(row);
                let (table, output) = (frame.inputs.of::<i8>(1), frame.outputs.of());
                dequantized_rows(self.row_len, rows, scale, table, output);
            }
            TableKind::Unpacked(table, scales) => {
                let scale = |row: usize| *scales.get(row).unwrap_or(&scales[0]);
                let rows = (0..self.count).map(row);
                dequantized_rows(self.row_len, rows, scale, table, frame.outputs.of());
            }
        }
        Ok(())
    }
}
