//! PAD: a copy of the input in the middle of a constant.

/// Copies `input` of shape `dims` into `output`, `before[axis]` elements from the start of each axis, and fills what is left
/// with `value`. `padded` is the output's shape. All three have the same number of axes.
pub fn pad<T: Copy>(
    dims: &[usize],
    before: &[usize],
    padded: &[usize],
    value: T,
    input: &[T],
    output: &mut [T],
) {
    assert_eq!(output.len(), padded.iter().product());
    output.fill(value);
    copy_inside(dims, before, padded, input, output);
}

fn copy_inside<T: Copy>(dims: &[usize], before: &[usize], padded: &[usize], input: &[T], output: &mut [T]) {
    let Some((&run, outer)) = dims.split_last() else {
        output.copy_from_slice(input);
        return;
    };
    let runs = outer.iter().product::<usize>();
    for index in 0..runs {
        let (mut rest, mut first, mut step) = (index, before[outer.len()], padded[outer.len()]);
        for axis in (0..outer.len()).rev() {
            first += (rest % outer[axis] + before[axis]) * step;
            rest /= outer[axis];
            step *= padded[axis];
        }
        output[first..first + run].copy_from_slice(&input[index * run..][..run]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_input_stands_in_the_middle() {
        let mut output = [0; 12];
        pad(&[2, 2], &[1, 0], &[4, 3], 9, &[1, 2, 3, 4], &mut output);
        assert_eq!(output, [9, 9, 9, 1, 2, 9, 3, 4, 9, 9, 9, 9]);
    }

    #[test]
    fn a_scalar_is_copied() {
        let mut output = [0];
        pad(&[], &[], &[], 9, &[4], &mut output);
        assert_eq!(output, [4]);
    }
}
