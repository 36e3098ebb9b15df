//! ONE_HOT: a new axis that marks where an index stands (`kernels/one_hot.cc`).

/// The axes of the output around the new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OneHot {
    /// Length of the new axis.
    pub depth: usize,
    /// Elements behind the new axis.
    pub inner: usize,
}

/// Writes `on` where the place along the new axis is the index and `off` elsewhere. `index` gives the index at a position of
/// the indices; one that is outside marks nothing.
pub fn one_hot<T: Copy>(shape: &OneHot, index: impl Fn(usize) -> i64, on: T, off: T, output: &mut [T]) {
    for (at, store) in output.iter_mut().enumerate() {
        let (place, inner) = (at / shape.inner % shape.depth, at % shape.inner);
        let outer = at / shape.inner / shape.depth;
        *store = if index(outer * shape.inner + inner) == place as i64 { on } else { off };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_new_axis_may_stand_anywhere() {
        let indices = [1, -1, 2];
        let mut last = [0; 9];
        one_hot(&OneHot { depth: 3, inner: 1 }, |at| indices[at], 5, 7, &mut last);
        assert_eq!(last, [7, 5, 7, 7, 7, 7, 7, 7, 5]);
        let mut first = [0; 6];
        one_hot(&OneHot { depth: 2, inner: 3 }, |at| indices[at], 5, 7, &mut first);
        assert_eq!(first, [7, 7, 7, 5, 7, 7]);
    }
}
