//! EQUAL, NOT_EQUAL, LESS, LESS_EQUAL and their mirror images (`reference/comparisons.h`). GREATER is LESS with its operands
//! exchanged. The output has one byte an element, 0 or 1.

use super::binary::for_each_pair;
use super::quantize::Quantized;
use crate::requantize::Multiplier;
use crate::shape::Broadcast;

/// Compares numbers as they are stored.
pub fn compare<T: Copy>(
    walk: &Broadcast,
    left: &[T],
    right: &[T],
    output: &mut [u8],
    holds: impl Fn(&T, &T) -> bool,
) {
    for_each_pair(walk, left, right, output, |l, r| u8::from(holds(&l, &r)));
}

/// An operand of a comparison of quantized values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Side {
    /// Zero point.
    pub zero_point: i32,
    /// The scale itself.
    pub scale: Multiplier,
}

impl Side {
    fn scaled<T: Quantized>(&self, value: T) -> i32 {
        /// Bits of headroom (LiteRT `comparisons.cc`).
        const LEFT_SHIFT: u32 = 8;
        self.scale.apply((value.into() - self.zero_point) << LEFT_SHIFT)
    }
}

/// Compares quantized values by the real numbers that they stand for, in steps of 1/256.
pub fn compare_quantized<T: Quantized>(
    [left_side, right_side]: [Side; 2],
    walk: &Broadcast,
    left: &[T],
    right: &[T],
    output: &mut [u8],
    holds: impl Fn(&i32, &i32) -> bool,
) {
    for_each_pair(walk, left, right, output, |l, r| {
        u8::from(holds(&left_side.scaled(l), &right_side.scaled(r)))
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_numbers_are_compared_as_they_are() {
        let walk = Broadcast::new(&[3], &[1]).unwrap();
        let mut output = [9; 3];
        compare(&walk, &[1.0, 2.0, f32::NAN], &[2.0], &mut output, f32::lt);
        assert_eq!(output, [1, 0, 0]);
    }

    /// Scales 1/2 and 1/4.
    #[test]
    fn quantized_numbers_are_compared_by_what_they_stand_for() {
        let left = Side { zero_point: 10, scale: Multiplier { mantissa: 1 << 30, shift: 0 } };
        let right = Side { zero_point: 0, scale: Multiplier { mantissa: 1 << 30, shift: -1 } };
        let walk = Broadcast::new(&[3], &[3]).unwrap();
        let mut output = [9; 3];
        compare_quantized([left, right], &walk, &[12i8, 12, 12], &[3, 4, 5], &mut output, i32::eq);
        assert_eq!(output, [0, 1, 0]);
        compare_quantized([left, right], &walk, &[12i8, 12, 12], &[3, 4, 5], &mut output, i32::le);
        assert_eq!(output, [0, 1, 1]);
    }
}
