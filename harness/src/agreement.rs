//! Do devices give the same outputs? Bytes of two devices are compared value by value, and the difference is put into
//! one of three classes. Pure: it knows element types, and neither runs nor files.

use serde::Serialize;

/// How far the outputs of one device lie from those of another.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "snake_case", tag = "class")]
pub enum Agreement {
    /// Every bit is the same.
    Equal,
    /// Some integers differ by one: a rounding that went the other way.
    OneStep(Difference),
    /// Anything else.
    Different(Difference),
}

/// What differs.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Difference {
    /// Values that differ.
    pub values: u64,
    /// Values there are.
    pub of: u64,
    /// Largest absolute difference: steps of an integer, or a real number.
    pub largest: f64,
    /// First example that differs, from 0.
    pub first_example: u64,
    /// First value of that example that differs, from 0.
    pub first_value: u64,
}

impl Agreement {
    /// Whether a gate that asks for the same integers everywhere passes.
    pub fn is_equal(&self) -> bool {
        *self == Self::Equal
    }
}

/// Element type of an output, as far as it decides how values are compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Element {
    /// Two's complement of this many bytes.
    Signed(usize),
    /// Unsigned, of this many bytes.
    Unsigned(usize),
    /// IEEE single precision.
    Float,
}

impl Element {
    /// By the format's name, such as `int8`; none for types that are compared as bytes.
    pub fn named(dtype: &str) -> Option<Self> {
        Some(match dtype {
            "int8" => Self::Signed(1),
            "int16" => Self::Signed(2),
            "int32" => Self::Signed(4),
            "uint8" | "bool" => Self::Unsigned(1),
            "float32" => Self::Float,
            _ => return None,
        })
    }

    /// Whether values are whole numbers.
    pub fn is_integer(self) -> bool {
        self != Self::Float
    }

    fn bytes(self) -> usize {
        match self {
            Self::Signed(bytes) | Self::Unsigned(bytes) => bytes,
            Self::Float => 4,
        }
    }

    /// A little-endian value; whole numbers of these sizes fit a double exactly.
    fn value(self, bytes: &[u8]) -> f64 {
        let bits = bytes.iter().rev().fold(0_u32, |bits, byte| (bits << 8) | u32::from(*byte));
        match self {
            Self::Unsigned(_) => f64::from(bits),
            Self::Float => f64::from(f32::from_bits(bits)),
            Self::Signed(size) => {
                let unused = 32 - 8 * size as u32;
                f64::from(((bits << unused) as i32) >> unused)
            }
        }
    }
}

/// Compares the outputs of the same examples from two devices: little-endian values, examples back to back.
///
/// # Errors
/// When they cannot be of the same examples: their lengths differ, or are no whole number of values and examples.
pub fn compare(one: &[u8], other: &[u8], element: Element, examples: u64) -> Result<Agreement, LengthError> {
    let size = element.bytes();
    let unit = (examples as usize).checked_mul(size).filter(|unit| *unit > 0);
    if one.len() != other.len() || unit.is_none_or(|unit| !one.len().is_multiple_of(unit)) {
        return Err(LengthError { expected: one.len(), found: other.len(), examples });
    }
    if one == other {
        return Ok(Agreement::Equal);
    }
    let of = (one.len() / size) as u64;
    let an_example = of / examples;
    let pairs = one.chunks_exact(size).zip(other.chunks_exact(size));
    let mut difference = Difference { values: 0, of, largest: 0.0, first_example: 0, first_value: 0 };
    for (at, (a, b)) in (0_u64..).zip(pairs).filter(|(_, (a, b))| a != b) {
        if difference.values == 0 {
            (difference.first_example, difference.first_value) = (at / an_example, at % an_example);
        }
        difference.values += 1;
        let distance = (element.value(a) - element.value(b)).abs();
        // Something that is no number is as far as can be from anything that is one.
        let distance = if distance.is_nan() { f64::INFINITY } else { distance };
        difference.largest = difference.largest.max(distance);
    }
    let one_step = element.is_integer() && difference.largest <= 1.0;
    Ok(if one_step { Agreement::OneStep(difference) } else { Agreement::Different(difference) })
}

/// Outputs that cannot be compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("outputs of {examples} examples: expected {expected} bytes, found {found}")]
pub struct LengthError {
    /// Bytes on one side.
    pub expected: usize,
    /// Bytes on the other.
    pub found: usize,
    /// Examples that both should be of.
    pub examples: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const INT8: Element = Element::Signed(1);

    #[test]
    fn a_rounding_is_told_from_a_mistake() {
        let one_step = compare(&[1, 0xff, 3, 4], &[1, 0, 3, 5], INT8, 2).expect("comparable");
        let expected = Difference { values: 2, of: 4, largest: 1.0, first_example: 0, first_value: 1 };
        assert_eq!(one_step, Agreement::OneStep(expected));
        let wrong = compare(&[1, 2, 0x80, 4], &[1, 2, 0x7f, 4], INT8, 2).expect("comparable");
        let expected = Difference { values: 1, of: 4, largest: 255.0, first_example: 1, first_value: 0 };
        assert_eq!(wrong, Agreement::Different(expected));
    }

    #[test]
    fn floats_are_equal_or_different() {
        let bytes = |value: f32| value.to_le_bytes();
        let near = compare(&bytes(1.0), &bytes(1.000_000_1), Element::Float, 1).expect("comparable");
        assert!(
            matches!(near, Agreement::Different(Difference { largest, .. }) if largest < 1e-6),
            "{near:?}"
        );
        let lost = compare(&bytes(1.0), &bytes(f32::NAN), Element::Float, 1).expect("comparable");
        assert!(matches!(lost, Agreement::Different(Difference { largest: f64::INFINITY, .. })), "{lost:?}");
        assert!(
            compare(&bytes(f32::NAN), &bytes(f32::NAN), Element::Float, 1).expect("comparable").is_equal()
        );
    }

    #[test]
    fn outputs_of_other_examples_are_refused() {
        for (one, other, examples) in
            [(&[0; 4][..], &[0; 3][..], 1), (&[0; 3], &[0; 3], 2), (&[0; 4], &[0; 4], 0)]
        {
            assert!(compare(one, other, INT8, examples).is_err(), "{one:?} {other:?} {examples}");
        }
    }

    #[test]
    fn values_are_read_as_their_types_say() {
        assert_eq!(Element::Signed(2).value(&[0xfe, 0xff]), -2.0);
        assert_eq!(Element::Signed(4).value(&[0xff; 4]), -1.0);
        assert_eq!(Element::Unsigned(1).value(&[0xff]), 255.0);
        assert_eq!(Element::named("float64"), None);
    }

    proptest! {
        #[test]
        fn the_order_of_devices_changes_nothing(pairs in proptest::collection::vec(any::<(u8, u8)>(), 1..64)) {
            let (one, other): (Vec<u8>, Vec<u8>) = pairs.iter().copied().unzip();
            let there = compare(&one, &other, INT8, one.len() as u64);
            prop_assert_eq!(&there, &compare(&other, &one, INT8, one.len() as u64));
            prop_assert_eq!(there.expect("comparable").is_equal(), one == other);
        }
    }
}
