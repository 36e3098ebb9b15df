//! CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED on integer types other than int8 activations with int8 weights: legacy
//! uint8 with a zero point for the weights (`reference_ops::Conv`, `DepthwiseConv`, `FullyConnected`) and int16
//! activations with int8 weights, which are summed in 64 or 32 bits as the bias has it
//! (`reference_integer_ops::ConvPerChannel` and its relatives for int16). FULLY_CONNECTED rescales in double precision
//! (the `FullyConnected` overloads that take scales).

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::Range;

use super::conv_2d::for_each_output;
use super::depthwise_conv_2d;
use super::owned::bias_or_zeros;
use crate::packed::Packed;
use crate::requantize::Multiplier;
use crate::shape::{Clamp, Conv2dShape};

/// An integer type of activations or weights.
pub trait Stored: Copy + Send + Sync + Into<i32> + 'static {
    /// The same number in this type, which holds it.
    fn of(value: i32) -> Self;
}

impl Stored for i8 {
    fn of(value: i32) -> Self {
        value as Self
    }
}

impl Stored for u8 {
    fn of(value: i32) -> Self {
        value as Self
    }
}

impl Stored for i16 {
    fn of(value: i32) -> Self {
        value as Self
    }
}

/// The type that products are summed in.
pub trait Sum: Copy + Default + Send + Sync + 'static {
    /// The sum with one more product. Wraps.
    fn plus(self, product: i32) -> Self;
    /// The sum with the product of two numbers that may not fit 32 bits. Wraps.
    fn plus_wide(self, a: i64, b: i64) -> Self;
    /// The sum of two sums. Wraps.
    fn plus_sum(self, other: Self) -> Self;
    /// The sum in the output's units, without its zero point.
    fn rescaled(self, multiplier: Multiplier) -> i32;
    /// The same by a real factor: one product in double precision, rounded to nearest, halves away from zero.
    fn scaled(self, factor: f64) -> i32;
}

impl Sum for i32 {
    fn plus(self, product: i32) -> Self {
        self.wrapping_add(product)
    }

    fn plus_wide(self, a: i64, b: i64) -> Self {
        self.wrapping_add(a.wrapping_mul(b) as Self)
    }

    fn plus_sum(self, other: Self) -> Self {
        self.wrapping_add(other)
    }

    fn rescaled(self, multiplier: Multiplier) -> i32 {
        multiplier.apply(self)
    }

    fn scaled(self, factor: f64) -> i32 {
        libm::round(f64::from(self) * factor) as i32
    }
}

impl Sum for i64 {
    fn plus(self, product: i32) -> Self {
        self.wrapping_add(Self::from(product))
    }

    fn plus_wide(self, a: i64, b: i64) -> Self {
        self.wrapping_add(a.wrapping_mul(b))
    }

    fn plus_sum(self, other: Self) -> Self {
        self.wrapping_add(other)
    }

    fn rescaled(self, multiplier: Multiplier) -> i32 {
        multiplier.apply_i64(self)
    }

    fn scaled(self, factor: f64) -> i32 {
        libm::round(self as f64 * factor) as i32
    }
}

/// Which convolution a filter is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Walk {
    /// CONV_2D, and FULLY_CONNECTED as a pointwise one: filter `[out_channels, height, width, in_channels / groups]`.
    Conv,
    /// DEPTHWISE_CONV_2D: filter `[1, height, width, out_channels]`.
    Depthwise,
}

/// From sums to the output's units, `[out_channels]`.
#[derive(Debug, Clone, Copy)]
pub enum Rescale<'a> {
    /// Fixed point: the convolutions.
    Fixed(&'a [Multiplier]),
    /// Double precision: FULLY_CONNECTED, whose reference kernels left fixed point.
    Real(&'a [f64]),
}

/// A convolution on integers. Activations are `T`, weights `W`, sums and bias `S`.
#[derive(Debug, Clone, Copy)]
pub struct ConvInteger<'a, W, S> {
    /// Geometry.
    pub shape: Conv2dShape,
    /// Layout of the filter.
    pub walk: Walk,
    /// As [`Walk`] has it.
    pub filter: &'a [W],
    /// Zero point of the filter; 0 but for uint8.
    pub filter_zero_point: i32,
    /// `[out_channels]`, in units of `scale_in * scale_filter[c]`.
    pub bias: Option<&'a [S]>,
    /// Zero point of the input. Padding has this value.
    pub input_zero_point: i32,
    /// `scale_in * scale_filter[c] / scale_out`.
    pub rescale: Rescale<'a>,
    /// Zero point of the output.
    pub output_zero_point: i32,
    /// Fused activation in the output's units, within the range of its type.
    pub activation: Clamp<i32>,
}

/// Keeps the constants as they are.
pub fn pack<T: Stored, W: Stored, S: Sum>(spec: &ConvInteger<'_, W, S>) -> Box<dyn Packed<T, T>> {
    let filter_len = match spec.walk {
        Walk::Conv => spec.shape.filter_len(),
        Walk::Depthwise => spec.shape.depthwise_filter_len(),
    };
    assert_eq!(spec.filter.len(), filter_len);
    Box::new(Integer {
        shape: spec.shape,
        walk: spec.walk,
        filter: spec.filter.to_vec(),
        filter_zero_point: spec.filter_zero_point,
        bias: bias_or_zeros(spec.bias, spec.shape.out_channels),
        input_zero_point: spec.input_zero_point,
        rescale: Factors::of(&spec.rescale),
        output_zero_point: spec.output_zero_point,
        activation: spec.activation,
    })
}

/// A [`Rescale`] that owns its factors.
pub(super) enum Factors {
    Fixed(Vec<Multiplier>),
    Real(Vec<f64>),
}

impl Factors {
    pub(super) fn of(rescale: &Rescale<'_>) -> Self {
        match rescale {
            Rescale::Fixed(multipliers) => Self::Fixed(multipliers.to_vec()),
            Rescale::Real(factors) => Self::Real(factors.to_vec()),
        }
    }

    pub(super) fn apply<S: Sum>(&self, sum: S, channel: usize) -> i32 {
        match self {
            Self::Fixed(multipliers) => sum.rescaled(multipliers[channel]),
            Self::Real(factors) => sum.scaled(factors[channel]),
        }
    }

    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Fixed(multipliers) => size_of_val(&multipliers[..]),
            Self::Real(factors) => size_of_val(&factors[..]),
        }
    }
}

/// The stored value of a sum in the output's units.
pub(super) fn store<T: Stored>(scaled: i32, zero_point: i32, activation: Clamp<i32>) -> T {
    T::of(activation.hold(scaled.wrapping_add(zero_point)))
}

struct Integer<W, S> {
    shape: Conv2dShape,
    walk: Walk,
    filter: Vec<W>,
    filter_zero_point: i32,
    bias: Vec<S>,
    input_zero_point: i32,
    rescale: Factors,
    output_zero_point: i32,
    activation: Clamp<i32>,
}

impl<W: Stored, S: Sum> Integer<W, S> {
    /// The sum of CONV_2D: each tap is a run of channels in the image and in the filter.
    fn conv_sum<T: Stored>(&self, image: &[T], [out_y, out_x, channel]: [usize; 3]) -> S {
        let (shape, window) = (&self.shape, &self.shape.window);
        let depth = shape.group_in_channels();
        let first_channel = channel / shape.group_out_channels() * depth;
        let filter = &self.filter[channel * shape.depth()..][..shape.depth()];
        let mut sum = S::default();
        for (tap, weights) in filter.chunks_exact(depth).enumerate() {
            let y = window.in_y(out_y, tap / window.filter_width, shape.in_height);
            let x = window.in_x(out_x, tap % window.filter_width, shape.in_width);
            let Some((y, x)) = y.zip(x) else { continue };
            let pixel = (y * shape.in_width + x) * shape.in_channels + first_channel;
            for (value, weight) in image[pixel..][..depth].iter().zip(weights) {
                let (value, weight): (i32, i32) = ((*value).into(), (*weight).into());
                sum = sum.plus((value - self.input_zero_point) * (weight - self.filter_zero_point));
            }
        }
        sum
    }

    fn sum<T: Stored>(&self, image: &[T], products: impl Iterator<Item = (usize, usize)>) -> S {
        products.fold(S::default(), |sum, (pixel, weight)| {
            let value: i32 = image[pixel].into();
            let weight: i32 = self.filter[weight].into();
            sum.plus((value - self.input_zero_point) * (weight - self.filter_zero_point))
        })
    }
}

impl<T: Stored, W: Stored, S: Sum> Packed<T, T> for Integer<W, S> {
    fn rows(&self) -> usize {
        self.shape.rows()
    }

    fn row_len(&self) -> usize {
        self.shape.row_len()
    }

    fn packed_bytes(&self) -> usize {
        size_of_val(&self.filter[..]) + size_of_val(&self.bias[..]) + self.rescale.bytes()
    }

    fn scratch_bytes(&self) -> usize {
        0
    }

    fn run(&self, input: &[T], rows: Range<usize>, _scratch: &mut [u8], output: &mut [T]) {
        let shape = &self.shape;
        assert_eq!(input.len(), shape.input_len());
        for_each_output(shape, rows, output, |image, out_y, out_x, channel| {
            let image = &input[image * shape.image_len()..];
            let sum = match self.walk {
                Walk::Conv => self.conv_sum(image, [out_y, out_x, channel]),
                Walk::Depthwise => self.sum(image, depthwise_conv_2d::products(shape, out_y, out_x, channel)),
            };
            let scaled = self.rescale.apply(sum.plus_sum(self.bias[channel]), channel);
            store(scaled, self.output_zero_point, self.activation)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::FullyConnectedShape;

    const HALF: Multiplier = Multiplier { mantissa: 1 << 30, shift: 0 };

    fn dot(in_features: usize, out_features: usize) -> Conv2dShape {
        FullyConnectedShape { batch: 1, in_features, out_features }.as_conv()
    }

    #[test]
    fn both_zero_points_of_uint8_are_taken_off() {
        let spec = ConvInteger {
            shape: dot(2, 1),
            walk: Walk::Conv,
            filter: &[130u8, 100],
            filter_zero_point: 120,
            bias: Some(&[6i32][..]),
            input_zero_point: 10,
            rescale: Rescale::Fixed(&[HALF]),
            output_zero_point: 100,
            activation: Clamp { min: 0, max: 255 },
        };
        let mut output = [0u8];
        // (20 - 10) * 10 + (11 - 10) * -20 + 6 = 86, half of it is 43.
        pack::<u8, u8, i32>(&spec).run(&[20, 11], 0..1, &mut [], &mut output);
        assert_eq!(output, [143]);
    }

    #[test]
    fn real_factors_round_halves_away_from_zero() {
        let spec = ConvInteger {
            shape: dot(1, 2),
            walk: Walk::Conv,
            filter: &[1i8, -1],
            filter_zero_point: 0,
            bias: None::<&[i32]>,
            input_zero_point: 0,
            rescale: Rescale::Real(&[0.5, 0.5]),
            output_zero_point: 10,
            activation: Clamp { min: -128, max: 127 },
        };
        let mut output = [0i8; 2];
        pack::<i8, i8, i32>(&spec).run(&[3], 0..1, &mut [], &mut output);
        assert_eq!(output, [12, 8]);
    }

    #[test]
    fn sums_of_int16_do_not_wrap_in_64_bits() {
        let spec = ConvInteger {
            shape: dot(1000, 1),
            walk: Walk::Conv,
            filter: &[127i8; 1000],
            filter_zero_point: 0,
            bias: Some(&[0i64][..]),
            input_zero_point: 0,
            rescale: Rescale::Fixed(&[Multiplier { mantissa: 1 << 30, shift: -17 }]),
            output_zero_point: 0,
            activation: Clamp { min: -32_768, max: 32_767 },
        };
        let mut output = [0i16];
        // 32767 * 127 * 1000 is beyond 32 bits; divided by 2^18 it is 15874.5 and a little.
        pack::<i16, i8, i64>(&spec).run(&[32_767; 1000], 0..1, &mut [], &mut output);
        assert_eq!(output, [15_875]);
    }
}
