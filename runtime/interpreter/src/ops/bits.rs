//! BITCAST, BITWISE_XOR and RIGHT_SHIFT: elements as bits.

use alloc::format;

use bytemuck::Pod;
use edgebench_kernels::reference::binary::for_each_pair;

use super::map::plain_binary;
use super::moves::ANY_TYPE;
use super::pair::Pair;
use super::{Prepared, Site};
use crate::error::Fault;
use crate::tensor::DType;

/// Prepares BITCAST: the same bytes as elements of another type. Where it has more or fewer bytes, the last dimension comes or
/// goes.
pub(crate) fn bitcast(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let (input, output) = (site.input(0)?, site.output(0)?);
    for operand in [&input, &output] {
        if !ANY_TYPE.contains(&operand.dtype()) {
            return Err(site.unsupported(format!("type {}", operand.dtype())));
        }
    }
    let (from, to) = (input.dtype().size_bytes(), output.dtype().size_bytes());
    if from >= to {
        let parts: &[usize] = if from == to { &[] } else { &[from / to] };
        output.expect_shape(&[input.shape(), parts].concat())?;
    } else {
        let Some((_, outer)) = input.shape().split_last().filter(|(last, _)| **last == to / from) else {
            let expected = format!("last dimension {}", to / from);
            return Err(input.fault(expected, format!("shape {:?}", input.shape())));
        };
        output.expect_shape(outer)?;
    }
    Ok(Prepared::view())
}

/// Prepares BITWISE_XOR.
pub(crate) fn bitwise_xor(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let pair = Pair::of(site)?;
    match pair.dtype() {
        DType::Int8 | DType::UInt8 => Ok(computed(pair, |left: u8, right| left ^ right)),
        DType::Int16 => Ok(computed(pair, |left: u16, right| left ^ right)),
        DType::Int32 => Ok(computed(pair, |left: u32, right| left ^ right)),
        dtype => Err(site.unsupported(format!("type {dtype}"))),
    }
}

/// Prepares RIGHT_SHIFT: with the sign where the type has one. Shifts end at all bits but one, and begin at 0
/// (`right_shift.cc`).
pub(crate) fn right_shift(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let pair = Pair::of(site)?;
    match pair.dtype() {
        DType::Int8 => Ok(computed(pair, |left: i8, by| left >> by.clamp(0, 7))),
        DType::UInt8 => Ok(computed(pair, |left: u8, by| left >> by.min(7))),
        DType::Int16 => Ok(computed(pair, |left: i16, by| left >> by.clamp(0, 15))),
        DType::Int32 => Ok(computed(pair, |left: i32, by| left >> by.clamp(0, 31))),
        dtype => Err(site.unsupported(format!("type {dtype}"))),
    }
}

fn computed<T: Pod>(pair: Pair<'_>, compute: fn(T, T) -> T) -> Prepared {
    let walk = pair.walk;
    plain_binary(move |left, right, output| for_each_pair(&walk, left, right, output, compute))
}
