//! Two networks on the same examples: which answers changed, and whether that says something about other examples.

use statrs::distribution::{Binomial, Discrete, DiscreteCDF};

/// Answers that differ between a reference and a candidate on the same examples.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Flips {
    /// Examples that both answered.
    pub compared: u64,
    /// Right by the reference, wrong by the candidate.
    pub right_to_wrong: u64,
    /// Wrong by the reference, right by the candidate.
    pub wrong_to_right: u64,
    /// Wrong by both, with different answers.
    pub wrong_to_other_wrong: u64,
}

impl Flips {
    /// Counts one example.
    pub fn add(&mut self, reference_is_right: bool, candidate_is_right: bool, same_answer: bool) {
        self.compared += 1;
        match (reference_is_right, candidate_is_right) {
            (true, false) => self.right_to_wrong += 1,
            (false, true) => self.wrong_to_right += 1,
            (false, false) if !same_answer => self.wrong_to_other_wrong += 1,
            _ => {}
        }
    }

    /// Examples with another answer than the reference gave.
    pub fn changed(&self) -> u64 {
        self.right_to_wrong + self.wrong_to_right + self.wrong_to_other_wrong
    }

    /// Change of the share of right answers, from -1 to 1; exact on this very set. None if nothing was compared.
    pub fn accuracy_change(&self) -> Option<f64> {
        let change = self.wrong_to_right as f64 - self.right_to_wrong as f64;
        (self.compared > 0).then(|| change / self.compared as f64)
    }

    /// McNemar's mid-p value, two-sided: how surprising so lopsided flips would be if neither network were better on
    /// the population that the set stands for (Fagerland, Lydersen and Laake, 2013). From 0 to 1.
    pub fn mid_p(&self) -> f64 {
        let discordant = self.right_to_wrong + self.wrong_to_right;
        let fewer = self.right_to_wrong.min(self.wrong_to_right);
        match Binomial::new(0.5, discordant) {
            Ok(binomial) if discordant > 0 => {
                (2.0 * binomial.cdf(fewer) - binomial.pmf(fewer)).clamp(0.0, 1.0)
            }
            _ => 1.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::{RngExt, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    fn flips(right_to_wrong: u64, wrong_to_right: u64) -> Flips {
        Flips { compared: 1000, right_to_wrong, wrong_to_right, wrong_to_other_wrong: 0 }
    }

    #[test]
    fn known_mid_p_values() {
        // Fagerland et al. (2013), airway hyper-responsiveness before and after transplantation: 1 and 7, 0.039.
        assert!((flips(1, 7).mid_p() - 0.0391).abs() < 5e-5);
        // By hand: 0 of 5 is 2/32 - 1/32; equal counts say nothing.
        assert!((flips(0, 5).mid_p() - 0.03125).abs() < 1e-12);
        assert!((flips(4, 4).mid_p() - 1.0).abs() < 1e-12);
        assert_eq!(flips(0, 0).mid_p(), 1.0);
    }

    #[test]
    fn counts_every_kind_of_change() {
        let mut flips = Flips::default();
        for (reference, candidate, same) in [
            (true, true, true),
            (true, false, false),
            (false, true, false),
            (false, false, false),
            (false, false, true),
        ] {
            flips.add(reference, candidate, same);
        }
        let expected = Flips { compared: 5, right_to_wrong: 1, wrong_to_right: 1, wrong_to_other_wrong: 1 };
        assert_eq!(flips, expected);
        assert_eq!(flips.changed(), 3);
        assert_eq!(flips.accuracy_change(), Some(0.0));
        assert_eq!(Flips::default().accuracy_change(), None);
    }

    #[test]
    fn cries_wolf_no_more_often_than_the_level() {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(42);
        let (runs, mut alarms) = (4000u32, 0u32);
        for _ in 0..runs {
            let mut found = flips(0, 0);
            for _ in 0..40 {
                if random.random::<bool>() { found.right_to_wrong += 1 } else { found.wrong_to_right += 1 }
            }
            alarms += u32::from(found.mid_p() < 0.05);
        }
        let rate = f64::from(alarms) / f64::from(runs);
        assert!((0.025..0.058).contains(&rate), "{rate}");
    }

    proptest! {
        #[test]
        fn does_not_care_which_is_called_the_reference(a in 0u64..300, b in 0u64..300) {
            prop_assert!((flips(a, b).mid_p() - flips(b, a).mid_p()).abs() < 1e-12);
            prop_assert!((0.0..=1.0).contains(&flips(a, b).mid_p()));
        }
    }
}
