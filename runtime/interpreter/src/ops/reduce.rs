//! Reductions over any axes: what all have in common, and REDUCE_MAX, REDUCE_MIN, REDUCE_PROD, REDUCE_ANY, REDUCE_ALL.

use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use bytemuck::Pod;
use edgebench_kernels::reference::number::Number;
use edgebench_kernels::reference::quantize::Quantized;
use edgebench_kernels::reference::reduce::{self, ProductQuantized};

use super::map::{plain_unary, plain_unary_with_scratch};
use super::{Operand, Prepared, Site};
use crate::error::Fault;
use crate::quant::quantize_multiplier;
use crate::tensor::DType;

/// Input 0, output 0 and which axes go. Input 1 is a constant list of axes, negative ones counted from the last.
pub(super) struct Reduction<'m> {
    pub(super) input: Operand<'m>,
    pub(super) output: Operand<'m>,
    /// The input's shape.
    pub(super) dims: Vec<usize>,
    /// For each axis of the input whether it goes.
    pub(super) reduced: Vec<bool>,
}

impl<'m> Reduction<'m> {
    /// The output has the input's type and the axes that stay; with `keep_dims` also the others, with length 1.
    pub(super) fn of(site: &Site<'_, 'm>) -> Result<Self, Fault> {
        let options = site.options(|table| table.builtin_options_as_reducer_options())?;
        let (input, axes, output) = (site.input(0)?, site.input(1)?, site.output(0)?);
        let reduced = reduced_axes(&input, &axes)?;
        output.expect_shape(&output_shape(input.shape(), &reduced, options.keep_dims()))?;
        output.expect_dtype(input.dtype())?;
        Ok(Self { input, output, dims: input.shape().to_vec(), reduced })
    }
}

fn reduced_axes(input: &Operand<'_>, axes: &Operand<'_>) -> Result<Vec<bool>, Fault> {
    axes.expect_dtype(DType::Int32)?;
    let rank = input.shape().len();
    let mut reduced = vec![false; rank];
    for axis in axes.expect_constant()?.bytes.as_chunks::<4>().0 {
        let axis = i32::from_le_bytes(*axis);
        let own = super::axis(axis, rank).and_then(|axis| reduced.get_mut(axis));
        *own.ok_or_else(|| axes.fault(format!("axes within rank {rank}"), format!("{axis}")))? = true;
    }
    Ok(reduced)
}

fn output_shape(dims: &[usize], reduced: &[bool], keep_dims: bool) -> Vec<usize> {
    let dims = dims.iter().zip(reduced);
    if keep_dims {
        dims.map(|(dim, reduced)| if *reduced { 1 } else { *dim }).collect()
    } else {
        dims.filter(|(_, reduced)| !**reduced).map(|(dim, _)| *dim).collect()
    }
}

/// A reduction of elements as they are stored.
fn stored<T: Pod + Send + Sync>(
    reduction: Reduction<'_>,
    first: T,
    take: impl Fn(T, T) -> T + Send + Sync + 'static,
) -> Prepared {
    let Reduction { dims, reduced, .. } = reduction;
    plain_unary(move |input, output| reduce::reduce(&dims, &reduced, first, input, output, &take))
}

/// Sums of numbers without a scale.
pub(super) fn sum_numbers<T: Pod + Number + Send + Sync>(reduction: Reduction<'_>) -> Prepared {
    stored(reduction, T::ZERO, T::plus)
}

/// Prepares REDUCE_MAX.
pub(crate) fn reduce_max(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    extremum(site, true)
}

/// Prepares REDUCE_MIN.
pub(crate) fn reduce_min(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    extremum(site, false)
}

fn extremum(site: &Site<'_, '_>, is_greatest: bool) -> Result<Prepared, Fault> {
    let reduction = Reduction::of(site)?;
    match reduction.input.dtype() {
        DType::Float32 => Ok(extreme::<f32>(reduction, is_greatest)),
        DType::Int32 => Ok(extreme::<i32>(reduction, is_greatest)),
        DType::Int64 => Ok(extreme::<i64>(reduction, is_greatest)),
        DType::Int8 => extreme_quantized::<i8>(reduction, is_greatest),
        DType::Bool => Ok(extreme::<u8>(reduction, is_greatest)),
        DType::UInt8 => extreme_quantized::<u8>(reduction, is_greatest),
        DType::Int16 => extreme_quantized::<i16>(reduction, is_greatest),
        dtype => Err(site.unsupported(format!("type {dtype}"))),
    }
}

/// Stored values can be compared when both sides mean the same by them.
fn extreme_quantized<T: Pod + Number + Send + Sync>(
    reduction: Reduction<'_>,
    is_greatest: bool,
) -> Result<Prepared, Fault> {
    reduction.output.expect_same_quantization(&reduction.input)?;
    Ok(extreme::<T>(reduction, is_greatest))
}

fn extreme<T: Pod + Number + Send + Sync>(reduction: Reduction<'_>, is_greatest: bool) -> Prepared {
    if is_greatest {
        stored(reduction, T::LEAST, |best: T, value| if value > best { value } else { best })
    } else {
        stored(reduction, T::GREATEST, |best: T, value| if value < best { value } else { best })
    }
}

/// Prepares REDUCE_PROD.
pub(crate) fn reduce_prod(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let reduction = Reduction::of(site)?;
    match reduction.input.dtype() {
        DType::Float32 => Ok(stored(reduction, 1.0, f32::times)),
        DType::Int32 => Ok(stored(reduction, 1, i32::times)),
        DType::Int64 => Ok(stored(reduction, 1, i64::times)),
        DType::Int8 => product_quantized::<i8>(reduction),
        DType::Int16 => {
            reduction.input.expect_no_zero_point()?;
            reduction.output.expect_no_zero_point()?;
            product_quantized::<i16>(reduction)
        }
        dtype => Err(site.unsupported(format!("type {dtype}"))),
    }
}

/// Each product is scaled, so that none overflows (LiteRT `reduce.cc`, `GetQuantProdScaling`).
fn product_quantized<T: Pod + Quantized>(reduction: Reduction<'_>) -> Result<Prepared, Fault> {
    let (from, to) = (reduction.input.per_tensor()?, reduction.output.per_tensor()?);
    let Reduction { output, dims, reduced, .. } = reduction;
    let count = reduce::count(&dims, &reduced).max(1) as f64;
    let factor = f64::from(from.0) / libm::pow(f64::from(to.0), 1.0 / count);
    let constants = ProductQuantized {
        input_zero_point: from.1,
        output_zero_point: to.1,
        rescale: quantize_multiplier(factor),
    };
    Ok(plain_unary_with_scratch(output.elements(), move |input: &[T], products, output| {
        reduce::product_quantized(&constants, &dims, &reduced, input, products, output);
    }))
}

/// Prepares REDUCE_ANY.
pub(crate) fn reduce_any(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let reduction = Reduction::of(site)?;
    reduction.input.expect_dtype(DType::Bool)?;
    Ok(stored(reduction, 0u8, |any, value| u8::from(any != 0 || value != 0)))
}

/// Prepares REDUCE_ALL.
pub(crate) fn reduce_all(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let reduction = Reduction::of(site)?;
    reduction.input.expect_dtype(DType::Bool)?;
    Ok(stored(reduction, 1u8, |all, value| u8::from(all != 0 && value != 0)))
}
