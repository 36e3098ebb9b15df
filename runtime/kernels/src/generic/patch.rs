//! The inputs under the window of one output pixel, gathered in the filter's order: taps by row, channels innermost.

use crate::shape::Conv2dShape;

/// Where an output pixel lies.
#[derive(Clone, Copy)]
pub(super) struct Place {
    image: usize,
    y: usize,
    x: usize,
}

impl Place {
    /// The place of output pixel `pixel`, counted over the whole batch.
    #[inline(always)]
    pub(super) fn of(shape: &Conv2dShape, pixel: usize) -> Self {
        let row = pixel / shape.out_width;
        Self { image: row / shape.out_height, y: row % shape.out_height, x: pixel % shape.out_width }
    }

    /// The place of the pixel after it, without the divisions that [`of`](Place::of) takes.
    #[inline(always)]
    pub(super) fn next(self, shape: &Conv2dShape) -> Self {
        if self.x + 1 < shape.out_width {
            Self { x: self.x + 1, ..self }
        } else if self.y + 1 < shape.out_height {
            Self { x: 0, y: self.y + 1, ..self }
        } else {
            Self { x: 0, y: 0, image: self.image + 1 }
        }
    }
}

/// Gathers the patch of the pixel at `place` that group `group` sees into the first `shape.depth()` elements of `patch`, and
/// may write anything behind them. `padding` stands for what lies outside the image.
#[inline(always)]
pub(super) fn gather<E: Copy, T: Copy>(
    shape: &Conv2dShape,
    group: usize,
    place: Place,
    input: &[E],
    padding: T,
    convert: impl Fn(E) -> T + Copy,
    patch: &mut [T],
) {
    let window = &shape.window;
    let Place { image, y: out_y, x: out_x } = place;
    let image = &input[image * shape.image_len()..];
    let row_len = window.filter_width * shape.group_in_channels();
    // Indexed, for iterators over chunks divide, and this runs for every pixel. In the filter's order, so that what is
    // written past a row is written over.
    for tap_y in 0..window.filter_height {
        let patch = &mut patch[tap_y * row_len..];
        match window.in_y(out_y, tap_y, shape.in_height) {
            Some(y) => {
                let row = &image[y * shape.in_width * shape.in_channels..];
                gather_row(shape, group, out_x, row, padding, convert, patch);
            }
            None => patch[..row_len].fill(padding),
        }
    }
}

/// Gathers one row of taps from one row of the image, with what follows it.
#[inline(always)]
fn gather_row<E: Copy, T: Copy>(
    shape: &Conv2dShape,
    group: usize,
    out_x: usize,
    row: &[E],
    padding: T,
    convert: impl Fn(E) -> T + Copy,
    patch: &mut [T],
) {
    let window = &shape.window;
    let depth = shape.group_in_channels();
    let first = out_x * window.stride_width;
    let inside = first >= window.pad_left && first - window.pad_left + window.filter_width <= shape.in_width;
    if inside && window.dilation_width == 1 && shape.groups == 1 {
        let start = (first - window.pad_left) * shape.in_channels;
        copy(&row[start..], convert, patch, window.filter_width * depth);
        return;
    }
    for tap_x in 0..window.filter_width {
        let patch = &mut patch[tap_x * depth..];
        match window.in_x(out_x, tap_x, shape.in_width) {
            Some(x) => copy(&row[x * shape.in_channels + group * depth..], convert, patch, depth),
            None => patch[..depth].fill(padding),
        }
    }
}

/// Converts the first `count` elements. Where both slices go on, up to 15 more are written rather than counted out.
#[inline(always)]
pub(super) fn copy<E: Copy, T: Copy>(
    from: &[E],
    convert: impl Fn(E) -> T + Copy,
    to: &mut [T],
    count: usize,
) {
    let mut done = 0;
    while done + 64 <= count {
        convert_chunk::<E, T, 64>(&from[done..], convert, &mut to[done..]);
        done += 64;
    }
    while done < count && from.len() - done >= 16 && to.len() - done >= 16 {
        convert_chunk::<E, T, 16>(&from[done..], convert, &mut to[done..]);
        done += 16;
    }
    while done < count {
        to[done] = convert(from[done]);
        done += 1;
    }
}

#[inline(always)]
fn convert_chunk<E: Copy, T: Copy, const N: usize>(from: &[E], convert: impl Fn(E) -> T, to: &mut [T]) {
    let (from, to) = (&from[..N], &mut to[..N]);
    for index in 0..N {
        to[index] = convert(from[index]);
    }
}
