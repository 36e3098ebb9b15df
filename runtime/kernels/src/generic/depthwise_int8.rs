//! DEPTHWISE_CONV_2D with int8 weights, on int8 and on floats that are quantized on the way: everything round the sums. How
//! weights and inputs lie for an instruction set, and the sums themselves, are an [`Arrangement`]'s.

use alloc::boxed::Box;
use core::ops::Range;

use super::quantize_row::quantize_row;
use super::store::{HybridConstants, RequantizeStore, Store};
use crate::isa::Isa;
use crate::packed::{Packed, SCRATCH_ALIGN};
use crate::reference::conv_2d::for_each_image;
use crate::shape::Conv2dShape;
use crate::spec::{ConvHybrid, ConvI8, InputQuantization};

/// Weights in the order in which sums are made of them.
pub(super) trait Arrangement<I: Isa>: Send + Sync + 'static {
    /// What is added to inputs before they are multiplied. Its share is taken out of the bias.
    const OFFSET: i32 = 0;

    /// Arranges a filter, `[taps][channels]`.
    fn new(shape: &Conv2dShape, filter: &[i8]) -> Self;

    /// Bytes of the weights.
    fn bytes(&self) -> usize;

    /// Bytes of scratch that [`run`](Arrangement::run) needs.
    fn scratch_bytes(shape: &Conv2dShape) -> usize;

    /// What a channel's sum has too much for each step of zero point: its weights, unless taps take the zero point off.
    fn excess(shape: &Conv2dShape, filter: &[i8], channel: usize) -> i32 {
        filter.iter().skip(channel).step_by(shape.out_channels).map(|&weight| i32::from(weight)).sum()
    }

    /// Computes some output rows.
    fn run<S: Store<i32>>(&self, isa: I, call: Call<'_, S>);
}

/// Output rows to compute, and what of.
pub(super) struct Call<'a, S: Store<i32>> {
    pub(super) shape: &'a Conv2dShape,
    pub(super) store: &'a S,
    pub(super) input: &'a [i8],
    /// The input that stands for real 0.
    pub(super) zero: i8,
    pub(super) rows: Range<usize>,
    /// Of any content.
    pub(super) scratch: &'a mut [u8],
    /// Those of `rows`.
    pub(super) output: &'a mut [S::Output],
}

/// Packs int8.
pub(super) fn pack_i8<I: Isa, A: Arrangement<I>>(isa: I, spec: &ConvI8<'_>) -> Box<dyn Packed<i8, i8>> {
    let ConvI8 { shape, filter, bias, input_zero_point, output } = *spec;
    assert_eq!(filter.len(), shape.depthwise_filter_len());
    let steps = input_zero_point + A::OFFSET;
    let store = RequantizeStore::new(shape.out_channels, bias, &output, |channel| {
        A::excess(&shape, filter, channel).wrapping_mul(steps).wrapping_neg()
    });
    let weights = A::new(&shape, filter);
    Box::new(Quantized { isa, shape, weights, store, zero: input_zero_point as i8 })
}

/// Packs floats with int8 weights.
pub(super) fn pack_hybrid<I: Isa, A: Arrangement<I>>(
    isa: I,
    spec: &ConvHybrid<'_>,
) -> Box<dyn Packed<f32, f32>> {
    let ConvHybrid { shape, filter, filter_scales, bias, input, activation } = *spec;
    assert_eq!(filter.len(), shape.depthwise_filter_len());
    let excess = |channel| A::excess(&shape, filter, channel);
    let constants = HybridConstants::new(shape.out_channels, &filter_scales, bias, activation, false, excess);
    Box::new(Mixed { isa, shape, weights: A::new(&shape, filter), constants, how: input })
}

/// On int8.
struct Quantized<I, A> {
    isa: I,
    shape: Conv2dShape,
    weights: A,
    store: RequantizeStore,
    zero: i8,
}

impl<I: Isa, A: Arrangement<I>> Packed<i8, i8> for Quantized<I, A> {
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
        A::scratch_bytes(&self.shape)
    }

    fn run(&self, input: &[i8], rows: Range<usize>, scratch: &mut [u8], output: &mut [i8]) {
        assert_eq!(input.len(), self.shape.input_len());
        assert_eq!(output.len(), rows.len() * self.shape.row_len());
        let scratch = &mut scratch[..self.scratch_bytes()];
        let Self { shape, store, zero, .. } = self;
        self.weights.run(self.isa, Call { shape, store, input, zero: *zero, rows, scratch, output });
    }
}

/// On floats. Each call quantizes the images its rows touch.
struct Mixed<I, A> {
    isa: I,
    shape: Conv2dShape,
    weights: A,
    constants: HybridConstants,
    how: InputQuantization,
}

impl<I: Isa, A: Arrangement<I>> Mixed<I, A> {
    /// The arrangement's scratch, so that what follows is aligned.
    fn sums_bytes(&self) -> usize {
        A::scratch_bytes(&self.shape).next_multiple_of(SCRATCH_ALIGN)
    }
}

impl<I: Isa, A: Arrangement<I>> Packed<f32, f32> for Mixed<I, A> {
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
        self.sums_bytes() + self.shape.image_len()
    }

    fn run(&self, input: &[f32], rows: Range<usize>, scratch: &mut [u8], output: &mut [f32]) {
        assert_eq!(input.len(), self.shape.input_len());
        assert_eq!(output.len(), rows.len() * self.shape.row_len());
        let one_image = Conv2dShape { batch: 1, ..self.shape };
        let (scratch, quantized) = scratch[..self.scratch_bytes()].split_at_mut(self.sums_bytes());
        let scratch = &mut scratch[..A::scratch_bytes(&self.shape)];
        let quantized: &mut [i8] = bytemuck::cast_slice_mut(quantized);
        for_each_image(&self.shape, rows, output, |image, rows, output| {
            let input = &input[image * self.shape.image_len()..][..self.shape.image_len()];
            let how = quantize_row(self.isa, input, self.how, quantized);
            let first = image * self.shape.out_height;
            let call = Call {
                shape: &one_image,
                store: &self.constants.store(how, A::OFFSET),
                input: quantized,
                zero: how.zero_point as i8,
                rows: rows.start - first..rows.end - first,
                scratch: &mut *scratch,
                output,
            };
            self.weights.run(self.isa, call);
        });
    }
}
