//! Steps in a cleaned series, given its noise.

use super::noise::Noise;

/// Seeded intervals of each layer are shorter than those of the layer above by this factor.
const DECAY: f64 = std::f64::consts::SQRT_2;

/// Places of a long interval that are looked at before the search goes finer.
const COARSE: usize = 48;

/// Prefix sums, and what one divides by for each number of points.
pub(super) struct Sums {
    sums: Vec<f64>,
    reciprocals: Vec<f64>,
}

impl Sums {
    pub(super) fn new(values: &[f64]) -> Self {
        // About the first value, so that a large level does not eat the digits of the noise.
        let origin = values.first().copied().unwrap_or(0.0);
        let mut sums = Vec::with_capacity(values.len() + 1);
        let mut total = 0.0;
        sums.push(total);
        for value in values {
            total += value - origin;
            sums.push(total);
        }
        let reciprocals = (0..sums.len()).map(|count| 1.0 / count.max(1) as f64).collect();
        Self { sums, reciprocals }
    }

    /// Mean of `from..to`, which must not be empty, about the first value of the series.
    fn mean(&self, from: usize, to: usize) -> f64 {
        (self.sums[to] - self.sums[from]) * self.reciprocals[to - from]
    }

    /// Distance of each value from the mean of its segment; `values` are those the sums are of.
    pub(super) fn residuals(&self, values: &[f64], steps: &[usize]) -> Vec<f64> {
        let origin = values.first().copied().unwrap_or(0.0);
        let bounds = bounds(steps, self.count());
        let mut residuals = Vec::with_capacity(values.len());
        for two in bounds.windows(2) {
            let level = origin + self.mean(two[0], two[1]);
            residuals.extend(values[two[0]..two[1]].iter().map(|value| value - level));
        }
        residuals
    }

    fn count(&self) -> usize {
        self.sums.len() - 1
    }
}

/// A split of an interval and how far it stands out.
#[derive(Clone, Copy)]
struct Split {
    from: usize,
    to: usize,
    at: usize,
    contrast: f64,
}

/// Added to the threshold for one search, √(2 ln n): many lengths and places are searched at once. Measured: with it
/// 1 in 100 series of 500 points of independent noise shows a step that is not there (`simulate`).
const THRESHOLD_ADDED: f64 = 0.4;

/// Standard errors that a step in a series of `count` points must exceed.
fn threshold(count: usize) -> f64 {
    (2.0 * libm::log(count as f64)).sqrt() + THRESHOLD_ADDED
}

/// Where the level changes: the first index of each new level, ascending.
pub(super) fn steps(sums: &Sums, noise: &Noise) -> Vec<usize> {
    let threshold = threshold(sums.count());
    let mut splits: Vec<Split> = intervals(sums.count(), 2 * noise.segment_points)
        .into_iter()
        .filter_map(|(from, to)| best_split(sums, noise, from, to))
        .filter(|split| split.contrast > threshold)
        .collect();
    splits.sort_by_key(|split| (split.to - split.from, split.from));
    let mut chosen: Vec<usize> = Vec::new();
    for split in splits {
        let covered = chosen.iter().any(|step| (split.from + 1..split.to).contains(step));
        if !covered {
            chosen.push(split.at);
        }
    }
    chosen.sort_unstable();
    settle(sums, noise, chosen)
}

/// Every step with its contrast.
pub(super) fn with_contrast(sums: &Sums, noise: &Noise, steps: &[usize]) -> Vec<(usize, f64)> {
    let bounds = bounds(steps, sums.count());
    let reach = noise.reach();
    let one = |three: &[usize]| {
        let (from, to) = (three[0].max(three[1].saturating_sub(reach)), three[2].min(three[1] + reach));
        (three[1], contrast(sums, noise, from, three[1], to))
    };
    bounds.windows(3).map(one).collect()
}

/// The steps that still stand out where they were moved to: of two that met at the same edge only one does. A step that
/// lost little by its move stays.
pub(super) fn standing(sums: &Sums, noise: &Noise, mut steps: Vec<usize>) -> Vec<usize> {
    const LITTLE: f64 = 0.7;
    let least = LITTLE * threshold(sums.count());
    loop {
        let weakest =
            with_contrast(sums, noise, &steps).into_iter().min_by(|one, other| one.1.total_cmp(&other.1));
        match weakest {
            Some((step, contrast)) if contrast < least => steps.retain(|one| *one != step),
            _ => return steps,
        }
    }
}

/// Moves each step to the best place between its neighbours and drops those that do not stand out, until nothing
/// changes.
pub(super) fn settle(sums: &Sums, noise: &Noise, mut steps: Vec<usize>) -> Vec<usize> {
    let threshold = threshold(sums.count());
    // Moves improve the fit and drops shorten the list, so that few rounds are ever needed.
    for _ in 0..30 {
        let (moved, contrasts) = moved(sums, noise, &steps);
        let kept = kept(&moved, &contrasts, threshold);
        if kept == steps {
            break;
        }
        steps = kept;
    }
    steps
}

/// Every step at its best place between the moved one before it and the one after it.
fn moved(sums: &Sums, noise: &Noise, steps: &[usize]) -> (Vec<usize>, Vec<f64>) {
    let (mut moved, mut contrasts) = (Vec::with_capacity(steps.len()), Vec::with_capacity(steps.len()));
    let reach = noise.reach();
    for three in bounds(steps, sums.count()).windows(3) {
        let from = moved.last().copied().unwrap_or(0).max(three[1].saturating_sub(reach));
        let split = best_split(sums, noise, from, three[2].min(three[1] + reach));
        moved.push(split.map_or(three[1], |split| split.at));
        contrasts.push(split.map_or(0.0, |split| split.contrast));
    }
    (moved, contrasts)
}

/// The steps without those that fall short of the threshold. Of neighbours that both do, only the weaker one goes: the
/// other may stand out once it is gone.
fn kept(steps: &[usize], contrasts: &[f64], threshold: f64) -> Vec<usize> {
    let contrast = |at: usize| contrasts.get(at).copied().unwrap_or(f64::INFINITY);
    let goes = |at: usize| {
        let weaker_before = at > 0 && contrast(at - 1) < contrast(at);
        contrast(at) <= threshold && !weaker_before && contrast(at) <= contrast(at + 1)
    };
    steps.iter().enumerate().filter(|(at, _)| !goes(*at)).map(|(_, step)| *step).collect()
}

fn bounds(steps: &[usize], count: usize) -> Vec<usize> {
    std::iter::once(0).chain(steps.iter().copied()).chain([count]).collect()
}

/// Difference of the means at both sides of `at`, by its standard error.
fn contrast(sums: &Sums, noise: &Noise, from: usize, at: usize, to: usize) -> f64 {
    let difference = sums.mean(at, to) - sums.mean(from, at);
    difference.abs() / (noise.scale * noise.difference_variance(at - from, to - at).sqrt())
}

/// The split of `from..to` that stands out most; none of an interval too short to have one. Long intervals are looked
/// through coarsely first: close to the best place the contrast changes little.
fn best_split(sums: &Sums, noise: &Noise, from: usize, to: usize) -> Option<Split> {
    let (first, last) = (from + noise.segment_points, to.checked_sub(noise.segment_points)?);
    if first > last {
        return None;
    }
    let stride = ((last - first) / COARSE).max(1);
    let coarse = strongest(sums, noise, (from, to), (first..=last).step_by(stride))?;
    let near = first.max(coarse.saturating_sub(stride))..=last.min(coarse + stride);
    let at = if stride > 1 { strongest(sums, noise, (from, to), near)? } else { coarse };
    Some(Split { from, to, at, contrast: contrast(sums, noise, from, at, to) })
}

/// The place of the largest contrast. Squares are compared crosswise: neither root nor division is needed.
fn strongest(
    sums: &Sums,
    noise: &Noise,
    (from, to): (usize, usize),
    places: impl Iterator<Item = usize>,
) -> Option<usize> {
    let mut best: Option<(usize, f64, f64)> = None;
    for at in places {
        let difference = sums.mean(at, to) - sums.mean(from, at);
        let (square, variance) = (difference * difference, noise.difference_variance(at - from, to - at));
        if best.is_none_or(|(_, least, other)| square * other > least * variance) {
            best = Some((at, square, variance));
        }
    }
    best.map(|(at, _, _)| at)
}

/// Seeded intervals: layers of equally long intervals of at least `shortest` points, each overlapping the next by half.
fn intervals(count: usize, shortest: usize) -> Vec<(usize, usize)> {
    let mut intervals = Vec::new();
    let mut length = count as f64;
    while length >= shortest as f64 {
        let pieces = 2 * (count as f64 / length).ceil() as usize - 1;
        let stride = if pieces > 1 { (count as f64 - length) / (pieces - 1) as f64 } else { 0.0 };
        for piece in 0..pieces {
            let from = (piece as f64 * stride).floor() as usize;
            let to = ((piece as f64 * stride + length).ceil() as usize).min(count);
            intervals.push((from, to));
        }
        length /= DECAY;
    }
    intervals
}
