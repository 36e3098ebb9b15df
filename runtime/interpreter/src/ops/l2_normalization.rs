//! L2_NORMALIZATION over the last axis.

use alloc::format;

use bytemuck::Pod;
use edgebench_kernels::reference::l2_normalization::{l2_normalization_f32, l2_normalization_quantized};
use edgebench_kernels::reference::quantize::Quantized;
use edgebench_schema::tflite::ActivationFunctionType;

use super::map::plain_unary;
use super::unary::same_shape;
use super::{Operand, Prepared, Site};
use crate::error::Fault;
use crate::tensor::DType;

/// The scale that LiteRT's 8-bit kernels write.
const OUTPUT_SCALE: f32 = 1.0 / 128.0;

/// Prepares L2_NORMALIZATION.
pub(crate) fn l2_normalization(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let options = site.options(|table| table.builtin_options_as_l2_norm_options())?;
    if options.fused_activation_function() != ActivationFunctionType::NONE {
        return Err(site.unsupported("fused activation"));
    }
    let (input, output) = same_shape(site)?;
    let Some(depth) = input.shape().last().copied() else {
        return Err(input.fault("rank 1 or more", "a scalar"));
    };
    // Rows without elements have nothing to be divided.
    let depth = depth.max(1);
    match input.dtype() {
        DType::Float32 => Ok(plain_unary(move |input, output| l2_normalization_f32(depth, input, output))),
        DType::Int8 => quantized::<i8>(&input, &output, depth),
        DType::UInt8 => quantized::<u8>(&input, &output, depth),
        dtype => Err(site.unsupported(format!("type {dtype}"))),
    }
}

fn quantized<T: Pod + Quantized>(
    input: &Operand<'_>,
    output: &Operand<'_>,
    depth: usize,
) -> Result<Prepared, Fault> {
    let expected = (OUTPUT_SCALE, (T::MIN + T::MAX + 1) / 2);
    if output.per_tensor()? != expected {
        let expected = format!("scale 1/128 and zero point {}", expected.1);
        return Err(output.fault(expected, format!("{:?}", output.per_tensor()?)));
    }
    let (_, zero_point) = input.per_tensor()?;
    Ok(plain_unary(move |input: &[T], output| l2_normalization_quantized(zero_point, depth, input, output)))
}
