//! DEPTHWISE_CONV_2D on floats with each input channel its own: four pixels of a row share each weight that is read. Pixels
//! at the sides go the way of [`depthwise_conv_2d`](super::depthwise_conv_2d).

use alloc::boxed::Box;
use core::ops::Range;

use super::depthwise_conv_2d::{
    Axis, Columns, DepthwiseFloat, FloatTap, Inside, Pixels, inside, steps, taps,
};
use super::product::keep_tile;
use super::store::FloatStore;
use crate::isa::{Body, Isa};
use crate::packed::Packed;
use crate::rows::Rows;
use crate::spec::ConvF32;

/// Sums over the taps of several pixels at once, in an instruction set's own words.
pub(crate) trait FloatTaps: Isa {
    /// Sums of `M` pixels, `step` elements apart, over `P` registers of 16 channels. A tap is where it reads in `input` and
    /// in `weights`.
    fn sums<const M: usize, const P: usize>(
        self,
        input: &[f32],
        step: usize,
        taps: &[(usize, usize)],
        weights: &[f32],
    ) -> [[[f32; 16]; P]; M];
}

/// Taps of the largest window whose pixels are computed together.
const MAX_FLOAT_TAPS: usize = 64;

/// Some output rows on floats: pixels away from the sides four at a time, others one by one.
struct FloatRows<'a, I: Isa, const L: usize> {
    pixels: Pixels<'a, I, FloatTap<I>, FloatStore>,
    rows: Range<usize>,
    output: &'a mut [f32],
}

impl<I: FloatTaps, const L: usize> Body for FloatRows<'_, I, L> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { pixels, rows, output } = self;
        let shape = pixels.shape;
        let whole = Columns::of::<L>(shape).whole;
        let first_row = rows.start;
        for row in rows {
            let (image, out_y) = (row / shape.out_height, row % shape.out_height);
            let taps_y = taps(&shape.window, out_y, Axis::Y, shape.in_height);
            let output = &mut output[(row - first_row) * shape.row_len()..][..shape.row_len()];
            for out_x in (0..whole.start).chain(whole.end..shape.out_width) {
                let taps_x = taps(&shape.window, out_x, Axis::X, shape.in_width);
                let inside = inside(shape, image, (out_y, taps_y.clone()), (out_x, taps_x));
                pixels.columns(&inside, out_x..out_x + 1, output);
            }
            let columns = (whole.start, 0..shape.window.filter_width);
            let inside = inside(shape, image, (out_y, taps_y), columns);
            pixels.columns(&inside, whole.clone(), output);
        }
    }
}

impl<I: FloatTaps> Pixels<'_, I, FloatTap<I>, FloatStore> {
    /// The pixels `columns` of a row, of which the same columns of taps lie inside the image.
    #[inline(always)]
    fn columns(&self, inside: &Inside, columns: Range<usize>, output: &mut [f32]) {
        let shape = self.shape;
        let mut taps = [(0, 0); MAX_FLOAT_TAPS];
        let mut count = 0;
        for (row, tap_y) in inside.taps_y.clone().enumerate() {
            for (column, tap_x) in inside.taps_x.clone().enumerate() {
                let input = row * self.steps.input_y + column * self.steps.input_x;
                taps[count] = (input, tap_y * self.steps.weights_y + tap_x * self.steps.weights_x);
                count += 1;
            }
        }
        // A row of which no tap lies inside the image reads nothing: its first pixel may lie beyond the input.
        let (first, step) =
            if count == 0 { (0, 0) } else { (inside.first, shape.window.stride_width * shape.in_channels) };
        let mut x = columns.start;
        while x < columns.end {
            let input = &self.input[first + (x - columns.start) * step..];
            let output = &mut output[x * shape.out_channels..];
            if x + 4 <= columns.end {
                self.channels::<4>(input, step, &taps[..count], output);
                x += 4;
            } else {
                self.channels::<1>(input, step, &taps[..count], output);
                x += 1;
            }
        }
    }

    /// All channels of `M` pixels.
    #[inline(always)]
    fn channels<const M: usize>(
        &self,
        input: &[f32],
        step: usize,
        taps: &[(usize, usize)],
        output: &mut [f32],
    ) {
        let channels = self.shape.out_channels;
        let mut channel = 0;
        // A single pixel has few sums: more registers at once hide the latency of the products.
        while M == 1 && channel + 64 <= channels {
            self.registers::<M, 4>(input, step, taps, channel, output);
            channel += 64;
        }
        while channel + 32 <= channels {
            self.registers::<M, 2>(input, step, taps, channel, output);
            channel += 32;
        }
        while channel + 16 <= channels {
            self.registers::<M, 1>(input, step, taps, channel, output);
            channel += 16;
        }
        if channel < channels {
            // Some of the channels before once more, with the same results.
            self.registers::<M, 1>(input, step, taps, channels - 16, output);
        }
    }

    #[inline(always)]
    fn registers<const M: usize, const P: usize>(
        &self,
        input: &[f32],
        step: usize,
        taps: &[(usize, usize)],
        channel: usize,
        output: &mut [f32],
    ) {
        let sums = self.isa.sums::<M, P>(&input[channel..], step, taps, &self.weights[channel..]);
        let (output, row_len) = (&mut output[channel..], self.shape.out_channels);
        let rows = Rows { output, row_len, count: M, lanes: 16 * P };
        keep_tile(self.isa, self.store, channel, &sums, rows);
    }
}

/// DEPTHWISE_CONV_2D on floats with each input channel its own, vectors of 16 channels.
pub(crate) struct DepthwiseTaps<I>(DepthwiseFloat<I, 16>);

impl<I: FloatTaps> DepthwiseTaps<I> {
    /// Packs for several pixels at once where window and channels allow, else for vectors of 32.
    pub(crate) fn pack(isa: I, spec: &ConvF32<'_>) -> Box<dyn Packed<f32, f32>> {
        let shape = &spec.shape;
        if shape.in_channels == shape.out_channels
            && shape.out_channels >= 16
            && shape.window.taps() <= MAX_FLOAT_TAPS
        {
            Box::new(Self(DepthwiseFloat::new(isa, spec)))
        } else {
            Box::new(DepthwiseFloat::<I, 32>::new(isa, spec))
        }
    }
}

impl<I: FloatTaps> Packed<f32, f32> for DepthwiseTaps<I> {
    fn rows(&self) -> usize {
        self.0.shape.rows()
    }

    fn row_len(&self) -> usize {
        self.0.shape.row_len()
    }

    fn packed_bytes(&self) -> usize {
        self.0.packed_bytes()
    }

    fn scratch_bytes(&self) -> usize {
        0
    }

    fn run(&self, input: &[f32], rows: Range<usize>, _scratch: &mut [u8], output: &mut [f32]) {
        let DepthwiseFloat { isa, shape, weights, store } = &self.0;
        assert_eq!(input.len(), shape.input_len());
        assert_eq!(output.len(), rows.len() * shape.row_len());
        let weights = weights.as_slice();
        let steps = steps::<16>(shape);
        let pixels = Pixels { isa: *isa, shape, weights, store, input, zero: 0.0, steps };
        isa.vectorize(FloatRows::<I, 16> { pixels, rows, output });
    }
}
