//! RELU and its relatives, LEAKY_RELU and PRELU: floats are clamped or scaled; quantized values are rescaled
//! (`reference_ops::ReluX` of `activations.cc`, `reference/leaky_relu.h`, `prelu.h`).

use super::binary::for_each_pair;
use super::quantize::{Quantized, Requantize};
use super::unary::for_each;
use crate::requantize::Multiplier;
use crate::shape::{Broadcast, Clamp};

/// Clamps every element. `input` and `output` have the same length.
pub fn clamp_f32(range: Clamp<f32>, input: &[f32], output: &mut [f32]) {
    for_each(input, output, |value| range.apply(value));
}

/// Rescales every element and clamps it to `range`, which is in the output's units.
pub fn clamp_quantized<T: Quantized>(rescale: &Requantize, range: Clamp<T>, input: &[T], output: &mut [T]) {
    for_each(input, output, |value| T::hold(range, rescale.apply(value.into())));
}

/// `x`, or `slope * x` below 0.
pub fn leaky_relu_f32(slope: f32, input: &[f32], output: &mut [f32]) {
    for_each(input, output, |value| if value > 0.0 { value } else { value * slope });
}

/// Constants of LEAKY_RELU and PRELU on quantized values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeakyRelu {
    /// Zero point of the input.
    pub input_zero_point: i32,
    /// Zero point of the slopes; without meaning for LEAKY_RELU.
    pub slope_zero_point: i32,
    /// Zero point of the output.
    pub output_zero_point: i32,
    /// `scale_input / scale_output`, for what is not below 0.
    pub identity: Multiplier,
    /// `scale_input * slope / scale_output` for LEAKY_RELU, `scale_input * scale_slope / scale_output` for PRELU. The
    /// mantissa is negative when the slope is.
    pub slope: Multiplier,
}

impl LeakyRelu {
    fn apply<T: Quantized>(&self, value: T, below_zero: impl FnOnce(i32) -> i32) -> T {
        let difference = value.into() - self.input_zero_point;
        let scaled = if difference >= 0 {
            self.identity.apply(difference)
        } else {
            self.slope.apply(below_zero(difference))
        };
        T::saturate(scaled.wrapping_add(self.output_zero_point))
    }
}

/// LEAKY_RELU on quantized values.
pub fn leaky_relu_quantized<T: Quantized>(constants: &LeakyRelu, input: &[T], output: &mut [T]) {
    for_each(input, output, |value| constants.apply(value, |difference| difference));
}

/// `x`, or `slope * x` below 0, with a slope for each element that the walk repeats.
pub fn prelu_f32(walk: &Broadcast, input: &[f32], slopes: &[f32], output: &mut [f32]) {
    for_each_pair(
        walk,
        input,
        slopes,
        output,
        |value, slope| if value >= 0.0 { value } else { value * slope },
    );
}

/// PRELU on quantized values.
pub fn prelu_quantized<T: Quantized>(
    constants: &LeakyRelu,
    walk: &Broadcast,
    input: &[T],
    slopes: &[T],
    output: &mut [T],
) {
    for_each_pair(walk, input, slopes, output, |value, slope| {
        constants.apply(value, |difference| difference * (slope.into() - constants.slope_zero_point))
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALF: Multiplier = Multiplier { mantissa: 1 << 30, shift: 0 };
    const ONE: Multiplier = Multiplier { mantissa: 1 << 30, shift: 1 };

    #[test]
    fn only_what_is_below_zero_has_a_slope() {
        let mut output = [0.0; 4];
        leaky_relu_f32(-0.5, &[-2.0, 0.0, 3.0, -1.0], &mut output);
        assert_eq!(output, [1.0, 0.0, 3.0, 0.5]);
        let walk = Broadcast::new(&[2, 2], &[2]).unwrap();
        prelu_f32(&walk, &[-2.0, -2.0, 3.0, -1.0], &[0.5, 2.0], &mut output);
        assert_eq!(output, [-1.0, -4.0, 3.0, -2.0]);
    }

    #[test]
    fn quantized_slopes_are_products_of_three_scales() {
        let constants = LeakyRelu {
            input_zero_point: 10,
            slope_zero_point: -2,
            output_zero_point: 1,
            identity: ONE,
            slope: HALF,
        };
        let mut output = [0i8; 3];
        leaky_relu_quantized(&constants, &[10, 14, 4], &mut output);
        assert_eq!(output, [1, 5, -2]);
        let walk = Broadcast::new(&[3], &[1]).unwrap();
        prelu_quantized(&constants, &walk, &[10, 14, 4], &[2], &mut output);
        assert_eq!(output, [1, 5, -11]);
    }
}
