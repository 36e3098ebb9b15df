//! MEAN and the quantized SUM over any axes (`reference/reduce.h`: `Mean` and `QuantizedMeanOrSum`).
//!
//! `dims`, `reduced` and the output's order are as in [`reduce`](super::reduce).

use super::quantize::Quantized;
use super::reduce::{count, for_each_element, output_len};
use crate::requantize::Multiplier;

/// Constants of MEAN and SUM on quantized values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MeanQuantized {
    /// Zero point of the input.
    pub input_zero_point: i32,
    /// Zero point of the output.
    pub output_zero_point: i32,
    /// `scale_input / scale_output`; MEAN divides it by the count, as LiteRT does.
    pub rescale: Multiplier,
}

/// Means of floats: summed in the input's order, then divided.
pub fn mean_f32(dims: &[usize], reduced: &[bool], input: &[f32], output: &mut [f32]) {
    assert_eq!(output.len(), output_len(dims, reduced));
    output.fill(0.0);
    for_each_element(dims, reduced, |from, to| output[to] += input[from]);
    let count = count(dims, reduced) as f32;
    for mean in output {
        *mean /= count;
    }
}

/// Means of integers without a scale: summed in 64 bits, then divided towards zero. `sums` is scratch of the output's
/// length; its content means nothing. Without elements the mean is 0.
pub fn mean_integers<T: Copy + Into<i64>>(
    dims: &[usize],
    reduced: &[bool],
    input: &[T],
    sums: &mut [i64],
    output: &mut [T],
    narrow: impl Fn(i64) -> T,
) {
    let sums = &mut sums[..output.len()];
    sums.fill(0);
    for_each_element(dims, reduced, |from, to| sums[to] = sums[to].wrapping_add(input[from].into()));
    let count = count(dims, reduced).max(1) as i64;
    for (store, &sum) in output.iter_mut().zip(&*sums) {
        *store = narrow(sum / count);
    }
}

/// Means of quantized values. `sums` is scratch of the output's length; its content means nothing. Without elements
/// the output is 0, as it is stored.
pub fn mean_quantized<T: Quantized>(
    constants: &MeanQuantized,
    dims: &[usize],
    reduced: &[bool],
    input: &[T],
    sums: &mut [i32],
    output: &mut [T],
) {
    let rescale = divided(constants.rescale, count(dims, reduced).max(1) as u64);
    rescale_sums(constants, rescale, dims, reduced, input, sums, output);
}

/// Sums of quantized values. `sums` is as in [`mean_quantized`].
pub fn sum_quantized<T: Quantized>(
    constants: &MeanQuantized,
    dims: &[usize],
    reduced: &[bool],
    input: &[T],
    sums: &mut [i32],
    output: &mut [T],
) {
    rescale_sums(constants, constants.rescale, dims, reduced, input, sums, output);
}

fn rescale_sums<T: Quantized>(
    constants: &MeanQuantized,
    rescale: Multiplier,
    dims: &[usize],
    reduced: &[bool],
    input: &[T],
    sums: &mut [i32],
    output: &mut [T],
) {
    assert_eq!(output.len(), output_len(dims, reduced));
    let sums = &mut sums[..output.len()];
    sums.fill(0);
    for_each_element(dims, reduced, |from, to| sums[to] = sums[to].wrapping_add(input[from].into()));
    constants.store(rescale, count(dims, reduced), sums, output);
}

impl MeanQuantized {
    /// From the sums of `count` elements each to the means.
    pub(crate) fn store_means<T: Quantized>(&self, count: usize, sums: &[i32], output: &mut [T]) {
        self.store(divided(self.rescale, count.max(1) as u64), count, sums, output);
    }

    fn store<T: Quantized>(&self, rescale: Multiplier, count: usize, sums: &[i32], output: &mut [T]) {
        let zeros = i64::from(self.input_zero_point) * count as i64;
        for (store, &sum) in output.iter_mut().zip(sums) {
            let scaled = rescale.apply((i64::from(sum) - zeros) as i32).wrapping_add(self.output_zero_point);
            *store = if count == 0 { T::narrow(0) } else { T::saturate(scaled) };
        }
    }
}

/// `rescale / count`, with LiteRT's loss: the quotient keeps as many bits as the count's leading one allows.
fn divided(rescale: Multiplier, count: u64) -> Multiplier {
    let bits = 63 - count.leading_zeros() as i32;
    let bits = bits.min(32).min(31 + rescale.shift).max(0);
    let mantissa = (i64::from(rescale.mantissa) << bits) / count as i64;
    Multiplier { mantissa: mantissa as i32, shift: rescale.shift - bits }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_axes_may_be_averaged() {
        let input = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let mut rows = [0.0; 2];
        mean_f32(&[2, 3], &[false, true], &input, &mut rows);
        assert_eq!(rows, [2.0, 5.0]);
        let mut columns = [0.0; 3];
        mean_f32(&[2, 3], &[true, false], &input, &mut columns);
        assert_eq!(columns, [2.5, 3.5, 4.5]);
        let mut all = [0.0];
        mean_f32(&[2, 3], &[true, true], &input, &mut all);
        assert_eq!(all, [3.5]);
    }

    #[test]
    fn int8_means_are_rescaled() {
        let constants = MeanQuantized {
            input_zero_point: -1,
            output_zero_point: 10,
            rescale: Multiplier { mantissa: 1 << 30, shift: 2 },
        };
        let (mut sums, mut output) = ([9; 2], [0; 2]);
        mean_quantized(
            &constants,
            &[3, 2],
            &[true, false],
            &[1i8, -1, 2, -1, 6, -128],
            &mut sums,
            &mut output,
        );
        // (2 + 3 + 7) / 3 * 2 + 10 and (0 + 0 - 127) / 3 * 2 + 10
        assert_eq!(output, [18, -75]);
    }

    #[test]
    fn the_quotient_keeps_the_factor() {
        for count in [1u64, 2, 3, 7, 49, 64, 9216, 50_176] {
            let whole = Multiplier { mantissa: 1_518_500_250, shift: -3 };
            let part = divided(whole, count);
            let real = |m: Multiplier| f64::from(m.mantissa) * 2f64.powi(m.shift - 31);
            let error = real(part) * count as f64 / real(whole) - 1.0;
            assert!(error.abs() < 1e-8, "{count}: {error}");
        }
    }
}
