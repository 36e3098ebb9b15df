//! MEAN over neighbouring axes, the usual case: the input is `[outer][averaged][inner]`, and whole runs of `inner` elements
//! are added at once, in the reference's order. Other axes go to the reference.

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

/// Adds each run of the averaged axes into `sums`, `[outer][inner]`.
fn add_runs<T: Copy, S: Copy>(parts: &Parts, input: &[T], sums: &mut [S], add: impl Fn(S, T) -> S) {
    let outer = input.chunks_exact(parts.averaged * parts.inner).zip(sums.chunks_exact_mut(parts.inner));
    for (input, sums) in outer.take(parts.outer) {
        for run in input.chunks_exact(parts.inner) {
            for (sum, &value) in sums.iter_mut().zip(run) {
                *sum = add(*sum, value);
            }
        }
    }
}

/// Means of floats, bit-equal to the reference's.
pub fn mean_f32(dims: &[usize], reduced: &[bool], input: &[f32], output: &mut [f32]) {
    let Some(parts) = parts(dims, reduced) else {
        return reference::mean_f32(dims, reduced, input, output);
    };
    assert_eq!(output.len(), parts.outer * parts.inner);
    output.fill(0.0);
    add_runs(&parts, input, output, |sum, value| sum + value);
    let count = parts.averaged as f32;
    for mean in output {
        *mean /= count;
    }
}

/// Means of int8.
pub fn mean_i8(
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
    add_runs(&parts, input, sums, |sum, value| sum.wrapping_add(i32::from(value)));
    constants.store_means(parts.averaged, sums, output);
}
