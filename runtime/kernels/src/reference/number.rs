//! Numbers without a scale, as operators on floats and on plain integers need them. Integers wrap, as LiteRT's do.

use crate::shape::Clamp;

/// A type that sums and products are taken in.
pub trait Number: Copy + PartialOrd {
    /// Least value; for floats the least finite one.
    const LEAST: Self;
    /// Greatest value; for floats the greatest finite one.
    const GREATEST: Self;
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;

    /// A small number; a negative one only where the type has those.
    fn of(small: i8) -> Self;
    /// The sum.
    fn plus(self, other: Self) -> Self;
    /// The difference.
    fn minus(self, other: Self) -> Self;
    /// The product.
    fn times(self, other: Self) -> Self;

    /// The value, held inside `range`; a NaN stays a NaN.
    #[inline(always)]
    fn held(self, range: Clamp<Self>) -> Self {
        let raised = if self < range.min { range.min } else { self };
        if raised > range.max { range.max } else { raised }
    }
}

impl Number for f32 {
    const LEAST: Self = f32::MIN;
    const GREATEST: Self = f32::MAX;
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;

    fn of(small: i8) -> Self {
        f32::from(small)
    }

    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        self + other
    }

    #[inline(always)]
    fn minus(self, other: Self) -> Self {
        self - other
    }

    #[inline(always)]
    fn times(self, other: Self) -> Self {
        self * other
    }
}

macro_rules! integers {
    ($($integer:ty),*) => {$(
        impl Number for $integer {
            const LEAST: Self = <$integer>::MIN;
            const GREATEST: Self = <$integer>::MAX;
            const ZERO: Self = 0;
            const ONE: Self = 1;

            #[allow(clippy::cast_lossless, reason = "one macro for types of which some lose the sign")]
            fn of(small: i8) -> Self {
                small as Self
            }

            #[inline(always)]
            fn plus(self, other: Self) -> Self {
                self.wrapping_add(other)
            }

            #[inline(always)]
            fn minus(self, other: Self) -> Self {
                self.wrapping_sub(other)
            }

            #[inline(always)]
            fn times(self, other: Self) -> Self {
                self.wrapping_mul(other)
            }
        }
    )*};
}

integers!(i8, u8, i16, i32, i64);
