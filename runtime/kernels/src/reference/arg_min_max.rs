//! ARG_MAX and ARG_MIN (`reference/arg_min_max.h`): of equal elements the first. NaN is never better than what came before.

/// For each row along the middle axis of an `[outer, length, inner]` input the position of its best element. `is_better`
/// says whether its first argument is better than its second.
pub fn arg_best<T: Copy>(
    [outer, length, inner]: [usize; 3],
    input: &[T],
    is_better: impl Fn(&T, &T) -> bool,
    mut store: impl FnMut(usize, usize),
) {
    assert_eq!(input.len(), outer * length * inner);
    for row in 0..outer * inner {
        let first = row / inner * length * inner + row % inner;
        let mut best = 0;
        for position in 1..length {
            if is_better(&input[first + position * inner], &input[first + best * inner]) {
                best = position;
            }
        }
        store(row, best);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_the_best_is_found() {
        let input = [1, 7, 5, 7, 5, 0];
        let mut found = [9; 2];
        arg_best([1, 3, 2], &input, i32::gt, |row, best| found[row] = best);
        assert_eq!(found, [1, 0]);
        let mut found = [9; 2];
        arg_best([2, 3, 1], &input, i32::lt, |row, best| found[row] = best);
        assert_eq!(found, [0, 2]);
    }
}
