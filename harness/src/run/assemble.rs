//! From the entries of a journal to the record of the run. What a later attempt measured again replaces the earlier.

use edgebench_reports::record::{ArtifactRecord, BlockRecord, Cell, CellRecord, Outcome, RunRecord};

use super::entry::{Entry, Started};
use crate::plan::{StepId, StepKind};

/// The beginning of a run, when the journal has one.
pub(super) fn beginning(entries: &[Entry]) -> Option<&Started> {
    match entries.first() {
        Some(Entry::Started(started)) => Some(started),
        _ => None,
    }
}

/// Whether a step has its result in the journal.
pub(super) fn is_done(entries: &[Entry], step: StepId) -> bool {
    entries.iter().any(|entry| match (entry, step.kind) {
        (Entry::Block { cell, block }, StepKind::Block(number)) => {
            *cell == step.cell && block.block == number
        }
        (Entry::Evaluation { cell, .. }, StepKind::Evaluate)
        | (Entry::Profile { cell, .. }, StepKind::Profile) => *cell == step.cell,
        _ => false,
    })
}

/// The whole record. None when the journal has no beginning.
pub(super) fn record(entries: &[Entry]) -> Option<RunRecord> {
    let Started { run, cells, steps, .. } = beginning(entries)?;
    let mut record = RunRecord {
        run: run.clone(),
        devices: Vec::new(),
        artifacts: Vec::new(),
        cells: cells.iter().map(empty_cell).collect(),
    };
    for entry in entries {
        apply(&mut record, entry);
    }
    for (index, cell) in (0u32..).zip(&mut record.cells) {
        let planned = steps.iter().filter(|step| step.cell == index);
        cell.blocks.sort_by_key(|block| block.block);
        cell.outcome = outcome(entries, index, planned);
    }
    Some(record)
}

fn empty_cell(cell: &Cell) -> CellRecord {
    CellRecord {
        cell: cell.clone(),
        outcome: Outcome::Unfinished,
        memory: None,
        blocks: Vec::new(),
        evaluation: None,
        ops: Vec::new(),
    }
}

fn apply(record: &mut RunRecord, entry: &Entry) {
    match entry {
        Entry::Started(_) | Entry::Failed { .. } | Entry::Resumed { .. } | Entry::Again { .. } => {}
        Entry::Artifact(artifact) => {
            let same = |known: &&mut _| same_artifact(known, artifact);
            replace_or_push(&mut record.artifacts, same, artifact.clone());
        }
        Entry::Device(device) => {
            replace_or_push(&mut record.devices, |known| known.name == device.name, device.clone());
        }
        Entry::Memory { cell, memory } => {
            if let Some(cell) = record.cells.get_mut(*cell as usize) {
                cell.memory = Some(memory.clone());
            }
        }
        Entry::Block { cell, block } => {
            if let Some(cell) = record.cells.get_mut(*cell as usize) {
                let same = |known: &&mut BlockRecord| known.block == block.block;
                replace_or_push(&mut cell.blocks, same, block.clone());
            }
        }
        Entry::Evaluation { cell, evaluation } => {
            if let Some(cell) = record.cells.get_mut(*cell as usize) {
                cell.evaluation = Some(evaluation.clone());
            }
        }
        Entry::Profile { cell, ops } => {
            if let Some(cell) = record.cells.get_mut(*cell as usize) {
                cell.ops = ops.clone();
            }
        }
        Entry::Finished { at } => record.run.finished_at = Some(at.clone()),
    }
}

fn same_artifact(known: &ArtifactRecord, new: &ArtifactRecord) -> bool {
    known.model == new.model && known.variant == new.variant
}

fn replace_or_push<T>(list: &mut Vec<T>, same: impl Fn(&&mut T) -> bool, new: T) {
    match list.iter_mut().find(same) {
        Some(known) => *known = new,
        None => list.push(new),
    }
}

/// Complete when every planned step is there; else the newest failure, if one is newer than the last attempt's start.
fn outcome<'a>(entries: &[Entry], index: u32, mut planned: impl Iterator<Item = &'a StepId>) -> Outcome {
    if planned.all(|step| is_done(entries, *step)) {
        return Outcome::Complete;
    }
    for entry in entries.iter().rev() {
        match entry {
            Entry::Failed { cell, stage, reason, .. } if *cell == index => {
                return Outcome::Failed { stage: stage.clone(), reason: reason.clone() };
            }
            Entry::Resumed { .. } => break,
            _ => {}
        }
    }
    Outcome::Unfinished
}
