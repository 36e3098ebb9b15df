//! Stopping early without cheating: looks that share one level, screen and confirm, and bets that may stop any time.
//!
//! Looking at the data after every few pairs and stopping at the first p below 0.05 finds something in a tenth of all
//! cases where there is nothing. Each way here decides beforehand how much of the level every look may spend. Knows
//! plain numbers only.

use statrs::distribution::{ContinuousCDF, Normal};

/// How the level is spent over the looks (Lan and DeMets, 1983).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Spending {
    /// Nearly evenly, after Pocock (1977): stops soonest when something large happened.
    Pocock,
    /// Hardly anything early, after O'Brien and Fleming (1979): the last look is nearly as sharp as a single one.
    OBrienFleming,
}

impl Spending {
    /// What may be spent after the share `t` (0 to 1) of all pairs, of a one-sided level `alpha`.
    pub(super) fn spent(self, t: f64, alpha: f64) -> f64 {
        let normal = Normal::standard();
        match self {
            Self::Pocock => alpha * (1.0 + (std::f64::consts::E - 1.0) * t).ln(),
            Self::OBrienFleming => 2.0 * normal.sf(normal.inverse_cdf(1.0 - alpha / 2.0) / t.sqrt()),
        }
    }
}

/// Looks planned beforehand. At look `k` the evidence is enough if the one-sided p of all pairs so far is at most
/// `levels[k]`; the chance of a false alarm over all looks together is then at most `alpha`.
#[derive(Clone, PartialEq, Debug)]
pub struct Looks {
    /// Numbers of pairs at which the data are looked at, ascending.
    pub pairs: Vec<u32>,
    /// One-sided level of each look.
    pub levels: Vec<f64>,
    /// Level of all looks together.
    pub alpha: f64,
}

impl Looks {
    /// Looks at these numbers of pairs (ascending, positive) with a one-sided level (between 0 and 1) for all of them
    /// together. None where the plan makes no sense.
    ///
    /// The levels come from the joint distribution of the looks of a random walk (Armitage, McPherson and Rowe, 1969).
    /// Rank sums of five pairs and more are near enough to it, and their discreteness errs on the safe side.
    pub fn plan(pairs: &[u32], alpha: f64, spending: Spending) -> Option<Self> {
        let last = f64::from(*pairs.last()?);
        let ascending = pairs.windows(2).all(|two| two[0] < two[1]) && pairs.first()? > &0;
        if !(ascending && alpha > 0.0 && alpha < 1.0) {
            return None;
        }
        let shares: Vec<f64> = pairs.iter().map(|count| f64::from(*count) / last).collect();
        Some(Self { pairs: pairs.to_vec(), levels: levels(&shares, alpha, spending), alpha })
    }

    /// Whether `p` (one-sided) at the look after `pairs` pairs is enough; none if no look was planned there.
    pub fn is_enough(&self, pairs: u32, p: f64) -> Option<bool> {
        let at = self.pairs.iter().position(|planned| *planned == pairs)?;
        Some(p <= *self.levels.get(at)?)
    }
}

/// Points of the grid on which the walk's density is carried from look to look.
const GRID: usize = 600;

/// How far below zero the walk is followed, in its standard deviations.
const DEPTH: f64 = 8.0;

/// One-sided level of each look.
fn levels(shares: &[f64], alpha: f64, spending: Spending) -> Vec<f64> {
    let normal = Normal::standard();
    let mut walk: Option<Walk> = None;
    let (mut spent, mut levels) = (0.0, Vec::with_capacity(shares.len()));
    for share in shares {
        let may = (spending.spent(*share, alpha) - spent).max(0.0);
        spent += may;
        let bound = match &walk {
            None => share.sqrt() * normal.inverse_cdf(1.0 - may),
            Some(walk) => walk.bound(*share, may),
        };
        levels.push(normal.sf(bound / share.sqrt()));
        walk = Some(match walk {
            None => Walk::first(*share, bound),
            Some(walk) => walk.next(*share, bound),
        });
    }
    levels
}

/// Density of a random walk that has not crossed any bound yet.
struct Walk {
    share: f64,
    lowest: f64,
    step: f64,
    density: Vec<f64>,
}

impl Walk {
    fn grid(share: f64, bound: f64, density: impl Fn(f64) -> f64) -> Self {
        let lowest = -DEPTH * share.sqrt();
        let step = (bound - lowest) / (GRID - 1) as f64;
        let density = (0..GRID).map(|at| density(lowest + step * at as f64)).collect();
        Self { share, lowest, step, density }
    }

    fn first(share: f64, bound: f64) -> Self {
        Self::grid(share, bound, |at| bell(at, share))
    }

    fn next(&self, share: f64, bound: f64) -> Self {
        Self::grid(share, bound, |at| self.sum(|from| bell(at - from, share - self.share)))
    }

    /// Probability of standing above `bound` at `share`, not having crossed before.
    fn above(&self, share: f64, bound: f64) -> f64 {
        let (normal, deviation) = (Normal::standard(), (share - self.share).sqrt());
        self.sum(|from| normal.sf((bound - from) / deviation))
    }

    /// The bound that exactly `may` of probability stands above.
    fn bound(&self, share: f64, may: f64) -> f64 {
        let (mut low, mut high) = (-DEPTH * share.sqrt(), DEPTH * share.sqrt());
        for _ in 0..60 {
            let middle = (low + high) / 2.0;
            if self.above(share, middle) > may { low = middle } else { high = middle }
        }
        high
    }

    /// Trapezium sum over the density.
    fn sum(&self, weight: impl Fn(f64) -> f64) -> f64 {
        let last = self.density.len().saturating_sub(1);
        let terms = self.density.iter().enumerate().map(|(at, density)| {
            let share = if at == 0 || at == last { 0.5 } else { 1.0 };
            share * density * weight(self.lowest + self.step * at as f64)
        });
        terms.sum::<f64>() * self.step
    }
}

/// The normal density with this variance.
fn bell(at: f64, variance: f64) -> f64 {
    (-at * at / (2.0 * variance)).exp() / (std::f64::consts::TAU * variance).sqrt()
}

/// A quick look at every cell, and a second one on fresh pairs only where the first saw something. Both must agree, so
/// that a clean cell is blamed with at most `screen_alpha * confirm_alpha`; nothing of the first look is used again.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct ScreenConfirm {
    /// Pairs of the first look.
    pub screen_pairs: u32,
    /// Its one-sided level.
    pub screen_alpha: f64,
    /// Fresh pairs of the second look.
    pub confirm_pairs: u32,
    /// Its one-sided level.
    pub confirm_alpha: f64,
}

impl Default for ScreenConfirm {
    /// For 24 cells: 24 * 0.10 * 0.005 = 1.2 % of clean runs blocked at most, 12 pairs a clean cell on average.
    fn default() -> Self {
        Self { screen_pairs: 10, screen_alpha: 0.10, confirm_pairs: 20, confirm_alpha: 0.005 }
    }
}

impl ScreenConfirm {
    /// Whether the first look asks for the second.
    pub fn is_suspect(&self, screen_p: f64) -> bool {
        screen_p <= self.screen_alpha
    }

    /// Whether both looks together prove a change.
    pub fn is_proven(&self, screen_p: f64, confirm_p: f64) -> bool {
        self.is_suspect(screen_p) && confirm_p <= self.confirm_alpha
    }

    /// Most probable share of clean runs with at least one false alarm, over `cells` cells: a bound, from 0 to 1.
    pub fn family_bound(&self, cells: u32) -> f64 {
        (f64::from(cells) * self.screen_alpha * self.confirm_alpha).min(1.0)
    }
}

/// A bet on the signs of the differences that may be looked at after every pair and stopped at any time (Shafer, 2021;
/// Ramdas et al., 2023): against fair coins its expected wealth stays 1, so that the chance of ever reaching
/// `1 / alpha` is at most `alpha`.
#[derive(Clone, PartialEq, Debug)]
pub struct SignBet {
    wealth: [f64; STAKES.len()],
}

/// Shares of the wealth that are put on "greater" again and again; the wealth is their mean.
const STAKES: [f64; 5] = [0.25, 0.5, 0.75, 0.9, 0.975];

impl Default for SignBet {
    fn default() -> Self {
        Self { wealth: [1.0; STAKES.len()] }
    }
}

impl SignBet {
    /// One more pair, and the wealth after it. A difference of zero, or one that is not a number, changes nothing.
    pub fn add(&mut self, difference: f64) -> f64 {
        let sign = if difference > 0.0 { 1.0 } else { -1.0 };
        if difference != 0.0 && !difference.is_nan() {
            for (wealth, stake) in self.wealth.iter_mut().zip(STAKES) {
                *wealth *= 1.0 + stake * sign;
            }
        }
        self.wealth()
    }

    /// Wealth so far; 1 at the start.
    pub fn wealth(&self) -> f64 {
        self.wealth.iter().sum::<f64>() / STAKES.len() as f64
    }

    /// A p value that holds at whatever moment one stops.
    pub fn p_any_time(&self) -> f64 {
        (1.0 / self.wealth()).min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::signed_rank;
    use rand::{RngExt, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    #[test]
    fn one_look_spends_everything() {
        for spending in [Spending::Pocock, Spending::OBrienFleming] {
            let looks = Looks::plan(&[30], 0.05, spending).expect("a plan");
            assert!((looks.levels[0] - 0.05).abs() < 1e-6, "{looks:?}");
        }
    }

    /// Lan and DeMets (1983), table 1, and the R package ldbounds: five even looks, one-sided 0.025.
    #[test]
    fn bounds_are_those_of_the_tables() {
        let z = |looks: &Looks| -> Vec<f64> {
            looks.levels.iter().map(|level| Normal::standard().inverse_cdf(1.0 - level)).collect()
        };
        let looks = Looks::plan(&[1, 2, 3, 4, 5], 0.025, Spending::OBrienFleming).expect("a plan");
        for (found, table) in z(&looks).iter().zip([4.8769, 3.3569, 2.6803, 2.2898, 2.0310]) {
            assert!((found - table).abs() < 0.004, "{:?}", z(&looks));
        }
        let looks = Looks::plan(&[1, 2, 3, 4, 5], 0.025, Spending::Pocock).expect("a plan");
        for (found, table) in z(&looks).iter().zip([2.4380, 2.4268, 2.4101, 2.3966, 2.3859]) {
            assert!((found - table).abs() < 0.004, "{:?}", z(&looks));
        }
    }

    #[test]
    fn plans_without_sense_are_refused() {
        for (pairs, alpha) in
            [(&[][..], 0.05), (&[0, 3], 0.05), (&[5, 5], 0.05), (&[5], 0.0), (&[5], 1.0), (&[5], f64::NAN)]
        {
            assert_eq!(Looks::plan(pairs, alpha, Spending::Pocock), None, "{pairs:?} {alpha}");
        }
        let looks = Looks::plan(&[10, 20], 0.05, Spending::Pocock).expect("a plan");
        assert_eq!(looks.is_enough(15, 0.0), None);
        assert_eq!(looks.is_enough(20, 0.001), Some(true));
        assert_eq!(looks.is_enough(10, 0.2), Some(false));
    }

    fn coin(random: &mut Xoshiro256PlusPlus) -> f64 {
        let size = 1.0 / (random.random::<f64>() + 0.02);
        if random.random::<bool>() { size } else { -size }
    }

    #[test]
    fn looking_often_stays_within_the_level() {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(31);
        let looks = Looks::plan(&[6, 10, 15, 20, 30], 0.05, Spending::Pocock).expect("a plan");
        let (runs, mut alarms) = (2000u32, 0u32);
        for _ in 0..runs {
            let differences: Vec<f64> = (0..30).map(|_| coin(&mut random)).collect();
            let fires = |pairs: &u32| {
                let p = signed_rank::test(&differences[..*pairs as usize]).expect("a test").p_greater;
                looks.is_enough(*pairs, p) == Some(true)
            };
            alarms += u32::from(looks.pairs.iter().any(fires));
        }
        let rate = f64::from(alarms) / f64::from(runs);
        assert!((0.02..=0.06).contains(&rate), "{rate}");
    }

    #[test]
    fn a_bet_watched_for_ever_stays_within_the_level() {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(32);
        let (runs, mut alarms) = (4000u32, 0u32);
        for _ in 0..runs {
            let mut bet = SignBet::default();
            alarms += u32::from((0..200).any(|_| bet.add(coin(&mut random)) >= 20.0));
        }
        assert!(f64::from(alarms) / f64::from(runs) <= 0.05, "{alarms}");
    }

    #[test]
    fn six_pairs_that_agree_win_a_bet() {
        let mut bet = SignBet::default();
        let wins = (1..=20).find(|_| bet.add(1.0) >= 20.0);
        assert_eq!(wins, Some(6));
        assert!(bet.p_any_time() < 0.05);
        assert_eq!(SignBet::default().add(0.0), 1.0);
        assert_eq!(SignBet::default().add(f64::NAN), 1.0);
    }

    #[test]
    fn screen_and_confirm_must_agree() {
        let plan = ScreenConfirm::default();
        assert!(plan.is_proven(0.05, 0.004) && !plan.is_proven(0.2, 0.0) && !plan.is_proven(0.01, 0.006));
        assert!((plan.family_bound(24) - 0.012).abs() < 1e-12);
    }
}
