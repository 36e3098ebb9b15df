//! Steps so new that the search over segments cannot see them yet: the last few points against the level before them.
//!
//! One point may be an outlier, so that a run of points on one side is asked for; how far, the series' own history of
//! such runs says where its tails are heavy.

use super::noise::Noise;
use crate::stats::quantile::median_of;

/// Longest run of new points that is looked at; longer ones are segments.
const NEWEST: usize = 8;

/// Points that give the level before.
const LEVEL_POINTS: usize = 60;

/// Fewest points of the level before.
const LEVEL_NEEDED: usize = 8;

/// Standard errors that the mean of a run must exceed: 1 in 10,000 runs of normal noise does.
const THRESHOLD: f64 = 3.9;

/// The same for a single point, which nothing confirms.
const THRESHOLD_SINGLE: f64 = 5.0;

/// Every point of a run lies at least so many scales off.
const LEAST_DISTANCE: f64 = 1.2;

/// A history with a point so many scales off has heavy tails.
const HEAVY: f64 = 4.5;

/// Fewest new points that are believed after such a history.
const HEAVY_RUN: usize = 3;

/// How much further off than any run before they must lie.
const HEAVY_MARGIN: f64 = 1.3;

/// Index and contrast of a step in the last few points, later than the step at `last`.
pub(super) fn newest(values: &[f64], noise: &Noise, last: usize) -> Option<(usize, f64)> {
    let longest = NEWEST.min((values.len() - last).checked_sub(LEVEL_NEEDED)?);
    let mut best: Option<(usize, f64)> = None;
    for run in 1..=longest {
        let start = values.len() - run;
        let from = last.max(start.saturating_sub(LEVEL_POINTS.min(noise.reach())));
        let level = median_of(values[from..start].iter().copied())?;
        let distances: Vec<f64> = values[start..].iter().map(|value| (value - level) / noise.scale).collect();
        let needed = if run == 1 { THRESHOLD_SINGLE } else { THRESHOLD };
        let size = contrast(&distances, noise, start - from) / scale_without(&distances, values.len());
        if size > needed && best.is_none_or(|(_, most)| size > most) && lasts(&distances, values, noise, last)
        {
            best = Some((start, size));
        }
    }
    best
}

fn contrast(distances: &[f64], noise: &Noise, points_before: usize) -> f64 {
    let mean = distances.iter().sum::<f64>() / distances.len() as f64;
    mean.abs() / noise.difference_variance(points_before, distances.len()).sqrt()
}

/// The noise was measured with the run in it, drawn in to three scales; without it, it is smaller by this factor.
fn scale_without(distances: &[f64], points: usize) -> f64 {
    let of_run: f64 = distances.iter().map(|distance| distance.abs().min(3.0).powi(2)).sum();
    let variance = (points as f64 - of_run) / (points - distances.len()) as f64;
    variance.clamp(0.5, 1.0).sqrt()
}

/// Whether no point of the run could be an outlier: each lies off to the same side, and further than any run of this
/// length did before, where tails are heavy.
fn lasts(distances: &[f64], values: &[f64], noise: &Noise, last: usize) -> bool {
    let nearest = nearest_of_run(distances);
    if nearest < LEAST_DISTANCE {
        return false;
    }
    let before = &values[last..values.len() - distances.len()];
    let Some(level) = median_of(before.iter().copied()) else { return false };
    let history: Vec<f64> = before.iter().map(|value| (value - level) / noise.scale).collect();
    let worst = |run: usize| history.windows(run).map(nearest_of_run).fold(0.0, f64::max);
    let run = distances.len();
    worst(1) < HEAVY || (run >= HEAVY_RUN && nearest > HEAVY_MARGIN * worst(run))
}

/// Distance of the nearest point of a run that lies on one side; 0 of one that does not.
fn nearest_of_run(distances: &[f64]) -> f64 {
    let lowest = distances.iter().copied().fold(f64::INFINITY, f64::min);
    let highest = distances.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    lowest.max(-highest).max(0.0)
}
