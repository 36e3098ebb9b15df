//! SQUARED_DIFFERENCE on int8 (`squared_difference.cc`).

use super::binary::for_each_pair;
use super::quantize::Quantized;
use crate::requantize::Multiplier;
use crate::shape::Broadcast;

/// Constants of SQUARED_DIFFERENCE on int8. Both operands come to a common scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SquaredDifferenceI8 {
    /// Zero point of the first operand.
    pub left_zero_point: i32,
    /// Zero point of the second operand.
    pub right_zero_point: i32,
    /// Zero point of the output.
    pub output_zero_point: i32,
    /// First operand to the common scale.
    pub left: Multiplier,
    /// Second operand to the common scale.
    pub right: Multiplier,
    /// The square of the common scale to the output's.
    pub output: Multiplier,
}

/// Bits of headroom of an operand: the square of 255 * 2^7 fits in 32 bits.
pub const LEFT_SHIFT: u32 = 7;

/// `(left - right)^2`.
pub fn squared_difference_i8(
    constants: &SquaredDifferenceI8,
    walk: &Broadcast,
    left: &[i8],
    right: &[i8],
    output: &mut [i8],
) {
    for_each_pair(walk, left, right, output, |l, r| {
        let left = constants.left.apply((i32::from(l) - constants.left_zero_point) << LEFT_SHIFT);
        let right = constants.right.apply((i32::from(r) - constants.right_zero_point) << LEFT_SHIFT);
        let difference = left.wrapping_sub(right);
        let square = difference.wrapping_mul(difference);
        i8::saturate(constants.output.apply(square).wrapping_add(constants.output_zero_point))
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both scales 1: operands are halved, so a difference of d becomes 64 * d, and its square is divided by 4096.
    #[test]
    fn squares_are_rescaled_and_saturate() {
        let half = Multiplier { mantissa: 1 << 30, shift: 0 };
        let constants = SquaredDifferenceI8 {
            left_zero_point: 1,
            right_zero_point: -1,
            output_zero_point: -100,
            left: half,
            right: half,
            output: Multiplier { mantissa: 1 << 30, shift: -11 },
        };
        let walk = Broadcast::new(&[3], &[1]).unwrap();
        let mut output = [0; 3];
        squared_difference_i8(&constants, &walk, &[1, 5, -128], &[2], &mut output);
        assert_eq!(output, [-91, -99, 127]);
    }
}
