//! SELECT and SELECT_V2 (`reference/select.h`). Nothing is computed, so elements are whatever has their size.

/// How three operands are walked to give one output: for each axis of the output its length and the steps in the condition
/// and in both operands, 0 where one repeats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelectWalk {
    /// Outermost first.
    pub axes: alloc::vec::Vec<SelectAxis>,
}

/// One axis of a [`SelectWalk`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SelectAxis {
    /// Elements of the output along the axis.
    pub len: usize,
    /// Steps in the condition and in the operands for true and for false.
    pub steps: [usize; 3],
}

/// `on_true` where the condition is not 0, else `on_false`.
pub fn select<T: Copy>(walk: &SelectWalk, condition: &[u8], on_true: &[T], on_false: &[T], output: &mut [T]) {
    assert_eq!(output.len(), walk.axes.iter().map(|axis| axis.len).product());
    for (index, store) in output.iter_mut().enumerate() {
        let (mut rest, mut at) = (index, [0; 3]);
        for axis in walk.axes.iter().rev() {
            let position = rest % axis.len;
            rest /= axis.len;
            for (at, step) in at.iter_mut().zip(axis.steps) {
                *at += position * step;
            }
        }
        *store = if condition[at[0]] != 0 { on_true[at[1]] } else { on_false[at[2]] };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_operand_repeats_by_itself() {
        let axes =
            alloc::vec![SelectAxis { len: 2, steps: [1, 3, 0] }, SelectAxis { len: 3, steps: [0, 1, 0] },];
        let mut output = [0; 6];
        select(&SelectWalk { axes }, &[0, 1], &[1, 2, 3, 4, 5, 6], &[9], &mut output);
        assert_eq!(output, [9, 9, 9, 4, 5, 6]);
    }
}
