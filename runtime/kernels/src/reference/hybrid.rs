//! How a float input becomes int8 for a kernel with int8 weights, and how its int32 sums become floats again
//! (`tflite/kernels/internal/reference/portable_tensor_utils.cc`).
//!
//! The order of the float products differs from kernel to kernel in LiteRT, and so do the last bits:
//!
//! | kernel | sum to float |
//! |---|---|
//! | CONV_2D, scale per channel | `(sum * scale_filter[c]) * scale_input + bias` |
//! | CONV_2D, scale per tensor | `sum * (scale_input * scale_filter) + bias` |
//! | DEPTHWISE_CONV_2D, FULLY_CONNECTED | `sum * (scale_filter[c] * scale_input) + bias` |

use crate::round::round_to_i32;
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
    match how {
        InputQuantization::Symmetric => quantize_symmetric(values, least, greatest, output),
        InputQuantization::Asymmetric => quantize_asymmetric(values, least, greatest, output),
    }
}

fn min_max(values: &[f32]) -> (f32, f32) {
    let first = values.first().copied().unwrap_or(0.0);
    values.iter().fold((first, first), |(least, greatest), &value| {
        (if value < least { value } else { least }, if value > greatest { value } else { greatest })
    })
}

/// `PortableSymmetricQuantizeFloats`.
fn quantize_symmetric(values: &[f32], least: f32, greatest: f32, output: &mut [i8]) -> RowQuantization {
    const LIMIT: i32 = 127;
    let range = least.abs().max(greatest.abs());
    if range == 0.0 {
        output.fill(0);
        return RowQuantization { scale: 1.0, zero_point: 0 };
    }
    let inverse = LIMIT as f32 / range;
    for (q, &value) in output.iter_mut().zip(values) {
        *q = round_to_i32(value * inverse).clamp(-LIMIT, LIMIT) as i8;
    }
    RowQuantization { scale: range / LIMIT as f32, zero_point: 0 }
}

/// `PortableAsymmetricQuantizeFloats`.
fn quantize_asymmetric(values: &[f32], least: f32, greatest: f32, output: &mut [i8]) -> RowQuantization {
    let (least, greatest) = (f64::from(least.min(0.0)), f64::from(greatest.max(0.0)));
    if least == greatest {
        output.fill(0);
        return RowQuantization { scale: 1.0, zero_point: 0 };
    }
    let scale = (greatest - least) / 255.0;
    let zero_point = asymmetric_zero_point(least / scale, greatest / scale);
    let scale = scale as f32;
    let inverse = if scale == 0.0 { 0.0 } else { 1.0 / scale };
    for (q, &value) in output.iter_mut().zip(values) {
        *q = round_to_i32(zero_point as f32 + value * inverse).clamp(-128, 127) as i8;
    }
    RowQuantization { scale, zero_point }
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
