//! DEPTHWISE_CONV_2D on floats, on int8, and on floats with int8 weights.

use alloc::format;

use edgebench_kernels::spec::{ConvF32, ConvHybrid, ConvI8, FilterScales, InputQuantization, OutputStage};
use edgebench_kernels::{Conv2dShape, table};
use edgebench_schema::tflite::{ActivationFunctionType, DepthwiseConv2DOptions};

use super::filter::{
    FloatConstant, channel_multipliers, float_bias, float_clamp, int8_clamp, int8_filter, integer_bias,
    packed,
};
use super::integer::{self, Kind, Weighted};
use super::window::WindowOptions;
use super::{Operand, Prepared, Site};
use crate::error::Fault;
use crate::tensor::DType;

/// Dimension of the filter that has the output channels (1HWO).
const CHANNEL_AXIS: usize = 3;

struct Depthwise<'m> {
    input: Operand<'m>,
    filter: Operand<'m>,
    output: Operand<'m>,
    shape: Conv2dShape,
    activation: ActivationFunctionType,
}

impl<'m> Depthwise<'m> {
    fn weighted(&self, site: &Site<'_, 'm>) -> Weighted<'m> {
        Weighted {
            input: self.input,
            filter: self.filter,
            bias: site.optional_input(2),
            output: self.output,
            shape: self.shape,
            kind: Kind::Depthwise,
            activation: self.activation,
            macs: self.shape.depthwise_macs(),
        }
    }
}

/// Prepares DEPTHWISE_CONV_2D: input NHWC, filter 1HWO with `O` a multiple of `C`, bias `[O]` or absent.
pub(crate) fn depthwise_conv_2d(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let options = site.options(|table| table.builtin_options_as_depthwise_conv_2_doptions())?;
    let (input, filter, output) = (site.input(0)?, site.input(1)?, site.output(0)?);
    let shape = shape(site, &options, &input, &filter)?;
    output.expect_shape(&[shape.batch, shape.out_height, shape.out_width, shape.out_channels])?;
    output.expect_dtype(input.dtype())?;
    let depthwise =
        Depthwise { input, filter, output, shape, activation: options.fused_activation_function() };
    match (input.dtype(), filter.dtype()) {
        (DType::Float32, DType::Float32 | DType::Float16) => float(site, &depthwise),
        (DType::Float32, DType::Int8 | DType::Int4) => hybrid(site, &depthwise),
        (DType::Int8, DType::Int8 | DType::Int4) => int8(site, &depthwise),
        (DType::UInt8, DType::UInt8) => integer::uint8(site, &depthwise.weighted(site)),
        (DType::Int16, DType::Int8 | DType::Int4) => integer::int16(site, &depthwise.weighted(site)),
        (input, filter) => Err(site.unsupported(format!("types {input} x {filter}"))),
    }
}

/// The depth multiplier follows from the channels; the one in the options says the same a second time and is not read.
fn shape(
    site: &Site<'_, '_>,
    options: &DepthwiseConv2DOptions<'_>,
    input: &Operand<'_>,
    filter: &Operand<'_>,
) -> Result<Conv2dShape, Fault> {
    let [batch, in_height, in_width, in_channels] = input.dims()?;
    let [one, filter_height, filter_width, out_channels] = filter.dims()?;
    if one != 1 || !out_channels.is_multiple_of(in_channels) {
        let expected = format!("shape [1, height, width, a multiple of {in_channels}]");
        return Err(filter.fault(expected, format!("shape {:?}", filter.shape())));
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
        groups: in_channels,
        window,
    })
}

fn float(site: &Site<'_, '_>, depthwise: &Depthwise<'_>) -> Result<Prepared, Fault> {
    let filter = FloatConstant::of(&depthwise.filter)?;
    let bias = float_bias(site, 2, depthwise.shape.out_channels)?;
    let spec = ConvF32 {
        shape: depthwise.shape,
        filter: filter.weights(),
        bias: bias.as_ref().map(FloatConstant::weights),
        activation: float_clamp(depthwise.activation, site)?,
    };
    let row = table::DEPTHWISE_CONV_2D_F32.select(site.choice());
    Ok(packed(row.set.name(), (row.kernel)(&spec), depthwise.shape.depthwise_macs()))
}

fn int8(site: &Site<'_, '_>, depthwise: &Depthwise<'_>) -> Result<Prepared, Fault> {
    let (input_scale, input_zero_point) = depthwise.input.per_tensor()?;
    let output = depthwise.output.per_tensor()?;
    let (filter, quantization) = int8_filter(&depthwise.filter, CHANNEL_AXIS)?;
    let bias = integer_bias(site, 2, depthwise.shape.out_channels)?;
    let channels = depthwise.shape.out_channels;
    let spec = ConvI8 {
        shape: depthwise.shape,
        filter: &filter,
        bias: bias.as_deref(),
        input_zero_point,
        output: OutputStage {
            multipliers: &channel_multipliers(input_scale, quantization, output.0, channels),
            zero_point: output.1,
            activation: int8_clamp(depthwise.activation, output, site)?,
        },
    };
    let row = table::DEPTHWISE_CONV_2D_I8.select(site.choice());
    Ok(packed(row.set.name(), (row.kernel)(&spec), depthwise.shape.depthwise_macs()))
}

/// LiteRT knows this operator with a scale a channel only, and always quantizes its input with a zero point.
fn hybrid(site: &Site<'_, '_>, depthwise: &Depthwise<'_>) -> Result<Prepared, Fault> {
    let (filter, quantization) = int8_filter(&depthwise.filter, CHANNEL_AXIS)?;
    let bias = float_bias(site, 2, depthwise.shape.out_channels)?;
    let bias = bias.as_ref().map(FloatConstant::wide);
    let spec = ConvHybrid {
        shape: depthwise.shape,
        filter: &filter,
        filter_scales: match quantization.scales.as_slice() {
            [scale] => FilterScales::PerTensor(*scale),
            scales => FilterScales::PerChannel(scales),
        },
        bias: bias.as_deref(),
        input: InputQuantization::Asymmetric,
        activation: float_clamp(depthwise.activation, site)?,
    };
    let row = table::DEPTHWISE_CONV_2D_HYBRID.select(site.choice());
    Ok(packed(row.set.name(), (row.kernel)(&spec), depthwise.shape.depthwise_macs()))
}
