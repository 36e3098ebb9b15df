//! The exact sign-flip test on paired differences, and the scores it can be given.
//!
//! The order of the two arms inside each pair is drawn by a fair coin of ours. If nothing changed, the sign of every
//! difference is therefore a fair coin too, whatever the noise, its tails, its drift or its correlation. Any statistic
//! that adds up `sign * score`, where the scores depend only on what a swap of the arms leaves alone, then has a null
//! distribution that is known exactly: Fisher's randomization test (Fisher, 1935). Here the scores are whole numbers,
//! so that the distribution is counted and not simulated: the same data give the same p value on every machine.
//!
//! What this supposes: one independent coin a pair, and no carry-over from one arm to the next that depends on which
//! arm it was. Knows plain numbers only: no unit, no record, no limit.

use statrs::distribution::{ContinuousCDF, Normal};

/// Scores have at most so many steps. More steps gain nothing in power and cost time in proportion.
const MOST_STEPS: f64 = 200.0;

/// Above so many pairs the counted distribution and the normal one differ by less than any level that is used.
const MOST_COUNTED: usize = 4096;

/// Additions that one distribution may cost; scores get coarser above it, which leaves the test exact.
const MOST_ADDITIONS: f64 = 5e7;

/// How surprising the differences are if nothing changed. Each p value is a probability from 0 to 1.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct SignFlip {
    /// Pairs that were given, ties among them.
    pub pairs: usize,
    /// Against "the differences are not above zero".
    pub p_greater: f64,
    /// Against "the differences are not below zero".
    pub p_less: f64,
}

impl SignFlip {
    /// Against "the differences are neither above nor below zero".
    pub fn p_two_sided(self) -> f64 {
        (2.0 * self.p_greater.min(self.p_less)).min(1.0)
    }

    /// From differences and the score of each: finite, not negative, and the same if the arms were swapped. A score
    /// of 0 takes a pair out of the test without changing its exactness. None where there is nothing to test, where
    /// the lengths differ, or where a number is not finite.
    pub fn with_scores(differences: &[f64], scores: &[f64]) -> Option<Self> {
        let usable = !differences.is_empty()
            && differences.len() == scores.len()
            && differences.iter().chain(scores).all(|value| value.is_finite())
            && scores.iter().all(|score| *score >= 0.0);
        usable.then(|| Self::of_steps(differences, &steps(scores)))
    }

    /// As [`SignFlip::with_scores`] with scores that are whole numbers already.
    pub(super) fn of_steps(differences: &[f64], steps: &[u32]) -> Self {
        let signed = differences.iter().zip(steps).filter(|(difference, _)| **difference != 0.0);
        let (mut scores, mut above, mut below) = (Vec::new(), 0u64, 0u64);
        for (difference, score) in signed {
            let side = if *difference > 0.0 { &mut above } else { &mut below };
            *side += u64::from(*score);
            scores.push(*score);
        }
        let [p_greater, p_less] = upper_tails(&scores, [above, below]);
        Self { pairs: differences.len(), p_greater, p_less }
    }
}

/// The noise-weighted test: every difference counts by how far it stands out of the noise of its own pair, and no
/// single pair counts for more than two ordinary ones (Huber, 1964). `spreads` is a spread that the two arms of the
/// pair share (such as the mean of both interquartile ranges): positive where known, 0 where the pair has none.
/// Lengths as in [`SignFlip::with_scores`].
pub fn noise_weighted(differences: &[f64], spreads: &[f64]) -> Option<SignFlip> {
    SignFlip::with_scores(differences, &noise_scores(differences, spreads)?)
}

/// The scores of the noise-weighted test in whole steps; none where the lengths differ or a number is not finite.
pub(super) fn noise_steps(differences: &[f64], spreads: &[f64]) -> Option<Vec<u32>> {
    let scores = noise_scores(differences, spreads)?;
    let usable = differences.iter().chain(&scores).all(|value| value.is_finite());
    usable.then(|| steps(&scores))
}

fn noise_scores(differences: &[f64], spreads: &[f64]) -> Option<Vec<f64>> {
    if spreads.len() != differences.len() || spreads.iter().any(|spread| !spread.is_finite() || *spread < 0.0)
    {
        return None;
    }
    let typical = median_magnitude(spreads.iter().copied().filter(|spread| *spread > 0.0)).unwrap_or(1.0);
    // The noise between processes is there however quiet one process is: half the typical spread is added to each.
    let noise = |spread: &f64| (if *spread > 0.0 { *spread } else { typical }).hypot(typical / 2.0);
    let standing: Vec<f64> = differences
        .iter()
        .zip(spreads)
        .map(|(difference, spread)| difference.abs() / noise(spread))
        .collect();
    let typical_standing = median_magnitude(standing.iter().copied()).filter(|value| *value > 0.0);
    let limit = HUBER * typical_standing.unwrap_or(1.0);
    Some(standing.iter().zip(spreads).map(|(far, spread)| far.min(limit) / noise(spread)).collect())
}

/// Where a pair's weight stops growing, in medians of all pairs.
const HUBER: f64 = 2.0;

/// Logarithm of `candidate / base` for each pair: above zero the candidate takes more. None where the lengths differ
/// or a value is not positive and finite: a ratio to nothing says nothing.
pub fn log_ratios(base: &[f64], candidate: &[f64]) -> Option<Vec<f64>> {
    let positive = |value: &f64| value.is_finite() && *value > 0.0;
    let usable = base.len() == candidate.len() && base.iter().chain(candidate).all(positive);
    usable.then(|| base.iter().zip(candidate).map(|(base, candidate)| (candidate / base).ln()).collect())
}

fn median_magnitude(values: impl Iterator<Item = f64>) -> Option<f64> {
    super::quantile::median_of(values)
}

/// Scores in whole steps, coarse enough that the distribution stays affordable.
fn steps(scores: &[f64]) -> Vec<u32> {
    let largest = scores.iter().copied().fold(0.0, f64::max);
    if largest <= 0.0 {
        return vec![0; scores.len()];
    }
    let pairs = scores.len() as f64;
    let resolution = (MOST_ADDITIONS / (pairs * pairs)).floor().clamp(16.0, MOST_STEPS);
    scores.iter().map(|score| (score / largest * resolution).round() as u32).collect()
}

/// Probability that the scores with a positive sign add up to each of `reached` or more, each sign a fair coin.
fn upper_tails(scores: &[u32], reached: [u64; 2]) -> [f64; 2] {
    if scores.len() > MOST_COUNTED {
        let total = scores.iter().map(|score| u64::from(*score)).sum();
        return reached.map(|reached| normal_tail(scores, total, reached));
    }
    let chances = chances_of_sums(scores.iter().map(|score| *score as usize));
    // Summed from the far end, small ones first.
    let tail = |from: usize| chances.get(from..).unwrap_or_default().iter().rev().sum::<f64>().min(1.0);
    reached.map(|reached| if reached == 0 { 1.0 } else { tail(reached as usize) })
}

/// Probability of each sum of the scores whose coin shows heads.
pub(super) fn chances_of_sums(scores: impl Iterator<Item = usize> + Clone) -> Vec<f64> {
    let mut chances = vec![0.0; scores.clone().sum::<usize>() + 1];
    chances[0] = 1.0;
    let mut highest = 0;
    for score in scores {
        highest += score;
        // Half the chance stays, half moves up by the score: from above, so that no sum is moved twice.
        for sum in (0..=highest).rev() {
            let comes = sum.checked_sub(score).map_or(0.0, |from| chances[from]);
            chances[sum] = (chances[sum] + comes) / 2.0;
        }
    }
    chances
}

/// The normal distribution of the sum, with the correction for whole steps.
fn normal_tail(scores: &[u32], total: u64, reached: u64) -> f64 {
    let squares: f64 = scores.iter().map(|score| f64::from(*score) * f64::from(*score)).sum();
    let deviation = squares.sqrt() / 2.0;
    if deviation == 0.0 {
        return 1.0;
    }
    let z = (reached as f64 - 0.5 - total as f64 / 2.0) / deviation;
    Normal::standard().sf(z)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::{RngExt, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    #[test]
    fn all_on_one_side_is_two_to_the_minus_pairs() {
        let test = SignFlip::with_scores(&[0.1, 0.2, 0.3, 0.4, 0.5], &[1.0; 5]).expect("a test");
        assert_eq!((test.pairs, test.p_greater, test.p_less), (5, 1.0 / 32.0, 1.0));
        assert_eq!(test.p_two_sided(), 1.0 / 16.0);
    }

    #[test]
    fn unequal_scores_are_counted_by_hand() {
        // Sums of the positive scores over all eight sign patterns of 1, 2, 4: each of 0..=7 once.
        let test = SignFlip::with_scores(&[-1.0, 2.0, 4.0], &[1.0, 2.0, 4.0]).expect("a test");
        assert!((test.p_greater - 2.0 / 8.0).abs() < 1e-12, "{test:?}");
        assert!((test.p_less - 7.0 / 8.0).abs() < 1e-12, "{test:?}");
    }

    #[test]
    fn nothing_constant_and_impossible_input_prove_nothing() {
        assert_eq!(SignFlip::with_scores(&[], &[]), None);
        assert_eq!(SignFlip::with_scores(&[1.0], &[f64::NAN]), None);
        assert_eq!(SignFlip::with_scores(&[f64::INFINITY], &[1.0]), None);
        assert_eq!(SignFlip::with_scores(&[1.0], &[-1.0]), None);
        assert_eq!(SignFlip::with_scores(&[1.0, 2.0], &[1.0]), None);
        let ties = SignFlip::with_scores(&[0.0; 9], &[1.0; 9]).expect("a test");
        assert_eq!((ties.p_greater, ties.p_less, ties.p_two_sided()), (1.0, 1.0, 1.0));
        let one = SignFlip::with_scores(&[3.0], &[1.0]).expect("a test");
        assert_eq!(one.p_greater, 0.5);
    }

    #[test]
    fn ratios_to_nothing_are_refused() {
        assert_eq!(log_ratios(&[1.0], &[0.0]), None);
        assert_eq!(log_ratios(&[1.0, 2.0], &[1.0]), None);
        assert_eq!(log_ratios(&[2.0], &[2.0]), Some(vec![0.0]));
    }

    #[test]
    fn counted_and_normal_tails_meet() {
        let scores: Vec<u32> = (1..=300).collect();
        let total: u64 = scores.iter().map(|score| u64::from(*score)).sum();
        let reached = total / 2 + 3000;
        let [counted, half] = upper_tails(&scores, [reached, total / 2]);
        let normal = normal_tail(&scores, total, reached);
        assert!((counted / normal - 1.0).abs() < 0.01, "{counted} {normal}");
        assert!((half - 0.5).abs() < 0.001, "{half}");
    }

    /// Noise with heavy tails, a drift that is far larger than any effect, and spreads that differ a hundredfold: the
    /// test must cry wolf no more often than it says.
    #[test]
    fn false_alarms_keep_to_the_level_on_ugly_noise() {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(6);
        let (runs, mut alarms) = (3000u32, 0u32);
        for _ in 0..runs {
            let (mut differences, mut spreads) = (Vec::new(), Vec::new());
            for pair in 0..20 {
                let spread = 0.01 * 100f64.powf(random.random::<f64>());
                let tail = 1.0 / (random.random::<f64>() + 0.01);
                let sign = if random.random::<bool>() { 1.0 } else { -1.0 };
                differences.push(sign * spread * tail * f64::from(1 + pair));
                spreads.push(spread);
            }
            alarms += u32::from(noise_weighted(&differences, &spreads).expect("a test").p_greater <= 0.05);
        }
        let rate = f64::from(alarms) / f64::from(runs);
        // Three standard errors of a share of 0.05 over 3,000 repetitions are 0.012.
        assert!((0.030..=0.062).contains(&rate), "{rate}");
    }

    proptest! {
        #[test]
        fn swapping_the_arms_swaps_the_sides(differences in prop::collection::vec(-1.0f64..1.0, 1..40)) {
            let swapped: Vec<f64> = differences.iter().map(|difference| -difference).collect();
            let spreads = vec![0.1; differences.len()];
            let (one, other) = (
                noise_weighted(&differences, &spreads).expect("a test"),
                noise_weighted(&swapped, &spreads).expect("a test"),
            );
            prop_assert_eq!(one.p_greater, other.p_less);
            prop_assert_eq!(one.p_less, other.p_greater);
            prop_assert!((0.0..=1.0).contains(&one.p_greater) && one.p_greater + one.p_less >= 1.0 - 1e-9);
        }
    }
}
