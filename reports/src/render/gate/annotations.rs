//! Workflow commands that GitHub shows beside a change: one an offending cell, within the number that it shows.

use super::{cell_name, deciding, worst_first};
use crate::gate::GateReport;
use crate::verdict::Verdict;

/// GitHub shows ten errors and ten warnings of a step.
const SHOWN: usize = 10;

/// One line a cell that does not pass. Text that came from outside cannot end the command or begin another one.
pub fn annotations(report: &GateReport) -> String {
    let cells = worst_first(report);
    let line = |kind: &str, cell: &crate::gate::CellVerdict| {
        let title = format!("{} {}", cell.verdict.word(), cell_name(&cell.cell));
        format!("::{kind} title={}::{}\n", property(&title), data(&deciding(cell)))
    };
    let is_error =
        |verdict: Verdict| matches!(verdict, Verdict::Regressed | Verdict::Missing | Verdict::Invalid);
    let errors =
        cells.iter().filter(|cell| is_error(cell.verdict)).take(SHOWN).map(|cell| line("error", cell));
    let warnings = cells
        .iter()
        .filter(|cell| matches!(cell.verdict, Verdict::Inconclusive | Verdict::Waived))
        .take(SHOWN)
        .map(|cell| line("warning", cell));
    errors.chain(warnings).collect()
}

/// Escapes of the runner's own toolkit (actions/toolkit, core/src/command.ts).
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
