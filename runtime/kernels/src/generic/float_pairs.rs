//! ADD, SUB and MUL on floats, and HARD_SWISH, in vectors: the reference's operations in its order, so the same bits.

use crate::isa::{Body, Isa, Portable};
use crate::shape::{Broadcast, BroadcastAxis, Clamp};

/// A function of two floats.
trait Pair: Copy {
    fn apply(left: f32, right: f32) -> f32;
}

#[derive(Clone, Copy)]
struct Sum;
#[derive(Clone, Copy)]
struct Difference;
#[derive(Clone, Copy)]
struct Product;

impl Pair for Sum {
    #[inline(always)]
    fn apply(left: f32, right: f32) -> f32 {
        left + right
    }
}

impl Pair for Difference {
    #[inline(always)]
    fn apply(left: f32, right: f32) -> f32 {
        left - right
    }
}

impl Pair for Product {
    #[inline(always)]
    fn apply(left: f32, right: f32) -> f32 {
        left * right
    }
}

/// Two operands, how they are walked, and where the results go.
struct Walk<'a, P> {
    pair: P,
    activation: Clamp<f32>,
    walk: &'a Broadcast,
    left: &'a [f32],
    right: &'a [f32],
    output: &'a mut [f32],
}

impl<P: Pair> Body for Walk<'_, P> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { pair, activation, walk, left, right, output } = self;
        assert_eq!(output.len(), walk.output_len());
        let axis = walk.inner();
        // Counted out, for a closure that is not inlined would be compiled for the baseline.
        for run in 0..walk.runs() {
            let (first, left_first, right_first) = walk.run(run);
            let output = &mut output[first..][..axis.len];
            run_along(pair, activation, axis, &left[left_first..], &right[right_first..], output);
        }
    }
}

/// One run.
#[inline(always)]
fn run_along<P: Pair>(
    _pair: P,
    activation: Clamp<f32>,
    axis: BroadcastAxis,
    left: &[f32],
    right: &[f32],
    output: &mut [f32],
) {
    let len = output.len();
    match (axis.left, axis.right) {
        (1, 1) => {
            for ((store, &left), &right) in output.iter_mut().zip(&left[..len]).zip(&right[..len]) {
                *store = activation.apply(P::apply(left, right));
            }
        }
        (1, 0) => {
            let right = right[0];
            for (store, &left) in output.iter_mut().zip(&left[..len]) {
                *store = activation.apply(P::apply(left, right));
            }
        }
        (0, 1) => {
            let left = left[0];
            for (store, &right) in output.iter_mut().zip(&right[..len]) {
                *store = activation.apply(P::apply(left, right));
            }
        }
        (left_step, right_step) => {
            for (index, store) in output.iter_mut().enumerate() {
                *store = activation.apply(P::apply(left[index * left_step], right[index * right_step]));
            }
        }
    }
}

struct HardSwish<'a> {
    input: &'a [f32],
    output: &'a mut [f32],
}

impl Body for HardSwish<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        assert_eq!(self.input.len(), self.output.len());
        for (store, &value) in self.output.iter_mut().zip(self.input) {
            *store = value * (value + 3.0).clamp(0.0, 6.0) / 6.0;
        }
    }
}

/// `left + right`.
pub(crate) fn add_on<I: Isa>(
    isa: I,
    activation: Clamp<f32>,
    walk: &Broadcast,
    left: &[f32],
    right: &[f32],
    output: &mut [f32],
) {
    isa.vectorize(Walk { pair: Sum, activation, walk, left, right, output });
}

/// `left - right`.
pub(crate) fn sub_on<I: Isa>(
    isa: I,
    activation: Clamp<f32>,
    walk: &Broadcast,
    left: &[f32],
    right: &[f32],
    output: &mut [f32],
) {
    isa.vectorize(Walk { pair: Difference, activation, walk, left, right, output });
}

/// `left * right`.
pub(crate) fn mul_on<I: Isa>(
    isa: I,
    activation: Clamp<f32>,
    walk: &Broadcast,
    left: &[f32],
    right: &[f32],
    output: &mut [f32],
) {
    isa.vectorize(Walk { pair: Product, activation, walk, left, right, output });
}

/// `x * min(max(x + 3, 0), 6) / 6`.
pub(crate) fn hard_swish_on<I: Isa>(isa: I, input: &[f32], output: &mut [f32]) {
    isa.vectorize(HardSwish { input, output });
}

/// `left + right` for any CPU.
pub fn add(activation: Clamp<f32>, walk: &Broadcast, left: &[f32], right: &[f32], output: &mut [f32]) {
    add_on(Portable::new(), activation, walk, left, right, output);
}

/// `left - right` for any CPU.
pub fn sub(activation: Clamp<f32>, walk: &Broadcast, left: &[f32], right: &[f32], output: &mut [f32]) {
    sub_on(Portable::new(), activation, walk, left, right, output);
}

/// `left * right` for any CPU.
pub fn mul(activation: Clamp<f32>, walk: &Broadcast, left: &[f32], right: &[f32], output: &mut [f32]) {
    mul_on(Portable::new(), activation, walk, left, right, output);
}

/// HARD_SWISH for any CPU.
pub fn hard_swish(input: &[f32], output: &mut [f32]) {
    hard_swish_on(Portable::new(), input, output);
}
