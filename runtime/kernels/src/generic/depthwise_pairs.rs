//! DEPTHWISE_CONV_2D on int8 with each input channel its own: blocks of 16 channels, two taps at a time, for instruction
//! sets that sum neighbouring products. A tap outside the image reads a row of zero points, so that all pixels are alike
//! and the zero point can be taken out of the bias.

use alloc::boxed::Box;
use core::ops::Range;

use super::depthwise_conv_2d::{DepthwiseInt, DepthwiseMixed};
use super::panels::Lines;
use super::quantize_row::quantize_row;
use super::store::{HybridConstants, RequantizeStore, Store};
use crate::isa::{Body, Isa};
use crate::packed::{Packed, SCRATCH_ALIGN};
use crate::reference::conv_2d::for_each_image;
use crate::shape::Conv2dShape;
use crate::spec::{ConvHybrid, ConvI8, InputQuantization};

/// Channels of a block.
pub(crate) const BLOCK: usize = 16;

/// Taps of the largest window, rounded up to pairs: 5 x 5 fits, 7 x 7 goes the plain way.
const MAX_TAPS: usize = 26;

/// The innermost sum, in an instruction set's own words.
pub(crate) trait PairTaps: Isa {
    /// Sums over all taps of `B` blocks from `channel` on. `taps` is even in number; each holds these channels. `weights` are
    /// those of the blocks, in the order of [`pack_pairs`].
    fn sums<const B: usize>(self, taps: &[&[i8]], channel: usize, weights: &[i16]) -> [[i32; BLOCK]; B];
}

/// Packs for pairs of taps where window and channels allow, else for vectors of `L` channels.
pub(crate) fn pack_i8<I: PairTaps, const L: usize>(isa: I, spec: &ConvI8<'_>) -> Box<dyn Packed<i8, i8>> {
    if suits(&spec.shape) {
        Box::new(PairedInt::new(isa, spec))
    } else {
        Box::new(DepthwiseInt::<I, L>::new(isa, spec))
    }
}

/// Packs for pairs of taps where window and channels allow, else for vectors of `L` channels.
pub(crate) fn pack_hybrid<I: PairTaps, const L: usize>(
    isa: I,
    spec: &ConvHybrid<'_>,
) -> Box<dyn Packed<f32, f32>> {
    if suits(&spec.shape) {
        Box::new(PairedMixed::new(isa, spec))
    } else {
        Box::new(DepthwiseMixed::<I, L>::new(isa, spec))
    }
}

fn suits(shape: &Conv2dShape) -> bool {
    shape.in_channels == shape.out_channels
        && shape.groups == shape.in_channels
        && shape.window.taps() <= MAX_TAPS
        && shape.out_channels >= BLOCK
}

fn pairs(shape: &Conv2dShape) -> usize {
    shape.window.taps().div_ceil(2)
}

/// `[channels / 16][pairs of taps][two halves][8 channels][2 taps]`. The first half holds channels 0 to 3 and 8 to 11 of
/// the block, the second the others: the order in which 256-bit unpacks interleave two taps.
fn pack_pairs(shape: &Conv2dShape, filter: &[i8]) -> Lines<i16> {
    let (channels, taps) = (shape.out_channels, shape.window.taps());
    let blocks = channels / BLOCK;
    let mut packed = Lines::zeroed(blocks * pairs(shape) * 2 * BLOCK);
    for (index, weight) in packed.as_mut_slice().iter_mut().enumerate() {
        let (tap_of_pair, lane, half) = (index % 2, index / 2 % 8, index / BLOCK % 2);
        let (pair, block) = (index / (2 * BLOCK) % pairs(shape), index / (2 * BLOCK) / pairs(shape));
        let channel = block * BLOCK + lane / 4 * 8 + half * 4 + lane % 4;
        let tap = 2 * pair + tap_of_pair;
        *weight = if tap < taps { i16::from(filter[tap * channels + channel]) } else { 0 };
    }
    packed
}

/// The sum of a channel's weights.
pub(super) fn weight_sum(shape: &Conv2dShape, filter: &[i8], channel: usize) -> i32 {
    filter.iter().skip(channel).step_by(shape.out_channels).map(|&weight| i32::from(weight)).sum()
}

/// Weights of both kinds: pairs for whole blocks, and the filter as it is for the channels that are left.
struct Weights {
    pairs: Lines<i16>,
    filter: Box<[i8]>,
}

impl Weights {
    fn new(shape: &Conv2dShape, filter: &[i8]) -> Self {
        assert_eq!(filter.len(), shape.depthwise_filter_len());
        let rest = if shape.out_channels.is_multiple_of(BLOCK) { &[][..] } else { filter };
        Self { pairs: pack_pairs(shape, filter), filter: rest.into() }
    }

    fn bytes(&self) -> usize {
        self.pairs.bytes() + self.filter.len()
    }
}

/// Some output rows, as code for an instruction set.
struct Rows<'a, I, S: Store<i32>> {
    isa: I,
    shape: &'a Conv2dShape,
    weights: &'a Weights,
    store: &'a S,
    input: &'a [i8],
    /// One pixel of zero points.
    zeros: &'a [i8],
    rows: Range<usize>,
    output: &'a mut [S::Output],
}

impl<I: PairTaps, S: Store<i32>> Body for Rows<'_, I, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { isa, shape, weights, store, input, zeros, rows, output } = self;
        let mut outputs = output.chunks_exact_mut(shape.out_channels);
        let mut taps = [zeros; MAX_TAPS];
        let taps = &mut taps[..2 * pairs(shape)];
        for row in rows {
            let (image, out_y) = (row / shape.out_height, row % shape.out_height);
            for out_x in 0..shape.out_width {
                find_taps(shape, (image, out_y, out_x), input, zeros, taps);
                if let Some(output) = outputs.next() {
                    compute(isa, shape, weights, store, taps, output);
                }
            }
        }
    }
}

/// Points each tap of one output pixel to the input's pixel below it, or to the zero points.
#[inline(always)]
fn find_taps<'a>(
    shape: &Conv2dShape,
    (image, out_y, out_x): (usize, usize, usize),
    input: &'a [i8],
    zeros: &'a [i8],
    taps: &mut [&'a [i8]],
) {
    let window = &shape.window;
    // Indexed, for iterators over chunks divide, and this runs for every pixel.
    for tap_y in 0..window.filter_height {
        let taps = &mut taps[tap_y * window.filter_width..][..window.filter_width];
        let y = window.in_y(out_y, tap_y, shape.in_height);
        for (tap_x, tap) in taps.iter_mut().enumerate() {
            *tap = match y.zip(window.in_x(out_x, tap_x, shape.in_width)) {
                Some((y, x)) => {
                    let pixel = (image * shape.in_height + y) * shape.in_width + x;
                    &input[pixel * zeros.len()..][..zeros.len()]
                }
                None => zeros,
            };
        }
    }
}

/// All channels of one pixel: blocks, then what is left one by one.
#[inline(always)]
fn compute<I: PairTaps, S: Store<i32>>(
    isa: I,
    shape: &Conv2dShape,
    weights: &Weights,
    store: &S,
    taps: &[&[i8]],
    output: &mut [S::Output],
) {
    let blocks = output.len() / BLOCK;
    for block in (0..blocks).step_by(2) {
        let weights = &weights.pairs.as_slice()[block * taps.len() * BLOCK..];
        if block + 1 < blocks {
            keep(isa, store, block * BLOCK, &isa.sums::<2>(taps, block * BLOCK, weights), output);
        } else {
            keep(isa, store, block * BLOCK, &isa.sums::<1>(taps, block * BLOCK, weights), output);
        }
    }
    for channel in output.len() / BLOCK * BLOCK..output.len() {
        let products = taps[..shape.window.taps()].iter().enumerate().map(|(tap, pixel)| {
            i32::from(pixel[channel]) * i32::from(weights.filter[tap * shape.out_channels + channel])
        });
        output[channel..=channel].copy_from_slice(&store.outputs(isa, channel, &[products.sum()]));
    }
}

/// Stores blocks from channel `first` on.
#[inline(always)]
fn keep<I: Isa, S: Store<i32>, const B: usize>(
    isa: I,
    store: &S,
    first: usize,
    sums: &[[i32; BLOCK]; B],
    output: &mut [S::Output],
) {
    for (b, sums) in sums.iter().enumerate() {
        let channel = first + b * BLOCK;
        output[channel..channel + BLOCK].copy_from_slice(&store.outputs(isa, channel, sums));
    }
}

/// DEPTHWISE_CONV_2D on int8.
struct PairedInt<I> {
    isa: I,
    shape: Conv2dShape,
    weights: Weights,
    store: RequantizeStore,
    zero: i8,
}

impl<I: PairTaps> PairedInt<I> {
    fn new(isa: I, spec: &ConvI8<'_>) -> Self {
        let ConvI8 { shape, filter, bias, input_zero_point, output } = *spec;
        let store = RequantizeStore::new(shape.out_channels, bias, &output, |channel| {
            weight_sum(&shape, filter, channel).wrapping_mul(input_zero_point).wrapping_neg()
        });
        Self { isa, shape, weights: Weights::new(&shape, filter), store, zero: input_zero_point as i8 }
    }
}

impl<I: PairTaps> Packed<i8, i8> for PairedInt<I> {
    fn rows(&self) -> usize {
        self.shape.rows()
    }

    fn row_len(&self) -> usize {
        self.shape.row_len()
    }

    fn packed_bytes(&self) -> usize {
        self.weights.bytes() + self.store.bytes()
    }

    fn scratch_bytes(&self) -> usize {
        self.shape.in_channels
    }

    fn run(&self, input: &[i8], rows: Range<usize>, scratch: &mut [u8], output: &mut [i8]) {
        assert_eq!(input.len(), self.shape.input_len());
        assert_eq!(output.len(), rows.len() * self.shape.row_len());
        let zeros: &mut [i8] = bytemuck::cast_slice_mut(&mut scratch[..self.shape.in_channels]);
        zeros.fill(self.zero);
        self.isa.vectorize(Rows {
            isa: self.isa,
            shape: &self.shape,
            weights: &self.weights,
            store: &self.store,
            input,
            zeros,
            rows,
            output,
        });
    }
}

/// DEPTHWISE_CONV_2D on floats with int8 weights. Each call quantizes the images its rows touch.
struct PairedMixed<I> {
    isa: I,
    shape: Conv2dShape,
    weights: Weights,
    constants: HybridConstants,
    how: InputQuantization,
}

impl<I: PairTaps> PairedMixed<I> {
    fn new(isa: I, spec: &ConvHybrid<'_>) -> Self {
        let ConvHybrid { shape, filter, filter_scales, bias, input, activation } = *spec;
        let sum = |channel| weight_sum(&shape, filter, channel);
        let constants =
            HybridConstants::new(shape.out_channels, &filter_scales, bias, activation, false, sum);
        Self { isa, shape, weights: Weights::new(&shape, filter), constants, how: input }
    }

    /// Bytes of the row of zero points, so that what follows is aligned.
    fn zeros_bytes(&self) -> usize {
        self.shape.in_channels.next_multiple_of(SCRATCH_ALIGN)
    }
}

impl<I: PairTaps> Packed<f32, f32> for PairedMixed<I> {
    fn rows(&self) -> usize {
        self.shape.rows()
    }

    fn row_len(&self) -> usize {
        self.shape.row_len()
    }

    fn packed_bytes(&self) -> usize {
        self.weights.bytes() + self.constants.bytes()
    }

    fn scratch_bytes(&self) -> usize {
        self.zeros_bytes() + self.shape.image_len()
    }

    fn run(&self, input: &[f32], rows: Range<usize>, scratch: &mut [u8], output: &mut [f32]) {
        assert_eq!(input.len(), self.shape.input_len());
        assert_eq!(output.len(), rows.len() * self.shape.row_len());
        let one_image = Conv2dShape { batch: 1, ..self.shape };
        let (zeros, quantized) = scratch[..self.scratch_bytes()].split_at_mut(self.zeros_bytes());
        let zeros: &mut [i8] = bytemuck::cast_slice_mut(&mut zeros[..self.shape.in_channels]);
        let quantized: &mut [i8] = bytemuck::cast_slice_mut(quantized);
        for_each_image(&self.shape, rows, output, |image, rows, output| {
            let input = &input[image * self.shape.image_len()..][..self.shape.image_len()];
            let how = quantize_row(self.isa, input, self.how, quantized);
            zeros.fill(how.zero_point as i8);
            let first = image * self.shape.out_height;
            self.isa.vectorize(Rows {
                isa: self.isa,
                shape: &one_image,
                weights: &self.weights,
                store: &self.constants.store(how, 0),
                input: quantized,
                zeros,
                rows: rows.start - first..rows.end - first,
                output,
            });
        });
    }
}
