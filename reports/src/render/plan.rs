//! What a resolution costs, as a table for a terminal.

use super::TerminalOptions;
use super::figures::{count, plural};
use super::outside::printable;
use crate::gate::PlanRow;

/// One line a cell; a note where the history says too little. Ends with a line break.
pub fn plan(rows: &[PlanRow], resolution: f64, runs: usize, options: TerminalOptions) -> String {
    let runs = plural(runs, "run", "runs");
    if rows.is_empty() {
        return format!("too little history in {runs}: a cell needs five blocks that count\n");
    }
    let name = |row: &PlanRow| printable(&row.cell.path());
    let widest = rows.iter().map(|row| name(row).chars().count()).max().unwrap_or(0);
    let width = widest.min(options.width.saturating_sub(40)).max(4);
    let mut text = format!("to find a change of {:.2} %, from {runs}:\n", resolution * 100.0);
    text.push_str(&format!("{:<width$}  {:>8}  {:>8}  {:>9}\n", "cell", "noise", "pairs", "minutes"));
    for row in rows {
        let (noise, minutes) =
            (format!("{:.2} %", row.pair_deviation * 100.0), format!("{:.1}", row.minutes()));
        text.push_str(&format!(
            "{:<width$}  {noise:>8}  {:>8}  {minutes:>9}\n",
            name(row),
            count(u64::from(row.pairs))
        ));
    }
    let total: f64 = rows.iter().map(PlanRow::minutes).sum();
    text.push_str(&format!("all of them one after another: {total:.0} minutes\n"));
    text
}
