//! IEEE 754 binary16: to float32, exactly, and back, to the nearest.

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

/// [`f16_to_f32`] without branches, so that slices are converted in vectors.
#[inline(always)]
pub fn widen(bits: u16) -> f32 {
    /// Moves the exponent from its bias of 15 to that of 127; exact, also for subnormal numbers.
    const REBIAS: f32 = f32::from_bits((127 + 127 - 15) << 23);
    let magnitude = u32::from(bits & 0x7fff) << 13;
    let finite = (f32::from_bits(magnitude) * REBIAS).to_bits();
    let quiet = if bits & 0x3ff == 0 { 0 } else { 1 << 22 };
    let special = magnitude | 0x7f80_0000 | quiet;
    let found = if bits & 0x7c00 == 0x7c00 { special } else { finite };
    f32::from_bits(found | u32::from(bits & 0x8000) << 16)
}

/// `fraction * 2^-24` as float32 bits, `fraction` in 1..1024: what is subnormal here is normal there.
const fn subnormal(fraction: u32) -> u32 {
    let leading = 31 - fraction.leading_zeros();
    let exponent = leading + 127 - 24;
    (exponent << 23) | ((fraction << (23 - leading)) & 0x7f_ffff)
}

/// The binary16 bit pattern nearest to a float32, halves to the even one; beyond the greatest finite one an infinity.
pub const fn f32_to_f16(value: f32) -> u16 {
    const INFINITY: u32 = 0x7f80_0000;
    /// From here on the nearest binary16 is infinite: 65520.
    const OVERFLOW: u32 = 0x477f_f000;
    /// 2^-14, the least normal binary16, and 2^-25, half of the least subnormal one.
    const NORMAL: u32 = 0x3880_0000;
    const LEAST: u32 = 0x3300_0000;
    let bits = value.to_bits();
    let sign = ((bits >> 16) & 0x8000) as u16;
    let magnitude = bits & 0x7fff_ffff;
    let nearest = if magnitude > INFINITY {
        0x7e00
    } else if magnitude >= OVERFLOW {
        0x7c00
    } else if magnitude >= NORMAL {
        rounded_right(magnitude - ((127 - 15) << 23), 13)
    } else if magnitude > LEAST {
        rounded_right((magnitude & 0x7f_ffff) | 0x80_0000, 126 - (magnitude >> 23))
    } else {
        0
    };
    sign | nearest as u16
}

/// `value / 2^bits` to the nearest, halves to the even one. `bits` in 1..=24.
const fn rounded_right(value: u32, bits: u32) -> u32 {
    let (quotient, rest, half) = (value >> bits, value & ((1 << bits) - 1), 1 << (bits - 1));
    quotient + (rest > half || (rest == half && quotient & 1 == 1)) as u32
}

/// Converts a slice of bit patterns, element by element.
///
/// # Panics
/// If the lengths differ.
pub fn f16_slice_to_f32(bits: &[u16], output: &mut [f32]) {
    assert_eq!(bits.len(), output.len());
    for (value, &bits) in output.iter_mut().zip(bits) {
        *value = widen(bits);
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
            assert_eq!(widen(bits).to_bits(), found.to_bits(), "{bits:#06x}");
            if expected.is_nan() {
                assert!(found.is_nan(), "{bits:#06x} gives {found}");
            } else {
                assert_eq!(f64::from(found), expected, "{bits:#06x}");
                assert_eq!(found.is_sign_negative(), bits & 0x8000 != 0, "{bits:#06x}");
            }
        }
    }

    #[test]
    fn numbers_come_back() {
        for bits in 0..=u16::MAX {
            let value = f16_to_f32(bits);
            assert_eq!(
                f32_to_f16(value),
                if value.is_nan() { bits & 0x8000 | 0x7e00 } else { bits },
                "{bits:#06x}"
            );
        }
    }

    #[test]
    fn between_two_numbers_the_nearest_is_taken() {
        for bits in 0..0x7bffu16 {
            let (below, above) = (f16_to_f32(bits), f16_to_f32(bits + 1));
            let middle = (below + above) / 2.0;
            assert_eq!(f32_to_f16(middle), bits + (bits & 1), "{bits:#06x}");
            assert_eq!(f32_to_f16(middle.next_down()), bits, "{bits:#06x}");
            assert_eq!(f32_to_f16(middle.next_up()), bits + 1, "{bits:#06x}");
        }
        assert_eq!([65_519.99, 65_520.0, 1e30, -1e30].map(f32_to_f16), [0x7bff, 0x7c00, 0x7c00, 0xfc00]);
    }
}
