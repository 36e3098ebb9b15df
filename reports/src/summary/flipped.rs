//! The very examples that a variant answers otherwise than its reference, gathered over variants and devices: one that
//! several get wrong is listed once.

use super::reference_of;
use crate::beside::ExampleId;
use crate::record::{Cell, CellRecord, PredictionRecord, RunRecord};

/// An example with everybody who changed its answer.
#[derive(Clone, PartialEq, Debug)]
pub struct FlippedExample {
    /// Name of the model.
    pub model: String,
    /// Which example.
    pub id: ExampleId,
    /// Its place in the tensor pack, from 0.
    pub position: u32,
    /// The right class.
    pub label: u32,
    /// Name of the reference.
    pub reference: String,
    /// What the reference answers: class and score.
    pub before: Option<(u32, f32)>,
    /// Who answers what instead, in the order of the plan.
    pub after: Vec<(Cell, Option<(u32, f32)>)>,
}

impl FlippedExample {
    /// How many lose an answer that the reference has right.
    pub fn lost(&self) -> usize {
        let right = |answer: &Option<(u32, f32)>| answer.is_some_and(|(class, _)| class == self.label);
        if right(&self.before) { self.after.iter().filter(|(_, answer)| !right(answer)).count() } else { 0 }
    }
}

/// Every example that some cell answers otherwise than its reference, those first that most lose.
pub fn flipped_examples(run: &RunRecord) -> Vec<FlippedExample> {
    let mut found: Vec<FlippedExample> = Vec::new();
    let mut places = std::collections::BTreeMap::new();
    for record in &run.cells {
        let Some(reference) = reference_of(run, &record.cell).filter(|one| !std::ptr::eq(*one, record))
        else {
            continue;
        };
        for (position, before, after) in changed(record, reference) {
            let pack_digest =
                record.evaluation.as_ref().map(|one| one.pack_digest.clone()).unwrap_or_default();
            let id = ExampleId { pack_digest, example: after.example };
            // The reference of another device or runtime may have answered otherwise: that is another line.
            let key = (record.cell.model.clone(), id.clone(), before.predicted());
            let place = *places.entry(key).or_insert_with(|| {
                found.push(FlippedExample {
                    model: record.cell.model.clone(),
                    id,
                    position,
                    label: after.label,
                    reference: reference.cell.variant.clone(),
                    before: before.top.first().copied(),
                    after: Vec::new(),
                });
                found.len() - 1
            });
            if let Some(example) = found.get_mut(place) {
                example.after.push((record.cell.clone(), after.top.first().copied()));
            }
        }
    }
    found.sort_by_key(|one| std::cmp::Reverse(one.lost()));
    found
}

/// The changed answers with their places in the pack. None where the two did not see the same bytes.
fn changed<'a>(
    record: &'a CellRecord,
    reference: &'a CellRecord,
) -> Vec<(u32, &'a PredictionRecord, &'a PredictionRecord)> {
    let (Some(own), Some(other)) = (&record.evaluation, &reference.evaluation) else { return Vec::new() };
    if own.pack_digest != other.pack_digest {
        return Vec::new();
    }
    // Both are in the order of the pack.
    let pairs = (0u32..).zip(other.predictions.iter().zip(&own.predictions));
    pairs
        .filter(|(_, (before, after))| {
            before.example == after.example && before.predicted() != after.predicted()
        })
        .map(|(position, (before, after))| (position, before, after))
        .collect()
}
