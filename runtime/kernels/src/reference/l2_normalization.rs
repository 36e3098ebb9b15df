//! L2_NORMALIZATION over the last axis (`reference/l2normalization.h`, `integer_ops/l2normalization.h`).

use super::inverse_sqrt::inverse_sqrt;
use super::quantize::Quantized;
use crate::requantize::Multiplier;

/// Each row of `depth` elements divided by its length, or by 1e-6 where that is greater.
pub fn l2_normalization_f32(depth: usize, input: &[f32], output: &mut [f32]) {
    /// LiteRT `l2norm.cc`.
    const LEAST_LENGTH: f32 = 1e-6;
    assert_eq!(input.len(), output.len());
    for (row, output) in input.chunks_exact(depth).zip(output.chunks_exact_mut(depth)) {
        let sum = row.iter().fold(0.0, |sum, value| sum + value * value);
        let length = libm::sqrtf(sum).max(LEAST_LENGTH);
        for (store, value) in output.iter_mut().zip(row) {
            *store = value / length;
        }
    }
}

/// Rows of int8 or uint8. The output's scale is 1/128 and its zero point the middle of the type.
pub fn l2_normalization_quantized<T: Quantized>(
    input_zero_point: i32,
    depth: usize,
    input: &[T],
    output: &mut [T],
) {
    /// Bits of the output's scale.
    const OUTPUT_BITS: i32 = 7;
    assert_eq!(input.len(), output.len());
    let middle = (T::MIN + T::MAX + 1) / 2;
    for (row, output) in input.chunks_exact(depth).zip(output.chunks_exact_mut(depth)) {
        let differences = row.iter().map(|&value| value.into() - input_zero_point);
        let sum = differences.clone().fold(0i32, |sum, value| sum.wrapping_add(value.wrapping_mul(value)));
        let inverse = inverse_sqrt(sum);
        for (store, difference) in output.iter_mut().zip(differences) {
            // Signed values are shifted with the factor, unsigned ones before it: the roundings differ.
            let scaled = if T::MIN < 0 {
                Multiplier { shift: inverse.shift + OUTPUT_BITS, ..inverse }.apply(difference)
            } else {
                inverse.apply(difference << OUTPUT_BITS)
            };
            *store = T::saturate(scaled + middle);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_have_length_one() {
        let mut output = [0.0; 4];
        l2_normalization_f32(2, &[3.0, 4.0, 0.0, 0.0], &mut output);
        assert_eq!(output, [0.6, 0.8, 0.0, 0.0]);
    }

    #[test]
    fn quantized_rows_have_length_128() {
        let mut output = [0i8; 4];
        l2_normalization_quantized(1, 2, &[31, 41, 1, 1], &mut output);
        assert_eq!(output, [77, 102, 0, 0]);
        let mut output = [0u8; 2];
        l2_normalization_quantized(100, 2, &[70, 140], &mut output);
        assert_eq!(output, [51, 230]);
    }
}
