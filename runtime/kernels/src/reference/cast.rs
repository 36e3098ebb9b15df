//! CAST (`cast.cc`): integers wrap, floats are cut off towards zero and end at the type's ends, everything but 0 is true.

use super::unary::for_each;
use crate::half::{f16_to_f32, f32_to_f16};

/// A value of any element type on its way to another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value {
    /// An integer of any type, or a bool.
    Integer(i64),
    /// A float.
    Real(f32),
}

/// A type that CAST reads.
pub trait From: Copy {
    /// The value.
    fn value(self) -> Value;
}

/// A type that CAST writes.
pub trait To {
    /// The nearest thing to a value.
    fn cast(value: Value) -> Self;
}

macro_rules! integers {
    ($($integer:ty),*) => {$(
        impl From for $integer {
            #[inline(always)]
            fn value(self) -> Value {
                Value::Integer(self.into())
            }
        }

        impl To for $integer {
            #[inline(always)]
            fn cast(value: Value) -> Self {
                match value {
                    Value::Integer(integer) => integer as Self,
                    // What is not a number is the greatest one.
                    Value::Real(real) if real.is_nan() => Self::MAX,
                    Value::Real(real) => real as Self,
                }
            }
        }
    )*};
}

integers!(i8, u8, i16, i32, i64);

impl From for f32 {
    #[inline(always)]
    fn value(self) -> Value {
        Value::Real(self)
    }
}

impl To for f32 {
    #[inline(always)]
    fn cast(value: Value) -> Self {
        match value {
            Value::Integer(integer) => integer as Self,
            Value::Real(real) => real,
        }
    }
}

/// The bit pattern of an IEEE binary16; there are no unsigned 16-bit integers here.
impl From for u16 {
    #[inline(always)]
    fn value(self) -> Value {
        Value::Real(f16_to_f32(self))
    }
}

/// The bit pattern of an IEEE binary16, by way of a float32.
impl To for u16 {
    #[inline(always)]
    fn cast(value: Value) -> Self {
        f32_to_f16(f32::cast(value))
    }
}

/// Converts every element.
pub fn cast<In: From, Out: To>(input: &[In], output: &mut [Out]) {
    for_each(input, output, |value| Out::cast(value.value()));
}

/// Converts every element to 0 or 1.
pub fn cast_to_bool<In: From>(input: &[In], output: &mut [u8]) {
    for_each(input, output, |value| match value.value() {
        Value::Integer(integer) => u8::from(integer != 0),
        Value::Real(real) => u8::from(real != 0.0),
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_end_at_the_types_ends() {
        let mut output = [0i8; 5];
        cast(&[-1.9f32, 1.9, 300.0, f32::NEG_INFINITY, f32::NAN], &mut output);
        assert_eq!(output, [-1, 1, 127, -128, 127]);
    }

    #[test]
    fn integers_wrap() {
        let mut output = [0u8; 3];
        cast(&[-1i64, 256, 77], &mut output);
        assert_eq!(output, [255, 0, 77]);
        let mut output = [0.0f32; 2];
        cast(&[16_777_217i32, -3], &mut output);
        assert_eq!(output, [16_777_216.0, -3.0]);
    }

    #[test]
    fn everything_but_zero_is_true() {
        let mut output = [9; 4];
        cast_to_bool(&[0.0f32, -0.0, 0.1, f32::NAN], &mut output);
        assert_eq!(output, [0, 0, 1, 1]);
    }
}
