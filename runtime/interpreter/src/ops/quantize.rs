//! QUANTIZE (floats to integers, and from one integer quantization to another) and DEQUANTIZE.

use alloc::format;

use bytemuck::Pod;
use edgebench_kernels::Table;
use edgebench_kernels::half::f16_to_f32;
use edgebench_kernels::reference::quantize::{self, PerChannel, Quantized, Requantize};
use edgebench_kernels::reference::unary::for_each;
use edgebench_kernels::table::{self, DequantizeFn, QuantizeFn, RequantizeFn};

use super::map::{plain_unary, unary};
use super::{Operand, Prepared, Site};
use crate::error::Fault;
use crate::quant::quantize_multiplier;
use crate::tensor::DType;

/// Prepares QUANTIZE.
pub(crate) fn quantize(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let (input, output) = (site.input(0)?, site.output(0)?);
    output.expect_shape(input.shape())?;
    if let (DType::Float32, Some(channels)) = (input.dtype(), per_channel(&output)) {
        return match output.dtype() {
            DType::Int8 => Ok(from_floats_per_channel::<i8>(channels)),
            DType::UInt8 => Ok(from_floats_per_channel::<u8>(channels)),
            DType::Int16 => Ok(from_floats_per_channel::<i16>(channels)),
            _ => Err(unsupported(site, &input, &output)),
        };
    }
    match (input.dtype(), output.dtype()) {
        (DType::Float32, DType::Int8) => from_floats(site, &output, &table::QUANTIZE_F32_I8),
        (DType::Float32, DType::UInt8) => from_floats(site, &output, &table::QUANTIZE_F32_U8),
        (DType::Float32, DType::Int16) => {
            let (scale, zero_point) = output.per_tensor()?;
            Ok(plain_unary(move |input, output: &mut [i16]| {
                quantize::quantize(scale, zero_point, input, output);
            }))
        }
        (DType::Int8, DType::Int8) => rescaled(site, &input, &output, &table::QUANTIZE_I8_I8),
        (DType::Int8, DType::UInt8) => rescaled(site, &input, &output, &table::QUANTIZE_I8_U8),
        (DType::UInt8, DType::Int8) => rescaled(site, &input, &output, &table::QUANTIZE_U8_I8),
        (DType::Int8, DType::Int16) => plainly_rescaled::<i8, i16>(&input, &output),
        (DType::UInt8, DType::Int16) => plainly_rescaled::<u8, i16>(&input, &output),
        (DType::UInt8, DType::UInt8) => plainly_rescaled::<u8, u8>(&input, &output),
        (DType::Int16, DType::Int8) => plainly_rescaled::<i16, i8>(&input, &output),
        (DType::Int16, DType::Int16) => {
            input.expect_no_zero_point()?;
            output.expect_no_zero_point()?;
            plainly_rescaled::<i16, i16>(&input, &output)
        }
        (DType::Int16, DType::Int32) => plainly_rescaled::<i16, i32>(&input, &output),
        (DType::Int32, DType::Int8) => plainly_rescaled::<i32, i8>(&input, &output),
        (DType::Int32, DType::Int16) => plainly_rescaled::<i32, i16>(&input, &output),
        _ => Err(unsupported(site, &input, &output)),
    }
}

/// The scales of a tensor that has more than one.
fn per_channel(operand: &Operand<'_>) -> Option<PerChannel> {
    let quantization = operand.info.quantization.as_ref().filter(|all| all.scales.len() > 1)?;
    let inner: usize = operand.shape().iter().skip(quantization.axis + 1).product();
    Some(PerChannel {
        scales: quantization.scales.clone(),
        zero_points: quantization.zero_points.clone(),
        inner: inner.max(1),
    })
}

fn from_floats_per_channel<Out: Pod + Quantized>(channels: PerChannel) -> Prepared {
    plain_unary(move |input, output: &mut [Out]| quantize::quantize_per_channel(&channels, input, output))
}

fn to_floats_per_channel<In: Pod + Quantized>(channels: PerChannel) -> Prepared {
    plain_unary(move |input: &[In], output| quantize::dequantize_per_channel(&channels, input, output))
}

fn from_floats<Out: Pod>(
    site: &Site<'_, '_>,
    output: &Operand<'_>,
    kernels: &Table<QuantizeFn<Out>>,
) -> Result<Prepared, Fault> {
    let (scale, zero_point) = output.per_tensor()?;
    let row = kernels.select(site.choice());
    Ok(unary(row, move |kernel, input, output| kernel(scale, zero_point, input, output)))
}

fn rescaled<In: Pod, Out: Pod>(
    site: &Site<'_, '_>,
    input: &Operand<'_>,
    output: &Operand<'_>,
    kernels: &Table<RequantizeFn<In, Out>>,
) -> Result<Prepared, Fault> {
    let rescale = rescale(input, output)?;
    let row = kernels.select(site.choice());
    Ok(unary(row, move |kernel, input, output| kernel(&rescale, input, output)))
}

fn plainly_rescaled<In: Pod + Quantized, Out: Pod + Quantized>(
    input: &Operand<'_>,
    output: &Operand<'_>,
) -> Result<Prepared, Fault> {
    let rescale = rescale(input, output)?;
    Ok(plain_unary(move |input: &[In], output: &mut [Out]| quantize::requantize(&rescale, input, output)))
}

fn rescale(input: &Operand<'_>, output: &Operand<'_>) -> Result<Requantize, Fault> {
    let (from, to) = (input.per_tensor()?, output.per_tensor()?);
    let multiplier = quantize_multiplier(f64::from(from.0) / f64::from(to.0));
    Ok(Requantize { input_zero_point: from.1, multiplier, output_zero_point: to.1 })
}

/// Prepares DEQUANTIZE. A constant input is not converted here: its readers take it as it is stored.
pub(crate) fn dequantize(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let (input, output) = (site.input(0)?, site.output(0)?);
    output.expect_shape(input.shape())?;
    output.expect_dtype(DType::Float32)?;
    match (input.dtype(), input.is_constant()) {
        (DType::Float16, true) => return Ok(Prepared::folded()),
        (DType::Int8 | DType::UInt8, true) => return input.quantization().map(|_| Prepared::folded()),
        _ => {}
    }
    match (input.dtype(), per_channel(&input)) {
        (DType::Float16, _) => Ok(plain_unary(|input, output| for_each(input, output, f16_to_f32))),
        (DType::Int8, Some(channels)) => Ok(to_floats_per_channel::<i8>(channels)),
        (DType::UInt8, Some(channels)) => Ok(to_floats_per_channel::<u8>(channels)),
        (DType::Int16, Some(channels)) => Ok(to_floats_per_channel::<i16>(channels)),
        (DType::Int8, None) => to_floats(site, &input, &table::DEQUANTIZE_I8),
        (DType::UInt8, None) => to_floats(site, &input, &table::DEQUANTIZE_U8),
        (DType::Int16, None) => {
            let (scale, zero_point) = input.per_tensor()?;
            Ok(plain_unary(move |input: &[i16], output| {
                quantize::dequantize(scale, zero_point, input, output);
            }))
        }
        _ => Err(unsupported(site, &input, &output)),
    }
}

fn to_floats<In: Pod>(
    site: &Site<'_, '_>,
    input: &Operand<'_>,
    kernels: &Table<DequantizeFn<In>>,
) -> Result<Prepared, Fault> {
    let (scale, zero_point) = input.per_tensor()?;
    let row = kernels.select(site.choice());
    Ok(unary(row, move |kernel, input, output| kernel(scale, zero_point, input, output)))
}

fn unsupported(site: &Site<'_, '_>, input: &Operand<'_>, output: &Operand<'_>) -> Fault {
    site.unsupported(format!("types {} to {}", input.dtype(), output.dtype()))
}
