//! SOFTMAX and LOG_SOFTMAX over the last axis.

use alloc::format;

use bytemuck::Pod;
use edgebench_kernels::reference::log_softmax::{
    LogSoftmaxQuantized, log_softmax_f32, log_softmax_quantized,
};
use edgebench_kernels::reference::quantize::Quantized;
use edgebench_kernels::reference::softmax::{SoftmaxI16, SoftmaxQuantized, softmax_i16, softmax_quantized};
use edgebench_kernels::table;

use super::map::{plain_unary, unary};
use super::{Operand, Prepared, Site};
use crate::error::Fault;
use crate::quant::quantize_multiplier;
use crate::tensor::DType;

/// Integer bits of the scaled differences (LiteRT `activations.cc`, `kScaledDiffIntegerBits`).
const DIFF_INTEGER_BITS: u32 = 5;

/// Prepares SOFTMAX.
pub(crate) fn softmax(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let options = site.options(|table| table.builtin_options_as_softmax_options())?;
    let (input, output, depth) = rows(site)?;
    let beta = options.beta();
    match (input.dtype(), output.dtype()) {
        (DType::Float32, DType::Float32) => {
            let row = table::SOFTMAX_F32.select(site.choice());
            Ok(unary(row, move |kernel, input, output| kernel(beta, depth, input, output)))
        }
        (DType::Int8, DType::Int8) => {
            expect_output(&output, 1.0 / 256.0, -128)?;
            let constants = constants(site, beta, &input)?;
            let row = table::SOFTMAX_I8.select(site.choice());
            Ok(unary(row, move |kernel, input, output| kernel(&constants, depth, input, output)))
        }
        (DType::UInt8, DType::UInt8) => quantized::<u8, u8>(constants(site, beta, &input)?, depth),
        (DType::Int8, DType::Int16) => quantized::<i8, i16>(constants(site, beta, &input)?, depth),
        (DType::UInt8, DType::Int16) => quantized::<u8, i16>(constants(site, beta, &input)?, depth),
        (DType::Int16, DType::Int16) => {
            input.expect_no_zero_point()?;
            expect_output(&output, 1.0 / 32768.0, 0)?;
            let (scale, _) = input.per_tensor()?;
            // In single precision up to the division (LiteRT `activations.cc`, `SoftmaxPrepare`).
            let constants = SoftmaxI16::new(quantize_multiplier(f64::from(scale * beta) / (10.0 / 65535.0)));
            Ok(plain_unary(move |input, output| softmax_i16(&constants, depth, input, output)))
        }
        (from, to) => Err(site.unsupported(format!("types {from} to {to}"))),
    }
}

/// Input and output of one shape, and the length of a row; rows without elements count as rows of one.
fn rows<'m>(site: &Site<'_, 'm>) -> Result<(Operand<'m>, Operand<'m>, usize), Fault> {
    let (input, output) = (site.input(0)?, site.output(0)?);
    output.expect_shape(input.shape())?;
    match input.shape().last() {
        Some(depth) => Ok((input, output, (*depth).max(1))),
        None => Err(input.fault("rank 1 or more", "a scalar")),
    }
}

fn quantized<In: Pod + Quantized, Out: Pod + Quantized>(
    constants: SoftmaxQuantized,
    depth: usize,
) -> Result<Prepared, Fault> {
    Ok(plain_unary(move |input: &[In], output: &mut [Out]| {
        softmax_quantized(&constants, depth, input, output);
    }))
}

/// LiteRT's kernels write one scale, and check it to a thousandth.
fn expect_output(output: &Operand<'_>, scale: f32, zero_point: i32) -> Result<(), Fault> {
    let found = output.per_tensor()?;
    if (found.0 - scale).abs() <= 0.001 * scale && found.1 == zero_point {
        return Ok(());
    }
    let expected = format!("scale 1/{} and zero point {zero_point}", 1.0 / scale);
    Err(output.fault(expected, format!("scale {:?} and zero point {}", found.0, found.1)))
}

fn constants(site: &Site<'_, '_>, beta: f32, input: &Operand<'_>) -> Result<SoftmaxQuantized, Fault> {
    let steps =
        f64::from(beta) * f64::from(input.per_tensor()?.0) * f64::from(1u32 << (31 - DIFF_INTEGER_BITS));
    let multiplier = quantize_multiplier(steps.min(f64::from(i32::MAX)));
    let left_shift = u32::try_from(multiplier.shift).ok().filter(|_| steps > 1.0);
    let left_shift =
        left_shift.ok_or_else(|| site.unsupported(format!("beta {beta:?} at this input scale")))?;
    // LiteRT `CalculateInputRadius`: what can be scaled without overflow. The shift is at most 31.
    let radius = (((1u64 << DIFF_INTEGER_BITS) - 1) << (31 - DIFF_INTEGER_BITS)) >> left_shift;
    Ok(SoftmaxQuantized {
        input_mantissa: multiplier.mantissa,
        input_left_shift: left_shift,
        diff_min: -i32::try_from(radius).unwrap_or(i32::MAX),
    })
}

/// Prepares LOG_SOFTMAX.
pub(crate) fn log_softmax(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let (input, output, depth) = rows(site)?;
    output.expect_dtype(input.dtype())?;
    match input.dtype() {
        DType::Float32 => Ok(plain_unary(move |input, output| log_softmax_f32(depth, input, output))),
        DType::Int8 => log_quantized::<i8>(site, &input, &output, depth),
        DType::UInt8 => log_quantized::<u8>(site, &input, &output, depth),
        dtype => Err(site.unsupported(format!("type {dtype}"))),
    }
}

fn log_quantized<T: Pod + Quantized>(
    site: &Site<'_, '_>,
    input: &Operand<'_>,
    output: &Operand<'_>,
    depth: usize,
) -> Result<Prepared, Fault> {
    if output.per_tensor()? != (1.0 / 16.0, T::MAX) {
        let found = format!("{:?}", output.per_tensor()?);
        return Err(output.fault(format!("scale 1/16 and zero point {}", T::MAX), found));
    }
    let softmax = constants(site, 1.0, input)?;
    // LiteRT `PreprocessLogSoftmaxScalingExp`.
    let unit = (1u64 << (31 - softmax.input_left_shift)) as f64;
    let to_steps = quantize_multiplier(unit / f64::from(softmax.input_mantissa));
    let constants = LogSoftmaxQuantized { softmax, to_steps };
    Ok(plain_unary(move |input: &[T], output| log_softmax_quantized(&constants, depth, input, output)))
}
