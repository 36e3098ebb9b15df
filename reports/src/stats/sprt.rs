//! Wald's sequential probability ratio test on answers that flip (Wald, 1945): an evaluation may stop as soon as the
//! flips seen so far decide between "no drop" and "a drop of this size".
//!
//! Only examples that one network got right and the other wrong carry evidence; each is a coin, fair if nothing
//! changed. Knows counts only.

/// What the flips so far say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decision {
    /// Neither is shown yet.
    GoOn,
    /// No drop, at the level `beta` of overlooking one.
    NoDrop,
    /// A drop, at the level `alpha` of a false alarm.
    Drop,
}

/// A test that is fed one flip after another.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Sprt {
    lost: f64,
    won: f64,
    accept: f64,
    reject: f64,
    evidence: f64,
}

impl Sprt {
    /// Against a drop of the share `drop` when the share `discordant` of all examples flips; error levels `alpha`
    /// (false alarm) and `beta` (overlooked). None where a drop is not possible with so few flips or a level is not
    /// between 0 and 1/2.
    pub fn new(drop: f64, discordant: f64, alpha: f64, beta: f64) -> Option<Self> {
        let level = |level: f64| level > 0.0 && level < 0.5;
        let usable = drop > 0.0 && drop < discordant && discordant <= 1.0 && level(alpha) && level(beta);
        let lost = 0.5 + drop / (2.0 * discordant);
        usable.then(|| Self {
            lost: (2.0 * lost).ln(),
            won: (2.0 * (1.0 - lost)).ln(),
            accept: (beta / (1.0 - alpha)).ln(),
            reject: ((1.0 - beta) / alpha).ln(),
            evidence: 0.0,
        })
    }

    /// One flip: whether the candidate lost the answer (or won it).
    pub fn add(&mut self, is_lost: bool) -> Decision {
        self.evidence += if is_lost { self.lost } else { self.won };
        self.decision()
    }

    /// What the flips so far say.
    pub fn decision(&self) -> Decision {
        if self.evidence >= self.reject {
            Decision::Drop
        } else if self.evidence <= self.accept {
            Decision::NoDrop
        } else {
            Decision::GoOn
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    /// 50,000 examples of which 4 % flip, against a drop of half a point: how often which decision, and after which
    /// share of the examples.
    fn simulate(drop: f64, seed: u64) -> (f64, f64) {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let (runs, examples) = (400u32, 50_000u32);
        let (mut drops, mut used) = (0u32, 0u64);
        let lost_share = 0.02 + drop / 2.0;
        for _ in 0..runs {
            let mut test = Sprt::new(0.005, 0.04, 0.05, 0.10).expect("a test");
            let decided = (1..=examples).find(|_| {
                let drawn: f64 = random.random();
                drawn < 0.04 && test.add(drawn < lost_share) != Decision::GoOn
            });
            used += u64::from(decided.unwrap_or(examples));
            drops += u32::from(test.decision() == Decision::Drop);
        }
        let runs = f64::from(runs);
        (f64::from(drops) / runs, used as f64 / runs / f64::from(examples))
    }

    #[test]
    fn decides_early_and_errs_no_more_than_it_says() {
        let (false_alarms, share) = simulate(0.0, 1);
        assert!(false_alarms <= 0.075 && share <= 0.15, "{false_alarms} {share}");
        let (found, share) = simulate(0.005, 2);
        assert!(found >= 0.86 && share <= 0.19, "{found} {share}");
        let (found, share) = simulate(0.01, 3);
        assert!(found >= 0.99 && share <= 0.08, "{found} {share}");
    }

    #[test]
    fn impossible_questions_are_refused() {
        for (drop, discordant, alpha) in
            [(0.0, 0.04, 0.05), (0.05, 0.04, 0.05), (0.01, 0.04, 0.6), (0.01, 2.0, 0.05)]
        {
            assert_eq!(Sprt::new(drop, discordant, alpha, 0.1), None);
        }
    }
}
