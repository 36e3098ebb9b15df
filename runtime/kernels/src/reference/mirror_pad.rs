//! MIRROR_PAD: what is added repeats the input backwards (`kernels/mirror_pad.cc`).

/// Copies `input` of shape `dims` into `output` of shape `padded`, `before[axis]` elements from the start of each axis, and
/// fills the rest with its mirror image. `offset` is 0 where the edge itself is repeated (SYMMETRIC) and 1 where it is not
/// (REFLECT). No axis is padded by more than `dims[axis] - offset` on one side.
pub fn mirror_pad<T: Copy>(
    dims: &[usize],
    before: &[usize],
    padded: &[usize],
    offset: usize,
    input: &[T],
    output: &mut [T],
) {
    assert_eq!(output.len(), padded.iter().product());
    for (index, store) in output.iter_mut().enumerate() {
        let (mut rest, mut source, mut step) = (index, 0, 1);
        for axis in (0..dims.len()).rev() {
            source += mirrored(rest % padded[axis], before[axis], dims[axis], offset) * step;
            rest /= padded[axis];
            step *= dims[axis];
        }
        *store = input[source];
    }
}

/// The element of an axis of length `len` that stands at `index` of the padded axis.
fn mirrored(index: usize, before: usize, len: usize, offset: usize) -> usize {
    if index < before {
        before + offset - 1 - index
    } else if index < before + len {
        index - before
    } else {
        2 * len + before - 1 - offset - index
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_edge_is_repeated_or_not() {
        let mut symmetric = [0; 7];
        mirror_pad(&[3], &[2], &[7], 0, &[1, 2, 3], &mut symmetric);
        assert_eq!(symmetric, [2, 1, 1, 2, 3, 3, 2]);
        let mut reflect = [0; 7];
        mirror_pad(&[3], &[2], &[7], 1, &[1, 2, 3], &mut reflect);
        assert_eq!(reflect, [3, 2, 1, 2, 3, 2, 1]);
    }

    #[test]
    fn corners_are_mirrored_along_both_axes() {
        let mut output = [0; 9];
        mirror_pad(&[2, 2], &[1, 0], &[3, 3], 1, &[1, 2, 3, 4], &mut output);
        assert_eq!(output, [3, 4, 3, 1, 2, 1, 3, 4, 3]);
    }
}
