//! `1 / sqrt(x)` of an integer as a fixed-point factor, by Newton's method (LiteRT `internal/common.h`,
//! `GetInvSqrtQuantizedMultiplierExp`).

use crate::requantize::{
    Multiplier, rounding_divide_by_pot, saturating_left_shift_i32,
    saturating_rounding_doubling_high_mul as mul,
};

/// The factor nearest to `1 / sqrt(value)` that the source's arithmetic reaches; 0 counts as 1.
pub(super) fn inverse_sqrt(value: i32) -> Multiplier {
    /// sqrt(1/2) as Q0.31.
    const SQRT_HALF: i32 = 1_518_500_250;
    if value <= 1 {
        return Multiplier { mantissa: i32::MAX, shift: 0 };
    }
    let (mut value, mut right) = (value, 11);
    while value >= 1 << 29 {
        value /= 4;
        right += 1;
    }
    let left_pairs = (value.leading_zeros() as i32 - 1) / 2 - 1;
    right -= left_pairs;
    value <<= 2 * left_pairs;
    let mantissa = mul(newton(value >> 1), SQRT_HALF);
    if right < 0 {
        return Multiplier { mantissa: mantissa.wrapping_shl(right.unsigned_abs()), shift: 0 };
    }
    Multiplier { mantissa, shift: -right }
}

/// `1 / sqrt(x)`, both as Q3.28, from the guess 1.
fn newton(x: i32) -> i32 {
    const ONE_AND_A_HALF: i32 = (1 << 28) + (1 << 27);
    const STEPS: usize = 5;
    let half = rounding_divide_by_pot(x, 1);
    (0..STEPS).fold(1 << 28, |root, _| {
        let cube = saturating_left_shift_i32(mul(mul(root, root), root), 6);
        let next = mul(ONE_AND_A_HALF, root).wrapping_sub(mul(half, cube));
        saturating_left_shift_i32(next, 3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_factor_is_close() {
        for value in (2..i32::MAX).step_by(104_729).chain(2..1000) {
            let Multiplier { mantissa, shift } = inverse_sqrt(value);
            let found = f64::from(mantissa) * 2f64.powi(shift - 31);
            let exact = 1.0 / f64::from(value).sqrt();
            assert!((found / exact - 1.0).abs() < 2e-6, "{value}: {found} {exact}");
        }
    }
}
