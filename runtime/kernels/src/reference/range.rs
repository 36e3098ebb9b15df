//! RANGE: numbers at equal steps (`kernels/range.cc`).

/// A type that RANGE counts in.
pub trait Number: Copy {
    /// How many steps of `delta` lead from `start` to `limit`, a part of a step counted as one; none when they lead away, and
    /// when there are more than a tensor holds.
    fn steps(start: Self, limit: Self, delta: Self) -> Option<usize>;
    /// The next number.
    fn plus(self, delta: Self) -> Self;
}

macro_rules! integers {
    ($($kind:ty),*) => {$(
        impl Number for $kind {
            fn steps(start: Self, limit: Self, delta: Self) -> Option<usize> {
                let (distance, delta) = (i128::from(limit) - i128::from(start), i128::from(delta));
                let leads = if delta > 0 { distance >= 0 } else { delta < 0 && distance <= 0 };
                let steps = leads.then(|| (distance.abs() + delta.abs() - 1) / delta.abs())?;
                i32::try_from(steps).ok().and_then(|steps| usize::try_from(steps).ok())
            }

            fn plus(self, delta: Self) -> Self {
                self.wrapping_add(delta)
            }
        }
    )*};
}

integers!(i32, i64);

impl Number for f32 {
    fn steps(start: Self, limit: Self, delta: Self) -> Option<usize> {
        let leads = if delta > 0.0 { start <= limit } else { delta < 0.0 && start >= limit };
        let steps = libm::ceilf(((limit - start) / delta).abs());
        (leads && steps < i32::MAX as f32).then_some(steps as usize)
    }

    fn plus(self, delta: Self) -> Self {
        self + delta
    }
}

/// How many numbers there are from `start` on before `limit`.
pub fn count<T: Number>(start: T, limit: T, delta: T) -> Option<usize> {
    T::steps(start, limit, delta)
}

/// Writes the numbers, each the one before it and `delta`.
pub fn range<T: Number>(start: T, delta: T, output: &mut [T]) {
    let mut value = start;
    for store in output {
        *store = value;
        value = value.plus(delta);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_step_counts() {
        assert_eq!(count(0, 5, 2), Some(3));
        assert_eq!(count(5i64, 0, -5), Some(1));
        assert_eq!(count(3, 3, 1), Some(0));
        assert_eq!(count(0.0, 1.0, 0.3), Some(4));
    }

    #[test]
    fn steps_that_lead_away_have_no_end() {
        assert_eq!(count(0, 5, -1), None);
        assert_eq!(count(0, 5, 0), None);
        assert_eq!(count(0.0, f32::NAN, 1.0), None);
        assert_eq!(count(i64::MIN, i64::MAX, 1), None);
        assert_eq!(count(0.0, f32::INFINITY, 1.0), None);
    }

    #[test]
    fn numbers_are_summed_up() {
        let mut output = [0; 3];
        range(4, -3, &mut output);
        assert_eq!(output, [4, 1, -2]);
    }
}
