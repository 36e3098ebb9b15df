//! A drop in accuracy between two networks that answered the same examples: how surely it is one, how large it may be
//! in the population that the examples stand for, and the smallest one that so many examples can show at all.
//!
//! On the very examples the drop is a count and exact. Everything here speaks about other examples of the same kind.
//! Drops are shares from -1 to 1, positive meaning worse. Knows counts only.

use statrs::distribution::{Binomial, ContinuousCDF, Discrete, DiscreteCDF, Normal};

use super::Interval;
use super::paired::Flips;

/// Power at which "can show" is meant: found four times of five.
pub const POWER: f64 = 0.8;

/// McNemar's one-sided mid-p against "the candidate is not worse" (Fagerland, Lydersen and Laake, 2013): from 0 to 1.
pub fn mid_p_worse(flips: &Flips) -> f64 {
    upper_mid_p(flips.right_to_wrong, flips.wrong_to_right)
}

/// As [`mid_p_worse`], against "the candidate is not better".
pub fn mid_p_better(flips: &Flips) -> f64 {
    upper_mid_p(flips.wrong_to_right, flips.right_to_wrong)
}

fn upper_mid_p(towards: u64, away: u64) -> f64 {
    let discordant = towards + away;
    match Binomial::new(0.5, discordant) {
        Ok(binomial) if discordant > 0 => {
            // P(X >= towards) - P(X = towards) / 2, by symmetry of a fair coin.
            (binomial.cdf(discordant - towards) - binomial.pmf(towards) / 2.0).clamp(0.0, 1.0)
        }
        // Nothing flipped: no evidence either way.
        _ => 0.5,
    }
}

/// Tango's score interval of the drop (Tango, 1998; recommended by Fagerland, Lydersen and Laake, 2014). Holds with
/// few flips and with none, where the textbook's interval has no width. None if nothing was compared.
pub fn interval(flips: &Flips, confidence: f64) -> Option<Interval> {
    if flips.compared == 0 || !(confidence > 0.0 && confidence < 1.0) {
        return None;
    }
    let z = Normal::standard().inverse_cdf(f64::midpoint(1.0, confidence));
    let lower = crossing(flips, z);
    let upper = crossing(flips, -z);
    Some(Interval { lower, upper, confidence })
}

/// The drop at which the score statistic, which falls as the drop grows, has this value.
fn crossing(flips: &Flips, wanted: f64) -> f64 {
    let (mut low, mut high) = (-1.0, 1.0);
    for _ in 0..80 {
        let middle = f64::midpoint(low, high);
        if score(flips, middle) > wanted { low = middle } else { high = middle }
    }
    f64::midpoint(low, high)
}

/// Tango's statistic for a hypothetical drop: standard normal if the drop is the true one.
fn score(flips: &Flips, drop: f64) -> f64 {
    let n = flips.compared as f64;
    let (lost, won) = (flips.right_to_wrong as f64, flips.wrong_to_right as f64);
    let surplus = lost - won - n * drop;
    // Most likely share of won answers among all, given the drop: the root of a quadratic equation.
    let (a, b, c) = (2.0 * n, (2.0 * n - lost + won) * drop - lost - won, -won * drop * (1.0 - drop));
    let won_share = ((b * b - 4.0 * a * c).max(0.0).sqrt() - b) / (2.0 * a);
    let variance = n * (2.0 * won_share + drop * (1.0 - drop));
    if variance > 0.0 {
        surplus / variance.sqrt()
    } else {
        surplus.signum() * if surplus == 0.0 { 0.0 } else { f64::INFINITY }
    }
}

/// The smallest drop that would be found with [`POWER`] at the one-sided level `alpha` on so many examples, when the
/// share `discordant` of them changes between right and wrong (Connor, 1987). A share from 0 to 1; none where even a
/// drop by every such example would not be found.
pub fn detectable(examples: u64, discordant: f64, alpha: f64) -> Option<f64> {
    let usable = examples > 0 && discordant > 0.0 && discordant <= 1.0 && alpha > 0.0 && alpha < 1.0;
    if !usable || needed(discordant, discordant, alpha, POWER)? > examples as f64 {
        return None;
    }
    let (mut low, mut high) = (0.0, discordant);
    for _ in 0..80 {
        let middle = f64::midpoint(low, high);
        match needed(middle, discordant, alpha, POWER) {
            Some(count) if count <= examples as f64 => high = middle,
            _ => low = middle,
        }
    }
    Some(high)
}

/// Examples it takes to find `drop` with `power` at the one-sided level `alpha`.
fn needed(drop: f64, discordant: f64, alpha: f64, power: f64) -> Option<f64> {
    let normal = Normal::standard();
    let (level, strength) = (normal.inverse_cdf(1.0 - alpha), normal.inverse_cdf(power));
    let spread = (discordant - drop * drop).max(0.0).sqrt();
    let count = (level * discordant.sqrt() + strength * spread) / drop;
    (drop > 0.0 && count.is_finite()).then_some(count * count)
}

/// Examples it takes to show with `power` that the drop is below `margin` when there is none: non-inferiority at the
/// one-sided level `alpha`, with the share `discordant` of the answers changing. None where the question makes none.
pub fn examples_for_margin(margin: f64, discordant: f64, alpha: f64, power: f64) -> Option<u64> {
    let usable = margin > 0.0 && (0.0..=1.0).contains(&discordant);
    let normal = Normal::standard();
    let both = normal.inverse_cdf(1.0 - alpha) + normal.inverse_cdf(power);
    let count = (both * both * discordant / (margin * margin)).ceil();
    (usable && count.is_finite()).then_some(count.max(1.0) as u64)
}

/// The smallest margin below which so many examples can honestly place the drop, with the flips they showed.
pub fn supported_margin(flips: &Flips, alpha: f64) -> Option<f64> {
    // As if the flips had cancelled out: what remains is only the uncertainty.
    let discordant = flips.right_to_wrong + flips.wrong_to_right;
    let even =
        Flips { right_to_wrong: discordant.div_ceil(2), wrong_to_right: discordant.div_ceil(2), ..*flips };
    interval(&even, 1.0 - 2.0 * alpha).map(|interval| interval.upper)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::{RngExt, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    fn flips(compared: u64, right_to_wrong: u64, wrong_to_right: u64) -> Flips {
        Flips { compared, right_to_wrong, wrong_to_right, wrong_to_other_wrong: 0 }
    }

    #[test]
    fn known_intervals() {
        // Fagerland, Lydersen and Laake (2014), airway hyper-responsiveness: 1 and 7 of 21, Tango -0.517 to -0.026.
        let found = interval(&flips(21, 1, 7), 0.95).expect("an interval");
        assert!((found.lower + 0.517).abs() < 6e-4 && (found.upper + 0.026).abs() < 6e-4, "{found:?}");
        // Nothing flipped among n: the statistic's root is z^2 / (n + z^2).
        let found = interval(&flips(360, 0, 0), 0.90).expect("an interval");
        let z = 1.644_853_626_951_472_f64;
        assert!(
            (found.upper - z * z / (360.0 + z * z)).abs() < 1e-9 && (found.lower + found.upper).abs() < 1e-9
        );
        assert_eq!(interval(&flips(0, 0, 0), 0.95), None);
        let all = interval(&flips(10, 10, 0), 0.95).expect("an interval");
        assert!(all.upper >= 0.999 && all.lower > 0.4, "{all:?}");
    }

    #[test]
    fn one_sided_mid_p_is_half_the_two_sided_one() {
        for (lost, won) in [(7, 1), (12, 3), (5, 0)] {
            let found = flips(100, lost, won);
            assert!((2.0 * mid_p_worse(&found) - found.mid_p()).abs() < 1e-12);
            assert!((mid_p_worse(&found) + mid_p_better(&found) - 1.0).abs() < 1e-12);
        }
        assert_eq!(mid_p_worse(&flips(9, 0, 0)), 0.5);
    }

    /// The table of drops that a set can show: 4 % discordant, one-sided 0.05, power 0.8.
    #[test]
    fn detectable_drops_are_those_of_the_tables() {
        for (examples, points) in [(1000, 1.57), (5000, 0.70), (10_000, 0.50), (50_000, 0.22)] {
            let found = detectable(examples, 0.04, 0.05).expect("a drop") * 100.0;
            assert!((found - points).abs() < 0.02, "{examples}: {found}");
        }
        let strict = detectable(50_000, 0.04, 0.001).expect("a drop") * 100.0;
        assert!((strict - 0.35).abs() < 0.01, "{strict}");
        assert_eq!(detectable(10, 0.01, 0.05), None);
        assert_eq!(detectable(0, 0.04, 0.05), None);
    }

    #[test]
    fn margins_cost_examples() {
        for (margin, discordant, examples) in
            [(0.007, 0.01, 1748), (0.007, 0.04, 6991), (0.005, 0.04, 13_703)]
        {
            let found = examples_for_margin(margin, discordant, 0.05, 0.9).expect("a count");
            assert!(found.abs_diff(examples) <= examples / 500, "{margin} {discordant}: {found}");
        }
        assert_eq!(examples_for_margin(0.0, 0.04, 0.05, 0.9), None);
        let supported = supported_margin(&flips(5000, 100, 100), 0.05).expect("a margin");
        assert!((supported - 0.0047).abs() < 0.0002, "{supported}");
    }

    #[test]
    fn intervals_cover_as_often_as_they_say() {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(77);
        let (runs, mut covered) = (2000u32, 0u32);
        for _ in 0..runs {
            let mut found = flips(400, 0, 0);
            for _ in 0..400 {
                let drawn: f64 = random.random();
                found.right_to_wrong += u64::from(drawn < 0.04);
                found.wrong_to_right += u64::from((0.04..0.06).contains(&drawn));
            }
            let interval = interval(&found, 0.95).expect("an interval");
            covered += u32::from(interval.lower <= 0.02 && 0.02 <= interval.upper);
        }
        let coverage = f64::from(covered) / f64::from(runs);
        assert!((0.935..=0.968).contains(&coverage), "{coverage}");
    }

    proptest! {
        #[test]
        fn the_drop_lies_in_its_interval(lost in 0u64..200, won in 0u64..200, more in 0u64..1000) {
            let found = flips(lost + won + more + 1, lost, won);
            let interval = interval(&found, 0.95).expect("an interval");
            let drop = -found.accuracy_change().expect("compared");
            prop_assert!(interval.lower <= drop + 1e-9 && drop <= interval.upper + 1e-9, "{interval:?} {drop}");
            prop_assert!(interval.lower >= -1.0 && interval.upper <= 1.0);
        }
    }
}
