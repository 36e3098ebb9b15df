//! CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED on int16 activations with int8 weights.
//!
//! A product of both has 23 bits, so sums of many need 64. CONV_2D takes an input apart, `x = 256 * high + low`, and
//! multiplies both bytes with the tiles of int8, each with sums of 32 bits; what the store gets is exact. A depthwise window
//! has few products, whose sum fits 32 bits as it is.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::Range;

use super::depthwise_conv_2d::{DepthwiseWide, MAX_WIDE_TAPS};
use super::panels::Panels;
use super::patch::{Place, Source, gather};
use super::store::{Store, lanes, padded};
use super::tile::{Singles, Tile};
use crate::isa::{Body, Isa, Portable};
use crate::packed::{Packed, SCRATCH_ALIGN};
use crate::reference::integer::{self, ConvInteger, Rescale, Sum, Walk};
use crate::requantize::Multiplier;
use crate::shape::{Clamp, Conv2dShape};

/// Sums of this many products of a weight with an unsigned byte fit 32 bits.
const MAX_DEPTH: usize = 1 << 16;

/// A tile of int8 that can take the two bytes of an int16 as inputs.
pub(crate) trait Bytes<const L: usize>: Tile<L, Element = i8, Sum = i32> {
    /// The upper byte with [`Tile::OFFSET`] added, and the lower one, which has no sign, as it is.
    fn bytes(value: i16) -> [Self::Input; 2];
}

impl<I: Isa, const L: usize> Bytes<L> for Singles<I> {
    #[inline(always)]
    fn bytes(value: i16) -> [i16; 2] {
        [value >> 8, value & 0xff]
    }
}

/// Bias, rescaling and activation.
pub(crate) struct WideStore {
    bias: Vec<i64>,
    factors: Factors,
    /// Whether sums wrap at 32 bits.
    is_narrow: bool,
    zero_point: i32,
    activation: Clamp<i32>,
}

enum Factors {
    /// Sums of 64 bits.
    Fixed(Fixed),
    /// Sums that wrap at 32 bits.
    Narrow(Vec<Multiplier>),
    Real(Vec<f64>),
}

/// [`Multiplier::apply_i64`] for all channels, as `(sum * mantissa + addend) >> shift`: bias and rounding are part of the
/// addend, which is the same because all of it wraps.
struct Fixed {
    mantissa: Vec<i32>,
    addend: Vec<i64>,
    shift: Vec<i64>,
}

impl Fixed {
    fn new(multipliers: &[Multiplier], bias: &[i64]) -> Self {
        let shift = |multiplier: &Multiplier| i64::from((15 - multiplier.shift).clamp(1, 62));
        let addend = |(multiplier, bias): (&Multiplier, &i64)| {
            bias.wrapping_mul(multiplier.narrow_mantissa().into()).wrapping_add(1 << (shift(multiplier) - 1))
        };
        let addends: Vec<i64> = multipliers.iter().zip(bias).map(addend).collect();
        Self {
            mantissa: padded(multipliers.iter().map(|multiplier| multiplier.narrow_mantissa().into())),
            addend: padded(addends.into_iter()),
            shift: padded(multipliers.iter().map(shift)),
        }
    }

    /// In the output's units: `256 * high + low` in each lane.
    #[inline(always)]
    fn scaled<const L: usize>(&self, channel: usize, high: &[i32; L], low: &[i32; L]) -> [i32; L] {
        let mantissa: &[i32; L] = lanes(&self.mantissa, channel);
        let (addend, shift): (&[i64; L], &[i64; L]) =
            (lanes(&self.addend, channel), lanes(&self.shift, channel));
        let mut scaled = [0; L];
        for l in 0..L {
            let upper = (i64::from(high[l]) * i64::from(mantissa[l])) << 8;
            let product = (i64::from(low[l]) * i64::from(mantissa[l])).wrapping_add(upper);
            scaled[l] = (product.wrapping_add(addend[l]) >> (shift[l] & 63)) as i32;
        }
        scaled
    }

    /// The same of one number each.
    #[inline(always)]
    fn scaled_small<const L: usize>(&self, channel: usize, sums: &[i32; L]) -> [i32; L] {
        let mantissa: &[i32; L] = lanes(&self.mantissa, channel);
        let (addend, shift): (&[i64; L], &[i64; L]) =
            (lanes(&self.addend, channel), lanes(&self.shift, channel));
        let mut scaled = [0; L];
        for l in 0..L {
            let product = i64::from(sums[l]) * i64::from(mantissa[l]);
            scaled[l] = (product.wrapping_add(addend[l]) >> (shift[l] & 63)) as i32;
        }
        scaled
    }
}

impl WideStore {
    pub(super) fn new<S: Sum + Into<i64>>(spec: &ConvInteger<'_, i8, S>) -> Self {
        let channels = spec.shape.out_channels;
        let is_narrow = size_of::<S>() == size_of::<i32>();
        let bias = padded((0..channels).map(|channel| spec.bias.map_or(0, |bias| bias[channel].into())));
        let factors = match spec.rescale {
            Rescale::Fixed(multipliers) if is_narrow => Factors::Narrow(padded(multipliers.iter().copied())),
            Rescale::Fixed(multipliers) => Factors::Fixed(Fixed::new(multipliers, &bias)),
            Rescale::Real(factors) => Factors::Real(padded(factors.iter().copied())),
        };
        Self { bias, factors, is_narrow, zero_point: spec.output_zero_point, activation: spec.activation }
    }

    /// Outputs of neighbouring channels from their sums `256 * high + low`.
    #[inline(always)]
    fn of_bytes<const L: usize>(&self, channel: usize, high: &[i32; L], low: &[i32; L]) -> [i16; L] {
        if let Factors::Fixed(fixed) = &self.factors {
            return self.held(&fixed.scaled(channel, high, low));
        }
        let mut sums = [0; L];
        for l in 0..L {
            sums[l] = (i64::from(high[l]) << 8) + i64::from(low[l]);
        }
        self.apart(channel, &sums)
    }

    /// Outputs of neighbouring channels in double precision, or of sums of 32 bits.
    #[inline(always)]
    fn apart<const L: usize>(&self, channel: usize, sums: &[i64; L]) -> [i16; L] {
        let bias: &[i64; L] = lanes(&self.bias, channel);
        let mut outputs = [0; L];
        for (l, output) in outputs.iter_mut().enumerate() {
            let sum = sums[l].wrapping_add(bias[l]);
            let scaled = match &self.factors {
                Factors::Fixed(fixed) => (sums[l].wrapping_mul(fixed.mantissa[channel + l].into()))
                    .wrapping_add(fixed.addend[channel + l])
                    .wrapping_shr(fixed.shift[channel + l] as u32)
                    as i32,
                Factors::Narrow(multipliers) => multipliers[channel + l].apply(sum as i32),
                Factors::Real(factors) => {
                    let sum = if self.is_narrow { f64::from(sum as i32) } else { sum as f64 };
                    libm::round(sum * factors[channel + l]) as i32
                }
            };
            *output = self.hold(scaled);
        }
        outputs
    }

    #[inline(always)]
    fn held<const L: usize>(&self, scaled: &[i32; L]) -> [i16; L] {
        let mut outputs = [0; L];
        for l in 0..L {
            outputs[l] = self.hold(scaled[l]);
        }
        outputs
    }

    #[inline(always)]
    fn hold(&self, scaled: i32) -> i16 {
        self.activation.hold(scaled.wrapping_add(self.zero_point)) as i16
    }
}

impl Store<i32> for WideStore {
    type Output = i16;

    #[inline(always)]
    fn outputs<I: Isa, const L: usize>(&self, _isa: I, channel: usize, sums: &[i32; L]) -> [i16; L] {
        if let Factors::Fixed(fixed) = &self.factors {
            return self.held(&fixed.scaled_small(channel, sums));
        }
        let mut wide = [0; L];
        for l in 0..L {
            wide[l] = i64::from(sums[l]);
        }
        self.apart(channel, &wide)
    }

    fn bytes(&self) -> usize {
        let factors = match &self.factors {
            Factors::Fixed(fixed) => size_of_val(&fixed.mantissa[..]) + 2 * size_of_val(&fixed.addend[..]),
            Factors::Narrow(multipliers) => size_of_val(&multipliers[..]),
            Factors::Real(factors) => size_of_val(&factors[..]),
        };
        size_of_val(&self.bias[..]) + factors
    }
}

/// Packs for an instruction set's tile of `ROWS` rows, two for each pixel.
pub(crate) fn pack_on<T: Bytes<L>, S: Sum + Into<i64>, const ROWS: usize, const L: usize>(
    isa: T::Isa,
    spec: &ConvInteger<'_, i8, S>,
) -> Box<dyn Packed<i16, i16>> {
    let few_taps = spec.shape.window.taps() <= MAX_WIDE_TAPS;
    match spec.walk {
        _ if spec.input_zero_point != 0 || spec.filter_zero_point != 0 => integer::pack(spec),
        Walk::Depthwise if few_taps => Box::new(DepthwiseWide::<_, 16>::new(isa, spec)),
        Walk::Conv if spec.shape.depth() < MAX_DEPTH => Box::new(ConvWide::<T, ROWS, L>::new(isa, spec)),
        _ => integer::pack(spec),
    }
}

/// Packs for any CPU.
pub fn pack<S: Sum + Into<i64>>(spec: &ConvInteger<'_, i8, S>) -> Box<dyn Packed<i16, i16>> {
    pack_on::<Singles<Portable>, S, 4, 8>(Portable::new(), spec)
}

/// CONV_2D, `ROWS / 2` pixels a tile.
struct ConvWide<T: Bytes<L>, const ROWS: usize, const L: usize> {
    isa: T::Isa,
    shape: Conv2dShape,
    panels: Panels<T, L>,
    /// What the tile's offset adds to the sum of the upper bytes, by channel.
    excess: Vec<i32>,
    store: WideStore,
}

impl<T: Bytes<L>, const ROWS: usize, const L: usize> ConvWide<T, ROWS, L> {
    fn new<S: Sum + Into<i64>>(isa: T::Isa, spec: &ConvInteger<'_, i8, S>) -> Self {
        let (shape, filter) = (spec.shape, spec.filter);
        assert_eq!(filter.len(), shape.filter_len());
        let of_channel = |channel: usize| &filter[channel * shape.depth()..][..shape.depth()];
        let excess = |channel| of_channel(channel).iter().map(|&weight| i32::from(weight) * T::OFFSET).sum();
        Self {
            isa,
            shape,
            panels: Panels::pack(
                shape.groups,
                shape.group_out_channels(),
                shape.depth(),
                |index, first, weights| {
                    weights.copy_from_slice(&of_channel(index)[first..][..weights.len()]);
                },
            ),
            excess: padded((0..shape.out_channels).map(excess)),
            store: WideStore::new(spec),
        }
    }

    /// Bytes of one gathered patch.
    fn patch_bytes(&self) -> usize {
        (self.shape.depth() * size_of::<i16>()).next_multiple_of(SCRATCH_ALIGN)
    }
}

impl<T: Bytes<L>, const ROWS: usize, const L: usize> Packed<i16, i16> for ConvWide<T, ROWS, L> {
    fn rows(&self) -> usize {
        self.shape.rows()
    }

    fn row_len(&self) -> usize {
        self.shape.row_len()
    }

    fn packed_bytes(&self) -> usize {
        self.panels.bytes() + size_of_val(&self.excess[..]) + self.store.bytes()
    }

    fn scratch_bytes(&self) -> usize {
        self.patch_bytes() + ROWS * self.panels.padded_depth() * size_of::<T::Input>()
    }

    fn run(&self, input: &[i16], rows: Range<usize>, scratch: &mut [u8], output: &mut [i16]) {
        assert_eq!(input.len(), self.shape.input_len());
        assert_eq!(output.len(), rows.len() * self.shape.row_len());
        let (patch, gathered) = scratch[..self.scratch_bytes()].split_at_mut(self.patch_bytes());
        self.isa.vectorize(Pixels {
            conv: self,
            input,
            pixels: rows.start * self.shape.out_width..rows.end * self.shape.out_width,
            patch: bytemuck::cast_slice_mut(patch),
            gathered: bytemuck::cast_slice_mut(gathered),
            output,
        });
    }
}

/// Some output pixels, as code for the tile's instruction set.
struct Pixels<'a, T: Bytes<L>, const ROWS: usize, const L: usize> {
    conv: &'a ConvWide<T, ROWS, L>,
    input: &'a [i16],
    pixels: Range<usize>,
    patch: &'a mut [i16],
    gathered: &'a mut [T::Input],
    output: &'a mut [i16],
}

impl<T: Bytes<L>, const ROWS: usize, const L: usize> Body for Pixels<'_, T, ROWS, L> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { conv, input, pixels, patch, gathered, output } = self;
        let channels = conv.shape.out_channels;
        let mut place = Place::of(&conv.shape, pixels.start);
        for start in pixels.clone().step_by(ROWS / 2) {
            let count = (ROWS / 2).min(pixels.end - start);
            let output = &mut output[(start - pixels.start) * channels..][..count * channels];
            for group in 0..conv.shape.groups {
                let mut pixel = place;
                for gathered in gathered.chunks_exact_mut((2 * conv.panels.padded_depth()).max(1)).take(count)
                {
                    let from = Source { shape: &conv.shape, group, input, padding: 0 };
                    gather(&from, pixel, 1, |value| value, patch, 0);
                    take_apart::<T, L>(&patch[..conv.panels.depth], gathered);
                    pixel = pixel.next(&conv.shape);
                }
                multiply(conv, group, gathered, output);
            }
            for _ in 0..count {
                place = place.next(&conv.shape);
            }
        }
    }
}

/// The upper bytes of a patch, then its lower bytes. Weights behind the depth are zero, so what stands there does not matter.
#[inline(always)]
fn take_apart<T: Bytes<L>, const L: usize>(patch: &[i16], gathered: &mut [T::Input]) {
    let (upper, lower) = gathered.split_at_mut(gathered.len() / 2);
    for ((upper, lower), &value) in upper.iter_mut().zip(lower).zip(patch) {
        let [high, low] = T::bytes(value);
        (*upper, *lower) = (high, low);
    }
}

/// All panels of a group times one tile of pixels.
#[inline(always)]
fn multiply<T: Bytes<L>, const ROWS: usize, const L: usize>(
    conv: &ConvWide<T, ROWS, L>,
    group: usize,
    gathered: &[T::Input],
    output: &mut [i16],
) {
    let (columns, depth) = (conv.panels.columns, conv.panels.padded_depth());
    let weights = conv.panels.group(group);
    for panel in 0..columns.div_ceil(L) {
        let sums = T::sums::<ROWS, 1>(conv.isa, gathered, depth, &weights[panel * depth * L..], depth);
        let first = group * columns + panel * L;
        let count = L.min(columns - panel * L);
        for (pixel, output) in output.chunks_exact_mut(conv.shape.out_channels).enumerate() {
            let ([high], [low]) = (&sums[2 * pixel], &sums[2 * pixel + 1]);
            let excess: &[i32; L] = lanes(&conv.excess, first);
            let mut upper = [0; L];
            for l in 0..L {
                upper[l] = high[l].wrapping_sub(excess[l]);
            }
            let outputs = conv.store.of_bytes(first, &upper, low);
            if count == L {
                output[first..][..L].copy_from_slice(&outputs);
            } else {
                output[first..][..count].copy_from_slice(&outputs[..count]);
            }
        }
    }
}
