//! QUANTIZE, DEQUANTIZE and the change of scale (`reference/quantize.h`, `dequantize.h`, `requantize.h`).

use alloc::vec::Vec;

use crate::requantize::Multiplier;
use crate::round::round_clamped;
use crate::shape::Clamp;

/// An integer type that quantized values are stored in.
pub trait Quantized: Copy + PartialOrd + Into<i32> {
    /// Least value.
    const MIN: i32;
    /// Greatest value.
    const MAX: i32;

    /// `value`, which lies in `MIN..=MAX`, in this type.
    fn narrow(value: i32) -> Self;

    /// `value`, held inside `range`.
    #[inline(always)]
    fn hold(range: Clamp<Self>, value: i32) -> Self {
        Self::narrow(value.max(range.min.into()).min(range.max.into()))
    }

    /// `value`, held inside the type.
    #[inline(always)]
    fn saturate(value: i32) -> Self {
        Self::narrow(value.clamp(Self::MIN, Self::MAX))
    }
}

macro_rules! quantized {
    ($($integer:ty),*) => {$(
        impl Quantized for $integer {
            const MIN: i32 = <$integer>::MIN as i32;
            const MAX: i32 = <$integer>::MAX as i32;

            #[inline(always)]
            fn narrow(value: i32) -> Self {
                value as Self
            }
        }
    )*};
}

quantized!(i8, u8, i16, i32);

/// Floats to integers: `round(x / scale) + zero_point`, halves away from zero, clamped. NaN gives the zero point, which is a
/// value of `T`.
pub fn quantize<T: Quantized>(scale: f32, zero_point: i32, input: &[f32], output: &mut [T]) {
    assert_eq!(input.len(), output.len());
    for (store, &value) in output.iter_mut().zip(input) {
        // Clamped before the zero point is added, which is the same and cannot overflow.
        let steps = round_clamped(value / scale, T::MIN - zero_point, T::MAX - zero_point);
        *store = T::narrow(steps + zero_point);
    }
}

/// Integers to floats: `scale * (q - zero_point)`.
pub fn dequantize<T: Quantized>(scale: f32, zero_point: i32, input: &[T], output: &mut [f32]) {
    assert_eq!(input.len(), output.len());
    for (store, &value) in output.iter_mut().zip(input) {
        // The product of two 24-bit numbers is exact in f64: one rounding, as in the source.
        *store = (f64::from(scale) * f64::from(value.into() - zero_point)) as f32;
    }
}

/// A scale and a zero point for each slice along one axis.
#[derive(Debug, Clone, PartialEq)]
pub struct PerChannel {
    /// One a slice.
    pub scales: Vec<f32>,
    /// One a slice.
    pub zero_points: Vec<i32>,
    /// Neighbouring elements of a slice: the product of the dimensions after the axis. At least 1.
    pub inner: usize,
}

impl PerChannel {
    fn of(&self, index: usize) -> (f32, i32) {
        let channel = index / self.inner % self.scales.len();
        (self.scales[channel], self.zero_points[channel])
    }
}

/// [`quantize`] with a scale for each slice.
pub fn quantize_per_channel<T: Quantized>(channels: &PerChannel, input: &[f32], output: &mut [T]) {
    assert_eq!(input.len(), output.len());
    for (index, (store, value)) in output.iter_mut().zip(input).enumerate() {
        let (scale, zero_point) = channels.of(index);
        quantize(scale, zero_point, core::slice::from_ref(value), core::slice::from_mut(store));
    }
}

/// [`dequantize`] with a scale for each slice.
pub fn dequantize_per_channel<T: Quantized>(channels: &PerChannel, input: &[T], output: &mut [f32]) {
    assert_eq!(input.len(), output.len());
    for (index, (store, value)) in output.iter_mut().zip(input).enumerate() {
        let (scale, zero_point) = channels.of(index);
        dequantize(scale, zero_point, core::slice::from_ref(value), core::slice::from_mut(store));
    }
}

/// From one scale and zero point to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Requantize {
    /// Zero point of the input.
    pub input_zero_point: i32,
    /// `scale_input / scale_output`.
    pub multiplier: Multiplier,
    /// Zero point of the output.
    pub output_zero_point: i32,
}

impl Requantize {
    /// The rescaled value, not yet clamped.
    #[inline(always)]
    pub fn apply(&self, value: i32) -> i32 {
        self.multiplier.apply(value.wrapping_sub(self.input_zero_point)).wrapping_add(self.output_zero_point)
    }
}

/// Rescales between int8, uint8, int16 and int32.
pub fn requantize<In: Quantized, Out: Quantized>(rescale: &Requantize, input: &[In], output: &mut [Out]) {
    assert_eq!(input.len(), output.len());
    for (store, &value) in output.iter_mut().zip(input) {
        *store = Out::saturate(rescale.apply(value.into()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn halves_go_away_from_zero_and_ends_saturate() {
        let mut output = [0i8; 7];
        let input = [-1.25, -0.25, 0.25, 0.75, 1e9, -1e9, f32::NAN];
        quantize(0.5, 1, &input, &mut output);
        assert_eq!(output, [-2, 0, 2, 3, 127, -128, 1]);
        let mut output = [0u8; 7];
        quantize(0.5, 1, &input, &mut output);
        assert_eq!(output, [0, 0, 2, 3, 255, 0, 1]);
    }

    #[test]
    fn int8_and_uint8_of_one_scale_differ_by_128() {
        let same = Multiplier { mantissa: 1 << 30, shift: 1 };
        let to_u8 = Requantize { input_zero_point: -3, multiplier: same, output_zero_point: 125 };
        let all: std::vec::Vec<i8> = (-128..=127).collect();
        let mut output = [0u8; 256];
        requantize(&to_u8, &all, &mut output);
        assert!(output.iter().zip(&all).all(|(&found, &value)| found == value as u8 ^ 0x80));
    }

    #[test]
    fn each_slice_has_its_own_scale() {
        let channels = PerChannel { scales: Vec::from([0.5, 2.0]), zero_points: Vec::from([0, 1]), inner: 2 };
        let (mut reals, mut back) = ([0.0; 8], [0i8; 8]);
        let stored = [1, 2, 3, 4, 5, 6, 7, 8];
        dequantize_per_channel(&channels, &stored, &mut reals);
        assert_eq!(reals, [0.5, 1.0, 4.0, 6.0, 2.5, 3.0, 12.0, 14.0]);
        quantize_per_channel(&channels, &reals, &mut back);
        assert_eq!(back, stored);
    }

    proptest! {
        #[test]
        fn what_is_quantized_comes_back(q in any::<i8>(), scale in 1e-6f32..1e6, zero_point in -128i32..=127) {
            let (mut real, mut back) = ([0.0], [0i8]);
            dequantize(scale, zero_point, &[q], &mut real);
            quantize(scale, zero_point, &real, &mut back);
            prop_assert_eq!(back[0], q);
        }
    }
}
