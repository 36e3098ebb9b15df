//! Functions of single elements: RELU, RELU6, LOGISTIC, HARD_SWISH, on floats and on int8.

use alloc::format;

use edgebench_kernels::reference::hard_swish::HardSwishI8;
use edgebench_kernels::reference::logistic::Table256;
use edgebench_kernels::reference::quantize::Requantize;
use edgebench_kernels::table;
use edgebench_schema::tflite::ActivationFunctionType;

use super::filter::{float_clamp, int8_clamp};
use super::map::unary;
use super::{Operand, Prepared, Site};
use crate::error::Fault;
use crate::quant::{narrow_multiplier, quantize_multiplier};
use crate::tensor::DType;

/// Prepares RELU.
pub(crate) fn relu(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    clamp(site, ActivationFunctionType::RELU)
}

/// Prepares RELU6.
pub(crate) fn relu6(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    clamp(site, ActivationFunctionType::RELU6)
}

fn clamp(site: &Site<'_, '_>, kind: ActivationFunctionType) -> Result<Prepared, Fault> {
    let (input, output) = same_shape(site)?;
    match input.dtype() {
        DType::Float32 => {
            let range = float_clamp(kind, site)?;
            let row = table::RELU_F32.select(site.choice());
            Ok(unary(row, move |kernel, input, output| kernel(range, input, output)))
        }
        DType::Int8 => {
            let (from, to) = (input.per_tensor()?, output.per_tensor()?);
            let range = int8_clamp(kind, to, site)?;
            // The quotient of the scales is rounded to single precision (LiteRT `activations.cc`, `ReluPrepare`).
            let multiplier = quantize_multiplier(f64::from(from.0 / to.0));
            let rescale = Requantize { input_zero_point: from.1, multiplier, output_zero_point: to.1 };
            let row = table::RELU_I8.select(site.choice());
            Ok(unary(row, move |kernel, input, output| kernel(&rescale, range, input, output)))
        }
        dtype => Err(site.unsupported(format!("type {dtype}"))),
    }
}

/// Prepares LOGISTIC.
pub(crate) fn logistic(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let (input, output) = same_shape(site)?;
    match input.dtype() {
        DType::Float32 => {
            let row = table::LOGISTIC_F32.select(site.choice());
            Ok(unary(row, |kernel, input, output| kernel(input, output)))
        }
        DType::Int8 => {
            let values = Table256::logistic(input.per_tensor()?, output.per_tensor()?);
            let row = table::LOGISTIC_I8.select(site.choice());
            Ok(unary(row, move |kernel, input, output| kernel(&values, input, output)))
        }
        dtype => Err(site.unsupported(format!("type {dtype}"))),
    }
}

/// Prepares HARD_SWISH.
pub(crate) fn hard_swish(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let (input, output) = same_shape(site)?;
    match input.dtype() {
        DType::Float32 => {
            let row = table::HARD_SWISH_F32.select(site.choice());
            Ok(unary(row, |kernel, input, output| kernel(input, output)))
        }
        DType::Int8 => {
            let constants = hard_swish_constants(site, input.per_tensor()?, output.per_tensor()?)?;
            let row = table::HARD_SWISH_I8.select(site.choice());
            Ok(unary(row, move |kernel, input, output| kernel(&constants, input, output)))
        }
        dtype => Err(site.unsupported(format!("type {dtype}"))),
    }
}

/// In single precision, as LiteRT `HardSwishPrepare` has it.
fn hard_swish_constants(
    site: &Site<'_, '_>,
    input: (f32, i32),
    output: (f32, i32),
) -> Result<HardSwishI8, Fault> {
    const RELUISH_SCALE: f32 = 3.0 / 32768.0;
    let fine_scale = input.0 / 128.0;
    let rescale = quantize_multiplier(f64::from(fine_scale / output.0));
    if rescale.shift > 0 {
        return Err(site.unsupported(format!("input scale {:?} at output scale {:?}", input.0, output.0)));
    }
    let reluish = quantize_multiplier(f64::from(fine_scale / RELUISH_SCALE));
    Ok(HardSwishI8 {
        input_zero_point: input.1 as i16,
        output_zero_point: output.1 as i16,
        output_mantissa: narrow_multiplier(rescale.mantissa),
        output_exponent: rescale.shift,
        reluish_mantissa: narrow_multiplier(reluish.mantissa),
        reluish_exponent: reluish.shift,
    })
}

fn same_shape<'m>(site: &Site<'_, 'm>) -> Result<(Operand<'m>, Operand<'m>), Fault> {
    let (input, output) = (site.input(0)?, site.output(0)?);
    output.expect_shape(input.shape())?;
    output.expect_dtype(input.dtype())?;
    Ok((input, output))
}
