//! How a float input becomes int8 for a kernel with int8 weights, and how its int32 sums become floats again.
//!
//! LiteRT quantizes with its NEON code on every CPU, also for its reference kernels, translated by NEON_2_SSE on x86
//! (`tflite/kernels/internal/optimized/neon_tensor_utils.cc`, `NeonSymmetricQuantizeFloats` and
//! `NeonAsymmetricQuantizeFloats`). On x86 and 32-bit Arm that rounds by adding one half and truncating, in single
//! precision, so that 0.49999997 becomes 1, and so do we on every CPU; LiteRT on 64-bit Arm rounds this one number to 0.
//!
//! The order of the float products differs from kernel to kernel in LiteRT, and so do the last bits:
//!
//! | kernel | sum to float |
//! |---|---|
//! | CONV_2D, scale per channel | `(sum * scale_filter[c]) * scale_input + bias` |
//! | CONV_2D, scale per tensor | `sum * (scale_input * scale_filter) + bias` |
//! | DEPTHWISE_CONV_2D, FULLY_CONNECTED | `sum * (scale_filter[c] * scale_input) + bias` |

use crate::spec::InputQuantization;

/// How one image or row was quantized: `real = scale * (q - zero_point)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RowQuantization {
    /// Real value of one step.
    pub scale: f32,
    /// The `q` of real 0; 0 for symmetric quantization.
    pub zero_point: i32,
}

/// Quantizes `values` to `output`, which has the same length, and says how.
pub fn quantize_row(values: &[f32], how: InputQuantization, output: &mut [i8]) -> RowQuantization {
    let (least, greatest) = min_max(values);
    let Steps { quantization, per_unit, least_q } = steps(least, greatest, how);
    for (q, &value) in output.iter_mut().zip(values) {
        let scaled = value * per_unit;
        let rounded = libm::truncf(scaled + 0.5f32.copysign(scaled)) as i32;
        *q = rounded.saturating_add(quantization.zero_point).clamp(least_q, 127) as i8;
    }
    quantization
}

fn min_max(values: &[f32]) -> (f32, f32) {
    let first = values.first().copied().unwrap_or(0.0);
    values.iter().fold((first, first), |(least, greatest), &value| (least.min(value), greatest.max(value)))
}

/// How the values of a row become integers: `clamp(round(value * per_unit) + zero_point, least_q, 127)`.
pub(crate) struct Steps {
    pub(crate) quantization: RowQuantization,
    /// Steps for a unit of the real value; 0 for a row of zeros.
    pub(crate) per_unit: f32,
    pub(crate) least_q: i32,
}

/// The steps for a row with these ends.
pub(crate) fn steps(least: f32, greatest: f32, how: InputQuantization) -> Steps {
    match how {
        InputQuantization::Symmetric => symmetric(least.abs().max(greatest.abs())),
        InputQuantization::Asymmetric => asymmetric(least.min(0.0), greatest.max(0.0)),
    }
}

const ZEROS: Steps =
    Steps { quantization: RowQuantization { scale: 1.0, zero_point: 0 }, per_unit: 0.0, least_q: -128 };

fn symmetric(range: f32) -> Steps {
    const LIMIT: i32 = 127;
    if range == 0.0 {
        return ZEROS;
    }
    let quantization = RowQuantization { scale: range / LIMIT as f32, zero_point: 0 };
    Steps { quantization, per_unit: LIMIT as f32 / range, least_q: -LIMIT }
}

fn asymmetric(least: f32, greatest: f32) -> Steps {
    if least == greatest {
        return ZEROS;
    }
    // The width of the range is rounded to single precision, what follows is not.
    let scale = f64::from(greatest - least) / 255.0;
    let zero_point = asymmetric_zero_point(f64::from(least) / scale, f64::from(greatest) / scale);
    let scale = scale as f32;
    let per_unit = if scale == 0.0 { 0.0 } else { 1.0 / scale };
    Steps { quantization: RowQuantization { scale, zero_point }, per_unit, least_q: -128 }
}

/// The zero point computed from the end of the range (in steps) that gives the smaller rounding error.
fn asymmetric_zero_point(least: f64, greatest: f64) -> i32 {
    const Q_MIN: f64 = -128.0;
    const Q_MAX: f64 = 127.0;
    let error_from_min = Q_MIN.abs() + least.abs();
    let error_from_max = Q_MAX.abs() + greatest.abs();
    let zero_point = if error_from_min < error_from_max { Q_MIN - least } else { Q_MAX - greatest };
    libm::round(zero_point.clamp(Q_MIN, Q_MAX)) as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_keep_scale_one() {
        let mut output = [7; 3];
        for how in [InputQuantization::Symmetric, InputQuantization::Asymmetric] {
            let quantization = quantize_row(&[0.0, -0.0, 0.0], how, &mut output);
            assert_eq!((quantization, output), (RowQuantization { scale: 1.0, zero_point: 0 }, [0; 3]));
        }
    }

    #[test]
    fn the_greatest_magnitude_becomes_127() {
        let mut output = [0; 3];
        let quantization = quantize_row(&[-4.0, 1.0, 2.0], InputQuantization::Symmetric, &mut output);
        assert_eq!((quantization.scale, output), (4.0 / 127.0, [-127, 32, 64]));
    }

    #[test]
    fn positive_values_use_the_whole_range_from_zero() {
        let mut output = [0; 3];
        let quantization = quantize_row(&[1.0, 2.0, 5.1], InputQuantization::Asymmetric, &mut output);
        assert_eq!((quantization.zero_point, output), (-128, [-78, -28, 127]));
    }
}
