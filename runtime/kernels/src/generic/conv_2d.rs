//! CONV_2D over packed panels, for any tile.

use alloc::boxed::Box;
use core::ops::Range;

use super::panels::Panels;
use super::product::{Product, gathered_len};
use super::quantize_row::quantize_row;
use super::store::{FloatStore, HybridConstants, RealStore, RequantizeStore, Store};
use super::tile::{Floats, Singles, Tile};
use crate::isa::{Body, Isa, Portable};
use crate::packed::{Packed, SCRATCH_ALIGN};
use crate::reference::conv_2d::for_each_image;
use crate::shape::Conv2dShape;
use crate::spec::{ConvF32, ConvHybrid, ConvI8, FilterScales, FullyConnectedRealI8, InputQuantization};

/// Packs for tiles of 4 pixels by two panels of 4 channels.
pub fn pack_f32(spec: &ConvF32<'_>) -> Box<dyn Packed<f32, f32>> {
    Box::new(ConvFloat::<Floats<Portable>, 4, 4>::new(Portable::new(), spec))
}

/// Packs for tiles of 4 pixels by one panel of 8 channels.
pub fn pack_i8(spec: &ConvI8<'_>) -> Box<dyn Packed<i8, i8>> {
    Box::new(ConvInt::<Singles<Portable>, _, 4, 8>::new(Portable::new(), spec))
}

/// Packs for tiles of 4 pixels by one panel of 8 channels.
pub fn pack_hybrid(spec: &ConvHybrid<'_>) -> Box<dyn Packed<f32, f32>> {
    let filter_first = matches!(spec.filter_scales, FilterScales::PerChannel(_));
    Box::new(ConvMixed::<Singles<Portable>, 4, 8>::new(Portable::new(), spec, filter_first))
}

/// Panels of CONV_2D's filter, OHWI.
fn panels<T: Tile<L>, const L: usize>(
    shape: &Conv2dShape,
    read: impl Fn(usize, &mut [T::Element]),
) -> Panels<T, L> {
    let depth = shape.depth();
    Panels::pack(shape.groups, shape.group_out_channels(), depth, |index, first, weights| {
        read(index * depth + first, weights);
    })
}

/// Weights of an int8 filter from `first` on.
fn read_int8(filter: &[i8], first: usize, weights: &mut [i8]) {
    weights.copy_from_slice(&filter[first..][..weights.len()]);
}

/// The sum of each output channel's weights, so that a step of zero point can be taken out of a sum.
fn weight_sum(isa: impl Isa, shape: &Conv2dShape, filter: &[i8], channel: usize) -> i32 {
    isa.vectorize(Total(&filter[channel * shape.depth()..][..shape.depth()]))
}

/// The sum of some weights, as code for an instruction set.
struct Total<'a>(&'a [i8]);

impl Body for Total<'_> {
    type Output = i32;

    #[inline(always)]
    fn run(self) -> i32 {
        let mut total = 0;
        for &weight in self.0 {
            total += i32::from(weight);
        }
        total
    }
}

fn pixels(shape: &Conv2dShape, rows: &Range<usize>) -> Range<usize> {
    rows.start * shape.out_width..rows.end * shape.out_width
}

/// CONV_2D on floats, `M` pixels a tile.
pub(crate) struct ConvFloat<T: Tile<L, Element = f32, Sum = f32>, const M: usize, const L: usize> {
    isa: T::Isa,
    shape: Conv2dShape,
    panels: Panels<T, L>,
    store: FloatStore,
}

impl<T: Tile<L, Element = f32, Sum = f32>, const M: usize, const L: usize> ConvFloat<T, M, L> {
    pub(crate) fn new(isa: T::Isa, spec: &ConvF32<'_>) -> Self {
        assert_eq!(spec.filter.len(), spec.shape.filter_len());
        Self {
            isa,
            shape: spec.shape,
            panels: panels(&spec.shape, |first, weights| spec.filter.read(first, weights)),
            store: FloatStore::new(spec.shape.out_channels, spec.bias, spec.activation),
        }
    }
}

impl<T: Tile<L, Element = f32, Sum = f32>, const M: usize, const L: usize> Packed<f32, f32>
    for ConvFloat<T, M, L>
{
    fn rows(&self) -> usize {
        self.shape.rows()
    }

    fn row_len(&self) -> usize {
        self.shape.row_len()
    }

    fn packed_bytes(&self) -> usize {
        self.panels.bytes() + self.store.bytes()
    }

    fn scratch_bytes(&self) -> usize {
        gathered_len::<T, M, L>(&self.panels) * size_of::<T::Input>()
    }

    fn run(&self, input: &[f32], rows: Range<usize>, scratch: &mut [u8], output: &mut [f32]) {
        assert_eq!(input.len(), self.shape.input_len());
        assert_eq!(output.len(), rows.len() * self.shape.row_len());
        self.isa.vectorize(Product::<T, _, M, L> {
            isa: self.isa,
            shape: &self.shape,
            panels: &self.panels,
            store: &self.store,
            input,
            padding: 0.0,
            pixels: pixels(&self.shape, &rows),
            gathered: bytemuck::cast_slice_mut(&mut scratch[..self.scratch_bytes()]),
            output,
        });
    }
}

/// CONV_2D on int8, `M` pixels a tile.
pub(crate) struct ConvInt<T: Tile<L, Element = i8, Sum = i32>, S, const M: usize, const L: usize> {
    isa: T::Isa,
    shape: Conv2dShape,
    panels: Panels<T, L>,
    store: S,
    padding: i8,
}

impl<T: Tile<L, Element = i8, Sum = i32>, const M: usize, const L: usize> ConvInt<T, RequantizeStore, M, L> {
    pub(crate) fn new(isa: T::Isa, spec: &ConvI8<'_>) -> Self {
        Self::with_store(isa, spec.shape, spec.filter, spec.input_zero_point, |correction| {
            RequantizeStore::new(spec.shape.out_channels, spec.bias, &spec.output, correction)
        })
    }
}

impl<T: Tile<L, Element = i8, Sum = i32>, const M: usize, const L: usize> ConvInt<T, RealStore, M, L> {
    pub(crate) fn fully_connected(isa: T::Isa, spec: &FullyConnectedRealI8<'_>) -> Self {
        Self::with_store(isa, spec.shape.as_conv(), spec.filter, spec.input_zero_point, |correction| {
            RealStore::new(spec.shape.out_features, spec.bias, &spec.output, correction)
        })
    }
}

impl<T: Tile<L, Element = i8, Sum = i32>, S, const M: usize, const L: usize> ConvInt<T, S, M, L> {
    /// `store` is given what takes the zero point out of the sums of a channel.
    fn with_store(
        isa: T::Isa,
        shape: Conv2dShape,
        filter: &[i8],
        input_zero_point: i32,
        store: impl FnOnce(&dyn Fn(usize) -> i32) -> S,
    ) -> Self {
        assert_eq!(filter.len(), shape.filter_len());
        let excess = input_zero_point + T::OFFSET;
        let correction =
            |channel| weight_sum(isa, &shape, filter, channel).wrapping_mul(excess).wrapping_neg();
        Self {
            isa,
            shape,
            panels: panels(&shape, |first, weights| read_int8(filter, first, weights)),
            store: store(&correction),
            padding: input_zero_point as i8,
        }
    }
}

impl<T: Tile<L, Element = i8, Sum = i32>, S: Store<i32, Output = i8>, const M: usize, const L: usize>
    Packed<i8, i8> for ConvInt<T, S, M, L>
{
    fn rows(&self) -> usize {
        self.shape.rows()
    }

    fn row_len(&self) -> usize {
        self.shape.row_len()
    }

    fn packed_bytes(&self) -> usize {
        self.panels.bytes() + self.store.bytes()
    }

    fn scratch_bytes(&self) -> usize {
        gathered_len::<T, M, L>(&self.panels) * size_of::<T::Input>()
    }

    fn run(&self, input: &[i8], rows: Range<usize>, scratch: &mut [u8], output: &mut [i8]) {
        assert_eq!(input.len(), self.shape.input_len());
        assert_eq!(output.len(), rows.len() * self.shape.row_len());
        self.isa.vectorize(Product::<T, _, M, L> {
            isa: self.isa,
            shape: &self.shape,
            panels: &self.panels,
            store: &self.store,
            input,
            padding: self.padding,
            pixels: pixels(&self.shape, &rows),
            gathered: bytemuck::cast_slice_mut(&mut scratch[..self.scratch_bytes()]),
            output,
        });
    }
}

/// CONV_2D on floats with int8 weights, `M` pixels a tile. Each call quantizes the images its rows touch.
pub(crate) struct ConvMixed<T: Tile<L, Element = i8, Sum = i32>, const M: usize, const L: usize> {
    isa: T::Isa,
    shape: Conv2dShape,
    panels: Panels<T, L>,
    constants: HybridConstants,
    how: InputQuantization,
}

impl<T: Tile<L, Element = i8, Sum = i32>, const M: usize, const L: usize> ConvMixed<T, M, L> {
    pub(crate) fn new(isa: T::Isa, spec: &ConvHybrid<'_>, filter_first: bool) -> Self {
        let ConvHybrid { shape, filter, filter_scales, bias, input, activation } = *spec;
        assert_eq!(filter.len(), shape.filter_len());
        Self {
            isa,
            shape,
            panels: panels(&shape, |first, weights| read_int8(filter, first, weights)),
            constants: HybridConstants::new(
                shape.out_channels,
                &filter_scales,
                bias,
                activation,
                filter_first,
                |channel| weight_sum(isa, &shape, filter, channel),
            ),
            how: input,
        }
    }

    /// Bytes of one quantized image, so that what follows is aligned.
    fn image_bytes(&self) -> usize {
        self.shape.image_len().next_multiple_of(SCRATCH_ALIGN)
    }
}

impl<T: Tile<L, Element = i8, Sum = i32>, const M: usize, const L: usize> Packed<f32, f32>
    for ConvMixed<T, M, L>
{
    fn rows(&self) -> usize {
        self.shape.rows()
    }

    fn row_len(&self) -> usize {
        self.shape.row_len()
    }

    fn packed_bytes(&self) -> usize {
        self.panels.bytes() + self.constants.bytes()
    }

    fn scratch_bytes(&self) -> usize {
        self.image_bytes() + gathered_len::<T, M, L>(&self.panels) * size_of::<T::Input>()
    }

    fn run(&self, input: &[f32], rows: Range<usize>, scratch: &mut [u8], output: &mut [f32]) {
        assert_eq!(input.len(), self.shape.input_len());
        assert_eq!(output.len(), rows.len() * self.shape.row_len());
        let one_image = Conv2dShape { batch: 1, ..self.shape };
        for_each_image(&self.shape, rows, output, |image, rows, output| {
            let (quantized, gathered) = scratch[..self.scratch_bytes()].split_at_mut(self.image_bytes());
            let quantized: &mut [i8] = bytemuck::cast_slice_mut(&mut quantized[..self.shape.image_len()]);
            let input = &input[image * self.shape.image_len()..][..self.shape.image_len()];
            let how = quantize_row(self.isa, input, self.how, quantized);
            let first = image * self.shape.out_height;
            self.isa.vectorize(Product::<T, _, M, L> {
                isa: self.isa,
                shape: &one_image,
                panels: &self.panels,
                store: &self.constants.store(how, T::OFFSET),
                input: quantized,
                padding: how.zero_point as i8,
                pixels: pixels(&self.shape, &(rows.start - first..rows.end - first)),
                gathered: bytemuck::cast_slice_mut(gathered),
                output,
            });
        });
    }
}
