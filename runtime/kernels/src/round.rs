//! Rounding of floats as LiteRT's kernels round (`TfLiteRound`: to nearest, halves away from zero), in steps that become
//! vectors: Rust's own conversion to integers, which saturates, does not.

/// Results lie within this.
pub(crate) const LIMIT: i32 = 1 << 21;

/// 1.5 * 2^23: added to a small float, it leaves the nearest integer (halves to even) in the low bits.
const SHIFT: f32 = 12_582_912.0;

/// The nearest integer (halves to even) of a float within [`LIMIT`], and what is left of the float.
#[inline(always)]
fn split(value: f32) -> (i32, f32) {
    let shifted = value + SHIFT;
    // Exact, because both are near each other.
    let rest = value - (shifted - SHIFT);
    ((shifted.to_bits() as i32).wrapping_sub(SHIFT.to_bits() as i32), rest)
}

/// `value` held in a range of integers. NaN counts as 0.
#[inline(always)]
fn clamped(value: f32, least: i32, greatest: i32) -> f32 {
    debug_assert!(-LIMIT <= least && least <= greatest && greatest <= LIMIT);
    let number = if value.is_nan() { 0.0 } else { value };
    let raised = if number < least as f32 { least as f32 } else { number };
    if raised > greatest as f32 { greatest as f32 } else { raised }
}

/// `value` rounded to the nearest integer, halves away from zero, and clamped to `least..=greatest`, both of them within
/// [`LIMIT`]. NaN counts as 0.
#[inline(always)]
pub(crate) fn round_clamped(value: f32, least: i32, greatest: i32) -> i32 {
    let value = clamped(value, least, greatest);
    let (nearest, rest) = split(value);
    // A half that went to the even number below goes on, away from zero.
    nearest + i32::from(rest == 0.5 && value > 0.0) - i32::from(rest == -0.5 && value < 0.0)
}

/// `value` without its fraction, and clamped to `least..=greatest`, both of them within [`LIMIT`]. NaN counts as 0.
#[inline(always)]
pub(crate) fn truncate_clamped(value: f32, least: i32, greatest: i32) -> i32 {
    let value = clamped(value, least, greatest);
    let (nearest, rest) = split(value);
    nearest - i32::from(rest < 0.0 && value > 0.0) + i32::from(rest > 0.0 && value < 0.0)
}

/// [`round_clamped`] of a double; any `i32` may be a limit.
#[inline(always)]
pub(crate) fn round_clamped_f64(value: f64, least: i32, greatest: i32) -> i32 {
    /// 1.5 * 2^52, see [`SHIFT`].
    const SHIFT: f64 = 6_755_399_441_055_744.0;
    let number = if value.is_nan() { 0.0 } else { value };
    let raised = if number < f64::from(least) { f64::from(least) } else { number };
    let clamped = if raised > f64::from(greatest) { f64::from(greatest) } else { raised };
    let shifted = clamped + SHIFT;
    let rest = clamped - (shifted - SHIFT);
    let nearest = shifted.to_bits().wrapping_sub(SHIFT.to_bits()) as i32;
    nearest + i32::from(rest == 0.5 && clamped > 0.0) - i32::from(rest == -0.5 && clamped < 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn truncated_by_libm(value: f32, least: i32, greatest: i32) -> i32 {
        (libm::truncf(value) as i32).clamp(least, greatest)
    }

    fn by_libm(value: f32, least: i32, greatest: i32) -> i32 {
        (libm::roundf(value) as i32).clamp(least, greatest)
    }

    /// Every 4099th float, and so every exponent and all kinds of fractions.
    #[test]
    fn floats_of_every_size_round_as_libm_does() {
        for bits in (0..=u32::MAX).step_by(4099) {
            let value = f32::from_bits(bits);
            assert_eq!(round_clamped(value, -128, 127), by_libm(value, -128, 127), "{value:e}");
            assert_eq!(truncate_clamped(value, -128, 127), truncated_by_libm(value, -128, 127), "{value:e}");
            assert_eq!(round_clamped(value, -LIMIT, LIMIT), by_libm(value, -LIMIT, LIMIT), "{value:e}");
        }
    }

    #[test]
    fn halves_and_their_neighbours_round_as_libm_does() {
        for half in (-3000..3000).chain((-2 * LIMIT - 5..2 * LIMIT + 5).step_by(101)) {
            let half = half as f32 / 2.0;
            for value in [half.next_down(), half, half.next_up()] {
                assert_eq!(round_clamped(value, -LIMIT, LIMIT), by_libm(value, -LIMIT, LIMIT), "{value:e}");
                let truncated = truncated_by_libm(value, -LIMIT, LIMIT);
                assert_eq!(truncate_clamped(value, -LIMIT, LIMIT), truncated, "{value:e}");
            }
        }
    }

    #[test]
    fn doubles_of_every_size_round_as_libm_does() {
        let check = |value: f64| {
            for (least, greatest) in [(-128, 127), (i32::MIN, i32::MAX)] {
                let expected = (libm::round(value) as i32).clamp(least, greatest);
                assert_eq!(round_clamped_f64(value, least, greatest), expected, "{value:e}");
            }
        };
        for bits in (0..=u64::MAX).step_by(0x0000_3fff_1234_5677) {
            check(f64::from_bits(bits));
        }
        for half in (-3000..3000).chain((-i64::from(u32::MAX)..i64::from(u32::MAX)).step_by(99_991)) {
            let half = half as f64 / 2.0;
            [half.next_down(), half, half.next_up()].into_iter().for_each(check);
        }
    }
}
