//! Verdicts: the words, their order, and the rule that turns evidence into one of three firm answers.
//!
//! Knows numbers and words. Knows no file, no policy text, no exit code; what they mean to a program that called us is
//! the controller's business.

use crate::stats::Interval;
use crate::stats::signed_rank::Shift;

/// What is said about one figure of one cell, or about a whole gate.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Verdict {
    /// Shown to be within its limit.
    Pass,
    /// Shown to be better than before by more than the limit would allow it to be worse.
    Improved,
    /// Measured for the first time: there is nothing to compare it with.
    New,
    /// Worse than its limit, and somebody has taken that upon themselves until a day that has not come.
    Waived,
    /// The measurements can show neither that it is within the limit nor that it is beyond.
    Inconclusive,
    /// Shown to be worse, and by its best estimate beyond the limit.
    Regressed,
    /// Required, and not there.
    Missing,
    /// Measured under conditions that let no figure count.
    Invalid,
}

impl Verdict {
    /// Every verdict, the worst first: the order in which reports list them.
    pub const WORST_FIRST: [Self; 8] = [
        Self::Regressed,
        Self::Missing,
        Self::Invalid,
        Self::Inconclusive,
        Self::Waived,
        Self::Improved,
        Self::New,
        Self::Pass,
    ];

    /// The word that users see.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Improved => "IMPROVED",
            Self::New => "NEW",
            Self::Waived => "WAIVED",
            Self::Inconclusive => "INCONCLUSIVE",
            Self::Regressed => "REGRESSED",
            Self::Missing => "MISSING",
            Self::Invalid => "INVALID",
        }
    }

    /// Whether a gate may let it through.
    pub fn passes(self) -> bool {
        matches!(self, Self::Pass | Self::Improved | Self::New | Self::Waived)
    }

    /// Position in [`Verdict::WORST_FIRST`], from 0.
    pub fn rank(self) -> usize {
        Self::WORST_FIRST.iter().position(|one| *one == self).unwrap_or(0)
    }

    /// The worse of two; a whole is as good as its worst part.
    pub fn worse(self, other: Self) -> Self {
        if self.rank() <= other.rank() { self } else { other }
    }

    /// The verdict on a whole with these parts; none of nothing, because nothing measured is no pass.
    pub fn of_all(parts: impl IntoIterator<Item = Self>) -> Option<Self> {
        parts.into_iter().reduce(Self::worse)
    }
}

/// What is known of a change, in any one unit, positive meaning worse.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Evidence {
    /// Best estimate.
    pub worse_by: f64,
    /// Interval of the estimate; none where the measurements allow none. Equal ends mean an exact figure.
    pub interval: Option<Interval>,
    /// One-sided p against "it is not worse", corrected for the family it belongs to: from 0 to 1.
    pub p_worse: f64,
    /// One-sided p against "it is not better", corrected likewise.
    pub p_better: f64,
}

impl Evidence {
    /// A figure without noise: bytes, counts of an emulator, answers on the very examples of a set.
    pub fn exact(worse_by: f64) -> Self {
        let interval = Interval { lower: worse_by, upper: worse_by, confidence: 1.0 };
        let p = |is: bool| if is { 0.0 } else { 1.0 };
        Self { worse_by, interval: Some(interval), p_worse: p(worse_by > 0.0), p_better: p(worse_by < 0.0) }
    }

    /// From the shift of paired differences, positive meaning worse. The p values are not yet corrected for a family.
    pub fn paired(shift: &Shift) -> Self {
        let (p_worse, p_better) = (shift.test.p_greater, shift.test.p_less);
        Self { worse_by: shift.estimate, interval: shift.interval, p_worse, p_better }
    }
}

/// What a figure may do before it is called worse.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Rule {
    /// How much worse is still accepted, in the unit of the evidence; not negative.
    pub margin: f64,
    /// One-sided level of every firm answer, such as 0.05.
    pub alpha: f64,
}

impl Rule {
    /// The three-way answer.
    ///
    /// Within the limit if the interval says so; beyond it if a change for the worse is proven at the level and its
    /// best estimate lies beyond the limit; otherwise undecided. A change that is proven but by its estimate still
    /// within the limit is never called a regression, and an estimate beyond the limit that is not proven is never
    /// called anything but undecided. Figures that are no numbers decide nothing.
    pub fn judge(self, evidence: &Evidence) -> Verdict {
        self.judge_with_proof(evidence, self.alpha)
    }

    /// As [`Rule::judge`], but a change has to be proven at the level `proof`, which may be sharper than that of
    /// passing: blaming a change wrongly and letting one through wrongly need not cost the same.
    pub fn judge_with_proof(self, evidence: &Evidence, proof: f64) -> Verdict {
        let Some(interval) = evidence.interval else { return self.beyond(evidence, proof) };
        let numbers = [evidence.worse_by, interval.lower, interval.upper, self.margin];
        if numbers.iter().any(|number| !number.is_finite()) {
            return Verdict::Inconclusive;
        }
        if interval.upper <= self.margin && self.is_wide_enough(interval) {
            return self.within(evidence, interval, proof);
        }
        self.beyond(evidence, proof)
    }

    fn within(self, evidence: &Evidence, interval: Interval, proof: f64) -> Verdict {
        let better = interval.upper < 0.0 && evidence.p_better <= proof;
        let much = -evidence.worse_by > self.margin;
        if better && much { Verdict::Improved } else { Verdict::Pass }
    }

    fn beyond(self, evidence: &Evidence, proof: f64) -> Verdict {
        let proven = evidence.p_worse <= proof && evidence.worse_by > self.margin;
        if proven { Verdict::Regressed } else { Verdict::Inconclusive }
    }

    /// An interval that cannot reach the level (too few pairs) shows nothing to be within a limit.
    fn is_wide_enough(self, interval: Interval) -> bool {
        interval.confidence >= 1.0 - 2.0 * self.alpha - 1e-9
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::signed_rank::signed_rank;
    use proptest::prelude::*;

    const RULE: Rule = Rule { margin: 0.03, alpha: 0.05 };

    fn evidence(worse_by: f64, lower: f64, upper: f64, p_worse: f64) -> Evidence {
        let interval = Some(Interval { lower, upper, confidence: 0.9 });
        Evidence { worse_by, interval, p_worse, p_better: 1.0 - p_worse }
    }

    #[test]
    fn three_answers() {
        assert_eq!(RULE.judge(&evidence(0.0, -0.01, 0.01, 0.5)), Verdict::Pass);
        assert_eq!(RULE.judge(&evidence(0.05, 0.03, 0.07, 0.001)), Verdict::Regressed);
        assert_eq!(RULE.judge(&evidence(0.02, -0.02, 0.06, 0.2)), Verdict::Inconclusive);
        // Proven, but within the limit; and beyond the limit, but not proven.
        assert_eq!(RULE.judge(&evidence(0.02, 0.01, 0.04, 0.001)), Verdict::Inconclusive);
        assert_eq!(RULE.judge(&evidence(0.05, -0.01, 0.11, 0.1)), Verdict::Inconclusive);
        assert_eq!(RULE.judge(&evidence(-0.05, -0.06, -0.04, 1.0)), Verdict::Improved);
        assert_eq!(RULE.judge(&evidence(-0.02, -0.03, -0.01, 1.0)), Verdict::Pass);
    }

    #[test]
    fn exact_figures_leave_no_doubt() {
        assert_eq!(RULE.judge(&Evidence::exact(0.0)), Verdict::Pass);
        assert_eq!(RULE.judge(&Evidence::exact(0.03)), Verdict::Pass);
        assert_eq!(RULE.judge(&Evidence::exact(0.030_001)), Verdict::Regressed);
        assert_eq!(RULE.judge(&Evidence::exact(-0.1)), Verdict::Improved);
    }

    /// G7: no samples, one pair, constants, ties: never a firm answer by accident, never a number that is none.
    #[test]
    fn too_little_is_inconclusive() {
        let one = signed_rank(&[0.5], 0.9).expect("a shift");
        assert_eq!(RULE.judge(&Evidence::paired(&one)), Verdict::Inconclusive);
        let three = signed_rank(&[0.0, 0.0, 0.0], 0.9).expect("a shift");
        assert_eq!(RULE.judge(&Evidence::paired(&three)), Verdict::Inconclusive);
        let ten = signed_rank(&[0.0; 10], 0.9).expect("a shift");
        assert_eq!(RULE.judge(&Evidence::paired(&ten)), Verdict::Pass);
        assert_eq!(RULE.judge(&evidence(f64::NAN, f64::NAN, f64::NAN, f64::NAN)), Verdict::Inconclusive);
        assert_eq!(RULE.judge(&evidence(0.0, f64::NEG_INFINITY, 0.0, 0.5)), Verdict::Inconclusive);
    }

    #[test]
    fn a_whole_is_as_good_as_its_worst_part() {
        assert_eq!(Verdict::of_all([]), None);
        assert_eq!(Verdict::of_all([Verdict::Pass, Verdict::New]), Some(Verdict::New));
        assert_eq!(
            Verdict::of_all([Verdict::Pass, Verdict::Regressed, Verdict::Missing]),
            Some(Verdict::Regressed)
        );
        let passing = Verdict::WORST_FIRST.iter().filter(|one| one.passes()).count();
        assert_eq!(passing, 4);
        assert!(!Verdict::Missing.passes() && !Verdict::Invalid.passes());
    }

    proptest! {
        #[test]
        fn a_wider_limit_never_makes_it_worse(
            worse_by in -0.2f64..0.2, half in 0.0f64..0.2, p in 0.0f64..1.0, margin in 0.0f64..0.2, more in 0.0f64..0.2,
        ) {
            let found = evidence(worse_by, worse_by - half, worse_by + half, p);
            let tight = Rule { margin, alpha: 0.05 }.judge(&found);
            let loose = Rule { margin: margin + more, alpha: 0.05 }.judge(&found);
            prop_assert!(!tight.passes() || loose.passes());
            prop_assert!(loose != Verdict::Regressed || tight == Verdict::Regressed);
        }
    }
}
