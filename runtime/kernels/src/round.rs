//! Rounding of floats as LiteRT's kernels round (`TfLiteRound`: to nearest, halves away from zero), in steps that become
//! vectors: Rust's own conversion to integers, which saturates, does not.

/// Results of [`round_clamped`] lie within this.
pub(crate) const LIMIT: i32 = 1 << 21;

/// `value` rounded to the nearest integer, halves away from zero, and clamped to `least..=greatest`, both of them within
/// [`LIMIT`]. NaN counts as 0.
#[inline(always)]
pub(crate) fn round_clamped(value: f32, least: i32, greatest: i32) -> i32 {
    /// 1.5 * 2^23: added to a small float, it leaves the nearest integer (halves to even) in the low bits.
    const SHIFT: f32 = 12_582_912.0;
    debug_assert!(-LIMIT <= least && least <= greatest && greatest <= LIMIT);
    let number = if value.is_nan() { 0.0 } else { value };
    let raised = if number < least as f32 { least as f32 } else { number };
    let clamped = if raised > greatest as f32 { greatest as f32 } else { raised };
    let shifted = clamped + SHIFT;
    // Exact, because both are near each other. A half that went to the even number below goes on, away from zero.
    let rest = clamped - (shifted - SHIFT);
    let up = i32::from(rest == 0.5 && clamped > 0.0);
    let down = i32::from(rest == -0.5 && clamped < 0.0);
    let nearest_even = (shifted.to_bits() as i32).wrapping_sub(SHIFT.to_bits() as i32);
    nearest_even + up - down
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_libm(value: f32, least: i32, greatest: i32) -> i32 {
        (libm::roundf(value) as i32).clamp(least, greatest)
    }

    /// Every 4099th float, and so every exponent and all kinds of fractions.
    #[test]
    fn floats_of_every_size_round_as_libm_does() {
        for bits in (0..=u32::MAX).step_by(4099) {
            let value = f32::from_bits(bits);
            assert_eq!(round_clamped(value, -128, 127), by_libm(value, -128, 127), "{value:e}");
            assert_eq!(round_clamped(value, -LIMIT, LIMIT), by_libm(value, -LIMIT, LIMIT), "{value:e}");
        }
    }

    #[test]
    fn halves_and_their_neighbours_round_as_libm_does() {
        for half in (-3000..3000).chain((-2 * LIMIT - 5..2 * LIMIT + 5).step_by(101)) {
            let half = half as f32 / 2.0;
            for value in [half.next_down(), half, half.next_up()] {
                assert_eq!(round_clamped(value, -LIMIT, LIMIT), by_libm(value, -LIMIT, LIMIT), "{value:e}");
            }
        }
    }
}
