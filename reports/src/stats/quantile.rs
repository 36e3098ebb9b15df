//! Quantiles of samples, and how many samples one needs before a quantile may be shown.

/// A quantile wants this many samples beyond it, or it is one unlucky sample with a name. For p99 that makes 1,000
/// samples and for p90 100. (With fewer than 459 samples, p99 has not even a one-sided 99 % bound: 0.99^459 < 0.01.)
const SAMPLES_BEYOND: usize = 10;

/// A quantile, or why there is none.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Tail {
    /// The quantile.
    Known(f64),
    /// Too few samples to speak of it.
    TooFew {
        /// Samples there are.
        found: usize,
        /// Samples it takes.
        needed: usize,
    },
}

impl Tail {
    /// The value, where it is known.
    pub fn value(self) -> Option<f64> {
        match self {
            Self::Known(value) => Some(value),
            Self::TooFew { .. } => None,
        }
    }
}

/// Sorts ascending; NaN goes last.
pub fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

/// Middle of ascending values, halfway between the two middle ones for an even count; none of nothing.
pub fn median(ascending: &[f64]) -> Option<f64> {
    let upper = *ascending.get(ascending.len() / 2)?;
    if ascending.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = *ascending.get(ascending.len() / 2 - 1)?;
    Some(lower + (upper - lower) / 2.0)
}

/// Middle of values in any order.
pub fn median_of(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.into_iter().collect();
    let (middle, even) = (values.len() / 2, values.len().is_multiple_of(2));
    if values.is_empty() {
        return None;
    }
    let (below, upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    let upper = *upper;
    let lower = below.iter().copied().max_by(f64::total_cmp).filter(|_| even);
    Some(lower.map_or(upper, |lower| lower + (upper - lower) / 2.0))
}

/// The smallest value that at least the share `q` (0 to 1) of ascending values does not exceed: always a value that
/// was observed (definition 1 of Hyndman and Fan, 1996).
pub fn quantile(ascending: &[f64], q: f64) -> Option<f64> {
    let last = ascending.len().checked_sub(1)?;
    // Casts saturate, so that q outside 0..1 gives the first or the last value.
    let rank = (q * ascending.len() as f64 - 1e-9).ceil() as usize;
    ascending.get(rank.saturating_sub(1).min(last)).copied()
}

/// Samples that the quantile `q` (above 0.5, below 1) takes before it may be shown.
pub fn samples_needed(q: f64) -> usize {
    (SAMPLES_BEYOND as f64 / (1.0 - q)).round() as usize
}

/// The quantile `q` of ascending values, if there are enough of them.
pub fn tail(ascending: &[f64], q: f64) -> Tail {
    let needed = samples_needed(q);
    match quantile(ascending, q) {
        Some(value) if ascending.len() >= needed => Tail::Known(value),
        _ => Tail::TooFew { found: ascending.len(), needed },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn counts_follow_the_rule_of_ten_beyond() {
        assert_eq!(samples_needed(0.90), 100);
        assert_eq!(samples_needed(0.99), 1000);
        let values: Vec<f64> = (1..=999).map(f64::from).collect();
        assert_eq!(tail(&values, 0.99), Tail::TooFew { found: 999, needed: 1000 });
        assert_eq!(tail(&values, 0.90), Tail::Known(900.0));
        assert_eq!(tail(&[], 0.90), Tail::TooFew { found: 0, needed: 100 });
    }

    #[test]
    fn quantiles_are_observed_values() {
        let values: Vec<f64> = (1..=1000).map(f64::from).collect();
        assert_eq!(quantile(&values, 0.99), Some(990.0));
        assert_eq!(quantile(&values, 0.5), Some(500.0));
        assert_eq!(quantile(&values, 0.0), Some(1.0));
        assert_eq!(quantile(&values, 1.0), Some(1000.0));
        assert_eq!(quantile(&[], 0.5), None);
        assert_eq!(quantile(&[7.0], 0.9), Some(7.0));
    }

    #[test]
    fn medians_of_few() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0]), Some(3.0));
        assert_eq!(median_of([4.0, 1.0]), Some(2.5));
        assert_eq!(median_of([9.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median_of([f64::MAX, f64::MAX]), Some(f64::MAX));
    }

    proptest! {
        #[test]
        fn at_least_the_share_is_not_above(values in prop::collection::vec(0u32..1000, 1..300), q in 0.01f64..0.999) {
            let ascending = sorted(values.into_iter().map(f64::from).collect());
            let found = quantile(&ascending, q).expect("not empty");
            let covered = ascending.iter().filter(|value| **value <= found).count();
            prop_assert!(covered as f64 + 1e-6 >= q * ascending.len() as f64);
            let below = ascending.iter().filter(|value| **value < found).count();
            prop_assert!((below as f64) < q * ascending.len() as f64 + 1e-6);
        }

        #[test]
        fn half_lies_on_each_side_of_the_median(values in prop::collection::vec(-1e6f64..1e6, 1..200)) {
            let ascending = sorted(values);
            let middle = median(&ascending).expect("not empty");
            let below = ascending.iter().filter(|value| **value < middle).count();
            let above = ascending.iter().filter(|value| **value > middle).count();
            prop_assert!(below <= ascending.len() / 2 && above <= ascending.len() / 2);
        }
    }
}
