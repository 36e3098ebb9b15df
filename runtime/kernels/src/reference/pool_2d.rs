//! AVERAGE_POOL_2D and MAX_POOL_2D (`reference/pooling.h`, `reference/integer_ops/pooling.h`). Input and output share
//! scale and zero point. Every window touches the image.

use super::quantize::Quantized;
use crate::shape::{Clamp, Pool2dShape};

/// Calls `visit(output, taps)` for each output element, with the indices of its taps inside the image.
fn for_each_window<T>(
    shape: &Pool2dShape,
    output: &mut [T],
    visit: impl Fn(&mut dyn Iterator<Item = usize>) -> T,
) {
    assert_eq!(output.len(), shape.output_len());
    let mut stores = output.iter_mut();
    for image in 0..shape.batch {
        for out_y in 0..shape.out_height {
            for out_x in 0..shape.out_width {
                let (rows, columns) = shape.inside(out_y, out_x);
                for channel in 0..shape.channels {
                    let mut taps = rows.clone().flat_map(|y| {
                        let row = (image * shape.in_height + y) * shape.in_width;
                        columns.clone().map(move |x| (row + x) * shape.channels + channel)
                    });
                    if let Some(store) = stores.next() {
                        *store = visit(&mut taps);
                    }
                }
            }
        }
    }
}

/// Mean of the taps inside the image.
pub fn average_f32(shape: &Pool2dShape, activation: Clamp<f32>, input: &[f32], output: &mut [f32]) {
    assert_eq!(input.len(), shape.input_len());
    for_each_window(shape, output, |taps| {
        let (sum, count) = taps.fold((0.0, 0.0), |(sum, count), tap| (sum + input[tap], count + 1.0));
        activation.apply(sum / count)
    });
}

/// Root of the mean square of the taps inside the image.
pub fn root_mean_square_f32(shape: &Pool2dShape, activation: Clamp<f32>, input: &[f32], output: &mut [f32]) {
    assert_eq!(input.len(), shape.input_len());
    for_each_window(shape, output, |taps| {
        let square = |(sum, count), tap: usize| (sum + input[tap] * input[tap], count + 1.0);
        let (sum, count): (f32, f32) = taps.fold((0.0, 0.0), square);
        activation.apply(libm::sqrtf(sum / count))
    });
}

/// Mean of the taps inside the image, rounded half away from zero.
pub fn average_quantized<T: Quantized>(
    shape: &Pool2dShape,
    activation: Clamp<T>,
    input: &[T],
    output: &mut [T],
) {
    assert_eq!(input.len(), shape.input_len());
    for_each_window(shape, output, |taps| {
        let (sum, count) = taps.fold((0i32, 0), |(sum, count), tap| {
            let value: i32 = input[tap].into();
            (sum.wrapping_add(value), count + 1)
        });
        T::hold(activation, round_quotient(sum, count))
    });
}

/// `sum / count`, rounded half away from zero; `count` is positive.
#[inline(always)]
pub(crate) fn round_quotient(sum: i32, count: i32) -> i32 {
    let half = count / 2;
    if sum > 0 { sum.wrapping_add(half) / count } else { sum.wrapping_sub(half) / count }
}

/// Greatest of the taps inside the image.
pub fn max_f32(shape: &Pool2dShape, activation: Clamp<f32>, input: &[f32], output: &mut [f32]) {
    assert_eq!(input.len(), shape.input_len());
    for_each_window(shape, output, |taps| {
        activation.apply(taps.fold(f32::MIN, |greatest, tap| greatest.max(input[tap])))
    });
}

/// Greatest of the taps inside the image.
pub fn max_quantized<T: Quantized>(shape: &Pool2dShape, activation: Clamp<T>, input: &[T], output: &mut [T]) {
    assert_eq!(input.len(), shape.input_len());
    for_each_window(shape, output, |taps| {
        T::hold(activation, taps.fold(T::MIN, |greatest, tap| greatest.max(input[tap].into())))
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::Window2d;

    /// 3 x 3 image, 2 x 2 window, stride 2, padded at the end: windows of 4, 2, 2 and 1 taps.
    const SHAPE: Pool2dShape = Pool2dShape {
        batch: 1,
        in_height: 3,
        in_width: 3,
        out_height: 2,
        out_width: 2,
        channels: 1,
        window: Window2d {
            filter_height: 2,
            filter_width: 2,
            stride_height: 2,
            stride_width: 2,
            ..Window2d::POINT
        },
    };

    #[test]
    fn taps_in_the_padding_do_not_count() {
        let mut output = [0; 4];
        average_quantized(&SHAPE, Clamp::<i8>::NONE, &[1, 2, -3, 4, 4, -4, 7, 8, 9], &mut output);
        assert_eq!(output, [3, -4, 8, 9]);
        max_quantized(&SHAPE, Clamp { min: -2, max: 8 }, &[1, 2, -3, 4, 4, -4, 7, 8, 9], &mut output);
        assert_eq!(output, [4, -2, 8, 8]);
    }

    #[test]
    fn floats_are_averaged_and_clamped() {
        let mut output = [0.0; 4];
        let image = [1.0, 2.0, -3.0, 4.0, 4.0, -4.0, 7.0, 8.0, 9.0];
        average_f32(&SHAPE, Clamp { min: 0.0, max: 8.0 }, &image, &mut output);
        assert_eq!(output, [2.75, 0.0, 7.5, 8.0]);
        max_f32(&SHAPE, Clamp::<f32>::NONE, &image, &mut output);
        assert_eq!(output, [4.0, -3.0, 8.0, 9.0]);
    }
}
