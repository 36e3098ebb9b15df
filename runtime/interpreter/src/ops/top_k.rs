//! TOPK_V2: the largest elements of each row and where they stand.

use alloc::format;

use bytemuck::Pod;
use edgebench_kernels::Set;
use edgebench_kernels::reference::top_k::top_k as kernel;

use super::moves::{Integers, check_moved};
use super::{Prepared, Reads, Site, Step};
use crate::error::Fault;
use crate::memory::Frame;
use crate::tensor::DType;

/// Types of elements (`topk_v2.cc`).
const TYPES: &[DType] =
    &[DType::Float32, DType::UInt8, DType::Int8, DType::Int16, DType::Int32, DType::Int64];

struct TopK {
    row_len: usize,
    k: usize,
    dtype: DType,
    /// Whether positions are int16 and not int32.
    has_short_places: bool,
}

/// Prepares TOPK_V2: constant input 1 is how many elements of each row (last axis) are wanted.
pub(crate) fn top_k_v2(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let (input, count) = (site.input(0)?, site.input(1)?);
    let (values, places) = (site.output(0)?, site.output(1)?);
    check_moved(site, TYPES, &input, &values)?;
    count.expect_elements(1)?;
    let integers = Integers::new(&count, 1, &[DType::Int16, DType::Int32])?;
    let wanted = integers.get(count.expect_constant()?.bytes, 0);
    let Some((row_len, outer)) = input.shape().split_last() else {
        return Err(input.fault("rank of at least 1", "a scalar"));
    };
    // None are wanted where the number is negative.
    let k = usize::try_from(wanted).unwrap_or(0);
    if k > *row_len {
        return Err(count.fault(format!("at most {row_len}"), format!("{k}")));
    }
    let has_short_places = match places.dtype() {
        DType::Int16 => true,
        DType::Int32 => false,
        other => return Err(places.fault("int16 or int32", other.name())),
    };
    let shape = [outer, &[k]].concat();
    values.expect_shape(&shape)?;
    places.expect_shape(&shape)?;
    let step = TopK { row_len: *row_len, k, dtype: input.dtype(), has_short_places };
    let prepared = Prepared::run(Set::Reference.name(), step);
    Ok(Prepared { reads: Reads::Only(&[0]), scratch_bytes: row_len * size_of::<u32>(), ..prepared })
}

impl Step for TopK {
    fn run(&self, frame: Frame<'_>) -> Result<(), Fault> {
        match self.dtype {
            DType::Float32 => self.rank::<f32>(frame),
            DType::Int8 => self.rank::<i8>(frame),
            DType::Int16 => self.rank::<i16>(frame),
            DType::Int32 => self.rank::<i32>(frame),
            DType::Int64 => self.rank::<i64>(frame),
            _ => self.rank::<u8>(frame),
        }
        Ok(())
    }
}

impl TopK {
    fn rank<T: Pod + PartialOrd>(&self, frame: Frame<'_>) {
        let mut outputs = frame.outputs.all();
        let (Some(values), Some(places)) = (outputs.next(), outputs.next()) else { return };
        if values.is_empty() {
            return;
        }
        let bytes = if self.has_short_places { size_of::<i16>() } else { size_of::<i32>() };
        let place = |at: usize, position: u32| {
            places[at * bytes..][..bytes].copy_from_slice(&position.to_le_bytes()[..bytes]);
        };
        let order = bytemuck::cast_slice_mut(frame.scratch);
        let values = bytemuck::cast_slice_mut(values);
        kernel::<T>(self.row_len, self.k, frame.inputs.of(0), order, values, place);
    }
}
