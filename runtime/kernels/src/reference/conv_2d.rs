//! CONV_2D: `reference_ops::Conv`, `reference_integer_ops::ConvPerChannel`, `reference_ops::HybridConvPerChannel` and, for
//! a filter with one scale, `optimized_ops::HybridConv`, which the reference resolver uses too.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::Range;

use super::hybrid::quantize_row;
use super::owned::{Hybrid, Output, Stage, bias_or_zeros, float_bias, floats};
use crate::packed::Packed;
use crate::shape::{Clamp, Conv2dShape};
use crate::spec::{ConvF32, ConvHybrid, ConvI8};

/// Keeps the constants as they are.
pub fn pack_f32(spec: &ConvF32<'_>) -> Box<dyn Packed<f32, f32>> {
    assert_eq!(spec.filter.len(), spec.shape.filter_len());
    Box::new(F32 {
        shape: spec.shape,
        filter: floats(&spec.filter),
        bias: float_bias(spec.bias, spec.shape.out_channels),
        activation: spec.activation,
    })
}

/// Keeps the constants as they are.
pub fn pack_i8(spec: &ConvI8<'_>) -> Box<dyn Packed<i8, i8>> {
    assert_eq!(spec.filter.len(), spec.shape.filter_len());
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
    assert_eq!(spec.filter.len(), spec.shape.filter_len());
    let ConvHybrid { shape, filter, filter_scales, bias, input, activation } = spec;
    Box::new(HybridConv {
        shape: *shape,
        constants: Hybrid::new(filter, filter_scales, *bias, *input, *activation, shape.out_channels),
    })
}

/// The pairs `(index into one image, index into the filter)` whose products make output channel `channel` at
/// `(out_y, out_x)`, in LiteRT's order: taps by row, channels innermost. Taps in the padding are left out.
fn products(
    shape: &Conv2dShape,
    out_y: usize,
    out_x: usize,
    channel: usize,
) -> impl Iterator<Item = (usize, usize)> {
    let shape = *shape;
    let window = shape.window;
    let depth = shape.group_in_channels();
    let first_channel = channel / shape.group_out_channels() * depth;
    (0..window.filter_height).flat_map(move |tap_y| {
        (0..window.filter_width).flat_map(move |tap_x| {
            let y = window.in_y(out_y, tap_y, shape.in_height);
            let x = window.in_x(out_x, tap_x, shape.in_width);
            let tap = (channel * window.filter_height + tap_y) * window.filter_width + tap_x;
            let pixel = y.zip(x).map(|(y, x)| (y * shape.in_width + x) * shape.in_channels + first_channel);
            pixel.into_iter().flat_map(move |pixel| (0..depth).map(move |c| (pixel + c, tap * depth + c)))
        })
    })
}

/// Calls `visit(image, out_y, out_x, channel)` for each element of output rows `rows`, and stores what it gives.
pub(super) fn for_each_output<T>(
    shape: &Conv2dShape,
    rows: Range<usize>,
    output: &mut [T],
    mut visit: impl FnMut(usize, usize, usize, usize) -> T,
) {
    assert_eq!(output.len(), rows.len() * shape.row_len());
    let mut stores = output.iter_mut();
    for row in rows {
        for out_x in 0..shape.out_width {
            for channel in 0..shape.out_channels {
                if let Some(store) = stores.next() {
                    *store = visit(row / shape.out_height, row % shape.out_height, out_x, channel);
                }
            }
        }
    }
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

struct HybridConv {
    shape: Conv2dShape,
    constants: Hybrid,
}

impl Packed<f32, f32> for HybridConv {
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
                let scale = constants.scales[channel];
                let scaled = if constants.per_channel {
                    sum as f32 * scale * how.scale
                } else {
                    sum as f32 * (how.scale * scale)
                };
                constants.activation.apply(scaled + constants.bias[channel])
            });
        });
    }
}

/// Calls `visit(image, rows, output)` for each image that `rows` touch, with its share of the rows and of the output.
pub(crate) fn for_each_image<T>(
    shape: &Conv2dShape,
    rows: Range<usize>,
    mut output: &mut [T],
    mut visit: impl FnMut(usize, Range<usize>, &mut [T]),
) {
    let mut start = rows.start;
    while start < rows.end {
        let image = start / shape.out_height;
        let end = rows.end.min((image + 1) * shape.out_height);
        let (share, rest) = output.split_at_mut((end - start) * shape.row_len());
        visit(image, start..end, share);
        output = rest;
        start = end;
    }
}
