//! DEPTHWISE_CONV_2D on int8 with each input channel its own: blocks of 16 channels, two taps at a time, for instruction
//! sets that sum neighbouring products. A tap outside the image reads a row of zero points, so that all pixels are alike
//! and the zero point can be taken out of the bias.

use alloc::boxed::Box;

use super::depthwise_conv_2d::Tiled;
use super::depthwise_int8::{self, Arrangement, Call};
use super::panels::Lines;
use super::store::Store;
use crate::isa::{Body, Isa};
use crate::packed::Packed;
use crate::shape::Conv2dShape;
use crate::spec::{ConvHybrid, ConvI8};

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
        depthwise_int8::pack_i8::<I, Weights>(isa, spec)
    } else {
        depthwise_int8::pack_i8::<I, Tiled<L>>(isa, spec)
    }
}

/// Packs for pairs of taps where window and channels allow, else for vectors of `L` channels.
pub(crate) fn pack_hybrid<I: PairTaps, const L: usize>(
    isa: I,
    spec: &ConvHybrid<'_>,
) -> Box<dyn Packed<f32, f32>> {
    if suits(&spec.shape) {
        depthwise_int8::pack_hybrid::<I, Weights>(isa, spec)
    } else {
        depthwise_int8::pack_hybrid::<I, Tiled<L>>(isa, spec)
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

/// Weights of both kinds: pairs for whole blocks, and the filter as it is for the channels that are left.
struct Weights {
    pairs: Lines<i16>,
    filter: Box<[i8]>,
}

impl<I: PairTaps> Arrangement<I> for Weights {
    fn new(shape: &Conv2dShape, filter: &[i8]) -> Self {
        let rest = if shape.out_channels.is_multiple_of(BLOCK) { &[][..] } else { filter };
        Self { pairs: pack_pairs(shape, filter), filter: rest.into() }
    }

    fn bytes(&self) -> usize {
        self.pairs.bytes() + self.filter.len()
    }

    /// One pixel of zero points.
    fn scratch_bytes(shape: &Conv2dShape) -> usize {
        shape.in_channels
    }

    fn run<S: Store<i32>>(&self, isa: I, call: Call<'_, S>) {
        call.scratch.fill(call.zero as u8);
        isa.vectorize(Rows { isa, weights: self, call });
    }
}

/// Some output rows, as code for an instruction set.
struct Rows<'a, I, S: Store<i32>> {
    isa: I,
    weights: &'a Weights,
    /// Its scratch is one pixel of zero points.
    call: Call<'a, S>,
}

impl<I: PairTaps, S: Store<i32>> Body for Rows<'_, I, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { isa, weights, call } = self;
        let Call { shape, store, input, rows, scratch, output, .. } = call;
        let zeros: &[i8] = bytemuck::cast_slice(scratch);
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
