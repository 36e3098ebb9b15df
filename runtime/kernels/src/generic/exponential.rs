//! LOGISTIC and SOFTMAX on floats, with an exponential that runs in vectors. It is within two units in the last place of
//! the true value, as libm's is, but not the same bits.

use core::marker::PhantomData;

use crate::isa::{Body, Isa, Portable};

/// `e^x` for `x` that is not above 88. Below -87 it stays at the least normal number; a NaN stays a NaN.
///
/// `x = n ln 2 + r` with `|r| <= ln 2 / 2` (Cody and Waite's two parts of ln 2), then a polynomial in `r`, its coefficients
/// those of Cephes' `expf` (Moshier 1989), and `n` goes into the exponent.
#[inline(always)]
fn exp<I: Isa>(x: f32) -> f32 {
    /// 1.5 * 2^23: added, it leaves the nearest integer in the low bits.
    const SHIFT: f32 = 12_582_912.0;
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    const LEAST: f32 = -87.0;
    let x = if x < LEAST { LEAST } else { x };
    let shifted = I::multiply_add(x, core::f32::consts::LOG2_E, SHIFT);
    let n = shifted - SHIFT;
    let r = I::multiply_add(n, -LN_2_LOW, I::multiply_add(n, -LN_2_HIGH, x));
    let mut sum = 1.987_569_1e-4;
    for coefficient in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5] {
        sum = I::multiply_add(sum, r, coefficient);
    }
    let fraction = I::multiply_add(sum, r * r, r) + 1.0;
    let exponent = (shifted.to_bits().wrapping_sub(SHIFT.to_bits()).wrapping_add(127)) << 23;
    fraction * f32::from_bits(exponent)
}

struct Logistic<'a, I> {
    isa: PhantomData<I>,
    input: &'a [f32],
    output: &'a mut [f32],
}

impl<I: Isa> Body for Logistic<'_, I> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { isa: _, input, output } = self;
        assert_eq!(input.len(), output.len());
        for (store, &value) in output.iter_mut().zip(input) {
            // Of -|x|, which cannot overflow.
            let power = exp::<I>(-value.abs());
            let numerator = if value < 0.0 { power } else { 1.0 };
            *store = numerator / (1.0 + power);
        }
    }
}

struct Softmax<'a, I> {
    isa: PhantomData<I>,
    beta: f32,
    depth: usize,
    input: &'a [f32],
    output: &'a mut [f32],
}

impl<I: Isa> Body for Softmax<'_, I> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { isa: _, beta, depth, input, output } = self;
        assert_eq!(input.len(), output.len());
        for (row, output) in input.chunks_exact(depth).zip(output.chunks_exact_mut(depth)) {
            let mut greatest = f32::MIN;
            for &value in row {
                greatest = greatest.max(value);
            }
            for (store, &value) in output.iter_mut().zip(row) {
                *store = exp::<I>((value - greatest) * beta);
            }
            let mut sum = 0.0;
            for &power in &*output {
                sum += power;
            }
            for power in output {
                *power /= sum;
            }
        }
    }
}

/// `1 / (1 + e^-x)`.
pub(crate) fn logistic_on<I: Isa>(isa: I, input: &[f32], output: &mut [f32]) {
    isa.vectorize(Logistic { isa: PhantomData::<I>, input, output });
}

/// `e^(beta * (x - max)) / sum` in each row of `depth` elements. A `beta` below 0, which no model has, goes to the reference.
pub(crate) fn softmax_on<I: Isa>(isa: I, beta: f32, depth: usize, input: &[f32], output: &mut [f32]) {
    if beta < 0.0 {
        return crate::reference::softmax::softmax_f32(beta, depth, input, output);
    }
    isa.vectorize(Softmax { isa: PhantomData::<I>, beta, depth, input, output });
}

/// `logistic_on` for any CPU.
pub fn logistic(input: &[f32], output: &mut [f32]) {
    logistic_on(Portable::new(), input, output);
}

/// `softmax_on` for any CPU.
pub fn softmax(beta: f32, depth: usize, input: &[f32], output: &mut [f32]) {
    softmax_on(Portable::new(), beta, depth, input, output);
}
