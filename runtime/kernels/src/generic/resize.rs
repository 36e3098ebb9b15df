//! RESIZE_BILINEAR on int8 and floats: rows are placed once a row, columns once a pixel, and channels are blended in vectors.

use crate::isa::{Body, Isa, Portable};
use crate::reference::resize::{Between, FRACTION_BITS, ONE, Resize};

/// Channels are blended in multiples of this where the images go on: what is written past a pixel is written over.
const STEP: usize = 16;

/// How four neighbours become one output.
trait Blend {
    type Element: Copy;
    type Part: Copy;

    fn between(shape: &Resize, axis: usize, index: usize) -> Between<Self::Part>;

    /// Blends neighbours in the order upper left, lower left, upper right, lower right.
    fn blend(
        down: Self::Part,
        right: Self::Part,
        corners: [&[Self::Element]; 4],
        output: &mut [Self::Element],
    );
}

/// All pixels, as code for an instruction set.
struct Pixels<'a, B: Blend> {
    shape: &'a Resize,
    input: &'a [B::Element],
    output: &'a mut [B::Element],
}

impl<B: Blend> Body for Pixels<'_, B> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { shape, input, mut output } = self;
        assert_eq!(output.len(), shape.output_len());
        for (batch, y) in (0..shape.batch).flat_map(|batch| (0..shape.to[0]).map(move |y| (batch, y))) {
            let rows = B::between(shape, 0, y);
            for x in 0..shape.to[1] {
                let columns = B::between(shape, 1, x);
                let [a, b, c, d] = shape.corners(batch, &rows, &columns);
                let room = output.len().min(input.len() - a.max(b).max(c).max(d));
                let count = shape.channels.next_multiple_of(STEP).min(room);
                let corners =
                    [&input[a..][..count], &input[b..][..count], &input[c..][..count], &input[d..][..count]];
                B::blend(rows.part, columns.part, corners, &mut output[..count]);
                output = &mut output[shape.channels..];
            }
        }
    }
}

struct Int8;

impl Blend for Int8 {
    type Element = i8;
    type Part = i32;

    #[inline(always)]
    fn between(shape: &Resize, axis: usize, index: usize) -> Between<i32> {
        shape.between_fixed(axis, index)
    }

    /// Weights lie in -1/2..3/2 with ten bits of fraction, so four products of them with an int8 fit in 32 bits.
    #[inline(always)]
    fn blend(down: i32, right: i32, [a, b, c, d]: [&[i8]; 4], output: &mut [i8]) {
        const HALF: i32 = 1 << (2 * FRACTION_BITS - 1);
        let (up, left) = (ONE - down, ONE - right);
        let [of_a, of_b, of_c, of_d] = [up * left, down * left, up * right, down * right];
        for ((((store, &a), &b), &c), &d) in output.iter_mut().zip(a).zip(b).zip(c).zip(d) {
            let upper = i32::from(a).wrapping_mul(of_a).wrapping_add(i32::from(b).wrapping_mul(of_b));
            let lower = i32::from(c).wrapping_mul(of_c).wrapping_add(i32::from(d).wrapping_mul(of_d));
            let sum = upper.wrapping_add(lower);
            // Halves away from zero.
            *store = (sum.wrapping_add(HALF - i32::from(sum <= 0)) >> (2 * FRACTION_BITS)) as i8;
        }
    }
}

struct Float;

impl Blend for Float {
    type Element = f32;
    type Part = f32;

    #[inline(always)]
    fn between(shape: &Resize, axis: usize, index: usize) -> Between<f32> {
        shape.between_f32(axis, index)
    }

    /// In the reference's order of products.
    #[inline(always)]
    fn blend(down: f32, right: f32, [a, b, c, d]: [&[f32]; 4], output: &mut [f32]) {
        for ((((store, a), b), c), d) in output.iter_mut().zip(a).zip(b).zip(c).zip(d) {
            *store = a * (1.0 - down) * (1.0 - right)
                + b * down * (1.0 - right)
                + c * (1.0 - down) * right
                + d * down * right;
        }
    }
}

/// RESIZE_BILINEAR on int8.
pub(crate) fn bilinear_i8_on<I: Isa>(isa: I, shape: &Resize, input: &[i8], output: &mut [i8]) {
    isa.vectorize(Pixels::<Int8> { shape, input, output });
}

/// RESIZE_BILINEAR on floats.
pub(crate) fn bilinear_f32_on<I: Isa>(isa: I, shape: &Resize, input: &[f32], output: &mut [f32]) {
    isa.vectorize(Pixels::<Float> { shape, input, output });
}

/// RESIZE_BILINEAR on int8, for any CPU.
pub fn bilinear_i8(shape: &Resize, input: &[i8], output: &mut [i8]) {
    bilinear_i8_on(Portable::new(), shape, input, output);
}

/// RESIZE_BILINEAR on floats, for any CPU.
pub fn bilinear_f32(shape: &Resize, input: &[f32], output: &mut [f32]) {
    bilinear_f32_on(Portable::new(), shape, input, output);
}
