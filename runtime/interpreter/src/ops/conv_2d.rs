//! CONV_2D, ordinary and grouped, on floats, on int8, and on floats with int8 weights.

use alloc::format;

use edgebench_kernels::spec::{ConvF32, ConvHybrid, ConvI8, FilterScales, InputQuantization, OutputStage};
use edgebench_kernels::{Conv2dShape, table};
use edgebench_schema::tflite::{ActivationFunctionType, Conv2DOptions};

use super::filter::{
    FloatConstant, channel_multipliers, filter_scales, float_bias, float_clamp, int8_clamp, int8_filter,
    integer_bias, packed,
};
use super::integer::{self, Kind, Weighted};
use super::window::WindowOptions;
use super::{Operand, Prepared, Site};
use crate::error::Fault;
use crate::tensor::DType;

/// Dimension of the filter that has the output channels (OHWI).
const CHANNEL_AXIS: usize = 0;

struct Conv<'m> {
    input: Operand<'m>,
    filter: Operand<'m>,
    output: Operand<'m>,
    shape: Conv2dShape,
    activation: ActivationFunctionType,
}

impl<'m> Conv<'m> {
    fn weighted(&self, site: &Site<'_, 'm>) -> Weighted<'m> {
        Weighted {
            input: self.input,
            filter: self.filter,
            bias: site.optional_input(2),
            output: self.output,
            shape: self.shape,
            kind: Kind::Conv,
            activation: self.activation,
            macs: self.shape.macs(),
        }
    }
}

/// Prepares CONV_2D: input NHWC, filter OHWI, bias `[O]` or absent.
pub(crate) fn conv_2d(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let options = site.options(|table| table.builtin_options_as_conv_2_doptions())?;
    let (input, filter, output) = (site.input(0)?, site.input(1)?, site.output(0)?);
    let shape = shape(site, &options, &input, &filter)?;
    output.expect_shape(&[shape.batch, shape.out_height, shape.out_width, shape.out_channels])?;
    output.expect_dtype(input.dtype())?;
    // Rows are what threads share out.
    let shape = if site.threads > 1 { shape.with_pixels_as_rows() } else { shape };
    let conv = Conv { input, filter, output, shape, activation: options.fused_activation_function() };
    match (input.dtype(), filter.dtype()) {
        (DType::Float32, DType::Float32 | DType::Float16) => float(site, &conv),
        (DType::Float32, DType::Int8 | DType::Int4) => hybrid(site, &conv),
        (DType::Int8, DType::Int8 | DType::Int4) => int8(site, &conv),
        (DType::UInt8, DType::UInt8) => integer::uint8(site, &conv.weighted(site)),
        (DType::Int16, DType::Int8 | DType::Int4) => integer::int16(site, &conv.weighted(site)),
        (input, filter) => Err(site.unsupported(format!("types {input} x {filter}"))),
    }
}

fn shape(
    site: &Site<'_, '_>,
    options: &Conv2DOptions<'_>,
    input: &Operand<'_>,
    filter: &Operand<'_>,
) -> Result<Conv2dShape, Fault> {
    let [batch, in_height, in_width, in_channels] = input.dims()?;
    let [out_channels, filter_height, filter_width, group_channels] = filter.dims()?;
    let groups = in_channels / group_channels;
    if !in_channels.is_multiple_of(group_channels) || !out_channels.is_multiple_of(groups) {
        let expected =
            format!("groups of channels that divide {in_channels} input and {out_channels} output");
        return Err(filter.fault(expected, format!("groups of {group_channels}")));
    }
    let window = WindowOptions {
        padding: options.padding(),
        filter: [filter_height, filter_width],
        stride: [options.stride_h(), options.stride_w()],
        dilation: [options.dilation_h_factor(), options.dilation_w_factor()],
    };
    let (window, [out_height, out_width]) = window.over(input, [in_height, in_width], site)?;
    Ok(Conv2dShape {
        batch,
        in_height,
        in_width,
        in_channels,
        out_height,
        out_width,
        out_channels,
        groups,
        window,
    })
}

fn float(site: &Site<'_, '_>, conv: &Conv<'_>) -> Result<Prepared, Fault> {
    let filter = FloatConstant::of(&conv.filter)?;
    let bias = float_bias(site, 2, conv.shape.out_channels)?;
    let spec = ConvF32 {
        shape: conv.shape,
        filter: filter.weights(),
        bias: bias.as_ref().map(FloatConstant::weights),
        activation: float_clamp(conv.activation, site)?,
    };
    let row = table::CONV_2D_F32.select(site.choice());
    Ok(packed(row.set.name(), (row.kernel)(&spec), conv.shape.macs()))
}

fn int8(site: &Site<'_, '_>, conv: &Conv<'_>) -> Result<Prepared, Fault> {
    let (input_scale, input_zero_point) = conv.input.per_tensor()?;
    let output = conv.output.per_tensor()?;
    let (filter, quantization) = int8_filter(&conv.filter, CHANNEL_AXIS)?;
    let bias = integer_bias(site, 2, conv.shape.out_channels)?;
    let spec = ConvI8 {
        shape: conv.shape,
        filter: &filter,
        bias: bias.as_deref(),
        input_zero_point,
        output: OutputStage {
            multipliers: &channel_multipliers(input_scale, quantization, output.0, conv.shape.out_channels),
            zero_point: output.1,
            activation: int8_clamp(conv.activation, output, site)?,
        },
    };
    let row = table::CONV_2D_I8.select(site.choice());
    Ok(packed(row.set.name(), (row.kernel)(&spec), conv.shape.macs()))
}

/// LiteRT quantizes the input with a zero point when the filter has a scale a channel, without one when it has a single
/// scale (`conv.cc`, `EvalHybridPerChannel` and `EvalHybrid`).
fn hybrid(site: &Site<'_, '_>, conv: &Conv<'_>) -> Result<Prepared, Fault> {
    let (filter, quantization) = int8_filter(&conv.filter, CHANNEL_AXIS)?;
    let bias = float_bias(site, 2, conv.shape.out_channels)?;
    let bias = bias.as_ref().map(FloatConstant::wide);
    let filter_scales = filter_scales(quantization);
    let spec = ConvHybrid {
        shape: conv.shape,
        filter: &filter,
        filter_scales,
        bias: bias.as_deref(),
        input: match filter_scales {
            FilterScales::PerTensor(_) => InputQuantization::Symmetric,
            FilterScales::PerChannel(_) => InputQuantization::Asymmetric,
        },
        activation: float_clamp(conv.activation, site)?,
    };
    let row = table::CONV_2D_HYBRID.select(site.choice());
    Ok(packed(row.set.name(), (row.kernel)(&spec), conv.shape.macs()))
}
