//! TRANSPOSE_CONV: `reference_ops::TransposeConv` and `reference_integer_ops::TransposeConv`. The source scatters every input
//! pixel over the output; here every output element gathers its products, in the order in which they arrive there.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::Range;

use super::conv_2d::for_each_output;
use super::integer::{ConvInteger, Factors, Stored, Sum, store};
use super::owned::{bias_or_zeros, float_bias, floats};
use crate::packed::Packed;
use crate::shape::{Clamp, Conv2dShape};
use crate::spec::ConvF32;

/// Keeps the constants as they are. The filter is `[out_channels, filter_height, filter_width, in_channels]`; the window's
/// strides and padding are those of the output.
pub fn pack_f32(spec: &ConvF32<'_>) -> Box<dyn Packed<f32, f32>> {
    assert_eq!(spec.filter.len(), spec.shape.filter_len());
    Box::new(F32 {
        shape: spec.shape,
        filter: floats(&spec.filter),
        bias: float_bias(spec.bias, spec.shape.out_channels),
        activation: spec.activation,
    })
}

/// The same on integers.
pub fn pack_integer<T: Stored, W: Stored, S: Sum>(spec: &ConvInteger<'_, W, S>) -> Box<dyn Packed<T, T>> {
    assert_eq!(spec.filter.len(), spec.shape.filter_len());
    Box::new(Integer {
        shape: spec.shape,
        filter: spec.filter.to_vec(),
        filter_zero_point: spec.filter_zero_point,
        bias: bias_or_zeros(spec.bias, spec.shape.out_channels),
        input_zero_point: spec.input_zero_point,
        factors: Factors::of(&spec.rescale),
        output_zero_point: spec.output_zero_point,
        activation: spec.activation,
    })
}

/// The input rows or columns that reach position `out`, ascending, each with its tap.
fn reaching(
    out: usize,
    pad: usize,
    stride: usize,
    taps: usize,
    size: usize,
) -> impl Iterator<Item = (usize, usize)> + Clone {
    // `out + pad = input * stride + tap` with a tap of 0..taps.
    let reached = out + pad;
    let first = (reached + 1).saturating_sub(taps).div_ceil(stride);
    let last = (reached / stride).min(size.saturating_sub(1));
    (first..last + 1).map(move |input| (input, reached - input * stride))
}

/// The pairs `(index into one image, index into the filter)` whose products make output channel `channel` at
/// `(out_y, out_x)`.
fn products(
    shape: &Conv2dShape,
    out_y: usize,
    out_x: usize,
    channel: usize,
) -> impl Iterator<Item = (usize, usize)> {
    let shape = *shape;
    let window = shape.window;
    let rows = reaching(out_y, window.pad_top, window.stride_height, window.filter_height, shape.in_height);
    let columns = reaching(out_x, window.pad_left, window.stride_width, window.filter_width, shape.in_width);
    rows.flat_map(move |(y, tap_y)| {
        columns.clone().flat_map(move |(x, tap_x)| {
            let pixel = (y * shape.in_width + x) * shape.in_channels;
            let tap = (channel * window.filter_height + tap_y) * window.filter_width + tap_x;
            (0..shape.in_channels).map(move |c| (pixel + c, tap * shape.in_channels + c))
        })
    })
}

struct F32 {
    shape: Conv2dShape,
    filter: Vec<f32>,
    bias: Vec<f32>,
    activation: Clamp<f32>,
}

impl Packed<f32, f32> for F32 {
    fn rows(&self) -> usize {
        self.shape.rows()
    }

    fn row_len(&self) -> usize {
        self.shape.row_len()
    }

    fn packed_bytes(&self) -> usize {
        size_of_val(&self.filter[..]) + size_of_val(&self.bias[..])
    }

    fn scratch_bytes(&self) -> usize {
        0
    }

    fn run(&self, input: &[f32], rows: Range<usize>, _scratch: &mut [u8], output: &mut [f32]) {
        assert_eq!(input.len(), self.shape.input_len());
        for_each_output(&self.shape, rows, output, |image, out_y, out_x, channel| {
            let image = &input[image * self.shape.image_len()..];
            let sum = products(&self.shape, out_y, out_x, channel)
                .fold(0.0, |sum, (pixel, weight)| sum + image[pixel] * self.filter[weight]);
            self.activation.apply(sum + self.bias[channel])
        });
    }
}

struct Integer<W, S> {
    shape: Conv2dShape,
    filter: Vec<W>,
    filter_zero_point: i32,
    bias: Vec<S>,
    input_zero_point: i32,
    factors: Factors,
    output_zero_point: i32,
    activation: Clamp<i32>,
}

impl<T: Stored, W: Stored, S: Sum> Packed<T, T> for Integer<W, S> {
    fn rows(&self) -> usize {
        self.shape.rows()
    }

    fn row_len(&self) -> usize {
        self.shape.row_len()
    }

    fn packed_bytes(&self) -> usize {
        size_of_val(&self.filter[..]) + size_of_val(&self.bias[..]) + self.factors.bytes()
    }

    fn scratch_bytes(&self) -> usize {
        0
    }

    fn run(&self, input: &[T], rows: Range<usize>, _scratch: &mut [u8], output: &mut [T]) {
        assert_eq!(input.len(), self.shape.input_len());
        for_each_output(&self.shape, rows, output, |image, out_y, out_x, channel| {
            let image = &input[image * self.shape.image_len()..];
            let products = products(&self.shape, out_y, out_x, channel);
            let sum = products.fold(S::default(), |sum, (pixel, weight)| {
                let value: i32 = image[pixel].into();
                let weight: i32 = self.filter[weight].into();
                sum.plus((value - self.input_zero_point) * (weight - self.filter_zero_point))
            });
            let scaled = self.factors.apply(sum.plus_sum(self.bias[channel]), channel);
            store(scaled, self.output_zero_point, self.activation)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::Window2d;
    use crate::spec::FloatWeights;

    #[test]
    fn strides_spread_the_input() {
        let window =
            Window2d { filter_height: 1, filter_width: 3, stride_width: 2, pad_left: 0, ..Window2d::POINT };
        let shape = Conv2dShape {
            batch: 1,
            in_height: 1,
            in_width: 2,
            in_channels: 1,
            out_height: 1,
            out_width: 5,
            out_channels: 1,
            groups: 1,
            window,
        };
        let spec = ConvF32 {
            shape,
            filter: FloatWeights::F32(&[1.0, 2.0, 3.0]),
            bias: None,
            activation: Clamp::<f32>::NONE,
        };
        let mut output = [0.0; 5];
        pack_f32(&spec).run(&[10.0, 100.0], 0..1, &mut [], &mut output);
        assert_eq!(output, [10.0, 20.0, 30.0 + 100.0, 200.0, 300.0]);
    }

    #[test]
    fn positions_that_nothing_reaches_are_zero() {
        assert_eq!(reaching(2, 0, 3, 2, 4).count(), 0);
        assert_eq!(reaching(3, 0, 3, 2, 4).collect::<Vec<_>>(), [(1, 0)]);
        assert_eq!(reaching(0, 1, 1, 3, 4).collect::<Vec<_>>(), [(0, 1), (1, 0)]);
        assert_eq!(reaching(9, 0, 1, 3, 4).count(), 0);
    }
}
