//! Shares of right answers and their interval.

use super::{CONFIDENCE, Interval};

/// The 97.5 % quantile of the standard normal distribution, for two-sided 95 %.
const Z: f64 = 1.959_963_984_540_054;

/// So many of so many.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Proportion {
    /// Right ones.
    pub right: u64,
    /// All of them; not 0.
    pub total: u64,
    /// Wilson's score interval (Wilson, 1927): stays in 0..1 and holds near both ends, where the textbook's does not.
    pub interval: Interval,
}

impl Proportion {
    /// `right` of `total`; none if `total` is 0 or `right` is more.
    pub fn new(right: u64, total: u64) -> Option<Self> {
        if total == 0 || right > total {
            return None;
        }
        Some(Self { right, total, interval: wilson(right, total) })
    }

    /// From 0 to 1.
    pub fn share(&self) -> f64 {
        self.right as f64 / self.total as f64
    }
}

fn wilson(right: u64, total: u64) -> Interval {
    let (n, share) = (total as f64, right as f64 / total as f64);
    let square = Z * Z;
    let centre = (share + square / (2.0 * n)) / (1.0 + square / n);
    let half = Z / (1.0 + square / n) * (share * (1.0 - share) / n + square / (4.0 * n * n)).sqrt();
    // Exact at the ends, where rounding would leave 1e-17.
    let lower = if right == 0 { 0.0 } else { (centre - half).max(0.0) };
    let upper = if right == total { 1.0 } else { (centre + half).min(1.0) };
    Interval { lower, upper, confidence: CONFIDENCE }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::{RngExt, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    #[test]
    fn known_values() {
        // Newcombe (1998), table I, method 3: 81/263, 15/148, 0/20, 1/29.
        for (right, total, lower, upper) in [
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0, 0.1611),
            (1, 29, 0.0061, 0.1718),
        ] {
            let found = Proportion::new(right, total).expect("valid").interval;
            assert!((found.lower - lower).abs() < 5e-5, "{right}/{total}: {found:?}");
            assert!((found.upper - upper).abs() < 5e-5, "{right}/{total}: {found:?}");
        }
        assert_eq!(Proportion::new(0, 0), None);
        assert_eq!(Proportion::new(3, 2), None);
        assert_eq!(Proportion::new(9, 9).expect("valid").interval.upper, 1.0);
    }

    #[test]
    fn covers_about_as_often_as_it_says() {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(7);
        for share in [0.7, 0.9, 0.98] {
            let runs = 3000u32;
            let covered: u32 = (0..runs)
                .map(|_| {
                    let right = (0..400).filter(|_| random.random::<f64>() < share).count() as u64;
                    let found = Proportion::new(right, 400).expect("valid").interval;
                    u32::from(found.lower <= share && share <= found.upper)
                })
                .sum();
            let coverage = f64::from(covered) / f64::from(runs);
            assert!((0.93..0.975).contains(&coverage), "share {share}: coverage {coverage}");
        }
    }

    proptest! {
        #[test]
        fn holds_its_share_and_narrows(right in 0u64..=500) {
            let few = Proportion::new(right, 500).expect("valid");
            let many = Proportion::new(right * 10, 5000).expect("valid");
            prop_assert!(few.interval.lower <= few.share() && few.share() <= few.interval.upper);
            prop_assert!(many.interval.upper - many.interval.lower < few.interval.upper - few.interval.lower);
        }
    }
}
