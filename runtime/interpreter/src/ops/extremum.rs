//! MAXIMUM and MINIMUM with broadcasting. Quantized operands are compared as they are stored: they share one scale.

use alloc::format;

use bytemuck::Pod;
use edgebench_kernels::Broadcast;
use edgebench_kernels::reference::binary::for_each_pair;

use super::map::plain_binary;
use super::pair::Pair;
use super::{Prepared, Site};
use crate::error::Fault;
use crate::tensor::DType;

/// Prepares MAXIMUM.
pub(crate) fn maximum(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    extremum(site, true)
}

/// Prepares MINIMUM.
pub(crate) fn minimum(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    extremum(site, false)
}

fn extremum(site: &Site<'_, '_>, is_greatest: bool) -> Result<Prepared, Fault> {
    let pair = Pair::of(site)?;
    let walk = pair.walk;
    match pair.left.dtype() {
        DType::Float32 => Ok(of::<f32>(walk, is_greatest)),
        DType::Int8 => Ok(of::<i8>(walk, is_greatest)),
        DType::UInt8 => Ok(of::<u8>(walk, is_greatest)),
        DType::Int16 => Ok(of::<i16>(walk, is_greatest)),
        DType::Int32 => Ok(of::<i32>(walk, is_greatest)),
        DType::Int64 => Ok(of::<i64>(walk, is_greatest)),
        dtype => Err(site.unsupported(format!("type {dtype}"))),
    }
}

fn of<T: Pod + PartialOrd>(walk: Broadcast, is_greatest: bool) -> Prepared {
    plain_binary(move |left: &[T], right, output| {
        for_each_pair(&walk, left, right, output, |l, r| {
            // Where one of them is NaN, the right one is taken.
            let is_left = if is_greatest { l > r } else { l < r };
            if is_left { l } else { r }
        });
    })
}
