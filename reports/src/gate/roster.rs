//! Which cells a gate asks for, and whether each of them is there to be judged.
//!
//! A cell that the baseline has, that the policy requires, or that the candidate planned is asked for. Nothing makes a
//! cell disappear: not a renamed variant, not a device that was not switched on, not a suite that lost a model.

use std::collections::BTreeSet;

use super::Inputs;
use crate::record::{Cell, CellRecord, Outcome, RunRecord};
use crate::verdict::Verdict;

/// A cell that is asked for.
pub(super) struct Entry {
    pub(super) cell: Cell,
    pub(super) standing: Standing,
}

/// Whether it can be judged.
pub(super) enum Standing {
    /// It was measured: positions in the candidate's and the baseline's cells.
    Measured { candidate: usize, baseline: Option<usize> },
    /// It was not.
    Absent { verdict: Verdict, why: String },
}

/// Ordered by name, whatever the order in the records.
pub(super) fn roster(inputs: &Inputs<'_>) -> Vec<Entry> {
    let mut cells: BTreeSet<Cell> = inputs.candidate.cells.iter().map(|one| one.cell.clone()).collect();
    cells.extend(inputs.baseline.iter().flat_map(|run| &run.cells).map(|one| one.cell.clone()));
    let required = required(inputs, &cells);
    cells.extend(required);
    cells.into_iter().map(|cell| Entry { standing: standing(inputs, &cell), cell }).collect()
}

/// Cells of the policy that no run has in any form: with our own runtime and one thread, as a first run has them.
fn required(inputs: &Inputs<'_>, there: &BTreeSet<Cell>) -> Vec<Cell> {
    let wanted = &inputs.policy.required;
    let mut missing = Vec::new();
    for device in &wanted.devices {
        for model in &wanted.models {
            for variant in &wanted.variants {
                let is_this =
                    |cell: &Cell| cell.device == *device && cell.model == *model && cell.variant == *variant;
                if !there.iter().any(is_this) {
                    let [device, model, variant] = [device, model, variant].map(String::to_owned);
                    missing.push(Cell {
                        device,
                        model,
                        variant,
                        runtime: "edgebench".to_owned(),
                        threads: 1,
                    });
                }
            }
        }
    }
    missing
}

fn standing(inputs: &Inputs<'_>, cell: &Cell) -> Standing {
    let absent = |verdict, why: String| Standing::Absent { verdict, why };
    let mine = positions(inputs.candidate, cell);
    let candidate = match mine.as_slice() {
        [] => return absent(Verdict::Missing, missing(inputs, cell)),
        [only] => *only,
        _ => {
            return absent(
                Verdict::Invalid,
                format!("recorded {} times: which one counts is not said", mine.len()),
            );
        }
    };
    if let Some((verdict, why)) = trouble(&inputs.candidate.cells[candidate]) {
        return absent(verdict, why);
    }
    let Some(baseline) = inputs.baseline else { return Standing::Measured { candidate, baseline: None } };
    let baseline = match positions(baseline, cell).as_slice() {
        [] => None,
        [only] => match trouble(&baseline.cells[*only]) {
            None => Some(*only),
            Some((_, why)) => {
                return absent(Verdict::Inconclusive, format!("the baseline has no figures of it: {why}"));
            }
        },
        many => {
            let why = format!("the baseline has it {} times: which one counts is not said", many.len());
            return absent(Verdict::Invalid, why);
        }
    };
    Standing::Measured { candidate, baseline }
}

fn positions(run: &RunRecord, cell: &Cell) -> Vec<usize> {
    run.cells.iter().enumerate().filter(|(_, one)| one.cell == *cell).map(|(at, _)| at).collect()
}

fn missing(inputs: &Inputs<'_>, cell: &Cell) -> String {
    let device = inputs.candidate.devices.iter().find(|device| device.name == cell.device);
    match device.and_then(|device| device.problem.as_ref()) {
        Some(problem) => format!("the device could not be used: {problem}"),
        None if device.is_none() => "the run has no such device".to_owned(),
        None => "the run has no such cell".to_owned(),
    }
}

fn trouble(record: &CellRecord) -> Option<(Verdict, String)> {
    match &record.outcome {
        Outcome::Complete => None,
        Outcome::Failed { stage, reason } => Some((Verdict::Invalid, format!("failed at {stage}: {reason}"))),
        Outcome::Unfinished => {
            Some((Verdict::Missing, "the run was stopped before it was measured".to_owned()))
        }
    }
}
