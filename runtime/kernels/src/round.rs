//! Rounding of floats as LiteRT's kernels round (`TfLiteRound`: to nearest, halves away from zero), without `std`.

/// To the nearest integer, halves away from zero.
#[inline(always)]
pub(crate) fn round_half_away(value: f32) -> f32 {
    libm::roundf(value)
}

/// [`round_half_away`], as an `i32`; beyond its range the nearest end, NaN gives 0.
#[inline(always)]
pub(crate) fn round_to_i32(value: f32) -> i32 {
    round_half_away(value) as i32
}
