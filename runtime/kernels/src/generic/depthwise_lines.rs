//! DEPTHWISE_CONV_2D on int8 with each input channel its own. The input rows under one row of windows are kept as *lines*,
//! with zero points where the window leaves the image, so that all pixels are alike: each tap reads at the same distance from
//! its pixel, and the zero point can be taken out of the bias. Going down the image, a line is copied once.

use alloc::boxed::Box;

use super::depthwise_conv_2d::Tiled;
use super::depthwise_int8::{self, Arrangement, Call};
use super::panels::Lines;
use super::product::column;
use super::store::Store;
use crate::isa::{Body, Isa};
use crate::packed::Packed;
use crate::shape::Conv2dShape;
use crate::spec::{ConvHybrid, ConvI8};

/// Channels that are computed together, or pixels times channels where there are fewer.
pub(crate) const LANES: usize = 16;

/// Vectors along a row that share the weights they are multiplied with.
const TOGETHER: usize = 4;

/// Taps of the largest window, rounded up to pairs: 7 x 7 and more.
const MAX_TAPS: usize = 64;

/// The innermost sum, in an instruction set's own words.
pub(crate) trait LineTaps: Isa {
    /// Sums over all taps of `M` vectors of 16 elements, `step` elements apart. `taps`, even in number and not above `reach`,
    /// say where a tap's inputs begin, and `weights` are 16 a tap, none of them -128.
    fn sums<const M: usize>(
        self,
        lines: &[i8],
        step: usize,
        taps: &[usize],
        reach: usize,
        weights: &[i8],
    ) -> [[[i32; LANES]; 1]; M];
}

/// Packs for lines where window, channels and weights allow, else for vectors of 16 channels.
pub(crate) fn pack_i8<I: LineTaps>(isa: I, spec: &ConvI8<'_>) -> Box<dyn Packed<i8, i8>> {
    if suits(&spec.shape, spec.filter) {
        depthwise_int8::pack_i8::<I, Weights>(isa, spec)
    } else {
        depthwise_int8::pack_i8::<I, Tiled<16>>(isa, spec)
    }
}

/// Packs for lines where window, channels and weights allow, else for vectors of 16 channels.
pub(crate) fn pack_hybrid<I: LineTaps>(isa: I, spec: &ConvHybrid<'_>) -> Box<dyn Packed<f32, f32>> {
    if suits(&spec.shape, spec.filter) {
        depthwise_int8::pack_hybrid::<I, Weights>(isa, spec)
    } else {
        depthwise_int8::pack_hybrid::<I, Tiled<16>>(isa, spec)
    }
}

fn suits(shape: &Conv2dShape, filter: &[i8]) -> bool {
    shape.in_channels == shape.out_channels
        && shape.groups == shape.in_channels
        && shape.out_channels > 0
        && shape.window.taps() <= MAX_TAPS
        && !filter.contains(&i8::MIN)
}

/// Sizes that follow from a shape.
#[derive(Clone, Copy)]
struct Layout {
    /// Elements of a line.
    line: usize,
    /// Pixels of a row that lie in one vector.
    pixels: usize,
    /// Elements from one vector to the next.
    step: usize,
    /// Taps, rounded up to pairs.
    taps: usize,
}

impl Layout {
    fn of(shape: &Conv2dShape) -> Self {
        let (window, channels) = (&shape.window, shape.out_channels);
        let width = (shape.out_width - 1) * window.stride_width
            + (window.filter_width - 1) * window.dilation_width
            + 1;
        let follow = window.stride_width == 1 && LANES.is_multiple_of(channels);
        let pixels = if follow { LANES / channels } else { 1 };
        Self {
            line: width * channels,
            pixels,
            step: pixels * window.stride_width * channels,
            taps: window.taps().next_multiple_of(2),
        }
    }

    /// Room for all lines, and for what is read and dropped behind the last pixel.
    fn bytes(&self, shape: &Conv2dShape) -> usize {
        shape.window.filter_height * self.line + LANES
    }
}

/// Where block `block` of a pixel's channels begins: every 16 channels, and the last 16 again where some are left.
#[inline(always)]
fn first_of(block: usize, channels: usize) -> usize {
    channels.saturating_sub(LANES).min(block * LANES)
}

/// `[blocks][taps][16]`: the weights of neighbouring channels, over and over where there are fewer than 16.
fn pack_weights(shape: &Conv2dShape, filter: &[i8]) -> Lines<i8> {
    let (channels, layout) = (shape.out_channels, Layout::of(shape));
    let mut packed = Lines::zeroed(channels.div_ceil(LANES) * layout.taps * LANES);
    for (block, weights) in packed.as_mut_slice().chunks_exact_mut(layout.taps * LANES).enumerate() {
        let first = first_of(block, channels);
        for (weights, of_tap) in weights.chunks_exact_mut(LANES).zip(filter.chunks_exact(channels)) {
            for (lane, weight) in weights.iter_mut().enumerate() {
                *weight = of_tap[(first + lane) % channels];
            }
        }
    }
    packed
}

/// As [`pack_weights`] lays them out.
struct Weights(Lines<i8>);

impl<I: LineTaps> Arrangement<I> for Weights {
    fn new(shape: &Conv2dShape, filter: &[i8]) -> Self {
        Self(pack_weights(shape, filter))
    }

    fn bytes(&self) -> usize {
        self.0.bytes()
    }

    fn scratch_bytes(shape: &Conv2dShape) -> usize {
        Layout::of(shape).bytes(shape)
    }

    fn run<S: Store<i32>>(&self, isa: I, call: Call<'_, S>) {
        isa.vectorize(Rows { isa, weights: self.0.as_slice(), call });
    }
}

/// Some output rows, as code for an instruction set.
struct Rows<'a, I, S: Store<i32>> {
    isa: I,
    weights: &'a [i8],
    /// Its scratch are the lines: [`Layout::bytes`].
    call: Call<'a, S>,
}

impl<I: LineTaps, S: Store<i32>> Body for Rows<'_, I, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { isa, weights, call } = self;
        let Call { shape, store, input, zero, rows, scratch, output } = call;
        let lines: &mut [i8] = bytemuck::cast_slice_mut(scratch);
        let layout = Layout::of(shape);
        let mut kept = Kept { shape, layout, input, zero, next: None };
        let mut taps = [0; MAX_TAPS];
        let taps = &mut taps[..layout.taps];
        for (index, row) in rows.enumerate() {
            kept.fill(row, lines);
            let reach = kept.place_taps(row, taps);
            let output = &mut output[index * shape.row_len()..][..shape.row_len()];
            let pixels = Pixels { isa, shape, layout, weights, store, lines, taps, reach };
            pixels.row(output);
        }
    }
}

/// Which input rows the lines hold.
struct Kept<'a> {
    shape: &'a Conv2dShape,
    layout: Layout,
    input: &'a [i8],
    zero: i8,
    /// Image, and the first row of it that is not there yet, counted from the padding's first.
    next: Option<(usize, usize)>,
}

impl Kept<'_> {
    /// The line of a tap: rows go round, so that the next row of windows finds those that it shares with this one. Dilated
    /// windows skip rows, and share none.
    #[inline(always)]
    fn slot(&self, row: usize, tap_y: usize) -> usize {
        let window = &self.shape.window;
        match window.dilation_height {
            1 => (row % self.shape.out_height * window.stride_height + tap_y) % window.filter_height,
            _ => tap_y,
        }
    }

    /// Makes the lines those of output row `row`.
    #[inline(always)]
    fn fill(&mut self, row: usize, lines: &mut [i8]) {
        let shape = self.shape;
        let window = &shape.window;
        let (image, out_y) = (row / shape.out_height, row % shape.out_height);
        let first = out_y * window.stride_height;
        let present = match self.next {
            Some((of, next)) if of == image && window.dilation_height == 1 => next.saturating_sub(first),
            _ => 0,
        };
        for tap_y in present..window.filter_height {
            let line = &mut lines[self.slot(row, tap_y) * self.layout.line..][..self.layout.line];
            match window.in_y(out_y, tap_y, shape.in_height) {
                Some(y) => self.copy(image * shape.in_height + y, line),
                None => line.fill(self.zero),
            }
        }
        self.next = Some((image, first + window.filter_height));
    }

    /// Copies one input row, with its padding.
    #[inline(always)]
    fn copy(&self, row: usize, line: &mut [i8]) {
        let channels = self.shape.in_channels;
        let row_len = self.shape.in_width * channels;
        let (padding, line) = line.split_at_mut((self.shape.window.pad_left * channels).min(line.len()));
        padding.fill(self.zero);
        let (inside, behind) = line.split_at_mut(row_len.min(line.len()));
        inside.copy_from_slice(&self.input[row * row_len..][..inside.len()]);
        behind.fill(self.zero);
    }

    /// Where each tap begins, and the furthest.
    #[inline(always)]
    fn place_taps(&self, row: usize, taps: &mut [usize]) -> usize {
        let window = &self.shape.window;
        let mut reach = 0;
        for tap_y in 0..window.filter_height {
            let first = self.slot(row, tap_y) * self.layout.line;
            for tap_x in 0..window.filter_width {
                let place = first + tap_x * window.dilation_width * self.shape.in_channels;
                taps[tap_y * window.filter_width + tap_x] = place;
                reach = reach.max(place);
            }
        }
        reach
    }
}

/// What the pixels of one output row share.
struct Pixels<'a, I, S: Store<i32>> {
    isa: I,
    shape: &'a Conv2dShape,
    layout: Layout,
    weights: &'a [i8],
    store: &'a S,
    lines: &'a [i8],
    taps: &'a [usize],
    reach: usize,
}

impl<I: LineTaps, S: Store<i32>> Pixels<'_, I, S> {
    #[inline(always)]
    fn row(&self, output: &mut [S::Output]) {
        let vectors = self.shape.out_width.div_ceil(self.layout.pixels);
        let mut vector = 0;
        while vector + TOGETHER <= vectors {
            self.vectors::<TOGETHER>(vector, output);
            vector += TOGETHER;
        }
        while vector < vectors {
            self.vectors::<1>(vector, output);
            vector += 1;
        }
    }

    /// All channels of `M` vectors from `vector` on.
    #[inline(always)]
    fn vectors<const M: usize>(&self, vector: usize, output: &mut [S::Output]) {
        let Layout { pixels, step, taps, .. } = self.layout;
        let channels = self.shape.out_channels;
        let lines = &self.lines[vector * step..];
        for block in 0..channels.div_ceil(LANES) {
            let first = first_of(block, channels);
            let weights = &self.weights[block * taps * LANES..][..taps * LANES];
            let sums = self.isa.sums::<M>(&lines[first..], step, self.taps, self.reach, weights);
            let outputs = self.store.outputs_of_rows(self.isa, first, &column(&sums, 0));
            for m in 0..M {
                let place = (vector + m) * pixels * channels + first;
                let count = LANES.min(pixels * channels).min(output.len() - place);
                let output = &mut output[place..];
                if count == LANES {
                    output[..LANES].copy_from_slice(&outputs[m]);
                } else {
                    output[..count].copy_from_slice(&outputs[m][..count]);
                }
            }
        }
    }
}
