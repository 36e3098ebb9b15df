//! Lasting shifts of the level of a series: where, how large, and how sure.
//!
//! Histories of performance have heavy tails, correlated noise and slow drift, and methods that suppose independent
//! Gaussian noise raise an alarm at each of these. Here a step must stand out against the noise *at the scale of the
//! segments it separates*: the long-run variance of correlated noise is measured from the series itself, and where a
//! slow drift explains the series better than steps do, only steps that are sharp against that drift remain.
//!
//! 1. `clean`: isolated outliers are drawn in towards the running median.
//! 2. `noise`: scale and correlation, from differences, which steps hardly touch.
//! 3. `segment`: narrowest-over-threshold (Baranowski, Chen and Fryzlewicz 2019) over seeded intervals (Kovács, Li,
//!    Bühlmann and Munk 2023), then every step moved to its best place and tested again.
//! 4. `drift`: steps or drift, by likelihood (local-level model, Durbin and Koopman 2012, chapter 2).
//! 5. `head`: steps so new that only a few points stand behind them.
//!
//! Deterministic: no random numbers, no libm of the machine. Knows numbers only: no commit, no unit, no direction.

mod clean;
mod drift;
mod head;
mod noise;
mod place;
mod segment;

use super::quantile::median_of;

pub use noise::Noise;

/// Fewer points than this tell nothing about their own noise.
pub const POINTS_NEEDED: usize = 8;

/// A level with fewer points than this may yet be overturned by the next ones.
const POINTS_SETTLED: usize = 8;

/// A lasting shift.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Change {
    /// Index of the first point of the new level, above 0.
    pub index: usize,
    /// Median from the change before to here.
    pub before: f64,
    /// Median from here to the next change.
    pub after: f64,
    /// Size of the shift by its standard error, always positive.
    pub contrast: f64,
    /// Whether the new level has so few points that the next ones may yet overturn it.
    pub fresh: bool,
}

impl Change {
    /// Share by which the level moved; none from a level of 0.
    pub fn relative(&self) -> Option<f64> {
        let share = (self.after - self.before) / self.before.abs();
        share.is_finite().then_some(share)
    }
}

/// What was found in a series.
#[derive(Clone, PartialEq, Debug)]
pub struct Detection {
    /// In the order of the series.
    pub changes: Vec<Change>,
    /// The noise that the changes were held against; none of a series that is too short or never varies.
    pub noise: Option<Noise>,
}

/// Finds the changes of level in equally spaced `values`, which must be finite. Fewer than [`POINTS_NEEDED`] values
/// have none.
pub fn detect(values: &[f64]) -> Detection {
    let none = Detection { changes: Vec::new(), noise: None };
    if values.len() < POINTS_NEEDED || values.iter().any(|value| !value.is_finite()) {
        return none;
    }
    let Some(rough) = noise::rough_scale(values) else { return steps_without_noise(values) };
    let cleaned = clean::clean(values, rough);
    let far = cleaned.iter().zip(values).filter(|(cleaned, value)| cleaned != value).count();
    let far_share = far as f64 / values.len() as f64;
    let Some(noise) = noise::measure(&cleaned) else { return steps_without_noise(values) };
    let noise = noise.with_far_share(far_share);
    let sums = segment::Sums::new(&cleaned);
    let steps = segment::steps(&sums, &noise);
    let noise = noise::about_levels(&cleaned, &sums, &steps).unwrap_or(noise).with_far_share(far_share);
    let steps = segment::steps(&sums, &noise);
    let (noise, steps) = drift::decide(&cleaned, &sums, noise, steps);
    let steps = segment::standing(&sums, &noise, place::refine(values, &noise, &steps));
    let fresh = head::newest(values, &noise, steps.last().copied().unwrap_or(0));
    let mut found: Vec<(usize, f64)> = segment::with_contrast(&sums, &noise, &steps);
    found.extend(fresh);
    Detection { changes: described(values, &found), noise: Some(noise) }
}

/// A series that is constant but for a few points: every lasting other value is a step.
fn steps_without_noise(values: &[f64]) -> Detection {
    const LASTING: usize = 3;
    let mut found = Vec::new();
    let mut level = values.first().copied().unwrap_or(0.0);
    for (index, window) in values.windows(LASTING).enumerate().skip(1) {
        let lasting = window.windows(2).all(|two| two[0] == two[1]);
        if lasting && window[0] != level && values[index - 1] != window[0] {
            level = window[0];
            found.push((index, f64::MAX));
        }
    }
    Detection { changes: described(values, &found), noise: None }
}

/// Steps with the medians at both sides of them.
fn described(values: &[f64], found: &[(usize, f64)]) -> Vec<Change> {
    let bounds: Vec<usize> =
        std::iter::once(0).chain(found.iter().map(|step| step.0)).chain([values.len()]).collect();
    let level = |segment: usize| {
        let span = bounds.get(segment).zip(bounds.get(segment + 1));
        let points = span.and_then(|(from, to)| values.get(*from..*to)).unwrap_or_default();
        median_of(points.iter().copied()).unwrap_or(0.0)
    };
    let change = |(number, step): (usize, &(usize, f64))| Change {
        index: step.0,
        before: level(number),
        after: level(number + 1),
        contrast: step.1,
        fresh: values.len() - step.0 < POINTS_SETTLED,
    };
    found.iter().enumerate().map(change).collect()
}

#[cfg(test)]
mod tests;
