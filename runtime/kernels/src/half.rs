//! IEEE 754 binary16, as far as constants need it: to float32, exactly.

/// The float32 with the value of a binary16 bit pattern. Every binary16 is a float32, so nothing is rounded; a NaN keeps
/// its payload and becomes quiet.
pub const fn f16_to_f32(bits: u16) -> f32 {
    let sign = ((bits & 0x8000) as u32) << 16;
    let exponent = ((bits >> 10) & 0x1f) as u32;
    let fraction = (bits & 0x3ff) as u32;
    let magnitude = match (exponent, fraction) {
        (0, 0) => 0,
        (0, _) => subnormal(fraction),
        (0x1f, 0) => 0x7f80_0000,
        (0x1f, _) => 0x7fc0_0000 | (fraction << 13),
        // The exponents' biases are 15 and 127.
        _ => ((exponent + 127 - 15) << 23) | (fraction << 13),
    };
    f32::from_bits(sign | magnitude)
}

/// `fraction * 2^-24` as float32 bits, `fraction` in 1..1024: what is subnormal here is normal there.
const fn subnormal(fraction: u32) -> u32 {
    let leading = 31 - fraction.leading_zeros();
    let exponent = leading + 127 - 24;
    (exponent << 23) | ((fraction << (23 - leading)) & 0x7f_ffff)
}

/// Converts a slice of bit patterns, element by element.
///
/// # Panics
/// If the lengths differ.
pub fn f16_slice_to_f32(bits: &[u16], output: &mut [f32]) {
    assert_eq!(bits.len(), output.len());
    for (value, &bits) in output.iter_mut().zip(bits) {
        *value = f16_to_f32(bits);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition, in real arithmetic: `(-1)^s * 2^(e-15) * 1.f`, or `2^-14 * 0.f`.
    fn by_definition(bits: u16) -> f64 {
        let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
        let exponent = i32::from((bits >> 10) & 0x1f);
        let fraction = f64::from(bits & 0x3ff) / 1024.0;
        match exponent {
            0 => sign * fraction * 2f64.powi(-14),
            0x1f if fraction == 0.0 => sign * f64::INFINITY,
            0x1f => f64::NAN,
            _ => sign * (1.0 + fraction) * 2f64.powi(exponent - 15),
        }
    }

    #[test]
    fn all_patterns_keep_their_value() {
        for bits in 0..=u16::MAX {
            let (expected, found) = (by_definition(bits), f16_to_f32(bits));
            if expected.is_nan() {
                assert!(found.is_nan(), "{bits:#06x} gives {found}");
            } else {
                assert_eq!(f64::from(found), expected, "{bits:#06x}");
                assert_eq!(found.is_sign_negative(), bits & 0x8000 != 0, "{bits:#06x}");
            }
        }
    }
}
