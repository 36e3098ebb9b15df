//! CUMSUM (`optimized_ops::CumSum`, LiteRT's only kernel).

use super::number::Number;

/// Sums along the middle axis of an `[outer, length, inner]` input. An exclusive sum leaves the element itself out; a reverse one
/// begins at the end.
pub fn cumulative_sum<T: Number>(
    [outer, length, inner]: [usize; 3],
    is_exclusive: bool,
    is_reverse: bool,
    input: &[T],
    output: &mut [T],
) {
    assert_eq!(input.len(), outer * length * inner);
    assert_eq!(output.len(), input.len());
    for row in 0..outer * inner {
        let first = row / inner * length * inner + row % inner;
        let mut sum = T::ZERO;
        for step in 0..length {
            let position = if is_reverse { length - 1 - step } else { step };
            let index = first + position * inner;
            let next = sum.plus(input[index]);
            output[index] = if is_exclusive { sum } else { next };
            sum = next;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_run_both_ways() {
        let mut output = [0; 6];
        cumulative_sum([1, 3, 2], false, false, &[1, 2, 3, 4, 5, 6], &mut output);
        assert_eq!(output, [1, 2, 4, 6, 9, 12]);
        cumulative_sum([1, 3, 2], true, true, &[1, 2, 3, 4, 5, 6], &mut output);
        assert_eq!(output, [8, 10, 5, 6, 0, 0]);
    }
}
