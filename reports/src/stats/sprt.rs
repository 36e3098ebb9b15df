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

    /// A p value against "no drop" that holds at whatever flip one stops (Ville, 1939): from 0 to 1.
    pub fn p_any_time(&self) -> f64 {
        (-self.evidence).exp().min(1.0)
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

/// The test over examples instead of flips, for when nobody knows beforehand how many flip: the share is learnt from the
/// examples already seen. How many of those flipped says nothing about which way the next one flips, so that the level
/// of a false alarm holds whatever the share turns out to be; that of overlooking holds once the share is learnt.
///
/// The first decision stays: what comes after it changes nothing.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct FlipWatch {
    drop: f64,
    levels: (f64, f64),
    test: Sprt,
    seen: u64,
    flips: u64,
}

/// A drop is a smaller share than that of the flips: with few flips seen, these are taken to be so many drops at least.
const LEAST_FLIPS: f64 = 2.0;

impl FlipWatch {
    /// Against a drop of the share `drop` (0 to 1/2) with the error levels of [`Sprt::new`]. None where there is no
    /// such test.
    pub fn new(drop: f64, alpha: f64, beta: f64) -> Option<Self> {
        let test = Sprt::new(drop, (LEAST_FLIPS * drop).min(1.0), alpha, beta)?;
        Some(Self { drop, levels: (alpha, beta), test, seen: 0, flips: 0 })
    }

    /// One example: whether the reference and the candidate got it right.
    pub fn add(&mut self, reference: bool, candidate: bool) -> Decision {
        if self.decision() == Decision::GoOn {
            if reference != candidate {
                self.learn();
                self.test.add(reference);
                self.flips += 1;
            }
            self.seen += 1;
        }
        self.decision()
    }

    /// What the examples so far say.
    pub fn decision(&self) -> Decision {
        self.test.decision()
    }

    /// As [`Sprt::p_any_time`].
    pub fn p_any_time(&self) -> f64 {
        self.test.p_any_time()
    }

    /// The weights of the next flip, from the examples before it.
    fn learn(&mut self) {
        let share = (self.flips as f64 + 1.0) / (self.seen as f64 + 2.0);
        let share = share.clamp((LEAST_FLIPS * self.drop).min(1.0), 1.0);
        if let Some(test) = Sprt::new(self.drop, share, self.levels.0, self.levels.1) {
            self.test = Sprt { evidence: self.test.evidence, ..test };
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

    /// As [`simulate`], without being told how many flip.
    fn watch(drop: f64, flips: f64, seed: u64) -> (f64, f64) {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let (runs, examples) = (400u32, 50_000u32);
        let (mut drops, mut used) = (0u32, 0u64);
        let lost_share = flips / 2.0 + drop / 2.0;
        for _ in 0..runs {
            let mut test = FlipWatch::new(0.005, 0.05, 0.10).expect("a test");
            let decided = (1..=examples).find(|_| {
                let drawn: f64 = random.random();
                test.add(drawn < lost_share || drawn > flips, drawn >= lost_share) != Decision::GoOn
            });
            used += u64::from(decided.unwrap_or(examples));
            drops += u32::from(test.decision() == Decision::Drop);
        }
        let runs = f64::from(runs);
        (f64::from(drops) / runs, used as f64 / runs / f64::from(examples))
    }

    #[test]
    fn learns_how_many_flip_and_errs_no_more() {
        for (flips, seed) in [(0.01, 11), (0.04, 12), (0.15, 13)] {
            let (false_alarms, _) = watch(0.0, flips, seed);
            // Three standard errors of 400 repetitions.
            assert!(false_alarms <= 0.05 + 0.033, "{flips}: {false_alarms}");
            let (found, _) = watch(0.005, flips, seed + 10);
            // So many examples do not always decide where so many flip that half a point drowns in them.
            assert!(found >= if flips > 0.1 { 0.70 } else { 0.84 }, "{flips}: {found}");
        }
        // S6: at most 15 % of 50,000 examples where nothing changed.
        let (_, share) = watch(0.0, 0.04, 31);
        assert!(share <= 0.15, "{share}");
    }

    #[test]
    fn a_decision_stays_and_equal_answers_decide_nothing() {
        let mut watch = FlipWatch::new(0.01, 0.05, 0.1).expect("a test");
        assert!((0..5000).all(|at| watch.add(at % 3 > 0, at % 3 > 0) == Decision::GoOn));
        assert_eq!(watch.p_any_time(), 1.0);
        while watch.add(true, false) == Decision::GoOn {}
        assert!(watch.p_any_time() <= 0.05 / 0.9 + 1e-12);
        assert!((0..500).all(|_| watch.add(false, true) == Decision::Drop));
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
