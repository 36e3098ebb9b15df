//! Looks at noise-weighted pairs that keep their level exactly, whatever the noise.
//!
//! [`super::sequential::Looks`] takes its levels from a random walk whose steps all carry the same evidence. Weighted
//! pairs do not walk so evenly: a quiet pair counts for several loud ones, and every new pair changes the weights of
//! the earlier ones, so that two looks agree less often than the walk supposes and together cry wolf more often. Here
//! nothing is supposed. The order of the arms in each pair was a fair coin, so that under "no change" the signs that
//! were seen are one of `2^pairs` patterns that were all equally likely; at each look the bound is the one that, among
//! many patterns drawn from a fixed seed together with the one that was seen, only so many cross as the level allows.
//! Those that crossed at an earlier look stay counted (Lan and DeMets, 1983, for the spending; Besag and Clifford,
//! 1989, for the drawn patterns that leave a test exact). Knows plain numbers only.

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::sequential::Spending;
use super::sign_flip::noise_steps;

/// Patterns are words of bits, a bit a pair.
const MOST_PAIRS: u32 = 64;

/// Where the patterns are drawn from: the same for everybody, so that the same pairs give the same answer.
const SEED: u64 = 0x5349_474e;

/// Drawn patterns: enough that the smallest level of a look is not rounded away, within what a look may cost.
const PATTERNS_PER_LEVEL: f64 = 400.0;
const FEWEST_PATTERNS: usize = 4_096;
const MOST_PATTERNS: usize = 262_144;

/// Looks planned beforehand, whose false alarms are together at most `alpha`.
#[derive(Clone, PartialEq, Debug)]
pub struct EarlyStop {
    pairs: Vec<u32>,
    alpha: f64,
    spending: Spending,
}

impl EarlyStop {
    /// Looks at these numbers of pairs (ascending, from 1 to 64) with a one-sided level (between 0 and 1) for all of
    /// them together. None where the plan makes no sense.
    pub fn plan(pairs: &[u32], alpha: f64, spending: Spending) -> Option<Self> {
        let ascending = pairs.windows(2).all(|two| two[0] < two[1]);
        let within = *pairs.first()? > 0 && *pairs.last()? <= MOST_PAIRS;
        let usable = ascending && within && alpha > 0.0 && alpha < 1.0;
        usable.then(|| Self { pairs: pairs.to_vec(), alpha, spending })
    }

    /// Number of pairs at the first look that proves the differences to be above zero; none where no look does that
    /// can be taken yet. `differences` and `spreads` as in [`super::sign_flip::noise_weighted`], in the order in which
    /// they were measured; pairs after the last look do not count.
    pub fn enough_after(&self, differences: &[f64], spreads: &[f64]) -> Option<u32> {
        let last = f64::from(*self.pairs.last()?);
        let mut patterns = Patterns::drawn(self.count(), seen(differences));
        for pairs in &self.pairs {
            let so_far = differences.get(..*pairs as usize)?;
            let scores = noise_steps(so_far, spreads.get(..*pairs as usize)?)?;
            let may = self.spending.spent(f64::from(*pairs) / last, self.alpha);
            if patterns.look(&without_ties(so_far, scores), may) {
                return Some(*pairs);
            }
        }
        None
    }

    fn count(&self) -> usize {
        ((PATTERNS_PER_LEVEL / self.alpha) as usize).clamp(FEWEST_PATTERNS, MOST_PATTERNS)
    }
}

/// The signs that were measured: a bit set where the difference is above zero.
fn seen(differences: &[f64]) -> u64 {
    let above = |(at, difference): (usize, &f64)| u64::from(*difference > 0.0) << at;
    differences.iter().take(MOST_PAIRS as usize).enumerate().map(above).sum()
}

/// A difference of zero has no sign.
fn without_ties(differences: &[f64], scores: Vec<u32>) -> Vec<u32> {
    differences.iter().zip(scores).map(|(one, score)| if *one == 0.0 { 0 } else { score }).collect()
}

/// Sign patterns that have crossed no bound yet; the first is the one that was measured.
struct Patterns {
    left: Vec<u64>,
    all: usize,
    sums: Vec<u32>,
}

impl Patterns {
    fn drawn(count: usize, seen: u64) -> Self {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(SEED);
        let mut left = vec![seen];
        left.extend((1..count.max(1)).map(|_| random.random::<u64>()));
        Self { all: left.len(), left, sums: Vec::new() }
    }

    /// Takes a look with the scores of the pairs so far, at which the share `may` of all patterns may have crossed
    /// since the beginning. Whether the measured one crosses; if it does not, those that do are gone.
    fn look(&mut self, scores: &[u32], may: f64) -> bool {
        let crossed = self.all - self.left.len();
        let budget = ((may * self.all as f64) as usize).saturating_sub(crossed);
        self.add_up(scores);
        let Some(bound) = bound(&self.sums, budget) else { return false };
        if self.sums.first().is_some_and(|sum| *sum > bound) {
            return true;
        }
        let mut sums = self.sums.iter();
        self.left.retain(|_| sums.next().is_some_and(|sum| *sum <= bound));
        false
    }

    /// Scores of the pairs whose bit is set, a sum a pattern.
    fn add_up(&mut self, scores: &[u32]) {
        self.sums.clear();
        self.sums.resize(self.left.len(), 0);
        for (at, score) in scores.iter().enumerate() {
            for (sum, pattern) in self.sums.iter_mut().zip(&self.left) {
                *sum += score * (pattern >> at & 1) as u32;
            }
        }
    }
}

/// The smallest value that at most `budget` of the values are above; none where nothing may be.
fn bound(values: &[u32], budget: usize) -> Option<u32> {
    let from_below = values.len().checked_sub(budget + 1).filter(|_| budget > 0)?;
    let mut ascending = values.to_vec();
    Some(*ascending.select_nth_unstable(from_below).1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pocock(pairs: &[u32], alpha: f64) -> EarlyStop {
        EarlyStop::plan(pairs, alpha, Spending::Pocock).expect("a plan")
    }

    /// Weights that jump about, as on a machine whose noise comes and goes: the case that a random walk gets wrong.
    fn pairs(random: &mut Xoshiro256PlusPlus, count: usize, shift: f64) -> (Vec<f64>, Vec<f64>) {
        let one = |_| {
            let spread = if random.random_bool(0.3) { 1.0 } else { 0.05 };
            let size: f64 = spread * (random.random::<f64>() + random.random::<f64>());
            (if random.random_bool(0.5) { size + shift } else { shift - size }, spread)
        };
        (0..count).map(one).unzip()
    }

    #[test]
    fn looks_together_stay_within_the_level_however_the_weights_jump() {
        let plan = pocock(&[7, 8, 9, 11, 14, 18, 24, 30], 0.05);
        let mut random = Xoshiro256PlusPlus::seed_from_u64(77);
        let (runs, mut alarms) = (3000u32, 0u32);
        for _ in 0..runs {
            let (differences, spreads) = pairs(&mut random, 30, 0.0);
            alarms += u32::from(plan.enough_after(&differences, &spreads).is_some());
        }
        // Standard error 0.004.
        let rate = f64::from(alarms) / f64::from(runs);
        assert!((0.036..=0.060).contains(&rate), "{rate}");
    }

    #[test]
    fn what_is_large_is_found_soon_and_the_same_every_time() {
        let plan = pocock(&[7, 10, 20], 0.05);
        let mut random = Xoshiro256PlusPlus::seed_from_u64(5);
        let (differences, spreads) = pairs(&mut random, 20, 3.0);
        assert_eq!(plan.enough_after(&differences, &spreads), Some(7));
        // The first look needs seven pairs; six say nothing yet.
        assert_eq!(plan.enough_after(&differences[..6], &spreads[..6]), None);
        let smaller: Vec<f64> = differences.iter().map(|one| -one).collect();
        assert_eq!(plan.enough_after(&smaller, &spreads), None);
    }

    /// By hand: one look at five pairs that all agree has p = 1/32, which 0.05 allows and 0.03 does not.
    #[test]
    fn one_look_is_the_plain_test() {
        let (differences, spreads) = ([0.1, 0.2, 0.3, 0.2, 0.1], [0.01; 5]);
        assert_eq!(pocock(&[5], 0.05).enough_after(&differences, &spreads), Some(5));
        assert_eq!(pocock(&[5], 0.02).enough_after(&differences, &spreads), None);
    }

    #[test]
    fn nothing_ties_and_lies_prove_nothing() {
        let plan = pocock(&[5, 6], 0.2);
        assert_eq!(plan.enough_after(&[], &[]), None);
        assert_eq!(plan.enough_after(&[0.0; 6], &[0.1; 6]), None);
        assert_eq!(plan.enough_after(&[f64::NAN; 6], &[0.1; 6]), None);
        assert_eq!(plan.enough_after(&[1.0; 6], &[0.1; 4]), None);
        assert_eq!(plan.enough_after(&[1.0; 6], &[f64::INFINITY; 6]), None);
    }

    #[test]
    fn plans_without_sense_are_refused() {
        for (pairs, alpha) in [(&[][..], 0.05), (&[0, 3], 0.05), (&[5, 5], 0.05), (&[65], 0.05), (&[5], 1.0)]
        {
            assert_eq!(EarlyStop::plan(pairs, alpha, Spending::Pocock), None, "{pairs:?} {alpha}");
        }
    }
}
