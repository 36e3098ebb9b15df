//! MEAN over neighbouring axes, the usual case: the input is `[outer][averaged][inner]`, and whole runs of `inner` elements
//! are added at once, in the reference's order. Other axes go to the reference.

use crate::isa::{Body, Isa, Portable};
use crate::reference::mean as reference;
use crate::reference::mean::MeanQuantized;

/// Lengths of the three parts of a shape whose averaged axes are neighbours.
struct Parts {
    outer: usize,
    averaged: usize,
    inner: usize,
}

/// None where the averaged axes are no neighbours, or there are no elements.
fn parts(dims: &[usize], reduced: &[bool]) -> Option<Parts> {
    if dims.contains(&0) {
        return None;
    }
    let start = reduced.iter().position(|&reduced| reduced)?;
    let end = reduced.iter().rposition(|&reduced| reduced)? + 1;
    reduced[start..end].iter().all(|&reduced| reduced).then(|| Parts {
        outer: dims[..start].iter().product(),
        averaged: dims[start..end].iter().product(),
        inner: dims[end..].iter().product(),
    })
}

/// Adds each run of the averaged axes into `sums`, `[outer][inner]`, as code for an instruction set.
struct AddRuns<'a, T, S, F> {
    parts: &'a Parts,
    input: &'a [T],
    sums: &'a mut [S],
    add: F,
}

impl<T: Copy, S: Copy, F: Fn(S, T) -> S> Body for AddRuns<'_, T, S, F> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { parts, input, sums, add } = self;
        let outer = input.chunks_exact(parts.averaged * parts.inner).zip(sums.chunks_exact_mut(parts.inner));
        for (input, sums) in outer.take(parts.outer) {
            for run in input.chunks_exact(parts.inner) {
                for (sum, &value) in sums.iter_mut().zip(run) {
                    *sum = add(*sum, value);
                }
            }
        }
    }
}

/// Means of floats, bit-equal to the reference's.
pub(crate) fn mean_f32_on<I: Isa>(
    isa: I,
    dims: &[usize],
    reduced: &[bool],
    input: &[f32],
    output: &mut [f32],
) {
    let Some(parts) = parts(dims, reduced) else {
        return reference::mean_f32(dims, reduced, input, output);
    };
    assert_eq!(output.len(), parts.outer * parts.inner);
    output.fill(0.0);
    isa.vectorize(AddRuns { parts: &parts, input, sums: output, add: |sum, value| sum + value });
    let count = parts.averaged as f32;
    for mean in output {
        *mean /= count;
    }
}

/// Means of int8.
pub(crate) fn mean_i8_on<I: Isa>(
    isa: I,
    constants: &MeanQuantized,
    dims: &[usize],
    reduced: &[bool],
    input: &[i8],
    sums: &mut [i32],
    output: &mut [i8],
) {
    let Some(parts) = parts(dims, reduced) else {
        return reference::mean_quantized(constants, dims, reduced, input, sums, output);
    };
    assert_eq!(output.len(), parts.outer * parts.inner);
    let sums = &mut sums[..output.len()];
    sums.fill(0);
    let add = |sum: i32, value: i8| sum.wrapping_add(i32::from(value));
    isa.vectorize(AddRuns { parts: &parts, input, sums, add });
    constants.store_means(parts.averaged, sums, output);
}

/// Means of floats, bit-equal to the reference's, for any CPU.
pub fn mean_f32(dims: &[usize], reduced: &[bool], input: &[f32], output: &mut [f32]) {
    mean_f32_on(Portable::new(), dims, reduced, input, output);
}

/// Means of int8, for any CPU.
pub fn mean_i8(
    constants: &MeanQuantized,
    dims: &[usize],
    reduced: &[bool],
    input: &[i8],
    sums: &mut [i32],
    output: &mut [i8],
) {
    mean_i8_on(Portable::new(), constants, dims, reduced, input, sums, output);
}
