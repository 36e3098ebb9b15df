//! How large a shift is by the noise-weighted test: the interval that belongs to it, so that what it proves its interval
//! shows too.
//!
//! A shift belongs to the interval as long as the test does not reject it: the interval is the test turned round
//! (Lehmann and Romano, 2005, section 3.5), and exact as the test is. Knows plain numbers only.

use super::Interval;
use super::sign_flip::{SignFlip, noise_weighted};
use super::signed_rank::Shift;

/// Halvings of the range of the differences: ends to a millionth of it.
const HALVINGS: u32 = 20;

/// The shift of differences whose pairs have these spreads (as in [`noise_weighted`]), with a two-sided interval of
/// `confidence` (0 to 1), or of the highest level that so few pairs can have. None of nothing, of lengths that differ
/// and of what is not finite.
pub fn weighted_shift(differences: &[f64], spreads: &[f64], confidence: f64) -> Option<Shift> {
    let at = |shift: f64| {
        let moved: Vec<f64> = differences.iter().map(|difference| difference - shift).collect();
        noise_weighted(&moved, spreads)
    };
    let test = at(0.0)?;
    let (low, high) = range(differences);
    let alpha = (1.0 - confidence) / 2.0;
    let estimate = edge((low, high), |shift| at(shift).is_some_and(|test| test.p_greater < test.p_less));
    let lower = edge((low, estimate), |shift| at(shift).is_some_and(|test| test.p_greater <= alpha));
    let upper = edge((estimate, high), |shift| at(shift).is_none_or(|test| test.p_less > alpha));
    let confidence = confidence.min(1.0 - 2.0 * least_p(differences.len()));
    let interval = (differences.len() >= 2).then_some(Interval { lower, upper, confidence });
    Some(Shift { test: SignFlip { pairs: differences.len(), ..test }, estimate, interval })
}

/// The smallest p that so many pairs can have.
fn least_p(pairs: usize) -> f64 {
    0.5f64.powi(i32::try_from(pairs).unwrap_or(i32::MAX))
}

fn range(values: &[f64]) -> (f64, f64) {
    values.iter().fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(*value), high.max(*value)))
}

/// Where what holds at the lower end of a range ceases to hold; the lower end where it never did.
fn edge((mut low, mut high): (f64, f64), holds: impl Fn(f64) -> bool) -> f64 {
    for _ in 0..HALVINGS {
        let middle = low + (high - low) / 2.0;
        if holds(middle) { low = middle } else { high = middle }
    }
    low + (high - low) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::{RngExt, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    #[test]
    fn nothing_has_no_shift_and_few_pairs_say_how_sure_they_are() {
        assert_eq!(weighted_shift(&[], &[], 0.9), None);
        assert_eq!(weighted_shift(&[1.0], &[], 0.9), None);
        assert_eq!(weighted_shift(&[f64::NAN], &[1.0], 0.9), None);
        let three = weighted_shift(&[1.0, 2.0, 3.0], &[0.1; 3], 0.9).expect("a shift");
        let interval = three.interval.expect("three");
        assert_eq!(interval.confidence, 0.75);
        assert!((interval.lower - 1.0).abs() < 1e-5 && (interval.upper - 3.0).abs() < 1e-5, "{interval:?}");
        assert!((three.estimate - 2.0).abs() < 0.51, "{three:?}");
    }

    /// Pairs of which a third is twenty times as noisy as the others.
    #[test]
    fn intervals_cover_as_often_as_they_say() {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(9);
        let (runs, mut covered) = (400u32, 0u32);
        for _ in 0..runs {
            let spreads: Vec<f64> = (0..9).map(|at| if at % 3 == 0 { 1.0 } else { 0.05 }).collect();
            let one = |spread: &f64| 0.7 + spread * (random.random::<f64>() - random.random::<f64>());
            let differences: Vec<f64> = spreads.iter().map(one).collect();
            let found = weighted_shift(&differences, &spreads, 0.9).expect("a shift");
            let interval = found.interval.expect("pairs");
            covered += u32::from(interval.lower <= 0.7 && 0.7 <= interval.upper);
        }
        // Three standard errors; an exact interval of so few pairs may cover a little more.
        let coverage = f64::from(covered) / f64::from(runs);
        assert!((0.855..=0.96).contains(&coverage), "{coverage}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn what_is_proven_is_shown(
            pairs in prop::collection::vec((-1.0f64..1.5, 0.01f64..1.0), 6..14),
        ) {
            let (differences, spreads): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
            let found = weighted_shift(&differences, &spreads, 0.9).expect("a shift");
            let interval = found.interval.expect("pairs");
            prop_assert!(interval.lower <= found.estimate && found.estimate <= interval.upper);
            if found.test.p_greater <= 0.01 {
                prop_assert!(interval.lower > -0.02, "{found:?}");
            }
        }
    }
}
