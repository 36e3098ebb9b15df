//! How many times one cell is as large as another, with an interval from a seeded bootstrap over blocks.
//!
//! What is drawn again are blocks, never samples (see the parent module). Where both cells have a block of the same
//! number, the two ran one after the other and share the machine's mood, so such pairs are drawn together; otherwise
//! each cell draws for itself. The same numbers and the same seed give the same interval on every machine.

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::quantile::{median, quantile, sorted};
use super::{CONFIDENCE, Interval};

/// Draws of the bootstrap: the ends of a 95 % interval then move by less than a percent of its width between seeds.
const RESAMPLES: usize = 4000;

/// With fewer blocks than this on a side the bootstrap has nothing to draw from.
const BLOCKS_NEEDED: usize = 3;

/// Number of a block and its median.
pub type NumberedMedian = (u32, f64);

/// A ratio of two medians.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Ratio {
    /// Median over blocks of the numerator by that of the denominator.
    pub ratio: f64,
    /// None with fewer than three blocks on a side.
    pub interval: Option<Interval>,
    /// Whether blocks of the same number were compared with each other.
    pub paired: bool,
}

/// Median of `numerator` over median of `denominator`, both positive and in the same unit. None if a side is empty or
/// the ratio is not a number.
pub fn ratio_of_medians(
    numerator: &[NumberedMedian],
    denominator: &[NumberedMedian],
    seed: u64,
) -> Option<Ratio> {
    let pairs = pairs(numerator, denominator);
    let paired = pairs.is_some();
    let values = |side: &[NumberedMedian]| side.iter().map(|(_, median)| *median).collect::<Vec<_>>();
    let (above, below) = pairs.unwrap_or_else(|| (values(numerator), values(denominator)));
    let ratio = quotient(&sorted(above.clone()), &sorted(below.clone()))?;
    let interval = (above.len().min(below.len()) >= BLOCKS_NEEDED)
        .then(|| bootstrap(&above, &below, paired, seed))
        .flatten();
    Some(Ratio { ratio, interval, paired })
}

/// Medians of both sides in one order of blocks, if both sides have the same blocks.
fn pairs(numerator: &[NumberedMedian], denominator: &[NumberedMedian]) -> Option<(Vec<f64>, Vec<f64>)> {
    let ordered = |side: &[NumberedMedian]| {
        let mut side = side.to_vec();
        side.sort_by_key(|(number, _)| *number);
        side.into_iter().unzip::<u32, f64, Vec<_>, Vec<_>>()
    };
    let ((numbers, above), (others, below)) = (ordered(numerator), ordered(denominator));
    let distinct = numbers.windows(2).all(|two| two[0] != two[1]);
    (distinct && numbers == others).then_some((above, below))
}

fn quotient(above: &[f64], below: &[f64]) -> Option<f64> {
    let ratio = median(above)? / median(below)?;
    ratio.is_finite().then_some(ratio)
}

fn bootstrap(above: &[f64], below: &[f64], paired: bool, seed: u64) -> Option<Interval> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut ratios = Vec::with_capacity(RESAMPLES);
    let (mut drawn, mut other) = (Vec::with_capacity(above.len()), Vec::with_capacity(below.len()));
    for _ in 0..RESAMPLES {
        let mut again = random.clone();
        draw(&mut random, above, &mut drawn);
        // A pair is drawn together by drawing the same positions twice.
        draw(if paired { &mut again } else { &mut random }, below, &mut other);
        ratios.extend(quotient(&drawn, &other));
    }
    let ascending = sorted(ratios);
    let tail = (1.0 - CONFIDENCE) / 2.0;
    Some(Interval {
        lower: quantile(&ascending, tail)?,
        upper: quantile(&ascending, 1.0 - tail)?,
        confidence: CONFIDENCE.min(most_confidence(above.len().min(below.len()))),
    })
}

/// What is drawn again lies between the lowest and the highest block: between them the true value is with no more
/// than this probability (that of the sign test).
fn most_confidence(blocks: usize) -> f64 {
    1.0 - 0.5f64.powf(blocks as f64 - 1.0)
}

/// As many values as there are, each any of them, in ascending order.
fn draw(random: &mut Xoshiro256PlusPlus, values: &[f64], drawn: &mut Vec<f64>) {
    let count = values.len() as u64;
    drawn.clear();
    drawn.extend(values.iter().filter_map(|_| values.get(random.random_range(0..count) as usize)));
    drawn.sort_unstable_by(f64::total_cmp);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn numbered(medians: &[f64]) -> Vec<NumberedMedian> {
        (0u32..).zip(medians.iter().copied()).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_interval() {
        let (a, b) = (numbered(&[2.0, 2.2, 2.1, 1.9, 2.3]), numbered(&[1.0, 1.1, 1.0, 0.9, 1.2]));
        let first = ratio_of_medians(&a, &b, 9).expect("ratio");
        assert_eq!(Some(first), ratio_of_medians(&a, &b, 9));
        assert_eq!(first.ratio, 2.1);
        assert!(first.paired);
        let interval = first.interval.expect("five blocks");
        assert_eq!(interval.confidence, 0.9375);
        assert!(interval.lower < 2.1 && 2.1 < interval.upper, "{interval:?}");
    }

    #[test]
    fn pairs_cancel_what_both_blocks_share() {
        let drift = [1.0, 1.5, 0.8, 2.0, 1.2, 0.9];
        let a: Vec<f64> = drift.iter().map(|mood| mood * 3.0).collect();
        let found = ratio_of_medians(&numbered(&a), &numbered(&drift), 1).expect("ratio");
        let interval = found.interval.expect("six blocks");
        assert!((interval.upper - interval.lower).abs() < 1e-9, "{interval:?}");
        let late: Vec<NumberedMedian> =
            a.iter().enumerate().map(|(at, value)| (at as u32 + 9, *value)).collect();
        let unpaired = ratio_of_medians(&late, &numbered(&drift), 1).expect("ratio");
        assert!(!unpaired.paired);
        let interval = unpaired.interval.expect("six blocks");
        assert!(interval.upper - interval.lower > 0.5, "{interval:?}");
    }

    #[test]
    fn too_little_gives_no_interval_and_nothing_gives_no_ratio() {
        let one = numbered(&[4.0]);
        assert_eq!(
            ratio_of_medians(&one, &numbered(&[2.0]), 1),
            Some(Ratio { ratio: 2.0, interval: None, paired: true })
        );
        assert_eq!(ratio_of_medians(&[], &one, 1), None);
        assert_eq!(ratio_of_medians(&one, &numbered(&[0.0]), 1), None);
    }

    /// Blocks share a drift that is far larger than the difference; the interval must hold the true ratio as often as
    /// it says, less a little that the bootstrap is known to lack with few blocks.
    #[test]
    fn intervals_cover_about_as_often_as_they_say() {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(5);
        let mut noise = |scale: f64| (1.0 + scale * (random.random::<f64>() - 0.5)).max(0.1);
        for (blocks, least) in [(5usize, 0.87), (10, 0.87)] {
            let (runs, mut covered) = (150u32, 0u32);
            for seed in 0..runs {
                let drift: Vec<f64> = (0..blocks).map(|_| noise(0.8)).collect();
                let a: Vec<f64> = drift.iter().map(|mood| 1.3 * mood * noise(0.04)).collect();
                let b: Vec<f64> = drift.iter().map(|mood| mood * noise(0.04)).collect();
                let found = ratio_of_medians(&numbered(&a), &numbered(&b), u64::from(seed)).expect("ratio");
                let interval = found.interval.expect("interval");
                covered += u32::from(interval.lower <= 1.3 && 1.3 <= interval.upper);
            }
            let coverage = f64::from(covered) / f64::from(runs);
            assert!(coverage >= least, "{blocks} blocks: {coverage}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn scaling_one_side_scales_the_ratio(values in prop::collection::vec(1.0f64..100.0, 3..9), factor in 0.1f64..10.0) {
            let scaled: Vec<f64> = values.iter().map(|value| value * factor).collect();
            let found = ratio_of_medians(&numbered(&scaled), &numbered(&values), 3).expect("ratio");
            prop_assert!((found.ratio / factor - 1.0).abs() < 1e-9);
        }
    }
}
