//! TOPK_V2: the largest elements of each row, largest first, equal ones in their order (`kernels/topk_v2.cc`).

use core::cmp::Ordering;

/// Writes the `k` largest of each row of `row_len` elements and their positions. `order` is scratch of `row_len`. `k` is at
/// most `row_len`. NaN is smaller than everything.
pub fn top_k<T: Copy + PartialOrd>(
    row_len: usize,
    k: usize,
    input: &[T],
    order: &mut [u32],
    values: &mut [T],
    mut place: impl FnMut(usize, u32),
) {
    if k == 0 {
        return;
    }
    let order = &mut order[..row_len];
    for (index, (row, values)) in input.chunks_exact(row_len).zip(values.chunks_exact_mut(k)).enumerate() {
        order.iter_mut().enumerate().for_each(|(position, store)| *store = position as u32);
        order.sort_unstable_by(|&a, &b| descending(row[a as usize], row[b as usize]).then(a.cmp(&b)));
        for (rank, (value, position)) in values.iter_mut().zip(&*order).enumerate() {
            *value = row[*position as usize];
            place(index * k + rank, *position);
        }
    }
}

/// Larger values first; values that compare with nothing, not even themselves, last.
fn descending<T: PartialOrd>(a: T, b: T) -> Ordering {
    let is_nan = |value: &T| value.partial_cmp(value).is_none();
    b.partial_cmp(&a).unwrap_or_else(|| is_nan(&a).cmp(&is_nan(&b)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_elements_keep_their_order() {
        let (mut values, mut places) = ([0; 4], [0; 4]);
        top_k(3, 2, &[7, 9, 9, -1, -3, -1], &mut [0; 3], &mut values, |at, place| places[at] = place);
        assert_eq!((values, places), ([9, 9, -1, -1], [1, 2, 0, 2]));
    }

    #[test]
    fn nan_is_last() {
        let (mut values, mut places) = ([0.0; 3], [0; 3]);
        top_k(3, 3, &[f32::NAN, -1.0, 2.0], &mut [0; 3], &mut values, |at, place| places[at] = place);
        assert_eq!(places, [2, 1, 0]);
    }
}
