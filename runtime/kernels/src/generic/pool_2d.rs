//! AVERAGE_POOL_2D and MAX_POOL_2D: vectors of channels, tap after tap, in the reference's order.

use crate::isa::{Body, Isa, Portable};
use crate::reference::pool_2d::round_quotient;
use crate::shape::{Clamp, Pool2dShape};

/// How a window's taps become one output.
trait Pool {
    type Element: Copy;
    type Sum: Copy;

    fn start(&self) -> Self::Sum;
    fn add(sum: Self::Sum, value: Self::Element) -> Self::Sum;
    fn finish(&self, sum: Self::Sum, taps: Taps) -> Self::Element;
}

/// The number of taps of a window, and what divides by it.
#[derive(Clone, Copy)]
struct Taps {
    count: i32,
    /// `2^24 / count`, rounded up; 0 for windows beyond [`Taps::MOST`].
    inverse: u32,
}

impl Taps {
    const BITS: u32 = 24;
    /// A dividend is below `129 * count`, and the inverse is too large by less than 1: while `129 * count^2 < 2^24`, the
    /// quotient is the right one (Granlund and Montgomery 1994, theorem 4.2).
    const MOST: i32 = 360;

    #[inline(always)]
    fn new(count: usize) -> Self {
        let count = count as i32;
        let inverse =
            if (1..=Self::MOST).contains(&count) { (1u32 << Self::BITS).div_ceil(count as u32) } else { 0 };
        Self { count, inverse }
    }

    /// [`round_quotient`] of a sum of int8.
    #[inline(always)]
    fn round_quotient(self, sum: i32) -> i32 {
        if self.inverse == 0 {
            return round_quotient(sum, self.count);
        }
        let dividend = sum.unsigned_abs() + self.count as u32 / 2;
        let quotient = (dividend.wrapping_mul(self.inverse) >> Self::BITS) as i32;
        if sum < 0 { -quotient } else { quotient }
    }
}

/// All windows, as code for an instruction set.
struct Windows<'a, P: Pool> {
    pool: &'a P,
    shape: &'a Pool2dShape,
    input: &'a [P::Element],
    output: &'a mut [P::Element],
}

impl<P: Pool> Body for Windows<'_, P> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { pool, shape, input, output } = self;
        assert_eq!(input.len(), shape.input_len());
        assert_eq!(output.len(), shape.output_len());
        let image_len = shape.in_height * shape.in_width * shape.channels;
        for (pixel, output) in output.chunks_exact_mut(shape.channels.max(1)).enumerate() {
            let row = pixel / shape.out_width;
            let image = &input[row / shape.out_height * image_len..][..image_len];
            let place = (row % shape.out_height, pixel % shape.out_width);
            let first = windows::<P, 64>(pool, shape, image, place, 0, output);
            let first = windows::<P, 16>(pool, shape, image, place, first, output);
            windows::<P, 1>(pool, shape, image, place, first, output);
        }
    }
}

/// Channels of one output pixel from `first` on, `N` at a time; gives back the first that is left.
#[inline(always)]
fn windows<P: Pool, const N: usize>(
    pool: &P,
    shape: &Pool2dShape,
    image: &[P::Element],
    place: (usize, usize),
    mut first: usize,
    output: &mut [P::Element],
) -> usize {
    while first + N <= shape.channels {
        window::<P, N>(pool, shape, image, place, first, output);
        first += N;
    }
    first
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
            for n in 0..N {
                sums[n] = P::add(sums[n], values[n]);
            }
        }
    }
    let taps = Taps::new(rows.len() * columns.len());
    for (store, &sum) in output[first..first + N].iter_mut().zip(&sums) {
        *store = pool.finish(sum, taps);
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
    fn finish(&self, sum: f32, taps: Taps) -> f32 {
        self.0.apply(sum / taps.count as f32)
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
    fn finish(&self, sum: i32, taps: Taps) -> i8 {
        self.0.apply(taps.round_quotient(sum))
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
    fn finish(&self, sum: f32, _taps: Taps) -> f32 {
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
    fn finish(&self, sum: i8, _taps: Taps) -> i8 {
        self.0.apply(i32::from(sum))
    }
}

/// Mean of the taps inside the image.
pub(crate) fn average_f32_on<I: Isa>(
    isa: I,
    shape: &Pool2dShape,
    activation: Clamp<f32>,
    input: &[f32],
    output: &mut [f32],
) {
    isa.vectorize(Windows { pool: &AverageF32(activation), shape, input, output });
}

/// Mean of the taps inside the image.
pub fn average_f32(shape: &Pool2dShape, activation: Clamp<f32>, input: &[f32], output: &mut [f32]) {
    average_f32_on(Portable::new(), shape, activation, input, output);
}

/// Mean of the taps inside the image, rounded half away from zero.
pub(crate) fn average_i8_on<I: Isa>(
    isa: I,
    shape: &Pool2dShape,
    activation: Clamp<i8>,
    input: &[i8],
    output: &mut [i8],
) {
    isa.vectorize(Windows { pool: &AverageI8(activation), shape, input, output });
}

/// Mean of the taps inside the image, rounded half away from zero.
pub fn average_i8(shape: &Pool2dShape, activation: Clamp<i8>, input: &[i8], output: &mut [i8]) {
    average_i8_on(Portable::new(), shape, activation, input, output);
}

/// Greatest of the taps inside the image.
pub(crate) fn max_f32_on<I: Isa>(
    isa: I,
    shape: &Pool2dShape,
    activation: Clamp<f32>,
    input: &[f32],
    output: &mut [f32],
) {
    isa.vectorize(Windows { pool: &MaxF32(activation), shape, input, output });
}

/// Greatest of the taps inside the image.
pub fn max_f32(shape: &Pool2dShape, activation: Clamp<f32>, input: &[f32], output: &mut [f32]) {
    max_f32_on(Portable::new(), shape, activation, input, output);
}

/// Greatest of the taps inside the image.
pub(crate) fn max_i8_on<I: Isa>(
    isa: I,
    shape: &Pool2dShape,
    activation: Clamp<i8>,
    input: &[i8],
    output: &mut [i8],
) {
    isa.vectorize(Windows { pool: &MaxI8(activation), shape, input, output });
}

/// Greatest of the taps inside the image.
pub fn max_i8(shape: &Pool2dShape, activation: Clamp<i8>, input: &[i8], output: &mut [i8]) {
    max_i8_on(Portable::new(), shape, activation, input, output);
}
