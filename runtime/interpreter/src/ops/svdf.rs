//! SVDF on floats, on floats with int8 weights, and on int8.

use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use edgebench_kernels::Set;
use edgebench_kernels::reference::svdf::{self, FeatureWeights, SvdfI8, SvdfShape};
use edgebench_kernels::spec::InputQuantization;
use edgebench_schema::tflite::ActivationFunctionType;

use super::filter::{FloatConstant, bias_elements, float_bias, int8_filter};
use super::lstm::{Activation, activation, one_scale};
use super::{Operand, Prepared, Reads, Site, Step};
use crate::error::Fault;
use crate::memory::Frame;
use crate::quant::quantize_multiplier;
use crate::tensor::DType;

/// Slot of the state.
const STATE: usize = 4;

/// Prepares SVDF: input `[batch, features]`, feature weights `[filters, features]`, time weights `[filters, memory]`, bias
/// `[units]` or absent, state `[batch, filters * memory]`.
pub(crate) fn svdf(site: &Site<'_, '_>) -> Result<Prepared, Fault> {
    let options = site.options(|table| table.builtin_options_as_svdfoptions())?;
    let (input, features) = (site.input(0)?, site.input(1)?);
    let shape = shape(site, options.rank(), &input, &features)?;
    let kind = options.fused_activation_function();
    let input_quantization = if options.asymmetric_quantize_inputs() {
        InputQuantization::Asymmetric
    } else {
        InputQuantization::Symmetric
    };
    match (input.dtype(), features.dtype()) {
        (DType::Float32, DType::Float32 | DType::Int8) => float(site, shape, kind, input_quantization),
        (DType::Int8, DType::Int8) => int8(site, shape, kind),
        (input, features) => Err(site.unsupported(format!("types {input} x {features}"))),
    }
}

fn shape(
    site: &Site<'_, '_>,
    rank: i32,
    input: &Operand<'_>,
    weights: &Operand<'_>,
) -> Result<SvdfShape, Fault> {
    let [batch, features] = input.dims()?;
    let [filters, _] = weights.dims()?;
    let [_, memory] = site.input(2)?.dims()?;
    let dividing = usize::try_from(rank).ok().filter(|rank| *rank > 0 && filters.is_multiple_of(*rank));
    let rank = dividing.ok_or_else(|| {
        Fault::mismatch(site.place(), format!("a rank that divides {filters}"), format!("{rank}"))
    })?;
    weights.expect_shape(&[filters, features])?;
    site.input(2)?.expect_shape(&[filters, memory])?;
    let shape = SvdfShape { batch, features, filters, rank, memory };
    site.variable(STATE)?.expect_shape(&[batch, filters.saturating_mul(memory)])?;
    site.output(0)?.expect_shape(&[batch, shape.units()])?;
    Ok(shape)
}

fn prepared(shape: SvdfShape, step: impl Step + 'static) -> Prepared {
    Prepared {
        macs: shape.macs(),
        reads: Reads::Only(&[0]),
        states: &[STATE],
        ..Prepared::run(Set::Reference.name(), step)
    }
}

enum Features {
    F32(Vec<f32>),
    I8(Vec<i8>, f32, InputQuantization),
}

struct Float {
    shape: SvdfShape,
    features: Features,
    time: Vec<f32>,
    bias: Vec<f32>,
    activation: Activation,
}

fn float(
    site: &Site<'_, '_>,
    shape: SvdfShape,
    kind: ActivationFunctionType,
    input: InputQuantization,
) -> Result<Prepared, Fault> {
    site.output(0)?.expect_dtype(DType::Float32)?;
    site.variable(STATE)?.expect_dtype(DType::Float32)?;
    let (features, time) = (site.input(1)?, site.input(2)?);
    let (features, time) = if features.dtype() == DType::Float32 {
        let features = FloatConstant::of(&features)?.wide().into_owned();
        (Features::F32(features), FloatConstant::of(&time)?.wide().into_owned())
    } else {
        let weights = int8_filter(&features, 0)?.0.into_owned();
        let (stored, scale) = (int8_filter(&time, 0)?.0, one_scale(&time)?);
        let time = stored.iter().map(|value| f32::from(*value) * scale).collect();
        (Features::I8(weights, one_scale(&features)?, input), time)
    };
    let bias = float_bias(site, 3, shape.units())?;
    let bias = bias.map_or_else(|| vec![0.0; shape.units()], |bias| bias.wide().into_owned());
    let step = Float { shape, features, time, bias, activation: activation(kind, site)? };
    let scratch_bytes = if matches!(step.features, Features::I8(..)) { shape.features } else { 0 };
    let packed_bytes = size_of_val(&step.time[..])
        + match &step.features {
            Features::F32(weights) => size_of_val(&weights[..]),
            Features::I8(weights, ..) => weights.len(),
        };
    Ok(Prepared { scratch_bytes, packed_bytes, ..prepared(shape, step) })
}

impl Step for Float {
    fn run(&self, mut frame: Frame<'_>) -> Result<(), Fault> {
        let [state] = frame.states.as_mut_slice() else { return Ok(()) };
        let features = match &self.features {
            Features::F32(weights) => FeatureWeights::F32(weights),
            Features::I8(weights, scale, input) => FeatureWeights::I8(weights, *scale, *input),
        };
        let quantized = match features {
            FeatureWeights::F32(_) => &mut [],
            FeatureWeights::I8(..) => &mut frame.scratch[..self.shape.features],
        };
        svdf::svdf_f32(
            &self.shape,
            (features, &self.time, &self.bias),
            self.activation,
            frame.inputs.of(0),
            (bytemuck::cast_slice_mut(state), bytemuck::cast_slice_mut(quantized)),
            frame.outputs.of(),
        );
        Ok(())
    }
}

struct Int8 {
    shape: SvdfShape,
    constants: SvdfI8,
    features: Vec<i8>,
    time: Vec<i16>,
    bias: Vec<i32>,
}

/// LiteRT knows this form with RELU only, and leaves it to the output's zero point.
fn int8(site: &Site<'_, '_>, shape: SvdfShape, kind: ActivationFunctionType) -> Result<Prepared, Fault> {
    if kind != ActivationFunctionType::RELU {
        return Err(site.unsupported("fused activation other than RELU"));
    }
    let (input, features, time) = (site.input(0)?, site.input(1)?, site.input(2)?);
    let (state, output) = (site.variable(STATE)?, site.output(0)?);
    output.expect_dtype(DType::Int8)?;
    state.expect_dtype(DType::Int16)?;
    let (input_scale, input_zero_point) = input.per_tensor()?;
    let (state_scale, output) = (f64::from(one_scale(&state)?), output.per_tensor()?);
    let bias = site.optional_input(3);
    let bias = bias_elements(bias.as_ref(), DType::Int32, shape.units(), i32::from_le_bytes)?;
    let stored_time = bias_elements(Some(&time), DType::Int16, time.elements(), i16::from_le_bytes)?;
    let constants = SvdfI8 {
        input_zero_point,
        to_state: quantize_multiplier(
            f64::from(input_scale) * f64::from(one_scale(&features)?) / state_scale,
        ),
        to_output: quantize_multiplier(state_scale * f64::from(one_scale(&time)?) / f64::from(output.0)),
        output_zero_point: output.1,
    };
    let step = Int8 {
        shape,
        constants,
        features: int8_filter(&features, 0)?.0.into_owned(),
        time: stored_time.unwrap_or_default().into_owned(),
        bias: bias.map_or_else(|| vec![0; shape.units()], |bias| bias.into_owned()),
    };
    let packed_bytes = step.features.len() + size_of_val(&step.time[..]);
    Ok(Prepared { packed_bytes, ..prepared(shape, step) })
}

impl Step for Int8 {
    fn run(&self, mut frame: Frame<'_>) -> Result<(), Fault> {
        let [state] = frame.states.as_mut_slice() else { return Ok(()) };
        svdf::svdf_i8(
            &self.constants,
            &self.shape,
            (&self.features, &self.time, &self.bias),
            frame.inputs.of(0),
            bytemuck::cast_slice_mut(state),
            frame.outputs.of(),
        );
        Ok(())
    }
}
