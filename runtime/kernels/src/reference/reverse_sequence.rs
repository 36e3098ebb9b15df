//! REVERSE_SEQUENCE: the first elements along one axis backwards, as many as the other axis says (`reference_ops.h`).

/// A tensor as the two axes that matter and what lies around them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReverseSequence<'a> {
    /// The tensor's shape.
    pub dims: &'a [usize],
    /// The axis along which elements change places.
    pub sequence_axis: usize,
    /// The axis along which lengths differ.
    pub batch_axis: usize,
}

/// Copies `input` with the sequences reversed; `length` gives the length at an index of the batch axis, and is at most the
/// length of the sequence axis.
pub fn reverse_sequence<T: Copy>(
    shape: &ReverseSequence<'_>,
    length: impl Fn(usize) -> usize,
    input: &[T],
    output: &mut [T],
) {
    let step_of = |axis: usize| shape.dims[axis + 1..].iter().product::<usize>();
    let (sequence_step, batch_step) = (step_of(shape.sequence_axis), step_of(shape.batch_axis));
    let (sequence_len, batch_len) = (shape.dims[shape.sequence_axis], shape.dims[shape.batch_axis]);
    for (index, value) in input.iter().enumerate() {
        let position = index / sequence_step % sequence_len;
        let length = length(index / batch_step % batch_len);
        let target = if position < length { length - 1 - position } else { position };
        output[index + target * sequence_step - position * sequence_step] = *value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_elements_change_places() {
        let shape = ReverseSequence { dims: &[2, 4], sequence_axis: 1, batch_axis: 0 };
        let mut output = [0; 8];
        reverse_sequence(&shape, |batch| [3, 0][batch], &[1, 2, 3, 4, 5, 6, 7, 8], &mut output);
        assert_eq!(output, [3, 2, 1, 4, 5, 6, 7, 8]);
    }

    #[test]
    fn the_sequence_may_be_the_outer_axis() {
        let shape = ReverseSequence { dims: &[2, 2], sequence_axis: 0, batch_axis: 1 };
        let mut output = [0; 4];
        reverse_sequence(&shape, |batch| [2, 1][batch], &[1, 2, 3, 4], &mut output);
        assert_eq!(output, [3, 2, 1, 4]);
    }
}
