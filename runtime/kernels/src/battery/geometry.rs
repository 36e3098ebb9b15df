//! Shapes to test convolutions with: round the edges of every tile, and at random.

use proptest::prelude::*;
use std::vec::Vec;

use crate::shape::{Conv2dShape, Window2d};

/// Output size along one axis of `len` inputs, as TFLite computes it for SAME and VALID; `None` if nothing fits.
fn output_len(
    len: usize,
    filter: usize,
    stride: usize,
    dilation: usize,
    same: bool,
) -> Option<(usize, usize)> {
    let reach = (filter - 1) * dilation + 1;
    if same {
        let out = len.div_ceil(stride);
        let padding = ((out - 1) * stride + reach).saturating_sub(len);
        Some((out, padding / 2))
    } else {
        (len >= reach).then(|| ((len - reach) / stride + 1, 0))
    }
}

/// What varies from case to case; a window with stride and dilation, the same along both axes but for the filter.
#[derive(Debug, Clone, Copy)]
pub(super) struct Case {
    pub(super) batch: usize,
    pub(super) size: (usize, usize),
    pub(super) filter: (usize, usize),
    pub(super) stride: usize,
    pub(super) dilation: usize,
    pub(super) same: bool,
    /// Input channels of one group.
    pub(super) group_in: usize,
    /// Output channels of one group.
    pub(super) group_out: usize,
    pub(super) groups: usize,
}

impl Case {
    pub(super) fn shape(&self) -> Option<Conv2dShape> {
        let Self { stride, dilation, same, .. } = *self;
        let (out_height, pad_top) = output_len(self.size.0, self.filter.0, stride, dilation, same)?;
        let (out_width, pad_left) = output_len(self.size.1, self.filter.1, stride, dilation, same)?;
        Some(Conv2dShape {
            batch: self.batch,
            in_height: self.size.0,
            in_width: self.size.1,
            in_channels: self.group_in * self.groups,
            out_height,
            out_width,
            out_channels: self.group_out * self.groups,
            groups: self.groups,
            window: Window2d {
                filter_height: self.filter.0,
                filter_width: self.filter.1,
                stride_height: stride,
                stride_width: stride,
                dilation_height: dilation,
                dilation_width: dilation,
                pad_top,
                pad_left,
            },
        })
    }
}

/// Channel counts one below, at and one above the sizes of vectors, panels and pairs of panels.
pub(super) const EDGES: [usize; 16] = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 64, 65];

/// Pointwise convolutions of every edge width, and pixel counts round every tile height.
pub(super) fn pointwise_edges() -> Vec<Conv2dShape> {
    let base = Case {
        batch: 1,
        size: (1, 1),
        filter: (1, 1),
        stride: 1,
        dilation: 1,
        same: true,
        group_in: 1,
        group_out: 1,
        groups: 1,
    };
    let widths = EDGES.iter().flat_map(|&group_out| {
        [1, 2, 5, 16].map(|group_in| Case { size: (1, 7), group_in, group_out, ..base })
    });
    let pixels = (1..=50).map(|width| Case { size: (1, width), group_in: 6, group_out: 10, ..base });
    widths.chain(pixels).filter_map(|case| case.shape()).collect()
}

/// Depthwise convolutions of every edge width, with and without padding, on a small image and on a wide one, where vectors
/// can span several pixels.
pub(super) fn depthwise_edges() -> Vec<Conv2dShape> {
    let windows =
        [(true, 1, 1, (6, 5)), (true, 1, 1, (3, 37)), (false, 1, 2, (5, 70)), (false, 2, 1, (6, 5))];
    let cases = EDGES.iter().flat_map(|&groups| {
        windows.map(|(same, stride, dilation, size)| Case {
            batch: 2,
            size,
            filter: (3, 3),
            stride,
            dilation,
            same,
            group_in: 1,
            group_out: 1,
            groups,
        })
    });
    cases.filter_map(|case| case.shape()).collect()
}

/// A convolution of which no tap of any row lies inside the images: they read only padding.
pub(super) fn beside_the_image(group_in: usize, group_out: usize, groups: usize) -> Conv2dShape {
    let case = Case {
        batch: 2,
        size: (1, 9),
        filter: (2, 1),
        stride: 1,
        dilation: 3,
        same: true,
        group_in,
        group_out,
        groups,
    };
    case.shape().expect("padding makes any window fit")
}

prop_compose! {
    fn any_case(depthwise: bool)(
        batch in 1usize..=2,
        size in (1usize..10, 1usize..10),
        filter in (1usize..=5, 1usize..=5),
        stride in 1usize..=3,
        dilation in 1usize..=3,
        same in any::<bool>(),
        group_in in 1usize..=9,
        group_out in 1usize..=20,
        groups in 1usize..=20,
        grouped in any::<bool>(),
    ) -> Case {
        let (group_in, group_out, groups) = match (depthwise, grouped) {
            (true, true) => (1, 1 + group_out % 3, groups),
            (true, false) => (1, 1, groups),
            (false, true) => (group_in, group_out, 1 + groups % 3),
            (false, false) => (group_in, group_out, 1),
        };
        Case { batch, size, filter, stride, dilation, same, group_in, group_out, groups }
    }
}

/// Any convolution; one in three with groups.
pub(super) fn any_conv() -> impl Strategy<Value = Conv2dShape> {
    any_case(false).prop_filter_map("the window does not fit", |case| case.shape())
}

/// Any depthwise convolution; half of them with a depth multiplier.
pub(super) fn any_depthwise() -> impl Strategy<Value = Conv2dShape> {
    any_case(true).prop_filter_map("the window does not fit", |case| case.shape())
}
