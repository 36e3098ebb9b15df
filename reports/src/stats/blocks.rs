//! The median of a cell and its interval, from the medians of its blocks.
//!
//! Within a block samples follow each other and are alike, so that thousands of them say little about the next
//! process. Each block gives one number, its median. The interval is the order-statistic interval of the sign test
//! over these numbers: it holds for any continuous distribution of block medians and supposes only that blocks are
//! independent. Five blocks reach 93.75 % at most (lowest to highest), six 96.9 %; the level is stated, never assumed.

use statrs::distribution::{Binomial, DiscreteCDF};

use super::quantile::{median, median_of, sorted};
use super::{CONFIDENCE, Interval};

/// A median over blocks.
#[derive(Clone, PartialEq, Debug)]
pub struct BlockMedian {
    /// Median of the block medians.
    pub median: f64,
    /// None with fewer than two blocks.
    pub interval: Option<Interval>,
    /// Median of each block, in the order the blocks ran.
    pub block_medians: Vec<f64>,
}

impl BlockMedian {
    /// Largest relative distance of a block median from the median of all; 0 with one block.
    pub fn spread(&self) -> f64 {
        let distance = |value: &f64| ((value - self.median) / self.median).abs();
        self.block_medians.iter().map(distance).filter(|ratio| ratio.is_finite()).fold(0.0, f64::max)
    }
}

/// The median of blocks of samples, in any unit. Blocks without samples do not count; none if none is left.
pub fn median_over_blocks<'a>(blocks: impl IntoIterator<Item = &'a [f64]>) -> Option<BlockMedian> {
    let medians = blocks.into_iter().filter_map(|block| median_of(block.iter().copied())).collect();
    from_block_medians(medians)
}

/// As [`median_over_blocks`], from one number a block.
pub fn from_block_medians(block_medians: Vec<f64>) -> Option<BlockMedian> {
    let ascending = sorted(block_medians.clone());
    Some(BlockMedian { median: median(&ascending)?, interval: interval(&ascending), block_medians })
}

/// The narrowest pair of order statistics, equally far from both ends, that covers the median with [`CONFIDENCE`];
/// the outermost pair with its lower level where no pair reaches it.
fn interval(ascending: &[f64]) -> Option<Interval> {
    let count = ascending.len();
    if count < 2 {
        return None;
    }
    let binomial = Binomial::new(0.5, count as u64).ok()?;
    // With `cut` values left out at each end, the interval misses when at most `cut` values lie on one side.
    // Rounded, because the library's 0.4999999999999981 is one half and a level is compared and shown.
    let confidence = |cut: usize| ((1.0 - 2.0 * binomial.cdf(cut as u64)) * 1e12).round() / 1e12;
    let cut = (0..(count - 1) / 2 + 1).take_while(|cut| confidence(*cut) >= CONFIDENCE).last().unwrap_or(0);
    Some(Interval {
        lower: *ascending.get(cut)?,
        upper: *ascending.get(count - 1 - cut)?,
        confidence: confidence(cut),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::{RngExt, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    #[test]
    fn levels_are_those_of_the_sign_test() {
        let level = |count: u32| {
            let found = from_block_medians((1..=count).map(f64::from).collect()).expect("not empty");
            found.interval.map(|interval| (interval.lower, interval.upper, interval.confidence))
        };
        assert_eq!(level(1), None);
        assert_eq!(level(2), Some((1.0, 2.0, 0.5)));
        assert_eq!(level(5), Some((1.0, 5.0, 0.9375)));
        assert_eq!(level(6), Some((1.0, 6.0, 0.96875)));
        // Tables of the sign test (Conover, 1999, table A3): n = 10 gives the 2nd and the 9th, 97.9 %.
        let (lower, upper, confidence) = level(10).expect("ten blocks");
        assert_eq!((lower, upper), (2.0, 9.0));
        assert!((confidence - 0.978_515_625).abs() < 1e-12);
        let (lower, upper, _) = level(20).expect("twenty blocks");
        assert_eq!((lower, upper), (6.0, 15.0));
    }

    #[test]
    fn a_block_counts_once_however_long_it_is() {
        let long = vec![10.0; 10_000];
        let found = median_over_blocks([&long[..], &[20.0], &[30.0], &[]]).expect("blocks");
        assert_eq!(found.median, 20.0);
        assert_eq!(found.block_medians, [10.0, 20.0, 30.0]);
        assert_eq!(found.spread(), 0.5);
        assert_eq!(median_over_blocks([&[][..]]), None);
    }

    /// Blocks with their own level and samples that follow it closely: pooled samples would give an interval that is
    /// far too narrow; ours must keep its word.
    #[test]
    fn intervals_cover_as_often_as_they_say() {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(20_261_124);
        for blocks in [5usize, 8, 15] {
            let (mut covered, mut stated, runs) = (0u32, 0.0, 4000u32);
            for _ in 0..runs {
                let medians: Vec<f64> = (0..blocks).map(|_| skewed_block(&mut random)).collect();
                let interval =
                    from_block_medians(medians).and_then(|found| found.interval).expect("interval");
                covered += u32::from(interval.lower <= TRUE_MEDIAN && TRUE_MEDIAN <= interval.upper);
                stated = interval.confidence;
            }
            let coverage = f64::from(covered) / f64::from(runs);
            // Three standard errors of a share near 0.95 over 4,000 repetitions are 0.011.
            assert!((coverage - stated).abs() < 0.011, "{blocks} blocks: {coverage} for {stated}");
        }
    }

    /// Median of 100 + e^(4u) over u uniform in 0..1.
    const TRUE_MEDIAN: f64 = 100.0 + 7.389_056_098_930_65;

    fn skewed_block(random: &mut Xoshiro256PlusPlus) -> f64 {
        let level = 100.0 + (4.0 * random.random::<f64>()).exp();
        let samples: Vec<f64> = [-0.01, 0.0, 0.0, 0.01].iter().map(|noise| level + noise).collect();
        median_of(samples).expect("samples")
    }

    proptest! {
        #[test]
        fn the_median_lies_in_its_interval(values in prop::collection::vec(0.0f64..1e9, 2..60)) {
            let found = from_block_medians(values).expect("not empty");
            let interval = found.interval.expect("two or more");
            prop_assert!(interval.lower <= found.median && found.median <= interval.upper);
            prop_assert!((0.5..1.0).contains(&interval.confidence));
        }
    }
}
