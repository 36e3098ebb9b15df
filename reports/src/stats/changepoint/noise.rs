//! How much a series varies from point to point, and how slowly: what decides the error of a mean of many points.

use super::segment::Sums;
use crate::stats::quantile::median_of;

/// Median of the absolute value of a standard normal variable.
const MEDIAN_ABSOLUTE_NORMAL: f64 = 0.674_489_750_196_081_7;

/// Correlations below this are what independent noise shows by chance in some hundred points.
const CORRELATION_FLOOR: f64 = 0.10;

/// Beyond this, noise cannot be told from drift.
const CORRELATION_CEILING: f64 = 0.95;

/// Fewest points of a segment between two steps, and where tails are heavy: a few far points close to each other are
/// then no level.
const SEGMENT_POINTS: usize = 4;
const SEGMENT_POINTS_HEAVY: usize = 8;

/// With a larger share of points far out, tails are heavy. Normal noise has one in 200 there.
const FAR_SHARE: f64 = 0.015;

/// The noise of a series: an autoregressive part on top of a slow drift.
#[derive(Clone, PartialEq, Debug)]
pub struct Noise {
    /// Standard deviation of one point about its level.
    pub scale: f64,
    /// Correlation of a point with the next, 0 to 1.
    pub correlation: f64,
    /// Variance by which the level drifts from point to point, by the variance of one point; 0 without drift.
    pub drift: f64,
    /// Fewest points of a segment that lies between two steps.
    pub(super) segment_points: usize,
    /// Variance of a mean of 1, 2, 3, ... points of the stationary part, by the variance of one point.
    mean_variance: Vec<f64>,
}

impl Noise {
    pub(super) fn new(scale: f64, correlation: f64, drift: f64, count: usize) -> Self {
        let mean_variance = mean_variances(correlation, count);
        Self { scale, correlation, drift, segment_points: SEGMENT_POINTS, mean_variance }
    }

    /// For a series of which this share of the points lay far out.
    pub(super) fn with_far_share(self, share: f64) -> Self {
        let heavy = share > FAR_SHARE;
        Self { segment_points: if heavy { SEGMENT_POINTS_HEAVY } else { SEGMENT_POINTS }, ..self }
    }

    pub(super) fn with_drift(&self, drift: f64) -> Self {
        Self { drift, ..self.clone() }
    }

    /// Points at each side of a step that say something about it: under drift a far one says little, and the variance
    /// of the difference of means is least where what drift adds equals what averaging takes away.
    pub(super) fn reach(&self) -> usize {
        const LEAST: f64 = 8.0;
        if self.drift > 0.0 { (3.0 / self.drift).sqrt().ceil().max(LEAST) as usize } else { usize::MAX / 2 }
    }

    /// Variance of the difference between the means of two neighbouring stretches of `left` and `right` points, by the
    /// variance of one point. A random walk adds a third of its steps (from the covariance of its means).
    pub(super) fn difference_variance(&self, left: usize, right: usize) -> f64 {
        let of = |count: usize| self.mean_variance.get(count - 1).copied().unwrap_or(1.0);
        of(left) + of(right) + self.drift * (left + right) as f64 / 3.0
    }
}

/// Variance of the mean of m points of an AR(1) process, for m from 1 to `count`:
/// (m + 2 Σ (m-k) φ^k) / m², by recurrence.
fn mean_variances(correlation: f64, count: usize) -> Vec<f64> {
    let (mut variances, mut sum, mut power, mut tail) = (Vec::with_capacity(count), 0.0, 1.0, 0.0);
    for m in 1..=count {
        // Adding point m adds its own variance and twice its covariance with the m - 1 before it.
        sum += 1.0 + 2.0 * tail;
        power *= correlation;
        tail += power;
        variances.push(sum / (m as f64 * m as f64));
    }
    variances
}

/// Scale from the median absolute difference of neighbours: neither steps nor outliers touch it. None if more than
/// half of the neighbours are equal.
pub(super) fn rough_scale(values: &[f64]) -> Option<f64> {
    let differences = values.windows(2).map(|two| (two[1] - two[0]).abs());
    let scale = median_of(differences)? / (MEDIAN_ABSOLUTE_NORMAL * std::f64::consts::SQRT_2);
    (scale > 0.0 && scale.is_finite()).then_some(scale)
}

/// Scale and correlation of a cleaned series, from its differences over one, two and three points.
pub(super) fn measure(cleaned: &[f64]) -> Option<Noise> {
    let variogram: Vec<f64> = (1..=3).filter_map(|lag| half_squared_difference(cleaned, lag)).collect();
    let correlation = correlation_of(&variogram)?;
    let near = *variogram.first()?;
    let variance = near / (1.0 - correlation);
    (variance > 0.0).then(|| Noise::new(variance.sqrt(), correlation, 0.0, cleaned.len()))
}

/// Half the mean squared difference over `lag` points, without the few differences that steps make.
fn half_squared_difference(values: &[f64], lag: usize) -> Option<f64> {
    let pairs = values.iter().zip(values.get(lag..)?);
    let differences: Vec<f64> = pairs.map(|(early, late)| (late - early).abs()).collect();
    let bulk = median_of(differences.iter().copied())? / MEDIAN_ABSOLUTE_NORMAL;
    let limit = 3.5 * bulk;
    let kept = differences.iter().filter(|difference| **difference <= limit);
    let (count, sum) = kept.fold((0usize, 0.0), |(count, sum), one| (count + 1, sum + one * one));
    (count > 0).then(|| sum / (2.0 * count as f64))
}

/// φ from how the variogram of an AR(1) process grows: γ(2)/γ(1) = 1 + φ, γ(3)/γ(1) = 1 + φ + φ².
fn correlation_of(variogram: &[f64]) -> Option<f64> {
    let near = *variogram.first().filter(|near| **near > 0.0)?;
    let second = variogram.get(1).map_or(0.0, |two| two / near - 1.0);
    // The positive root of φ² + φ = γ(3)/γ(1) - 1.
    let third = variogram.get(2).map_or(second, |three| {
        let excess = (three / near - 1.0).max(0.0);
        ((1.0 + 4.0 * excess).sqrt() - 1.0) / 2.0
    });
    Some(settled((second + third) / 2.0))
}

fn settled(correlation: f64) -> f64 {
    if correlation < CORRELATION_FLOOR { 0.0 } else { correlation.min(CORRELATION_CEILING) }
}

/// With steps known, scale and correlation from the residuals about the levels, which tell more than differences do.
pub(super) fn about_levels(cleaned: &[f64], sums: &Sums, steps: &[usize]) -> Option<Noise> {
    let residuals = sums.residuals(cleaned, steps);
    let count = residuals.len() as f64;
    let variance = residuals.iter().map(|one| one * one).sum::<f64>() / (count - 1.0 - steps.len() as f64);
    let products = residuals.iter().zip(residuals.iter().skip(1)).map(|(one, next)| one * next);
    let raw = products.sum::<f64>() / (count * variance);
    // Levels that were fitted take correlation away: (1 + 3φ)/n a level (Marriott and Pope 1954).
    let levels = 1.0 + steps.len() as f64;
    let correlation = raw + levels * (1.0 + 3.0 * raw.max(0.0)) / count;
    (variance > 0.0).then(|| Noise::new(variance.sqrt(), settled(correlation), 0.0, cleaned.len()))
}
