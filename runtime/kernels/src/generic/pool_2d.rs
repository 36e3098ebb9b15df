//! AVERAGE_POOL_2D and MAX_POOL_2D: vectors of channels, tap after tap, in the reference's order.

use crate::reference::pool_2d::round_quotient;
use crate::shape::{Clamp, Pool2dShape};

/// Channels in a vector.
const L: usize = 16;

/// How a window's taps become one output.
trait Pool {
    type Element: Copy;
    type Sum: Copy;

    fn start(&self) -> Self::Sum;
    fn add(sum: Self::Sum, value: Self::Element) -> Self::Sum;
    fn finish(&self, sum: Self::Sum, taps: usize) -> Self::Element;
}

fn pool<P: Pool>(pool: &P, shape: &Pool2dShape, input: &[P::Element], output: &mut [P::Element]) {
    assert_eq!(input.len(), shape.input_len());
    assert_eq!(output.len(), shape.output_len());
    let image_len = shape.in_height * shape.in_width * shape.channels;
    for (pixel, output) in output.chunks_exact_mut(shape.channels.max(1)).enumerate() {
        let row = pixel / shape.out_width;
        let image = &input[row / shape.out_height * image_len..][..image_len];
        let mut first = 0;
        while first + L <= shape.channels {
            window::<P, L>(
                pool,
                shape,
                image,
                (row % shape.out_height, pixel % shape.out_width),
                first,
                output,
            );
            first += L;
        }
        while first < shape.channels {
            window::<P, 1>(
                pool,
                shape,
                image,
                (row % shape.out_height, pixel % shape.out_width),
                first,
                output,
            );
            first += 1;
        }
    }
}

/// Channels `first..first + N` of one output pixel.
#[inline(always)]
fn window<P: Pool, const N: usize>(
    pool: &P,
    shape: &Pool2dShape,
    image: &[P::Element],
    (out_y, out_x): (usize, usize),
    first: usize,
    output: &mut [P::Element],
) {
    let (rows, columns) = shape.inside(out_y, out_x);
    let mut sums = [pool.start(); N];
    for y in rows.clone() {
        for x in columns.clone() {
            let values = &image[(y * shape.in_width + x) * shape.channels + first..][..N];
            for (sum, &value) in sums.iter_mut().zip(values) {
                *sum = P::add(*sum, value);
            }
        }
    }
    for (store, &sum) in output[first..first + N].iter_mut().zip(&sums) {
        *store = pool.finish(sum, rows.len() * columns.len());
    }
}

struct AverageF32(Clamp<f32>);

impl Pool for AverageF32 {
    type Element = f32;
    type Sum = f32;

    #[inline(always)]
    fn start(&self) -> f32 {
        0.0
    }

    #[inline(always)]
    fn add(sum: f32, value: f32) -> f32 {
        sum + value
    }

    #[inline(always)]
    fn finish(&self, sum: f32, taps: usize) -> f32 {
        self.0.apply(sum / taps as f32)
    }
}

struct AverageI8(Clamp<i8>);

impl Pool for AverageI8 {
    type Element = i8;
    type Sum = i32;

    #[inline(always)]
    fn start(&self) -> i32 {
        0
    }

    #[inline(always)]
    fn add(sum: i32, value: i8) -> i32 {
        sum + i32::from(value)
    }

    #[inline(always)]
    fn finish(&self, sum: i32, taps: usize) -> i8 {
        self.0.apply(round_quotient(sum, taps as i32))
    }
}

struct MaxF32(Clamp<f32>);

impl Pool for MaxF32 {
    type Element = f32;
    type Sum = f32;

    #[inline(always)]
    fn start(&self) -> f32 {
        f32::MIN
    }

    #[inline(always)]
    fn add(sum: f32, value: f32) -> f32 {
        sum.max(value)
    }

    #[inline(always)]
    fn finish(&self, sum: f32, _taps: usize) -> f32 {
        self.0.apply(sum)
    }
}

struct MaxI8(Clamp<i8>);

impl Pool for MaxI8 {
    type Element = i8;
    type Sum = i8;

    #[inline(always)]
    fn start(&self) -> i8 {
        i8::MIN
    }

    #[inline(always)]
    fn add(sum: i8, value: i8) -> i8 {
        sum.max(value)
    }

    #[inline(always)]
    fn finish(&self, sum: i8, _taps: usize) -> i8 {
        self.0.apply(i32::from(sum))
    }
}

/// Mean of the taps inside the image.
pub fn average_f32(shape: &Pool2dShape, activation: Clamp<f32>, input: &[f32], output: &mut [f32]) {
    pool(&AverageF32(activation), shape, input, output);
}

/// Mean of the taps inside the image, rounded half away from zero.
pub fn average_i8(shape: &Pool2dShape, activation: Clamp<i8>, input: &[i8], output: &mut [i8]) {
    pool(&AverageI8(activation), shape, input, output);
}

/// Greatest of the taps inside the image.
pub fn max_f32(shape: &Pool2dShape, activation: Clamp<f32>, input: &[f32], output: &mut [f32]) {
    pool(&MaxF32(activation), shape, input, output);
}

/// Greatest of the taps inside the image.
pub fn max_i8(shape: &Pool2dShape, activation: Clamp<i8>, input: &[i8], output: &mut [i8]) {
    pool(&MaxI8(activation), shape, input, output);
}
