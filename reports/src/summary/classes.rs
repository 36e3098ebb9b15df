//! Which classes a variant lost: a mean can stay while one class falls. Holm's correction over all classes, so that with
//! many of them the unluckiest is not blamed for being unlucky.

use std::collections::BTreeMap;

use crate::record::{EvaluationRecord, PredictionRecord};
use crate::stats::multiplicity::holm;
use crate::stats::paired::Flips;
use crate::stats::paired_drop::mid_p_worse;

/// One class of a data set, by the right answers of its examples.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct ClassDrop {
    /// The class.
    pub class: u32,
    /// Examples of it, and what became of them.
    pub flips: Flips,
    /// Of them, right by the reference.
    pub right_before: u64,
    /// One-sided mid-p that it fell, corrected over all classes of the data set.
    pub corrected_p: f64,
}

impl ClassDrop {
    /// Right by the variant.
    pub fn right_after(&self) -> u64 {
        (self.right_before + self.flips.wrong_to_right).saturating_sub(self.flips.right_to_wrong)
    }
}

/// The classes whose answers changed, the surest loss first. Empty where the two did not see the same bytes.
pub fn class_drops(candidate: &EvaluationRecord, reference: &EvaluationRecord) -> Vec<ClassDrop> {
    if candidate.pack_digest != reference.pack_digest {
        return Vec::new();
    }
    let by_example: BTreeMap<u32, &PredictionRecord> =
        reference.predictions.iter().map(|one| (one.example, one)).collect();
    let mut classes: BTreeMap<u32, (Flips, u64)> = BTreeMap::new();
    for one in &candidate.predictions {
        if let Some(before) = by_example.get(&one.example) {
            let (flips, right) = classes.entry(one.label).or_default();
            flips.add(before.is_right(), one.is_right(), before.predicted() == one.predicted());
            *right += u64::from(before.is_right());
        }
    }
    let corrected = holm(&classes.values().map(|(flips, _)| mid_p_worse(flips)).collect::<Vec<_>>());
    let mut drops: Vec<ClassDrop> = classes
        .into_iter()
        .zip(corrected)
        .map(|((class, (flips, right_before)), corrected_p)| ClassDrop {
            class,
            flips,
            right_before,
            corrected_p,
        })
        .filter(|drop| drop.flips.changed() > 0)
        .collect();
    let net = |drop: &ClassDrop| drop.flips.wrong_to_right as i64 - drop.flips.right_to_wrong as i64;
    drops.sort_by(|one, other| one.corrected_p.total_cmp(&other.corrected_p).then(net(one).cmp(&net(other))));
    drops
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evaluation(answers: impl Iterator<Item = (u32, u32)>) -> EvaluationRecord {
        let prediction = |(example, (label, answer)): (u32, (u32, u32))| PredictionRecord {
            example,
            label,
            top: vec![(answer, 1.0)],
        };
        EvaluationRecord {
            dataset: "d".to_owned(),
            split: "s".to_owned(),
            pack_digest: "p".to_owned(),
            predictions: (0..).zip(answers).map(prediction).collect(),
        }
    }

    #[test]
    fn the_class_that_fell_is_first_and_one_flip_is_no_loss() {
        let before = evaluation((0..200).map(|at| (at % 10, at % 10)));
        // Class 3 loses 12 of its 20, class 7 one.
        let fell = |at: u32| (at % 10 == 3 && at < 120) || at == 7;
        let after = evaluation((0..200).map(|at| (at % 10, if fell(at) { 99 } else { at % 10 })));
        let drops = class_drops(&after, &before);
        assert_eq!(drops.iter().map(|drop| drop.class).collect::<Vec<_>>(), [3, 7]);
        assert_eq!((drops[0].right_before, drops[0].right_after()), (20, 8));
        assert!(drops[0].corrected_p < 0.01 && drops[1].corrected_p > 0.5, "{drops:?}");
    }

    #[test]
    fn other_bytes_are_not_compared() {
        let before = evaluation((0..4).map(|at| (at, at)));
        let after = EvaluationRecord { pack_digest: "q".to_owned(), ..evaluation((0..4).map(|at| (at, 9))) };
        assert_eq!(class_drops(&after, &before), []);
    }
}
