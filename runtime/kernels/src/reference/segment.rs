//! SEGMENT_SUM and UNSORTED_SEGMENT_SUM, PROD, MIN and MAX (`segment_sum.cc`, `unsorted_segment.cc`): rows are gathered into
//! the rows that their numbers name.

use super::number::Number;

/// How rows of one segment come together, and what a segment without rows is.
#[derive(Debug, Clone, Copy)]
pub struct Gathering<T> {
    /// What a segment is before its first row.
    pub start: T,
    /// What becomes of an element and the next.
    pub join: fn(T, T) -> T,
}

impl<T: Number> Gathering<T> {
    /// Sums; 0 without rows.
    pub const SUM: Self = Self { start: T::ZERO, join: T::plus };
    /// Products; 1 without rows.
    pub const PRODUCT: Self = Self { start: T::ONE, join: T::times };
    /// Least elements; the greatest number without rows.
    pub const LEAST: Self = Self { start: T::GREATEST, join: |a, b| if b < a { b } else { a } };
    /// Greatest elements; the least number without rows.
    pub const GREATEST: Self = Self { start: T::LEAST, join: |a, b| if a < b { b } else { a } };

    /// Gathers rows of `row_len`; `segment` gives the segment of a row, none for a row that is left out.
    pub fn gather(
        &self,
        row_len: usize,
        segment: impl Fn(usize) -> Option<usize>,
        input: &[T],
        output: &mut [T],
    ) {
        output.fill(self.start);
        for (row, values) in input.chunks_exact(row_len.max(1)).enumerate() {
            let Some(segment) = segment(row) else { continue };
            let stores = &mut output[segment * row_len..][..row_len];
            stores.iter_mut().zip(values).for_each(|(store, value)| *store = (self.join)(*store, *value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_meet_in_their_segments() {
        let segments = [Some(2), None, Some(0), Some(2)];
        let gathered = |gathering: Gathering<i32>| {
            let mut output = [7; 6];
            gathering.gather(2, |row| segments[row], &[1, 2, 3, 4, 5, 6, -7, 8], &mut output);
            output
        };
        assert_eq!(gathered(Gathering::SUM), [5, 6, 0, 0, -6, 10]);
        assert_eq!(gathered(Gathering::PRODUCT), [5, 6, 1, 1, -7, 16]);
        assert_eq!(gathered(Gathering::LEAST), [5, 6, i32::MAX, i32::MAX, -7, 2]);
        assert_eq!(gathered(Gathering::GREATEST), [5, 6, i32::MIN, i32::MIN, 1, 8]);
    }
}
