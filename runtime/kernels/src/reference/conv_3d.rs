//! CONV_3D and CONV_3D_TRANSPOSE on floats (`reference/conv3d.h`, `conv3d_transpose.h`): depth, height and width, `NDHWC`.

use crate::shape::Clamp;

/// One direction of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Axis3d {
    /// Length of the side that the window slides over: the input of the convolution, the output of the transposed one.
    pub wide: usize,
    /// Number of places of the window: the output of the convolution, the input of the transposed one.
    pub places: usize,
    /// Taps.
    pub filter: usize,
    /// Step from place to place.
    pub stride: usize,
    /// Step from tap to tap.
    pub dilation: usize,
    /// Padding before the first element.
    pub pad: usize,
}

/// The geometry of both operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conv3dShape {
    /// Number of volumes.
    pub batch: usize,
    /// Depth, height, width.
    pub axes: [Axis3d; 3],
    /// Channels of the input.
    pub in_channels: usize,
    /// Channels of the output.
    pub out_channels: usize,
}

impl Axis3d {
    /// Where a tap at a place of the window lies; none in the padding.
    fn at(&self, place: usize, tap: usize) -> Option<usize> {
        (place * self.stride + tap * self.dilation).checked_sub(self.pad).filter(|at| *at < self.wide)
    }
}

impl Conv3dShape {
    /// Number of taps.
    pub fn taps(&self) -> usize {
        self.axes.iter().map(|axis| axis.filter).product()
    }

    fn places(&self) -> usize {
        self.axes.iter().map(|axis| axis.places).product()
    }

    fn wide(&self) -> usize {
        self.axes.iter().map(|axis| axis.wide).product()
    }

    /// Calls `visit(place, tap, at)` for every tap at every place that lies inside: numbers within one volume.
    fn for_each_tap(&self, place: usize, mut visit: impl FnMut(usize, usize)) {
        let [depth, height, width] = self.axes;
        let at = [
            place / (height.places * width.places),
            place / width.places % height.places,
            place % width.places,
        ];
        for tap_z in 0..depth.filter {
            let Some(z) = depth.at(at[0], tap_z) else { continue };
            for tap_y in 0..height.filter {
                let Some(y) = height.at(at[1], tap_y) else { continue };
                for tap_x in 0..width.filter {
                    let Some(x) = width.at(at[2], tap_x) else { continue };
                    let tap = (tap_z * height.filter + tap_y) * width.filter + tap_x;
                    visit(tap, (z * height.wide + y) * width.wide + x);
                }
            }
        }
    }
}

/// The filter is `[depth, height, width, in_channels, out_channels]`; `bias` has an element for each output channel, or none.
pub fn conv_3d(
    shape: &Conv3dShape,
    activation: Clamp<f32>,
    (filter, bias): (&[f32], &[f32]),
    input: &[f32],
    output: &mut [f32],
) {
    let (inputs, outputs) = (shape.in_channels, shape.out_channels);
    for (at, store) in output.iter_mut().enumerate() {
        let (channel, place) = (at % outputs, at / outputs % shape.places());
        let volume = at / outputs / shape.places() * shape.wide();
        let mut sum = 0.0;
        shape.for_each_tap(place, |tap, pixel| {
            let pixel = &input[(volume + pixel) * inputs..][..inputs];
            for (from, value) in pixel.iter().enumerate() {
                sum += value * filter[(tap * inputs + from) * outputs + channel];
            }
        });
        *store = activation.apply(sum + bias.get(channel).copied().unwrap_or(0.0));
    }
}

/// Every input pixel is spread over the output. The filter is `[depth, height, width, out_channels, in_channels]`.
pub fn conv_3d_transpose(
    shape: &Conv3dShape,
    activation: Clamp<f32>,
    (filter, bias): (&[f32], &[f32]),
    input: &[f32],
    output: &mut [f32],
) {
    let (inputs, outputs) = (shape.in_channels, shape.out_channels);
    output.fill(0.0);
    for (at, value) in input.iter().enumerate() {
        let (from, place) = (at % inputs, at / inputs % shape.places());
        let volume = at / inputs / shape.places() * shape.wide();
        shape.for_each_tap(place, |tap, pixel| {
            let stores = &mut output[(volume + pixel) * outputs..][..outputs];
            for (channel, store) in stores.iter_mut().enumerate() {
                *store += value * filter[(tap * outputs + channel) * inputs + from];
            }
        });
    }
    for (at, store) in output.iter_mut().enumerate() {
        *store = activation.apply(*store + bias.get(at % outputs).copied().unwrap_or(0.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANY: Clamp<f32> = Clamp { min: f32::MIN, max: f32::MAX };
    const LINE: Axis3d = Axis3d { wide: 3, places: 2, filter: 2, stride: 1, dilation: 1, pad: 0 };
    const POINT: Axis3d = Axis3d { wide: 1, places: 1, filter: 1, stride: 1, dilation: 1, pad: 0 };

    #[test]
    fn a_line_in_any_direction_gives_the_same() {
        for axes in [[LINE, POINT, POINT], [POINT, LINE, POINT], [POINT, POINT, LINE]] {
            let shape = Conv3dShape { batch: 1, axes, in_channels: 1, out_channels: 1 };
            let mut output = [0.0; 2];
            conv_3d(&shape, ANY, (&[1.0, 10.0], &[0.5]), &[1.0, 2.0, 3.0], &mut output);
            assert_eq!(output, [21.5, 32.5]);
            let mut wide = [0.0; 3];
            conv_3d_transpose(&shape, ANY, (&[1.0, 10.0], &[]), &[1.0, 2.0], &mut wide);
            assert_eq!(wide, [1.0, 12.0, 20.0]);
        }
    }
}
