//! DEPTHWISE_CONV_2D: `reference_ops::DepthwiseConv`, `reference_integer_ops::DepthwiseConvPerChannel` and
//! `reference_integer_ops::DepthwiseConvHybridPerChannel`.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::Range;

use super::conv_2d::{for_each_image, for_each_output};
use super::hybrid::quantize_row;
use super::owned::{Hybrid, Output, Stage, bias_or_zeros, float_bias, floats};
use crate::packed::Packed;
use crate::shape::{Clamp, Conv2dShape};
use crate::spec::{ConvF32, ConvHybrid, ConvI8};

/// Keeps the constants as they are.
pub fn pack_f32(spec: &ConvF32<'_>) -> Box<dyn Packed<f32, f32>> {
    assert_eq!(spec.filter.len(), spec.shape.depthwise_filter_len());
    Box::new(F32 {
        shape: spec.shape,
        filter: floats(&spec.filter),
        bias: float_bias(spec.bias, spec.shape.out_channels),
        activation: spec.activation,
    })
}

/// Keeps the constants as they are.
pub fn pack_i8(spec: &ConvI8<'_>) -> Box<dyn Packed<i8, i8>> {
    assert_eq!(spec.filter.len(), spec.shape.depthwise_filter_len());
    Box::new(I8 {
        shape: spec.shape,
        filter: spec.filter.to_vec(),
        bias: bias_or_zeros(spec.bias, spec.shape.out_channels),
        input_zero_point: spec.input_zero_point,
        output: Output::of(&spec.output),
    })
}

/// Keeps the constants as they are.
pub fn pack_hybrid(spec: &ConvHybrid<'_>) -> Box<dyn Packed<f32, f32>> {
    assert_eq!(spec.filter.len(), spec.shape.depthwise_filter_len());
    let ConvHybrid { shape, filter, filter_scales, bias, input, activation } = spec;
    Box::new(HybridDepthwise {
        shape: *shape,
        constants: Hybrid::new(filter, filter_scales, *bias, *input, *activation, shape.out_channels),
    })
}

/// The pairs `(index into one image, index into the filter)` whose products make output channel `channel` at
/// `(out_y, out_x)`, taps by row. Taps in the padding are left out.
pub(super) fn products(
    shape: &Conv2dShape,
    out_y: usize,
    out_x: usize,
    channel: usize,
) -> impl Iterator<Item = (usize, usize)> {
    let shape = *shape;
    let window = shape.window;
    let in_channel = channel / shape.group_out_channels();
    (0..window.taps()).filter_map(move |tap| {
        let y = window.in_y(out_y, tap / window.filter_width, shape.in_height)?;
        let x = window.in_x(out_x, tap % window.filter_width, shape.in_width)?;
        let pixel = (y * shape.in_width + x) * shape.in_channels + in_channel;
        Some((pixel, tap * shape.out_channels + channel))
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

struct I8 {
    shape: Conv2dShape,
    filter: Vec<i8>,
    bias: Vec<i32>,
    input_zero_point: i32,
    output: Output,
}

impl Packed<i8, i8> for I8 {
    fn rows(&self) -> usize {
        self.shape.rows()
    }

    fn row_len(&self) -> usize {
        self.shape.row_len()
    }

    fn packed_bytes(&self) -> usize {
        self.filter.len() + size_of_val(&self.bias[..]) + self.output.bytes()
    }

    fn scratch_bytes(&self) -> usize {
        0
    }

    fn run(&self, input: &[i8], rows: Range<usize>, _scratch: &mut [u8], output: &mut [i8]) {
        assert_eq!(input.len(), self.shape.input_len());
        for_each_output(&self.shape, rows, output, |image, out_y, out_x, channel| {
            let image = &input[image * self.shape.image_len()..];
            let sum = products(&self.shape, out_y, out_x, channel).fold(0i32, |sum, (pixel, weight)| {
                let value = i32::from(image[pixel]) - self.input_zero_point;
                sum.wrapping_add(value * i32::from(self.filter[weight]))
            });
            self.output.store(sum.wrapping_add(self.bias[channel]), channel)
        });
    }
}

struct HybridDepthwise {
    shape: Conv2dShape,
    constants: Hybrid,
}

impl Packed<f32, f32> for HybridDepthwise {
    fn rows(&self) -> usize {
        self.shape.rows()
    }

    fn row_len(&self) -> usize {
        self.shape.row_len()
    }

    fn packed_bytes(&self) -> usize {
        self.constants.bytes()
    }

    fn scratch_bytes(&self) -> usize {
        self.shape.image_len()
    }

    fn run(&self, input: &[f32], rows: Range<usize>, scratch: &mut [u8], output: &mut [f32]) {
        assert_eq!(input.len(), self.shape.input_len());
        for_each_image(&self.shape, rows, output, |image, rows, output| {
            let constants = &self.constants;
            let image = &input[image * self.shape.image_len()..][..self.shape.image_len()];
            let quantized: &mut [i8] = bytemuck::cast_slice_mut(&mut scratch[..self.shape.image_len()]);
            let how = quantize_row(image, constants.input, quantized);
            for_each_output(&self.shape, rows, output, |_, out_y, out_x, channel| {
                let sum = products(&self.shape, out_y, out_x, channel).fold(0i32, |sum, (pixel, weight)| {
                    let value = i32::from(quantized[pixel]) - how.zero_point;
                    sum.wrapping_add(value * i32::from(constants.filter[weight]))
                });
                let scaled = sum as f32 * (constants.scales[channel] * how.scale);
                constants.activation.apply(scaled + constants.bias[channel])
            });
        });
    }
}
