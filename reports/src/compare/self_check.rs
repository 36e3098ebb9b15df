//! What pairs of the same with the same say of a device: how often its comparisons cry wolf, and how small a change
//! they can show.

use std::fmt::Write as _;

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::{CellPairs, Pair, log_ratios, p_slower};
use crate::stats::quantile::{quantile, sorted};
use crate::stats::signed_rank::signed_rank;

/// Comparisons that are drawn from the pairs.
const DRAWS: u32 = 2000;

/// Pairs of a comparison that the resolution is told for.
const COMPARISON_PAIRS: usize = 30;

/// Level of a comparison, and how often a change shall be found that can be resolved.
const ALPHA: f64 = 0.05;
const POWER: f64 = 0.80;

/// What was found about one cell.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct SelfCheck {
    /// Pairs it rests on.
    pub pairs: usize,
    /// One-sided p of all pairs against "no difference": small only by chance, or because the order of the arms
    /// matters.
    pub p: f64,
    /// Share of alarms at 5 % in comparisons drawn from the pairs, each pair with a fresh coin.
    pub false_alarms: f64,
    /// Difference that was found between the same and the same, as a share.
    pub difference: f64,
    /// Smallest slowdown, as a share, that 30 pairs find four times out of five at 5 %.
    pub resolution: f64,
}

/// From the pairs of one cell; none of fewer than five.
pub fn resolution(pairs: &[Pair]) -> Option<SelfCheck> {
    let ratios = log_ratios(pairs);
    if ratios.len() < super::PAIRS_NEEDED {
        return None;
    }
    let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
    let mut alarms = 0;
    let mut estimates = Vec::with_capacity(DRAWS as usize);
    for draw in 0..DRAWS {
        let drawn = drawn(pairs, &mut random);
        alarms += u32::from(p_slower(&drawn).is_some_and(|p| p <= ALPHA));
        // The estimate is dearer than the test, and its spread needs fewer draws.
        if draw % 8 == 0 {
            estimates.extend(signed_rank(&log_ratios(&drawn), 0.9).map(|shift| shift.estimate.abs()));
        }
    }
    // The absolute estimate is below this nine times of ten, the estimate itself 19 times of 20.
    let reach = quantile(&sorted(estimates), 1.0 - 2.0 * ALPHA)?;
    // For a normal estimate: (z of 95 % + z of 80 %) / z of 95 %.
    const FOR_POWER: f64 = (1.6449 + 0.8416) / 1.6449;
    Some(SelfCheck {
        pairs: pairs.len(),
        p: p_slower(pairs)?,
        false_alarms: f64::from(alarms) / f64::from(DRAWS),
        difference: signed_rank(&ratios, 0.9)?.estimate.exp() - 1.0,
        resolution: (reach * FOR_POWER).exp() - 1.0,
    })
}

/// As many pairs as a comparison has, any of them, each with its arms in an order drawn anew.
fn drawn(pairs: &[Pair], random: &mut Xoshiro256PlusPlus) -> Vec<Pair> {
    let one = |_| {
        let pair = pairs[random.random_range(0..pairs.len() as u64) as usize];
        let swapped = Pair { base_nanos: pair.head_nanos, head_nanos: pair.base_nanos, ..pair };
        if random.random_bool(0.5) { pair } else { swapped }
    };
    (0..COMPARISON_PAIRS).map(one).collect()
}

/// A table for the terminal with what it means.
pub fn self_check_text(checks: &[(&CellPairs, SelfCheck)]) -> String {
    let mut text = format!(
        "the same agent against itself; {COMPARISON_PAIRS} pairs find a slowdown of the last column in {:.0} % of cases\n\n",
        POWER * 100.0
    );
    for (cell, check) in checks {
        let cell = &cell.cell;
        let _ = writeln!(
            text,
            "{:<44} {:>4} pairs  difference {:+.2} %  false alarms {:.1} %  resolution {:.1} %",
            format!("{} {} {} x{}", cell.device, cell.model, cell.variant, cell.threads),
            check.pairs,
            check.difference * 100.0,
            check.false_alarms * 100.0,
            check.resolution * 100.0
        );
    }
    let alarms = checks.iter().filter(|(_, check)| check.p <= ALPHA).count();
    let _ = writeln!(
        text,
        "\n{alarms} of {} cells differ from themselves at {:.0} %; by chance {:.1} would",
        checks.len(),
        ALPHA * 100.0,
        ALPHA * checks.len() as f64
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_decides_the_resolution() {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(3);
        let mut with = |noise: f64| -> Vec<Pair> {
            let mut one = || 1.0 + noise * (random.random::<f64>() - 0.5);
            (0..60).map(|_| Pair { base_nanos: one(), head_nanos: one(), spread: noise / 3.0 }).collect()
        };
        let (quiet, loud) = (resolution(&with(0.02)).expect("pairs"), resolution(&with(0.4)).expect("pairs"));
        assert!(quiet.resolution < 0.01 && loud.resolution > 0.03, "{quiet:?} {loud:?}");
        for check in [quiet, loud] {
            assert!((0.02..0.07).contains(&check.false_alarms), "{check:?}");
        }
        assert_eq!(resolution(&[]), None);
    }
}
