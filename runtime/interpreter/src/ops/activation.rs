//! RELU and its relatives, LEAKY_RELU, PRELU, LOGISTIC, TANH and HARD_SWISH.

use alloc::boxed::Box;
use alloc::format;

use bytemuck::Pod;
use edgebench_kernels::reference::activation::{self, LeakyRelu};
use edgebench_kernels::reference::hard_swish::{self, HardSwish};
use edgebench_kernels::reference::logistic;
use edgebench_kernels::reference::lookup::Table256;
use edgebench_kernels::reference::quantize::{Quantized, Requantize};
use edgebench_kernels::reference::sigmoid::{self, ToTable};
use edgebench_kernels::reference::unary::for_each;
use edgebench_kernels::{Choice, Clamp, Set, table};

use super::map::{plain_binary, plain_unary, unary};
use super::pair::Pair;
use super::unary::{by_table, same_shape};
use super::{OfBytes, Operand, Prepared, Site};
use crate::error::Fault;
use crate::quant::{narrow_multiplier, power_of_two, quantize_multiplier};
use crate::tensor::DType;

/// Prepares RELU.
pub(crate) fn relu(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    clamp(site, Clamp { min: 0.0, max: f32::INFINITY })
}

/// Prepares RELU6.
pub(crate) fn relu6(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    clamp(site, Clamp { min: 0.0, max: 6.0 })
}

/// Prepares RELU_N1_TO_1.
pub(crate) fn relu_n1_to_1(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    without_int16(site)?;
    clamp(site, Clamp { min: -1.0, max: 1.0 })
}

/// Prepares RELU_0_TO_1.
pub(crate) fn relu_0_to_1(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    without_int16(site)?;
    clamp(site, Clamp { min: 0.0, max: 1.0 })
}

fn without_int16(site: &Site<'_, '_>) -> Result<(), Fault> {
    match site.input(0)?.dtype() {
        DType::Int16 => Err(site.unsupported("type int16")),
        _ => Ok(()),
    }
}

fn clamp(site: &Site<'_, '_>, range: Clamp<f32>) -> Result<Prepared, Fault> {
    let (input, output) = same_shape(site)?;
    match input.dtype() {
        DType::Float32 => {
            let row = table::RELU_F32.select(site.choice());
            Ok(unary(row, move |kernel, input, output| kernel(range, input, output)))
        }
        DType::Int8 => {
            let (rescale, range) = clamp_constants::<i8>(range, &input, &output)?;
            let row = table::RELU_I8.select(site.choice());
            Ok(unary(row, move |kernel, input, output| kernel(&rescale, range, input, output)))
        }
        DType::UInt8 => quantized_clamp::<u8>(range, &input, &output),
        DType::Int16 => {
            input.expect_no_zero_point()?;
            output.expect_no_zero_point()?;
            quantized_clamp::<i16>(range, &input, &output)
        }
        dtype => Err(site.unsupported(format!("type {dtype}"))),
    }
}

fn quantized_clamp<T: Pod + Quantized + Send + Sync>(
    range: Clamp<f32>,
    input: &Operand<'_>,
    output: &Operand<'_>,
) -> Result<Prepared, Fault> {
    let (rescale, range) = clamp_constants::<T>(range, input, output)?;
    Ok(plain_unary(move |input, output| activation::clamp_quantized(&rescale, range, input, output)))
}

fn clamp_constants<T: Quantized>(
    range: Clamp<f32>,
    input: &Operand<'_>,
    output: &Operand<'_>,
) -> Result<(Requantize, Clamp<T>), Fault> {
    let (from, to) = (input.per_tensor()?, output.per_tensor()?);
    // The quotient of the scales is rounded to single precision (LiteRT `activations.cc`, `ReluPrepare`).
    let multiplier = quantize_multiplier(f64::from(from.0 / to.0));
    let rescale = Requantize { input_zero_point: from.1, multiplier, output_zero_point: to.1 };
    let (min, max) = crate::quant::integer_range((range.min, range.max), to, (T::MIN, T::MAX));
    Ok((rescale, Clamp { min: T::narrow(min), max: T::narrow(max) }))
}

/// Prepares LEAKY_RELU.
pub(crate) fn leaky_relu(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let options = site.options(|table| table.builtin_options_as_leaky_relu_options())?;
    let slope = options.alpha();
    let (input, output) = same_shape(site)?;
    match input.dtype() {
        DType::Float32 => {
            Ok(plain_unary(move |input, output| activation::leaky_relu_f32(slope, input, output)))
        }
        DType::Int8 => leaky_relu_quantized::<i8>(slope, &input, &output),
        DType::UInt8 => leaky_relu_quantized::<u8>(slope, &input, &output),
        DType::Int16 => {
            input.expect_no_zero_point()?;
            output.expect_no_zero_point()?;
            leaky_relu_quantized::<i16>(slope, &input, &output)
        }
        dtype => Err(site.unsupported(format!("type {dtype}"))),
    }
}

fn leaky_relu_quantized<T: Pod + Quantized>(
    slope: f32,
    input: &Operand<'_>,
    output: &Operand<'_>,
) -> Result<Prepared, Fault> {
    let (from, to) = (input.per_tensor()?, output.per_tensor()?);
    let constants = LeakyRelu {
        input_zero_point: from.1,
        slope_zero_point: 0,
        output_zero_point: to.1,
        identity: quantize_multiplier(f64::from(from.0 / to.0)),
        slope: quantize_multiplier(f64::from(from.0 * slope / to.0)),
    };
    Ok(plain_unary(move |input: &[T], output| activation::leaky_relu_quantized(&constants, input, output)))
}

/// Prepares PRELU: input 1 has the slopes, which broadcast to the input.
pub(crate) fn prelu(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let pair = Pair::of(site)?;
    pair.output.expect_shape(pair.left.shape())?;
    match pair.dtype() {
        DType::Float32 => {
            let walk = pair.walk;
            Ok(plain_binary(move |input, slopes, output| activation::prelu_f32(&walk, input, slopes, output)))
        }
        DType::Int8 => prelu_quantized::<i8>(pair),
        DType::UInt8 => prelu_quantized::<u8>(pair),
        dtype => Err(site.unsupported(format!("type {dtype}"))),
    }
}

fn prelu_quantized<T: Pod + Quantized>(pair: Pair<'_>) -> Result<Prepared, Fault> {
    let [from, slopes, to] = pair.quantizations()?;
    let constants = LeakyRelu {
        input_zero_point: from.1,
        slope_zero_point: slopes.1,
        output_zero_point: to.1,
        identity: quantize_multiplier(f64::from(from.0 / to.0)),
        slope: quantize_multiplier(f64::from(from.0 * slopes.0 / to.0)),
    };
    let walk = pair.walk;
    Ok(plain_binary(move |input: &[T], slopes, output| {
        activation::prelu_quantized(&constants, &walk, input, slopes, output);
    }))
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
            expect_scale(&output, 1.0 / 256.0)?;
            let values = Table256::of(input.per_tensor()?, output.per_tensor()?, logistic::logistic);
            let row = table::LOGISTIC_I8.select(site.choice());
            let of_bytes = move |inputs: &[Table256<i8>]| {
                Table256(core::array::from_fn(|index| values.0[usize::from(inputs[0].0[index] as u8)]))
            };
            Ok(Prepared {
                of_bytes: (site.choice() != Choice::UpTo(Set::Reference))
                    .then(|| Box::new(of_bytes) as OfBytes),
                ..unary(row, move |kernel, input, output| kernel(&values, input, output))
            })
        }
        DType::UInt8 => {
            expect_scale(&output, 1.0 / 256.0)?;
            by_table::<u8>(&input, &output, logistic::logistic)
        }
        DType::Int16 => {
            let to_table = to_table(&input, &output, 0)?;
            Ok(plain_unary(move |input, output| sigmoid::logistic_i16(to_table, input, output)))
        }
        dtype => Err(site.unsupported(format!("type {dtype}"))),
    }
}

/// Prepares TANH.
pub(crate) fn tanh(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let (input, output) = same_shape(site)?;
    match input.dtype() {
        DType::Float32 => Ok(plain_unary(|input, output| for_each(input, output, libm::tanhf))),
        DType::Int8 => by_table::<i8>(&input, &output, libm::tanhf),
        DType::UInt8 => by_table::<u8>(&input, &output, libm::tanhf),
        DType::Int16 => {
            let to_table = to_table(&input, &output, 1)?;
            Ok(plain_unary(move |input, output| sigmoid::tanh_i16(to_table, input, output)))
        }
        dtype => Err(site.unsupported(format!("type {dtype}"))),
    }
}

/// Int16 to the steps of the common table. Scales of 2^-12 to `2^(max_left_shift - 12)` are taken as powers of two (LiteRT
/// `activations.cc`, `TanhPrepare`).
fn to_table(input: &Operand<'_>, output: &Operand<'_>, max_left_shift: u32) -> Result<ToTable, Fault> {
    /// Fraction bits of an input of -8..8.
    const FRACTION_BITS: i32 = 12;
    input.expect_no_zero_point()?;
    output.expect_no_zero_point()?;
    expect_scale(output, 1.0 / 32768.0)?;
    let (scale, _) = input.per_tensor()?;
    let left_shift = power_of_two(scale).and_then(|exponent| u32::try_from(exponent + FRACTION_BITS).ok());
    Ok(match left_shift.filter(|shift| *shift <= max_left_shift) {
        Some(shift) => ToTable::power_of_two(shift),
        None => ToTable::of(scale),
    })
}

fn expect_scale(output: &Operand<'_>, scale: f32) -> Result<(), Fault> {
    let (found, _) = output.per_tensor()?;
    if found == scale {
        return Ok(());
    }
    Err(output.fault(format!("scale {scale:?}"), format!("scale {found:?}")))
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
        DType::UInt8 => {
            let constants = hard_swish_constants(site, input.per_tensor()?, output.per_tensor()?)?;
            Ok(plain_unary(move |input: &[u8], output| {
                hard_swish::hard_swish_quantized(&constants, input, output);
            }))
        }
        dtype => Err(site.unsupported(format!("type {dtype}"))),
    }
}

/// In single precision, as LiteRT `HardSwishPrepare` has it.
fn hard_swish_constants(
    site: &Site<'_, '_>,
    input: (f32, i32),
    output: (f32, i32),
) -> Result<HardSwish, Fault> {
    const RELUISH_SCALE: f32 = 3.0 / 32768.0;
    let fine_scale = input.0 / 128.0;
    let rescale = quantize_multiplier(f64::from(fine_scale / output.0));
    if rescale.shift > 0 {
        return Err(site.unsupported(format!("input scale {:?} at output scale {:?}", input.0, output.0)));
    }
    let reluish = quantize_multiplier(f64::from(fine_scale / RELUISH_SCALE));
    Ok(HardSwish {
        input_zero_point: input.1 as i16,
        output_zero_point: output.1 as i16,
        output_mantissa: narrow_multiplier(rescale.mantissa),
        output_exponent: rescale.shift,
        reluish_mantissa: narrow_multiplier(reluish.mantissa),
        reluish_exponent: reluish.shift,
    })
}
