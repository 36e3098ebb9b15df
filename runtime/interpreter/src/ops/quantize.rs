//! QUANTIZE (floats to integers, and from one integer quantization to another) and DEQUANTIZE.

use alloc::format;

use bytemuck::Pod;
use edgebench_kernels::Set;
use edgebench_kernels::reference::quantize::{self, Quantized, Requantize};

use super::map::unary;
use super::{Operand, Prepared, Site};
use crate::error::Fault;
use crate::quant::quantize_multiplier;
use crate::tensor::DType;

/// Prepares QUANTIZE.
pub(crate) fn quantize(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let (input, output) = (site.input(0)?, site.output(0)?);
    output.expect_shape(input.shape())?;
    match output.dtype() {
        DType::Int8 => to_integers::<i8>(site, &input, &output),
        DType::UInt8 => to_integers::<u8>(site, &input, &output),
        DType::Int16 => to_integers::<i16>(site, &input, &output),
        _ => Err(unsupported(site, &input, &output)),
    }
}

fn to_integers<Out: Pod + Quantized>(
    site: &Site<'_, '_>,
    input: &Operand<'_>,
    output: &Operand<'_>,
) -> Result<Prepared, Fault> {
    match input.dtype() {
        DType::Float32 => {
            let (scale, zero_point) = output.per_tensor()?;
            Ok(unary::<f32, Out>(Set::Reference.name(), move |input, output| {
                quantize::quantize(scale, zero_point, input, output);
            }))
        }
        DType::Int8 => rescaled::<i8, Out>(input, output),
        DType::UInt8 => rescaled::<u8, Out>(input, output),
        DType::Int16 => rescaled::<i16, Out>(input, output),
        _ => Err(unsupported(site, input, output)),
    }
}

fn rescaled<In: Pod + Quantized, Out: Pod + Quantized>(
    input: &Operand<'_>,
    output: &Operand<'_>,
) -> Result<Prepared, Fault> {
    let (from, to) = (input.per_tensor()?, output.per_tensor()?);
    let multiplier = quantize_multiplier(f64::from(from.0) / f64::from(to.0));
    let rescale = Requantize { input_zero_point: from.1, multiplier, output_zero_point: to.1 };
    Ok(unary::<In, Out>(Set::Reference.name(), move |input, output| {
        quantize::requantize(&rescale, input, output);
    }))
}

/// Prepares DEQUANTIZE. A constant input is not converted here: its readers take it as it is stored.
pub(crate) fn dequantize(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let (input, output) = (site.input(0)?, site.output(0)?);
    output.expect_shape(input.shape())?;
    output.expect_dtype(DType::Float32)?;
    if input.is_constant() {
        return match input.dtype() {
            DType::Float16 => Ok(Prepared::folded()),
            DType::Int8 | DType::UInt8 => input.quantization().map(|_| Prepared::folded()),
            _ => Err(unsupported(site, &input, &output)),
        };
    }
    match input.dtype() {
        DType::Int8 => to_floats::<i8>(&input),
        DType::UInt8 => to_floats::<u8>(&input),
        DType::Int16 => to_floats::<i16>(&input),
        _ => Err(unsupported(site, &input, &output)),
    }
}

fn to_floats<In: Pod + Quantized>(input: &Operand<'_>) -> Result<Prepared, Fault> {
    let (scale, zero_point) = input.per_tensor()?;
    Ok(unary::<In, f32>(Set::Reference.name(), move |input, output| {
        quantize::dequantize(scale, zero_point, input, output);
    }))
}

fn unsupported(site: &Site<'_, '_>, input: &Operand<'_>, output: &Operand<'_>) -> Fault {
    site.unsupported(format!("types {} to {}", input.dtype(), output.dtype()))
}
