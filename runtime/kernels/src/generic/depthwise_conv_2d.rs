//! DEPTHWISE_CONV_2D: channels side by side in vectors, taps one after another. Taps in the padding are left out, so the
//! input's zero point is taken off every input; nothing needs correcting afterwards.

use alloc::boxed::Box;
use core::marker::PhantomData;
use core::ops::Range;

use bytemuck::Pod;

use super::depthwise_int8::{self, Arrangement, Call};
use super::panels::Lines;
use super::store::{FloatStore, Store};
use super::wide::WideStore;
use crate::isa::{Body, Isa, Portable};
use crate::packed::Packed;
use crate::reference::integer::{ConvInteger, Sum};
use crate::shape::{Conv2dShape, Window2d};
use crate::spec::{ConvF32, ConvHybrid, ConvI8};

/// Packs for vectors of 8 channels.
pub fn pack_f32(spec: &ConvF32<'_>) -> Box<dyn Packed<f32, f32>> {
    Box::new(DepthwiseFloat::<Portable, 8>::new(Portable::new(), spec))
}

/// Packs for vectors of 8 channels.
pub fn pack_i8(spec: &ConvI8<'_>) -> Box<dyn Packed<i8, i8>> {
    depthwise_int8::pack_i8::<_, Tiled<8>>(Portable::new(), spec)
}

/// Packs for vectors of 8 channels.
pub fn pack_hybrid(spec: &ConvHybrid<'_>) -> Box<dyn Packed<f32, f32>> {
    depthwise_int8::pack_hybrid::<_, Tiled<8>>(Portable::new(), spec)
}

/// The product of an input and a weight, added to a sum.
pub(super) trait Tap {
    type Element: Copy + Default;
    type Weight: Pod;
    type Sum: Copy + Default;

    fn add(sum: Self::Sum, input: Self::Element, zero: Self::Element, weight: Self::Weight) -> Self::Sum;
}

pub(super) struct FloatTap<I>(PhantomData<I>);

impl<I: Isa> Tap for FloatTap<I> {
    type Element = f32;
    type Weight = f32;
    type Sum = f32;

    #[inline(always)]
    fn add(sum: f32, input: f32, _zero: f32, weight: f32) -> f32 {
        I::multiply_add(input, weight, sum)
    }
}

struct IntTap;

impl Tap for IntTap {
    type Element = i8;
    type Weight = i16;
    type Sum = i32;

    #[inline(always)]
    fn add(sum: i32, input: i8, zero: i8, weight: i16) -> i32 {
        // At most 255 * 128, which 16 bits hold: the vectors stay narrow until the sum.
        let product = (i16::from(input) - i16::from(zero)).wrapping_mul(weight);
        sum.wrapping_add(i32::from(product))
    }
}

/// Sums of this many products of an int16 with an int8 fit 32 bits.
pub(super) const MAX_WIDE_TAPS: usize = 256;

struct WideTap;

impl Tap for WideTap {
    type Element = i16;
    type Weight = i16;
    type Sum = i32;

    #[inline(always)]
    fn add(sum: i32, input: i16, _zero: i16, weight: i16) -> i32 {
        sum.wrapping_add(i32::from(input) * i32::from(weight))
    }
}

/// The taps of one window that lie inside the image, and where the first of them reads.
pub(super) struct Inside {
    pub(super) taps_y: Range<usize>,
    pub(super) taps_x: Range<usize>,
    /// Offset in the input of the first pixel read.
    pub(super) first: usize,
}

/// Offsets from tap to tap, in elements.
pub(super) struct Steps {
    pub(super) input_y: usize,
    pub(super) input_x: usize,
    pub(super) weights_y: usize,
    pub(super) weights_x: usize,
}

/// A depthwise convolution over some output rows, as code for an instruction set.
struct Rows<'a, I, T: Tap, S: Store<T::Sum>, const L: usize> {
    isa: I,
    shape: &'a Conv2dShape,
    /// As [`tiled`] lays them out.
    weights: &'a [T::Weight],
    store: &'a S,
    input: &'a [T::Element],
    /// The input that stands for real 0.
    zero: T::Element,
    rows: Range<usize>,
    output: &'a mut [S::Output],
}

impl<I: Isa, T: Tap, S: Store<T::Sum>, const L: usize> Body for Rows<'_, I, T, S, L> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { isa, shape, weights, store, input, zero, rows, output } = self;
        let pixels = Pixels::<I, T, S> { isa, shape, weights, store, input, zero, steps: steps::<L>(shape) };
        let columns = Columns::of::<L>(shape);
        let first_row = rows.start;
        for row in rows {
            let (image, out_y) = (row / shape.out_height, row % shape.out_height);
            let taps_y = taps(&shape.window, out_y, Axis::Y, shape.in_height);
            let output = &mut output[(row - first_row) * shape.row_len()..][..shape.row_len()];
            let mut out_x = 0;
            while out_x < shape.out_width {
                let whole = columns.whole.contains(&out_x);
                let taps_x = match whole {
                    true => 0..shape.window.filter_width,
                    false => taps(&shape.window, out_x, Axis::X, shape.in_width),
                };
                let inside = inside(shape, image, (out_y, taps_y.clone()), (out_x, taps_x));
                let output = &mut output[out_x * shape.out_channels..];
                if whole && out_x + columns.together <= columns.whole.end && columns.together > 1 {
                    pixels.vector::<L>(&inside, 0, output);
                    out_x += columns.together;
                } else {
                    pixels.compute::<L>(&inside, &mut output[..shape.out_channels]);
                    out_x += 1;
                }
            }
        }
    }
}

/// How the pixels of an output row may be computed.
pub(super) struct Columns {
    /// Those whose taps all lie inside the image's columns.
    pub(super) whole: Range<usize>,
    /// How many of these fill one vector, with inputs and outputs that follow each other; 1 if they do not.
    together: usize,
}

impl Columns {
    pub(super) fn of<const L: usize>(shape: &Conv2dShape) -> Self {
        let window = &shape.window;
        let reach = (window.filter_width - 1) * window.dilation_width + 1;
        let start = window.pad_left.div_ceil(window.stride_width);
        let steps =
            (shape.in_width + window.pad_left).checked_sub(reach).map(|room| room / window.stride_width);
        let end = steps.map_or(0, |steps| steps + 1).min(shape.out_width);
        let follow = window.stride_width == 1 && shape.in_channels == shape.out_channels;
        let together = if follow { weight_row::<L>(shape) / shape.out_channels.max(1) } else { 1 };
        Self { whole: start.min(end)..end, together }
    }
}

/// Weights from one tap to the next: where a vector spans several pixels, the channels' weights are repeated to fill it.
fn weight_row<const L: usize>(shape: &Conv2dShape) -> usize {
    let channels = shape.out_channels;
    if channels < L && L.is_multiple_of(channels) { L } else { channels }
}

/// `[taps][weight_row]`, from weights in the filter's order.
fn tiled<W: Pod, const L: usize>(shape: &Conv2dShape, weight: impl Fn(usize) -> W) -> Lines<W> {
    let (channels, row) = (shape.out_channels, weight_row::<L>(shape));
    let mut weights = Lines::zeroed(shape.window.taps() * row);
    for (index, place) in weights.as_mut_slice().iter_mut().enumerate() {
        *place = weight(index / row * channels + index % row % channels);
    }
    weights
}

#[derive(Clone, Copy)]
pub(super) enum Axis {
    Y,
    X,
}

/// The taps of output position `position` that lie inside an axis of `len` inputs.
#[inline(always)]
pub(super) fn taps(window: &Window2d, position: usize, axis: Axis, len: usize) -> Range<usize> {
    let (stride, dilation, pad, taps) = match axis {
        Axis::Y => (window.stride_height, window.dilation_height, window.pad_top, window.filter_height),
        Axis::X => (window.stride_width, window.dilation_width, window.pad_left, window.filter_width),
    };
    let first = position * stride;
    let start = pad.saturating_sub(first).div_ceil(dilation);
    let end = (len + pad).saturating_sub(first).div_ceil(dilation).min(taps);
    start.min(end)..end
}

#[inline(always)]
pub(super) fn inside(
    shape: &Conv2dShape,
    image: usize,
    (out_y, taps_y): (usize, Range<usize>),
    (out_x, taps_x): (usize, Range<usize>),
) -> Inside {
    let window = &shape.window;
    let y =
        (out_y * window.stride_height + taps_y.start * window.dilation_height).saturating_sub(window.pad_top);
    let x =
        (out_x * window.stride_width + taps_x.start * window.dilation_width).saturating_sub(window.pad_left);
    let first = ((image * shape.in_height + y) * shape.in_width + x) * shape.in_channels;
    Inside { taps_y, taps_x, first }
}

pub(super) fn steps<const L: usize>(shape: &Conv2dShape) -> Steps {
    let window = &shape.window;
    let weight_row = weight_row::<L>(shape);
    Steps {
        input_y: window.dilation_height * shape.in_width * shape.in_channels,
        input_x: window.dilation_width * shape.in_channels,
        weights_y: window.filter_width * weight_row,
        weights_x: weight_row,
    }
}

/// What all pixels share.
pub(super) struct Pixels<'a, I, T: Tap, S: Store<T::Sum>> {
    pub(super) isa: I,
    pub(super) shape: &'a Conv2dShape,
    pub(super) weights: &'a [T::Weight],
    pub(super) store: &'a S,
    pub(super) input: &'a [T::Element],
    pub(super) zero: T::Element,
    pub(super) steps: Steps,
}

impl<I: Isa, T: Tap, S: Store<T::Sum>> Pixels<'_, I, T, S> {
    /// All channels of one pixel: vectors of `L`, then of 8, then one by one.
    #[inline(always)]
    pub(super) fn compute<const L: usize>(&self, inside: &Inside, output: &mut [S::Output]) {
        let mut channel = 0;
        if self.shape.in_channels == self.shape.out_channels {
            while channel + L <= output.len() {
                self.vector::<L>(inside, channel, output);
                channel += L;
            }
            while channel + 8 <= output.len() {
                self.vector::<8>(inside, channel, output);
                channel += 8;
            }
        }
        while channel < output.len() {
            self.vector::<1>(inside, channel, output);
            channel += 1;
        }
    }

    /// `N` neighbouring channels of one pixel, or all channels of neighbouring pixels. More than one only if each output
    /// channel has its own input channel.
    #[inline(always)]
    fn vector<const N: usize>(&self, inside: &Inside, channel: usize, output: &mut [S::Output]) {
        let in_channel = channel / self.shape.group_out_channels();
        let mut sums = [T::Sum::default(); N];
        for (row, tap_y) in inside.taps_y.clone().enumerate() {
            let mut input = inside.first + row * self.steps.input_y + in_channel;
            let first_weight = tap_y * self.steps.weights_y + inside.taps_x.start * self.steps.weights_x;
            let mut weight = first_weight + channel;
            for _ in inside.taps_x.clone() {
                let inputs = &self.input[input..input + N];
                let weights = &self.weights[weight..weight + N];
                for n in 0..N {
                    sums[n] = T::add(sums[n], inputs[n], self.zero, weights[n]);
                }
                input += self.steps.input_x;
                weight += self.steps.weights_x;
            }
        }
        output[channel..channel + N].copy_from_slice(&self.store.outputs(self.isa, channel, &sums));
    }
}

/// DEPTHWISE_CONV_2D on floats, vectors of `L` channels.
pub(crate) struct DepthwiseFloat<I, const L: usize> {
    pub(super) isa: I,
    pub(super) shape: Conv2dShape,
    pub(super) weights: Lines<f32>,
    pub(super) store: FloatStore,
}

impl<I: Isa, const L: usize> DepthwiseFloat<I, L> {
    pub(crate) fn new(isa: I, spec: &ConvF32<'_>) -> Self {
        assert_eq!(spec.filter.len(), spec.shape.depthwise_filter_len());
        let weights = tiled::<_, L>(&spec.shape, |index| spec.filter.get(index));
        let store = FloatStore::new(spec.shape.out_channels, spec.bias, spec.activation);
        Self { isa, shape: spec.shape, weights, store }
    }
}

impl<I: Isa, const L: usize> Packed<f32, f32> for DepthwiseFloat<I, L> {
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
        0
    }

    fn run(&self, input: &[f32], rows: Range<usize>, _scratch: &mut [u8], output: &mut [f32]) {
        assert_eq!(input.len(), self.shape.input_len());
        assert_eq!(output.len(), rows.len() * self.shape.row_len());
        self.isa.vectorize(Rows::<I, FloatTap<I>, _, L> {
            isa: self.isa,
            shape: &self.shape,
            weights: self.weights.as_slice(),
            store: &self.store,
            input,
            zero: 0.0,
            rows,
            output,
        });
    }
}

/// int8 weights for vectors of `L` channels.
pub(super) struct Tiled<const L: usize>(Lines<i16>);

impl<I: Isa, const L: usize> Arrangement<I> for Tiled<L> {
    fn new(shape: &Conv2dShape, filter: &[i8]) -> Self {
        Self(tiled::<_, L>(shape, |index| i16::from(filter[index])))
    }

    fn bytes(&self) -> usize {
        self.0.bytes()
    }

    fn scratch_bytes(_shape: &Conv2dShape) -> usize {
        0
    }

    /// Taps take the zero point off.
    fn excess(_shape: &Conv2dShape, _filter: &[i8], _channel: usize) -> i32 {
        0
    }

    fn run<S: Store<i32>>(&self, isa: I, call: Call<'_, S>) {
        let Call { shape, store, input, zero, rows, output, .. } = call;
        let weights = self.0.as_slice();
        isa.vectorize(Rows::<I, IntTap, S, L> { isa, shape, weights, store, input, zero, rows, output });
    }
}

/// DEPTHWISE_CONV_2D on int16 without zero points, vectors of `L` channels.
pub(super) struct DepthwiseWide<I, const L: usize> {
    isa: I,
    shape: Conv2dShape,
    weights: Lines<i16>,
    store: WideStore,
}

impl<I: Isa, const L: usize> DepthwiseWide<I, L> {
    pub(super) fn new<S: Sum + Into<i64>>(isa: I, spec: &ConvInteger<'_, i8, S>) -> Self {
        assert_eq!(spec.filter.len(), spec.shape.depthwise_filter_len());
        let weights = tiled::<_, L>(&spec.shape, |index| i16::from(spec.filter[index]));
        Self { isa, shape: spec.shape, weights, store: WideStore::new(spec) }
    }
}

impl<I: Isa, const L: usize> Packed<i16, i16> for DepthwiseWide<I, L> {
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
        0
    }

    fn run(&self, input: &[i16], rows: Range<usize>, _scratch: &mut [u8], output: &mut [i16]) {
        assert_eq!(input.len(), self.shape.input_len());
        assert_eq!(output.len(), rows.len() * self.shape.row_len());
        self.isa.vectorize(Rows::<I, WideTap, _, L> {
            isa: self.isa,
            shape: &self.shape,
            weights: self.weights.as_slice(),
            store: &self.store,
            input,
            zero: 0,
            rows,
            output,
        });
    }
}
