//! Wilcoxon's signed-rank test and the interval that belongs to it, exact for any number of pairs and any ties.
//!
//! The ranks of the magnitudes are the scores of [`super::sign_flip`]. Equal magnitudes share their mean rank; zero
//! differences take part in the ranking and then count for neither side (Pratt, 1959), so that a test full of ties
//! grows weaker and never wrong. The estimate is the Hodges-Lehmann median of all pairwise means, its interval the
//! order statistics of these means that the same distribution gives (Hodges and Lehmann, 1963). Knows plain numbers
//! only.

use statrs::distribution::{ContinuousCDF, Normal};

use super::Interval;
use super::quantile::{median, sorted};
use super::sign_flip::{SignFlip, chances_of_sums};

/// Up to so many pairs ranks are counted one by one; above, they are rounded to fewer steps, still an exact test.
const WHOLE_RANKS: usize = 128;

/// Above so many differences the pairwise means (their number grows with the square) are taken of every k-th one.
const MOST_MEANS_OF: usize = 2000;

/// A shift between the arms of pairs, in the unit of the differences.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Shift {
    /// How surprising it is if there is none.
    pub test: SignFlip,
    /// The Hodges-Lehmann estimate.
    pub estimate: f64,
    /// Its two-sided interval with the confidence that it really has; none with fewer than two pairs.
    pub interval: Option<Interval>,
}

/// The shift of differences, with an interval of at least `confidence` (from 0 to 1) where the number of pairs allows
/// it and of the highest possible level otherwise. None of nothing and of what is not finite.
pub fn signed_rank(differences: &[f64], confidence: f64) -> Option<Shift> {
    let test = test(differences)?;
    let means = pairwise_means(differences);
    Some(Shift { test, estimate: median(&means)?, interval: interval(&means, differences.len(), confidence) })
}

/// The test alone.
pub fn test(differences: &[f64]) -> Option<SignFlip> {
    if differences.iter().any(|difference| !difference.is_finite()) {
        return None;
    }
    let doubled = doubled_ranks(differences);
    if differences.len() > WHOLE_RANKS {
        let scores: Vec<f64> = doubled.iter().map(|rank| f64::from(*rank)).collect();
        return SignFlip::with_scores(differences, &scores);
    }
    (!differences.is_empty()).then(|| SignFlip::of_steps(differences, &doubled))
}

/// Twice the rank of each magnitude, from 1: whole numbers also where ranks are shared.
fn doubled_ranks(differences: &[f64]) -> Vec<u32> {
    let ascending = sorted(differences.iter().map(|difference| difference.abs()).collect());
    let rank = |difference: &f64| {
        let below = ascending.partition_point(|value| *value < difference.abs());
        let up_to = ascending.partition_point(|value| *value <= difference.abs());
        (below + up_to + 1) as u32
    };
    differences.iter().map(rank).collect()
}

/// Mean of every two differences, each also with itself, ascending.
fn pairwise_means(differences: &[f64]) -> Vec<f64> {
    let stride = differences.len().div_ceil(MOST_MEANS_OF).max(1);
    let kept: Vec<f64> = sorted(differences.to_vec()).into_iter().step_by(stride).collect();
    let mut means = Vec::with_capacity(kept.len() * (kept.len() + 1) / 2);
    for (at, one) in kept.iter().enumerate() {
        means.extend(kept.iter().skip(at).map(|other| one + (other - one) / 2.0));
    }
    sorted(means)
}

/// The narrowest pair of pairwise means, equally far from both ends, that the signed-rank distribution gives
/// `confidence`; the outermost where none reaches it.
fn interval(means: &[f64], pairs: usize, confidence: f64) -> Option<Interval> {
    if pairs < 2 {
        return None;
    }
    let kept = pairs.div_ceil(pairs.div_ceil(MOST_MEANS_OF).max(1));
    let tails = RankTails::new(kept);
    let level = |cut: usize| 1.0 - 2.0 * tails.at_most(cut);
    let half = means.len() / 2;
    let cut = (0..half).take_while(|cut| level(*cut) >= confidence).last().unwrap_or(0);
    Some(Interval {
        lower: *means.get(cut)?,
        upper: *means.get(means.len() - 1 - cut)?,
        confidence: level(cut).max(0.0),
    })
}

/// Probabilities of the rank sum of so many untied pairs.
struct RankTails {
    cumulative: Vec<f64>,
}

impl RankTails {
    fn new(pairs: usize) -> Self {
        let cumulative = if pairs <= WHOLE_RANKS { counted(pairs) } else { normal(pairs) };
        Self { cumulative }
    }

    /// Probability of a rank sum of at most `sum`.
    fn at_most(&self, sum: usize) -> f64 {
        self.cumulative.get(sum).copied().unwrap_or(1.0)
    }
}

fn counted(pairs: usize) -> Vec<f64> {
    let mut so_far = 0.0;
    let chances = chances_of_sums(1..=pairs).into_iter();
    let cumulative = |chance| {
        so_far += chance;
        so_far
    };
    chances.map(cumulative).collect()
}

/// For many pairs the normal shape instead of counting.
fn normal(pairs: usize) -> Vec<f64> {
    let (n, total) = (pairs as f64, pairs * (pairs + 1) / 2);
    let deviation = (n * (n + 1.0) * (2.0 * n + 1.0) / 24.0).sqrt();
    let standard = Normal::standard();
    (0..=total).map(|sum| standard.cdf((sum as f64 + 0.5 - total as f64 / 2.0) / deviation)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::{RngExt, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    #[test]
    fn known_p_values() {
        // Hollander and Wolfe (1973), Hamilton depression scale before and after a drug: T+ = 40 of n = 9, p = 0.0195
        // one-sided, in thousandths (also R's documentation of wilcox.test).
        let before = [1830.0, 500.0, 1620.0, 2480.0, 1680.0, 1880.0, 1550.0, 3060.0, 1300.0];
        let after = [878.0, 647.0, 598.0, 2050.0, 1060.0, 1290.0, 1060.0, 3140.0, 1290.0];
        let differences: Vec<f64> = before.iter().zip(after).map(|(one, other)| one - other).collect();
        let found = signed_rank(&differences, 0.95).expect("a shift");
        assert!((found.test.p_greater - 0.019_531_25).abs() < 1e-12, "{found:?}");
        assert!((found.test.p_two_sided() - 0.039_062_5).abs() < 1e-12);
        // R: wilcox.test(conf.int = TRUE): 0.46 (pseudomedian), 0.010 to 0.786.
        assert!((found.estimate - 460.0).abs() < 1e-9, "{found:?}");
        let interval = found.interval.expect("nine pairs");
        assert!(
            (interval.lower - 10.0).abs() < 1e-9 && (interval.upper - 786.0).abs() < 1e-9,
            "{interval:?}"
        );
        assert!((interval.confidence - 0.960_937_5).abs() < 1e-12, "{interval:?}");
    }

    #[test]
    fn smallest_p_is_two_to_the_minus_pairs() {
        for pairs in [1usize, 5, 10, 20, 60] {
            let differences: Vec<f64> = (1..=pairs).map(|value| value as f64).collect();
            let found = test(&differences).expect("a test");
            assert!((found.p_greater / 0.5f64.powi(pairs as i32) - 1.0).abs() < 1e-9, "{pairs}: {found:?}");
        }
    }

    #[test]
    fn ties_zeros_and_constants_are_neither_wrong_nor_a_panic() {
        assert_eq!(signed_rank(&[], 0.95), None);
        assert_eq!(signed_rank(&[f64::NAN], 0.95), None);
        let zeros = signed_rank(&[0.0; 12], 0.95).expect("a shift");
        assert_eq!((zeros.test.p_greater, zeros.estimate), (1.0, 0.0));
        let one = signed_rank(&[0.3], 0.95).expect("a shift");
        assert_eq!((one.interval, one.test.p_greater), (None, 0.5));
        // Signs of +1 +1 +1 -1 with equal magnitudes: 5 of 16 patterns have three or more on top.
        let ties = test(&[1.0, 1.0, 1.0, -1.0]).expect("a test");
        assert!((ties.p_greater - 5.0 / 16.0).abs() < 1e-12, "{ties:?}");
    }

    #[test]
    fn few_pairs_say_which_level_they_have() {
        let interval =
            signed_rank(&[1.0, 2.0, 3.0, 4.0], 0.95).and_then(|found| found.interval).expect("four");
        assert_eq!((interval.lower, interval.upper, interval.confidence), (1.0, 4.0, 0.875));
    }

    #[test]
    fn many_pairs_are_affordable_and_agree_with_fewer() {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(8);
        let differences: Vec<f64> = (0..3000).map(|_| random.random::<f64>() - 0.48).collect();
        let found = signed_rank(&differences, 0.95).expect("a shift");
        let interval = found.interval.expect("many");
        assert!(interval.lower < 0.02 && 0.02 < interval.upper && interval.upper - interval.lower < 0.05);
        assert!(found.test.p_greater < 1e-3, "{found:?}");
    }

    #[test]
    fn intervals_cover_as_often_as_they_say() {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(20);
        for pairs in [6usize, 10, 20] {
            let (runs, mut covered, mut stated) = (3000u32, 0u32, 0.0);
            for _ in 0..runs {
                let noise = |random: &mut Xoshiro256PlusPlus| random.random::<f64>() + random.random::<f64>();
                let differences: Vec<f64> =
                    (0..pairs).map(|_| 0.7 + noise(&mut random) - noise(&mut random)).collect();
                let interval =
                    signed_rank(&differences, 0.95).and_then(|found| found.interval).expect("pairs");
                covered += u32::from(interval.lower <= 0.7 && 0.7 <= interval.upper);
                stated = interval.confidence;
            }
            let coverage = f64::from(covered) / f64::from(runs);
            assert!((coverage - stated).abs() < 0.013, "{pairs} pairs: {coverage} for {stated}");
        }
    }

    proptest! {
        #[test]
        fn estimate_lies_in_its_interval_and_moves_with_the_data(
            differences in prop::collection::vec(-1.0f64..1.0, 2..50), by in -5.0f64..5.0,
        ) {
            let found = signed_rank(&differences, 0.95).expect("a shift");
            let interval = found.interval.expect("two or more");
            prop_assert!(interval.lower <= found.estimate && found.estimate <= interval.upper);
            let moved: Vec<f64> = differences.iter().map(|difference| difference + by).collect();
            let moved = signed_rank(&moved, 0.95).expect("a shift");
            prop_assert!((moved.estimate - found.estimate - by).abs() < 1e-9);
        }
    }
}
