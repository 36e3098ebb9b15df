//! Copies between two row-major tensors that take other steps: the whole arithmetic of TRANSPOSE, SLICE, STRIDED_SLICE,
//! SPLIT, UNPACK, TILE, BROADCAST_TO, REVERSE_V2, SPACE_TO_DEPTH, DEPTH_TO_SPACE, SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND
//! (`reference/transpose.h`, `slice.h`, `strided_slice.h` and their neighbours). Elements are bytes without a meaning.

use alloc::vec::Vec;

/// One axis of a copy, with steps in elements; a step of the input may be 0 (repeat) or negative (reverse).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopyAxis {
    /// Elements along the axis.
    pub len: usize,
    /// Step in the input.
    pub from: isize,
    /// Step in the output.
    pub to: isize,
}

/// A copy of elements along axes, outermost first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StridedCopy {
    /// Steps in bytes, runs merged.
    axes: Vec<CopyAxis>,
    from_start: usize,
    to_start: usize,
    /// Bytes that lie together in both tensors.
    run_bytes: usize,
}

/// Elements from one step along an axis to the next in a row-major tensor of shape `dims`.
pub fn steps(dims: &[usize]) -> Vec<isize> {
    let step = |axis: usize| dims[axis + 1..].iter().product::<usize>() as isize;
    (0..dims.len()).map(step).collect()
}

impl StridedCopy {
    /// The copy of elements of `element_bytes` that starts at elements `from_start` and `to_start`.
    pub fn new(axes: &[CopyAxis], from_start: usize, to_start: usize, element_bytes: usize) -> Self {
        let bytes = element_bytes as isize;
        let mut copy = Self {
            axes: Vec::with_capacity(axes.len()),
            from_start: from_start * element_bytes,
            to_start: to_start * element_bytes,
            run_bytes: element_bytes,
        };
        for axis in axes.iter().rev().filter(|axis| axis.len != 1) {
            copy.surround(CopyAxis { len: axis.len, from: axis.from * bytes, to: axis.to * bytes });
        }
        copy.axes.reverse();
        copy
    }

    /// Adds an axis around those so far (innermost first), as a longer one where both tensors step on evenly.
    fn surround(&mut self, outer: CopyAxis) {
        match self.axes.last_mut() {
            None if outer.from == self.run_bytes as isize && outer.to == self.run_bytes as isize => {
                self.run_bytes *= outer.len;
            }
            Some(inner)
                if outer.from == inner.from * inner.len as isize
                    && outer.to == inner.to * inner.len as isize =>
            {
                inner.len *= outer.len;
            }
            _ => self.axes.push(outer),
        }
    }

    /// Copies. Elements of the output that no step leads to stay as they are.
    pub fn run(&self, input: &[u8], output: &mut [u8]) {
        match self.run_bytes {
            1 => self.runs::<1>(input, output),
            2 => self.runs::<2>(input, output),
            4 => self.runs::<4>(input, output),
            8 => self.runs::<8>(input, output),
            bytes => self.walk(|from, to| output[to..to + bytes].copy_from_slice(&input[from..from + bytes])),
        }
    }

    fn runs<const BYTES: usize>(&self, input: &[u8], output: &mut [u8]) {
        self.walk(|from, to| output[to..to + BYTES].copy_from_slice(&input[from..from + BYTES]));
    }

    /// Calls `visit` with the offsets of every run.
    fn walk(&self, mut visit: impl FnMut(usize, usize)) {
        let one = CopyAxis { len: 1, from: 0, to: 0 };
        let (inner, outer) = self.axes.split_last().map_or((one, &[][..]), |(inner, outer)| (*inner, outer));
        let rows: usize = outer.iter().map(|axis| axis.len).product();
        for row in 0..rows {
            let (mut rest, mut from, mut to) = (row, self.from_start as isize, self.to_start as isize);
            for axis in outer.iter().rev() {
                let index = (rest % axis.len) as isize;
                rest /= axis.len;
                from += index * axis.from;
                to += index * axis.to;
            }
            for _ in 0..inner.len {
                visit(from as usize, to as usize);
                from += inner.from;
                to += inner.to;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(len: usize, from: isize, to: isize) -> CopyAxis {
        CopyAxis { len, from, to }
    }

    #[test]
    fn steps_are_row_major() {
        assert_eq!(steps(&[2, 3, 4]), [12, 4, 1]);
        assert_eq!(steps(&[]), []);
    }

    #[test]
    fn axes_that_follow_each_other_become_one_run() {
        let copy = StridedCopy::new(&[axis(2, 12, 12), axis(3, 4, 4), axis(4, 1, 1)], 0, 0, 2);
        assert_eq!((copy.axes.len(), copy.run_bytes), (0, 48));
        let columns = StridedCopy::new(&[axis(2, 12, 6), axis(3, 4, 2), axis(2, 1, 1)], 0, 0, 2);
        assert_eq!((columns.axes.as_slice(), columns.run_bytes), (&[axis(6, 8, 4)][..], 4));
    }

    #[test]
    fn a_matrix_is_transposed() {
        let mut output = [0; 6];
        StridedCopy::new(&[axis(3, 1, 2), axis(2, 3, 1)], 0, 0, 1).run(&[1, 2, 3, 4, 5, 6], &mut output);
        assert_eq!(output, [1, 4, 2, 5, 3, 6]);
    }

    #[test]
    fn a_row_is_reversed_and_repeated() {
        let mut output = [0; 8];
        StridedCopy::new(&[axis(2, 0, 4), axis(2, -1, 2), axis(1, 9, 9)], 1, 1, 2)
            .run(&[1, 2, 3, 4], &mut [0; 18]);
        StridedCopy::new(&[axis(2, 0, 2), axis(2, -1, 1)], 1, 0, 2).run(&[1, 2, 3, 4], &mut output);
        assert_eq!(output, [3, 4, 1, 2, 3, 4, 1, 2]);
    }

    #[test]
    fn an_axis_without_elements_copies_nothing() {
        let mut output = [7; 2];
        StridedCopy::new(&[axis(2, 1, 1), axis(0, 1, 1)], 0, 0, 1).run(&[1, 2], &mut output);
        assert_eq!(output, [7, 7]);
        StridedCopy::new(&[axis(0, 1, 1), axis(2, 1, 1)], 0, 0, 1).run(&[1, 2], &mut output);
        assert_eq!(output, [7, 7]);
    }
}
