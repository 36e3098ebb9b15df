//! The very examples whose answer changed: against the baseline, and against the float variant of the same run.

use super::Inputs;
use super::accuracy::{Pair, float_variant, pairs};
use crate::beside::ExampleId;
use crate::record::{Cell, CellRecord};

/// One example that was answered differently.
#[derive(Clone, PartialEq, Debug)]
pub struct Flip {
    /// Whose answer changed.
    pub cell: Cell,
    /// What it is compared with: `baseline`, or the name of the float variant.
    pub against: String,
    /// Which example.
    pub id: ExampleId,
    /// Its place in the tensor pack, from 0.
    pub position: u32,
    /// The right class.
    pub label: u32,
    /// The answer it is compared with.
    pub before: Option<u32>,
    /// The answer.
    pub after: Option<u32>,
}

/// Every example that was answered differently, ordered by cell, side and example. Cells that did not see the same
/// examples as the other side have none here; their checks say why.
pub fn flips(inputs: &Inputs<'_>) -> Vec<Flip> {
    let mut cells: Vec<&CellRecord> = inputs.candidate.cells.iter().collect();
    cells.sort_by(|one, other| one.cell.cmp(&other.cell));
    let mut found = Vec::new();
    for record in cells {
        let before = inputs.baseline.and_then(|run| run.cells.iter().find(|one| one.cell == record.cell));
        found.extend(before.map(|before| between(before, record, "baseline")).unwrap_or_default());
        if let Some(float) = float(inputs, record) {
            found.extend(between(float, record, &float.cell.variant));
        }
    }
    found
}

fn float<'a>(inputs: &Inputs<'a>, record: &CellRecord) -> Option<&'a CellRecord> {
    let variant = float_variant(inputs.candidate, &record.cell.model)?;
    let wanted = Cell { variant: variant.to_owned(), ..record.cell.clone() };
    inputs.candidate.cells.iter().find(|one| one.cell == wanted && one.cell != record.cell)
}

fn between(before: &CellRecord, after: &CellRecord, against: &str) -> Vec<Flip> {
    let both = before.evaluation.as_ref().zip(after.evaluation.as_ref());
    let Some(pairs) = both.and_then(|(before, after)| pairs(before, after).ok()) else {
        return Vec::new();
    };
    let pack_digest = after.evaluation.as_ref().map(|one| one.pack_digest.clone()).unwrap_or_default();
    // In the order of the pack.
    let changed = (0u32..).zip(pairs).filter(|(_, (one, other))| one.predicted() != other.predicted());
    let flip = |(position, (one, other)): (u32, Pair<'_>)| Flip {
        cell: after.cell.clone(),
        against: against.to_owned(),
        id: ExampleId { pack_digest: pack_digest.clone(), example: other.example },
        position,
        label: other.label,
        before: one.predicted(),
        after: other.predicted(),
    };
    let mut found: Vec<Flip> = changed.map(flip).collect();
    found.sort_by_key(|one| one.id.example);
    found
}
