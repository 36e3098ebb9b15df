//! ADD, SUB and MUL on int8 in 32-bit vectors, equal to the reference bit for bit.
//!
//! A sum is linear in its operands but for the roundings on the way. `LinearSum` computes it with one rounding and knows
//! how far the reference may be from it; where a tie lies within that distance, which is rare, the reference is asked. A
//! product of two int8 has 17 bits, so that `ExactProduct` can follow the reference's roundings in 32 bits.

use crate::isa::{Body, Isa, Portable};
use crate::reference::binary as reference;
use crate::reference::binary::{AddI8, MulI8};
use crate::requantize::Multiplier;
use crate::shape::{Broadcast, BroadcastAxis, Clamp};

/// Elements that are computed before anything is looked at twice.
const BLOCK: usize = 64;

/// A function of two int8 elements.
trait Pairs: Copy {
    /// Outputs for operands of the same length.
    fn block(self, left: &[i8], right: &[i8], output: &mut [i8]);
}

/// Two operands, how they are walked, and where the results go.
struct Walk<'a, P> {
    pairs: P,
    walk: &'a Broadcast,
    left: &'a [i8],
    right: &'a [i8],
    output: &'a mut [i8],
}

impl<P: Pairs> Body for Walk<'_, P> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { pairs, walk, left, right, output } = self;
        assert_eq!(output.len(), walk.output_len());
        let axis = walk.inner();
        // Counted out, for a closure that is not inlined would be compiled for the baseline.
        for run in 0..walk.runs() {
            let (first, left_first, right_first) = walk.run(run);
            let output = &mut output[first..][..axis.len];
            run_along(pairs, axis, &left[left_first..], &right[right_first..], output);
        }
    }
}

/// One run, block by block.
#[inline(always)]
fn run_along<P: Pairs>(pairs: P, axis: BroadcastAxis, left: &[i8], right: &[i8], output: &mut [i8]) {
    let mut first = 0;
    for output in output.chunks_mut(BLOCK) {
        let (mut few_left, mut few_right) = ([0; BLOCK], [0; BLOCK]);
        let left = operand(left, first, axis.left, output.len(), &mut few_left);
        let right = operand(right, first, axis.right, output.len(), &mut few_right);
        pairs.block(left, right, output);
        first += output.len();
    }
}

/// `count` elements, `step` apart, from the one at `first` steps; where they do not lie together, in `room`.
#[inline(always)]
fn operand<'a>(
    values: &'a [i8],
    first: usize,
    step: usize,
    count: usize,
    room: &'a mut [i8; BLOCK],
) -> &'a [i8] {
    match step {
        0 => room.fill(values[0]),
        1 => return &values[first..][..count],
        _ => {
            for (place, value) in room[..count].iter_mut().zip(values[first * step..].iter().step_by(step)) {
                *place = *value;
            }
        }
    }
    &room[..count]
}

/// `left * x + right * y + offset` with `fraction_bits` behind the point; half a step is part of the offset.
#[derive(Clone, Copy)]
struct LinearSum<'a> {
    constants: &'a AddI8,
    is_difference: bool,
    left: i32,
    right: i32,
    offset: i32,
    fraction_bits: u32,
    /// How far the reference may be from it, in the last fraction bit.
    doubt: i32,
}

impl<'a> LinearSum<'a> {
    /// None where multipliers are so large or so small that the reference does something else.
    fn of(constants: &'a AddI8, is_difference: bool) -> Option<Self> {
        let AddI8 { left, right, output, .. } = *constants;
        let output_shift = output.shift.unsigned_abs();
        if left.shift > 0 || right.shift > 0 || output.shift > -12 || constants.left_shift != 20 {
            return None;
        }
        let scale = real(output) * f64::from(1u32 << constants.left_shift);
        let sign = if is_difference { -1.0 } else { 1.0 };
        let (left, right) = (real(left) * scale, sign * real(right) * scale);
        let offset = f64::from(constants.output_zero_point) + 0.5
            - left * f64::from(constants.left_zero_point)
            - right * f64::from(constants.right_zero_point);
        let bound = 128.0 * (left + right.abs()) + offset.abs() + 1.0;
        let fraction_bits =
            (14..=24).rev().find(|&bits| bound * f64::from(1 << bits) < f64::from(1 << 30))?;
        let fixed = |value: f64| libm::rint(libm::ldexp(value, fraction_bits)) as i32;
        // Both operands are rounded twice, by one at most, and so is their sum, by a half, before the last shift. The
        // fixed factors are off by a half at most, times 128, and the offset by a half.
        let reference_error = libm::ceil(libm::ldexp(2.5, fraction_bits - output_shift as i32)) as i32;
        Some(Self {
            constants,
            is_difference,
            left: fixed(left),
            right: fixed(right),
            offset: fixed(offset),
            fraction_bits: fraction_bits as u32,
            doubt: reference_error + 2 * 64 + 2,
        })
    }
}

impl LinearSum<'_> {
    #[inline(always)]
    fn sum(&self, left: i8, right: i8) -> i32 {
        let products =
            i32::from(left).wrapping_mul(self.left).wrapping_add(i32::from(right).wrapping_mul(self.right));
        products.wrapping_add(self.offset)
    }

    /// Whether the reference may round the other way.
    #[inline(always)]
    fn is_doubtful(&self, sum: i32) -> bool {
        let mask = (1 << self.fraction_bits) - 1;
        (sum.wrapping_add(self.doubt) & mask) < 2 * self.doubt
    }

    /// Asks the reference about doubtful elements. Rare, so it stays out of the way.
    #[cold]
    #[inline(never)]
    fn settle(&self, left: &[i8], right: &[i8], output: &mut [i8]) {
        for ((store, &left), &right) in output.iter_mut().zip(left).zip(right) {
            if self.is_doubtful(self.sum(left, right)) {
                let (left, right) = (self.constants.scale_left(left), self.constants.scale_right(right));
                let sum =
                    if self.is_difference { left.wrapping_sub(right) } else { left.wrapping_add(right) };
                *store = self.constants.store(sum);
            }
        }
    }
}

impl Pairs for LinearSum<'_> {
    #[inline(always)]
    fn block(self, left: &[i8], right: &[i8], output: &mut [i8]) {
        let (activation, fraction_bits) = (self.constants.activation, self.fraction_bits);
        let mut doubtful = 0;
        for ((store, &left), &right) in output.iter_mut().zip(left).zip(right) {
            let sum = self.sum(left, right);
            doubtful |= i32::from(self.is_doubtful(sum));
            *store = activation.apply(sum >> fraction_bits);
        }
        if doubtful != 0 {
            self.settle(left, right, output);
        }
    }
}

/// The value of a multiplier.
fn real(multiplier: Multiplier) -> f64 {
    libm::ldexp(f64::from(multiplier.mantissa), multiplier.shift - 31)
}

/// The reference's product, with the mantissa in two halves so that nothing needs more than 32 bits.
#[derive(Clone, Copy)]
struct ExactProduct {
    left_zero_point: i32,
    right_zero_point: i32,
    output_zero_point: i32,
    /// `mantissa = high * 2^16 + low`, with `low` in -2^15..2^15.
    high: i32,
    low: i32,
    /// Shift to the right, its half, and whether there is one.
    shift: u32,
    half: i32,
    shifts: i32,
    activation: Clamp<i8>,
}

impl ExactProduct {
    /// None for a multiplier above 1.
    fn of(constants: &MulI8) -> Option<Self> {
        let Multiplier { mantissa, shift } = constants.output;
        if shift > 0 {
            return None;
        }
        let shift = shift.unsigned_abs().min(31);
        let high = ((i64::from(mantissa) + (1 << 15)) >> 16) as i32;
        Some(Self {
            left_zero_point: constants.left_zero_point,
            right_zero_point: constants.right_zero_point,
            output_zero_point: constants.output_zero_point,
            high,
            low: (i64::from(mantissa) - (i64::from(high) << 16)) as i32,
            shift,
            half: if shift > 0 { 1 << (shift - 1) } else { 0 },
            shifts: i32::from(shift > 0),
            activation: constants.activation,
        })
    }

    #[inline(always)]
    fn apply(self, left: i8, right: i8) -> i8 {
        let left = i32::from(left) - self.left_zero_point;
        let product = left.wrapping_mul(i32::from(right) - self.right_zero_point);
        // floor((product * mantissa + 2^30) / 2^31), from the outside in; |product| < 2^16 keeps all terms in range.
        let upper = product.wrapping_mul(self.high).wrapping_add(product.wrapping_mul(self.low) >> 16);
        let high_product = upper.wrapping_add(1 << 14) >> 15;
        // Halves away from zero: below zero, one less before the shift.
        let nudge = self.half - (i32::from(high_product < 0) & self.shifts);
        let scaled = high_product.wrapping_add(nudge) >> self.shift;
        self.activation.apply(scaled + self.output_zero_point)
    }
}

impl Pairs for ExactProduct {
    #[inline(always)]
    fn block(self, left: &[i8], right: &[i8], output: &mut [i8]) {
        for ((store, &left), &right) in output.iter_mut().zip(left).zip(right) {
            *store = self.apply(left, right);
        }
    }
}

/// `left + right`, see [`reference::add_quantized`].
pub(crate) fn add<I: Isa>(
    isa: I,
    constants: &AddI8,
    walk: &Broadcast,
    left: &[i8],
    right: &[i8],
    output: &mut [i8],
) {
    match LinearSum::of(constants, false) {
        Some(pairs) => isa.vectorize(Walk { pairs, walk, left, right, output }),
        None => reference::add_quantized(constants, walk, left, right, output),
    }
}

/// `left - right`, see [`reference::sub_quantized`].
pub(crate) fn sub<I: Isa>(
    isa: I,
    constants: &AddI8,
    walk: &Broadcast,
    left: &[i8],
    right: &[i8],
    output: &mut [i8],
) {
    match LinearSum::of(constants, true) {
        Some(pairs) => isa.vectorize(Walk { pairs, walk, left, right, output }),
        None => reference::sub_quantized(constants, walk, left, right, output),
    }
}

/// `left * right`, see [`reference::mul_quantized`].
pub(crate) fn mul<I: Isa>(
    isa: I,
    constants: &MulI8,
    walk: &Broadcast,
    left: &[i8],
    right: &[i8],
    output: &mut [i8],
) {
    match ExactProduct::of(constants) {
        Some(pairs) => isa.vectorize(Walk { pairs, walk, left, right, output }),
        None => reference::mul_quantized(constants, walk, left, right, output),
    }
}

/// `add` for any CPU.
pub fn add_i8(constants: &AddI8, walk: &Broadcast, left: &[i8], right: &[i8], output: &mut [i8]) {
    add(Portable::new(), constants, walk, left, right, output);
}

/// `sub` for any CPU.
pub fn sub_i8(constants: &AddI8, walk: &Broadcast, left: &[i8], right: &[i8], output: &mut [i8]) {
    sub(Portable::new(), constants, walk, left, right, output);
}

/// `mul` for any CPU.
pub fn mul_i8(constants: &MulI8, walk: &Broadcast, left: &[i8], right: &[i8], output: &mut [i8]) {
    mul(Portable::new(), constants, walk, left, right, output);
}
