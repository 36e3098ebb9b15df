//! Steps or drift? A slow drift is imitated by steps, and steps by drift; the likelihood of the whole series under the
//! local-level model decides, with a price on each step and on the drift.

use super::noise::Noise;
use super::segment::{Sums, settle};

/// Variances of the drift from point to point that are tried, by the variance of a point. The smallest moves the level
/// by one standard deviation in 300 points, the largest is hard to tell from correlated noise.
const DRIFTS: [f64; 4] = [0.003, 0.01, 0.03, 0.1];

/// Price of a step and of drift, in twice the logarithm of the likelihood. Measured (`simulate`): dearer steps lose true
/// ones of one standard deviation, cheaper ones are seen in drift.
const PRICE_OF_STEP: f64 = 10.0;
const PRICE_OF_DRIFT: f64 = 22.0;

/// The noise and its steps that explain the series best.
pub(super) fn decide(cleaned: &[f64], sums: &Sums, noise: Noise, found: Vec<usize>) -> (Noise, Vec<usize>) {
    if found.is_empty() {
        return (noise, found);
    }
    let whitened = whitened(cleaned, noise.correlation);
    let cost = |noise: &Noise, steps: &[usize]| {
        let price = if noise.drift > 0.0 { PRICE_OF_DRIFT } else { 0.0 };
        surprise(&whitened, noise, steps) + PRICE_OF_STEP * steps.len() as f64 + price
    };
    let mut best = (cost(&noise, &found), noise.clone(), found.clone());
    for drift in DRIFTS {
        let drifting = noise.with_drift(drift);
        let sharp = settle(sums, &drifting, found.clone());
        let now = cost(&drifting, &sharp);
        if now < best.0 {
            best = (now, drifting, sharp);
        }
    }
    (best.1, best.2)
}

/// Each value less what the one before it foretells.
fn whitened(values: &[f64], correlation: f64) -> Vec<f64> {
    values.windows(2).map(|two| two[1] - correlation * two[0]).collect()
}

/// Twice the negative logarithm of the likelihood, up to a constant, with the best scale: a Kalman filter of the local
/// level that forgets the level at each step.
fn surprise(whitened: &[f64], noise: &Noise, steps: &[usize]) -> f64 {
    let keep = 1.0 - noise.correlation;
    let drift = noise.drift * keep * keep / (1.0 - noise.correlation * noise.correlation);
    // Whitened value i belongs to point i + 1; with correlation the first one after a step mixes both levels.
    let unusable = usize::from(noise.correlation > 0.0);
    let mut resets = steps.iter().map(|step| step - 1).peekable();
    let (mut level, mut variance, mut known) = (0.0, 0.0, false);
    let (mut squares, mut logarithms, mut counted) = (0.0, 0.0, 0usize);
    let mut skip = 0;
    for (at, value) in whitened.iter().enumerate() {
        if resets.next_if(|reset| *reset == at).is_some() {
            known = false;
            skip = unusable;
        }
        if skip > 0 {
            skip -= 1;
            continue;
        }
        if !known {
            (level, variance, known) = (*value, 1.0, true);
            continue;
        }
        let predicted = variance + drift;
        let spread = predicted + 1.0;
        let error = value - level;
        let gain = predicted / spread;
        level += gain * error;
        variance = gain;
        squares += error * error / spread;
        logarithms += libm::log(spread);
        counted += 1;
    }
    let counted = counted.max(1) as f64;
    // The points that were spent on resets are charged as average ones, so that steps do not pay by leaving points out.
    let scale = libm::log((squares / counted).max(f64::MIN_POSITIVE));
    whitened.len() as f64 * scale + logarithms
}
