//! MEAN over any axes (`reference/reduce.h`: `Mean` and `QuantizedMeanOrSum`).
//!
//! `dims` is the input's shape and `reduced` says for each axis whether it is averaged over. The output has the other axes, in
//! order; whether it keeps the averaged ones with length 1 makes no difference to its elements. No axis has length 0.

use alloc::vec;
use alloc::vec::Vec;

use crate::requantize::Multiplier;

/// Constants of MEAN on int8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MeanI8 {
    /// Zero point of the input.
    pub input_zero_point: i32,
    /// Zero point of the output.
    pub output_zero_point: i32,
    /// `scale_input / scale_output`; the division by the count is folded in here, as LiteRT does it.
    pub rescale: Multiplier,
}

/// Elements of the output.
pub fn output_len(dims: &[usize], reduced: &[bool]) -> usize {
    dims.iter().zip(reduced).filter(|(_, reduced)| !**reduced).map(|(len, _)| *len).product()
}

/// Elements averaged into one.
pub fn count(dims: &[usize], reduced: &[bool]) -> usize {
    dims.iter().zip(reduced).filter(|(_, reduced)| **reduced).map(|(len, _)| *len).product()
}

/// Calls `visit(input, output)` for each input element, in order, with the output element it is averaged into.
fn for_each_element(dims: &[usize], reduced: &[bool], mut visit: impl FnMut(usize, usize)) {
    let strides = output_strides(dims, reduced);
    let mut index = vec![0; dims.len()];
    let mut output = 0;
    for input in 0..dims.iter().product() {
        visit(input, output);
        for axis in (0..dims.len()).rev() {
            index[axis] += 1;
            output += strides[axis];
            if index[axis] < dims[axis] {
                break;
            }
            output -= strides[axis] * dims[axis];
            index[axis] = 0;
        }
    }
}

/// Step in the output for a step along each input axis; 0 along averaged ones.
fn output_strides(dims: &[usize], reduced: &[bool]) -> Vec<usize> {
    let mut strides = vec![0; dims.len()];
    let mut step = 1;
    for axis in (0..dims.len()).rev() {
        if !reduced[axis] {
            strides[axis] = step;
            step *= dims[axis];
        }
    }
    strides
}

/// Means of floats: summed in the input's order, then divided.
pub fn mean_f32(dims: &[usize], reduced: &[bool], input: &[f32], output: &mut [f32]) {
    assert_eq!(output.len(), output_len(dims, reduced));
    output.fill(0.0);
    for_each_element(dims, reduced, |from, to| output[to] += input[from]);
    let count = count(dims, reduced) as f32;
    for mean in output {
        *mean /= count;
    }
}

/// Means of int8. `sums` is scratch of the output's length; its content means nothing.
pub fn mean_i8(
    constants: &MeanI8,
    dims: &[usize],
    reduced: &[bool],
    input: &[i8],
    sums: &mut [i32],
    output: &mut [i8],
) {
    assert_eq!(output.len(), output_len(dims, reduced));
    let sums = &mut sums[..output.len()];
    sums.fill(0);
    for_each_element(dims, reduced, |from, to| sums[to] = sums[to].wrapping_add(i32::from(input[from])));
    constants.store(count(dims, reduced), sums, output);
}

impl MeanI8 {
    /// From the sums of `count` elements each to the means.
    pub(crate) fn store(&self, count: usize, sums: &[i32], output: &mut [i8]) {
        let rescale = divided(self.rescale, count as u64);
        let zeros = i64::from(self.input_zero_point) * count as i64;
        for (store, &sum) in output.iter_mut().zip(sums) {
            let mean = rescale.apply((i64::from(sum) - zeros) as i32).wrapping_add(self.output_zero_point);
            *store = mean.clamp(-128, 127) as i8;
        }
    }
}

/// `rescale / count`, with LiteRT's loss: the quotient keeps as many bits as the count's leading one allows.
fn divided(rescale: Multiplier, count: u64) -> Multiplier {
    let bits = 63 - count.leading_zeros() as i32;
    let bits = bits.min(32).min(31 + rescale.shift).max(0);
    let mantissa = (i64::from(rescale.mantissa) << bits) / count as i64;
    Multiplier { mantissa: mantissa as i32, shift: rescale.shift - bits }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_axes_may_be_averaged() {
        let input = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let mut rows = [0.0; 2];
        mean_f32(&[2, 3], &[false, true], &input, &mut rows);
        assert_eq!(rows, [2.0, 5.0]);
        let mut columns = [0.0; 3];
        mean_f32(&[2, 3], &[true, false], &input, &mut columns);
        assert_eq!(columns, [2.5, 3.5, 4.5]);
        let mut all = [0.0];
        mean_f32(&[2, 3], &[true, true], &input, &mut all);
        assert_eq!(all, [3.5]);
    }

    #[test]
    fn int8_means_are_rescaled() {
        let constants = MeanI8 {
            input_zero_point: -1,
            output_zero_point: 10,
            rescale: Multiplier { mantissa: 1 << 30, shift: 2 },
        };
        let (mut sums, mut output) = ([9; 2], [0; 2]);
        mean_i8(&constants, &[3, 2], &[true, false], &[1, -1, 2, -1, 6, -128], &mut sums, &mut output);
        // (2 + 3 + 7) / 3 * 2 + 10 and (0 + 0 - 127) / 3 * 2 + 10
        assert_eq!(output, [18, -75]);
    }

    #[test]
    fn the_quotient_keeps_the_factor() {
        for count in [1u64, 2, 3, 7, 49, 64, 9216, 50_176] {
            let whole = Multiplier { mantissa: 1_518_500_250, shift: -3 };
            let part = divided(whole, count);
            let real = |m: Multiplier| f64::from(m.mantissa) * 2f64.powi(m.shift - 31);
            let error = real(part) * count as f64 / real(whole) - 1.0;
            assert!(error.abs() < 1e-8, "{count}: {error}");
        }
    }
}
