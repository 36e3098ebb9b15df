//! Geometry of the operators. Activations are NHWC, convolution filters OHWI, depthwise filters `[1, H, W, O]`.
//! Shapes here are already checked; nothing in this module looks at data.

use alloc::vec::Vec;
use core::ops::Range;

/// The closed range to which a fused activation clamps. No activation: the limits of the type (infinities for floats).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clamp<T> {
    /// Least value that is stored.
    pub min: T,
    /// Greatest value that is stored.
    pub max: T,
}

impl Clamp<f32> {
    /// No activation.
    pub const NONE: Self = Self { min: f32::NEG_INFINITY, max: f32::INFINITY };

    /// `value`, held inside the range. A NaN stays a NaN.
    #[inline(always)]
    pub fn apply(self, value: f32) -> f32 {
        let raised = if value < self.min { self.min } else { value };
        if raised > self.max { self.max } else { raised }
    }
}

impl Clamp<i32> {
    /// `value`, held inside the range.
    #[inline(always)]
    pub fn hold(self, value: i32) -> i32 {
        value.max(self.min).min(self.max)
    }
}

impl Clamp<i8> {
    /// No activation.
    pub const NONE: Self = Self { min: i8::MIN, max: i8::MAX };

    /// `value`, held inside the range, in the narrow type.
    #[inline(always)]
    pub fn apply(self, value: i32) -> i8 {
        value.max(i32::from(self.min)).min(i32::from(self.max)) as i8
    }
}

/// A window that slides over height and width: filter taps, strides, dilations and the padding before the first row
/// and column. Padding after the last is implied by the output's shape. Filter, stride and dilation are at least 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window2d {
    /// Taps along height.
    pub filter_height: usize,
    /// Taps along width.
    pub filter_width: usize,
    /// Input rows from one output row to the next.
    pub stride_height: usize,
    /// Input columns from one output column to the next.
    pub stride_width: usize,
    /// Input rows from one tap to the next.
    pub dilation_height: usize,
    /// Input columns from one tap to the next.
    pub dilation_width: usize,
    /// Rows of padding above the input.
    pub pad_top: usize,
    /// Columns of padding left of the input.
    pub pad_left: usize,
}

impl Window2d {
    /// A single tap with stride 1: the window of a pointwise convolution.
    pub const POINT: Self = Self {
        filter_height: 1,
        filter_width: 1,
        stride_height: 1,
        stride_width: 1,
        dilation_height: 1,
        dilation_width: 1,
        pad_top: 0,
        pad_left: 0,
    };

    /// Number of taps.
    pub fn taps(&self) -> usize {
        self.filter_height * self.filter_width
    }

    /// The input row under tap `tap` of output row `out_y`, if it lies inside an input of `in_height` rows.
    #[inline(always)]
    pub fn in_y(&self, out_y: usize, tap: usize, in_height: usize) -> Option<usize> {
        let padded = out_y * self.stride_height + tap * self.dilation_height;
        padded.checked_sub(self.pad_top).filter(|&y| y < in_height)
    }

    /// The input column under tap `tap` of output column `out_x`, if it lies inside an input of `in_width` columns.
    #[inline(always)]
    pub fn in_x(&self, out_x: usize, tap: usize, in_width: usize) -> Option<usize> {
        let padded = out_x * self.stride_width + tap * self.dilation_width;
        padded.checked_sub(self.pad_left).filter(|&x| x < in_width)
    }
}

/// A convolution, grouped or depthwise: input `[batch, in_height, in_width, in_channels]`, output
/// `[batch, out_height, out_width, out_channels]`.
///
/// * CONV_2D: filter `[out_channels, filter_height, filter_width, in_channels / groups]`; `groups` divides both
///   channel counts.
/// * DEPTHWISE_CONV_2D: filter `[1, filter_height, filter_width, out_channels]`; `groups == in_channels`, and output
///   channel `o` reads input channel `o / (out_channels / in_channels)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conv2dShape {
    /// Images.
    pub batch: usize,
    /// Input rows.
    pub in_height: usize,
    /// Input columns.
    pub in_width: usize,
    /// Input channels.
    pub in_channels: usize,
    /// Output rows.
    pub out_height: usize,
    /// Output columns.
    pub out_width: usize,
    /// Output channels.
    pub out_channels: usize,
    /// Groups of channels that do not see each other; 1 is an ordinary convolution.
    pub groups: usize,
    /// The sliding window.
    pub window: Window2d,
}

impl Conv2dShape {
    /// Elements of the input.
    pub fn input_len(&self) -> usize {
        self.batch * self.image_len()
    }

    /// Elements of one input image.
    pub fn image_len(&self) -> usize {
        self.in_height * self.in_width * self.in_channels
    }

    /// The same convolution with a row for every pixel of an image, where each output pixel sees one input pixel: more
    /// rows to split a run into. Others stay as they are.
    #[must_use]
    pub fn with_pixels_as_rows(self) -> Self {
        if self.window != Window2d::POINT {
            return self;
        }
        let pixels = self.in_height * self.in_width;
        Self { in_height: pixels, in_width: 1, out_height: pixels, out_width: 1, ..self }
    }

    /// Output rows over the whole batch: what a run may be split into.
    pub fn rows(&self) -> usize {
        self.batch * self.out_height
    }

    /// Elements of one output row.
    pub fn row_len(&self) -> usize {
        self.out_width * self.out_channels
    }

    /// Elements of the output.
    pub fn output_len(&self) -> usize {
        self.rows() * self.row_len()
    }

    /// Input channels that one output channel of CONV_2D reads.
    pub fn group_in_channels(&self) -> usize {
        self.in_channels / self.groups
    }

    /// Output channels of one group.
    pub fn group_out_channels(&self) -> usize {
        self.out_channels / self.groups
    }

    /// Elements of CONV_2D's filter.
    pub fn filter_len(&self) -> usize {
        self.out_channels * self.depth()
    }

    /// Elements of DEPTHWISE_CONV_2D's filter.
    pub fn depthwise_filter_len(&self) -> usize {
        self.window.taps() * self.out_channels
    }

    /// Products summed into one output element of CONV_2D.
    pub fn depth(&self) -> usize {
        self.window.taps() * self.group_in_channels()
    }

    /// Multiply-accumulates of CONV_2D. Taps in the padding count, as is the custom.
    pub fn macs(&self) -> u64 {
        self.output_len() as u64 * self.depth() as u64
    }

    /// Multiply-accumulates of DEPTHWISE_CONV_2D.
    pub fn depthwise_macs(&self) -> u64 {
        self.output_len() as u64 * self.window.taps() as u64
    }
}

/// FULLY_CONNECTED: input `[batch, in_features]`, filter `[out_features, in_features]`, output `[batch, out_features]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FullyConnectedShape {
    /// Rows of the input.
    pub batch: usize,
    /// Elements of an input row.
    pub in_features: usize,
    /// Elements of an output row.
    pub out_features: usize,
}

impl FullyConnectedShape {
    /// Multiply-accumulates.
    pub fn macs(&self) -> u64 {
        self.batch as u64 * self.in_features as u64 * self.out_features as u64
    }

    /// The same product as a pointwise convolution over `batch` one-pixel images.
    pub fn as_conv(&self) -> Conv2dShape {
        Conv2dShape {
            batch: self.batch,
            in_height: 1,
            in_width: 1,
            in_channels: self.in_features,
            out_height: 1,
            out_width: 1,
            out_channels: self.out_features,
            groups: 1,
            window: Window2d::POINT,
        }
    }
}

/// AVERAGE_POOL_2D and MAX_POOL_2D: input `[batch, in_height, in_width, channels]`, output
/// `[batch, out_height, out_width, channels]`. Dilations are 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pool2dShape {
    /// Images.
    pub batch: usize,
    /// Input rows.
    pub in_height: usize,
    /// Input columns.
    pub in_width: usize,
    /// Output rows.
    pub out_height: usize,
    /// Output columns.
    pub out_width: usize,
    /// Channels of input and output.
    pub channels: usize,
    /// The sliding window.
    pub window: Window2d,
}

impl Pool2dShape {
    /// Elements of the input.
    pub fn input_len(&self) -> usize {
        self.batch * self.in_height * self.in_width * self.channels
    }

    /// Elements of the output.
    pub fn output_len(&self) -> usize {
        self.batch * self.out_height * self.out_width * self.channels
    }

    /// The input rows and columns under the window of output pixel `(out_y, out_x)` that lie inside the image.
    pub fn inside(&self, out_y: usize, out_x: usize) -> (Range<usize>, Range<usize>) {
        let window = &self.window;
        (
            clip(out_y * window.stride_height, window.pad_top, window.filter_height, self.in_height),
            clip(out_x * window.stride_width, window.pad_left, window.filter_width, self.in_width),
        )
    }
}

/// `taps` positions from `start - pad` on, cut to `0..limit`.
fn clip(start: usize, pad: usize, taps: usize, limit: usize) -> Range<usize> {
    let end = (start + taps).saturating_sub(pad).min(limit);
    start.saturating_sub(pad).min(end)..end
}

/// How two operands are walked to give one output, numpy's broadcasting rules, with adjoining axes merged.
/// Same shapes become one axis; a scalar operand becomes one axis with stride 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broadcast {
    axes: Vec<BroadcastAxis>,
}

/// One axis of a [`Broadcast`], outermost first. A stride is in elements and 0 where the operand repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BroadcastAxis {
    /// Elements of the output along the axis.
    pub len: usize,
    /// Step in the first operand.
    pub left: usize,
    /// Step in the second operand.
    pub right: usize,
}

impl Broadcast {
    /// The walk over operands of shapes `left` and `right`, aligned at the last axis, or `None` where two lengths
    /// differ and neither is 1.
    pub fn new(left: &[usize], right: &[usize]) -> Option<Self> {
        let rank = left.len().max(right.len());
        let mut axes: Vec<BroadcastAxis> = Vec::with_capacity(rank);
        let (mut left_step, mut right_step) = (1, 1);
        for from_last in 0..rank {
            let (l, r) = (axis_from_last(left, from_last), axis_from_last(right, from_last));
            if l != r && l != 1 && r != 1 {
                return None;
            }
            let len = if l == 1 { r } else { l };
            let axis = BroadcastAxis {
                len,
                left: if l == 1 { 0 } else { left_step },
                right: if r == 1 { 0 } else { right_step },
            };
            left_step *= l;
            right_step *= r;
            if len != 1 {
                merge_outer(&mut axes, axis);
            }
        }
        axes.reverse();
        Some(Self { axes })
    }

    /// The axes, outermost first; empty for two scalars.
    pub fn axes(&self) -> &[BroadcastAxis] {
        &self.axes
    }

    /// Elements of the output.
    pub fn output_len(&self) -> usize {
        self.axes.iter().map(|axis| axis.len).product()
    }

    /// The innermost axis; one element for two scalars.
    #[inline(always)]
    pub fn inner(&self) -> BroadcastAxis {
        self.axes.last().copied().unwrap_or(BroadcastAxis { len: 1, left: 0, right: 0 })
    }

    /// Number of runs along the innermost axis.
    #[inline(always)]
    pub fn runs(&self) -> usize {
        self.outer().iter().map(|axis| axis.len).product()
    }

    /// Where run `run` starts: offsets of its first element in the output and in both operands.
    #[inline(always)]
    pub fn run(&self, run: usize) -> (usize, usize, usize) {
        let (mut rest, mut left, mut right) = (run, 0, 0);
        for axis in self.outer().iter().rev() {
            let index = rest % axis.len;
            rest /= axis.len;
            left += index * axis.left;
            right += index * axis.right;
        }
        (run * self.inner().len, left, right)
    }

    #[inline(always)]
    fn outer(&self) -> &[BroadcastAxis] {
        self.axes.split_last().map_or(&[], |(_, outer)| outer)
    }

    /// Calls `visit(output, left, right, inner)` for each innermost run: offsets of its first element in the output
    /// and in both operands, and its axis. Two scalars give one run of one element.
    #[inline(always)]
    pub fn for_each_run(&self, mut visit: impl FnMut(usize, usize, usize, BroadcastAxis)) {
        for run in 0..self.runs() {
            let (output, left, right) = self.run(run);
            visit(output, left, right, self.inner());
        }
    }
}

fn axis_from_last(shape: &[usize], from_last: usize) -> usize {
    shape.len().checked_sub(from_last + 1).map_or(1, |axis| shape[axis])
}

/// Adds `outer` around the axes so far (innermost first), as a longer last axis where both operands step on evenly.
fn merge_outer(axes: &mut Vec<BroadcastAxis>, outer: BroadcastAxis) {
    if let Some(inner) = axes.last_mut()
        && outer.left == inner.left * inner.len
        && outer.right == inner.right * inner.len
    {
        inner.len *= outer.len;
        return;
    }
    axes.push(outer);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;

    fn flat(broadcast: &Broadcast) -> Vec<(usize, usize, usize)> {
        let mut seen = Vec::new();
        broadcast.for_each_run(|output, left, right, axis| {
            seen.extend((0..axis.len).map(|i| (output + i, left + i * axis.left, right + i * axis.right)));
        });
        seen
    }

    #[test]
    fn equal_shapes_become_one_axis() {
        let broadcast = Broadcast::new(&[2, 3, 4], &[2, 3, 4]).unwrap();
        assert_eq!(broadcast.axes(), [BroadcastAxis { len: 24, left: 1, right: 1 }]);
    }

    #[test]
    fn a_scalar_repeats_along_one_axis() {
        let broadcast = Broadcast::new(&[2, 3, 4], &[1]).unwrap();
        assert_eq!(broadcast.axes(), [BroadcastAxis { len: 24, left: 1, right: 0 }]);
    }

    #[test]
    fn a_row_repeats_over_outer_axes() {
        let broadcast = Broadcast::new(&[3], &[2, 2, 3]).unwrap();
        assert_eq!(flat(&broadcast).len(), 12);
        assert_eq!(flat(&broadcast)[4], (4, 1, 4));
    }

    #[test]
    fn both_operands_may_repeat() {
        let broadcast = Broadcast::new(&[2, 1], &[1, 3]).unwrap();
        assert_eq!(flat(&broadcast), [(0, 0, 0), (1, 0, 1), (2, 0, 2), (3, 1, 0), (4, 1, 1), (5, 1, 2)]);
    }

    #[test]
    fn scalars_give_one_element_and_empty_axes_none() {
        assert_eq!(flat(&Broadcast::new(&[], &[]).unwrap()), [(0, 0, 0)]);
        assert_eq!(flat(&Broadcast::new(&[0, 3], &[3]).unwrap()), vec![]);
    }

    #[test]
    fn lengths_that_differ_are_refused() {
        assert_eq!(Broadcast::new(&[2, 3], &[2, 4]), None);
    }

    #[test]
    fn a_pool_window_is_cut_at_the_image() {
        let window =
            Window2d { filter_height: 3, filter_width: 3, pad_top: 1, pad_left: 1, ..Window2d::POINT };
        let shape = Pool2dShape {
            batch: 1,
            in_height: 4,
            in_width: 2,
            out_height: 4,
            out_width: 2,
            channels: 1,
            window,
        };
        assert_eq!(shape.inside(0, 0), (0..2, 0..2));
        assert_eq!(shape.inside(2, 1), (1..4, 0..2));
        assert_eq!(shape.inside(3, 0), (2..4, 0..2));
    }
}
