//! FULLY_CONNECTED on floats, on int8, and on floats with int8, int4 or int2 weights; int4 ones also with a scale a block.

use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use edgebench_kernels::reference::blockwise::Blockwise;
use edgebench_kernels::spec::{
    FilterScales, FullyConnectedF32, FullyConnectedHybrid, FullyConnectedRealI8, InputQuantization, RealStage,
};
use edgebench_kernels::{FullyConnectedShape, table};
use edgebench_schema::tflite::{
    ActivationFunctionType, FullyConnectedOptions, FullyConnectedOptionsWeightsFormat,
};

use super::filter::{FloatConstant, float_bias, float_clamp, int8_clamp, int8_filter, integer_bias, packed};
use super::integer::{self, Kind, Weighted};
use super::map::plain;
use super::{ConstantData, Operand, Prepared, Reads, Site};
use crate::error::Fault;
use crate::model::Blocks;
use crate::tensor::{DType, Quantization, unpack_int4};

/// Dimension of the filter that has the output features.
const CHANNEL_AXIS: usize = 0;

struct FullyConnected<'m> {
    input: Operand<'m>,
    filter: Operand<'m>,
    output: Operand<'m>,
    shape: FullyConnectedShape,
    activation: ActivationFunctionType,
}

impl<'m> FullyConnected<'m> {
    fn weighted(&self, site: &Site<'_, 'm>) -> Weighted<'m> {
        Weighted {
            input: self.input,
            filter: self.filter,
            bias: site.optional_input(2),
            output: self.output,
            shape: self.shape.as_conv(),
            kind: Kind::FullyConnected,
            activation: self.activation,
            macs: self.shape.macs(),
        }
    }
}

/// Prepares FULLY_CONNECTED: input of any rank, read as `[batch, in_features]`; filter `[out_features, in_features]`;
/// bias `[out_features]` or absent.
pub(crate) fn fully_connected(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let options = site.options(|table| table.builtin_options_as_fully_connected_options())?;
    if options.weights_format() != FullyConnectedOptionsWeightsFormat::DEFAULT {
        return Err(site.unsupported("shuffled weights"));
    }
    let (input, filter, output) = (site.input(0)?, site.input(1)?, site.output(0)?);
    let shape = shape(&options, &input, &filter, &output)?;
    output.expect_dtype(input.dtype())?;
    let activation = options.fused_activation_function();
    let connected = FullyConnected { input, filter, output, shape, activation };
    if let Some(blocks) = filter.info.blocks {
        return blockwise(site, &connected, blocks);
    }
    match (input.dtype(), filter.dtype()) {
        (DType::Float32, DType::Float32 | DType::Float16) => float(site, &connected),
        (DType::Float32, DType::Int8 | DType::Int4 | DType::Int2) => {
            hybrid(site, &connected, options.asymmetric_quantize_inputs())
        }
        (DType::Int8, DType::Int8 | DType::Int4 | DType::Int2) => int8(site, &connected),
        (DType::UInt8, DType::UInt8) => integer::uint8(site, &connected.weighted(site)),
        (DType::Int16, DType::Int8 | DType::Int4 | DType::Int2) => {
            integer::int16(site, &connected.weighted(site))
        }
        (input, filter) => Err(site.unsupported(format!("types {input} x {filter}"))),
    }
}

fn shape(
    options: &FullyConnectedOptions<'_>,
    input: &Operand<'_>,
    filter: &Operand<'_>,
    output: &Operand<'_>,
) -> Result<FullyConnectedShape, Fault> {
    let [out_features, in_features] = filter.dims()?;
    let batch = input.elements() / in_features;
    if !input.elements().is_multiple_of(in_features) || batch == 0 {
        let expected = format!("a multiple of {in_features} elements");
        return Err(input.fault(expected, format!("shape {:?}", input.shape())));
    }
    if options.keep_num_dims() {
        let (outer, last) = match input.shape().split_last() {
            Some((last, outer)) => (outer, *last),
            None => (&[][..], 1),
        };
        if last != in_features {
            return Err(
                input.fault(format!("last dimension {in_features}"), format!("shape {:?}", input.shape()))
            );
        }
        output.expect_shape(&[outer, &[out_features]].concat())?;
    } else {
        output.expect_shape(&[batch, out_features])?;
    }
    Ok(FullyConnectedShape { batch, in_features, out_features })
}

fn float(site: &Site<'_, '_>, connected: &FullyConnected<'_>) -> Result<Prepared, Fault> {
    let filter = FloatConstant::of(&connected.filter)?;
    let bias = float_bias(site, 2, connected.shape.out_features)?;
    let spec = FullyConnectedF32 {
        shape: connected.shape,
        filter: filter.weights(),
        bias: bias.as_ref().map(FloatConstant::weights),
        activation: float_clamp(connected.activation, site)?,
    };
    let row = table::FULLY_CONNECTED_F32.select(site.choice());
    Ok(packed(row.set.name(), (row.kernel)(&spec), connected.shape.macs()))
}

fn int8(site: &Site<'_, '_>, connected: &FullyConnected<'_>) -> Result<Prepared, Fault> {
    let (input_scale, input_zero_point) = connected.input.per_tensor()?;
    let output = connected.output.per_tensor()?;
    let (filter, quantization) = int8_filter(&connected.filter, CHANNEL_AXIS)?;
    let bias = integer_bias(site, 2, connected.shape.out_features)?;
    let spec = FullyConnectedRealI8 {
        shape: connected.shape,
        filter: &filter,
        bias: bias.as_deref(),
        input_zero_point,
        output: RealStage {
            factors: &factors(input_scale, quantization, output.0, connected.shape.out_features),
            zero_point: output.1,
            activation: int8_clamp(connected.activation, output, site)?,
        },
    };
    let row = table::FULLY_CONNECTED_REAL_I8.select(site.choice());
    Ok(packed(row.set.name(), (row.kernel)(&spec), connected.shape.macs()))
}

/// One factor an output feature. LiteRT 2.3 has no fixed point here.
pub(super) fn factors(
    input_scale: f32,
    filter: &Quantization,
    output_scale: f32,
    features: usize,
) -> Vec<f64> {
    let factor = |scale: f32| f64::from(input_scale) * f64::from(scale) / f64::from(output_scale);
    match filter.scales.as_slice() {
        [scale] => vec![factor(*scale); features],
        scales => scales.iter().map(|scale| factor(*scale)).collect(),
    }
}

fn hybrid(
    site: &Site<'_, '_>,
    connected: &FullyConnected<'_>,
    asymmetric_quantize_inputs: bool,
) -> Result<Prepared, Fault> {
    let (filter, quantization) = int8_filter(&connected.filter, CHANNEL_AXIS)?;
    let bias = float_bias(site, 2, connected.shape.out_features)?;
    let bias = bias.as_ref().map(FloatConstant::wide);
    let spec = FullyConnectedHybrid {
        shape: connected.shape,
        filter: &filter,
        filter_scales: match quantization.scales.as_slice() {
            [scale] => FilterScales::PerTensor(*scale),
            scales => FilterScales::PerChannel(scales),
        },
        bias: bias.as_deref(),
        input: if asymmetric_quantize_inputs {
            InputQuantization::Asymmetric
        } else {
            InputQuantization::Symmetric
        },
        activation: float_clamp(connected.activation, site)?,
    };
    let row = table::FULLY_CONNECTED_HYBRID.select(site.choice());
    Ok(packed(row.set.name(), (row.kernel)(&spec), connected.shape.macs()))
}

/// Float input, int4 weights with a half float for each block of a row. The input gets a zero point whatever the options
/// say: LiteRT has this operator in XNNPACK only, which does so.
fn blockwise(site: &Site<'_, '_>, connected: &FullyConnected<'_>, blocks: Blocks) -> Result<Prepared, Fault> {
    let FullyConnected { input, filter, shape, .. } = connected;
    input.expect_dtype(DType::Float32)?;
    let size = usize::try_from(blocks.size).ok().filter(|size| *size > 0);
    let size = size.filter(|size| shape.in_features.is_multiple_of(*size)).ok_or_else(|| {
        filter.fault(format!("blocks that divide {}", shape.in_features), format!("{}", blocks.size))
    })?;
    let count = shape.out_features * (shape.in_features / size);
    let scales = block_constant(site, blocks.scales)
        .filter(|scales| scales.dtype == DType::Float16 && scales.shape.iter().product::<usize>() == count);
    let scales =
        scales.ok_or_else(|| filter.fault(format!("{count} float16 constants as scales"), "others"))?;
    if let Some(points) = block_constant(site, blocks.zero_points).filter(|_| blocks.zero_points > 0)
        && points.bytes.iter().any(|byte| *byte != 0)
    {
        return Err(site.unsupported("zero points of blocks"));
    }
    let bias = float_bias(site, 2, shape.out_features)?;
    let weights = filter.expect_constant()?;
    let kernel = Blockwise {
        shape: *shape,
        filter: unpack_int4(weights.bytes, filter.elements()).collect(),
        block: size,
        scales: scales.reals(),
        bias: bias.map_or_else(|| vec![0.0; shape.out_features], |bias| bias.wide().into_owned()),
        activation: float_clamp(connected.activation, site)?,
    };
    let (macs, packed_bytes) = (shape.macs(), kernel.filter.len() + count * size_of::<f32>());
    let step = plain(move |frame| {
        let scratch = bytemuck::cast_slice_mut(frame.scratch);
        kernel.run(frame.inputs.of(0), &mut scratch[..kernel.shape.in_features], frame.outputs.of());
        Ok(())
    });
    Ok(Prepared { macs, packed_bytes, scratch_bytes: shape.in_features, reads: Reads::Only(&[0]), ..step })
}

/// The constant that a quantization names.
fn block_constant<'m>(site: &Site<'_, 'm>, tensor: i32) -> Option<ConstantData<'m>> {
    let tensor = usize::try_from(tensor).ok().filter(|tensor| *tensor < site.graph.graph.tensors.len())?;
    site.folded.data(site.graph, tensor)
}
