//! BATCH_MATMUL: `reference_ops::BatchMatMul` in its float, hybrid and integer forms. Sums run along the common dimension
//! in ascending order.

use super::hybrid::quantize_row;
use super::integer::{Stored, Sum, store};
use crate::requantize::Multiplier;
use crate::shape::Clamp;
use crate::spec::{FilterScales, InputQuantization};

/// Products of matrices `[rows, depth] x [depth, columns]`, over up to three outer dimensions that broadcast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchMatMulShape {
    /// Outer dimensions of the output.
    pub batch: [usize; 3],
    /// Elements of the left operand from one step along each outer dimension to the next; 0 where it broadcasts.
    pub left_strides: [usize; 3],
    /// The same of the right operand.
    pub right_strides: [usize; 3],
    /// Rows of the left matrix and of the product.
    pub rows: usize,
    /// The dimension that is summed over.
    pub depth: usize,
    /// Columns of the right matrix and of the product.
    pub columns: usize,
    /// The left matrices are stored `[depth, rows]`.
    pub left_transposed: bool,
    /// The right matrices are stored `[columns, depth]`.
    pub right_transposed: bool,
}

impl BatchMatMulShape {
    /// Multiply-accumulates.
    pub fn macs(&self) -> u64 {
        let batch: u64 = self.batch.iter().map(|dim| *dim as u64).product();
        batch * self.rows as u64 * self.depth as u64 * self.columns as u64
    }

    /// Calls `visit(left, right, output)` with the offsets of each row of each product.
    fn for_each_row(&self, mut visit: impl FnMut(usize, usize, usize)) {
        let [outer, middle, inner] = self.batch;
        let mut output = 0;
        for index in 0..outer * middle * inner {
            let place = [index / inner / middle, index / inner % middle, index % inner];
            let offset =
                |strides: [usize; 3]| place.iter().zip(strides).map(|(at, stride)| at * stride).sum();
            let (left, right): (usize, usize) = (offset(self.left_strides), offset(self.right_strides));
            let row_step = if self.left_transposed { 1 } else { self.depth };
            for row in 0..self.rows {
                visit(left + row * row_step, right, output);
                output += self.columns;
            }
        }
    }

    /// Left elements of the row that starts at `start`.
    fn left_row<'a, T: Copy>(&self, left: &'a [T], start: usize) -> impl Iterator<Item = T> + 'a {
        let step = if self.left_transposed { self.rows } else { 1 };
        left[start..].iter().step_by(step).take(self.depth).copied()
    }

    /// Right elements of column `column` of the matrix that starts at `start`.
    fn right_column<'a, T: Copy>(
        &self,
        right: &'a [T],
        start: usize,
        column: usize,
    ) -> impl Iterator<Item = T> + 'a {
        let (first, step) =
            if self.right_transposed { (column * self.depth, 1) } else { (column, self.columns) };
        right[start + first..].iter().step_by(step).take(self.depth).copied()
    }
}

/// Floats.
pub fn batch_matmul_f32(shape: &BatchMatMulShape, left: &[f32], right: &[f32], output: &mut [f32]) {
    shape.for_each_row(|left_start, right_start, place| {
        let output = &mut output[place..][..shape.columns];
        if shape.right_transposed {
            for (column, store) in output.iter_mut().enumerate() {
                let products =
                    shape.left_row(left, left_start).zip(shape.right_column(right, right_start, column));
                *store = products.fold(0.0, |sum, (a, b)| sum + a * b);
            }
            return;
        }
        // The same sums in the same order, a row of the right matrix at a time.
        output.fill(0.0);
        let rows = right[right_start..].chunks_exact(shape.columns);
        for (a, row) in shape.left_row(left, left_start).zip(rows) {
            output.iter_mut().zip(row).for_each(|(sum, b)| *sum += a * b);
        }
    });
}

/// How integer sums become the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchMatMulInteger {
    /// Zero point of the left operand.
    pub left_zero_point: i32,
    /// Zero point of the right operand.
    pub right_zero_point: i32,
    /// `scale_left * scale_right / scale_out`.
    pub multiplier: Multiplier,
    /// Zero point of the output.
    pub output_zero_point: i32,
    /// Range of the output's type.
    pub range: Clamp<i32>,
}

/// Integers, summed as `S`.
pub fn batch_matmul_integer<A: Stored, B: Stored, S: Sum>(
    constants: &BatchMatMulInteger,
    shape: &BatchMatMulShape,
    left: &[A],
    right: &[B],
    output: &mut [A],
) {
    shape.for_each_row(|left_start, right_start, place| {
        for (column, element) in output[place..][..shape.columns].iter_mut().enumerate() {
            let pairs = shape.left_row(left, left_start).zip(shape.right_column(right, right_start, column));
            let sum = pairs.fold(S::default(), |sum, (a, b)| {
                let (a, b): (i32, i32) = (a.into(), b.into());
                sum.plus_wide((a - constants.left_zero_point).into(), (b - constants.right_zero_point).into())
            });
            *element =
                store(sum.rescaled(constants.multiplier), constants.output_zero_point, constants.range);
        }
    });
}

/// Int8 with the plain sums as output. Zero points are not taken off, as in the source.
pub fn batch_matmul_i8_i32(shape: &BatchMatMulShape, left: &[i8], right: &[i8], output: &mut [i32]) {
    shape.for_each_row(|left_start, right_start, place| {
        for (column, store) in output[place..][..shape.columns].iter_mut().enumerate() {
            let pairs = shape.left_row(left, left_start).zip(shape.right_column(right, right_start, column));
            *store = pairs.fold(0i32, |sum, (a, b)| sum.wrapping_add(i32::from(a) * i32::from(b)));
        }
    });
}

/// A float left operand, quantized row by row into `quantized` (`depth` elements), with an int8 right operand.
pub fn batch_matmul_hybrid(
    (scales, input): (FilterScales<'_>, InputQuantization),
    shape: &BatchMatMulShape,
    (left, right): (&[f32], &[i8]),
    (quantized, row): (&mut [i8], &mut [f32]),
    output: &mut [f32],
) {
    shape.for_each_row(|left_start, right_start, place| {
        row.iter_mut().zip(shape.left_row(left, left_start)).for_each(|(store, value)| *store = value);
        let how = quantize_row(row, input, quantized);
        for (column, store) in output[place..][..shape.columns].iter_mut().enumerate() {
            let weights = || shape.right_column(right, right_start, column);
            let sum = quantized
                .iter()
                .zip(weights())
                .fold(0i32, |sum, (a, b)| sum.wrapping_add(i32::from(*a) * i32::from(b)));
            let weight_sum = weights().fold(0i32, |sum, b| sum.wrapping_add(i32::from(b)));
            // The source takes the correction off in float, and truncates.
            let sum = (sum as f32 - weight_sum as f32 * how.zero_point as f32) as i32;
            *store = how.scale * scales.get(column) * sum as f32;
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const SQUARE: BatchMatMulShape = BatchMatMulShape {
        batch: [1, 1, 1],
        left_strides: [0; 3],
        right_strides: [0; 3],
        rows: 2,
        depth: 2,
        columns: 2,
        left_transposed: false,
        right_transposed: false,
    };

    #[test]
    fn transposed_operands_are_read_across() {
        let (left, right) = ([1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]);
        let of = |left_transposed, right_transposed| {
            let shape = BatchMatMulShape { left_transposed, right_transposed, ..SQUARE };
            let mut output = [0.0; 4];
            batch_matmul_f32(&shape, &left, &right, &mut output);
            output
        };
        assert_eq!(of(false, false), [19.0, 22.0, 43.0, 50.0]);
        assert_eq!(of(true, false), [26.0, 30.0, 38.0, 44.0]);
        assert_eq!(of(false, true), [17.0, 23.0, 39.0, 53.0]);
        assert_eq!(of(true, true), [23.0, 31.0, 34.0, 46.0]);
    }

    #[test]
    fn one_matrix_serves_all_batches() {
        let shape =
            BatchMatMulShape { batch: [1, 1, 2], left_strides: [0, 0, 2], rows: 1, columns: 1, ..SQUARE };
        let mut output = [0.0; 2];
        batch_matmul_f32(&shape, &[1.0, 2.0, 3.0, 4.0], &[10.0, 1.0], &mut output);
        assert_eq!(output, [12.0, 34.0]);
    }
}
