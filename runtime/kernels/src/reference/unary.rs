//! Functions of single elements that need no table: ABS, SQRT and RSQRT on quantized values, and what floats and plain
//! integers need (`elementwise.cc`, `reference/round.h`).

use super::inverse_sqrt::inverse_sqrt;
use super::quantize::Quantized;
use crate::requantize::Multiplier;

/// Computes every element of `output` from the one of `input`.
#[inline(always)]
pub fn for_each<T: Copy, U>(input: &[T], output: &mut [U], compute: impl Fn(T) -> U) {
    assert_eq!(input.len(), output.len());
    for (store, &value) in output.iter_mut().zip(input) {
        *store = compute(value);
    }
}

/// Constants of ABS and RSQRT on quantized values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnaryQuantized {
    /// Zero point of the input.
    pub input_zero_point: i32,
    /// Zero point of the output.
    pub output_zero_point: i32,
    /// ABS: `scale_input / scale_output`, none where both are the same. RSQRT: `1 / (sqrt(scale_input) * scale_output)`.
    pub rescale: Option<Multiplier>,
}

/// ABS on quantized values.
pub fn abs_quantized<T: Quantized>(constants: &UnaryQuantized, input: &[T], output: &mut [T]) {
    for_each(input, output, |value| {
        let magnitude = (value.into() - constants.input_zero_point).abs();
        let scaled = constants.rescale.map_or(magnitude, |rescale| rescale.apply(magnitude));
        T::saturate(scaled.wrapping_add(constants.output_zero_point))
    });
}

/// RSQRT on int8. What is at or below zero gives the greatest value; callers refuse what is below.
pub fn rsqrt_i8(constants: &UnaryQuantized, input: &[i8], output: &mut [i8]) {
    /// Bits that keep the root an integer.
    const HEADROOM: i32 = 20;
    let rescale = constants.rescale.unwrap_or_default();
    let rescale = Multiplier { shift: rescale.shift - HEADROOM, ..rescale };
    for_each(input, output, |value| {
        let difference = i32::from(value) - constants.input_zero_point;
        if difference <= 0 {
            return i8::MAX;
        }
        let root = inverse_sqrt(difference);
        let root = Multiplier { shift: root.shift + HEADROOM, ..root }.apply(1);
        i8::saturate(rescale.apply(root).wrapping_add(constants.output_zero_point))
    });
}

/// SQRT on quantized values: the root in floats, cut off towards zero.
pub fn sqrt_quantized<T: Quantized>(
    (input_scale, input_zero_point): (f32, i32),
    (output_scale, output_zero_point): (f32, i32),
    input: &[T],
    output: &mut [T],
) {
    for_each(input, output, |value| {
        let real = input_scale * (value.into() - input_zero_point) as f32;
        let steps = (libm::sqrtf(real) / output_scale) as i32;
        T::saturate(steps.saturating_add(output_zero_point))
    });
}

/// `x * (1 + erf(x / sqrt 2)) / 2`, written so that nothing cancels far below 0.
pub fn gelu(value: f32) -> f32 {
    0.5 * value * libm::erfcf(value * -core::f32::consts::FRAC_1_SQRT_2)
}

/// `x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3))) / 2`.
pub fn gelu_by_tanh(value: f32) -> f32 {
    /// sqrt(2 / pi).
    const SQRT_2_OVER_PI: f32 = core::f32::consts::FRAC_2_SQRT_PI * core::f32::consts::FRAC_1_SQRT_2;
    let inner = SQRT_2_OVER_PI * (value + 0.044_715 * value * value * value);
    0.5 * value * (1.0 + libm::tanhf(inner))
}

/// `x`, or `e^x - 1` below 0.
pub fn elu(value: f32) -> f32 {
    if value < 0.0 { libm::expm1f(value) } else { value }
}

/// -1, 0 or 1; NaN stays NaN.
pub fn sign(value: f32) -> f32 {
    if value > 0.0 {
        1.0
    } else if value < 0.0 {
        -1.0
    } else if value.is_nan() {
        value
    } else {
        0.0
    }
}

/// To the nearest integer, halves to the even neighbour. What is rounded up to zero is +0, as the source has it.
pub fn round_half_even(value: f32) -> f32 {
    let below = libm::floorf(value);
    let rest = value - below;
    let is_odd = libm::fmodf(below, 2.0) != 0.0;
    if rest > 0.5 || (rest == 0.5 && is_odd) { below + 1.0 } else { below }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn magnitudes_are_rescaled_and_saturate() {
        let rescale = Some(Multiplier { mantissa: 1 << 30, shift: 2 });
        let constants = UnaryQuantized { input_zero_point: 1, output_zero_point: -5, rescale };
        let mut output = [0i8; 3];
        abs_quantized(&constants, &[-2, 4, 127], &mut output);
        assert_eq!(output, [1, 1, 127]);
        abs_quantized(&UnaryQuantized { rescale: None, ..constants }, &[-2, 4, 127], &mut output);
        assert_eq!(output, [-2, -2, 121]);
    }

    /// Scales 0.1 and 0.02.
    #[test]
    fn inverse_roots_are_within_one_step() {
        let real = 1.0 / (0.1f64.sqrt() * 0.02);
        let rescale = Multiplier { mantissa: (real / 256.0 * 2f64.powi(31)).round() as i32, shift: 8 };
        let constants =
            UnaryQuantized { input_zero_point: -128, output_zero_point: -128, rescale: Some(rescale) };
        for q in -127..=127i8 {
            let mut output = [0];
            rsqrt_i8(&constants, &[q], &mut output);
            let exact = 1.0 / (0.1 * (f64::from(q) + 128.0)).sqrt() / 0.02 - 128.0;
            assert!((exact.clamp(-128.0, 127.0) - f64::from(output[0])).abs() <= 1.0, "{q}");
        }
    }

    #[test]
    fn roots_are_cut_off() {
        let mut output = [0i8; 3];
        sqrt_quantized((1.0, -1), (0.5, 0), &[-1, 2, 8], &mut output);
        // Twice the root of 0, 3 and 9.
        assert_eq!(output, [0, 3, 6]);
    }

    #[test]
    fn halves_go_to_the_even_neighbour() {
        let rounded = [-2.5, -1.5, -0.5, 0.5, 1.5, 2.4, 1e30].map(round_half_even);
        assert_eq!(rounded, [-2.0, -2.0, 0.0, 0.0, 2.0, 2.0, 1e30]);
        assert!(round_half_even(-0.3).is_sign_positive() && round_half_even(f32::NAN).is_nan());
        assert_eq!(round_half_even(f32::INFINITY), f32::INFINITY);
    }

    #[test]
    fn both_gelus_are_near_each_other() {
        for step in -60..60 {
            let value = step as f32 / 10.0;
            assert!((gelu(value) - gelu_by_tanh(value)).abs() < 1e-3, "{value}");
        }
        assert_eq!(gelu(0.0), 0.0);
        assert!((gelu(1.0) - 0.841_344_8).abs() < 1e-6);
    }
}
