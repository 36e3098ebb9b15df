//! CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED on legacy uint8 and on int16 activations, and TRANSPOSE_CONV on all
//! integers: what
//! they have in common once their geometry is known.

use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use edgebench_kernels::reference::integer::{self, ConvInteger, Rescale, Stored, Sum, Walk};
use edgebench_kernels::reference::transpose_conv;
use edgebench_kernels::table::{self, PackConvInteger};
use edgebench_kernels::{Clamp, Conv2dShape, Multiplier, Set, Table};
use edgebench_schema::tflite::ActivationFunctionType;

use super::filter::{
    bias_elements, channel_multipliers, int8_filter, integer_clamp, packed_from, uint8_filter,
};
use super::{Operand, Prepared, Site, fully_connected};
use crate::error::Fault;
use crate::quant;
use crate::tensor::{DType, Quantization};

/// Which of the three.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Conv,
    Depthwise,
    FullyConnected,
    /// TRANSPOSE_CONV.
    Transposed,
}

/// A node with weights.
pub(super) struct Weighted<'m> {
    pub(super) input: Operand<'m>,
    pub(super) filter: Operand<'m>,
    pub(super) bias: Option<Operand<'m>>,
    pub(super) output: Operand<'m>,
    pub(super) shape: Conv2dShape,
    pub(super) kind: Kind,
    pub(super) activation: ActivationFunctionType,
    pub(super) macs: u64,
}

/// How a sum becomes an output.
struct Stage {
    rescale: Factors,
    output_zero_point: i32,
    activation: Clamp<i32>,
}

/// `scale_in * scale_filter[c] / scale_out` for every output channel.
enum Factors {
    Fixed(Vec<Multiplier>),
    Real(Vec<f64>),
}

impl Factors {
    /// FULLY_CONNECTED's reference kernels multiply by the real factor; convolutions do it in fixed point.
    fn of(node: &Weighted<'_>, filter: &Quantization, input_scale: f32, output_scale: f32) -> Self {
        let channels = node.shape.out_channels;
        if node.kind != Kind::FullyConnected {
            return Self::Fixed(channel_multipliers(input_scale, filter, output_scale, channels));
        }
        Self::Real(fully_connected::factors(input_scale, filter, output_scale, channels))
    }

    /// LiteRT's 64-bit fixed point holds no factors of 128 or more (`MultiplyByQuantizedMultiplier`).
    fn expect_64_bits(&self, output: &Operand<'_>) -> Result<(), Fault> {
        let Self::Fixed(multipliers) = self else { return Ok(()) };
        match multipliers.iter().find(|multiplier| multiplier.shift >= 8) {
            None => Ok(()),
            Some(large) => {
                Err(output.fault("scales whose quotient is below 128", format!("about 2^{}", large.shift)))
            }
        }
    }

    fn borrowed(&self) -> Rescale<'_> {
        match self {
            Self::Fixed(multipliers) => Rescale::Fixed(multipliers),
            Self::Real(factors) => Rescale::Real(factors),
        }
    }
}

/// Prepares TRANSPOSE_CONV on int8.
pub(super) fn int8(site: &Site<'_, '_>, node: &Weighted<'_>) -> Result<Prepared, Fault> {
    let (input, output) = (node.input.per_tensor()?, node.output.per_tensor()?);
    let (filter, quantization) = int8_filter(&node.filter, 0)?;
    let stage = Stage {
        rescale: Factors::of(node, quantization, input.0, output.0),
        output_zero_point: output.1,
        activation: integer_clamp(node.activation, output, (-128, 127), site)?,
    };
    let bias = bias_elements(node.bias.as_ref(), DType::Int32, node.shape.out_channels, i32::from_le_bytes)?;
    Ok(reference::<i8, i8, i32>(node, &filter, 0, input.1, bias.as_deref(), &stage))
}

/// Prepares a node on uint8 with uint8 weights.
pub(super) fn uint8(site: &Site<'_, '_>, node: &Weighted<'_>) -> Result<Prepared, Fault> {
    node.output.expect_dtype(DType::UInt8)?;
    let (input, output) = (node.input.per_tensor()?, node.output.per_tensor()?);
    let filter = uint8_filter(&node.filter)?;
    let (scale, filter_zero_point) = node.filter.per_tensor()?;
    let real = whole_filter_multiplier(node, input.0, scale, output.0)?;
    let rescale = match node.kind {
        Kind::FullyConnected => Factors::of(node, node.filter.quantization()?, input.0, output.0),
        Kind::Conv | Kind::Depthwise | Kind::Transposed => {
            Factors::Fixed(vec![quant::quantize_multiplier(real); node.shape.out_channels])
        }
    };
    let stage = Stage {
        rescale,
        output_zero_point: output.1,
        activation: integer_clamp(node.activation, output, (0, 255), site)?,
    };
    let bias = bias_elements(node.bias.as_ref(), DType::Int32, node.shape.out_channels, i32::from_le_bytes)?;
    Ok(reference::<u8, u8, i32>(node, filter, filter_zero_point, input.1, bias.as_deref(), &stage))
}

/// Prepares a node on int16 with int8 weights. The bias decides the width of the sums; LiteRT knows 32 bits in CONV_2D and
/// FULLY_CONNECTED only.
pub(super) fn int16(site: &Site<'_, '_>, node: &Weighted<'_>) -> Result<Prepared, Fault> {
    node.output.expect_dtype(DType::Int16)?;
    let (input, output) = (node.input.per_tensor()?, node.output.per_tensor()?);
    for (operand, zero_point) in [(&node.input, input.1), (&node.output, output.1)] {
        if zero_point != 0 {
            return Err(operand.fault("zero point 0", format!("{zero_point}")));
        }
    }
    let axis = if node.kind == Kind::Depthwise { 3 } else { 0 };
    let (filter, quantization) = int8_filter(&node.filter, axis)?;
    let channels = node.shape.out_channels;
    let stage = Stage {
        rescale: Factors::of(node, quantization, input.0, output.0),
        output_zero_point: 0,
        activation: integer_clamp(node.activation, output, (-32_768, 32_767), site)?,
    };
    let narrow = matches!(node.kind, Kind::Conv | Kind::FullyConnected);
    if narrow && node.bias.as_ref().is_some_and(|bias| bias.dtype() == DType::Int32) {
        let bias = bias_elements(node.bias.as_ref(), DType::Int32, channels, i32::from_le_bytes)?;
        return Ok(by_table(site, &table::CONV_2D_I16_NARROW, node, &filter, bias.as_deref(), &stage));
    }
    stage.rescale.expect_64_bits(&node.output)?;
    let bias = bias_elements(node.bias.as_ref(), DType::Int64, channels, i64::from_le_bytes)?;
    match node.kind {
        Kind::Transposed => Ok(reference::<i16, i8, i64>(node, &filter, 0, 0, bias.as_deref(), &stage)),
        _ => Ok(by_table(site, &table::CONV_2D_I16, node, &filter, bias.as_deref(), &stage)),
    }
}

/// A node on int16 with a kernel of the table.
fn by_table<S: Sum>(
    site: &Site<'_, '_>,
    table: &'static Table<PackConvInteger<S>>,
    node: &Weighted<'_>,
    filter: &[i8],
    bias: Option<&[S]>,
    stage: &Stage,
) -> Prepared {
    let row = table.select(site.choice());
    let spec = spec(node, filter, 0, 0, bias, stage);
    packed_from::<i16, i16>(&[0], row.set.name(), (row.kernel)(&spec), node.macs)
}

fn reference<T: Stored + bytemuck::Pod, W: Stored, S: Sum>(
    node: &Weighted<'_>,
    filter: &[W],
    filter_zero_point: i32,
    input_zero_point: i32,
    bias: Option<&[S]>,
    stage: &Stage,
) -> Prepared {
    let spec = spec(node, filter, filter_zero_point, input_zero_point, bias, stage);
    let (slots, kernel) = match node.kind {
        Kind::Transposed => (&[2], transpose_conv::pack_integer::<T, W, S>(&spec)),
        Kind::Conv | Kind::Depthwise | Kind::FullyConnected => (&[0], integer::pack(&spec)),
    };
    packed_from::<T, T>(slots, Set::Reference.name(), kernel, node.macs)
}

fn spec<'a, W, S>(
    node: &Weighted<'_>,
    filter: &'a [W],
    filter_zero_point: i32,
    input_zero_point: i32,
    bias: Option<&'a [S]>,
    stage: &'a Stage,
) -> ConvInteger<'a, W, S> {
    ConvInteger {
        shape: node.shape,
        walk: if node.kind == Kind::Depthwise { Walk::Depthwise } else { Walk::Conv },
        filter,
        filter_zero_point,
        bias,
        input_zero_point,
        rescale: stage.rescale.borrowed(),
        output_zero_point: stage.output_zero_point,
        activation: stage.activation,
    }
}

/// The factor of a filter with one scale: the product of the scales is rounded to single precision, and must be near the
/// bias's scale (LiteRT `GetQuantizedConvolutionMultipler`).
fn whole_filter_multiplier(
    node: &Weighted<'_>,
    input_scale: f32,
    filter_scale: f32,
    output_scale: f32,
) -> Result<f64, Fault> {
    /// Part of an output step by which they may differ.
    const TOLERANCE: f64 = 0.02;
    let product = f64::from(input_scale * filter_scale);
    if let Some(bias) = &node.bias {
        // A bias without a scale counts as one with scale 0 there.
        let scale = match &bias.info.quantization {
            Some(_) => bias.per_tensor()?.0,
            None => 0.0,
        };
        if (product - f64::from(scale)).abs() / f64::from(output_scale) > TOLERANCE {
            return Err(bias.fault(format!("a scale near {product:?}"), format!("{scale:?}")));
        }
    }
    Ok(product / f64::from(output_scale))
}
