//! TRANSPOSE_CONV on floats, int8, uint8 and int16.

use alloc::format;
use alloc::vec::Vec;

use edgebench_kernels::reference::transpose_conv;
use edgebench_kernels::spec::ConvF32;
use edgebench_kernels::{Conv2dShape, Set};
use edgebench_schema::tflite::TransposeConvOptions;

use super::filter::{FloatConstant, float_bias, float_clamp, packed_from};
use super::integer::{self, Kind, Weighted};
use super::window::WindowOptions;
use super::{Operand, Prepared, Site};
use crate::error::Fault;
use crate::tensor::DType;

/// Prepares TRANSPOSE_CONV: constant output shape, filter OHWI, input NHWC, bias `[O]` or absent.
pub(crate) fn transpose_conv(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let options = site.options(|table| table.builtin_options_as_transpose_conv_options())?;
    let (filter, input, output) = (site.input(1)?, site.input(2)?, site.output(0)?);
    check_output_shape(&site.input(0)?, &output)?;
    output.expect_dtype(input.dtype())?;
    let shape = shape(site, &options, &input, &filter, &output)?;
    let activation = options.fused_activation_function();
    let node = Weighted {
        input,
        filter,
        bias: site.optional_input(3),
        output,
        shape,
        kind: Kind::Transposed,
        activation,
        macs: macs(&shape),
    };
    match (input.dtype(), filter.dtype()) {
        (DType::Float32, DType::Float32 | DType::Float16) => float(site, &node),
        (DType::Int8, DType::Int8) => integer::int8(site, &node),
        (DType::UInt8, DType::UInt8) => integer::uint8(site, &node),
        (DType::Int16, DType::Int8) => integer::int16(site, &node),
        (input, filter) => Err(site.unsupported(format!("types {input} x {filter}"))),
    }
}

/// Every input pixel meets every tap once.
fn macs(shape: &Conv2dShape) -> u64 {
    shape.input_len() as u64 * shape.window.taps() as u64 * shape.out_channels as u64
}

/// Input 0 says the output's shape a second time.
fn check_output_shape(stated: &Operand<'_>, output: &Operand<'_>) -> Result<(), Fault> {
    stated.expect_dtype(DType::Int32)?;
    let constant = stated.expect_constant()?;
    let dims: Vec<i32> = constant.bytes.as_chunks().0.iter().map(|dim| i32::from_le_bytes(*dim)).collect();
    let shape: Option<Vec<usize>> = dims.iter().map(|dim| usize::try_from(*dim).ok()).collect();
    let shape = shape.ok_or_else(|| stated.fault("dimensions of at least 0", format!("{dims:?}")))?;
    output.expect_shape(&shape)
}

fn shape(
    site: &Site<'_, '_>,
    options: &TransposeConvOptions<'_>,
    input: &Operand<'_>,
    filter: &Operand<'_>,
    output: &Operand<'_>,
) -> Result<Conv2dShape, Fault> {
    let [batch, in_height, in_width, in_channels] = input.dims()?;
    let [out_channels, filter_height, filter_width, filter_channels] = filter.dims()?;
    let [_, out_height, out_width, _] = output.dims()?;
    if filter_channels != in_channels {
        let expected = format!("{in_channels} input channels");
        return Err(filter.fault(expected, format!("shape {:?}", filter.shape())));
    }
    if output.shape() != [batch, out_height, out_width, out_channels] {
        let expected = format!("batch {batch} and {out_channels} channels");
        return Err(output.fault(expected, format!("shape {:?}", output.shape())));
    }
    let window = WindowOptions {
        padding: options.padding(),
        filter: [filter_height, filter_width],
        stride: [options.stride_h(), options.stride_w()],
        dilation: [1, 1],
    };
    // The window slides over the output; where it stands are the input's pixels.
    let (window, _) = window.over(output, [out_height, out_width], site)?;
    Ok(Conv2dShape {
        batch,
        in_height,
        in_width,
        in_channels,
        out_height,
        out_width,
        out_channels,
        groups: 1,
        window,
    })
}

fn float(site: &Site<'_, '_>, node: &Weighted<'_>) -> Result<Prepared, Fault> {
    let filter = FloatConstant::of(&node.filter)?;
    let bias = float_bias(site, 3, node.shape.out_channels)?;
    let spec = ConvF32 {
        shape: node.shape,
        filter: filter.weights(),
        bias: bias.as_ref().map(FloatConstant::weights),
        activation: float_clamp(node.activation, site)?,
    };
    Ok(packed_from(&[2], Set::Reference.name(), transpose_conv::pack_f32(&spec), node.macs))
}
