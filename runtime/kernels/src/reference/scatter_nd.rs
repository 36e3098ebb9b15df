//! SCATTER_ND: slices added into zeros where indices say (`reference_ops.h`).

/// How two elements that meet at one place are added.
pub trait Accumulate: Copy {
    /// What is there before anything is added.
    const ZERO: Self;
    /// The sum; integers wrap round.
    fn plus(self, other: Self) -> Self;
}

macro_rules! accumulate {
    ($($kind:ty: $zero:expr, $plus:expr;)*) => {$(
        impl Accumulate for $kind {
            const ZERO: Self = $zero;
            fn plus(self, other: Self) -> Self {
                let plus: fn(Self, Self) -> Self = $plus;
                plus(self, other)
            }
        }
    )*};
}

accumulate! {
    f32: 0.0, |a, b| a + b;
    i8: 0, Self::wrapping_add;
    u8: 0, Self::wrapping_add;
    i32: 0, Self::wrapping_add;
    i64: 0, Self::wrapping_add;
}

/// A byte that is 0 or 1. A sum of truths is true when one of them is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(transparent)]
pub struct Truth(pub u8);

impl Accumulate for Truth {
    const ZERO: Self = Self(0);
    fn plus(self, other: Self) -> Self {
        Self(u8::from(self.0 | other.0 != 0))
    }
}

/// Adds slices of `slice_len` elements; `start` gives the first element of the output that a slice goes to.
pub fn scatter_nd<T: Accumulate>(
    slice_len: usize,
    start: impl Fn(usize) -> usize,
    updates: &[T],
    output: &mut [T],
) {
    output.fill(T::ZERO);
    for (index, slice) in updates.chunks_exact(slice_len.max(1)).enumerate() {
        let first = start(index);
        for (sum, update) in output[first..first + slice_len].iter_mut().zip(slice) {
            *sum = sum.plus(*update);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_that_meet_are_added() {
        let mut output = [9; 6];
        scatter_nd(2, |slice| [4, 0, 4][slice], &[1, 2, 3, 4, 5, 6], &mut output);
        assert_eq!(output, [3, 4, 0, 0, 6, 8]);
        let mut output = [9i8; 1];
        scatter_nd(1, |_| 0, &[100i8, 100], &mut output);
        assert_eq!(output, [-56]);
    }
}
