//! Reductions over any axes: SUM, REDUCE_PROD, REDUCE_MAX, REDUCE_MIN, REDUCE_ANY, REDUCE_ALL (`reference/reduce.h`).
//!
//! `dims` is the input's shape and `reduced` says for each axis whether it goes. The output has the other axes, in
//! order; whether it keeps those that went with length 1 makes no difference to its elements.

use alloc::vec;
use alloc::vec::Vec;

use super::quantize::Quantized;
use crate::requantize::Multiplier;

/// Elements of the output.
pub fn output_len(dims: &[usize], reduced: &[bool]) -> usize {
    dims.iter().zip(reduced).filter(|(_, reduced)| !**reduced).map(|(len, _)| *len).product()
}

/// Elements reduced to one.
pub fn count(dims: &[usize], reduced: &[bool]) -> usize {
    dims.iter().zip(reduced).filter(|(_, reduced)| **reduced).map(|(len, _)| *len).product()
}

/// Calls `visit(input, output)` for each input element, in order, with the output element it is reduced to.
pub(super) fn for_each_element(dims: &[usize], reduced: &[bool], mut visit: impl FnMut(usize, usize)) {
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

/// Step in the output for a step along each input axis; 0 along those that go.
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

/// Begins each output element with `first` and takes every input element in, in order.
pub fn reduce<T: Copy>(
    dims: &[usize],
    reduced: &[bool],
    first: T,
    input: &[T],
    output: &mut [T],
    take: impl Fn(T, T) -> T,
) {
    assert_eq!(output.len(), output_len(dims, reduced));
    output.fill(first);
    for_each_element(dims, reduced, |from, to| output[to] = take(output[to], input[from]));
}

/// Constants of REDUCE_PROD on quantized values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProductQuantized {
    /// Zero point of the input.
    pub input_zero_point: i32,
    /// Zero point of the output.
    pub output_zero_point: i32,
    /// `scale_input / scale_output^(1 / count)`, which each product is scaled by.
    pub rescale: Multiplier,
}

/// Products of quantized values, scaled at each step. `products` is scratch of the output's length; its content means
/// nothing. Nothing is written where the input has no elements.
pub fn product_quantized<T: Quantized>(
    constants: &ProductQuantized,
    dims: &[usize],
    reduced: &[bool],
    input: &[T],
    products: &mut [i32],
    output: &mut [T],
) {
    if input.is_empty() {
        return;
    }
    assert_eq!(output.len(), output_len(dims, reduced));
    let products = &mut products[..output.len()];
    let mut is_begun = vec![false; output.len()];
    for_each_element(dims, reduced, |from, to| {
        let factor = input[from].into() - constants.input_zero_point;
        products[to] = if core::mem::replace(&mut is_begun[to], true) {
            constants.rescale.apply_i64(i64::from(products[to]) * i64::from(factor))
        } else {
            factor
        };
    });
    for (store, &product) in output.iter_mut().zip(&*products) {
        let scaled = constants.rescale.apply_i64(i64::from(product));
        *store = T::saturate(scaled.wrapping_add(constants.output_zero_point));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_taken_in_along_the_axes_that_go() {
        let input = [1, 2, 3, 4, 5, 6];
        let mut rows = [0; 2];
        reduce(&[2, 3], &[false, true], 0, &input, &mut rows, |sum, value| sum + value);
        assert_eq!(rows, [6, 15]);
        let mut columns = [0; 3];
        reduce(&[2, 3], &[true, false], 1, &input, &mut columns, |product, value| product * value);
        assert_eq!(columns, [4, 10, 18]);
        let mut all = [0];
        reduce(&[2, 3], &[true, true], i32::MIN, &input, &mut all, |greatest, value| greatest.max(value));
        assert_eq!(all, [6]);
    }

    #[test]
    fn no_elements_leave_what_it_began_with() {
        let mut output = [9; 2];
        reduce(&[0, 2], &[true, false], 7, &[], &mut output, |sum, value| sum + value);
        assert_eq!(output, [7, 7]);
    }

    #[test]
    fn quantized_products_are_scaled_at_each_step() {
        let constants = ProductQuantized {
            input_zero_point: 1,
            output_zero_point: -3,
            rescale: Multiplier { mantissa: 1 << 30, shift: 0 },
        };
        let (mut products, mut output) = ([0; 1], [0i8; 1]);
        // 4 * 6 / 2 = 12, 12 * 5 / 2 = 30, 30 / 2 - 3
        product_quantized(&constants, &[3], &[true], &[5, 7, 6], &mut products, &mut output);
        assert_eq!(output, [12]);
    }
}
