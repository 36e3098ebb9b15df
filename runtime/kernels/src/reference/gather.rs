//! GATHER, GATHER_ND and EMBEDDING_LOOKUP: runs of bytes picked by indices (`reference/gather.h`, `reference_ops.h`).

/// Runs along one axis of a tensor, picked by indices that may differ from batch to batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gather {
    /// Steps along the axes that input and indices share.
    pub batch: usize,
    /// Steps along the axes between those and the axis that is picked from.
    pub outer: usize,
    /// Length of the axis that is picked from.
    pub axis_len: usize,
    /// Indices of one batch.
    pub picks: usize,
    /// Bytes that lie together behind the axis.
    pub run_bytes: usize,
}

/// Copies the runs; `index` gives the index at a position of the indices, and is below `axis_len`.
pub fn gather(shape: &Gather, index: impl Fn(usize) -> usize, input: &[u8], output: &mut [u8]) {
    let run = shape.run_bytes;
    for row in 0..shape.batch * shape.outer {
        let batch = row / shape.outer;
        for pick in 0..shape.picks {
            let from = (row * shape.axis_len + index(batch * shape.picks + pick)) * run;
            let to = (row * shape.picks + pick) * run;
            output[to..to + run].copy_from_slice(&input[from..from + run]);
        }
    }
}

/// Copies `count` runs of `run_bytes` one after the other; `start` gives the number of the run that comes next.
pub fn gather_runs(
    count: usize,
    run_bytes: usize,
    start: impl Fn(usize) -> usize,
    input: &[u8],
    output: &mut [u8],
) {
    for pick in 0..count {
        let from = start(pick) * run_bytes;
        output[pick * run_bytes..][..run_bytes].copy_from_slice(&input[from..from + run_bytes]);
    }
}

/// Real values of rows of a quantized table, each row with a scale: `scale(row) * stored`.
pub fn dequantized_rows<T: Copy + Into<f32>>(
    row_len: usize,
    rows: impl Iterator<Item = usize>,
    scale: impl Fn(usize) -> f32,
    table: &[T],
    output: &mut [f32],
) {
    for (row, output) in rows.zip(output.chunks_exact_mut(row_len.max(1))) {
        let stored = &table[row * row_len..][..row_len];
        for (store, value) in output.iter_mut().zip(stored) {
            *store = (*value).into() * scale(row);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_picked_along_an_axis() {
        let shape = Gather { batch: 1, outer: 2, axis_len: 3, picks: 2, run_bytes: 1 };
        let mut output = [0; 4];
        gather(&shape, |at| [2, 0][at], &[1, 2, 3, 4, 5, 6], &mut output);
        assert_eq!(output, [3, 1, 6, 4]);
    }

    #[test]
    fn each_batch_has_its_own_indices() {
        let shape = Gather { batch: 2, outer: 1, axis_len: 2, picks: 1, run_bytes: 2 };
        let mut output = [0; 4];
        gather(&shape, |at| [1, 0][at], &[1, 2, 3, 4, 5, 6, 7, 8], &mut output);
        assert_eq!(output, [3, 4, 5, 6]);
    }

    #[test]
    fn rows_of_a_table_become_real() {
        let mut output = [0.0; 4];
        dequantized_rows(2, [1, 0].into_iter(), |row| [0.5, 2.0][row], &[1i8, 2, -3, 4], &mut output);
        assert_eq!(output, [-6.0, 8.0, 0.5, 1.0]);
    }
}
