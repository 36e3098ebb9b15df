//! ADD, SUB and MUL with broadcasting, on floats and on int8.

use alloc::format;

use edgebench_kernels::reference::binary::{AddI8, MulI8};
use edgebench_kernels::table::{self, AddI8Fn, BinaryF32};
use edgebench_kernels::{Broadcast, Table};
use edgebench_schema::tflite::ActivationFunctionType;

use super::filter::{float_clamp, int8_clamp};
use super::map::binary;
use super::{Operand, Prepared, Site};
use crate::error::Fault;
use crate::quant::quantize_multiplier;
use crate::tensor::DType;

/// Bits of headroom of int8 sums (LiteRT `add.cc`).
const LEFT_SHIFT: u32 = 20;

/// Two operands that broadcast to the output.
struct Pair<'m> {
    left: Operand<'m>,
    right: Operand<'m>,
    output: Operand<'m>,
    walk: Broadcast,
    activation: ActivationFunctionType,
}

/// Prepares ADD.
pub(crate) fn add(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let options = site.options(|table| table.builtin_options_as_add_options())?;
    let pair = pair(site, options.fused_activation_function())?;
    sum(site, pair, &table::ADD_F32, &table::ADD_I8)
}

/// Prepares SUB.
pub(crate) fn sub(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let options = site.options(|table| table.builtin_options_as_sub_options())?;
    let pair = pair(site, options.fused_activation_function())?;
    sum(site, pair, &table::SUB_F32, &table::SUB_I8)
}

/// Prepares MUL.
pub(crate) fn mul(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let options = site.options(|table| table.builtin_options_as_mul_options())?;
    let pair = pair(site, options.fused_activation_function())?;
    match pair.output.dtype() {
        DType::Float32 => float(site, pair, &table::MUL_F32),
        DType::Int8 => {
            let constants = mul_constants(site, &pair)?;
            let walk = pair.walk;
            let row = table::MUL_I8.select(site.choice());
            Ok(binary(row, move |kernel, left, right, output| kernel(&constants, &walk, left, right, output)))
        }
        dtype => Err(site.unsupported(format!("type {dtype}"))),
    }
}

fn pair<'m>(site: &Site<'_, 'm>, activation: ActivationFunctionType) -> Result<Pair<'m>, Fault> {
    let (left, right, output) = (site.input(0)?, site.input(1)?, site.output(0)?);
    right.expect_dtype(left.dtype())?;
    output.expect_dtype(left.dtype())?;
    let walk = Broadcast::new(left.shape(), right.shape()).ok_or_else(|| {
        let expected = format!("a shape that broadcasts with {:?}", left.shape());
        right.fault(expected, format!("shape {:?}", right.shape()))
    })?;
    output.expect_shape(&broadcast_shape(left.shape(), right.shape()))?;
    Ok(Pair { left, right, output, walk, activation })
}

/// The larger dimension of each axis, aligned at the last one.
fn broadcast_shape(left: &[usize], right: &[usize]) -> alloc::vec::Vec<usize> {
    let rank = left.len().max(right.len());
    let dim = |shape: &[usize], axis: usize| match (axis + shape.len()).checked_sub(rank) {
        Some(own) => shape.get(own).copied().unwrap_or(1),
        None => 1,
    };
    (0..rank).map(|axis| if dim(left, axis) == 1 { dim(right, axis) } else { dim(left, axis) }).collect()
}

fn sum(
    site: &Site<'_, '_>,
    pair: Pair<'_>,
    floats: &Table<BinaryF32>,
    int8: &Table<AddI8Fn>,
) -> Result<Prepared, Fault> {
    match pair.output.dtype() {
        DType::Float32 => float(site, pair, floats),
        DType::Int8 => {
            let constants = sum_constants(site, &pair)?;
            let walk = pair.walk;
            let row = int8.select(site.choice());
            Ok(binary(row, move |kernel, left, right, output| kernel(&constants, &walk, left, right, output)))
        }
        dtype => Err(site.unsupported(format!("type {dtype}"))),
    }
}

fn float(site: &Site<'_, '_>, pair: Pair<'_>, kernels: &Table<BinaryF32>) -> Result<Prepared, Fault> {
    let activation = float_clamp(pair.activation, site)?;
    let walk = pair.walk;
    let row = kernels.select(site.choice());
    Ok(binary(row, move |kernel, left, right, output| kernel(activation, &walk, left, right, output)))
}

/// Both operands come to twice the larger scale (LiteRT `add.cc`, `sub.cc`; its mix of precisions).
fn sum_constants(site: &Site<'_, '_>, pair: &Pair<'_>) -> Result<AddI8, Fault> {
    let (left, right) = (pair.left.per_tensor()?, pair.right.per_tensor()?);
    let output = pair.output.per_tensor()?;
    let twice_largest = f64::from(2.0 * left.0.max(right.0));
    let headroom = (1u32 << LEFT_SHIFT) as f32;
    Ok(AddI8 {
        left_zero_point: left.1,
        right_zero_point: right.1,
        output_zero_point: output.1,
        left_shift: LEFT_SHIFT,
        left: quantize_multiplier(f64::from(left.0) / twice_largest),
        right: quantize_multiplier(f64::from(right.0) / twice_largest),
        output: quantize_multiplier(twice_largest / f64::from(headroom * output.0)),
        activation: int8_clamp(pair.activation, output, site)?,
    })
}

/// The product of the scales is rounded to single precision at each step (LiteRT `mul.cc`).
fn mul_constants(site: &Site<'_, '_>, pair: &Pair<'_>) -> Result<MulI8, Fault> {
    let (left, right) = (pair.left.per_tensor()?, pair.right.per_tensor()?);
    let output = pair.output.per_tensor()?;
    Ok(MulI8 {
        left_zero_point: left.1,
        right_zero_point: right.1,
        output_zero_point: output.1,
        output: quantize_multiplier(f64::from(left.0 * right.0 / output.0)),
        activation: int8_clamp(pair.activation, output, site)?,
    })
}
