//! The exact place of a step: on the values as they are, because drawing in outliers blurs the edge.

use super::noise::Noise;
use crate::stats::quantile::median_of;

/// How far a step is moved at most.
const MOVE: usize = 6;

/// Points at each side that give the level.
const LEVEL_POINTS: usize = 100;

/// A point further from a level than this, in scales, says no more than one at this distance.
const REACH: f64 = 5.0;

/// Each step where the bounded squared distances from the levels before and after it are least.
pub(super) fn refine(values: &[f64], noise: &Noise, steps: &[usize]) -> Vec<usize> {
    let mut refined: Vec<usize> = Vec::with_capacity(steps.len());
    for (number, step) in steps.iter().enumerate() {
        let from = refined.last().copied().unwrap_or(0);
        let to = steps.get(number + 1).copied().unwrap_or(values.len());
        refined.push(place(values, noise.scale, from, *step, to));
    }
    refined
}

fn place(values: &[f64], scale: f64, from: usize, step: usize, to: usize) -> usize {
    let level = |from: usize, to: usize| median_of(values[from..to].iter().copied()).unwrap_or(0.0);
    let before = level(from.max(step.saturating_sub(LEVEL_POINTS)), step);
    let after = level(step, to.min(step + LEVEL_POINTS));
    let limit = (REACH * scale) * (REACH * scale);
    let bounded = |value: f64, level: f64| ((value - level) * (value - level)).min(limit);
    let first = (from + 1).max(step.saturating_sub(MOVE));
    let last = (to - 1).min(step + MOVE);
    // Gain of counting one more point to the old level, summed as the edge moves to the right.
    let (mut best, mut least, mut sum) = (first, 0.0, 0.0);
    for (at, value) in values.iter().enumerate().take(last).skip(first) {
        sum += bounded(*value, before) - bounded(*value, after);
        if sum < least {
            (best, least) = (at + 1, sum);
        }
    }
    best
}
