//! Whether the samples of a block settled down, and from where on.
//!
//! Warm-up is not over because a count says so: caches, clocks and allocators settle when they settle, and some never
//! do (Barrett et al., 2017). The samples are cut into batches; the batch medians are searched for the
//! place where their level changes most, which is robust against outliers. As long as that change is
//! both significant and large enough to matter, everything before it is warm-up. Knows plain numbers only.

use super::quantile::{median_of, sorted};

/// Batches that the samples are cut into: few enough that neighbours hardly know of each other.
const BATCHES: usize = 32;

/// Fewer samples than this in a batch make no median.
const LEAST_IN_BATCH: usize = 4;

/// Batches on either side of a change of level.
const LEAST_ON_A_SIDE: usize = 3;

/// Difference of ranks, in standard deviations, that the best of thirty splits of white noise hardly ever reaches.
const CRITICAL: f64 = 3.2;

/// A change of level by less than this share is no matter of warm-up.
const MATTERS: f64 = 0.02;

/// What became of a block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Steadiness {
    /// Too few samples to tell.
    Unknown,
    /// From this sample on, counted from 0.
    From(usize),
    /// The level still changed at the half or later.
    Never,
}

/// Where the samples, in the order they were taken, became steady.
pub fn steadiness(samples: &[f64]) -> Steadiness {
    if samples.len() < BATCHES * LEAST_IN_BATCH || samples.iter().any(|sample| !sample.is_finite()) {
        return Steadiness::Unknown;
    }
    let size = samples.len() / BATCHES;
    let medians: Vec<f64> =
        samples.chunks_exact(size).filter_map(|batch| median_of(batch.iter().copied())).collect();
    let mut from = 0;
    while let Some(at) = medians.get(from..).and_then(change) {
        from += at;
        if from >= medians.len() / 2 {
            return Steadiness::Never;
        }
    }
    Steadiness::From(from * size)
}

/// Position of the first value after the largest change of level, if it is one: the split whose sides differ most in
/// their ranks.
fn change(values: &[f64]) -> Option<usize> {
    let splits = LEAST_ON_A_SIDE..(values.len() + 1).saturating_sub(LEAST_ON_A_SIDE);
    let z = |at: &usize| rank_z(&values[..*at], &values[*at..]);
    let at = splits.max_by(|one, other| z(one).total_cmp(&z(other)).then(other.cmp(one)))?;
    let (before, after) = values.split_at(at);
    let (one, other) = (median_of(before.iter().copied())?, median_of(after.iter().copied())?);
    let matters = ((one - other) / other).abs() > MATTERS;
    (matters && z(&at) > CRITICAL).then_some(at)
}

/// How far the ranks of two sides differ, in standard deviations (Mann and Whitney, 1947).
fn rank_z(before: &[f64], after: &[f64]) -> f64 {
    let ascending = sorted(after.to_vec());
    let wins = |value: &f64| {
        let below = ascending.partition_point(|one| one < value);
        let up_to = ascending.partition_point(|one| one <= value);
        (below + up_to) as f64 / 2.0
    };
    let (m, n) = (before.len() as f64, after.len() as f64);
    let surplus = before.iter().map(wins).sum::<f64>() - m * n / 2.0;
    surplus.abs() / (m * n * (m + n + 1.0) / 12.0).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    fn noisy(random: &mut Xoshiro256PlusPlus, count: usize, level: impl Fn(usize) -> f64) -> Vec<f64> {
        (0..count).map(|at| level(at) * (1.0 + 0.05 * random.random::<f64>())).collect()
    }

    #[test]
    fn warm_up_ends_where_the_level_settles() {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
        let samples = noisy(&mut random, 3200, |at| if at < 800 { 1.5 } else { 1.0 });
        let Steadiness::From(at) = steadiness(&samples) else { panic!("settles") };
        // A batch or two late is safe, early is not.
        assert!((800..=1000).contains(&at), "{at}");
        let two_steps = noisy(&mut random, 3200, |at| {
            if at < 300 {
                3.0
            } else if at < 1000 {
                1.2
            } else {
                1.0
            }
        });
        let Steadiness::From(at) = steadiness(&two_steps) else { panic!("settles") };
        assert!((1000..=1200).contains(&at), "{at}");
    }

    #[test]
    fn a_block_that_drifts_or_jumps_late_never_settles() {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(2);
        assert_eq!(steadiness(&noisy(&mut random, 3200, |at| 1.0 + at as f64 / 3200.0)), Steadiness::Never);
        assert_eq!(
            steadiness(&noisy(&mut random, 3200, |at| if at < 2500 { 1.0 } else { 1.3 })),
            Steadiness::Never
        );
    }

    #[test]
    fn noise_outliers_and_constants_are_steady_from_the_start() {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(3);
        let wrong = (0..500).filter(|_| {
            let samples = noisy(&mut random, 640, |at| if at % 37 == 0 { 8.0 } else { 1.0 });
            steadiness(&samples) != Steadiness::From(0)
        });
        assert!(wrong.count() <= 3, "hardly ever");
        assert_eq!(steadiness(&[1.0; 640]), Steadiness::From(0));
        assert_eq!(steadiness(&[1.0; 64]), Steadiness::Unknown);
        assert_eq!(steadiness(&[f64::NAN; 640]), Steadiness::Unknown);
    }
}
