//! SOFTMAX over the last axis, on floats and on int8.

use alloc::format;

use edgebench_kernels::reference::softmax::SoftmaxI8;
use edgebench_kernels::table;

use super::map::unary;
use super::{Operand, Prepared, Site};
use crate::error::Fault;
use crate::quant::quantize_multiplier;
use crate::tensor::DType;

/// The only output that LiteRT's int8 kernel writes.
const OUTPUT_SCALE_ZERO_POINT: (f32, i32) = (1.0 / 256.0, -128);

/// Integer bits of the scaled differences (LiteRT `activations.cc`, `kScaledDiffIntegerBits`).
const DIFF_INTEGER_BITS: u32 = 5;

/// Prepares SOFTMAX.
pub(crate) fn softmax(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let options = site.options(|table| table.builtin_options_as_softmax_options())?;
    let (input, output) = (site.input(0)?, site.output(0)?);
    input.expect_some()?;
    output.expect_shape(input.shape())?;
    output.expect_dtype(input.dtype())?;
    let depth = input.shape().last().copied().unwrap_or(1);
    let beta = options.beta();
    match input.dtype() {
        DType::Float32 => {
            let row = table::SOFTMAX_F32.select(site.choice());
            Ok(unary(row, move |kernel, input, output| kernel(beta, depth, input, output)))
        }
        DType::Int8 => {
            let constants = constants(site, beta, &input, &output)?;
            let row = table::SOFTMAX_I8.select(site.choice());
            Ok(unary(row, move |kernel, input, output| kernel(&constants, depth, input, output)))
        }
        dtype => Err(site.unsupported(format!("type {dtype}"))),
    }
}

fn constants(
    site: &Site<'_, '_>,
    beta: f32,
    input: &Operand<'_>,
    output: &Operand<'_>,
) -> Result<SoftmaxI8, Fault> {
    if output.per_tensor()? != OUTPUT_SCALE_ZERO_POINT {
        let found = format!("{:?}", output.per_tensor()?);
        return Err(output.fault("scale 1/256 and zero point -128", found));
    }
    let steps =
        f64::from(beta) * f64::from(input.per_tensor()?.0) * f64::from(1u32 << (31 - DIFF_INTEGER_BITS));
    let multiplier = quantize_multiplier(steps.min(f64::from(i32::MAX)));
    let left_shift = u32::try_from(multiplier.shift).ok().filter(|_| steps > 1.0);
    let left_shift =
        left_shift.ok_or_else(|| site.unsupported(format!("beta {beta:?} at this input scale")))?;
    // LiteRT `CalculateInputRadius`: what can be scaled without overflow. The shift is at most 31.
    let radius = (((1u64 << DIFF_INTEGER_BITS) - 1) << (31 - DIFF_INTEGER_BITS)) >> left_shift;
    Ok(SoftmaxI8 {
        input_mantissa: multiplier.mantissa,
        input_left_shift: left_shift,
        diff_min: -i32::try_from(radius).unwrap_or(i32::MAX),
    })
}
