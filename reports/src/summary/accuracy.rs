//! Accuracy figures of a cell: top-1, top-5, and the answers that differ from the reference's.

use std::collections::BTreeMap;

use crate::record::{EvaluationRecord, PredictionRecord};
use crate::stats::paired::Flips;
use crate::stats::proportion::Proportion;

/// Top-5 says nothing when there are no more classes than that.
const TOP: usize = 5;

/// On one split of one data set.
#[derive(Clone, PartialEq, Debug)]
pub struct Accuracy {
    /// Name of the data set.
    pub dataset: String,
    /// Name of the split.
    pub split: String,
    /// Examples whose best answer is right.
    pub top1: Proportion,
    /// Examples with the right class among the five best; none with five classes or fewer, or shorter lists.
    pub top5: Option<Proportion>,
    /// Against the reference on the same examples; none for the reference itself.
    pub flips: Option<Flips>,
    /// Examples whose answers hold a score that is not a number.
    pub not_a_number: u64,
    /// The one class that was answered to every example, though examples have several classes.
    pub only_answer: Option<u32>,
}

/// None without examples.
pub fn accuracy(evaluation: &EvaluationRecord, reference: Option<&EvaluationRecord>) -> Option<Accuracy> {
    let predictions = &evaluation.predictions;
    let total = predictions.len() as u64;
    let count =
        |wanted: fn(&PredictionRecord) -> bool| predictions.iter().filter(|one| wanted(one)).count() as u64;
    Some(Accuracy {
        dataset: evaluation.dataset.clone(),
        split: evaluation.split.clone(),
        top1: Proportion::new(count(PredictionRecord::is_right), total)?,
        top5: top5(predictions),
        flips: reference.and_then(|reference| flips(evaluation, reference)),
        not_a_number: count(|one| one.top.iter().any(|(_, score)| score.is_nan())),
        only_answer: only_answer(predictions),
    })
}

fn top5(predictions: &[PredictionRecord]) -> Option<Proportion> {
    let classes =
        predictions.iter().flat_map(|one| one.top.iter().map(|(class, _)| *class).chain([one.label]));
    let more_classes = classes.max()? as usize >= TOP;
    let long_enough = predictions.iter().all(|one| one.top.len() >= TOP);
    let among = |one: &&PredictionRecord| one.top.iter().take(TOP).any(|(class, _)| *class == one.label);
    let right = predictions.iter().filter(among).count() as u64;
    (more_classes && long_enough).then(|| Proportion::new(right, predictions.len() as u64)).flatten()
}

/// None where the two did not see the same bytes, or no example is shared.
fn flips(candidate: &EvaluationRecord, reference: &EvaluationRecord) -> Option<Flips> {
    let same_bytes = candidate.pack_digest == reference.pack_digest;
    let by_example: BTreeMap<u32, &PredictionRecord> =
        reference.predictions.iter().map(|one| (one.example, one)).collect();
    let mut flips = Flips::default();
    for one in &candidate.predictions {
        if let Some(other) = by_example.get(&one.example) {
            flips.add(other.is_right(), one.is_right(), other.predicted() == one.predicted());
        }
    }
    (same_bytes && flips.compared > 0).then_some(flips)
}

fn only_answer(predictions: &[PredictionRecord]) -> Option<u32> {
    let first = predictions.first()?;
    let answer = first.predicted()?;
    let always = predictions.iter().all(|one| one.predicted() == Some(answer));
    let several = predictions.iter().any(|one| one.label != first.label);
    (always && several).then_some(answer)
}
