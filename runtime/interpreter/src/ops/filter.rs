//! Constants on their way into a kernel: weights, biases, scales. Where the file has them in a form that the kernel reads
//! they are borrowed for the time of packing, else converted.

use alloc::borrow::Cow;
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use bytemuck::Pod;
use edgebench_kernels::parallel::run_rows;
use edgebench_kernels::reference::number::Number;
use edgebench_kernels::reference::quantize::Quantized;
use edgebench_kernels::spec::{FilterScales, FloatWeights};
use edgebench_kernels::{Clamp, Multiplier, Packed};
use edgebench_schema::tflite::ActivationFunctionType;

use super::{Operand, Prepared, Reads, Site, Step};
use crate::error::Fault;
use crate::memory::{Crew, Frame};
use crate::quant;
use crate::tensor::{DType, Quantization, unpack_int2, unpack_int4};

/// Float weights in the type in which the file stores them.
pub(super) enum FloatConstant<'m> {
    F32(Cow<'m, [f32]>),
    F16(Cow<'m, [u16]>),
}

impl<'m> FloatConstant<'m> {
    /// The values of an operand that must be a float32 constant, or a smaller one that is widened.
    pub(super) fn of(operand: &Operand<'m>) -> Result<Self, Fault> {
        if operand.dtype() != DType::Float16 {
            operand.expect_dtype(DType::Float32)?;
        }
        let constant = operand.expect_constant()?;
        Ok(match constant.dtype {
            DType::Float32 => Self::F32(elements(constant.bytes, f32::from_le_bytes)),
            DType::Float16 => Self::F16(elements(constant.bytes, u16::from_le_bytes)),
            _ => Self::F32(Cow::Owned(constant.reals())),
        })
    }

    pub(super) fn weights(&self) -> FloatWeights<'_> {
        match self {
            Self::F32(values) => FloatWeights::F32(values),
            Self::F16(bits) => FloatWeights::F16(bits),
        }
    }

    /// The values as float32.
    pub(super) fn wide(&self) -> Cow<'_, [f32]> {
        match self {
            Self::F32(values) => Cow::Borrowed(values),
            Self::F16(bits) => bits.iter().map(|bits| half::f16::from_bits(*bits).to_f32()).collect(),
        }
    }
}

/// Constant bytes as elements: borrowed where their alignment allows it.
fn elements<'m, const SIZE: usize, T: bytemuck::Pod>(
    bytes: &'m [u8],
    read: impl Fn([u8; SIZE]) -> T,
) -> Cow<'m, [T]> {
    match bytemuck::try_cast_slice(bytes) {
        Ok(elements) if cfg!(target_endian = "little") => Cow::Borrowed(elements),
        _ => bytes.as_chunks::<SIZE>().0.iter().map(|chunk| read(*chunk)).collect(),
    }
}

/// The bias of `channels` floats, when there is one.
pub(super) fn float_bias<'m>(
    site: &Site<'_, 'm>,
    slot: usize,
    channels: usize,
) -> Result<Option<FloatConstant<'m>>, Fault> {
    let Some(bias) = site.optional_input(slot) else { return Ok(None) };
    bias.expect_elements(channels)?;
    FloatConstant::of(&bias).map(Some)
}

/// The bias of `channels` 32-bit integers, when there is one.
pub(super) fn integer_bias<'m>(
    site: &Site<'_, 'm>,
    slot: usize,
    channels: usize,
) -> Result<Option<Cow<'m, [i32]>>, Fault> {
    let Some(bias) = site.optional_input(slot) else { return Ok(None) };
    bias.expect_dtype(DType::Int32)?;
    bias.expect_elements(channels)?;
    Ok(Some(elements(bias.expect_constant()?.bytes, i32::from_le_bytes)))
}

/// The bias of `channels` elements of type `dtype`, which `read` reads, when there is one.
pub(super) fn bias_elements<'m, const SIZE: usize, T: bytemuck::Pod>(
    bias: Option<&Operand<'m>>,
    dtype: DType,
    channels: usize,
    read: impl Fn([u8; SIZE]) -> T,
) -> Result<Option<Cow<'m, [T]>>, Fault> {
    let Some(bias) = bias else { return Ok(None) };
    bias.expect_dtype(dtype)?;
    bias.expect_elements(channels)?;
    Ok(Some(elements(bias.expect_constant()?.bytes, read)))
}

/// Uint8 weights.
pub(super) fn uint8_filter<'m>(filter: &Operand<'m>) -> Result<&'m [u8], Fault> {
    filter.expect_dtype(DType::UInt8)?;
    Ok(filter.expect_constant()?.bytes)
}

/// Int8, int4 or int2 weights, symmetric, with one scale or one for each of the channels along `axis`.
pub(super) fn int8_filter<'m>(
    filter: &Operand<'m>,
    axis: usize,
) -> Result<(Cow<'m, [i8]>, &'m Quantization), Fault> {
    if !matches!(filter.dtype(), DType::Int2 | DType::Int4) {
        filter.expect_dtype(DType::Int8)?;
    }
    let quantization = filter.quantization()?;
    if quantization.scales.len() > 1 && quantization.axis != axis {
        return Err(filter.fault(format!("scales along axis {axis}"), format!("axis {}", quantization.axis)));
    }
    if let Some(zero_point) = quantization.zero_points.iter().find(|zero_point| **zero_point != 0) {
        return Err(filter.fault("zero points of 0", format!("{zero_point}")));
    }
    let constant = filter.expect_constant()?;
    let weights = match constant.dtype {
        DType::Int2 => Cow::Owned(unpack_int2(constant.bytes, filter.elements()).collect()),
        DType::Int4 => Cow::Owned(unpack_int4(constant.bytes, filter.elements()).collect()),
        _ => Cow::Borrowed(bytemuck::cast_slice(constant.bytes)),
    };
    Ok((weights, quantization))
}

/// One fixed-point factor a channel: `scale_in * scale_filter / scale_out` in double precision (LiteRT
/// `PopulateConvolutionQuantizationParams`).
pub(super) fn channel_multipliers(
    input_scale: f32,
    filter: &Quantization,
    output_scale: f32,
    channels: usize,
) -> Vec<Multiplier> {
    let multiplier = |scale: f32| {
        quant::quantize_multiplier(f64::from(input_scale) * f64::from(scale) / f64::from(output_scale))
    };
    match filter.scales.as_slice() {
        [scale] => vec![multiplier(*scale); channels],
        scales => scales.iter().map(|scale| multiplier(*scale)).collect(),
    }
}

/// Scales of a hybrid filter. Equal ones are one scale, which chooses LiteRT's arithmetic for whole tensors (`conv.cc`,
/// `is_hybrid_per_channel`).
pub(super) fn filter_scales(filter: &Quantization) -> FilterScales<'_> {
    match filter.scales.split_first() {
        Some((first, rest)) if rest.iter().all(|scale| scale == first) => FilterScales::PerTensor(*first),
        _ => FilterScales::PerChannel(&filter.scales),
    }
}

/// The clamp of a float operator's fused activation.
pub(super) fn float_clamp(kind: ActivationFunctionType, site: &Site<'_, '_>) -> Result<Clamp<f32>, Fault> {
    let range = quant::float_activation(kind).ok_or_else(|| not_a_clamp(kind, site))?;
    Ok(Clamp { min: range.0, max: range.1 })
}

/// The clamp of an integer operator's fused activation, on stored integers of `range`.
pub(super) fn integer_clamp(
    kind: ActivationFunctionType,
    (scale, zero_point): (f32, i32),
    range: (i32, i32),
    site: &Site<'_, '_>,
) -> Result<Clamp<i32>, Fault> {
    let clamp = quant::integer_activation(kind, scale, zero_point, range);
    let (min, max) = clamp.ok_or_else(|| not_a_clamp(kind, site))?;
    Ok(Clamp { min, max })
}

/// The clamp of an int8 operator's fused activation.
pub(super) fn int8_clamp(
    kind: ActivationFunctionType,
    quantization: (f32, i32),
    site: &Site<'_, '_>,
) -> Result<Clamp<i8>, Fault> {
    quantized_clamp(kind, quantization, site)
}

/// The clamp of a quantized operator's fused activation.
pub(super) fn quantized_clamp<T: Quantized>(
    kind: ActivationFunctionType,
    (scale, zero_point): (f32, i32),
    site: &Site<'_, '_>,
) -> Result<Clamp<T>, Fault> {
    let range = quant::integer_activation(kind, scale, zero_point, (T::MIN, T::MAX));
    let (min, max) = range.ok_or_else(|| not_a_clamp(kind, site))?;
    Ok(Clamp { min: T::narrow(min), max: T::narrow(max) })
}

/// The clamp of a fused activation on numbers without a scale.
pub(super) fn number_clamp<T: Number>(
    kind: ActivationFunctionType,
    site: &Site<'_, '_>,
) -> Result<Clamp<T>, Fault> {
    match kind {
        ActivationFunctionType::NONE => Ok(Clamp { min: T::LEAST, max: T::GREATEST }),
        ActivationFunctionType::RELU => Ok(Clamp { min: T::ZERO, max: T::GREATEST }),
        ActivationFunctionType::RELU6 => Ok(Clamp { min: T::ZERO, max: T::of(6) }),
        ActivationFunctionType::RELU_N1_TO_1 => Ok(Clamp { min: T::of(-1), max: T::ONE }),
        _ => Err(not_a_clamp(kind, site)),
    }
}

fn not_a_clamp(kind: ActivationFunctionType, site: &Site<'_, '_>) -> Fault {
    let name = kind.variant_name().unwrap_or("UNKNOWN");
    site.unsupported(format!("fused activation {name}"))
}

/// A kernel with its weights as a step: the input at `slot` is read, the rest is packed.
struct PackedStep<In, Out> {
    kernel: alloc::boxed::Box<dyn Packed<In, Out>>,
    slot: usize,
}

impl<In: Pod + Sync, Out: Pod + Send> Step for PackedStep<In, Out> {
    fn run(&self, frame: Frame<'_>) -> Result<(), Fault> {
        let (kernel, input, output) = (&*self.kernel, frame.inputs.of(self.slot), frame.outputs.of());
        match frame.crew {
            Some(Crew { workers, shares }) => {
                run_rows(kernel, workers, shares, input, frame.scratch, output);
            }
            None => kernel.run(input, 0..kernel.rows(), frame.scratch, output),
        }
        Ok(())
    }
}

/// A node that runs a packed kernel on input 0.
pub(super) fn packed<In: Pod + Sync, Out: Pod + Send>(
    name: &'static str,
    kernel: alloc::boxed::Box<dyn Packed<In, Out>>,
    macs: u64,
) -> Prepared {
    packed_from(&[0], name, kernel, macs)
}

/// A node that runs a packed kernel on the input at `slots`, which is one.
pub(super) fn packed_from<In: Pod + Sync, Out: Pod + Send>(
    slots: &'static [usize; 1],
    name: &'static str,
    kernel: alloc::boxed::Box<dyn Packed<In, Out>>,
    macs: u64,
) -> Prepared {
    let (packed_bytes, scratch_bytes) = (kernel.packed_bytes(), kernel.scratch_bytes());
    Prepared {
        packed_bytes,
        scratch_bytes,
        macs,
        rows: kernel.rows(),
        reads: Reads::Only(slots),
        ..Prepared::run(name, PackedStep { kernel, slot: slots[0] })
    }
}
