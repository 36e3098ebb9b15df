//! EQUAL, NOT_EQUAL, GREATER, GREATER_EQUAL, LESS and LESS_EQUAL with broadcasting.

use alloc::format;

use bytemuck::Pod;
use edgebench_kernels::Broadcast;
use edgebench_kernels::reference::comparison::{self, Side};
use edgebench_kernels::reference::quantize::Quantized;

use super::map::plain_binary;
use super::pair::Pair;
use super::{Prepared, Site};
use crate::error::Fault;
use crate::quant::quantize_multiplier;
use crate::tensor::DType;

/// A relation between two elements.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Relation {
    Equal,
    NotEqual,
    Greater,
    GreaterEqual,
    Less,
    LessEqual,
}

impl Relation {
    fn holds<T: PartialOrd>(self, left: &T, right: &T) -> bool {
        match self {
            Self::Equal => left == right,
            Self::NotEqual => left != right,
            Self::Greater => left > right,
            Self::GreaterEqual => left >= right,
            Self::Less => left < right,
            Self::LessEqual => left <= right,
        }
    }

    /// Whether it says only whether both are the same.
    fn is_identity(self) -> bool {
        matches!(self, Self::Equal | Self::NotEqual)
    }
}

/// Prepares EQUAL.
pub(crate) fn equal(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    compare(site, Relation::Equal)
}

/// Prepares NOT_EQUAL.
pub(crate) fn not_equal(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    compare(site, Relation::NotEqual)
}

/// Prepares GREATER.
pub(crate) fn greater(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    compare(site, Relation::Greater)
}

/// Prepares GREATER_EQUAL.
pub(crate) fn greater_equal(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    compare(site, Relation::GreaterEqual)
}

/// Prepares LESS.
pub(crate) fn less(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    compare(site, Relation::Less)
}

/// Prepares LESS_EQUAL.
pub(crate) fn less_equal(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    compare(site, Relation::LessEqual)
}

fn compare(site: &Site<'_, '_>, relation: Relation) -> Result<Prepared, Fault> {
    let pair = Pair::to_bools(site)?;
    match pair.dtype() {
        DType::Float32 => Ok(stored::<f32>(pair.walk, relation)),
        DType::Int32 => Ok(stored::<i32>(pair.walk, relation)),
        DType::Int64 => Ok(stored::<i64>(pair.walk, relation)),
        DType::Int16 if !pair.left.is_quantized() || !relation.is_identity() => {
            Ok(stored::<i16>(pair.walk, relation))
        }
        DType::Int16 => quantized::<i16>(pair, relation),
        DType::Bool if relation.is_identity() => Ok(stored::<u8>(pair.walk, relation)),
        DType::Int8 => quantized::<i8>(pair, relation),
        DType::UInt8 => quantized::<u8>(pair, relation),
        dtype => Err(site.unsupported(format!("type {dtype}"))),
    }
}

fn stored<T: Pod + PartialOrd>(walk: Broadcast, relation: Relation) -> Prepared {
    plain_binary(move |left: &[T], right, output| {
        comparison::compare(&walk, left, right, output, |l, r| relation.holds(l, r));
    })
}

fn quantized<T: Pod + Quantized>(pair: Pair<'_>, relation: Relation) -> Result<Prepared, Fault> {
    let side =
        |(scale, zero_point): (f32, i32)| Side { zero_point, scale: quantize_multiplier(f64::from(scale)) };
    let sides = [side(pair.left.per_tensor()?), side(pair.right.per_tensor()?)];
    let walk = pair.walk;
    Ok(plain_binary(move |left: &[T], right, output| {
        comparison::compare_quantized(sides, &walk, left, right, output, |l, r| relation.holds(l, r));
    }))
}
