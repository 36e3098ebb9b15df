//! Functions of one quantized element by table: 256 entries for 8 bits, 513 points with straight lines between them for
//! 16 bits (LiteRT `internal/common.h`: `LUTPopulateInt8`, `LUTPopulateInt16`, `LUTLookup`).

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::quantize::Quantized;

/// Every output of a function of one 8-bit element: entry `q as u8` is the output for `q`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Table256<T>(pub [T; 256]);

impl<T: Quantized> Table256<T> {
    /// The table of `function` between two quantizations: dequantize, compute, multiply by `1 / output_scale`, round, clamp.
    pub fn of(
        (input_scale, input_zero_point): (f32, i32),
        (output_scale, output_zero_point): (f32, i32),
        function: impl Fn(f32) -> f32,
    ) -> Self {
        let inverse = 1.0 / output_scale;
        Self(core::array::from_fn(|index| {
            // Stored bits beyond the type's greatest value are negative numbers.
            let q = if index as i32 > T::MAX { index as i32 - 256 } else { index as i32 };
            let real = input_scale * (q - input_zero_point) as f32;
            let rounded = libm::roundf(function(real) * inverse);
            T::narrow((rounded + output_zero_point as f32).clamp(T::MIN as f32, T::MAX as f32) as i32)
        }))
    }
}

/// Looks every element up.
pub fn look_up<T: Quantized>(table: &Table256<T>, input: &[T], output: &mut [T]) {
    assert_eq!(input.len(), output.len());
    for (store, &value) in output.iter_mut().zip(input) {
        let q: i32 = value.into();
        *store = table.0[(q & 0xff) as usize];
    }
}

/// A function of an int16 as 512 straight lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table513(Box<[i16]>);

/// Straight lines of a [`Table513`].
const LINES: usize = 512;

/// A float type that tables are computed in: LiteRT's softmax has doubles, everything else singles.
pub trait Real: Copy {
    /// From an integer of at most 17 bits.
    fn of(value: i32) -> Self;
    /// The product.
    fn times(self, other: Self) -> Self;
    /// The sum.
    fn plus(self, other: Self) -> Self;
    /// The quotient.
    fn over(self, other: Self) -> Self;
    /// To the nearest integer, halves away from zero.
    fn rounded(self) -> Self;
    /// To an int16, saturating.
    fn narrow(self) -> i16;
}

macro_rules! real {
    ($float:ty, $round:path) => {
        impl Real for $float {
            #[allow(clippy::cast_lossless, reason = "one macro for two types, of which one is too short")]
            fn of(value: i32) -> Self {
                value as Self
            }

            fn times(self, other: Self) -> Self {
                self * other
            }

            fn plus(self, other: Self) -> Self {
                self + other
            }

            fn over(self, other: Self) -> Self {
                self / other
            }

            fn rounded(self) -> Self {
                $round(self)
            }

            fn narrow(self) -> i16 {
                self as i16
            }
        }
    };
}

real!(f32, libm::roundf);
real!(f64, libm::round);

impl Table513 {
    /// The table of `function` between two quantizations. Each point is moved by half of the error in the middle of the line
    /// that begins there.
    pub fn of<F: Real>(
        (input_scale, input_zero_point): (F, i32),
        (output_scale, output_zero_point): (F, i32),
        function: impl Fn(F) -> F,
    ) -> Self {
        let end = |scale: F, limit: i16, zero_point: i32| scale.times(F::of(i32::from(limit) - zero_point));
        let first = end(input_scale, i16::MIN, input_zero_point);
        let last = end(input_scale, i16::MAX, input_zero_point);
        let output_first = end(output_scale, i16::MIN, output_zero_point);
        let output_last = end(output_scale, i16::MAX, output_zero_point);
        let minus = |left: F, right: F| left.plus(right.times(F::of(-1)));
        let step = minus(last, first).over(F::of(LINES as i32));
        let half_step = step.over(F::of(2));
        let steps_per_unit = F::of(1 << 16).over(minus(output_last, output_first));
        let at = |index: usize| first.plus(F::of(index as i32).times(step));
        let point = |index: usize| {
            let value = function(at(index)).times(steps_per_unit).rounded();
            let middle = function(at(index).plus(half_step)).times(steps_per_unit).rounded();
            let next = function(at(index + 1)).times(steps_per_unit);
            let line = next.plus(value).over(F::of(2)).rounded();
            let bias = minus(line, middle).over(F::of(2)).rounded();
            minus(value, bias).narrow()
        };
        let mut points: Vec<i16> = (0..LINES).map(point).collect();
        points.push(function(last).times(steps_per_unit).rounded().narrow());
        Self(points.into_boxed_slice())
    }

    /// The function of one element.
    #[inline(always)]
    pub fn look_up(&self, value: i16) -> i16 {
        let line = (256 + (i32::from(value) >> 7)) as usize;
        let offset = i32::from(value & 0x7f);
        let (base, next) = (self.0[line], self.0[line + 1]);
        let slope = i32::from(next.wrapping_sub(base));
        (i32::from(base) + ((slope * offset + 64) >> 7)) as i16
    }
}

/// Looks every element up.
pub fn look_up_i16(table: &Table513, input: &[i16], output: &mut [i16]) {
    assert_eq!(input.len(), output.len());
    for (store, &value) in output.iter_mut().zip(input) {
        *store = table.look_up(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logistic(value: f64) -> f64 {
        1.0 / (1.0 + (-value).exp())
    }

    #[test]
    fn eight_bits_hold_each_rounded_value() {
        let table = Table256::<i8>::of((0.1, 3), (1.0 / 256.0, -128), |x| logistic(f64::from(x)) as f32);
        for q in i8::MIN..=i8::MAX {
            let exact = logistic(0.1 * (f64::from(q) - 3.0));
            let mut output = [0];
            look_up(&table, &[q], &mut output);
            assert!((exact * 256.0 - 128.0 - f64::from(output[0])).abs() < 0.501 || output[0] == 127);
        }
    }

    #[test]
    fn unsigned_bytes_are_numbers_from_0_to_255() {
        let table = Table256::<u8>::of((1.0, 0), (2.0, 1), |x| x);
        let mut output = [0; 3];
        look_up(&table, &[0, 128, 255], &mut output);
        assert_eq!(output, [1, 65, 129]);
    }

    #[test]
    fn sixteen_bits_are_close_to_the_function() {
        let table = Table513::of((8.0f32 / 32768.0, 0), (1.0 / 32768.0, 0), libm::tanhf);
        for q in (i16::MIN..=i16::MAX).step_by(37) {
            let exact = (f64::from(q) * 8.0 / 32768.0).tanh() * 32768.0;
            assert!((exact - f64::from(table.look_up(q))).abs() < 12.0, "{q}");
        }
    }
}
