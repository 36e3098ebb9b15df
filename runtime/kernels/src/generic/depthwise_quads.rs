//! DEPTHWISE_CONV_2D on int8 with each input channel its own, for instruction sets that sum four neighbouring products of
//! bytes. For each output row and each block of 64 channels, every input column is interleaved once: four rows of taps
//! become neighbouring bytes. All output pixels that see the column then read it as it is. Inputs are made unsigned by
//! adding 128; what lies outside the image reads as the zero point, so both can be taken out of the bias.

use alloc::boxed::Box;

use super::depthwise_int8::{self, Arrangement, Call};
use super::depthwise_pairs::{self, PairTaps};
use super::panels::Lines;
use super::product::keep_tile;
use super::store::Store;
use crate::isa::{Body, Isa};
use crate::packed::Packed;
use crate::rows;
use crate::shape::Conv2dShape;
use crate::spec::{ConvHybrid, ConvI8};

/// Channels of a block.
pub(crate) const BLOCK: usize = 64;
/// Channels of a part of a block: the lanes of one register of sums.
pub(crate) const PART: usize = 16;
/// Bytes of one column of four rows of taps.
pub(crate) const QUAD: usize = 4 * BLOCK;
/// Pixels that are computed together.
const PIXELS: usize = 4;
/// Rows of the largest window.
const MAX_ROWS: usize = 8;

/// The two inner steps, in an instruction set's own words.
pub(crate) trait QuadTaps: Isa {
    /// `[4 parts][16 channels][4 rows]` of unsigned bytes from four rows of 64 signed ones; only the first `P` parts count.
    fn interleave<const P: usize>(self, rows: [&[i8; BLOCK]; 4], quad: &mut [u8; QUAD]);

    /// Sums of `M` pixels over `P` parts of a block. Pixel `m` reads, for each of `taps`, `quads` columns of [`QUAD`]
    /// bytes that lie together from `m * pixel_step + tap` on; `weights` are those of the block, in the same order.
    fn sums<const M: usize, const P: usize>(
        self,
        columns: &[u8],
        pixel_step: usize,
        taps: Taps,
        weights: &[i8],
    ) -> [[[i32; PART]; P]; M];
}

/// Where the columns of a window lie.
#[derive(Clone, Copy)]
pub(crate) struct Taps {
    /// Columns of the window.
    pub(crate) count: usize,
    /// Bytes from one to the next.
    pub(crate) step: usize,
    /// Quads of rows of a column.
    pub(crate) quads: usize,
}

/// Packs for quads of taps where window and channels allow, else for pairs.
pub(crate) fn pack_i8<I: QuadTaps + PairTaps, const L: usize>(
    isa: I,
    spec: &ConvI8<'_>,
) -> Box<dyn Packed<i8, i8>> {
    if suits(&spec.shape) {
        depthwise_int8::pack_i8::<I, Weights>(isa, spec)
    } else {
        depthwise_pairs::pack_i8::<I, L>(isa, spec)
    }
}

/// Packs for quads of taps where window and channels allow, else for pairs.
pub(crate) fn pack_hybrid<I: QuadTaps + PairTaps, const L: usize>(
    isa: I,
    spec: &ConvHybrid<'_>,
) -> Box<dyn Packed<f32, f32>> {
    if suits(&spec.shape) {
        depthwise_int8::pack_hybrid::<I, Weights>(isa, spec)
    } else {
        depthwise_pairs::pack_hybrid::<I, L>(isa, spec)
    }
}

fn suits(shape: &Conv2dShape) -> bool {
    shape.in_channels == shape.out_channels
        && shape.groups == shape.in_channels
        && shape.window.filter_height <= MAX_ROWS
        && shape.out_channels >= 8
}

/// Sizes that follow from a shape.
#[derive(Clone, Copy)]
struct Layout {
    taps: Taps,
    /// Bytes from an output pixel's first column to the next one's.
    pixel_step: usize,
    /// Input columns, with padding, that one output row sees.
    columns: usize,
}

impl Layout {
    fn of(shape: &Conv2dShape) -> Self {
        let window = &shape.window;
        let quads = window.filter_height.div_ceil(4);
        let reach = (window.filter_width - 1) * window.dilation_width + 1;
        Self {
            taps: Taps { count: window.filter_width, step: window.dilation_width * quads * QUAD, quads },
            pixel_step: window.stride_width * quads * QUAD,
            columns: (shape.out_width - 1) * window.stride_width + reach,
        }
    }

    fn bytes(&self) -> usize {
        self.columns * self.taps.quads * QUAD
    }

    /// Weights of one block.
    fn weights(&self) -> usize {
        self.taps.count * self.taps.quads * QUAD
    }
}

/// `[blocks][columns of the window][quads of rows][64 channels][4 rows]`, filled up with zeros.
fn pack_weights(shape: &Conv2dShape, filter: &[i8]) -> Lines<i8> {
    let (window, layout, channels) = (&shape.window, Layout::of(shape), shape.out_channels);
    let mut packed = Lines::zeroed(channels.div_ceil(BLOCK) * layout.weights());
    for (block, weights) in packed.as_mut_slice().chunks_exact_mut(layout.weights()).enumerate() {
        let first = block * BLOCK;
        for (tap_y, tap_x) in
            (0..window.filter_height).flat_map(|y| (0..window.filter_width).map(move |x| (y, x)))
        {
            let tap = &filter[(tap_y * window.filter_width + tap_x) * channels..][..channels];
            let quad = &mut weights[(tap_x * layout.taps.quads + tap_y / 4) * QUAD..][..QUAD];
            for (place, &weight) in quad[tap_y % 4..].iter_mut().step_by(4).zip(&tap[first..]) {
                *place = weight;
            }
        }
    }
    packed
}

/// As [`pack_weights`] lays them out.
struct Weights(Lines<i8>);

impl<I: QuadTaps> Arrangement<I> for Weights {
    const OFFSET: i32 = 128;

    fn new(shape: &Conv2dShape, filter: &[i8]) -> Self {
        Self(pack_weights(shape, filter))
    }

    fn bytes(&self) -> usize {
        self.0.bytes()
    }

    fn scratch_bytes(shape: &Conv2dShape) -> usize {
        Layout::of(shape).bytes()
    }

    fn run<S: Store<i32>>(&self, isa: I, call: Call<'_, S>) {
        isa.vectorize(Rows { isa, weights: self.0.as_slice(), call });
    }
}

/// Some output rows, as code for an instruction set.
struct Rows<'a, I, S: Store<i32>> {
    isa: I,
    weights: &'a [i8],
    /// Its scratch are the columns: [`Layout::bytes`].
    call: Call<'a, S>,
}

impl<I: QuadTaps, S: Store<i32>> Body for Rows<'_, I, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { isa, weights, call } = self;
        let Call { shape, store, input, zero, rows, scratch: columns, output } = call;
        let layout = Layout::of(shape);
        let first_row = rows.start;
        for row in rows {
            let output = &mut output[(row - first_row) * shape.row_len()..][..shape.row_len()];
            for (block, weights) in weights.chunks_exact(layout.weights()).enumerate() {
                let channel = block * BLOCK;
                let lines = Input { shape, input, zero, row, channel };
                let block = Block { isa, layout, weights, store, lines };
                match (shape.out_channels - channel).div_ceil(PART) {
                    1 => block.run::<1>(columns, output),
                    2 => block.run::<2>(columns, output),
                    3 => block.run::<3>(columns, output),
                    _ => block.run::<4>(columns, output),
                }
            }
        }
    }
}

/// One output row of one block of channels.
struct Block<'a, I, S: Store<i32>> {
    isa: I,
    layout: Layout,
    weights: &'a [i8],
    store: &'a S,
    lines: Input<'a>,
}

impl<I: QuadTaps, S: Store<i32>> Block<'_, I, S> {
    /// All pixels of the block's `P` parts.
    #[inline(always)]
    fn run<const P: usize>(self, columns: &mut [u8], output: &mut [S::Output]) {
        let Self { isa, layout, weights, store, lines } = self;
        interleave_row::<I, P>(isa, &lines, &layout, columns);
        let (shape, channel) = (lines.shape, lines.channel);
        Pixels { isa, shape, layout, weights, store, channel, columns }.row::<P>(output);
    }
}

/// What one output row reads of one block of channels.
struct Input<'a> {
    shape: &'a Conv2dShape,
    input: &'a [i8],
    zero: i8,
    row: usize,
    channel: usize,
}

/// Interleaves all columns that an output row sees.
#[inline(always)]
fn interleave_row<I: QuadTaps, const P: usize>(
    isa: I,
    lines: &Input<'_>,
    layout: &Layout,
    columns: &mut [u8],
) {
    let shape = lines.shape;
    let quads = layout.taps.quads;
    let (columns, _) = columns.as_chunks_mut::<QUAD>();
    let columns = &mut columns[..layout.columns * quads];
    let left = shape.window.pad_left.min(layout.columns);
    let right = (left + shape.in_width).min(layout.columns);
    let outside = (lines.zero as u8) ^ 0x80;
    columns[..left * quads].iter_mut().for_each(|quad| quad.fill(outside));
    columns[right * quads..].iter_mut().for_each(|quad| quad.fill(outside));
    let zeros = [lines.zero; BLOCK];
    for quad in 0..quads {
        let rows = lines.rows(quad * 4, &zeros);
        let columns = &mut columns[left * quads + quad..right * quads];
        // A row that no window has, has weights of zero: any will do, and one that is read anyway costs nothing.
        let [a, b, c, d] = [&rows[0], &rows[1], &rows[2], &rows[3]];
        match shape.window.filter_height - quad * 4 {
            1 => interleave_columns::<I, P>(isa, [a; 4], columns, quads, lines.zero),
            2 => interleave_columns::<I, P>(isa, [a, b, a, b], columns, quads, lines.zero),
            3 => interleave_columns::<I, P>(isa, [a, b, c, a], columns, quads, lines.zero),
            _ => interleave_columns::<I, P>(isa, [a, b, c, d], columns, quads, lines.zero),
        }
    }
}

/// One row of the image from a block's first channel on, or one outside it.
struct Line<'a> {
    values: &'a [i8],
    /// Elements from one column to the next.
    step: usize,
}

impl<'a> Input<'a> {
    /// The rows under four taps from `first_tap` on.
    #[inline(always)]
    fn rows(&self, first_tap: usize, zeros: &'a [i8; BLOCK]) -> [Line<'a>; 4] {
        let shape = self.shape;
        let (image, out_y) = (self.row / shape.out_height, self.row % shape.out_height);
        let row = |tap: usize| match shape.window.in_y(out_y, first_tap + tap, shape.in_height) {
            Some(y) => {
                let start = (image * shape.in_height + y) * shape.in_width * shape.in_channels;
                Line { values: &self.input[start + self.channel..], step: shape.in_channels }
            }
            None => Line { values: zeros, step: 0 },
        };
        [row(0), row(1), row(2), row(3)]
    }
}

/// Interleaves columns of four rows into every `stride`th quad.
#[inline(always)]
fn interleave_columns<I: QuadTaps, const P: usize>(
    isa: I,
    rows: [&Line<'_>; 4],
    quads: &mut [[u8; QUAD]],
    stride: usize,
    zero: i8,
) {
    // Columns of which all rows have a whole block: only at the very end of the input one may have less.
    let whole = |row: &Line<'_>| match (row.values.len().checked_sub(BLOCK), row.step) {
        (None, _) => 0,
        (Some(_), 0) => usize::MAX,
        (Some(room), step) => room / step + 1,
    };
    let [a, b, c, d] = rows;
    let whole = whole(a).min(whole(b)).min(whole(c)).min(whole(d));
    for (column, quad) in quads.iter_mut().step_by(stride).enumerate() {
        if column < whole {
            let blocks = [a.block(column), b.block(column), c.block(column), d.block(column)];
            isa.interleave::<P>(blocks, quad);
        } else {
            let blocks = [a, b, c, d].map(|row| row.filled(column, zero));
            isa.interleave::<P>([&blocks[0], &blocks[1], &blocks[2], &blocks[3]], quad);
        }
    }
}

impl Line<'_> {
    #[inline(always)]
    fn block(&self, column: usize) -> &[i8; BLOCK] {
        let (blocks, _) = self.values[column * self.step..][..BLOCK].as_chunks();
        &blocks[0]
    }

    /// A copy of a block where the input ends before it does.
    fn filled(&self, column: usize, zero: i8) -> [i8; BLOCK] {
        let values = &self.values[column * self.step..];
        let mut block = [zero; BLOCK];
        let count = values.len().min(BLOCK);
        block[..count].copy_from_slice(&values[..count]);
        block
    }
}

/// What the pixels of one output row share.
struct Pixels<'a, I, S: Store<i32>> {
    isa: I,
    shape: &'a Conv2dShape,
    layout: Layout,
    weights: &'a [i8],
    store: &'a S,
    channel: usize,
    columns: &'a [u8],
}

impl<I: QuadTaps, S: Store<i32>> Pixels<'_, I, S> {
    /// `P` parts of all pixels of a row.
    #[inline(always)]
    fn row<const P: usize>(&self, output: &mut [S::Output]) {
        let mut x = 0;
        while x + PIXELS <= self.shape.out_width {
            self.pixels::<PIXELS, P>(x, output);
            x += PIXELS;
        }
        while x < self.shape.out_width {
            self.pixels::<1, P>(x, output);
            x += 1;
        }
    }

    #[inline(always)]
    fn pixels<const M: usize, const P: usize>(&self, x: usize, output: &mut [S::Output]) {
        let Layout { taps, pixel_step, .. } = self.layout;
        let columns = &self.columns[x * pixel_step..];
        let sums = self.isa.sums::<M, P>(columns, pixel_step, taps, self.weights);
        let channels = self.shape.out_channels;
        let output = &mut output[x * channels + self.channel..];
        let rows = rows::Rows { output, row_len: channels, count: M, lanes: channels - self.channel };
        keep_tile(self.isa, self.store, self.channel, &sums, rows);
    }
}
