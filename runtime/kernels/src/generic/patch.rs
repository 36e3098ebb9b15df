//! The inputs under the window of one output pixel, gathered in the filter's order: taps by row, channels innermost.

use core::ops::Range;

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

    /// The first place of the next output row.
    #[inline(always)]
    pub(super) fn next_row(self, shape: &Conv2dShape) -> Self {
        Self { x: shape.out_width - 1, ..self }.next(shape)
    }

    /// How many of `count` pixels from here on lie in the same output row.
    #[inline(always)]
    pub(super) fn in_row(self, shape: &Conv2dShape, count: usize) -> usize {
        count.min(shape.out_width - self.x)
    }
}

/// Gathers the patches of `count` neighbouring pixels of one output row, from `place` on, that group `group` sees. Each
/// takes the first `shape.depth()` elements of `step` in `patches`; what lies between is left as it is. `padding` stands
/// for what lies outside the image.
#[inline(always)]
pub(super) fn gather<E: Copy, T: Copy>(
    from: &Source<'_, E, T>,
    place: Place,
    count: usize,
    convert: impl Fn(E) -> T + Copy,
    patches: &mut [T],
    step: usize,
) {
    let Source { shape, input, padding, .. } = *from;
    let window = &shape.window;
    let image = &input[place.image * shape.image_len()..];
    let width = shape.in_width * shape.in_channels;
    let row_len = window.filter_width * shape.group_in_channels();
    for tap_y in 0..window.filter_height {
        let patches = &mut patches[tap_y * row_len..];
        match window.in_y(place.y, tap_y, shape.in_height) {
            Some(y) => {
                let row = &image[y * width..][..width];
                gather_row(from, row, place.x..place.x + count, convert, patches, step);
            }
            None => {
                for index in 0..count {
                    patches[index * step..][..row_len].fill(padding);
                }
            }
        }
    }
}

/// What patches are gathered from.
#[derive(Clone, Copy)]
pub(super) struct Source<'a, E, T> {
    pub(super) shape: &'a Conv2dShape,
    pub(super) group: usize,
    pub(super) input: &'a [E],
    pub(super) padding: T,
}

/// Gathers one row of taps of some pixels from one row of the image.
#[inline(always)]
fn gather_row<E: Copy, T: Copy>(
    from: &Source<'_, E, T>,
    row: &[E],
    pixels: Range<usize>,
    convert: impl Fn(E) -> T + Copy,
    patches: &mut [T],
    step: usize,
) {
    let shape = from.shape;
    let (window, channels) = (&shape.window, shape.in_channels);
    let inside = windows_inside(shape, &pixels);
    for pixel in (pixels.start..inside.start).chain(inside.end..pixels.end) {
        gather_taps(from, row, pixel, convert, &mut patches[(pixel - pixels.start) * step..]);
    }
    if inside.is_empty() {
        return;
    }
    let row = &row[(inside.start * window.stride_width - window.pad_left) * channels..];
    let windows = Windows {
        len: window.filter_width * channels,
        count: inside.len(),
        from_step: window.stride_width * channels,
        step,
    };
    let patches = &mut patches[(inside.start - pixels.start) * step..];
    match windows.len {
        64.. => windows.copy::<E, T, 64>(row, convert, patches),
        16.. => windows.copy::<E, T, 16>(row, convert, patches),
        8.. => windows.copy::<E, T, 8>(row, convert, patches),
        4.. => windows.copy::<E, T, 4>(row, convert, patches),
        _ => windows.copy::<E, T, 1>(row, convert, patches),
    }
}

/// The pixels among `pixels` whose windows lie inside the image's width, with all that lies under one being read.
#[inline(always)]
fn windows_inside(shape: &Conv2dShape, pixels: &Range<usize>) -> Range<usize> {
    let window = &shape.window;
    let room = (shape.in_width + window.pad_left).checked_sub(window.filter_width);
    let (Some(room), 1, 1) = (room, window.dilation_width, shape.groups) else {
        return pixels.end..pixels.end;
    };
    let first = window.pad_left.div_ceil(window.stride_width).clamp(pixels.start, pixels.end);
    let end = (room / window.stride_width + 1).clamp(first, pixels.end);
    first..end
}

/// Gathers one row of taps of one pixel, tap by tap.
#[inline(always)]
fn gather_taps<E: Copy, T: Copy>(
    from: &Source<'_, E, T>,
    row: &[E],
    pixel: usize,
    convert: impl Fn(E) -> T + Copy,
    patch: &mut [T],
) {
    let Source { shape, group, padding, .. } = *from;
    let depth = shape.group_in_channels();
    for tap_x in 0..shape.window.filter_width {
        let patch = &mut patch[tap_x * depth..][..depth];
        match shape.window.in_x(pixel, tap_x, shape.in_width) {
            Some(x) => copy(&row[x * shape.in_channels + group * depth..][..depth], convert, patch),
            None => patch.fill(padding),
        }
    }
}

/// Stretches of one row of the image that are copied to patches.
struct Windows {
    len: usize,
    count: usize,
    from_step: usize,
    step: usize,
}

impl Windows {
    #[inline(always)]
    fn copy<E: Copy, T: Copy, const N: usize>(
        &self,
        from: &[E],
        convert: impl Fn(E) -> T + Copy,
        patches: &mut [T],
    ) {
        for index in 0..self.count {
            let from = &from[index * self.from_step..][..self.len];
            copy_chunks::<E, T, N>(from, convert, &mut patches[index * self.step..][..self.len]);
        }
    }
}

/// Converts all of `from`.
#[inline(always)]
pub(super) fn copy<E: Copy, T: Copy>(from: &[E], convert: impl Fn(E) -> T + Copy, to: &mut [T]) {
    match from.len() {
        64.. => copy_chunks::<E, T, 64>(from, convert, to),
        16.. => copy_chunks::<E, T, 16>(from, convert, to),
        4.. => copy_chunks::<E, T, 4>(from, convert, to),
        _ => copy_chunks::<E, T, 1>(from, convert, to),
    }
}

/// Converts all of `from`, at least `N` elements, `N` at a time; the last ones once more with those before them.
#[inline(always)]
fn copy_chunks<E: Copy, T: Copy, const N: usize>(from: &[E], convert: impl Fn(E) -> T + Copy, to: &mut [T]) {
    let count = from.len();
    let mut done = 0;
    while done + N <= count {
        convert_chunk::<E, T, N>(&from[done..], convert, &mut to[done..]);
        done += N;
    }
    if done < count && N <= count {
        convert_chunk::<E, T, N>(&from[count - N..], convert, &mut to[count - N..]);
    }
}

#[inline(always)]
fn convert_chunk<E: Copy, T: Copy, const N: usize>(from: &[E], convert: impl Fn(E) -> T, to: &mut [T]) {
    let (from, to) = (&from[..N], &mut to[..N]);
    for index in 0..N {
        to[index] = convert(from[index]);
    }
}
