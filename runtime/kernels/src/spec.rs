//! What a kernel with weights is packed from. A spec borrows the model's constants only while it is packed.
//!
//! The same three specs serve CONV_2D and DEPTHWISE_CONV_2D; only the layout of the filter differs, see
//! [`Conv2dShape`]. Lengths are the caller's promise; a kernel panics where they do not hold.

use crate::requantize::Multiplier;
use crate::shape::{Clamp, Conv2dShape, FullyConnectedShape};

/// Constants of a float kernel, in the file's type. Packing converts float16 to float32.
#[derive(Debug, Clone, Copy)]
pub enum FloatWeights<'a> {
    /// IEEE binary32.
    F32(&'a [f32]),
    /// IEEE binary16, as bit patterns.
    F16(&'a [u16]),
}

impl FloatWeights<'_> {
    /// Number of weights.
    pub fn len(&self) -> usize {
        match self {
            Self::F32(values) => values.len(),
            Self::F16(bits) => bits.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Weights from `first` on as float32, as many as fill `weights`.
    pub fn read(&self, first: usize, weights: &mut [f32]) {
        match self {
            Self::F32(values) => weights.copy_from_slice(&values[first..][..weights.len()]),
            Self::F16(bits) => {
                for (weight, &bits) in weights.iter_mut().zip(&bits[first..]) {
                    *weight = crate::half::widen(bits);
                }
            }
        }
    }

    /// Weight `index` as float32.
    #[inline]
    pub fn get(&self, index: usize) -> f32 {
        match self {
            Self::F32(values) => values[index],
            Self::F16(bits) => crate::half::f16_to_f32(bits[index]),
        }
    }
}

/// CONV_2D or DEPTHWISE_CONV_2D on floats.
#[derive(Debug, Clone, Copy)]
pub struct ConvF32<'a> {
    /// Geometry.
    pub shape: Conv2dShape,
    /// `[out_channels, filter_height, filter_width, in_channels / groups]`, depthwise `[1, filter_height, filter_width, out_channels]`.
    pub filter: FloatWeights<'a>,
    /// `[out_channels]`.
    pub bias: Option<FloatWeights<'a>>,
    /// Fused activation.
    pub activation: Clamp<f32>,
}

/// How int32 sums become int8: multiply, shift, add the zero point, clamp.
#[derive(Debug, Clone, Copy)]
pub struct OutputStage<'a> {
    /// `scale_in * scale_filter[c] / scale_out` as fixed point; one an output channel (`[out_channels]`), also where
    /// the filter's scale is per tensor.
    pub multipliers: &'a [Multiplier],
    /// Zero point of the output, in -128..=127.
    pub zero_point: i32,
    /// Fused activation, in the output's quantized units.
    pub activation: Clamp<i8>,
}

/// CONV_2D or DEPTHWISE_CONV_2D, int8 in and out, filter with zero point 0 (LiteRT's `reference_integer_ops`).
#[derive(Debug, Clone, Copy)]
pub struct ConvI8<'a> {
    /// Geometry.
    pub shape: Conv2dShape,
    /// Layout as in [`ConvF32::filter`]; any int8, -128 included.
    pub filter: &'a [i8],
    /// `[out_channels]`, in units of `scale_in * scale_filter[c]`.
    pub bias: Option<&'a [i32]>,
    /// Zero point of the input, in -128..=127. Padding has this value.
    pub input_zero_point: i32,
    /// From int32 sums to the output.
    pub output: OutputStage<'a>,
}

/// How a hybrid kernel quantizes its float input, each image (or row of FULLY_CONNECTED) by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputQuantization {
    /// To -127..=127 round zero, scale `max |x| / 127`.
    Symmetric,
    /// To -128..=127 with a zero point, scale `(max - min) / 255`, both ends stretched to hold 0.
    Asymmetric,
}

/// Scales of a hybrid kernel's filter. Which one is chosen also fixes the order of the float products, see
/// [`reference::hybrid`](crate::reference::hybrid).
#[derive(Debug, Clone, Copy)]
pub enum FilterScales<'a> {
    /// One for the whole filter.
    PerTensor(f32),
    /// `[out_channels]`.
    PerChannel(&'a [f32]),
}

impl FilterScales<'_> {
    /// Scale of output channel `channel`.
    pub fn get(&self, channel: usize) -> f32 {
        match self {
            Self::PerTensor(scale) => *scale,
            Self::PerChannel(scales) => scales[channel],
        }
    }
}

/// CONV_2D or DEPTHWISE_CONV_2D on floats with int8 weights ("dynamic range").
///
/// LiteRT's reference pairs: CONV_2D per channel with asymmetric inputs, CONV_2D per tensor with symmetric inputs,
/// DEPTHWISE_CONV_2D per channel with asymmetric inputs. The other pairs compute what they say.
#[derive(Debug, Clone, Copy)]
pub struct ConvHybrid<'a> {
    /// Geometry.
    pub shape: Conv2dShape,
    /// Layout as in [`ConvF32::filter`], zero point 0.
    pub filter: &'a [i8],
    /// Scales of the filter.
    pub filter_scales: FilterScales<'a>,
    /// `[out_channels]`.
    pub bias: Option<&'a [f32]>,
    /// How the input is quantized.
    pub input: InputQuantization,
    /// Fused activation.
    pub activation: Clamp<f32>,
}

/// FULLY_CONNECTED on floats.
#[derive(Debug, Clone, Copy)]
pub struct FullyConnectedF32<'a> {
    /// Geometry.
    pub shape: FullyConnectedShape,
    /// `[out_features, in_features]`.
    pub filter: FloatWeights<'a>,
    /// `[out_features]`.
    pub bias: Option<FloatWeights<'a>>,
    /// Fused activation.
    pub activation: Clamp<f32>,
}

/// FULLY_CONNECTED, int8 in and out, filter with zero point 0, in fixed point: LiteRT before 2.3, and TFLite Micro.
#[derive(Debug, Clone, Copy)]
pub struct FullyConnectedI8<'a> {
    /// Geometry.
    pub shape: FullyConnectedShape,
    /// `[out_features, in_features]`.
    pub filter: &'a [i8],
    /// `[out_features]`.
    pub bias: Option<&'a [i32]>,
    /// Zero point of the input.
    pub input_zero_point: i32,
    /// From int32 sums to the output; one multiplier an output feature.
    pub output: OutputStage<'a>,
}

/// How int32 sums become int8 in LiteRT's reference FULLY_CONNECTED: one product in double precision, rounded to
/// nearest, halves away from zero; no fixed point.
#[derive(Debug, Clone, Copy)]
pub struct RealStage<'a> {
    /// `scale_in * scale_filter[c] / scale_out`, each scale widened to double first; `[out_features]`.
    pub factors: &'a [f64],
    /// Zero point of the output, in -128..=127.
    pub zero_point: i32,
    /// Fused activation, in the output's quantized units.
    pub activation: Clamp<i8>,
}

/// FULLY_CONNECTED, int8 in and out, filter with zero point 0, with the arithmetic of LiteRT 2.3's reference kernels
/// (`reference_integer_ops::FullyConnected` and `FullyConnectedPerChannel`, the overloads with scales).
#[derive(Debug, Clone, Copy)]
pub struct FullyConnectedRealI8<'a> {
    /// Geometry.
    pub shape: FullyConnectedShape,
    /// `[out_features, in_features]`.
    pub filter: &'a [i8],
    /// `[out_features]`.
    pub bias: Option<&'a [i32]>,
    /// Zero point of the input.
    pub input_zero_point: i32,
    /// From int32 sums to the output.
    pub output: RealStage<'a>,
}

/// FULLY_CONNECTED on floats with int8 weights.
#[derive(Debug, Clone, Copy)]
pub struct FullyConnectedHybrid<'a> {
    /// Geometry.
    pub shape: FullyConnectedShape,
    /// `[out_features, in_features]`.
    pub filter: &'a [i8],
    /// Scales of the filter.
    pub filter_scales: FilterScales<'a>,
    /// `[out_features]`.
    pub bias: Option<&'a [f32]>,
    /// How each input row is quantized.
    pub input: InputQuantization,
    /// Fused activation.
    pub activation: Clamp<f32>,
}
