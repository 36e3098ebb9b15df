//! HARD_SWISH, `x * min(max(x + 3, 0), 6) / 6` (`reference/hard_swish.h`). On 8 bits in 16-bit fixed point; the last product
//! is truncated on purpose, which cancels the bias of the roundings before it.

use super::quantize::Quantized;
use crate::requantize::{
    rounding_divide_by_pot, saturating_doubling_high_mul_i16, saturating_left_shift_i16,
    saturating_rounding_doubling_high_mul_i16,
};

/// On floats.
pub fn hard_swish_f32(input: &[f32], output: &mut [f32]) {
    assert_eq!(input.len(), output.len());
    for (store, &value) in output.iter_mut().zip(input) {
        *store = value * (value + 3.0).clamp(0.0, 6.0) / 6.0;
    }
}

/// Constants of HARD_SWISH on int8 and uint8. A factor is `mantissa * 2^(exponent - 15)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HardSwish {
    /// Zero point of the input.
    pub input_zero_point: i16,
    /// Zero point of the output.
    pub output_zero_point: i16,
    /// `scale_input / 128 / scale_output`: mantissa.
    pub output_mantissa: i16,
    /// `scale_input / 128 / scale_output`: exponent, at most 0.
    pub output_exponent: i32,
    /// `scale_input / 128 / (3 / 32768)`: mantissa.
    pub reluish_mantissa: i16,
    /// `scale_input / 128 / (3 / 32768)`: exponent.
    pub reluish_exponent: i32,
}

impl HardSwish {
    /// The output for one element.
    pub fn apply<T: Quantized>(&self, value: T) -> T {
        let fine = (value.into() as i16 - self.input_zero_point) * (1 << 7);
        let preshift = saturating_rounding_doubling_high_mul_i16(fine, self.output_mantissa);
        let gate = self.gate(fine);
        let product = saturating_doubling_high_mul_i16(gate, preshift);
        let right = (-self.output_exponent).clamp(0, 31) as u32;
        let shifted = rounding_divide_by_pot(i32::from(product), right) + i32::from(self.output_zero_point);
        T::saturate(shifted)
    }

    /// `min(max(x + 3, 0), 6) / 6` as Q0.15.
    fn gate(&self, fine: i16) -> i16 {
        let mut value = fine;
        // The last bit of a left shift comes after the product, so that saturation strikes once, at the end.
        if self.reluish_exponent > 0 {
            value = saturating_left_shift_i16(value, self.reluish_exponent as u32 - 1);
        }
        value = saturating_rounding_doubling_high_mul_i16(value, self.reluish_mantissa);
        if self.reluish_exponent > 0 {
            value = saturating_left_shift_i16(value, 1);
        }
        let right = (-self.reluish_exponent).clamp(0, 31) as u32;
        let value = rounding_divide_by_pot(i32::from(value), right);
        ((value + (1 << 15)) >> 1) as i16
    }
}

/// On int8 and uint8.
pub fn hard_swish_quantized<T: Quantized>(constants: &HardSwish, input: &[T], output: &mut [T]) {
    assert_eq!(input.len(), output.len());
    for (store, &value) in output.iter_mut().zip(input) {
        *store = constants.apply(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_follow_the_formula() {
        let mut output = [0.0; 5];
        hard_swish_f32(&[-4.0, -1.5, 0.0, 1.5, 5.0], &mut output);
        assert_eq!(output, [0.0, -0.375, 0.0, 1.125, 5.0]);
    }

    /// Input scale 0.05, output scale 0.04: the factors are 0.05 / 128 / 0.04 and 0.05 / 128 * 32768 / 3.
    #[test]
    fn int8_is_within_one_step_of_the_formula() {
        let fixed = |real: f64| {
            let exponent = real.log2().floor() as i32 + 1;
            ((real / 2f64.powi(exponent) * 32768.0).round().min(32767.0) as i16, exponent)
        };
        let (output_mantissa, output_exponent) = fixed(0.05 / 128.0 / 0.04);
        let (reluish_mantissa, reluish_exponent) = fixed(0.05 / 128.0 * 32768.0 / 3.0);
        let constants = HardSwish {
            input_zero_point: -20,
            output_zero_point: -100,
            output_mantissa,
            output_exponent,
            reluish_mantissa,
            reluish_exponent,
        };
        for q in i8::MIN..=i8::MAX {
            let mut output = [0];
            hard_swish_quantized(&constants, &[q], &mut output);
            let real = 0.05 * (f64::from(q) + 20.0);
            let exact = (real * (real + 3.0).clamp(0.0, 6.0) / 6.0 / 0.04 - 100.0).clamp(-128.0, 127.0);
            assert!((exact - f64::from(output[0])).abs() <= 1.0, "{q}: {exact} {}", output[0]);
        }
    }
}
