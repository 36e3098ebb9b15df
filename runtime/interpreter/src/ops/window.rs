//! The sliding window of convolutions and pools: strides, dilations and padding from the file, checked against the shapes.

use alloc::format;

use edgebench_kernels::Window2d;
use edgebench_schema::tflite::Padding;

use super::{Operand, Site};
use crate::error::Fault;

/// Nothing that slides over a tensor of the largest size needs longer steps or reach.
const MAX_REACH: usize = 1 << 30;

/// A window as the options have it; height first.
#[derive(Clone, Copy)]
pub(super) struct WindowOptions {
    pub(super) padding: Padding,
    pub(super) filter: [usize; 2],
    pub(super) stride: [i32; 2],
    pub(super) dilation: [i32; 2],
}

/// One direction of a window.
struct Axis {
    stride: usize,
    dilation: usize,
    output: usize,
    pad_before: usize,
}

impl WindowOptions {
    /// The window over an input of this height and width, and the height and width that it gives.
    pub(super) fn over(
        &self,
        input: &Operand<'_>,
        size: [usize; 2],
        site: &Site<'_, '_>,
    ) -> Result<(Window2d, [usize; 2]), Fault> {
        let rows = self.axis(0, input, size, site)?;
        let columns = self.axis(1, input, size, site)?;
        let window = Window2d {
            filter_height: self.filter[0],
            filter_width: self.filter[1],
            stride_height: rows.stride,
            stride_width: columns.stride,
            dilation_height: rows.dilation,
            dilation_width: columns.dilation,
            pad_top: rows.pad_before,
            pad_left: columns.pad_before,
        };
        Ok((window, [rows.output, columns.output]))
    }

    fn axis(
        &self,
        axis: usize,
        input: &Operand<'_>,
        size: [usize; 2],
        site: &Site<'_, '_>,
    ) -> Result<Axis, Fault> {
        let stride = at_least_one(self.stride[axis], "strides", site)?;
        let dilation = at_least_one(self.dilation[axis], "dilations", site)?;
        let reach = reach(self.filter[axis], dilation);
        let reach = reach.ok_or_else(|| {
            let found = format!("filter {} with dilation {dilation}", self.filter[axis]);
            Fault::mismatch(site.place(), format!("a window from 1 to {MAX_REACH} long"), found)
        })?;
        let input_size = size[axis];
        let output = match self.padding {
            Padding::SAME => input_size.div_ceil(stride),
            Padding::VALID => input_size.checked_sub(reach).map_or(0, |room| room / stride + 1),
            other => return Err(site.unsupported(format!("padding {}", other.0))),
        };
        if output == 0 {
            let expected = format!("at least {reach} rows and columns under the window");
            return Err(input.fault(expected, format!("shape {:?}", input.shape())));
        }
        // LiteRT `ComputePadding`: the smaller half comes first.
        let pad_before = ((output - 1) * stride + reach).saturating_sub(input_size) / 2;
        Ok(Axis { stride, dilation, output, pad_before })
    }
}

/// Input elements from the first to the last tap.
fn reach(filter: usize, dilation: usize) -> Option<usize> {
    let reach = filter.checked_sub(1)?.checked_mul(dilation)?.checked_add(1)?;
    (reach <= MAX_REACH).then_some(reach)
}

pub(super) fn at_least_one(value: i32, what: &str, site: &Site<'_, '_>) -> Result<usize, Fault> {
    let valid = usize::try_from(value).ok().filter(|value| (1..=MAX_REACH).contains(value));
    valid.ok_or_else(|| Fault::mismatch(site.place(), format!("{what} of at least 1"), format!("{value}")))
}
