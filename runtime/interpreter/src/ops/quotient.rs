//! DIV, FLOOR_DIV, FLOOR_MOD, ATAN2 and POW with broadcasting. Divisors of 0 and negative exponents of integers stop the run.

use alloc::format;

use bytemuck::Pod;
use edgebench_kernels::reference::binary::for_each_pair;
use edgebench_kernels::reference::number::Number;
use edgebench_kernels::reference::quantize::Quantized;
use edgebench_kernels::reference::quotient::{self, DivQuantized, Divisible};
use edgebench_schema::tflite::ActivationFunctionType;

use super::filter::{number_clamp, quantized_clamp};
use super::map::{plain, plain_binary};
use super::pair::Pair;
use super::{Prepared, Site};
use crate::error::Fault;
use crate::memory::Frame;
use crate::quant::quantize_multiplier;
use crate::tensor::DType;

/// Prepares DIV.
pub(crate) fn div(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let options = site.options(|table| table.builtin_options_as_div_options())?;
    let activation = options.fused_activation_function();
    let pair = Pair::of(site)?;
    match pair.dtype() {
        DType::Float32 => {
            // Even without an activation a quotient by 0 ends at the greatest finite float, as LiteRT has it.
            let (walk, range) = (pair.walk, number_clamp::<f32>(activation, site)?);
            Ok(plain_binary(move |left, right, output| {
                for_each_pair(&walk, left, right, output, |l: f32, r: f32| (l / r).held(range));
            }))
        }
        DType::Int32 => {
            let range = number_clamp::<i32>(activation, site)?;
            checked(pair, 0, move |l: i32, r| l.wrapping_div(r).held(range))
        }
        DType::Int8 => quantized_div::<i8>(site, pair, activation),
        DType::UInt8 => quantized_div::<u8>(site, pair, activation),
        DType::Int16 => quantized_div::<i16>(site, pair, activation),
        dtype => Err(site.unsupported(format!("type {dtype}"))),
    }
}

/// In single precision but for the last step, as LiteRT `div.cc` has it.
fn quantized_div<T: Pod + Quantized + Send + Sync>(
    site: &Site<'_, '_>,
    pair: Pair<'_>,
    activation: ActivationFunctionType,
) -> Result<Prepared, Fault> {
    let [left, right, output] = pair.quantizations()?;
    let constants = DivQuantized {
        left_zero_point: left.1,
        right_zero_point: right.1,
        output_zero_point: output.1,
        output: quantize_multiplier(f64::from(left.0 / (right.0 * output.0))),
        activation: quantized_clamp::<T>(activation, output, site)?,
    };
    let place = pair.right.place();
    let walk = pair.walk;
    Ok(plain(move |frame| {
        let (left, right) = (frame.inputs.of(0), frame.inputs.of::<T>(1));
        if right.iter().any(|divisor| (*divisor).into() == constants.right_zero_point) {
            return Err(Fault::mismatch(&place, "divisors other than 0", "0"));
        }
        quotient::div_quantized(&constants, &walk, left, right, frame.outputs.of());
        Ok(())
    }))
}

/// Prepares ATAN2: the angle of the point with input 0 as its y and input 1 as its x. Both have one shape.
pub(crate) fn atan2(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let pair = Pair::of(site)?;
    pair.right.expect_shape(pair.left.shape())?;
    pair.left.expect_dtype(DType::Float32)?;
    let walk = pair.walk;
    Ok(plain_binary(move |left, right, output| for_each_pair(&walk, left, right, output, libm::atan2f)))
}

/// Prepares FLOOR_DIV.
pub(crate) fn floor_div(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let pair = Pair::of(site)?;
    match pair.dtype() {
        DType::Float32 => checked(pair, 0.0, quotient::floor_div_f32),
        DType::Int8 => checked(pair, 0, i8::floor_div),
        DType::Int16 => checked(pair, 0, i16::floor_div),
        DType::Int32 => checked(pair, 0, i32::floor_div),
        dtype => Err(site.unsupported(format!("type {dtype}"))),
    }
}

/// Prepares FLOOR_MOD.
pub(crate) fn floor_mod(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let pair = Pair::of(site)?;
    match pair.dtype() {
        DType::Float32 => {
            let walk = pair.walk;
            Ok(plain_binary(move |left, right, output| {
                for_each_pair(&walk, left, right, output, quotient::floor_mod_f32);
            }))
        }
        DType::Int8 => checked(pair, 0, i8::floor_mod),
        DType::Int16 => checked(pair, 0, i16::floor_mod),
        DType::Int32 => checked(pair, 0, i32::floor_mod),
        DType::Int64 => checked(pair, 0, i64::floor_mod),
        dtype => Err(site.unsupported(format!("type {dtype}"))),
    }
}

/// A quotient whose divisors are looked at before.
fn checked<T: Pod + PartialEq + Send + Sync>(
    pair: Pair<'_>,
    zero: T,
    compute: impl Fn(T, T) -> T + Send + Sync + 'static,
) -> Result<Prepared, Fault> {
    let place = pair.right.place();
    let walk = pair.walk;
    Ok(plain(move |frame: Frame<'_>| {
        let (left, right) = (frame.inputs.of::<T>(0), frame.inputs.of::<T>(1));
        if right.contains(&zero) {
            return Err(Fault::mismatch(&place, "divisors other than 0", "0"));
        }
        for_each_pair(&walk, left, right, frame.outputs.of(), &compute);
        Ok(())
    }))
}

/// Prepares POW.
pub(crate) fn pow(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let pair = Pair::of(site)?;
    let walk = pair.walk;
    match pair.left.dtype() {
        DType::Float32 => Ok(plain_binary(move |left, right, output| {
            for_each_pair(&walk, left, right, output, libm::powf);
        })),
        DType::Int32 => {
            let place = pair.right.place();
            Ok(plain(move |frame| {
                let exponents = frame.inputs.of::<i32>(1);
                if let Some(exponent) = exponents.iter().find(|exponent| **exponent < 0) {
                    return Err(Fault::mismatch(&place, "exponents of at least 0", format!("{exponent}")));
                }
                let bases = frame.inputs.of(0);
                for_each_pair(&walk, bases, exponents, frame.outputs.of(), quotient::pow_i32);
                Ok(())
            }))
        }
        dtype => Err(site.unsupported(format!("type {dtype}"))),
    }
}
