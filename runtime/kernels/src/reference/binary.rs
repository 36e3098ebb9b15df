//! Operators of two operands with broadcasting: the walk, and ADD, SUB and MUL (`reference/add.h`, `sub.h`, `mul.h` and
//! `reference/integer_ops`).
//!
//! The walk says how the operands repeat; `output` has [`Broadcast::output_len`] elements.

use super::number::Number;
use super::quantize::Quantized;
use crate::requantize::{Multiplier, rounding_divide_by_pot};
use crate::shape::{Broadcast, Clamp};

/// Constants of ADD and SUB on quantized values. Both operands are shifted left by `left_shift`, brought to a common scale, and their
/// sum is brought to the output's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddQuantized<T> {
    /// Zero point of the first operand.
    pub left_zero_point: i32,
    /// Zero point of the second operand.
    pub right_zero_point: i32,
    /// Zero point of the output.
    pub output_zero_point: i32,
    /// Bits of headroom before rescaling; LiteRT's are 20 on 8 bits and 15 on 16.
    pub left_shift: u32,
    /// First operand to the common scale.
    pub left: Multiplier,
    /// Second operand to the common scale.
    pub right: Multiplier,
    /// Common scale to the output's.
    pub output: Multiplier,
    /// Fused activation.
    pub activation: Clamp<T>,
}

/// Constants of ADD and SUB on int8.
pub type AddI8 = AddQuantized<i8>;

impl<T: Quantized> AddQuantized<T> {
    /// The first operand in the common scale.
    #[inline(always)]
    pub fn scale_left(&self, value: T) -> i32 {
        self.left.apply((value.into() - self.left_zero_point) << self.left_shift)
    }

    /// The second operand in the common scale.
    #[inline(always)]
    pub fn scale_right(&self, value: T) -> i32 {
        self.right.apply((value.into() - self.right_zero_point) << self.left_shift)
    }

    /// A sum in the common scale, as it is stored.
    #[inline(always)]
    pub fn store(&self, sum: i32) -> T {
        T::hold(self.activation, self.output.apply(sum).wrapping_add(self.output_zero_point))
    }
}

/// Constants of MUL on quantized values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MulQuantized<T> {
    /// Zero point of the first operand.
    pub left_zero_point: i32,
    /// Zero point of the second operand.
    pub right_zero_point: i32,
    /// Zero point of the output.
    pub output_zero_point: i32,
    /// `scale_left * scale_right / scale_output`.
    pub output: Multiplier,
    /// Fused activation.
    pub activation: Clamp<T>,
}

/// Constants of MUL on int8.
pub type MulI8 = MulQuantized<i8>;

/// Computes every element of a broadcast.
#[inline(always)]
pub fn for_each_pair<T: Copy, U>(
    walk: &Broadcast,
    left: &[T],
    right: &[T],
    output: &mut [U],
    compute: impl Fn(T, T) -> U,
) {
    assert_eq!(output.len(), walk.output_len());
    walk.for_each_run(|first, left_first, right_first, axis| {
        let output = &mut output[first..first + axis.len];
        match (axis.left, axis.right) {
            (1, 1) => {
                let operands = left[left_first..].iter().zip(&right[right_first..]);
                for (store, (&l, &r)) in output.iter_mut().zip(operands) {
                    *store = compute(l, r);
                }
            }
            _ => {
                for (index, store) in output.iter_mut().enumerate() {
                    *store = compute(
                        left[left_first + index * axis.left],
                        right[right_first + index * axis.right],
                    );
                }
            }
        }
    });
}

/// `left + right`.
pub fn add_f32(activation: Clamp<f32>, walk: &Broadcast, left: &[f32], right: &[f32], output: &mut [f32]) {
    for_each_pair(walk, left, right, output, |l, r| activation.apply(l + r));
}

/// `left - right`.
pub fn sub_f32(activation: Clamp<f32>, walk: &Broadcast, left: &[f32], right: &[f32], output: &mut [f32]) {
    for_each_pair(walk, left, right, output, |l, r| activation.apply(l - r));
}

/// `left * right`.
pub fn mul_f32(activation: Clamp<f32>, walk: &Broadcast, left: &[f32], right: &[f32], output: &mut [f32]) {
    for_each_pair(walk, left, right, output, |l, r| activation.apply(l * r));
}

/// `left + right`.
#[inline(always)]
pub fn add_quantized<T: Quantized>(
    constants: &AddQuantized<T>,
    walk: &Broadcast,
    left: &[T],
    right: &[T],
    output: &mut [T],
) {
    for_each_pair(walk, left, right, output, |l, r| {
        constants.store(constants.scale_left(l).wrapping_add(constants.scale_right(r)))
    });
}

/// `left - right`.
#[inline(always)]
pub fn sub_quantized<T: Quantized>(
    constants: &AddQuantized<T>,
    walk: &Broadcast,
    left: &[T],
    right: &[T],
    output: &mut [T],
) {
    for_each_pair(walk, left, right, output, |l, r| {
        constants.store(constants.scale_left(l).wrapping_sub(constants.scale_right(r)))
    });
}

/// `left * right`.
#[inline(always)]
pub fn mul_quantized<T: Quantized>(
    constants: &MulQuantized<T>,
    walk: &Broadcast,
    left: &[T],
    right: &[T],
    output: &mut [T],
) {
    for_each_pair(walk, left, right, output, |l, r| {
        let product = (l.into() - constants.left_zero_point) * (r.into() - constants.right_zero_point);
        let scaled = constants.output.apply(product).wrapping_add(constants.output_zero_point);
        T::hold(constants.activation, scaled)
    });
}

/// Constants of ADD and SUB on int16 whose scales are powers of two and whose zero points are 0. One operand has the
/// output's scale, the other is shifted to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddPowerOfTwo {
    /// Right shift of the first operand, in 0..=31.
    pub left_shift: u32,
    /// Right shift of the second operand, in 0..=31.
    pub right_shift: u32,
    /// Fused activation.
    pub activation: Clamp<i16>,
}

impl AddPowerOfTwo {
    fn shifted(self, left: i16, right: i16) -> (i16, i16) {
        let shift = |value: i16, by| rounding_divide_by_pot(i32::from(value), by) as i16;
        (shift(left, self.left_shift), shift(right, self.right_shift))
    }

    /// `left + right`, saturating.
    pub fn add(self, left: i16, right: i16) -> i16 {
        let (left, right) = self.shifted(left, right);
        i16::hold(self.activation, i32::from(left.saturating_add(right)))
    }

    /// `left - right`, saturating.
    pub fn sub(self, left: i16, right: i16) -> i16 {
        let (left, right) = self.shifted(left, right);
        i16::hold(self.activation, i32::from(left.saturating_sub(right)))
    }
}

/// `left + right` on numbers without a scale; integers wrap.
pub fn add_numbers<T: Number>(
    activation: Clamp<T>,
    walk: &Broadcast,
    left: &[T],
    right: &[T],
    output: &mut [T],
) {
    for_each_pair(walk, left, right, output, |l, r| l.plus(r).held(activation));
}

/// `left - right` on numbers without a scale; integers wrap.
pub fn sub_numbers<T: Number>(
    activation: Clamp<T>,
    walk: &Broadcast,
    left: &[T],
    right: &[T],
    output: &mut [T],
) {
    for_each_pair(walk, left, right, output, |l, r| l.minus(r).held(activation));
}

/// `left * right` on numbers without a scale; integers wrap.
pub fn mul_numbers<T: Number>(
    activation: Clamp<T>,
    walk: &Broadcast,
    left: &[T],
    right: &[T],
    output: &mut [T],
) {
    for_each_pair(walk, left, right, output, |l, r| l.times(r).held(activation));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// `scale` as LiteRT's QuantizeMultiplier gives it, for factors that need no care at the ends.
    fn multiplier(scale: f64) -> Multiplier {
        let shift = scale.log2().floor() as i32 + 1;
        Multiplier { mantissa: (scale / 2f64.powi(shift) * 2f64.powi(31)).round() as i32, shift }
    }

    proptest! {
        /// Whatever the scales, int8 ADD and SUB lie within one step of the real result (LiteRT's rounding is not exact).
        #[test]
        fn sums_are_within_one_step(
            values in proptest::collection::vec(any::<(i8, i8)>(), 1..50),
            scales in (0.001f64..10.0, 0.001f64..10.0, 0.1f64..40.0),
            zero_points in (-128i32..=127, -128i32..=127, -128i32..=127),
        ) {
            let (left_scale, right_scale, output_scale) = scales;
            let twice_max = 2.0 * left_scale.max(right_scale);
            let constants = AddI8 {
                left_zero_point: zero_points.0,
                right_zero_point: zero_points.1,
                output_zero_point: zero_points.2,
                left_shift: 20,
                left: multiplier(left_scale / twice_max),
                right: multiplier(right_scale / twice_max),
                output: multiplier(twice_max / (f64::from(1 << 20) * output_scale)),
                activation: Clamp::<i8>::NONE,
            };
            let (left, right): (std::vec::Vec<i8>, std::vec::Vec<i8>) = values.iter().copied().unzip();
            let walk = Broadcast::new(&[left.len()], &[right.len()]).unwrap();
            let mut sums = std::vec![0; left.len()];
            let mut differences = sums.clone();
            add_quantized(&constants, &walk, &left, &right, &mut sums);
            sub_quantized(&constants, &walk, &left, &right, &mut differences);
            for (index, &(l, r)) in values.iter().enumerate() {
                let l = left_scale * f64::from(i32::from(l) - zero_points.0);
                let r = right_scale * f64::from(i32::from(r) - zero_points.1);
                for (real, found) in [(l + r, sums[index]), (l - r, differences[index])] {
                    let expected = (real / output_scale + f64::from(zero_points.2)).clamp(-128.0, 127.0);
                    prop_assert!((expected - f64::from(found)).abs() < 1.0, "{} {}", expected, found);
                }
            }
        }

        #[test]
        fn products_are_within_one_step(
            l in any::<i8>(), r in any::<i8>(), scale in 0.0001f64..0.9,
            zero_points in (-128i32..=127, -128i32..=127, -128i32..=127),
        ) {
            let constants = MulI8 {
                left_zero_point: zero_points.0,
                right_zero_point: zero_points.1,
                output_zero_point: zero_points.2,
                output: multiplier(scale),
                activation: Clamp::<i8>::NONE,
            };
            let mut output = [0];
            mul_quantized(&constants, &Broadcast::new(&[], &[]).unwrap(), &[l], &[r], &mut output);
            let product = f64::from((i32::from(l) - zero_points.0) * (i32::from(r) - zero_points.1));
            let expected = (product * scale + f64::from(zero_points.2)).clamp(-128.0, 127.0);
            prop_assert!((expected - f64::from(output[0])).abs() <= 1.0);
        }
    }

    #[test]
    fn floats_are_broadcast_and_clamped() {
        let walk = Broadcast::new(&[2, 2], &[2]).unwrap();
        let mut output = [0.0; 4];
        let relu6 = Clamp { min: 0.0, max: 6.0 };
        add_f32(relu6, &walk, &[1.0, 2.0, 3.0, -9.0], &[1.0, 5.0], &mut output);
        assert_eq!(output, [2.0, 6.0, 4.0, 0.0]);
        sub_f32(Clamp::<f32>::NONE, &walk, &[1.0, 2.0, 3.0, -9.0], &[1.0, 5.0], &mut output);
        assert_eq!(output, [0.0, -3.0, 2.0, -14.0]);
        mul_f32(Clamp::<f32>::NONE, &walk, &[1.0, 2.0, 3.0, -9.0], &[1.0, 5.0], &mut output);
        assert_eq!(output, [1.0, 10.0, 3.0, -45.0]);
    }

    #[test]
    fn integers_wrap_and_are_clamped() {
        let walk = Broadcast::new(&[3], &[1]).unwrap();
        let mut output = [0; 3];
        let all = Clamp { min: i32::MIN, max: i32::MAX };
        add_numbers(all, &walk, &[i32::MAX, 1, -5], &[1], &mut output);
        assert_eq!(output, [i32::MIN, 2, -4]);
        mul_numbers(Clamp { min: 0, max: 6 }, &walk, &[2, 100, -5], &[3], &mut output);
        assert_eq!(output, [6, 6, 0]);
    }

    #[test]
    fn powers_of_two_are_shifted_and_saturate() {
        let constants = AddPowerOfTwo {
            left_shift: 0,
            right_shift: 1,
            activation: Clamp { min: i16::MIN, max: i16::MAX },
        };
        assert_eq!(constants.add(10, 5), 13);
        assert_eq!(constants.sub(10, -5), 13);
        assert_eq!(constants.add(i16::MAX, 100), i16::MAX);
        assert_eq!(constants.sub(i16::MIN, 100), i16::MIN);
    }
}
