//! Functions of single elements: ABS, NEG, SQRT, RSQRT, EXP, LOG, SIN, COS, SQUARE, FLOOR, CEIL, ROUND, SIGN, ELU, GELU.

use alloc::format;

use bytemuck::Pod;
use edgebench_kernels::reference::lookup::{self, Table256, Table513};
use edgebench_kernels::reference::quantize::Quantized;
use edgebench_kernels::reference::unary::{self, UnaryQuantized, for_each};

use super::map::{plain, plain_unary};
use super::{Operand, Prepared, Site};
use crate::error::Fault;
use crate::quant::quantize_multiplier;
use crate::tensor::DType;

/// Input 0 and output 0, of one type and shape.
pub(super) fn same_shape<'m>(site: &Site<'_, 'm>) -> Result<(Operand<'m>, Operand<'m>), Fault> {
    let (input, output) = (site.input(0)?, site.output(0)?);
    output.expect_shape(input.shape())?;
    output.expect_dtype(input.dtype())?;
    Ok((input, output))
}

/// A function of 8-bit elements, by a table.
pub(super) fn by_table<T: Pod + Quantized + Send + Sync>(
    input: &Operand<'_>,
    output: &Operand<'_>,
    function: impl Fn(f32) -> f32,
) -> Result<Prepared, Fault> {
    let table = Table256::<T>::of(input.per_tensor()?, output.per_tensor()?, function);
    Ok(plain_unary(move |input, output| lookup::look_up(&table, input, output)))
}

/// A function of int16 elements, by a table.
fn by_lines(table: Table513) -> Prepared {
    plain_unary(move |input, output| lookup::look_up_i16(&table, input, output))
}

fn each<T: Pod>(compute: impl Fn(T) -> T + Send + Sync + 'static) -> Prepared {
    plain_unary(move |input, output| for_each(input, output, &compute))
}

fn only_floats(site: &Site<'_, '_>, compute: fn(f32) -> f32) -> Result<Prepared, Fault> {
    let (input, _) = same_shape(site)?;
    input.expect_dtype(DType::Float32)?;
    Ok(each(compute))
}

/// Prepares SIN.
pub(crate) fn sin(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    only_floats(site, libm::sinf)
}

/// Prepares COS.
pub(crate) fn cos(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    only_floats(site, libm::cosf)
}

/// Prepares SQUARE.
pub(crate) fn square(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    only_floats(site, |value| value * value)
}

/// Prepares FLOOR.
pub(crate) fn floor(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    only_floats(site, libm::floorf)
}

/// Prepares CEIL.
pub(crate) fn ceil(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    only_floats(site, libm::ceilf)
}

/// Prepares ROUND: halves go to the even neighbour.
pub(crate) fn round(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    only_floats(site, unary::round_half_even)
}

/// Prepares SIGN.
pub(crate) fn sign(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let (input, _) = same_shape(site)?;
    match input.dtype() {
        DType::Float32 => Ok(each(unary::sign)),
        DType::Int32 => Ok(each(i32::signum)),
        dtype => Err(site.unsupported(format!("type {dtype}"))),
    }
}

/// Prepares NEG. Integers are negated as they are stored.
pub(crate) fn neg(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let (input, _) = same_shape(site)?;
    match input.dtype() {
        DType::Float32 => Ok(each(|value: f32| -value)),
        DType::Int8 => Ok(each(i8::wrapping_neg)),
        DType::Int16 => Ok(each(i16::wrapping_neg)),
        DType::Int32 => Ok(each(i32::wrapping_neg)),
        DType::Int64 => Ok(each(i64::wrapping_neg)),
        dtype => Err(site.unsupported(format!("type {dtype}"))),
    }
}

/// Prepares ABS.
pub(crate) fn abs(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let (input, output) = same_shape(site)?;
    match input.dtype() {
        DType::Float32 => Ok(each(f32::abs)),
        DType::Int32 => Ok(each(i32::wrapping_abs)),
        DType::Int8 => abs_quantized::<i8>(&input, &output),
        DType::Int16 if !input.is_quantized() => Ok(each(i16::wrapping_abs)),
        DType::Int16 => {
            input.expect_no_zero_point()?;
            output.expect_no_zero_point()?;
            abs_quantized::<i16>(&input, &output)
        }
        dtype => Err(site.unsupported(format!("type {dtype}"))),
    }
}

fn abs_quantized<T: Pod + Quantized>(input: &Operand<'_>, output: &Operand<'_>) -> Result<Prepared, Fault> {
    let (from, to) = (input.per_tensor()?, output.per_tensor()?);
    // The quotient of the scales is rounded to single precision (LiteRT `elementwise.cc`).
    let rescale = (from.0 != to.0).then(|| quantize_multiplier(f64::from(from.0 / to.0)));
    let constants = UnaryQuantized { input_zero_point: from.1, output_zero_point: to.1, rescale };
    Ok(plain_unary(move |input: &[T], output| unary::abs_quantized(&constants, input, output)))
}

/// Prepares SQRT.
pub(crate) fn sqrt(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let (input, output) = same_shape(site)?;
    match input.dtype() {
        DType::Float32 => Ok(each(libm::sqrtf)),
        DType::Int8 => sqrt_quantized::<i8>(&input, &output),
        DType::Int16 => {
            input.expect_no_zero_point()?;
            output.expect_no_zero_point()?;
            sqrt_quantized::<i16>(&input, &output)
        }
        dtype => Err(site.unsupported(format!("type {dtype}"))),
    }
}

fn sqrt_quantized<T: Pod + Quantized>(input: &Operand<'_>, output: &Operand<'_>) -> Result<Prepared, Fault> {
    let (from, to) = (input.per_tensor()?, output.per_tensor()?);
    let kernel = move |input: &[T], output: &mut [T]| unary::sqrt_quantized(from, to, input, output);
    Ok(not_below_zero(input, from.1, kernel))
}

/// A function that LiteRT refuses to compute below 0.
fn not_below_zero<T: Pod + Quantized>(
    input: &Operand<'_>,
    zero_point: i32,
    compute: impl Fn(&[T], &mut [T]) + Send + Sync + 'static,
) -> Prepared {
    let place = input.place();
    plain(move |frame| {
        let values = frame.inputs.of::<T>(0);
        if let Some(value) = values.iter().find(|value| (**value).into() < zero_point) {
            let found: i32 = (*value).into();
            return Err(Fault::mismatch(
                &place,
                format!("values of at least {zero_point}"),
                format!("{found}"),
            ));
        }
        compute(values, frame.outputs.of());
        Ok(())
    })
}

/// Prepares RSQRT.
pub(crate) fn rsqrt(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let (input, output) = same_shape(site)?;
    match input.dtype() {
        DType::Float32 => Ok(each(|value| 1.0 / libm::sqrtf(value))),
        DType::Int8 => {
            let (from, to) = (input.per_tensor()?, output.per_tensor()?);
            // The product is rounded to single precision (LiteRT `elementwise.cc`).
            let real = 1.0 / f64::from(libm::sqrtf(from.0) * to.0);
            let rescale = Some(quantize_multiplier(real));
            let constants = UnaryQuantized { input_zero_point: from.1, output_zero_point: to.1, rescale };
            Ok(not_below_zero(&input, from.1, move |input, output| {
                unary::rsqrt_i8(&constants, input, output);
            }))
        }
        DType::Int16 => {
            input.expect_no_zero_point()?;
            output.expect_no_zero_point()?;
            let (from, to) = (input.per_tensor()?, output.per_tensor()?);
            let greatest = f32::from(i16::MAX) * to.0;
            let root = |value: f32| if value <= 0.0 { greatest } else { 1.0 / libm::sqrtf(value) };
            let table = Table513::of(from, to, root);
            Ok(not_below_zero(&input, 0, move |input, output| lookup::look_up_i16(&table, input, output)))
        }
        dtype => Err(site.unsupported(format!("type {dtype}"))),
    }
}

/// Prepares EXP.
pub(crate) fn exp(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let (input, output) = same_shape(site)?;
    match input.dtype() {
        DType::Float32 => Ok(each(libm::expf)),
        DType::Int8 => by_table::<i8>(&input, &output, libm::expf),
        DType::Int16 => {
            input.expect_no_zero_point()?;
            output.expect_no_zero_point()?;
            Ok(by_lines(Table513::of(input.per_tensor()?, output.per_tensor()?, libm::expf)))
        }
        dtype => Err(site.unsupported(format!("type {dtype}"))),
    }
}

/// Prepares LOG. On integers what has no logarithm gives the least output.
pub(crate) fn log(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let (input, output) = same_shape(site)?;
    let above = |least: f32| move |value: f32| if value <= 0.0 { least } else { libm::logf(value) };
    match input.dtype() {
        DType::Float32 => Ok(each(libm::logf)),
        DType::Int8 => {
            let (scale, zero_point) = output.per_tensor()?;
            by_table::<i8>(&input, &output, above((-128 - zero_point) as f32 * scale))
        }
        DType::Int16 => {
            input.expect_no_zero_point()?;
            output.expect_no_zero_point()?;
            let (from, to) = (input.per_tensor()?, output.per_tensor()?);
            Ok(by_lines(Table513::of(from, to, above(f32::from(i16::MIN) * to.0))))
        }
        dtype => Err(site.unsupported(format!("type {dtype}"))),
    }
}

/// Prepares ELU.
pub(crate) fn elu(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let (input, output) = same_shape(site)?;
    match input.dtype() {
        DType::Float32 => Ok(each(unary::elu)),
        DType::Int8 => {
            by_table::<i8>(&input, &output, |value| if value < 0.0 { libm::expf(value) - 1.0 } else { value })
        }
        dtype => Err(site.unsupported(format!("type {dtype}"))),
    }
}

/// Prepares GELU.
pub(crate) fn gelu(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let options = site.options(|table| table.builtin_options_as_gelu_options())?;
    let function: fn(f32) -> f32 = if options.approximate() { unary::gelu_by_tanh } else { unary::gelu };
    let (input, output) = same_shape(site)?;
    match input.dtype() {
        DType::Float32 => Ok(each(function)),
        DType::Int8 => by_table::<i8>(&input, &output, function),
        DType::UInt8 => by_table::<u8>(&input, &output, function),
        DType::Int16 => {
            input.expect_no_zero_point()?;
            output.expect_no_zero_point()?;
            Ok(by_lines(Table513::of(input.per_tensor()?, output.per_tensor()?, function)))
        }
        dtype => Err(site.unsupported(format!("type {dtype}"))),
    }
}
